//! Two WICs and a core that is as small as can be, on virtual time.
#![allow(dead_code)] // not each test needs all of it

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use core_credentials::aka::{self, AuthenticationVector, HomeSequence, Milenage};
use core_credentials::digest::{
    Algorithm, Challenge, Credentials as DigestCredentials, HashedPassword,
};
use core_sip::{ConnectionId, Transport, reply};
use nf_wic::media::{AudioSource, Codec};
use nf_wic::{Config, Credentials, EMERGENCY_NUMBERS, Ended, Event, Identity, Output, Wic};
use testbed::{Clock, LinkQuality, Net};
use wire_sip::{HeaderName, Message, Method, StatusCode};

pub(crate) const DOMAIN: &str = "ims.example";
pub(crate) const PASSWORD: &str = "open sesame";

#[derive(Clone, Debug)]
pub(crate) enum Packet {
    Sip(Bytes),
    Media(Vec<u8>),
}

pub(crate) struct Lab {
    pub(crate) clock: Clock,
    net: Net<SocketAddr, Packet>,
    pub(crate) wics: BTreeMap<SocketAddr, Wic>,
    pub(crate) events: Vec<(String, Event)>,
    pub(crate) core: Core,
    /// The WebSockets of these WICs cannot be opened.
    pub(crate) unreachable: Vec<SocketAddr>,
    connections: u64,
    origins: HashMap<String, SocketAddr>,
    /// The core answers each re-INVITE and UPDATE with 488.
    pub(crate) refuse_changes: bool,
    /// Audio is taken out of every offer.
    pub(crate) without_audio: bool,
    /// Sockets for media that were given up.
    pub(crate) closed: Vec<SocketAddr>,
    /// SIP as it passed the core: method or status, and the whole message.
    pub(crate) seen: Vec<Message>,
}

/// Registers who has the password or the token, and passes all the rest to the other WIC.
pub(crate) struct Core {
    pub(crate) expires: u32,
    pub(crate) good_token: String,
    /// Puts `Require: 100rel` into each INVITE.
    pub(crate) require_100rel: bool,
    /// TS 24.186: it says that it has data channels.
    pub(crate) data_channels: bool,
    nonces: u32,
    /// TS 33.203 §6.1: challenges SIMs.
    pub(crate) hss: Option<Hss>,
}

/// A home that knows one SIM.
pub(crate) struct Hss {
    pub(crate) milenage: Milenage,
    pub(crate) sequence: HomeSequence,
    pub(crate) algorithm: Algorithm,
    vector: Option<AuthenticationVector>,
    /// Takes a first REGISTER that asks for something else.
    pub(crate) any_first: bool,
    /// What the client answered, one word each.
    pub(crate) answers: Vec<&'static str>,
}

pub(crate) fn address(name: &str) -> SocketAddr {
    let host = name.as_bytes()[0];
    ([192, 0, 2, host], 40_000).into()
}

/// Six of them, the first one at [`address`].
fn sockets(name: &str) -> Vec<SocketAddr> {
    let ip = address(name).ip();
    let ports = (0..6).map(|at| 40_000 + 2 * at);
    ports.map(|port| SocketAddr::new(ip, port)).collect()
}

fn core() -> SocketAddr {
    ([198, 51, 100, 1], 443).into()
}

pub(crate) fn config(name: &str) -> Config {
    let mut seed = [7; 32];
    seed[0] = name.as_bytes()[0];
    Config {
        identity: Identity {
            public: format!("sip:{name}@{DOMAIN}"),
            private: format!("{name}@{DOMAIN}"),
            home_domain: DOMAIN.into(),
        },
        credentials: Credentials::Digest {
            password: PASSWORD.into(),
        },
        transport: Transport::Wss,
        sockets: sockets(name),
        calls: 2,
        video: None,
        keep_bytes: 1 << 20,
        channels: Vec::new(),
        accept_channels: Vec::new(),
        ask_channels: Vec::new(),
        tells_channels: true,
        emergency_numbers: EMERGENCY_NUMBERS.map(str::to_owned).to_vec(),
        codecs: vec![Codec::Pcma, Codec::Pcmu],
        source: AudioSource::Tone { frequency: 440.0 },
        keep_samples: 8000,
        answer_after: None,
        expires: Duration::from_mins(10_000),
        seed,
    }
}

