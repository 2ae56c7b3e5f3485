//! The 16-bit sequence numbers of voice frames: given out per flow, and watched for what does not come.

use crate::tunnel::frame::FlowId;

/// One number per flow, in a table indexed by [`FlowId::index`] that grows as flows appear (at most 16,384 entries).
#[derive(Debug, Default)]
pub(super) struct Sequences {
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// The flow id plus one; 0 if none yet. Another generation starts anew.
    flow: u32,
    number: u16,
}

impl Sequences {
    /// The next number of `flow`.
    pub(super) fn next(&mut self, flow: FlowId) -> u16 {
        let entry = self.entry(flow);
        if entry.flow != flow.0 + 1 {
            *entry = Entry { flow: flow.0 + 1, number: 0 };
        }
        let number = entry.number;
        entry.number = number.wrapping_add(1);
        number
    }

    /// Notes that `number` arrived. Gives by how much the count of missing datagrams changes.
    pub(super) fn arrived(&mut self, flow: FlowId, number: u16) -> i64 {
        let entry = self.entry(flow);
        if entry.flow != flow.0 + 1 {
            *entry = Entry { flow: flow.0 + 1, number };
            return 0;
        }
        // RFC 1982 arithmetic: the shorter way round the circle.
        match number.wrapping_sub(entry.number) as i16 {
            ahead @ 1.. => {
                entry.number = number;
                i64::from(ahead) - 1
            }
            0 => 0,
            _ => -1,
        }
    }

    fn entry(&mut self, flow: FlowId) -> &mut Entry {
        let index = flow.index();
        if index >= self.entries.len() {
            self.entries.resize(index + 1, Entry::default());
        }
        &mut self.entries[index]
    }
}
