//! The only unsafe code of the project: `recvmmsg` and `sendmmsg`, many datagrams per system call.
//!
//! Invariant that all SAFETY comments below lean on: a batch owns every buffer that the kernel is told about, boxed
//! slices are never resized, and the pointers are written anew before each call, so moving a batch is harmless.
#![allow(unsafe_code)]

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use core::ptr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::net::SendFlags;
use sofw_core::Payload;

/// Room for a number of datagrams of a bounded size, used again and again.
pub struct ReceiveBatch {
    slot_size: usize,
    bytes: Box<[u8]>,
    addresses: Box<[libc::sockaddr_storage]>,
    parts: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
    len: usize,
}

// SAFETY: the raw pointers inside point into the batch's own boxes and are only used during `receive`.
unsafe impl Send for ReceiveBatch {}

/// A received datagram.
pub struct Received<'a> {
    /// The sender.
    pub from: SocketAddr,
    /// What fitted of it.
    pub bytes: &'a [u8],
    /// It was longer than the slot.
    pub truncated: bool,
}

impl ReceiveBatch {
    /// Room for `slots` datagrams of up to `slot_size` bytes.
    pub fn new(slots: usize, slot_size: usize) -> Self {
        ReceiveBatch {
            slot_size,
            bytes: vec![0; slots * slot_size].into(),
            addresses: vec![zeroed_address(); slots].into(),
            parts: vec![libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; slots].into(),
            headers: vec![zeroed_header(); slots].into(),
            len: 0,
        }
    }

    /// Receives what is there, up to all slots; how many. `WouldBlock` if nothing is.
    pub fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        self.len = 0;
        for index in 0..self.headers.len() {
            let slot = &mut self.bytes[index * self.slot_size..][..self.slot_size];
            self.parts[index] = libc::iovec { iov_base: slot.as_mut_ptr().cast(), iov_len: slot.len() };
            let header = &mut self.headers[index].msg_hdr;
            header.msg_name = ptr::from_mut(&mut self.addresses[index]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_iov = &mut self.parts[index];
            header.msg_iovlen = 1;
            header.msg_flags = 0;
        }
        // SAFETY: `headers` has `headers.len()` valid entries; each points to one iovec of `slot_size` writable bytes and
        // to one sockaddr_storage of the length given, all owned by self and borrowed mutably during the call.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                self.headers.len() as libc::c_uint,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        self.len = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        Ok(self.len)
    }

    /// The datagrams of the last [`ReceiveBatch::receive`].
    pub fn iter(&self) -> impl Iterator<Item = Received<'_>> {
        (0..self.len).filter_map(|index| {
            let header = &self.headers[index];
            let len = (header.msg_len as usize).min(self.slot_size);
            Some(Received {
                from: read_address(&self.addresses[index])?,
                bytes: &self.bytes[index * self.slot_size..][..len],
                truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
            })
        })
    }
}

/// Datagrams that wait to leave by one socket in one system call.
pub struct SendBatch {
    datagrams: Vec<(SocketAddr, Payload)>,
    addresses: Box<[libc::sockaddr_storage]>,
    parts: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
}

// SAFETY: the raw pointers inside point into the batch's own boxes and payloads and are only used during `send`.
unsafe impl Send for SendBatch {}

