//! The network, and who is on it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use core_bootstrap::{Response, StatusCode as BootstrapStatus};
use core_sip::{ConnectionId, Source, Target, Transport};
use core_w3::dtls::Certificate;
use nf_eims_agw::{
    Arrival, BoundPorts, Config as GatewayConfig, Gateway, Identity as GatewayIdentity, Limits,
    Output as GatewayOutput, SocketId, W3Socket,
};
use nf_epcscf::{ApplicationsQuery, Config as EdgeConfig, EpCscf, Output as EdgeOutput, W2Peer};
use nf_lab_core::{LabCore, LabCoreConfig, Output as CoreOutput, Subscriber};
use nf_wic::media::{AudioSource, Codec};
use nf_wic::{Config as WicConfig, Credentials, Event, Identity, Output as WicOutput, Wic};
use testbed::{Clock, LinkQuality, Net};
use wire_sip::Message;

use crate::phone::Phone;

pub(crate) const DOMAIN: &str = "ims.mnc001.mcc001.3gppnetwork.org";
const CORE: &str = "192.0.2.10:5060";
const EDGE: &str = "198.51.100.1:5070";
/// Where the edge's TCP connection to the core comes from.
const EDGE_TCP: &str = "198.51.100.1:45001";
const W2: &str = "198.51.100.1:8443";
const W3: &str = "198.51.100.1:3478";
/// The one TCP connection between edge and core, as each of them names it.
const AT_CORE: ConnectionId = ConnectionId(1);
const AT_EDGE: ConnectionId = ConnectionId(2);

#[derive(Clone, Debug)]
pub(crate) enum Packet {
    /// SIP over a WebSocket.
    W2(ConnectionId, Vec<u8>),
    /// SIP over UDP or TCP.
    Sip(Transport, Vec<u8>),
    Media(Vec<u8>),
}

pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) net: Net<SocketAddr, Packet>,
    pub(crate) wics: BTreeMap<&'static str, Wic>,
    pub(crate) events: Vec<(&'static str, Event)>,
    pub(crate) phone: Phone,
    pub(crate) edge: EpCscf,
    pub(crate) core: LabCore,
    pub(crate) gateway: Gateway,
    /// Every SIP message that crossed Mw, as `>` from the edge or `<` to it.
    pub(crate) mw: Vec<(char, Message)>,
    /// What is answered on a bootstrap channel.
    pub(crate) repository: fn(&ApplicationsQuery) -> Response,
    sockets: BTreeMap<SocketAddr, SocketId>,
    next_socket: u32,
    connections: BTreeMap<ConnectionId, &'static str>,
    next_connection: u64,
}

impl World {
    /// Alice and bob have browsers, carol has a phone; nobody is registered.
    pub(crate) fn new(answer_after: Option<Duration>) -> Self {
        let clock = Clock::new();
        let wall = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        let mut edge = EdgeConfig::new(DOMAIN, EDGE, &format!("sip:{CORE}"));
        edge.w2 = "edge.example:8443".into();
        edge.token_key = [5; 32];
        edge.media.bootstrap = true;
        let mut core = LabCoreConfig::new(DOMAIN, addr(CORE));
        core.trusted.push(addr(EDGE));
        let people: Vec<Subscriber> = ["alice", "bob", "carol"]
            .iter()
            .enumerate()
            .map(|(n, name)| {
                let tel = format!("tel:+1555010{n}");
                Subscriber::new(name, &password(name), DOMAIN, &[&tel])
            })
            .collect();
        let identity = GatewayIdentity::new(Certificate::generate().unwrap()).unwrap();
        let mut world = Self {
            net: Net::new(1, LinkQuality::good()),
            wics: BTreeMap::new(),
            events: Vec::new(),
            phone: Phone::new("carol", addr("203.0.113.9:5062"), addr(CORE)),
            edge: EpCscf::new(edge, clock.now(), wall, [3; 32]),
            core: LabCore::new(core, &people, [4; 32]),
            gateway: Gateway::new(gateway_config(), identity),
            mw: Vec::new(),
            repository: |_| Response::of(BootstrapStatus::SERVICE_UNAVAILABLE),
            sockets: BTreeMap::from([(addr(W3), SocketId(0))]),
            next_socket: 1,
            connections: BTreeMap::new(),
            next_connection: 100,
            clock,
        };
        for name in ["alice", "bob"] {
            let mut wic = Wic::new(wic_config(name, answer_after));
            wic.start();
            world.wics.insert(name, wic);
        }
        world
    }

