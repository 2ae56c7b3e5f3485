//! What the RAT says about a call, for operators (paper P7).

use core::net::SocketAddr;

use crate::base::{Instant, SiteId};
use crate::media::DirectionStats;
use crate::tunnel::FlowId;

/// An address space: addresses mean something only within one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Space {
    /// The private network of a site.
    Site(SiteId),
    /// The public network.
    Outside,
}

/// One record: a dialog's media line. With one end inside and one outside, the ends' addresses are the paper's
/// IIP:IPort and OIP:OPort.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// The dialog's Call-ID.
    pub call_id: &'a str,
    /// The caller's tag.
    pub from_tag: &'a str,
    /// The callee's tag, once it answered.
    pub to_tag: Option<&'a str>,
    /// Index of the m-line.
    pub media_line: usize,
    /// Caller's and callee's end.
    pub ends: [End; 2],
    /// Held: silence is no reason to end it.
    pub held: bool,
    /// When the dialog began.
    pub created: Instant,
    /// When the last packet passed, if media can flow.
    pub last_activity: Option<Instant>,
}

/// One end of a record.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// Where the terminal is.
    pub space: Space,
    /// Where its SDP says that it receives RTP.
    pub terminal: Option<SocketAddr>,
    /// The relay port that it believes to be its peer: of HRAC for a site, of HRAS for the outside.
    pub relay_port: Option<u16>,
    /// The tunnel flow, for a site.
    pub flow: Option<FlowId>,
    /// What came from the terminal.
    pub received: DirectionStats,
}
