//! The UDP sockets of a host.

use core::net::{IpAddr, SocketAddr};

use sofw_core::io::SocketId;

/// Sockets by address and by name. Two sorted lists, compact because every datagram looks into one of them.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    /// Port, which of the host's addresses, name.
    by_port: Vec<(u16, u8, SocketId)>,
    by_id: Vec<(SocketId, u8, u16)>,
}

impl Sockets {
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn clear(&mut self) {
        *self = Sockets::default();
    }

    /// Names the socket on this address of `addrs`; false if there is one already.
    pub fn bind(&mut self, addrs: &[IpAddr], socket: SocketId, addr: SocketAddr) -> bool {
        let Some(own) = place(addrs, addr.ip()) else { return false };
        let Err(at) = self.find_port(addr.port(), own) else { return false };
        self.unbind(socket);
        self.by_port.insert(at, (addr.port(), own, socket));
        let at = self.by_id.partition_point(|&(id, ..)| id < socket);
        self.by_id.insert(at, (socket, own, addr.port()));
        true
    }

    pub fn unbind(&mut self, socket: SocketId) {
        let Ok(at) = self.by_id.binary_search_by_key(&socket, |&(id, ..)| id) else { return };
        let (_, own, port) = self.by_id.remove(at);
        if let Ok(at) = self.find_port(port, own) {
            self.by_port.remove(at);
        }
    }

    /// The socket on a port of which of the host's addresses.
    pub fn at(&self, own: usize, port: u16) -> Option<SocketId> {
        let at = self.find_port(port, u8::try_from(own).ok()?).ok()?;
        Some(self.by_port[at].2)
    }

    /// The address of a socket.
    pub fn addr(&self, addrs: &[IpAddr], socket: SocketId) -> Option<SocketAddr> {
        let at = self.by_id.binary_search_by_key(&socket, |&(id, ..)| id).ok()?;
        let (_, own, port) = self.by_id[at];
        Some(SocketAddr::new(addrs[usize::from(own)], port))
    }

    fn find_port(&self, port: u16, own: u8) -> Result<usize, usize> {
        let key = |port: u16, own: u8| u32::from(port) << 8 | u32::from(own);
        self.by_port.binary_search_by_key(&key(port, own), |&(port, own, _)| key(port, own))
    }
}

/// Which of the host's addresses this is. A host has a handful.
fn place(addrs: &[IpAddr], addr: IpAddr) -> Option<u8> {
    addrs.iter().position(|own| *own == addr).and_then(|own| u8::try_from(own).ok())
}
