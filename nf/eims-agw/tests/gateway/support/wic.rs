use std::net::SocketAddr;
use std::time::{Duration, Instant};

use core_data_channel::sctp::{SctpConfig, SctpEngine, SctpEvent, SctpProto};
use core_data_channel::{
    Association as Channels, AssociationConfig, ChannelId, Event as ChannelEvent,
    Message as ChannelMessage, Output as ChannelOutput, Role as ChannelRole,
};
use core_iq::{DtlsRole, Fingerprint, Gate, IceCredentials, ReservedStream, W3Local, W3Settings};
use core_w3::dtls::{self, Association, AssociationEvent, Certificate, Dimpl, Role};
use core_w3::srtp::{Receiver, Sender};
use wire_rtp::Kind;
use wire_stun::{Builder, Check, Class, IntegrityKey, Message, TransactionId};

/// A WIC: a full ICE agent that controls, DTLS in the role of `a=setup:active`, SRTP.
pub struct Wic {
    pub address: SocketAddr,
    pub ice: IceCredentials,
    certificate: Certificate,
    gateway: Option<W3Local>,
    association: Option<Association>,
    role: Role,
    media: Option<(Sender, Receiver)>,
    /// It has data channels, and no media.
    pub data: bool,
    pub channels: Option<Channels>,
    /// SCTP alone, in the place of `channels`: it can say what no channel would.
    pub is_raw: bool,
    pub raw: Option<SctpProto>,
    pub raw_told: Vec<SctpEvent>,
    pub told: Vec<ChannelEvent>,
    next_check: Option<Instant>,
    checks: u64,
    pub nominated: bool,
    /// Which of the gateway's candidates it sends to.
    pub prefers: usize,
    pub checking: bool,
    pub profile: Option<&'static str>,
    pub failed: Option<String>,
    pub received: Vec<Vec<u8>>,
    pub received_rtcp: Vec<Vec<u8>>,
    pub unauthentic: usize,
    pub outbox: Vec<(SocketAddr, Vec<u8>)>,
}

impl Wic {
    pub fn new(address: &str) -> Self {
        let address: SocketAddr = address.parse().unwrap();
        Self {
            address,
            ice: IceCredentials {
                ufrag: format!("wic{}", address.port()),
                pwd: format!("passwordOfTheWicOf{}", address.port()),
            },
            certificate: Certificate::generate().unwrap(),
            gateway: None,
            association: None,
            role: Role::Client,
            media: None,
            data: false,
            channels: None,
            is_raw: false,
            raw: None,
            raw_told: Vec::new(),
            told: Vec::new(),
            next_check: None,
            checks: 0,
            nominated: false,
            prefers: 0,
            checking: true,
            profile: None,
            failed: None,
            received: Vec::new(),
            received_rtcp: Vec::new(),
            unauthentic: 0,
            outbox: Vec::new(),
        }
    }

    /// A WIC that says `a=setup:passive`.
    pub fn passive(address: &str) -> Self {
        Self {
            role: Role::Server,
            ..Self::new(address)
        }
    }

    /// What its SDP says.
    pub fn settings(&self, gate: Gate) -> W3Settings {
        let fingerprint = self.certificate.fingerprint().clone();
        W3Settings {
            remote_ice: Some(self.ice.clone()),
            remote_fingerprints: Some(vec![Fingerprint {
                algorithm: fingerprint.algorithm,
                digest: fingerprint.digest,
            }]),
            dtls_role: Some(match self.role {
                Role::Client => DtlsRole::Server,
                Role::Server => DtlsRole::Client,
            }),
            gate: Some(gate),
        }
    }

    /// Takes what the gateway says, and begins.
    pub fn accept(&mut self, now: Instant, stream: &ReservedStream) {
        self.accept_local(now, stream.w3.clone());
    }

    pub fn accept_local(&mut self, now: Instant, gateway: W3Local) {
        self.gateway = Some(gateway);
        self.next_check = Some(now);
    }

    pub fn gateway(&self) -> &W3Local {
        self.gateway.as_ref().unwrap()
    }

    pub fn is_connected(&self) -> bool {
        self.media.is_some() || self.channels.is_some()
    }

    /// Its data channels; drains what is to be sent after each use.
    pub fn with_channels<R>(&mut self, act: impl FnOnce(&mut Channels) -> R) -> R {
        let result = act(self.channels.as_mut().expect("connected"));
        self.drain_channels();
        result
    }

    pub fn send_message(&mut self, now: Instant, id: ChannelId, message: ChannelMessage) {
        self.with_channels(|channels| channels.send(now, id, message).unwrap());
    }

    pub fn read_message(&mut self, now: Instant, id: ChannelId) -> Option<ChannelMessage> {
        self.with_channels(|channels| channels.read(now, id))
    }

