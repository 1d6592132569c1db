use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use core_iq::{
    Command, ContextId, Event, Gate, MediaKind, Notification, Refusal, Reply, RequestId, Reserved,
    StreamId, StreamSettings,
};
use core_w3::dtls::Certificate;
use nf_eims_agw::{
    Arrival, BoundPorts, Config, Gateway, Identity, Limits, Output, PortRequest, SocketId, W3Socket,
};
use testbed::{Clock, LinkQuality, Net};

use super::{Phone, Wic};

/// Gateway workers, WICs and phones, and the network between them.
pub struct Bed {
    pub clock: Clock,
    pub net: Net<SocketAddr, Vec<u8>>,
    pub workers: Vec<Worker>,
    pub wics: Vec<Wic>,
    pub phones: Vec<Phone>,
    /// Ports that somebody else has.
    pub taken: Vec<u16>,
    next_request: u64,
}

pub struct Worker {
    pub gateway: Gateway,
    sockets: BTreeMap<SocketAddr, SocketId>,
    next_socket: u32,
    pub replies: BTreeMap<u64, Result<Reply, Refusal>>,
    pub notifications: Vec<Notification>,
    pub bind: bool,
    /// What comes is taken, and worked through later: with a command, or when this is over.
    pub waits: bool,
    /// How much had been told when a message was refused last since its channel was full.
    pub refused_after: usize,
    wishes: Vec<(PortRequest, SocketAddr, SocketAddr)>,
}

/// A worker's configuration: W3 at 203.0.113.1, the core side at 10.0.0.1.
pub fn config(worker: u16) -> Config {
    Config {
        worker,
        w3: vec![W3Socket {
            socket: SocketId(0),
            candidate: SocketAddr::from(([203, 0, 113, 1], 7000 + worker)),
        }],
        core_address: [10, 0, 0, 1].into(),
        core_public_address: None,
        core_ports: Some(40000 + 1000 * worker..=40999 + 1000 * worker),
        symmetric_rtp: false,
        silence: Config::SILENCE,
        limits: Limits::default(),
        seed: [worker as u8 + 1; 32],
    }
}

impl Bed {
    pub fn new(configs: Vec<Config>, seed: u64, quality: LinkQuality) -> Self {
        let identity = Identity::new(Certificate::generate().unwrap()).unwrap();
        Self {
            clock: Clock::new(),
            net: Net::new(seed, quality),
            workers: configs
                .into_iter()
                .map(|config| Worker {
                    sockets: config
                        .w3
                        .iter()
                        .map(|w3| (w3.candidate, w3.socket))
                        .collect(),
                    next_socket: config.w3.len() as u32,
                    gateway: Gateway::new(config, identity.clone()),
                    replies: BTreeMap::new(),
                    notifications: Vec::new(),
                    bind: true,
                    waits: false,
                    refused_after: 0,
                    wishes: Vec::new(),
                })
                .collect(),
            wics: Vec::new(),
            phones: Vec::new(),
            taken: Vec::new(),
            next_request: 0,
        }
    }

    /// One worker, a good network.
    pub fn one() -> Self {
        Self::new(vec![config(0)], 1, LinkQuality::good())
    }

    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Asks worker `at`, and gives the answer, which must come at once.
    pub fn ask(&mut self, at: usize, command: Command) -> Result<Reply, Refusal> {
        let id = self.ask_only(at, command);
        let replies = &mut self.workers[at].replies;
        replies.remove(&id).expect("an answer")
    }

    pub fn ask_only(&mut self, at: usize, command: Command) -> u64 {
        let id = self.next_request;
        self.next_request += 1;
        let now = self.now();
        let gateway = &mut self.workers[at].gateway;
        gateway.handle_iq(now, RequestId(id), command);
        self.drain(at);
        id
    }

    /// Opens the ports that were asked for while `bind` was false.
    pub fn fulfil(&mut self, at: usize) {
        let now = self.now();
        let worker = &mut self.workers[at];
        for (request, rtp, rtcp) in std::mem::take(&mut worker.wishes) {
            worker.bound(now, request, rtp, rtcp, &[]);
        }
        self.drain(at);
    }

    pub fn reserve(&mut self, at: usize, streams: Vec<StreamSettings>) -> Reserved {
        match self.ask(
            at,
            Command::Reserve {
                context: None,
                streams,
            },
        ) {
            Ok(Reply::Reserved(reserved)) => reserved,
            other => panic!("{other:?}"),
        }
    }

