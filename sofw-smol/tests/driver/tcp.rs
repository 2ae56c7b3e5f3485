//! Connections.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::channel;

use sofw_core::io::{ConnId, Endpoint, Input, IoError, ListenerId, Output};

use super::toy::{PATIENCE, Toy, bounded, loopback, payload, start};

fn listen() -> Output {
    Output::Listen { listener: ListenerId::Tunnel(0), addr: loopback(0) }
}

fn client(to: std::net::SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

#[test]
fn bytes_come_back_until_the_peer_ends() {
    let (tell, told) = channel();
    let running = start(Toy::new([listen()], move |_, input, out| match input {
        Input::Received { conn, bytes } => out.push_back(Output::Write { conn, payload: payload(bytes) }),
        Input::Closed(conn, why) => tell.send((conn, why)).unwrap(),
        _ => {}
    }));
    let place = running.place();
    for n in 0..3 {
        let mut client = client(place);
        client.write_all(b"hello").unwrap();
        let mut answer = [0; 5];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"hello");
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), (ConnId::Accepted(n), None));
        assert_eq!(client.read(&mut answer).unwrap(), 0);
    }
    running.stop();
}

#[test]
fn a_reset_is_told_once() {
    let (tell, told) = channel();
    let running = start(Toy::new([listen()], move |_, input, out| match input {
        // Enough that some of it still waits here when the reset comes.
        Input::Accepted { conn, .. } => {
            out.push_back(Output::Write { conn, payload: payload(&vec![1; 32 << 20]) });
        }
        Input::Closed(conn, why) => tell.send((conn, why)).unwrap(),
        _ => {}
    }));
    let mut client = client(running.place());
    client.read_exact(&mut [0; 1]).unwrap();
    // Closing with unread bytes resets the connection.
    drop(client);
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), (ConnId::Accepted(0), Some(IoError::Reset)));
    bounded(running.handle.with(|_, _| ())).unwrap();
    assert!(told.try_recv().is_err());
    running.stop();
}

#[test]
fn many_connections_are_accepted_and_served() {
    let running = start(Toy::new([listen()], |_, input, out| {
        if let Input::Received { conn, bytes } = input {
            out.push_back(Output::Write { conn, payload: payload(bytes) });
        }
    }));
    let place = running.place();
    let mut clients: Vec<TcpStream> = (0..200).map(|_| client(place)).collect();
    for (n, client) in (0u32..).zip(&mut clients) {
        client.write_all(&n.to_be_bytes()).unwrap();
    }
    for (n, client) in (0u32..).zip(&mut clients) {
        let mut answer = [0; 4];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(u32::from_be_bytes(answer), n);
    }
    drop(clients);
    assert_eq!(running.stop().stats.misuses, 0);
}

#[test]
fn a_slow_reader_holds_back_written() {
    const CHUNK: usize = 1 << 20;
    const CHUNKS: u64 = 64;
    let (tell, told) = channel();
    let mut sent = 0;
    let running = start(Toy::new([listen()], move |_, input, out| match input {
        Input::Accepted { conn, .. } | Input::Written(conn) => {
            if matches!(input, Input::Written(_)) {
                tell.send(()).unwrap();
            }
            if sent < CHUNKS {
                sent += 1;
                out.push_back(Output::Write { conn, payload: payload(&vec![sent as u8; CHUNK]) });
            } else {
                out.push_back(Output::Close(conn));
            }
        }
        _ => {}
    }));
    let mut client = client(running.place());
    let mut first = [0; 1];
    client.read_exact(&mut first).unwrap();
    // The kernel's buffers hold some MiB, never all 64: the toy waits for Written.
    bounded(running.handle.with(|_, _| ())).unwrap();
    assert!(told.try_iter().count() < CHUNKS as usize);
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    assert_eq!(rest.len() + 1, CHUNK * CHUNKS as usize);
    assert!(rest.iter().zip(1..).all(|(byte, at)| *byte == (at / CHUNK + 1) as u8), "in order, none changed");
    running.stop();
}

#[test]
fn what_was_written_leaves_before_a_close() {
    const LEN: usize = 5 << 20;
    let running = start(Toy::new([listen()], |_, input, out| {
        if let Input::Received { conn, .. } = input {
            out.push_back(Output::Write { conn, payload: payload(&vec![9; LEN]) });
            out.push_back(Output::Close(conn));
        }
    }));
    let mut client = client(running.place());
    // More than is read: what is unread at the close must not turn into a reset that eats the answer.
    client.write_all(&[1; 10_000]).unwrap();
    let mut all = Vec::new();
    client.read_to_end(&mut all).unwrap();
    assert_eq!(all.len(), LEN);
    running.stop();
}

