use core::net::SocketAddr;

use super::*;
use crate::base::{Duration, Instant, Payload};
use crate::config::limits::{
    HOST_SIP_CONNECTIONS_MAX, SIP_CONNECTION_IDLE, SIP_CONNECTION_MUTE, SIP_CONNECTIONS_MAX,
};
use crate::io::{ConnId, ConnNames, Output};

const NOW: Instant = Instant::from_millis(1_000);

fn table() -> Connections {
    Connections::new(ConnNames::new(1, 2))
}

fn peer(number: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, (number / HOST_SIP_CONNECTIONS_MAX) as u8, 1], 1_024 + number as u16))
}

/// What was closed.
fn closed(table: &mut Connections) -> Vec<ConnId> {
    let outputs = core::iter::from_fn(|| table.poll());
    outputs
        .filter_map(|arrived| match arrived {
            Arrived::Io(Output::Close(conn)) => Some(conn),
            _ => None,
        })
        .collect()
}

#[test]
fn all_hosts_together_have_a_bounded_number_of_connections() {
    let mut table = table();
    for number in 0..SIP_CONNECTIONS_MAX {
        table.handle_accepted(NOW, ConnId::Accepted(number as u64), 1, peer(number));
    }
    assert!(closed(&mut table).is_empty());
    let late = ConnId::Accepted(SIP_CONNECTIONS_MAX as u64);
    table.handle_accepted(NOW, late, 1, peer(SIP_CONNECTIONS_MAX));
    assert_eq!(closed(&mut table), [late]);
    let message = || Payload::from(b"x".to_vec());
    assert!(!table.send(NOW, 1, peer(SIP_CONNECTIONS_MAX), message(), true), "nor is one opened");
    assert!(table.send(NOW, 1, peer(0), message(), true));
}

#[test]
fn who_connects_and_says_nothing_is_not_kept_long() {
    let mut table = table();
    let (mute, speaks) = (ConnId::Accepted(1), ConnId::Accepted(2));
    table.handle_accepted(NOW, mute, 1, peer(1));
    table.handle_accepted(NOW, speaks, 1, peer(2));
    table.handle_received(NOW, speaks, b"\r\n\r\n");
    let later = NOW + SIP_CONNECTION_MUTE;
    table.handle_timeout(later);
    assert_eq!(closed(&mut table), [mute]);
    table.handle_timeout(later + SIP_CONNECTION_IDLE - Duration::from_secs(60));
    assert!(closed(&mut table).is_empty());
    table.handle_timeout(later + SIP_CONNECTION_IDLE);
    assert_eq!(closed(&mut table), [speaks]);
}