    pub fn configure(&mut self, at: usize, context: ContextId, stream: StreamSettings) -> Reserved {
        let streams = vec![stream];
        match self.ask(at, Command::Configure { context, streams }) {
            Ok(Reply::Configured(reserved)) => reserved,
            other => panic!("{other:?}"),
        }
    }

    /// A call between WIC `wic` and phone `phone` through worker `at`, gates open, media up.
    pub fn call(
        &mut self,
        at: usize,
        wic: usize,
        phone: usize,
        settings: StreamSettings,
    ) -> ContextId {
        let settings = StreamSettings {
            w3: Some(self.wics[wic].settings(Gate::OPEN)),
            core: Some(self.phones[phone].settings(Gate::OPEN)),
            ..settings
        };
        let reserved = self.reserve(at, vec![settings]);
        let now = self.now();
        self.phones[phone].gateway = Some(reserved.streams[0].core);
        self.wics[wic].accept(now, &reserved.streams[0]);
        self.run(Duration::from_secs(3));
        assert!(self.wics[wic].is_connected(), "{:?}", self.wics[wic].failed);
        reserved.context
    }

    pub fn audio_call(&mut self) -> ContextId {
        self.wics.push(Wic::new("198.51.100.1:50000"));
        self.phones.push(Phone::new("10.0.0.9:30000"));
        self.call(0, 0, 0, StreamSettings::new(StreamId(0), MediaKind::Audio))
    }

    pub fn phone_sends(&mut self, phone: usize, packet: &[u8]) {
        let (from, to) = {
            let phone = &self.phones[phone];
            (phone.rtp, phone.gateway.unwrap().rtp)
        };
        self.net.send(self.clock.now(), from, to, packet.to_vec());
    }

    pub fn phone_sends_rtcp(&mut self, phone: usize, packet: &[u8]) {
        let (from, to) = {
            let phone = &self.phones[phone];
            (phone.rtcp, phone.gateway.unwrap().rtcp)
        };
        self.net.send(self.clock.now(), from, to, packet.to_vec());
    }

    /// Lets that much time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now() + time;
        loop {
            self.flush();
            let next = self.next_event().filter(|at| *at <= end);
            let Some(next) = next else {
                self.clock.advance_to(end);
                return;
            };
            let now = self.clock.advance_to(next);
            while let Some(delivery) = self.net.deliver(now) {
                self.deliver(delivery.from, delivery.to, &delivery.payload);
            }
            for at in 0..self.workers.len() {
                if self.workers[at]
                    .gateway
                    .poll_timeout()
                    .is_some_and(|due| due <= now)
                {
                    self.workers[at].gateway.handle_timeout(now);
                    self.drain(at);
                }
            }
            for wic in &mut self.wics {
                if wic.poll_timeout().is_some_and(|due| due <= now) {
                    wic.handle_timeout(now);
                }
            }
        }
    }

    pub fn events(&self, at: usize) -> Vec<Event> {
        let notifications = self.workers[at].notifications.iter();
        notifications.map(|n| n.event.clone()).collect()
    }

    fn next_event(&self) -> Option<Instant> {
        let gateways = self
            .workers
            .iter()
            .map(|worker| worker.gateway.poll_timeout());
        let wics = self.wics.iter().map(Wic::poll_timeout);
        gateways
            .chain(wics)
            .chain([self.net.next_delivery()])
            .flatten()
            .min()
    }

    fn flush(&mut self) {
        let now = self.clock.now();
        for wic in &mut self.wics {
            for (to, bytes) in wic.outbox.drain(..) {
                self.net.send(now, wic.address, to, bytes);
            }
        }
    }

    fn deliver(&mut self, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        let now = self.now();
        for wic in &mut self.wics {
            if wic.address == to {
                wic.handle(now, payload);
            }
        }
        for phone in &mut self.phones {
            if phone.rtp == to {
                phone.received.push(payload.to_vec());
            } else if phone.rtcp == to {
                phone.received_rtcp.push(payload.to_vec());
            }
        }
        for at in 0..self.workers.len() {
            let Some(&socket) = self.workers[at].sockets.get(&to) else {
                continue;
            };
            let mut buffer = vec![0; 2048];
            buffer[..payload.len()].copy_from_slice(payload);
            let arrival = Arrival {
                socket,
                source: from,
                length: payload.len(),
            };
            let departure = self.workers[at]
                .gateway
                .handle_datagram(now, arrival, &mut buffer);
            if let Some(departure) = departure {
                let source = self.workers[at].address_of(departure.socket);
                let bytes = buffer[departure.range].to_vec();
                self.net.send(now, source, departure.destination, bytes);
            }
            if !self.workers[at].waits {
                self.drain(at);
            }
        }
    }

    fn drain(&mut self, at: usize) {
        let now = self.clock.now();
        while let Some(output) = self.workers[at].gateway.poll_output() {
            let worker = &mut self.workers[at];
            match output {
                Output::Transmit {
                    socket,
                    destination,
                    bytes,
                } => {
                    let source = worker.address_of(socket);
                    self.net.send(now, source, destination, bytes);
                }
                Output::IqReply { id, result } => {
                    if result == Err(Refusal::ChannelFull) {
                        worker.refused_after = worker.notifications.len();
                    }
                    assert!(worker.replies.insert(id.0, result).is_none());
                }
                Output::Notification(notification) => worker.notifications.push(notification),
                Output::BindPorts { request, rtp, rtcp } if worker.bind => {
                    worker.bound(now, request, rtp, rtcp, &self.taken);
                }
                Output::BindPorts { request, rtp, rtcp } => {
                    worker.wishes.push((request, rtp, rtcp));
                }
                Output::ReleasePorts { rtp, rtcp } => {
                    let before = worker.sockets.len();
                    worker.sockets.retain(|_, id| *id != rtp && *id != rtcp);
                    assert_eq!(worker.sockets.len() + 2, before);
                }
            }
        }
    }
}