    /// All three are registered.
    pub(crate) fn registered(answer_after: Option<Duration>) -> Self {
        let mut world = Self::new(answer_after);
        world.phone.register(world.clock.now());
        world.run(Duration::from_secs(3));
        for (name, wic) in &world.wics {
            assert!(wic.is_registered(), "{name}: {:?}", world.events);
        }
        assert!(world.phone.is_registered());
        world.events.clear();
        world
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(crate) fn wic(&mut self, name: &str) -> &mut Wic {
        self.wics.get_mut(name).expect("there")
    }

    pub(crate) fn events_of(&self, name: &str) -> Vec<&Event> {
        let mine = self.events.iter().filter(|(whose, _)| *whose == name);
        mine.map(|(_, event)| event).collect()
    }

    /// With which status a call ended.
    pub(crate) fn ended(&self, name: &str) -> Option<u16> {
        let events = self.events_of(name).into_iter();
        let mut ends = events.filter_map(|event| match event {
            Event::Ended(ended) => Some(ended.status),
            _ => None,
        });
        ends.next()
    }

    /// The WebSocket of one of them breaks; it comes back by itself.
    pub(crate) fn cut(&mut self, name: &str) {
        let now = self.now();
        let found = self.connections.iter().find(|(_, whose)| **whose == name);
        let connection = *found.expect("a connection").0;
        self.connections.remove(&connection);
        self.edge.handle_w2_closed(now, connection);
        self.wic(name).handle_closed(now);
        self.settle();
    }

    /// One of them is gone with everything: its WebSocket, its media, and the person.
    pub(crate) fn lose(&mut self, name: &str) {
        let now = self.now();
        let found = self.connections.iter().find(|(_, whose)| **whose == name);
        let connection = *found.expect("a connection").0;
        self.connections.remove(&connection);
        self.edge.handle_w2_closed(now, connection);
        let gone = Wic::new(wic_config("nobody", None));
        *self.wic(name) = gone;
        self.settle();
    }

    /// From now on a fifth of what the phone and the core say to one another is lost.
    pub(crate) fn worsen_phone(&mut self, seed: u64) {
        self.net = Net::new(seed, LinkQuality::good());
        let (phone, core) = (self.phone.here(), addr(CORE));
        self.net.set_link(phone, core, LinkQuality::bad());
        self.net.set_link(core, phone, LinkQuality::bad());
    }

    /// From now on W3 of one of them is like that.
    pub(crate) fn w3_is(&mut self, seed: u64, name: &str, quality: LinkQuality) {
        self.net = Net::new(seed, LinkQuality::good());
        for own in [media(name), channels(name)] {
            self.net.set_link(own, addr(W3), quality);
            self.net.set_link(addr(W3), own, quality);
        }
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now() + time;
        self.settle();
        loop {
            let next = self
                .wics
                .values()
                .filter_map(Wic::poll_timeout)
                .chain(self.net.next_delivery())
                .chain(self.edge.poll_timeout())
                .chain(self.core.poll_timeout())
                .chain(self.gateway.poll_timeout())
                .chain(self.phone.poll_timeout())
                .min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.clock.advance_to(end);
                return;
            };
            let now = self.clock.advance_to(next);
            while let Some(delivery) = self.net.deliver(now) {
                self.deliver(now, delivery.from, delivery.to, delivery.payload);
                self.settle();
            }
            for wic in self.wics.values_mut() {
                if wic.poll_timeout().is_some_and(|due| due <= now) {
                    wic.handle_timeout(now);
                }
            }
            self.edge.handle_timeout(now);
            self.core.handle_timeout(now);
            self.gateway.handle_timeout(now);
            self.phone.handle_timeout(now);
            self.settle();
        }
    }