impl Lab {
    pub(crate) fn new(configs: Vec<Config>) -> Self {
        let mut lab = Self {
            clock: Clock::new(),
            net: Net::new(11, LinkQuality::good()),
            wics: BTreeMap::new(),
            events: Vec::new(),
            core: Core {
                expires: 3600,
                good_token: "good".into(),
                require_100rel: false,
                data_channels: false,
                nonces: 0,
                hss: None,
            },
            unreachable: Vec::new(),
            connections: 0,
            closed: Vec::new(),
            origins: HashMap::new(),
            refuse_changes: false,
            without_audio: false,
            seen: Vec::new(),
        };
        for config in configs {
            let address = config.sockets[0];
            let mut wic = Wic::new(config);
            wic.start();
            lab.wics.insert(address, wic);
        }
        lab
    }

    /// Alice and bob, registered.
    pub(crate) fn registered(alice: Config, bob: Config) -> Self {
        let mut lab = Self::new(vec![alice, bob]);
        lab.run(Duration::from_secs(2));
        for wic in lab.wics.values() {
            assert!(wic.is_registered(), "{:?}", lab.events);
        }
        lab.events.clear();
        lab
    }

    pub(crate) fn wic(&mut self, name: &str) -> &mut Wic {
        self.wics.get_mut(&address(name)).expect("there")
    }