    /// DTLS anew, as another `a=tls-id` says it.
    pub fn begin_anew(&mut self, now: Instant) {
        self.channels = None;
        self.told.clear();
        let mut association = begin(now, &self.certificate, self.role);
        association.handle_timeout(now, &self.announced());
        self.association = Some(association);
        self.gather();
    }

    /// Any bytes at all, through DTLS.
    pub fn send_packet(&mut self, packet: &[u8]) {
        let association = self.association.as_mut().expect("connected");
        association.send(packet).unwrap();
        self.gather();
    }

    /// What it has instead of data channels of its own.
    pub fn with_raw<R>(&mut self, now: Instant, act: impl FnOnce(&mut SctpProto) -> R) -> R {
        let result = act(self.raw.as_mut().expect("connected"));
        self.drain_raw(now);
        result
    }

    fn drain_raw(&mut self, now: Instant) {
        let (Some(raw), Some(association)) = (&mut self.raw, &mut self.association) else {
            return;
        };
        while let Some(event) = raw.poll_event() {
            self.raw_told.push(event);
        }
        while let Some(packet) = raw.poll_packet(now) {
            association.send(&packet).unwrap();
        }
        self.gather();
    }

    pub fn take_told(&mut self) -> Vec<ChannelEvent> {
        std::mem::take(&mut self.told)
    }

    fn drain_channels(&mut self) {
        let (Some(channels), Some(association)) = (&mut self.channels, &mut self.association)
        else {
            return;
        };
        while let Some(output) = channels.poll_output() {
            match output {
                ChannelOutput::Packet(packet) => association.send(&packet).unwrap(),
                ChannelOutput::Event(event) => self.told.push(event),
            }
        }
        self.gather();
    }

    pub fn send_rtp(&mut self, packet: &[u8]) {
        let to = self.candidate();
        let (sender, _) = self.media.as_mut().expect("connected");
        let mut bytes = packet.to_vec();
        bytes.resize(packet.len() + 64, 0);
        let length = sender.protect_rtp(&mut bytes, packet.len()).unwrap();
        bytes.truncate(length);
        self.outbox.push((to, bytes));
    }

    pub fn send_rtcp(&mut self, packet: &[u8]) {
        let to = self.candidate();
        let (sender, _) = self.media.as_mut().expect("connected");
        let mut bytes = packet.to_vec();
        bytes.resize(packet.len() + 64, 0);
        let length = sender.protect_rtcp(&mut bytes, packet.len()).unwrap();
        bytes.truncate(length);
        self.outbox.push((to, bytes));
    }

    pub fn candidate(&self) -> SocketAddr {
        self.gateway().candidates[self.prefers]
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        let association = self
            .association
            .as_ref()
            .and_then(Association::poll_timeout);
        let check = self.next_check.filter(|_| self.checking);
        let channels = self.channels.as_ref().and_then(Channels::poll_timeout);
        let raw = self.raw.as_ref().and_then(SctpEngine::poll_timeout);
        [association, check, channels, raw]
            .into_iter()
            .flatten()
            .min()
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        if self.checking && self.next_check.is_some_and(|at| at <= now) {
            self.check(true);
            let pause = if self.nominated { 2500 } else { 100 };
            self.next_check = Some(now + Duration::from_millis(pause));
        }
        let announced = self.announced();
        if let Some(association) = &mut self.association
            && association.poll_timeout().is_some_and(|at| at <= now)
        {
            association.handle_timeout(now, &announced);
        }
        self.gather();
        if let Some(channels) = &mut self.channels
            && channels.poll_timeout().is_some_and(|at| at <= now)
        {
            channels.handle_timeout(now);
        }
        if let Some(raw) = &mut self.raw
            && raw.poll_timeout().is_some_and(|at| at <= now)
        {
            raw.handle_timeout(now);
        }
        self.drain_raw(now);
        self.drain_channels();
    }