    fn deliver(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, packet: Packet) {
        match packet {
            Packet::W2(connection, bytes) if to == addr(W2) => {
                self.edge.handle_w2_message(now, connection, bytes.into());
            }
            Packet::W2(connection, bytes) => {
                if let Some(name) = self.connections.get(&connection).copied() {
                    self.wic(name).handle_message(now, bytes.into());
                }
            }
            Packet::Sip(transport, bytes) => {
                let message = Message::parse(bytes.into()).expect("our SIP is well formed");
                let tcp = transport == Transport::Tcp;
                let source = |remote, connection| Source {
                    transport,
                    local: to,
                    remote,
                    connection: tcp.then_some(connection),
                };
                if to == addr(CORE) {
                    let by_edge = from == addr(EDGE);
                    if by_edge {
                        self.mw.push(('>', message.clone()));
                    }
                    let remote = if tcp { addr(EDGE_TCP) } else { from };
                    self.core
                        .handle_message(now, source(remote, AT_CORE), message);
                } else if to == addr(EDGE) {
                    self.mw.push(('<', message.clone()));
                    self.edge
                        .handle_mw_message(now, source(from, AT_EDGE), message);
                } else if to == self.phone.here() {
                    self.phone
                        .handle_message(now, source(from, AT_CORE), message);
                } else {
                    panic!("nobody is at {to}");
                }
            }
            Packet::Media(bytes) => self.media(now, from, to, &bytes),
        }
    }

    fn media(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let mut names = ["alice", "bob"].into_iter();
        if let Some(name) = names.find(|name| media(name).ip() == to.ip()) {
            self.wic(name).handle_media(now, to, from, bytes);
            return;
        }
        if to == self.phone.media() {
            self.phone.handle_rtp(bytes);
            return;
        }
        let Some(socket) = self.sockets.get(&to).copied() else {
            return;
        };
        let mut buffer = [0; 2048];
        buffer[..bytes.len()].copy_from_slice(bytes);
        let arrival = Arrival {
            socket,
            source: from,
            length: bytes.len(),
        };
        if let Some(departure) = self.gateway.handle_datagram(now, arrival, &mut buffer) {
            let source = self.address_of(departure.socket);
            let bytes = buffer[departure.range].to_vec();
            let packet = Packet::Media(bytes);
            self.net.send(now, source, departure.destination, packet);
        }
    }

    fn address_of(&self, socket: SocketId) -> SocketAddr {
        let found = self.sockets.iter().find(|(_, own)| **own == socket);
        *found.expect("an open socket").0
    }

    /// Everybody says what they have to say, until nobody has anything.
    fn settle(&mut self) {
        let now = self.now();
        let mut quiet = false;
        while !quiet {
            quiet = true;
            for name in ["alice", "bob"] {
                while let Some(output) = self.wic(name).poll_output() {
                    quiet = false;
                    self.wic_says(now, name, output);
                }
            }
            while let Some(output) = self.edge.poll_output() {
                quiet = false;
                self.edge_says(now, output);
            }
            while let Some(output) = self.core.poll_output() {
                quiet = false;
                self.core_says(now, output);
            }
            while let Some(output) = self.gateway.poll_output() {
                quiet = false;
                self.gateway_says(now, output);
            }
            while let Some((to, packet)) = self.phone.poll_output() {
                quiet = false;
                let from = match packet {
                    Packet::Media(_) => self.phone.media(),
                    _ => self.phone.here(),
                };
                self.net.send(now, from, to, packet);
            }
        }
    }

    fn wic_says(&mut self, now: Instant, name: &'static str, output: WicOutput) {
        match output {
            WicOutput::Connect => {
                self.next_connection += 1;
                let connection = ConnectionId(self.next_connection);
                self.connections.insert(connection, name);
                let peer = W2Peer {
                    remote: media(name),
                    local: addr(W2),
                    secure: true,
                };
                self.edge.handle_w2_open(now, connection, peer);
                self.wic(name).handle_connected(now, connection);
            }
            WicOutput::Send(bytes) => {
                let found = self.connections.iter().find(|(_, whose)| **whose == name);
                let connection = *found.expect("a connection").0;
                let packet = Packet::W2(connection, bytes.to_vec());
                self.net.send(now, media(name), addr(W2), packet);
            }
            WicOutput::Transmit { from, to, bytes } => {
                self.net.send(now, from, to, Packet::Media(bytes));
            }
            WicOutput::Event { event, .. } => self.events.push((name, event)),
            // Only when told to.
            WicOutput::Disconnect | WicOutput::Close(_) => {}
        }
    }

