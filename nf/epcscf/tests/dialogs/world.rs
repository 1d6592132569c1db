//! One shard, its three neighbours, and the time that passes between them.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use core_iq::{ChannelPlace, Command, MediaKind, Notification, RequestId, StreamSettings};
use core_sip::{ConnectionId, Source, Transport};
use nf_epcscf::{Config, EpCscf, Output, W2Peer};
use testbed::{Clock, Dice, LinkQuality, Net};
use wire_sip::{HeaderName, Message, Method};

use crate::agent::{Agent, Deed, Side, Stage};
use crate::coverage::{Coverage, EVENTS};
use crate::gateway::Gateway;
use crate::rules::Rules;
use crate::text::{CORE, Channels, HOME, register, registered};

/// Nothing of a call lasts longer: Timer C, then what is left of its transactions.
const AFTERMATH: Duration = Duration::from_secs(700);
/// Lines that are told of a schedule that failed.
const TOLD: usize = 80;

/// What is told of a schedule that failed.
enum Line {
    Deed(Side, Deed),
    Event(usize),
    Left(Side, Box<Message>),
}

pub(crate) struct World {
    shard: EpCscf,
    now: Instant,
    dice: Dice,
    net: Net<&'static str, (u32, Bytes)>,
    wic: Agent,
    core: Agent,
    gateway: Gateway,
    rules: Rules,
    /// Commands that the gateway has not answered.
    asked: VecDeque<(Instant, RequestId, Command)>,
    slow: Duration,
    refusing: u16,
    /// Which WebSocket it is; what was sent on an earlier one does not arrive.
    epoch: u32,
    connected: bool,
    cseq: u32,
    events: Vec<usize>,
    log: VecDeque<Line>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut config = Config::new(HOME, "198.51.100.1:5070", &format!("sip:{CORE}"));
        config.w2 = "edge.home.example:8443".into();
        config.watch_registrations = false;
        config.requests_per_second = 1_000_000;
        let now = Clock::new().now();
        let mut world = Self {
            shard: EpCscf::new(config, now, SystemTime::UNIX_EPOCH, [9; 32]),
            now,
            dice: Dice::new(seed),
            net: Net::new(seed, LinkQuality::good()),
            wic: Agent::new(Side::Wic, seed),
            core: Agent::new(Side::Core, seed),
            gateway: Gateway::default(),
            rules: Rules::default(),
            asked: VecDeque::new(),
            slow: Duration::ZERO,
            refusing: 0,
            epoch: 0,
            connected: false,
            cseq: 0,
            events: Vec::new(),
            log: VecDeque::new(),
        };
        world.connect();
        world
    }

    /// What led to a fault.
    pub(crate) fn tell(&self) {
        for line in &self.log {
            match line {
                Line::Deed(side, deed) => eprintln!("   {side:?} {deed:?}"),
                Line::Event(event) => eprintln!("-> {}", EVENTS[*event]),
                Line::Left(side, message) => {
                    let what = match message.status() {
                        Some(status) => status.to_string(),
                        None => message.method().to_string(),
                    };
                    let cseq = message.header(HeaderName::CSeq).unwrap_or_default();
                    let tags = (message.from_tag(), message.to_tag());
                    eprintln!("<- {side:?} {what} ({cseq}) {tags:?}");
                }
            }
        }
    }

    /// One schedule: things happen, then everybody hangs up, and nothing may be left.
    pub(crate) fn run(&mut self, seed: u64, coverage: &mut Coverage) {
        self.dice = Dice::new(seed);
        self.events.clear();
        self.log.clear();
        self.rules.forget();
        self.wic.begin(seed);
        self.core.begin(seed);
        let lossy = [0, 0, 50, 150, 300][self.dice.below(5) as usize];
        let quality = LinkQuality {
            latency: Duration::from_millis(10),
            jitter: Duration::from_millis(self.dice.below(3) * 200),
            loss: lossy,
            duplication: lossy / 2,
            reordering: lossy,
            ordered: false,
        };
        self.net.set_link("core", "edge", quality);
        self.net.set_link("edge", "core", quality);
        self.slow = Duration::from_millis(self.dice.below(3) * 150);
        self.refusing = [0, 0, 60][self.dice.below(3) as usize];
        let mut disturbed = false;
        // Some are long enough for several calls.
        let more = if self.dice.chance(100) { 30 } else { 0 };
        for _ in 0..6 + self.dice.below(14) + more {
            disturbed |= self.step();
            let span = [5, 30, 200, 1500][self.dice.below(4) as usize];
            let span = Duration::from_millis(self.dice.below(span));
            self.pass(span);
        }
        self.refusing = 0;
        self.connect();
        disturbed |= std::mem::take(&mut self.gateway.refused_change);
        if !disturbed && lossy < 300 {
            self.settle(Duration::from_secs(150));
            self.check_media();
        }
        self.wic.end(self.now);
        self.core.end(self.now);
        self.flush();
        self.pass(AFTERMATH);
        self.check_end(seed);
        coverage.note(&self.events);
    }

    /// Something happens; `true` when it is nothing that a call stands without harm.
    fn step(&mut self) -> bool {
        let deeds = [
            Deed::Call,
            Deed::Ring,
            Deed::Preview,
            Deed::Reliable,
            Deed::Answer,
            Deed::Answer,
            Deed::Fork,
            Deed::Refuse,
            Deed::Cancel,
            Deed::Update,
            Deed::Reinvite,
            Deed::Bye,
            Deed::Info,
            Deed::Nonsense,
        ];
        let nobody = self
            .wic
            .calls
            .iter()
            .chain(&self.core.calls)
            .all(|call| call.stage == Stage::Over);
        match self.dice.below(60) {
            0 => {
                self.note("gateway lost");
                self.gateway.lose();
                self.asked.clear();
                self.shard.handle_gateway_lost(self.now);
                self.take();
                return true;
            }
            1 => {
                self.disconnect();
                return true;
            }
            2 | 3 => self.connect(),
            4..=8 => {
                let id = self.dice.below(8) as u16 * 2;
                let told = self.gateway.open(id);
                self.notify("channel opened", told);
            }
            9..=11 => {
                let told = self.gateway.close();
                self.notify("channel closed", told);
            }
            12 => {
                let told = self.gateway.end();
                self.notify("channels ended", told);
            }
            chance => {
                let deed = if nobody {
                    Deed::Call
                } else {
                    deeds[self.dice.below(deeds.len() as u64) as usize]
                };
                let agent = if chance % 2 == 0 && self.connected {
                    &mut self.wic
                } else {
                    &mut self.core
                };
                self.log.push_back(Line::Deed(agent.side, deed));
                agent.act(self.now, deed);
                self.flush();
            }
        }
        false
    }

    /// The gateway tells something of the WIC's channels.
    fn notify(&mut self, event: &str, told: Option<Notification>) {
        if let Some(told) = told {
            self.note(event);
            self.shard.handle_iq_notification(self.now, &told);
            self.take();
        }
    }

    fn note(&mut self, event: &str) {
        let at = EVENTS.iter().position(|known| *known == event);
        self.note_at(at.unwrap_or_else(|| panic!("an event without a name: {event}")));
    }

    fn note_at(&mut self, event: usize) {
        self.events.push(event);
        self.remember(Line::Event(event));
    }

    fn remember(&mut self, line: Line) {
        if self.log.len() == TOLD {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }

    // Time.

    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.next().filter(|at| *at <= end) {
            self.turn(at);
        }
        self.now = end;
    }

    /// Until nothing more happens, and no longer than this.
    fn settle(&mut self, most: Duration) {
        let end = self.now + most;
        while let Some(at) = self.next().filter(|at| *at <= end) {
            self.turn(at);
            if self.wic.is_quiet() && self.core.is_quiet() && self.is_idle() {
                return;
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.net.next_delivery().is_none()
            && self.asked.is_empty()
            && self.shard.counters().sessions == 0
    }

    fn next(&self) -> Option<Instant> {
        [
            self.shard.poll_timeout(),
            self.wic.poll_timeout(),
            self.core.poll_timeout(),
            self.net.next_delivery(),
            self.asked.front().map(|(at, ..)| *at),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn turn(&mut self, at: Instant) {
        self.now = self.now.max(at);
        if self.shard.poll_timeout().is_some_and(|at| at <= self.now) {
            self.shard.handle_timeout(self.now);
            self.take();
        }
        self.wic.handle_timeout(self.now);
        self.core.handle_timeout(self.now);
        self.flush();
        while let Some(delivery) = self.net.deliver(self.now) {
            self.deliver(delivery.from, delivery.to, delivery.payload);
        }
        while self.asked.front().is_some_and(|(at, ..)| *at <= self.now) {
            if let Some((_, id, command)) = self.asked.pop_front() {
                let refuses = self.dice.chance(self.refusing);
                let reply = self.gateway.handle(&command, refuses);
                self.note(if reply.is_ok() {
                    "gateway reply"
                } else {
                    "gateway refusal"
                });
                self.shard.handle_iq_reply(self.now, id, reply);
                self.take();
            }
        }
    }

    // Messages.

    /// What the agents have said goes on its way.
    fn flush(&mut self) {
        while let Some((_, bytes)) = self.wic.out.pop_front() {
            if self.connected {
                self.net.send(self.now, "wic", "edge", (self.epoch, bytes));
            }
        }
        while let Some((_, bytes)) = self.core.out.pop_front() {
            self.net.send(self.now, "core", "edge", (0, bytes));
        }
    }

    fn deliver(&mut self, from: &'static str, to: &'static str, (epoch, bytes): (u32, Bytes)) {
        let message = Message::parse(bytes.clone()).expect("everyone writes SIP");
        match (from, to) {
            ("wic", _) if epoch == self.epoch && self.connected => {
                self.came(Side::Wic, &message);
                self.shard
                    .handle_w2_message(self.now, ConnectionId(u64::from(epoch)), bytes);
                self.take();
            }
            ("core", _) => {
                self.came(Side::Core, &message);
                let source = Source {
                    transport: Transport::Udp,
                    local: "198.51.100.1:5070".parse().expect("an address"),
                    remote: CORE.parse().expect("an address"),
                    connection: None,
                };
                self.shard.handle_mw_message(self.now, source, message);
                self.take();
            }
            (_, "wic") if epoch == self.epoch && self.connected => {
                self.wic.receive(self.now, message);
            }
            (_, "core" | "core by TCP") => self.core.receive(self.now, message),
            _ => {}
        }
        self.flush();
    }

    fn came(&mut self, side: Side, message: &Message) {
        self.rules.came(side, message);
        if let Some(event) = kind(message) {
            let words = (if side == Side::Wic { "wic" } else { "core" }, event);
            let named = |known: &&str| known.split_once(' ') == Some(words);
            let at = EVENTS.iter().position(named);
            self.note_at(at.unwrap_or_else(|| panic!("an event without a name: {event}")));
        }
        for event in self.rules.data_came(side, message) {
            self.note(event);
        }
    }

    /// What the shard has to say.
    fn take(&mut self) {
        while let Some(output) = self.shard.poll_output() {
            match output {
                Output::W2Send {
                    connection,
                    message,
                } => {
                    self.left(Side::Wic, &message);
                    self.net
                        .send(self.now, "edge", "wic", (connection.0 as u32, message));
                }
                Output::MwSend { target, message } => {
                    self.left(Side::Core, &message);
                    let to = if target.transport().is_reliable() {
                        "core by TCP"
                    } else {
                        "core"
                    };
                    self.net.send(self.now, "edge", to, (0, message));
                }
                Output::Iq { id, command } => {
                    let last = self.asked.back().map_or(self.now, |(at, ..)| *at);
                    let at = last.max(self.now + self.dice.up_to(self.slow));
                    self.asked.push_back((at, id, command));
                }
                Output::W2Close { .. } => self.connected = false,
                other => panic!("{other:?}"),
            }
        }
    }

    fn left(&mut self, side: Side, bytes: &Bytes) {
        let message = Message::parse(bytes.clone()).expect("the shard writes SIP");
        self.remember(Line::Left(side, Box::new(message.clone())));
        self.rules.left(self.now, side, &message);
    }

    // The WIC's WebSocket.

    fn disconnect(&mut self) {
        if self.connected {
            self.note("flow lost");
            self.connected = false;
            self.rules.lost_sight();
            self.shard
                .handle_w2_closed(self.now, ConnectionId(u64::from(self.epoch)));
            self.take();
            self.wic.disconnected(self.now);
            self.flush();
        }
    }

    /// It opens one, and registers.
    fn connect(&mut self) {
        if self.connected {
            return;
        }
        if self.epoch > 0 {
            self.note("flow back");
        }
        self.epoch += 1;
        self.connected = true;
        let connection = ConnectionId(u64::from(self.epoch));
        let peer = W2Peer {
            remote: "203.0.113.5:50000".parse().expect("an address"),
            local: "198.51.100.1:8443".parse().expect("an address"),
            secure: false,
        };
        self.shard.handle_w2_open(self.now, connection, peer);
        self.cseq += 1;
        let bytes = register(self.cseq).to_bytes();
        self.shard.handle_w2_message(self.now, connection, bytes);
        let mut others = Vec::new();
        while let Some(output) = self.shard.poll_output() {
            match output {
                Output::MwSend { message, .. } => {
                    let request = Message::parse(message).expect("the shard writes SIP");
                    if request.method() != Method::Register {
                        continue;
                    }
                    let path = request.header(HeaderName::Path).expect("a Path");
                    path.clone_into(&mut self.core.path);
                    let source = Source {
                        transport: Transport::Udp,
                        local: "198.51.100.1:5070".parse().expect("an address"),
                        remote: CORE.parse().expect("an address"),
                        connection: None,
                    };
                    let answer = Message::parse(registered(&request).to_bytes()).expect("SIP");
                    self.shard.handle_mw_message(self.now, source, answer);
                }
                other => others.push(other),
            }
        }
        let registered = |output: &Output| matches!(output, Output::W2Send { message, .. } if message.starts_with(b"SIP/2.0 200"));
        assert!(others.iter().any(registered), "{others:?}");
    }

    // What must hold.

    /// With nothing under way, both sides and the gateway are of one mind.
    fn check_media(&self) {
        let live = |agent: &Agent| {
            let mut calls = agent
                .calls
                .iter()
                .filter(|call| call.stage == Stage::Confirmed)
                .cloned();
            let first = calls.next();
            first.filter(|_| calls.next().is_none())
        };
        let (Some(wic), Some(core)) = (live(&self.wic), live(&self.core)) else {
            return;
        };
        let same =
            wic.name == core.name && wic.remote_tag.as_deref() == Some(core.local_tag.as_str());
        let (Some(at_wic), Some(at_core)) = (wic.belief, core.belief) else {
            return;
        };
        if !same
            || !self.wic.is_quiet()
            || !self.core.is_quiet()
            || self.gateway.contexts.len() != 1
        {
            return;
        }
        let streams = self.gateway.contexts.values().next().expect("one Context");
        let Some(stream) = streams.get(&0) else {
            return;
        };
        let told = stream.core.as_ref().and_then(|core| core.remote_rtp);
        assert_eq!(
            told.map(|addr| addr.port()),
            Some(at_core.port),
            "the gateway sends where the core listens: {at_core:?}"
        );
        let flows = |from: &str, to: &str| {
            matches!(from, "sendrecv" | "sendonly") && matches!(to, "sendrecv" | "recvonly")
        };
        let gate = stream.w3.as_ref().and_then(|w3| w3.gate).expect("a gate");
        assert_eq!(
            (gate.receive, gate.send),
            (
                flows(at_wic.mine, at_core.mine),
                flows(at_core.mine, at_wic.mine)
            ),
            "the gates are as both sides say: {at_wic:?} {at_core:?}"
        );
        check_channels(streams, at_wic.channels, at_core.channels);
    }

    fn check_end(&self, seed: u64) {
        for agent in [&self.wic, &self.core] {
            for call in &agent.calls {
                assert!(call.released <= 1, "a side is released twice: {call:?}");
                assert_eq!(call.stage, Stage::Over, "a call is left: {call:?}");
            }
        }
        assert!(
            self.gateway.contexts.is_empty(),
            "a Context is left after seed {seed}"
        );
        let inside = format!("{:?}", self.shard);
        let nothing = "forwards: 0, branches: 0, deferred: 0, asked: 0, own: 0";
        assert!(
            inside.contains(nothing) && inside.contains("sessions: 0"),
            "{inside}"
        );
    }
}

/// TS 24.371 §8.4.2: the gateway joins what both sides have, and what the core has of the WIC's others.
fn check_channels(
    streams: &BTreeMap<u16, StreamSettings>,
    at_wic: Option<Channels>,
    at_core: Option<Channels>,
) {
    let mut all = streams.values();
    let data = all.find(|stream| stream.media == MediaKind::Data);
    let (Some(at_wic), Some(at_core)) = (at_wic, at_core) else {
        assert!(
            data.is_none(),
            "no channels: {at_wic:?} {at_core:?} {data:?}"
        );
        return;
    };
    let data = data.and_then(|stream| stream.data.as_ref());
    let data = data.unwrap_or_else(|| panic!("no stream for {at_wic:?} {at_core:?}"));
    let told = data.channels.iter().flatten();
    let (both, others): (Vec<_>, Vec<_>) = told.partition(|one| one.place == ChannelPlace::Both);
    assert_eq!(
        Channels::of(both.iter().map(|one| one.id)),
        at_wic.and(at_core),
        "the gateway joins what both have: {at_wic:?} {at_core:?}"
    );
    let others = Channels::of(others.iter().map(|one| one.id));
    assert!(
        !at_core.announced().lacks(others),
        "what stands for another is the core's too: {others:?} {at_core:?}"
    );
}

/// What kind of event a message is; none for one that no dialog hears of.
fn kind(message: &Message) -> Option<&'static str> {
    let offers = !message.body().is_empty();
    let within = message.to_tag().is_some();
    Some(match (message.status(), message.method()) {
        (None, Method::Invite) => match (within, offers) {
            (false, true) => "INVITE offer",
            (false, false) => "INVITE",
            (true, true) => "re-INVITE offer",
            (true, false) => "re-INVITE",
        },
        (None, Method::Update) if offers => "UPDATE offer",
        (None, Method::Update) => "UPDATE",
        (None, Method::Prack) => "PRACK",
        (None, Method::Ack) if offers => "ACK answer",
        (None, Method::Ack) => "ACK",
        (None, Method::Cancel) => "CANCEL",
        (None, Method::Bye) => "BYE",
        (None, Method::Info) => "INFO",
        (Some(status), Method::Invite) => match status.as_u16() {
            100 => return None,
            180 => "180",
            101..200 if message.has(HeaderName::RSeq) => "183 reliable",
            101..200 => "183 preview",
            200..300 => "2xx INVITE",
            _ => "failure INVITE",
        },
        (Some(status), _) if status.is_success() => "2xx",
        (Some(status), _) if status.is_failure() => "failure",
        _ => return None,
    })
}
