//! The content of reliable frames: what stands after type, length and sequence number.

use super::fields::{Fields, emit_addr, emit_ip, emit_ra_header};
use super::{FlowId, Frame, FrameError, Urgent, varint};
use crate::base::Payload;
use crate::config::limits::{ANNOUNCED_MAX, RELIABLE_FRAME_MAX, SIP_MESSAGE_MAX};

/// The type of a reliable frame, or of a part of one that is too long for one record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// [`Frame::Announce`].
    Announce = 0x10,
    /// [`Frame::PortsReady`].
    PortsReady = 0x11,
    /// [`Frame::Sip`].
    Sip = 0x12,
    /// [`Frame::Undelivered`].
    Undelivered = 0x13,
    /// [`Frame::OpenFlow`].
    OpenFlow = 0x14,
    /// [`Frame::CloseFlow`].
    CloseFlow = 0x15,
    /// The content up to here belongs before the content of the next reliable frame.
    Part = 0x1f,
}

impl Kind {
    pub(super) const fn from_byte(byte: u8) -> Option<Kind> {
        Some(match byte {
            0x10 => Kind::Announce,
            0x11 => Kind::PortsReady,
            0x12 => Kind::Sip,
            0x13 => Kind::Undelivered,
            0x14 => Kind::OpenFlow,
            0x15 => Kind::CloseFlow,
            0x1f => Kind::Part,
            _ => return None,
        })
    }
}

/// `OpenFlow` flags: which fields follow, and what is urgent.
const PHONE: u8 = 0x01;
const PHONE_RTCP: u8 = 0x02;
const URGENT_PAYLOAD_TYPE: u8 = 0x04;
const URGENT_ALL: u8 = 0x08;

impl Frame {
    /// Its type on the wire.
    pub const fn kind(&self) -> Kind {
        match self {
            Frame::Announce { .. } => Kind::Announce,
            Frame::PortsReady(_) => Kind::PortsReady,
            Frame::Sip { .. } => Kind::Sip,
            Frame::Undelivered { .. } => Kind::Undelivered,
            Frame::OpenFlow { .. } => Kind::OpenFlow,
            Frame::CloseFlow(_) => Kind::CloseFlow,
        }
    }

    /// Appends its content.
    pub fn emit_content(&self, out: &mut Vec<u8>) {
        match self {
            Frame::Announce { sip, media } => {
                emit_ip(*media, out);
                sip.iter().for_each(|header| emit_ra_header(*header, out));
            }
            Frame::PortsReady(ports) => {
                ports.iter().for_each(|port| out.extend_from_slice(&port.to_be_bytes()));
            }
            Frame::Sip { phone, message } => {
                emit_ra_header(*phone, out);
                out.extend_from_slice(message);
            }
            Frame::Undelivered { phone } => emit_ra_header(*phone, out),
            Frame::OpenFlow { flow, port, phone, phone_rtcp, urgent } => {
                varint::emit(flow.0.into(), out);
                out.extend_from_slice(&port.to_be_bytes());
                let (urgent, payload_type) = match *urgent {
                    Urgent::None => (0, None),
                    Urgent::PayloadType(number) => (URGENT_PAYLOAD_TYPE, Some(number)),
                    Urgent::All => (URGENT_ALL, None),
                };
                let addrs = [(PHONE, phone), (PHONE_RTCP, phone_rtcp)];
                let present = addrs.iter().filter(|(_, addr)| addr.is_some());
                out.push(present.fold(urgent, |flags, (bit, _)| flags | bit));
                out.extend(payload_type);
                addrs.iter().filter_map(|(_, addr)| **addr).for_each(|addr| emit_addr(addr, out));
            }
            Frame::CloseFlow(flow) => varint::emit(flow.0.into(), out),
        }
    }

    /// Reads the content of a frame of type `kind`. Bytes that outlive the call (a SIP message) are copied: a message
    /// may be kept for long, and must not hold on to a record full of other frames.
    ///
    /// # Errors
    /// As named; also for [`Kind::Part`], which is no frame of its own.
    pub fn parse_content(kind: Kind, content: &[u8]) -> Result<Frame, FrameError> {
        if content.len() > RELIABLE_FRAME_MAX {
            return Err(FrameError::Oversize);
        }
        let mut fields = Fields::new(content);
        let frame = match kind {
            Kind::Announce => {
                let media = fields.ip()?;
                let mut sip = Vec::new();
                while !fields.is_empty() {
                    if sip.len() == ANNOUNCED_MAX {
                        return Err(FrameError::Oversize);
                    }
                    sip.push(fields.ra_header()?);
                }
                Frame::Announce { sip, media }
            }
            Kind::PortsReady => {
                let mut ports = Vec::with_capacity(content.len() / 2);
                while !fields.is_empty() {
                    ports.push(fields.u16()?);
                }
                Frame::PortsReady(ports)
            }
            Kind::Sip => {
                let phone = fields.ra_header()?;
                let message = fields.rest();
                if message.len() > SIP_MESSAGE_MAX {
                    return Err(FrameError::Oversize);
                }
                return Ok(Frame::Sip { phone, message: Payload::from(message.to_vec()) });
            }
            Kind::Undelivered => Frame::Undelivered { phone: fields.ra_header()? },
            Kind::OpenFlow => parse_open_flow(&mut fields)?,
            Kind::CloseFlow => Frame::CloseFlow(fields.flow()?),
            Kind::Part => return Err(FrameError::BadValue("type")),
        };
        fields.end()?;
        Ok(frame)
    }

    /// Whether the other end would take it: bounds that our own side must keep.
    ///
    /// # Errors
    /// The error that the other end would find.
    pub fn check(&self) -> Result<(), FrameError> {
        match self {
            Frame::OpenFlow { flow: FlowId(id), .. } | Frame::CloseFlow(FlowId(id)) if *id > FlowId::MAX => {
                Err(FrameError::FlowIdRange)
            }
            Frame::OpenFlow { urgent: Urgent::PayloadType(128..), .. } => {
                Err(FrameError::BadValue("payload type"))
            }
            Frame::Sip { message, .. } if message.len() > SIP_MESSAGE_MAX => Err(FrameError::Oversize),
            Frame::PortsReady(ports) if ports.len() * 2 > RELIABLE_FRAME_MAX => Err(FrameError::Oversize),
            Frame::Announce { sip, .. } if sip.len() > ANNOUNCED_MAX => Err(FrameError::Oversize),
            _ => Ok(()),
        }
    }
}

fn parse_open_flow(fields: &mut Fields<'_>) -> Result<Frame, FrameError> {
    let flow = fields.flow()?;
    let port = fields.u16()?;
    let flags = fields.u8()?;
    let urgent = match flags & !(PHONE | PHONE_RTCP) {
        0 => Urgent::None,
        URGENT_PAYLOAD_TYPE => match fields.u8()? {
            number @ 0..=127 => Urgent::PayloadType(number),
            _ => return Err(FrameError::BadValue("payload type")),
        },
        URGENT_ALL => Urgent::All,
        _ => return Err(FrameError::BadValue("flags")),
    };
    let phone = if flags & PHONE != 0 { Some(fields.addr()?) } else { None };
    let phone_rtcp = if flags & PHONE_RTCP != 0 { Some(fields.addr()?) } else { None };
    Ok(Frame::OpenFlow { flow, port, phone, phone_rtcp, urgent })
}
