//! What a media line can be given in each address space: relay ports outside, relay ports and flows at a site.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use super::flows::FlowIds;
use super::ports::{KeeperOutput, PortKeeper, PortPool};
use super::record::Space;
use crate::base::{Instant, SiteId};
use crate::config::MediaConfig;
use crate::io::Output;
use crate::media::Remote;
use crate::tunnel::{FlowId, Frame};

/// A relay port pair that a terminal believes to be its peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Facing {
    /// RTP; RTCP is the next one.
    pub(super) port: u16,
    /// The tunnel flow to it, at a site.
    pub(super) flow: Option<(SiteId, FlowId)>,
    /// The last `OpenFlow` said about it.
    pub(super) said: Option<Frame>,
}

#[derive(Debug)]
pub(super) struct Spaces {
    outside: PortPool,
    outside_address: IpAddr,
    keeper: PortKeeper,
    sites: BTreeMap<SiteId, SitePorts>,
}

#[derive(Debug, Default)]
struct SitePorts {
    /// HRAC's address for SDP, once announced.
    media: Option<IpAddr>,
    pool: PortPool,
    flows: FlowIds,
}

impl Spaces {
    pub(super) fn new(config: &MediaConfig) -> Self {
        Spaces {
            outside: PortPool::default(),
            outside_address: config.address,
            keeper: PortKeeper::new(config),
            sites: BTreeMap::new(),
        }
    }

    /// The keeper of the ports outside.
    pub(super) fn keeper(&mut self) -> &mut PortKeeper {
        &mut self.keeper
    }

    pub(super) fn keeper_ref(&self) -> &PortKeeper {
        &self.keeper
    }

    /// Moves what became ready into the pool; gives what the keeper wants of the world.
    pub(super) fn poll_keeper(&mut self) -> Option<Output> {
        loop {
            match self.keeper.poll()? {
                KeeperOutput::Io(output) => return Some(output),
                KeeperOutput::Ready(port) => self.outside.add(port),
            }
        }
    }

    pub(super) fn bound(&mut self, now: Instant, port: u16) {
        self.keeper.handle_bound(now, port);
    }

    pub(super) fn site_up(&mut self, site: SiteId, media: IpAddr) {
        let ports = self.sites.entry(site).or_default();
        ports.media = Some(media);
        ports.pool.forget_ready();
    }

    pub(super) fn site_ended(&mut self, site: SiteId) {
        if let Some(ports) = self.sites.get_mut(&site) {
            ports.media = None;
            ports.pool.forget_ready();
        }
    }

    pub(super) fn ports_ready(&mut self, site: SiteId, ready: &[u16]) {
        let pool = &mut self.sites.entry(site).or_default().pool;
        ready.iter().for_each(|&port| pool.add(port));
    }

    /// A port pair, and at a site a flow. `None` when there are no more, or the site has no session.
    pub(super) fn take(&mut self, space: Space) -> Option<Facing> {
        match space {
            Space::Outside => {
                let port = self.outside.take()?;
                self.keeper.claim(port).then_some(Facing { port, flow: None, said: None })
            }
            Space::Site(site) => {
                let ports = self.sites.get_mut(&site).filter(|ports| ports.media.is_some())?;
                let port = ports.pool.take()?;
                let Some(flow) = ports.flows.take() else {
                    ports.pool.release(port);
                    ports.pool.add(port);
                    return None;
                };
                Some(Facing { port, flow: Some((site, flow)), said: None })
            }
        }
    }

    /// Takes a pair back. Its port comes again once its keeper says so.
    pub(super) fn release(&mut self, facing: &Facing) {
        match facing.flow {
            None => {
                self.outside.release(facing.port);
                self.keeper.release(facing.port);
            }
            Some((site, flow)) => {
                let ports = self.sites.entry(site).or_default();
                ports.pool.release(facing.port);
                ports.flows.release(flow);
            }
        }
    }

    /// Our address for SDP in a space, if its site has a session.
    pub(super) fn ip(&self, space: Space) -> Option<IpAddr> {
        match space {
            Space::Outside => Some(self.outside_address),
            Space::Site(site) => self.sites.get(&site)?.media,
        }
    }

    /// What a terminal in `space` is to believe its peer to be.
    pub(super) fn address(&self, space: Space, facing: &Facing) -> Option<Remote> {
        let ip = self.ip(space)?;
        let [rtp, rtcp] = [facing.port, facing.port + 1].map(|port| SocketAddr::new(ip, port));
        Some(Remote { rtp, rtcp })
    }

    /// Port pairs and flows in use, everywhere.
    pub(super) fn in_use(&self) -> usize {
        let sites = self.sites.values().map(|ports| ports.pool.in_use() + ports.flows.in_use());
        self.outside.in_use() + sites.sum::<usize>()
    }
}
