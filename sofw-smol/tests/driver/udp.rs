//! Datagrams and their sockets.

use std::net::UdpSocket;
use std::sync::mpsc::channel;
use std::time::Duration;

use sofw_core::io::{Input, IoError, ListenerId, Output, SocketId};
use sofw_smol::clock::Clock;
use sofw_smol::driver::Options;

use super::toy::{PATIENCE, Toy, bounded, loopback, payload, start, start_with};

fn echo(sockets: u16) -> Toy {
    let bind = |port| Output::Bind { socket: SocketId::Media(port), addr: loopback(0) };
    Toy::new((0..sockets).map(bind), |_, input, out| {
        if let Input::Datagram { socket, from, bytes } = input {
            out.push_back(Output::Send { socket, to: from, payload: payload(bytes) });
        }
    })
}

fn echoes_all(gather: Duration, sockets: u16, per_socket: u32) {
    let running = start_with(echo(sockets), Options { gather, ..Options::new(Clock::start()) });
    let places: Vec<_> = (0..sockets).map(|_| running.place()).collect();
    let client = UdpSocket::bind(loopback(0)).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut total = 0;
    for round in 0..per_socket {
        for place in &places {
            client.send_to(&round.to_be_bytes(), place).unwrap();
        }
        // As many as one receive buffer surely holds, so that none is lost on loopback.
        for _ in &places {
            let (len, from) = client.recv_from(&mut [0; 64]).unwrap();
            assert!(len == 4 && places.contains(&from));
            total += 1;
        }
    }
    let ended = running.stop();
    assert_eq!(total, u64::from(per_socket) * u64::from(sockets));
    assert_eq!((ended.stats.datagrams_in, ended.stats.datagrams_out), (total, total));
    assert_eq!((ended.stats.send_drops, ended.stats.misuses), (0, 0));
    assert!(ended.stats.rounds < total, "datagrams of one wake-up are one batch");
}

#[test]
fn datagrams_come_back_at_once() {
    echoes_all(Duration::ZERO, 40, 20);
}

#[test]
fn datagrams_come_back_gathered() {
    echoes_all(Duration::from_millis(1), 40, 20);
}

#[test]
fn many_sockets_on_one_wait() {
    echoes_all(Duration::from_millis(1), 200, 3);
}

#[test]
fn several_datagrams_of_one_socket_leave_in_order() {
    let bind = Output::Bind { socket: SocketId::Sip(0), addr: loopback(0) };
    let running = start(Toy::new([bind], |_, input, out| {
        if let Input::Datagram { socket, from, .. } = input {
            let send = |n: u8| Output::Send { socket, to: from, payload: payload(&[n]) };
            out.extend((0..100).map(send));
        }
    }));
    let client = UdpSocket::bind(loopback(0)).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.send_to(b"go", running.place()).unwrap();
    for n in 0..100 {
        let mut buffer = [0; 2];
        assert_eq!(client.recv_from(&mut buffer).unwrap().0, 1);
        assert_eq!(buffer[0], n);
    }
}

#[test]
fn ipv6_addresses_survive_both_ways() {
    let Ok(client) = UdpSocket::bind("[::1]:0") else {
        println!("no IPv6 on this machine's loopback: nothing to test");
        return;
    };
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let bind = Output::Bind { socket: SocketId::Media(0), addr: "[::1]:0".parse().unwrap() };
    let running = start(Toy::new([bind], |_, input, out| {
        if let Input::Datagram { socket, from, .. } = input {
            out.push_back(Output::Send { socket, to: from, payload: payload(from.to_string().as_bytes()) });
        }
    }));
    let place = running.place();
    client.send_to(b"who am I", place).unwrap();
    let mut buffer = [0; 64];
    let (len, from) = client.recv_from(&mut buffer).unwrap();
    assert_eq!(from, place);
    assert_eq!(&buffer[..len], client.local_addr().unwrap().to_string().as_bytes());
    running.stop();
}

#[test]
fn an_oversize_media_datagram_is_dropped_and_counted() {
    let running = start(echo(1));
    let place = running.place();
    let client = UdpSocket::bind(loopback(0)).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.send_to(&[7; 4000], place).unwrap();
    client.send_to(b"short", place).unwrap();
    let mut buffer = [0; 64];
    assert_eq!(client.recv(&mut buffer).unwrap(), 5);
    assert_eq!(running.stop().stats.oversize, 1);
}

#[test]
fn sockets_that_cannot_be_opened_say_why() {
    let taken = UdpSocket::bind(loopback(0)).unwrap();
    let listening = std::net::TcpListener::bind(loopback(0)).unwrap();
    let (tell, told) = channel();
    let outputs = [
        Output::Bind { socket: SocketId::Media(1), addr: taken.local_addr().unwrap() },
        Output::Bind { socket: SocketId::Media(2), addr: "192.0.2.77:4000".parse().unwrap() },
        Output::Listen { listener: ListenerId::Sip(3), addr: listening.local_addr().unwrap() },
        Output::Listen { listener: ListenerId::Sip(4), addr: "192.0.2.77:4000".parse().unwrap() },
    ];
    let running = start(Toy::new(outputs, move |_, input, _| {
        tell.send(match input {
            Input::BindFailed(SocketId::Media(n), error) => (n, error),
            Input::ListenFailed(ListenerId::Sip(n), error) => (n, error),
            other => panic!("{other:?}"),
        })
        .unwrap();
    }));
    let next = || told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(next(), (1, IoError::AddressInUse));
    assert_eq!(next(), (2, IoError::AddressNotLocal));
    assert_eq!(next(), (3, IoError::AddressInUse));
    assert_eq!(next(), (4, IoError::AddressNotLocal));
    running.stop();
}

#[test]
fn an_unbound_port_is_free_again() {
    let running = start(echo(1));
    let place = running.place();
    assert!(UdpSocket::bind(place).is_err());
    let unbind = |toy: &mut Toy, _| toy.out.push_back(Output::Unbind(SocketId::Media(0)));
    bounded(running.handle.with(unbind)).unwrap();
    // The next question is answered after the outputs of the first were carried out.
    bounded(running.handle.with(|_, _| ())).unwrap();
    UdpSocket::bind(place).unwrap();
    running.stop();
}
