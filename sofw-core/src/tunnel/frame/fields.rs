//! Reading and writing the fields inside a frame. Integers of fixed size are in network byte order.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{FlowId, FrameError, RaHeader, varint};
use crate::base::Transport;

/// A cursor over the bytes of a frame's content. Reading past the end is an error, never a panic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Fields(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (array, rest) = self.0.split_first_chunk::<N>().ok_or(FrameError::Truncated)?;
        self.0 = rest;
        Ok(*array)
    }

    pub(super) fn u8(&mut self) -> Result<u8, FrameError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, FrameError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn varint(&mut self) -> Result<u64, FrameError> {
        let (value, rest) = varint::parse(self.0)?;
        self.0 = rest;
        Ok(value)
    }

    pub(super) fn flow(&mut self) -> Result<FlowId, FrameError> {
        match u32::try_from(self.varint()?) {
            Ok(id) if id <= FlowId::MAX => Ok(FlowId(id)),
            _ => Err(FrameError::FlowIdRange),
        }
    }

    /// An address as its length, 4 or 16, and its bytes.
    pub(super) fn ip(&mut self) -> Result<IpAddr, FrameError> {
        match self.u8()? {
            4 => Ok(Ipv4Addr::from(self.array::<4>()?).into()),
            16 => Ok(Ipv6Addr::from(self.array::<16>()?).into()),
            _ => Err(FrameError::BadValue("address length")),
        }
    }

    pub(super) fn addr(&mut self) -> Result<SocketAddr, FrameError> {
        let ip = self.ip()?;
        Ok(SocketAddr::new(ip, self.u16()?))
    }

    pub(super) fn ra_header(&mut self) -> Result<RaHeader, FrameError> {
        let transport = match self.u8()? {
            0 => Transport::Udp,
            1 => Transport::Tcp,
            _ => return Err(FrameError::BadValue("transport")),
        };
        Ok(RaHeader { transport, addr: self.addr()? })
    }

    /// All that is left.
    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), FrameError> {
        if self.0.is_empty() { Ok(()) } else { Err(FrameError::TrailingBytes) }
    }
}

/// Scope and flow label of an IPv6 address are of no use on the other half and stay behind.
pub(super) fn emit_ip(ip: IpAddr, out: &mut Vec<u8>) {
    match ip {
        IpAddr::V4(ip) => {
            out.push(4);
            out.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.push(16);
            out.extend_from_slice(&ip.octets());
        }
    }
}

pub(super) fn emit_addr(addr: SocketAddr, out: &mut Vec<u8>) {
    emit_ip(addr.ip(), out);
    out.extend_from_slice(&addr.port().to_be_bytes());
}

pub(super) fn emit_ra_header(header: RaHeader, out: &mut Vec<u8>) {
    out.push(match header.transport {
        Transport::Udp => 0,
        Transport::Tcp => 1,
    });
    emit_addr(header.addr, out);
}
