//! The whole system with its phones, watched packet by packet.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use sofw_core::base::{Instant, Transport};
use sofw_core::config::limits;
use sofw_core::rat::{Record, Space};
use sofw_core::testing::pair::{HRAC, HRAS, Pair, inside_phone, outside_phone};
use sofw_core::testing::phone::{Answer, CallState, Ended, Phone, PhoneConfig, PhoneEvent};
use sofw_core::testing::world::NodeId;

use super::plan::{Manner, PHONES, Place, Plan, Step, Who, everybody};

const TICK: Duration = Duration::from_millis(20);
const SECOND: Duration = Duration::from_secs(1);
/// What strangers put into the SSRC: no phone may ever get it.
const STRANGER: u32 = 0xdead_beef;

/// HRAS, two sites and six phones.
pub struct Town {
    pub pair: Pair,
    nodes: Vec<NodeId>,
    /// Whose voice it is: the Call-ID of each SSRC ever seen.
    calls: BTreeMap<u32, String>,
    /// Until when voice may be missing.
    disturbed: Instant,
    /// Calls that were held: they may be silent.
    held: BTreeSet<String>,
    /// When each phone last heard something new in its call, and how much that was.
    heard: [(Instant, u64); 6],
    way_out_from: Option<Instant>,
    loses_nothing: bool,
    made: usize,
    incoming: usize,
    /// What the phones told.
    told: [Vec<PhoneEvent>; 6],
}

impl Town {
    /// Everybody is registered.
    pub fn new(plan: &Plan) -> Self {
        let mut pair = Pair::new(2, 1);
        pair.record = true;
        let nodes = everybody().map(|who| {
            let (user, place) = PHONES[who];
            let config = match place {
                Place::Inside { host, .. } => inside_phone(host, user),
                Place::Outside { host } => outside_phone(host, user),
            };
            let config = PhoneConfig {
                transport: if plan.tcp[who] { Transport::Tcp } else { Transport::Udp },
                delayed_offer: plan.delayed_offer[who],
                early_media: plan.early_media[who] && !plan.delayed_offer.contains(&true),
                tone_hz: 500.0 + 100.0 * who as f64,
                detect_tone: false,
                ..config
            };
            pair.phone_with(place.network(), config)
        });
        let nodes = nodes.collect();
        let disturbed = pair.now();
        let mut town = Town {
            pair,
            nodes,
            calls: BTreeMap::new(),
            disturbed,
            held: BTreeSet::new(),
            heard: [(disturbed, 0); 6],
            way_out_from: None,
            loses_nothing: plan.loses_nothing(),
            made: 0,
            incoming: 0,
            told: Default::default(),
        };
        town.register_all();
        town
    }

    pub fn register_all(&mut self) {
        for who in everybody() {
            self.set_manner(who, Manner::AnswersSoon);
            self.command(who, Phone::register);
        }
        self.run(5 * SECOND);
        for who in everybody() {
            assert!(self.phone(who).is_registered(), "{} registers: {:?}", PHONES[who].0, self.told[who]);
            assert!(
                matches!(self.told[who].last(), Some(PhoneEvent::Registered { .. })),
                "{:?}",
                self.told[who]
            );
        }
    }