/// A call between WIC 0 and WIC 1: a Context each, on the workers named, and each the other's far
/// end, as when the core routes the call straight back.
pub fn hairpin(bed: &mut Bed, workers: [usize; 2], settings: &StreamSettings) -> [ContextId; 2] {
    let mut reserved = Vec::new();
    for (wic, at) in workers.into_iter().enumerate() {
        let w3 = Some(bed.wics[wic].settings(Gate::OPEN));
        reserved.push(bed.reserve(
            at,
            vec![StreamSettings {
                w3,
                ..settings.clone()
            }],
        ));
    }
    for (wic, at) in workers.into_iter().enumerate() {
        let far_end = reserved[1 - wic].streams[0].core;
        let core = core_iq::CoreSettings {
            remote_rtp: Some(far_end.rtp),
            remote_rtcp: Some(far_end.rtcp),
            gate: Some(Gate::OPEN),
        };
        let mut change = StreamSettings::new(settings.stream, settings.media);
        change.core = Some(core);
        bed.configure(at, reserved[wic].context, change);
        let now = bed.now();
        bed.wics[wic].accept(now, &reserved[wic].streams[0]);
    }
    bed.run(Duration::from_secs(3));
    assert!(bed.wics[0].is_connected() && bed.wics[1].is_connected());
    [reserved[0].context, reserved[1].context]
}

impl Worker {
    /// The sockets of the only call: RTP and RTCP.
    pub fn core_sockets(&self) -> (SocketId, SocketId) {
        let ids: Vec<SocketId> = self.sockets.values().copied().collect();
        let mut core: Vec<SocketId> = ids.into_iter().filter(|id| id.0 > 0).collect();
        core.sort_unstable();
        (core[0], core[1])
    }

    pub fn open_ports(&self) -> usize {
        self.sockets.len() - 1
    }

    fn bound(
        &mut self,
        now: Instant,
        request: PortRequest,
        rtp: SocketAddr,
        rtcp: SocketAddr,
        taken: &[u16],
    ) {
        let result = if taken.contains(&rtp.port()) {
            Err("somebody has it".into())
        } else {
            let mut open = |address| {
                let id = SocketId(self.next_socket);
                self.next_socket += 1;
                assert!(self.sockets.insert(address, id).is_none());
                (id, address)
            };
            Ok(BoundPorts {
                rtp: open(rtp),
                rtcp: open(rtcp),
            })
        };
        self.gateway.handle_ports_bound(now, request, result);
    }

    fn address_of(&self, socket: SocketId) -> SocketAddr {
        let mut all = self.sockets.iter();
        let found = all.find(|(_, id)| **id == socket);
        *found.expect("an open socket").0
    }
}