    pub fn handle(&mut self, now: Instant, bytes: &[u8]) {
        match Kind::of(bytes) {
            Kind::Stun => self.answered(now, bytes),
            Kind::Dtls => {
                let announced = self.announced();
                let (role, certificate) = (self.role, &self.certificate);
                let association = self
                    .association
                    .get_or_insert_with(|| begin(now, certificate, role));
                association.handle_packet(now, bytes, &announced);
                let packets = self.gather();
                if self.is_raw && self.is_dtls_connected() && self.raw.is_none() {
                    let mut raw = SctpProto::new(SctpConfig {
                        role: ChannelRole::Client,
                        local_port: 5000,
                        remote_port: 5000,
                        receive_message: 256 * 1024,
                        receive_buffer: 1024 * 1024,
                        send_message: u32::MAX,
                    });
                    raw.start(now);
                    self.raw = Some(raw);
                }
                let plain = self.data && !self.is_raw && self.channels.is_none();
                if plain && self.is_dtls_connected() {
                    let role = match self.role {
                        Role::Client => ChannelRole::Client,
                        Role::Server => ChannelRole::Server,
                    };
                    self.channels = Some(Channels::new(now, AssociationConfig::new(role)));
                }
                for packet in packets {
                    if let Some(raw) = &mut self.raw {
                        raw.handle_packet(now, packet.into());
                    } else if let Some(channels) = &mut self.channels {
                        channels.handle_packet(now, packet.into());
                    }
                }
                self.drain_raw(now);
                self.drain_channels();
            }
            kind @ (Kind::Rtp | Kind::Rtcp) => {
                let Some((_, receiver)) = &mut self.media else {
                    return;
                };
                let mut bytes = bytes.to_vec();
                let opened = if kind == Kind::Rtp {
                    receiver.unprotect_rtp(&mut bytes)
                } else {
                    receiver.unprotect_rtcp(&mut bytes)
                };
                let Ok(length) = opened else {
                    self.unauthentic += 1;
                    return;
                };
                bytes.truncate(length);
                if kind == Kind::Rtp {
                    self.received.push(bytes);
                } else {
                    self.received_rtcp.push(bytes);
                }
            }
            other => panic!("{other:?} from the gateway"),
        }
    }

    /// Sends a connectivity check, with the right password or a wrong one.
    pub fn check(&mut self, right: bool) {
        let gateway = self.gateway.clone().unwrap();
        self.checks += 1;
        let mut id = [0; 12];
        id[4..].copy_from_slice(&self.checks.to_be_bytes());
        let password = if right {
            &gateway.ice.pwd
        } else {
            "someOtherPasswordEntirely"
        };
        let mut bytes = vec![0; 256];
        let length = Builder::new(&mut bytes, Class::Request, TransactionId(id))
            .username(&format!("{}:{}", gateway.ice.ufrag, self.ice.ufrag))
            .priority(1_845_501_695)
            .ice_controlling(7)
            .use_candidate()
            .integrity(&IntegrityKey::new(password))
            .fingerprint()
            .finish()
            .unwrap();
        bytes.truncate(length);
        self.outbox.push((gateway.candidates[self.prefers], bytes));
    }

    fn answered(&mut self, now: Instant, bytes: &[u8]) {
        let message = Message::parse(bytes).unwrap();
        if message.class() != Class::Success {
            return;
        }
        let key = IntegrityKey::new(&self.gateway.as_ref().unwrap().ice.pwd);
        assert_eq!(message.check_integrity(&key), Check::Valid);
        assert_eq!(message.xor_mapped_address(), Some(self.address));
        if !self.nominated {
            self.nominated = true;
            if self.role == Role::Client {
                let mut association = begin(now, &self.certificate, Role::Client);
                association.handle_timeout(now, &self.announced());
                self.association = Some(association);
                self.gather();
            }
        }
    }

    fn announced(&self) -> Vec<dtls::Fingerprint> {
        let fingerprint = &self.gateway.as_ref().unwrap().fingerprint;
        vec![dtls::Fingerprint {
            algorithm: fingerprint.algorithm.clone(),
            digest: fingerprint.digest.clone(),
        }]
    }

    fn is_dtls_connected(&self) -> bool {
        self.association
            .as_ref()
            .is_some_and(Association::is_connected)
    }

    /// Puts out what DTLS sends; gives the application data that came.
    fn gather(&mut self) -> Vec<Vec<u8>> {
        let to = self.candidate();
        let mut data = Vec::new();
        let Some(association) = &mut self.association else {
            return data;
        };
        while let Some(event) = association.poll_event() {
            match event {
                AssociationEvent::Transmit(bytes) => self.outbox.push((to, bytes)),
                AssociationEvent::Connected(_) if self.data => {}
                AssociationEvent::Connected(keys) => {
                    let keys = keys.expect("use_srtp was offered");
                    let (ours, theirs) = match self.role {
                        Role::Client => (&keys.client, &keys.server),
                        Role::Server => (&keys.server, &keys.client),
                    };
                    self.profile = Some(keys.profile.name());
                    self.media = Some((
                        Sender::new(keys.profile, ours),
                        Receiver::new(keys.profile, theirs),
                    ));
                }
                AssociationEvent::Failed(error) => self.failed = Some(error.to_string()),
                AssociationEvent::Data(bytes) => data.push(bytes),
                AssociationEvent::Closed => {}
            }
        }
        data
    }
}

fn begin(now: Instant, certificate: &Certificate, role: Role) -> Association {
    let config = Dimpl::config().unwrap();
    let engine = Dimpl::new(now, &config, certificate, role);
    Association::new(Box::new(engine), role)
}