    pub fn perform(&mut self, step: &Step) {
        match *step {
            Step::Call(caller, callee) => self.call(caller, callee),
            Step::HangUp(who) => self.command(who, |phone, now| phone.hang_up(now)),
            Step::Hold(who, hold) => {
                self.held.extend(self.phone(who).call_id().map(Into::into));
                self.command(who, |phone, now| phone.hold(now, hold));
            }
            Step::Reinvite(who) => self.command(who, |phone, now| phone.reinvite(now)),
            Step::Update(who) => self.command(who, |phone, now| phone.update(now)),
            Step::Manner(who, manner) => self.set_manner(who, manner),
            Step::Answer(who) if self.state(who) == Some(CallState::Incoming) => {
                self.command(who, |phone, now| phone.answer(now));
            }
            Step::Decline(who) if self.state(who) == Some(CallState::Incoming) => {
                self.command(who, |phone, now| phone.decline(now, 480));
            }
            Step::Answer(_) | Step::Decline(_) => {}
            Step::Dial(who) => self.command(who, |phone, _| phone.dial("42#")),
            Step::Cut(site) => {
                self.disturb(5 * SECOND);
                let hrac = self.pair.site_node(site);
                self.pair.cut_tunnels(hrac);
            }
            Step::CutAll => {
                self.disturb(5 * SECOND);
                let hras = self.pair.hras_node();
                self.pair.cut_tunnels(hras);
            }
            Step::NoWayOut(seconds) => {
                let length = Duration::from_secs(seconds);
                // Attempts to reconnect come ever more rarely.
                self.disturb(length + 12 * SECOND);
                self.way_out_from = Some(self.pair.now() + length);
                self.pair.way_out = false;
                let hras = self.pair.hras_node();
                self.pair.cut_tunnels(hras);
            }
            Step::Restart(site) => {
                self.disturb(8 * SECOND);
                self.pair.restart_hrac(site);
            }
            Step::Strangers(network) => self.strangers(network),
            Step::Nonsense(who, ref bytes) => {
                let (network, from) = (PHONES[who].1.network(), self.config(who).sip_addr());
                self.pair.send(network, from, SocketAddr::from((half(network), 5060)), bytes);
            }
            Step::Wait(time) => self.run(time),
        }
        self.run(TICK);
    }

    /// Runs and looks at every packet and every record.
    pub fn run(&mut self, time: Duration) {
        let end = self.pair.now() + time;
        while self.pair.now() < end {
            if self.way_out_from.is_some_and(|at| at <= self.pair.now()) {
                self.way_out_from = None;
                self.pair.way_out = true;
            }
            let before = self.call_ids();
            self.pair.run_for(TICK);
            let after = self.call_ids();
            for who in everybody() {
                if let (Some(call_id), Some(report)) = (&after[who], self.phone(who).report()) {
                    self.calls.entry(report.sent_log.0).or_insert_with(|| call_id.clone());
                }
            }
            self.look_at_packets(&before, &after);
            self.look_at_records();
            self.look_at_events();
            self.look_for_voice(&after);
        }
    }

    /// Everybody hangs up, again if need be, until all are idle.
    pub fn end_all_calls(&mut self) {
        self.pair.way_out = true;
        self.way_out_from = None;
        for _ in 0..25 {
            for who in everybody() {
                self.command(who, |phone, now| phone.hang_up(now));
            }
            self.run(2 * SECOND);
            if everybody().all(|who| self.state(who).is_none()) {
                return;
            }
        }
        let left: Vec<_> = everybody().map(|who| (PHONES[who].0, self.state(who))).collect();
        panic!("calls do not end: {left:?}");
    }

    pub fn all_is_back_to_zero(&mut self) {
        // A callee's answer over TCP may be lost with its HRAC, and his BYE arrive: timer C ends that INVITE.
        let timer_c = if self.loses_nothing { Duration::ZERO } else { limits::TIMER_C };
        self.pair.run_for(70 * SECOND + timer_c);
        self.pair.sent.clear();
        let status = self.pair.hras().status();
        assert!(status.records.is_empty(), "the RAT is empty: {:?}", status.records);
        assert_eq!((status.dialogs, status.transactions), (0, 0), "no dialog and no transaction is left");
        assert_eq!([0, 1].map(|site| self.pair.hrac(site).flows()), [0, 0], "no flow is left");
        assert!(self.incoming <= self.made, "{} calls became {}", self.made, self.incoming);
    }

