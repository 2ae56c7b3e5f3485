use super::*;
use crate::base::{Instant, Payload, SiteId};

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

fn payload(text: &str) -> Payload {
    Payload::from(text.as_bytes().to_vec())
}

/// Runs a client alone until it is over; the times of what happened, in milliseconds.
fn run_client(mut client: Client, limit_ms: u64) -> Vec<(u64, ClientDue)> {
    let mut seen = Vec::new();
    while let Some(next) = client.poll_timeout().filter(|next| *next <= at(limit_ms)) {
        while let Some(due) = client.handle_timeout(next) {
            seen.push((next.as_millis(), due));
        }
    }
    seen
}

#[test]
fn invite_client_over_udp_retransmits_seven_times_and_times_out_after_32_s() {
    let seen = run_client(Client::new(true, false, at(0)), 100_000);
    let times: Vec<u64> = seen.iter().map(|(ms, _)| *ms).collect();
    assert_eq!(times, [500, 1_500, 3_500, 7_500, 15_500, 31_500, 32_000]);
    assert_eq!(seen.last().map(|s| s.1), Some(ClientDue::TimedOut));
}

#[test]
fn invite_client_over_tcp_never_retransmits() {
    assert_eq!(run_client(Client::new(true, true, at(0)), 100_000), [(32_000, ClientDue::TimedOut)]);
}

#[test]
fn other_client_over_udp_retransmits_at_most_every_4_s() {
    let seen = run_client(Client::new(false, false, at(0)), 100_000);
    let times: Vec<u64> = seen.iter().map(|(ms, _)| *ms).collect();
    assert_eq!(times, [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500, 32_000]);
}

#[test]
fn provisional_stops_invite_timers_and_slows_others() {
    let mut invite = Client::new(true, false, at(0));
    assert_eq!(invite.handle_response(at(100), 180), Heard { pass_up: true, acknowledge: false });
    assert_eq!(invite.poll_timeout(), None);
    let mut other = Client::new(false, false, at(0));
    assert!(other.handle_response(at(100), 100).pass_up);
    assert_eq!(other.poll_timeout(), Some(at(4_100)));
}

#[test]
fn invite_client_acknowledges_each_error_but_passes_the_first() {
    let mut client = Client::new(true, false, at(0));
    assert_eq!(client.handle_response(at(10), 486), Heard { pass_up: true, acknowledge: true });
    assert_eq!(client.handle_response(at(20), 486), Heard { pass_up: false, acknowledge: true });
    assert_eq!(client.handle_response(at(30), 200), Heard::default());
    assert_eq!(client.handle_timeout(at(32_010)), Some(ClientDue::Ended));
    assert_eq!(client.handle_response(at(40_000), 486), Heard::default());
}

#[test]
fn invite_client_passes_every_2xx_for_32_s() {
    let mut client = Client::new(true, false, at(0));
    assert!(client.handle_response(at(10), 200).pass_up);
    assert!(client.handle_response(at(510), 200).pass_up);
    assert!(!client.handle_response(at(511), 486).pass_up);
    assert_eq!(client.handle_timeout(at(32_010)), Some(ClientDue::Ended));
    assert!(!client.handle_response(at(32_011), 200).pass_up);
}

#[test]
fn other_client_absorbs_repeated_finals_for_5_s_over_udp_and_not_at_all_over_tcp() {
    let mut client = Client::new(false, false, at(0));
    assert!(client.handle_response(at(10), 200).pass_up);
    assert!(!client.handle_response(at(20), 200).pass_up);
    assert_eq!(client.poll_timeout(), Some(at(5_010)));
    let mut client = Client::new(false, true, at(0));
    assert!(client.handle_response(at(10), 200).pass_up);
    assert_eq!(client.handle_timeout(at(10)), Some(ClientDue::Ended));
}

#[test]
fn invite_server_repeats_errors_until_the_ack() {
    let mut server = Server::new(true, false);
    assert!(server.respond(at(0), 100, &payload("100")));
    assert_eq!(server.handle_retransmission(), Some(payload("100")));
    assert!(server.respond(at(10), 486, &payload("486")));
    assert!(!server.respond(at(11), 200, &payload("200")), "one final response only");
    assert_eq!(server.handle_timeout(at(510)), Some(ServerDue::Retransmit(payload("486"))));
    assert_eq!(server.poll_timeout(), Some(at(1_510)));
    assert!(server.handle_ack(at(600)));
    assert_eq!(server.handle_retransmission(), None);
    assert!(server.handle_ack(at(700)), "a repeated ACK is absorbed");
    assert_eq!(server.handle_timeout(at(5_600)), Some(ServerDue::Ended));
    assert!(server.is_terminated());
}

#[test]
fn invite_server_without_ack_gives_up_after_32_s() {
    let mut server = Server::new(true, true);
    assert!(server.respond(at(0), 486, &payload("486")));
    assert_eq!(server.poll_timeout(), Some(at(32_000)), "no timer G over TCP");
    assert_eq!(server.handle_timeout(at(32_000)), Some(ServerDue::Unacknowledged));
}

#[test]
fn invite_server_after_2xx_absorbs_invites_and_lets_acks_and_2xx_pass() {
    let mut server = Server::new(true, false);
    assert!(server.respond(at(0), 200, &payload("200")));
    assert_eq!(server.handle_retransmission(), None);
    assert!(server.respond(at(500), 200, &payload("200")));
    assert!(!server.handle_ack(at(600)));
    assert_eq!(server.handle_timeout(at(32_000)), Some(ServerDue::Ended));
}

#[test]
fn other_server_repeats_its_response_when_the_request_comes_again() {
    let mut server = Server::new(false, false);
    assert_eq!(server.handle_retransmission(), None);
    assert!(server.respond(at(0), 200, &payload("200")));
    assert_eq!(server.handle_retransmission(), Some(payload("200")));
    assert_eq!(server.handle_timeout(at(32_000)), Some(ServerDue::Ended));
    let mut server = Server::new(false, true);
    assert!(server.respond(at(0), 200, &payload("200")));
    assert_eq!(server.poll_timeout(), Some(at(0)), "no timer J over TCP");
}

#[test]
fn keys_join_ack_and_cancel_with_their_invite_and_keep_sites_apart() {
    let legacy = LegacyParts { request_uri: "sip:b@x", from_tag: "1", call_id: "c", cseq: 1, via: "v" };
    let key = |site, branch, method| ServerKey::new(site, Some(branch), "10.0.0.1:5060", method, legacy);
    let invite = key(Some(SiteId(0)), "z9hG4bKa", "INVITE");
    assert_eq!(invite, key(Some(SiteId(0)), "z9hG4bKa", "ACK"));
    assert_ne!(invite, key(Some(SiteId(1)), "z9hG4bKa", "INVITE"));
    assert_ne!(invite, key(None, "z9hG4bKa", "INVITE"));
    let cancel = key(Some(SiteId(0)), "z9hG4bKa", "CANCEL");
    assert_ne!(invite, cancel);
    assert_eq!(invite, cancel.of_invite());
}

#[test]
fn rfc_2543_branches_are_not_trusted_to_be_unique() {
    let key = |branch, cseq| {
        let legacy = LegacyParts { request_uri: "sip:b@x", from_tag: "1", call_id: "c", cseq, via: "v" };
        ServerKey::new(None, branch, "h", "INVITE", legacy)
    };
    assert_ne!(key(Some("1"), 1), key(Some("1"), 2));
    assert_ne!(key(None, 1), key(None, 2));
    assert_eq!(key(None, 1), key(None, 1));
}
