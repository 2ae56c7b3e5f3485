//! Captures as pcapng files.

use std::borrow::Cow;

use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::{DataLink, PcapResult};

use crate::record::Capture;

/// The capture as a pcapng file with one interface of link type RAW (101): IPv4 and IPv6 packets without a frame. Times are nanoseconds
/// since the start of the run; comments stand at their packets.
pub fn write(capture: &Capture) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(capture.packets.iter().map(|(_, packet, _)| packet.len() + 64).sum());
    let written = write_to(capture, &mut bytes);
    debug_assert!(written.is_ok(), "memory takes everything and the one interface is described first");
    bytes
}

fn write_to(capture: &Capture, bytes: &mut Vec<u8>) -> PcapResult<()> {
    let mut writer = PcapNgWriter::new(bytes)?;
    let mut options = vec![
        InterfaceDescriptionOption::IfName(Cow::Borrowed(&capture.name)),
        InterfaceDescriptionOption::IfDescription(Cow::Borrowed(&capture.link)),
        InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
    ];
    if capture.skipped > 0 {
        let skipped = format!("{} more packets were not kept", capture.skipped);
        options.insert(0, InterfaceDescriptionOption::Comment(Cow::Owned(skipped)));
    }
    writer.write_pcapng_block(InterfaceDescriptionBlock { linktype: DataLink::RAW, snaplen: 0, options })?;
    for (at, packet, comment) in &capture.packets {
        let comment =
            comment.iter().map(|comment| EnhancedPacketOption::Comment(Cow::Borrowed(bounded(comment))));
        writer.write_pcapng_block(EnhancedPacketBlock {
            interface_id: 0,
            timestamp: core::time::Duration::from_nanos(at.as_nanos()),
            original_len: packet.len() as u32,
            data: Cow::Borrowed(packet),
            options: comment.collect(),
        })?;
    }
    Ok(())
}

/// An option's length has 16 bits.
fn bounded(comment: &str) -> &str {
    let mut end = comment.len().min(COMMENT_MAX);
    while !comment.is_char_boundary(end) {
        end -= 1;
    }
    &comment[..end]
}

/// `if_tsresol`: the negative power of ten.
const NANOSECONDS: u8 = 9;
const COMMENT_MAX: usize = 8_192;