    /// How media get from alice to bob and back.
    pub(crate) fn media_links(&mut self, quality: LinkQuality) {
        for from in sockets("alice") {
            for to in sockets("bob") {
                self.net.set_link(from, to, quality);
                self.net.set_link(to, from, quality);
            }
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// What happened to one of them.
    pub(crate) fn events_of(&self, name: &str) -> Vec<&Event> {
        let public = format!("sip:{name}@{DOMAIN}");
        let mine = self.events.iter().filter(|(whose, _)| *whose == public);
        mine.map(|(_, event)| event).collect()
    }

    pub(crate) fn ended(&self, name: &str) -> Option<&Ended> {
        self.events_of(name)
            .into_iter()
            .find_map(|event| match event {
                Event::Ended(ended) => Some(ended),
                _ => None,
            })
    }

    /// The WebSocket of one of them breaks.
    pub(crate) fn cut(&mut self, name: &str) {
        let now = self.now();
        self.wic(name).handle_closed(now);
        self.settle();
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now() + time;
        self.settle();
        loop {
            let timers = self.wics.values().filter_map(Wic::poll_timeout);
            let next = timers.chain(self.net.next_delivery()).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.clock.advance_to(end);
                self.settle();
                return;
            };
            let now = self.clock.advance_to(next);
            while let Some(delivery) = self.net.deliver(now) {
                match delivery.payload {
                    Packet::Sip(bytes) if delivery.to == core() => {
                        self.through_core(now, delivery.from, bytes);
                    }
                    Packet::Sip(bytes) => {
                        if let Some(wic) = self.wics.get_mut(&delivery.to) {
                            wic.handle_message(now, bytes);
                        }
                    }
                    Packet::Media(bytes) => {
                        let mut host = delivery.to;
                        host.set_port(40_000);
                        if let Some(wic) = self.wics.get_mut(&host) {
                            wic.handle_media(now, delivery.to, delivery.from, &bytes);
                        }
                    }
                }
                self.settle();
            }
            for wic in self.wics.values_mut() {
                if wic.poll_timeout().is_some_and(|due| due <= now) {
                    wic.handle_timeout(now);
                }
            }
            self.settle();
        }
    }

    fn settle(&mut self) {
        let now = self.now();
        let addresses: Vec<SocketAddr> = self.wics.keys().copied().collect();
        let mut quiet = false;
        while !quiet {
            quiet = true;
            for address in &addresses {
                let Some(wic) = self.wics.get_mut(address) else {
                    continue;
                };
                while let Some(output) = wic.poll_output() {
                    quiet = false;
                    match output {
                        Output::Connect if self.unreachable.contains(address) => {
                            wic.handle_closed(now);
                        }
                        Output::Connect => {
                            self.connections += 1;
                            wic.handle_connected(now, ConnectionId(self.connections));
                        }
                        Output::Send(bytes) => {
                            self.net.send(now, *address, core(), Packet::Sip(bytes));
                        }
                        Output::Transmit { from, to, bytes } => {
                            self.net.send(now, from, to, Packet::Media(bytes));
                        }
                        Output::Disconnect => {}
                        Output::Close(local) => self.closed.push(local),
                        Output::Event { event, .. } => {
                            let whose = name_of(*address);
                            self.events.push((format!("sip:{whose}@{DOMAIN}"), event));
                        }
                    }
                }
            }
        }
    }

    fn through_core(&mut self, now: Instant, from: SocketAddr, bytes: Bytes) {
        let mut message = Message::parse(bytes).expect("our SIP is well formed");
        self.seen.push(message.clone());
        if message.method() == Method::Register && message.is_request() {
            let response = self.core.register(&message);
            self.net
                .send(now, core(), from, Packet::Sip(response.to_bytes()));
            return;
        }
        let to;
        if message.is_request() {
            let branch = branch_of(&message);
            let via = format!("SIP/2.0/WSS core.invalid;branch=z9hG4bKc{branch}");
            self.origins.insert(branch, from);
            let uri = message.request_uri().expect("a URI");
            let user = uri.split([':', '@']).nth(1).expect("a user");
            to = address(user);
            message.push_front(HeaderName::Via, via);
            let begins = message.method() == Method::Invite
                && message
                    .header(HeaderName::To)
                    .is_some_and(|to| !to.contains("tag="));
            if begins && self.core.require_100rel {
                message.push_back(HeaderName::Require, "100rel");
            }
        } else {
            message.remove_first_value(HeaderName::Via);
            to = self.origins[&branch_of(&message)];
        }
        if self.refuse_changes && message.is_request() && is_change(&message) {
            let refusal = reply(&message, StatusCode::NOT_ACCEPTABLE_HERE, "core");
            let mut refusal = refusal;
            refusal.remove_first_value(HeaderName::Via);
            self.net
                .send(now, core(), from, Packet::Sip(refusal.to_bytes()));
            return;
        }
        if self.without_audio && message.is_request() && !message.body().is_empty() {
            silence(&mut message);
        }
        let bytes = message.to_bytes();
        self.net.send(now, core(), to, Packet::Sip(bytes));
    }
}

/// Its m-line for audio has port 0.
fn silence(message: &mut Message) {
    let sdp = String::from_utf8(message.body().to_vec()).expect("SDP is text");
    let (before, audio) = sdp.split_once("m=audio ").expect("it offers audio");
    let (_, rest) = audio.split_once(' ').expect("a port");
    let sdp = format!("{before}m=audio 0 {rest}");
    message.set_body(Some("application/sdp"), Bytes::from(sdp));
}

fn branch_of(message: &Message) -> String {
    let via = message.header(HeaderName::Via).expect("a Via");
    let branch = via.split("branch=").nth(1).expect("a branch");
    branch.split(';').next().expect("it is there").trim().into()
}

/// A re-INVITE or an UPDATE.
fn is_change(message: &Message) -> bool {
    let to = message.header(HeaderName::To).expect("a To");
    matches!(message.method(), Method::Invite | Method::Update) && to.contains("tag=")
}

fn name_of(address: SocketAddr) -> &'static str {
    ["alice", "bob", "carol"]
        .into_iter()
        .find(|name| self::address(name) == address)
        .expect("one of three")
}