    fn edge_says(&mut self, now: Instant, output: EdgeOutput) {
        match output {
            EdgeOutput::W2Send {
                connection,
                message,
            } => {
                if let Some(name) = self.connections.get(&connection) {
                    let packet = Packet::W2(connection, message.to_vec());
                    self.net.send(now, addr(W2), media(name), packet);
                }
            }
            EdgeOutput::W2Close { connection, .. } => {
                if let Some(name) = self.connections.remove(&connection) {
                    self.edge.handle_w2_closed(now, connection);
                    self.wic(name).handle_closed(now);
                }
            }
            EdgeOutput::MwSend { target, message } => {
                let packet = Packet::Sip(target.transport(), message.to_vec());
                self.net.send(now, addr(EDGE), addr(CORE), packet);
            }
            EdgeOutput::Iq { id, command } => self.gateway.handle_iq(now, id, command),
            EdgeOutput::Applications { id, query } => {
                let answer = (self.repository)(&query);
                self.edge.handle_applications(now, id, &answer);
            }
            other => panic!("{other:?}"),
        }
    }

    fn core_says(&mut self, now: Instant, output: CoreOutput) {
        let CoreOutput::Send { target, message } = output else {
            panic!("no name is looked up here: {output:?}")
        };
        let to = match target {
            Target::Connection { .. } => addr(EDGE),
            Target::Address { addr, .. } => addr,
        };
        let packet = Packet::Sip(target.transport(), message.to_vec());
        self.net.send(now, addr(CORE), to, packet);
    }

    fn gateway_says(&mut self, now: Instant, output: GatewayOutput) {
        match output {
            GatewayOutput::Transmit {
                socket,
                destination,
                bytes,
            } => {
                let source = self.address_of(socket);
                let packet = Packet::Media(bytes);
                self.net.send(now, source, destination, packet);
            }
            GatewayOutput::IqReply { id, result } => self.edge.handle_iq_reply(now, id, result),
            GatewayOutput::Notification(told) => self.edge.handle_iq_notification(now, &told),
            GatewayOutput::BindPorts { request, rtp, rtcp } => {
                let ids = (SocketId(self.next_socket), SocketId(self.next_socket + 1));
                self.next_socket += 2;
                self.sockets.insert(rtp, ids.0);
                self.sockets.insert(rtcp, ids.1);
                let bound = BoundPorts {
                    rtp: (ids.0, rtp),
                    rtcp: (ids.1, rtcp),
                };
                self.gateway.handle_ports_bound(now, request, Ok(bound));
            }
            GatewayOutput::ReleasePorts { rtp, rtcp } => {
                self.sockets
                    .retain(|_, socket| *socket != rtp && *socket != rtcp);
            }
        }
    }
}

pub(crate) fn password(name: &str) -> String {
    format!("{name} opens")
}

pub(crate) fn sip(name: &str) -> String {
    format!("sip:{name}@{DOMAIN}")
}

pub(crate) fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn media(name: &str) -> SocketAddr {
    ([203, 0, 113, name.len() as u8], 40_000).into()
}

/// Where the second m-line is.
fn channels(name: &str) -> SocketAddr {
    SocketAddr::new(media(name).ip(), 40_002)
}

fn gateway_config() -> GatewayConfig {
    GatewayConfig {
        worker: 0,
        w3: vec![W3Socket {
            socket: SocketId(0),
            candidate: addr(W3),
        }],
        core_address: [198, 51, 100, 1].into(),
        core_public_address: None,
        core_ports: Some(30_000..=30_099),
        symmetric_rtp: false,
        silence: GatewayConfig::SILENCE,
        limits: Limits::default(),
        seed: [6; 32],
    }
}

fn wic_config(name: &str, answer_after: Option<Duration>) -> WicConfig {
    WicConfig {
        identity: Identity {
            public: sip(name),
            private: format!("{name}@{DOMAIN}"),
            home_domain: DOMAIN.into(),
        },
        credentials: Credentials::Digest {
            password: password(name),
        },
        transport: Transport::Wss,
        sockets: vec![media(name), channels(name)],
        calls: 1,
        video: None,
        keep_bytes: 0,
        channels: Vec::new(),
        accept_channels: Vec::new(),
        ask_channels: Vec::new(),
        tells_channels: true,
        emergency_numbers: Vec::new(),
        codecs: vec![Codec::Pcma, Codec::Pcmu],
        source: AudioSource::Tone { frequency: 440.0 },
        keep_samples: 8000,
        answer_after,
        expires: Duration::from_hours(1),
        seed: [name.len() as u8; 32],
    }
}