    /// A call between two idle phones, with voice both ways and an ordinary end.
    pub fn a_good_call(&mut self, caller: Who, callee: Who) {
        self.call(caller, callee);
        self.run(3 * SECOND);
        for (ear, mouth) in [(caller, callee), (callee, caller)] {
            let who = format!("{} hears {}", PHONES[ear].0, PHONES[mouth].0);
            assert_eq!(self.state(ear), Some(CallState::Established), "{who}: {:?}", self.told[caller]);
            let report = self.pair.report(self.nodes[ear]);
            let tone = report.tone().unwrap_or_else(|| panic!("{who}: {} packets", report.received));
            let expected = self.config(mouth).tone_hz;
            assert!((tone.hz - expected).abs() < 5.0, "{who} at {expected} Hz: {} Hz", tone.hz);
        }
        let records = self.pair.hras().status().records.len();
        let same = PHONES[caller].1.network() == PHONES[callee].1.network();
        assert_eq!(records, usize::from(!same), "one record per dialog and media line between two spaces");
        self.command(caller, |phone, now| phone.hang_up(now));
        self.run(SECOND);
        let told = &self.told[caller];
        assert_eq!(told.last(), Some(&PhoneEvent::Ended(Ended::HungUp(200))), "{told:?}");
    }

    fn call(&mut self, caller: Who, callee: Who) {
        self.made += usize::from(self.state(caller).is_none());
        let target = format!("sip:{}@example.net", PHONES[callee].0);
        self.command(caller, |phone, now| phone.call(now, &target));
    }

    fn strangers(&mut self, network: usize) {
        let mut packet = vec![0x80, 0, 0, 1, 0, 0, 0, 1];
        packet.extend_from_slice(&STRANGER.to_be_bytes());
        packet.extend_from_slice(&[0x55; 160]);
        let from = if network == 0 { [203, 0, 113, 66] } else { [10, 10, 10, 66] };
        for port in 20_000..20_032 {
            self.pair.send(network, SocketAddr::from((from, 4000)), (half(network), port).into(), &packet);
        }
    }

    fn look_at_packets(&mut self, before: &[Option<String>], after: &[Option<String>]) {
        for sent in std::mem::take(&mut self.pair.sent) {
            let Some(ssrc) = ssrc(&sent.payload) else { continue };
            let receiver = everybody().find(|&who| {
                let config = self.config(who);
                PHONES[who].1.network() == sent.network
                    && config.addr == sent.to.ip()
                    && (sent.to.port() & !1) == config.rtp_port
            });
            let Some(who) = receiver else { continue };
            assert_ne!(ssrc, STRANGER, "{} hears a stranger", PHONES[who].0);
            // Two phones of one site talk directly: who misses the BYE, because HRAC restarted, goes on talking.
            let is_relayed = sent.from.ip() == half(sent.network);
            if !is_relayed && !self.loses_nothing {
                continue;
            }
            // Unknown is only the voice of a call that began and ended within one tick.
            let Some(call) = self.calls.get(&ssrc) else { continue };
            // A late packet may still come to a phone that has no call any more.
            let (Some(before), Some(after)) = (&before[who], &after[who]) else { continue };
            assert!(
                call == before || call == after,
                "{} in call {after} hears {call} from {}",
                PHONES[who].0,
                sent.from
            );
        }
    }

    fn look_at_records(&self) {
        let status = self.pair.hras().status();
        let (mut ports, mut flows, mut lines) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for Record { call_id, from_tag, to_tag, media_line, ends, .. } in &status.records {
            let line = (*call_id, *from_tag, *to_tag, *media_line);
            assert!(lines.insert(line), "one record per dialog and media line: {line:?}");
            assert_ne!(ends[0].space, ends[1].space, "media within a space needs no record");
            for end in ends {
                if let Some(port) = end.relay_port {
                    assert!(ports.insert((end.space, port)), "port {port} of {:?} given twice", end.space);
                }
                if let (Space::Site(site), Some(flow)) = (end.space, end.flow) {
                    assert!(flows.insert((site, flow)), "flow {flow:?} of {site:?} given twice");
                }
            }
        }
    }

