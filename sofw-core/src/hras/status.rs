//! What an operator wants to see of an HRAS.

use super::Hras;
use crate::base::SiteId;
use crate::event::DropReason;
use crate::proxy::BindingInfo;
use crate::rat::Record;
use crate::tunnel::TunnelStatus;

/// A snapshot, read when asked for.
#[derive(Clone, Debug)]
pub struct HrasStatus<'a> {
    /// All sites of the configuration.
    pub sites: Vec<SiteStatus<'a>>,
    /// All bindings of the location service.
    pub bindings: Vec<BindingInfo>,
    /// The RAT (P7).
    pub records: Vec<Record<'a>>,
    /// SIP dialogs remembered.
    pub dialogs: usize,
    /// SIP transactions under way.
    pub transactions: usize,
    /// What was dropped, by reason.
    pub drops: Vec<(DropReason, u64)>,
}

/// One site.
#[derive(Clone, Debug)]
pub struct SiteStatus<'a> {
    /// Its name in the configuration.
    pub name: &'a str,
    /// Its tunnel; `None` while it has none.
    pub tunnel: Option<TunnelStatus>,
}

pub(super) fn status(hras: &Hras) -> HrasStatus<'_> {
    let sites = (0..).zip(&hras.config.sites).map(|(index, site)| {
        let id = SiteId(index);
        SiteStatus { name: &site.name, tunnel: hras.tunnel.status(id).filter(|_| hras.tunnel.is_up(id)) }
    });
    HrasStatus {
        sites: sites.collect(),
        bindings: hras.server.bindings(hras.now),
        records: hras.agent.records().collect(),
        dialogs: hras.server.dialogs(),
        transactions: hras.server.transactions(),
        drops: DropReason::ALL.into_iter().zip(hras.drops).collect(),
    }
}