impl Hss {
    pub(crate) fn new(milenage: Milenage, algorithm: Algorithm) -> Self {
        Self {
            milenage,
            sequence: HomeSequence::default(),
            algorithm,
            vector: None,
            any_first: false,
            answers: Vec::new(),
        }
    }

    /// What to challenge with, unless the answer is right.
    fn judge(&mut self, value: &str) -> Option<String> {
        let credentials = DigestCredentials::parse(value).expect("Digest");
        if let Some(vector) = &self.vector {
            let version = self.algorithm.aka.expect("an AKA algorithm");
            let hash = self.algorithm.hash;
            let verifies = |password: &[u8]| {
                let stored = HashedPassword::new(hash, &credentials.username, DOMAIN, password);
                credentials.verify(&stored, "REGISTER", b"")
            };
            if let Some(auts) = credentials.auts {
                assert!(verifies(b""), "an empty password");
                let moved = (self.sequence).resynchronise(&self.milenage, &vector.rand, &auts);
                assert!(moved, "AUTS is that SIM's");
                self.answers.push("auts");
            } else if credentials.response.is_empty() {
                self.answers.push("empty");
            } else if verifies(&version.password(hash, &vector.xres, &vector.ik, &vector.ck)) {
                self.answers.push("right");
                return None;
            } else {
                self.answers.push("wrong");
            }
        } else if !self.any_first {
            assert!(value.ends_with(&format!("response=\"\", algorithm={}", self.algorithm)));
        }
        let rand = [self.answers.len() as u8 + 1; 16];
        let vector = self.sequence.vector(&self.milenage, rand, [0x80, 0]);
        let nonce = aka::nonce(&vector.rand, &vector.autn, b"");
        self.vector = Some(vector);
        Some(Challenge::new(DOMAIN, &nonce, self.algorithm).to_string())
    }
}

impl Core {
    fn register(&mut self, request: &Message) -> Message {
        let value = request
            .header(HeaderName::Authorization)
            .expect("each has one");
        let good = if let Some(token) = value.strip_prefix("Bearer ") {
            token == self.good_token
        } else {
            let credentials = DigestCredentials::parse(value).expect("Digest");
            let stored = HashedPassword::new(
                Algorithm::MD5.hash,
                &credentials.username,
                DOMAIN,
                PASSWORD.as_bytes(),
            );
            credentials.verify(&stored, "REGISTER", b"")
        };
        if let Some(hss) = &mut self.hss
            && let Some(challenge) = hss.judge(value)
        {
            let mut response = reply(request, StatusCode::UNAUTHORIZED, "core");
            response.push_back(HeaderName::WwwAuthenticate, challenge);
            return response;
        }
        if !good && self.hss.is_none() {
            self.nonces += 1;
            let mut response = reply(request, StatusCode::UNAUTHORIZED, "core");
            let challenge = if value.starts_with("Bearer ") {
                "Bearer realm=\"ims\", error=\"invalid_token\"".to_owned()
            } else {
                Challenge::new(DOMAIN, &format!("n{}", self.nonces), Algorithm::MD5).to_string()
            };
            response.push_back(HeaderName::WwwAuthenticate, challenge);
            return response;
        }
        let mut response = reply(request, StatusCode::OK, "core");
        let contact = request.header(HeaderName::Contact).expect("a Contact");
        let (contact, asked) = contact.rsplit_once(";expires=").expect("expires");
        let granted = asked.parse::<u32>().expect("a number").min(self.expires);
        if granted > 0 {
            response.push_back(HeaderName::Contact, format!("{contact};expires={granted}"));
        }
        response.push_back(HeaderName::ServiceRoute, "<sip:orig@scscf.ims.example;lr>");
        let to = request.header(HeaderName::To).expect("a To").to_owned();
        response.push_back(HeaderName::PAssociatedUri, to);
        if self.data_channels {
            response.push_back(HeaderName::FeatureCaps, "*;+g.3gpp.datachannel");
        }
        response
    }
}