    fn look_at_events(&mut self) {
        for who in everybody() {
            for event in self.pair.phone_events(self.nodes[who]) {
                self.incoming += usize::from(matches!(event, PhoneEvent::Incoming { .. }));
                let fine = match &event {
                    // Answered, or met by the other end's own BYE.
                    PhoneEvent::Ended(Ended::HungUp(status)) => matches!(status, 200 | 481),
                    PhoneEvent::Ended(Ended::NoAck) => false,
                    _ => true,
                };
                assert!(fine || !self.loses_nothing, "{}: {event:?}", PHONES[who].0);
                self.told[who].push(event);
            }
        }
    }

    fn call_ids(&self) -> Vec<Option<String>> {
        everybody().map(|who| self.phone(who).call_id().map(Into::into)).collect()
    }

    /// Unless something disturbs it, voice flows in every call that is up.
    fn look_for_voice(&mut self, calls: &[Option<String>]) {
        let now = self.pair.now();
        for who in everybody() {
            let received = self.phone(who).report().map_or(0, |report| report.received);
            let up = |who| self.state(who) == Some(CallState::Established);
            let talks = calls[who].as_ref().is_some_and(|call_id| {
                let peer = everybody().find(|&other| other != who && calls[other].as_ref() == Some(call_id));
                up(who) && peer.is_some_and(up) && !self.held.contains(call_id)
            });
            let (since, former) = self.heard[who];
            if !talks || received != former || now < self.disturbed {
                self.heard[who] = (now, received);
            } else {
                assert!(now.since(since) < SECOND, "{} hears nothing in {:?}", PHONES[who].0, calls[who]);
            }
        }
    }

    fn disturb(&mut self, time: Duration) {
        self.disturbed = self.disturbed.max(self.pair.now() + time);
    }

    fn set_manner(&mut self, who: Who, manner: Manner) {
        let answer = match manner {
            Manner::AnswersSoon => Answer::After(Duration::from_millis(50)),
            Manner::AnswersLate => Answer::After(Duration::from_millis(1_500)),
            Manner::Rings => Answer::OnCommand,
            Manner::Refuses(status) => Answer::Refuse(status),
        };
        self.command(who, |phone, _| phone.set_answer(answer));
    }

    fn command(&mut self, who: Who, command: impl FnOnce(&mut Phone, Instant)) {
        self.pair.command(self.nodes[who], command);
    }

    fn phone(&self, who: Who) -> &Phone {
        self.pair.phone(self.nodes[who])
    }

    fn config(&self, who: Who) -> &PhoneConfig {
        self.phone(who).config()
    }

    fn state(&self, who: Who) -> Option<CallState> {
        self.phone(who).call_state()
    }
}

/// With `SOFW_TRACE` set a failing town tells its story.
impl Drop for Town {
    fn drop(&mut self) {
        if !std::thread::panicking() || std::env::var_os("SOFW_TRACE").is_none() {
            return;
        }
        let halves = [self.pair.hras_node(), self.pair.site_node(0), self.pair.site_node(1)];
        let names = ["HRAS", "HRAC 0", "HRAC 1"];
        let mut story: Vec<_> = (halves.iter().zip(names))
            .flat_map(|(&node, name)| self.pair.events(node).iter().map(move |(at, event)| (at, name, event)))
            .collect();
        story.sort_by_key(|(at, ..)| *at);
        for (at, name, event) in story {
            eprintln!("{at:?} {name}: {event:?}");
        }
    }
}

/// Who speaks in an RTP packet or a sender report.
fn ssrc(bytes: &[u8]) -> Option<u32> {
    let at = match bytes {
        [first, 192..=223, ..] if first >> 6 == 2 => 4,
        [first, ..] if first >> 6 == 2 => 8,
        _ => return None,
    };
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The address of the half that phones of a network speak to.
fn half(network: usize) -> IpAddr {
    if network == 0 { HRAS.into() } else { HRAC.into() }
}