fn connects(to: Endpoint) -> (Result<(), IoError>, u64) {
    let (tell, told) = channel();
    let connect = Output::Connect { conn: ConnId::Opened(7), to };
    let running = start(Toy::new([connect], move |_, input, _| match input {
        Input::Connected { conn, .. } => tell.send((conn, Ok(()))).unwrap(),
        Input::ConnectFailed(conn, error) => tell.send((conn, Err(error))).unwrap(),
        _ => {}
    }));
    let (conn, result) = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(conn, ConnId::Opened(7));
    (result, running.stop().stats.misuses)
}

#[test]
fn connects_by_address_and_by_name() {
    let server = TcpListener::bind(loopback(0)).unwrap();
    let addr = server.local_addr().unwrap();
    assert_eq!(connects(Endpoint::Addr(addr)), (Ok(()), 0));
    assert_eq!(connects(Endpoint::Name("127.0.0.1".to_owned(), addr.port())), (Ok(()), 0));
    // Usually ::1 first, where nobody listens: the fallback is IPv4.
    assert_eq!(connects(Endpoint::Name("localhost".to_owned(), addr.port())), (Ok(()), 0));
}

#[test]
fn connects_that_fail_say_why() {
    let free = TcpListener::bind(loopback(0)).unwrap().local_addr().unwrap();
    assert_eq!(connects(Endpoint::Addr(free)).0, Err(IoError::Refused));
    let nobody = Endpoint::Name("no such name".to_owned(), 80);
    assert!(matches!(connects(nobody).0, Err(IoError::Other(text)) if text.contains("does not resolve")));
}

#[test]
fn a_connect_without_answer_times_out() {
    use socket2::{Domain, Socket, Type};

    // A listener whose queue is full drops further SYNs, as a firewall does.
    let deaf = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    deaf.bind(&loopback(0).into()).unwrap();
    deaf.listen(0).unwrap();
    let addr = deaf.local_addr().unwrap().as_socket().unwrap();
    let fill = || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None).unwrap();
        let _ = socket.connect(&addr.into());
        socket
    };
    let _filled = [fill(), fill(), fill()];
    assert_eq!(connects(Endpoint::Addr(addr)), (Err(IoError::TimedOut), 0));
}

#[test]
fn two_machines_talk_on_one_executor() {
    use smol::LocalExecutor;
    use sofw_smol::clock::Clock;
    use sofw_smol::driver::{Driver, Options};

    let server = Toy::new([listen()], |_, input, out| {
        if let Input::Received { conn, bytes } = input {
            out.push_back(Output::Write { conn, payload: payload(bytes) });
        }
    });
    let (tell, told) = smol::channel::unbounded();
    let client = Toy::new([], move |_, input, out| match input {
        Input::Connected { conn, .. } => out.push_back(Output::Write { conn, payload: payload(b"ping") }),
        Input::Received { bytes, .. } => tell.try_send(bytes.to_vec()).unwrap(),
        _ => {}
    });
    struct Port(smol::channel::Sender<std::net::SocketAddr>);
    impl sofw_smol::driver::Observer for Port {
        fn listening(&mut self, _: sofw_core::Instant, _: ListenerId, local: std::net::SocketAddr) {
            self.0.try_send(local).unwrap();
        }
    }
    let clock = Clock::start();
    let (tell_port, port) = smol::channel::unbounded();
    let (server, server_handle) = Driver::new(server, Port(tell_port), Options::new(clock)).unwrap();
    let (client, client_handle) = Driver::new(client, (), Options::new(clock)).unwrap();
    let executor = LocalExecutor::new();
    let server = executor.spawn(server.run());
    let client = executor.spawn(client.run());
    bounded(executor.run(async {
        let to = Endpoint::Addr(port.recv().await.unwrap());
        let connect = Output::Connect { conn: ConnId::Opened(0), to };
        client_handle.with(|toy, _| toy.out.push_back(connect)).await.unwrap();
        assert_eq!(told.recv().await.unwrap(), b"ping");
        client_handle.stop();
        server_handle.stop();
        client.await.unwrap();
        server.await.unwrap();
    }));
}
