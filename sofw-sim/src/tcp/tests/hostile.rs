//! Segments made up by an enemy on the path: no panic, whatever they say.

use proptest::prelude::*;

use super::net::{Net, Side, ms};
use crate::tcp::{Flags, Head, Options, TcpConfig};

/// A made-up segment; numbers are relative to an honest one.
#[derive(Clone, Debug)]
struct Made {
    seq: i32,
    ack: Option<i32>,
    bits: u8,
    window: u16,
    sack: [Option<(i32, i32)>; 3],
    timestamps: Option<(u32, u32)>,
    len: usize,
    pause_ms: u64,
}

impl Made {
    fn head(&self, like: &Head) -> Head {
        let own = like.ack.unwrap_or(0);
        let bit = |bit: u8| self.bits & bit != 0;
        // SYN, FIN and RST are rarer than data: they end most of what could go wrong later.
        let flags = Flags {
            syn: bit(1) && bit(2),
            fin: bit(4) && bit(8),
            rst: bit(1) && bit(4) && bit(16),
            psh: bit(32),
        };
        let place = |offset: i32| own.wrapping_add_signed(offset);
        Head {
            seq: like.seq.wrapping_add_signed(self.seq),
            ack: self.ack.map(place),
            flags,
            window: self.window,
            options: Options {
                sack: self.sack.map(|block| block.map(|(start, end)| (place(start), place(end)))),
                timestamps: self.timestamps,
                ..Options::default()
            },
            ..*like
        }
    }
}

fn offset() -> impl Strategy<Value = i32> {
    prop_oneof![4 => -3_000i32..40_000, 1 => any::<i32>()]
}

fn made() -> impl Strategy<Value = Made> {
    let block = || prop::option::of((offset(), offset()));
    let numbers = (offset(), prop::option::weighted(0.9, offset()), any::<u8>(), any::<u16>());
    let options = ([block(), block(), block()], prop::option::of(any::<(u32, u32)>()));
    (numbers, options, 0usize..1460, 0u64..400).prop_map(
        |((seq, ack, bits, window), (sack, timestamps), len, pause_ms)| Made {
            seq,
            ack,
            bits,
            window,
            sack,
            timestamps,
            len,
            pause_ms,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn made_up_segments_cause_no_panic(segments in prop::collection::vec(made(), 1..40), opened in any::<bool>()) {
        let (mut net, near, _) = Net::open(TcpConfig { send_buffer: 60_000, ..TcpConfig::default() });
        net.write(near, &[1; 60_000]);
        net.run(ms(if opened { 85 } else { 20 }));
        let like = net.log.iter().rev().find(|wire| wire.from == Side::Far).expect("the far side answered").head;
        for made in segments {
            net.near.handle_segment(net.now, &made.head(&like), &vec![2; made.len]);
            net.run(ms(made.pause_ms));
            prop_assert!(net.near.len() <= 1);
        }
    }
}
