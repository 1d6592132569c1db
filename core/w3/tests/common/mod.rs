//! A transport and a full ICE peer with a network between them, on virtual time.
#![allow(dead_code)] // not each test needs all of it

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use core_w3::Path;
use core_w3::dtls::{Association, AssociationEvent, Certificate, Dimpl, Fingerprint, Role};
use core_w3::ice::IceCredentials;
use core_w3::srtp::{KeyingMaterial, Receiver, Sender};
use core_w3::transport::{Event, Output, Received, Transport, TransportConfig};
use testbed::{Clock, LinkQuality, Net};
use wire_rtp::Kind;
use wire_stun::{Builder, Class, IntegrityKey, Message, TransactionId};

pub(crate) const SILENCE: Duration = Duration::from_secs(30);

pub(crate) fn gateway_address() -> SocketAddr {
    ([198, 51, 100, 1], 40000).into()
}

pub(crate) fn peer_address() -> SocketAddr {
    ([192, 0, 2, 7], 50000).into()
}

pub(crate) fn credentials(letter: &str) -> IceCredentials {
    IceCredentials {
        ufrag: letter.repeat(4),
        pwd: letter.repeat(22),
    }
}

/// What a browser does, as far as the transport sees it.
pub(crate) struct Peer {
    pub(crate) certificate: Certificate,
    pub(crate) association: Option<Association>,
    pub(crate) announced: Vec<Fingerprint>,
    pub(crate) keys: Option<KeyingMaterial>,
    pub(crate) role: Role,
    /// Sends a ClientHello in two datagrams, as browsers do; the second may come first.
    pub(crate) split_hello: Option<Order>,
    pub(crate) answered: bool,
    pub(crate) checking: bool,
    pub(crate) address: SocketAddr,
    pub(crate) remote: IceCredentials,
    config: Arc<dimpl::Config>,
    next_check: Instant,
    packets: Vec<Vec<u8>>,
}

pub(crate) struct Pair {
    pub(crate) clock: Clock,
    pub(crate) net: Net<SocketAddr, Vec<u8>>,
    pub(crate) transport: Transport,
    pub(crate) gateway_certificate: Arc<Certificate>,
    pub(crate) peer: Peer,
    pub(crate) events: Vec<Event>,
    /// What came in at the transport, in the clear.
    pub(crate) received: Vec<Vec<u8>>,
}

impl Pair {
    /// `role` is the transport's. Nothing is signalled yet.
    pub(crate) fn new(
        seed: u64,
        link: LinkQuality,
        peer_role: Role,
        peer_config: dimpl::Config,
    ) -> Self {
        let clock = Clock::new();
        let certificate = Arc::new(Certificate::generate().expect("a certificate"));
        let config = TransportConfig {
            ice: credentials("g"),
            certificate: Arc::clone(&certificate),
            silence: SILENCE,
            media: true,
        };
        let dtls = Dimpl::config().expect("a configuration");
        Self {
            transport: Transport::new(config, dtls),
            net: Net::new(seed, link),
            peer: Peer {
                certificate: Certificate::generate().expect("a certificate"),
                association: None,
                announced: vec![certificate.fingerprint().clone()],
                keys: None,
                role: peer_role,
                split_hello: None,
                answered: false,
                checking: true,
                address: peer_address(),
                remote: credentials("g"),
                config: Arc::new(peer_config),
                next_check: clock.now(),
                packets: Vec::new(),
            },
            gateway_certificate: certificate,
            clock,
            events: Vec::new(),
            received: Vec::new(),
        }
    }

    /// Roles and fingerprints are as they should be.
    pub(crate) fn signalled(mut self) -> Self {
        let role = match self.peer.role {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        };
        let now = self.clock.now();
        self.transport.set_role(now, role);
        let fingerprint = self.peer.certificate.fingerprint().clone();
        self.transport.set_fingerprints(now, vec![fingerprint]);
        self
    }

    pub(crate) fn connect(&mut self) {
        self.run_until(Duration::from_secs(35), |pair| {
            pair.transport.is_ready() && pair.peer.keys.is_some()
        });
        assert!(self.transport.is_ready(), "{:?}", self.events);
    }

    /// Runs until the condition holds or the time is over.
    pub(crate) fn run_until(&mut self, time: Duration, done: impl Fn(&Self) -> bool) {
        let end = self.clock.now() + time;
        self.settle();
        while !done(self) {
            let next = [
                self.net.next_delivery(),
                self.transport.poll_timeout(),
                self.peer.poll_timeout(),
            ]
            .into_iter()
            .flatten()
            .min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.clock.advance_to(end);
                self.settle();
                return;
            };
            let now = self.clock.advance_to(next);
            while let Some(delivery) = self.net.deliver(now) {
                if delivery.to == gateway_address() {
                    let _ = self.arrive(now, delivery.from, &delivery.payload);
                } else if delivery.to == self.peer.address {
                    self.peer.arrive(now, &delivery.payload);
                }
                self.settle();
            }
            self.transport.handle_timeout(now);
            self.peer.handle_timeout(now);
            self.settle();
        }
    }

    /// A datagram arrives at the transport.
    pub(crate) fn arrive(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> Received {
        let mut buffer = datagram.to_vec();
        buffer.resize(datagram.len().max(1500), 0);
        let path = Path {
            local: 0,
            remote: from,
        };
        let received = self
            .transport
            .handle_datagram(now, path, &mut buffer, datagram.len());
        match received {
            Received::Reply { length } => {
                let reply = buffer[..length].to_vec();
                self.net.send(now, gateway_address(), from, reply);
            }
            Received::Rtp { length } | Received::Rtcp { length } => {
                self.received.push(buffer[..length].to_vec());
            }
            Received::Consumed | Received::Dropped => {}
        }
        received
    }

    fn settle(&mut self) {
        let now = self.clock.now();
        while let Some(output) = self.transport.poll_output() {
            match output {
                Output::Transmit { path, bytes } => {
                    self.net.send(now, gateway_address(), path.remote, bytes);
                }
                Output::Event(event) => self.events.push(event),
            }
        }
        self.peer.begin(now);
        for packet in self.peer.packets.drain(..) {
            self.net
                .send(now, self.peer.address, gateway_address(), packet);
        }
    }
}