impl SendBatch {
    /// Room for `slots` datagrams.
    pub fn new(slots: usize) -> Self {
        SendBatch {
            datagrams: Vec::with_capacity(slots),
            addresses: vec![zeroed_address(); slots].into(),
            parts: vec![libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; slots].into(),
            headers: vec![zeroed_header(); slots].into(),
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// Whether the batch must be sent before more is pushed.
    pub fn is_full(&self) -> bool {
        self.datagrams.len() == self.headers.len()
    }

    /// Adds a datagram; the caller sends a full batch first.
    pub fn push(&mut self, to: SocketAddr, payload: Payload) {
        debug_assert!(!self.is_full());
        self.datagrams.push((to, payload));
    }

    /// Sends all and empties the batch. A datagram that the kernel does not take is dropped; returns how many were and
    /// the last reason.
    pub fn send(&mut self, socket: BorrowedFd<'_>) -> (usize, Option<io::Error>) {
        if let [(to, payload)] = &self.datagrams[..] {
            // The rule on media sockets, and cheaper than a batch of one.
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            let sent = rustix::net::sendto(socket, payload, flags, to);
            self.datagrams.clear();
            return match sent {
                Ok(_) => (0, None),
                Err(error) => (1, Some(error.into())),
            };
        }
        for (index, (to, payload)) in self.datagrams.iter().enumerate() {
            let len = write_address(*to, &mut self.addresses[index]);
            self.parts[index] =
                libc::iovec { iov_base: payload.as_ptr().cast_mut().cast(), iov_len: payload.len() };
            let header = &mut self.headers[index].msg_hdr;
            header.msg_name = ptr::from_mut(&mut self.addresses[index]).cast();
            header.msg_namelen = len;
            header.msg_iov = &mut self.parts[index];
            header.msg_iovlen = 1;
        }
        let (mut next, mut dropped, mut reason) = (0, 0, None);
        let total = self.datagrams.len().min(self.headers.len());
        while next < total {
            let rest = &mut self.headers[next..total];
            // SAFETY: `rest` are valid headers, set above to payloads and addresses that live in self until `clear`; the
            // kernel only reads what `iov_base` points to, in spite of its type.
            let sent = unsafe {
                libc::sendmmsg(
                    socket.as_raw_fd(),
                    rest.as_mut_ptr(),
                    rest.len() as libc::c_uint,
                    libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
                )
            };
            match usize::try_from(sent) {
                Ok(sent) if sent > 0 => next += sent,
                _ => {
                    // The error is about the first of the rest; the others may still leave.
                    reason = Some(io::Error::last_os_error());
                    dropped += 1;
                    next += 1;
                }
            }
        }
        self.datagrams.clear();
        (dropped, reason)
    }
}

fn zeroed_address() -> libc::sockaddr_storage {
    // SAFETY: sockaddr_storage is plain old data; all zeroes are a valid value (family AF_UNSPEC).
    unsafe { core::mem::zeroed() }
}

fn zeroed_header() -> libc::mmsghdr {
    // SAFETY: mmsghdr is plain old data; null pointers with zero lengths are valid.
    unsafe { core::mem::zeroed() }
}

fn read_address(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match libc::c_int::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the kernel wrote a sockaddr_in here, as the family says; storage is large and aligned enough.
            let v4 = unsafe { &*ptr::from_ref(storage).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above, with sockaddr_in6.
            let v6 = unsafe { &*ptr::from_ref(storage).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some(SocketAddrV6::new(ip, u16::from_be(v6.sin6_port), 0, v6.sin6_scope_id).into())
        }
        _ => None,
    }
}

fn write_address(addr: SocketAddr, storage: &mut libc::sockaddr_storage) -> libc::socklen_t {
    match addr {
        SocketAddr::V4(addr) => {
            // SAFETY: storage is large and aligned enough for a sockaddr_in, and any bytes are valid in it.
            let v4 = unsafe { &mut *ptr::from_mut(storage).cast::<libc::sockaddr_in>() };
            v4.sin_family = libc::AF_INET as libc::sa_family_t;
            v4.sin_port = addr.port().to_be();
            v4.sin_addr.s_addr = u32::from(*addr.ip()).to_be();
            size_of::<libc::sockaddr_in>() as libc::socklen_t
        }
        SocketAddr::V6(addr) => {
            // SAFETY: as above, with sockaddr_in6.
            let v6 = unsafe { &mut *ptr::from_mut(storage).cast::<libc::sockaddr_in6>() };
            v6.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            v6.sin6_port = addr.port().to_be();
            v6.sin6_flowinfo = 0;
            v6.sin6_addr.s6_addr = addr.ip().octets();
            v6.sin6_scope_id = addr.scope_id();
            size_of::<libc::sockaddr_in6>() as libc::socklen_t
        }
    }
}
