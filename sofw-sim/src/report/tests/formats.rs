use std::time::Duration;

use pcap_file::DataLink;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketOption;
use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionOption;
use pcap_file::pcapng::{Block, PcapNgReader};

use super::sample::record;
use super::well_formed::elements;
use crate::report::{Summary, junit, pcap};

#[test]
fn junit_has_a_case_for_each_finding_and_failures_say_how_to_repeat() {
    let xml = junit::xml(&[Summary::of(&record())]);
    let elements = elements(&xml).unwrap();
    let count = |name: &str| elements.iter().filter(|element| *element == name).count();
    assert_eq!((count("testsuite"), count("testcase"), count("failure")), (1, 5, 2));
    assert!(xml.contains(r#"<testsuites name="sofw-sim" tests="5" failures="2""#));
    assert!(xml.contains(r#"message="measured packet of call a1 heard in b2, expected no foreign packet""#));
    assert!(xml.contains("replay: sofw-sim run tunnel_outage.toml --seeds 17..18</failure>"));
    assert!(xml.contains("name=\"mos of carol-&gt;anna &gt;= 4.2\""));
}

#[test]
fn characters_that_xml_lacks_do_not_reach_it() {
    let mut record = record();
    record.findings[1].measured = "\u{1}\u{1b}[31m\"<&>'\n".to_owned();
    let xml = junit::xml(&[Summary::of(&record)]);
    elements(&xml).unwrap();
    assert!(!xml.contains('\u{1b}') && xml.contains("[31m&quot;&lt;&amp;&gt;&#39;&#10;"));
}

#[test]
fn captures_are_read_back_with_nanoseconds_and_comments() {
    let capture = &record().captures[0];
    let bytes = pcap::write(capture);
    let mut reader = PcapNgReader::new(&bytes[..]).unwrap();
    let mut packets = Vec::new();
    while let Some(block) = reader.next_block() {
        match block.unwrap().into_owned() {
            Block::InterfaceDescription(interface) => {
                assert_eq!(interface.linktype, DataLink::RAW);
                assert!(interface.options.contains(&InterfaceDescriptionOption::IfTsResol(9)));
                assert!(
                    interface.options.contains(&InterfaceDescriptionOption::IfName("outer office".into()))
                );
                assert!(
                    interface.options.contains(&InterfaceDescriptionOption::Comment(
                        "3 more packets were not kept".into()
                    ))
                );
            }
            Block::EnhancedPacket(packet) => packets.push(packet),
            _ => {}
        }
    }
    assert_eq!(packets.len(), 2);
    assert_eq!(packets[0].timestamp, Duration::from_nanos(1_500_000_001));
    assert_eq!(packets[0].options, [EnhancedPacketOption::Comment("call a1".into())]);
    assert_eq!((packets[1].data.as_ref(), packets[1].options.len()), (&capture.packets[1].1[..], 0));
}

#[test]
fn a_comment_longer_than_an_option_is_cut() {
    let mut capture = record().captures.remove(0);
    capture.packets[0].2 = Some("ü".repeat(70_000));
    let bytes = pcap::write(&capture);
    let mut reader = PcapNgReader::new(&bytes[..]).unwrap();
    let mut blocks = 0;
    while let Some(block) = reader.next_block() {
        block.unwrap();
        blocks += 1;
    }
    assert_eq!(blocks, 3);
}