impl Peer {
    pub(crate) fn sender(&self) -> Sender {
        let keys = self.keys.as_ref().expect("connected");
        match self.role {
            Role::Client => Sender::new(keys.profile, &keys.client),
            Role::Server => Sender::new(keys.profile, &keys.server),
        }
    }

    pub(crate) fn receiver(&self) -> Receiver {
        let keys = self.keys.as_ref().expect("connected");
        match self.role {
            Role::Client => Receiver::new(keys.profile, &keys.server),
            Role::Server => Receiver::new(keys.profile, &keys.client),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let dtls = self.association.as_ref();
        let check = self.checking.then_some(self.next_check);
        [dtls.and_then(Association::poll_timeout), check]
            .into_iter()
            .flatten()
            .min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.checking && self.next_check <= now {
            let again = if self.answered { 2500 } else { 50 };
            self.next_check = now + Duration::from_millis(again);
            self.check();
        }
        if let Some(association) = &mut self.association
            && association.poll_timeout().is_some_and(|due| due <= now)
        {
            association.handle_timeout(now, &self.announced);
            self.drain();
        }
    }

    fn check(&mut self) {
        let mut buffer = [0; 256];
        let length = Builder::new(&mut buffer, Class::Request, TransactionId([1; 12]))
            .username(&format!("{}:peer", self.remote.ufrag))
            .priority(1_845_501_695)
            .ice_controlling(42)
            .use_candidate()
            .integrity(&IntegrityKey::new(&self.remote.pwd))
            .fingerprint()
            .finish()
            .expect("room");
        self.packets.push(buffer[..length].to_vec());
    }

    fn begin(&mut self, now: Instant) {
        if self.answered && self.role == Role::Client && self.association.is_none() {
            let association = self.new_association(now);
            association.handle_timeout(now, &[]);
            self.drain();
        }
    }

    fn new_association(&mut self, now: Instant) -> &mut Association {
        let engine = Dimpl::new(now, &self.config, &self.certificate, self.role);
        self.association
            .insert(Association::new(Box::new(engine), self.role))
    }

    fn arrive(&mut self, now: Instant, packet: &[u8]) {
        match Kind::of(packet) {
            Kind::Stun => {
                let message = Message::parse(packet).expect("our STUN is well formed");
                self.answered |= message.class() == Class::Success;
            }
            Kind::Dtls => {
                if self.association.is_none() {
                    self.new_association(now);
                }
                let announced = self.announced.clone();
                if let Some(association) = &mut self.association {
                    association.handle_packet(now, packet, &announced);
                }
                self.drain();
            }
            _ => {}
        }
    }

    fn drain(&mut self) {
        let Some(association) = &mut self.association else {
            return;
        };
        while let Some(event) = association.poll_event() {
            match event {
                AssociationEvent::Transmit(bytes) => match self.split_hello {
                    Some(order) if bytes.get(13) == Some(&1) => {
                        let mut halves = split_hello(&bytes);
                        if order == Order::LastFirst {
                            halves.reverse();
                        }
                        self.packets.extend(halves);
                    }
                    _ => self.packets.push(bytes),
                },
                AssociationEvent::Connected(keys) => self.keys = keys,
                AssociationEvent::Failed(_)
                | AssociationEvent::Data(_)
                | AssociationEvent::Closed => {}
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    FirstFirst,
    LastFirst,
}

/// RFC 6347 §4.2.3 — one handshake message as two fragments, each in a record and a datagram of its
/// own. The second record has a number that the client will not use again.
fn split_hello(datagram: &[u8]) -> [Vec<u8>; 2] {
    const RECORD: usize = 13;
    const HEADER: usize = 12;
    let length = RECORD + usize::from(u16::from_be_bytes([datagram[11], datagram[12]]));
    assert_eq!(length, datagram.len(), "one record");
    let body = &datagram[RECORD + HEADER..];
    let half = body.len() / 2;
    [(0, &body[..half]), (half, &body[half..])].map(|(offset, part)| {
        let mut fragment = datagram[..RECORD + HEADER].to_vec();
        fragment[10] = if offset == 0 { fragment[10] } else { 40 };
        fragment[11..13].copy_from_slice(&((HEADER + part.len()) as u16).to_be_bytes());
        fragment[19..22].copy_from_slice(&(offset as u32).to_be_bytes()[1..]);
        fragment[22..25].copy_from_slice(&(part.len() as u32).to_be_bytes()[1..]);
        fragment.extend_from_slice(part);
        fragment
    })
}

/// What browsers do: any version.
pub(crate) fn any_version() -> dimpl::Config {
    dimpl::Config::builder()
        .flight_start_rto(Duration::from_millis(100))
        .flight_retries(8)
        .build()
        .expect("a configuration")
}
