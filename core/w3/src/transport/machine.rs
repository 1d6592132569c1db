use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use wire_rtp::Kind;

use super::{Counters, Event, Output, Received, SendError, TransportConfig};
use crate::Path;
use crate::dtls::{
    Association, AssociationEvent, Certificate, Dimpl, DtlsError, Fingerprint, Role,
};
use crate::ice::{Checked, IceCredentials, IceEvent, IceLite};
use crate::srtp::{KeyingMaterial, Receiver, Sender, SrtpError};

/// One W3 transport.
#[derive(Debug)]
pub struct Transport {
    ice: IceLite,
    dtls: Dtls,
    media: Option<Box<Media>>,
    wants_media: bool,
    /// Where the peer is by its SDP alone, when nobody checks.
    fixed: Option<Path>,
    outputs: VecDeque<Output>,
    counters: Counters,
    restarts: u32,
}

/// The DTLS half.
#[derive(Debug)]
struct Dtls {
    certificate: Arc<Certificate>,
    config: Arc<dimpl::Config>,
    /// Ours, as SDP settled it.
    role: Option<Role>,
    announced: Vec<Fingerprint>,
    association: Option<Association>,
    /// Whence the last datagram came: the way back, before a pair is nominated.
    heard_on: Option<Path>,
}

#[derive(Debug)]
struct Media {
    sender: Sender,
    receiver: Receiver,
}

impl Transport {
    /// A transport that waits for checks. `dtls` is [`Dimpl::config`], made once for all.
    pub fn new(config: TransportConfig, dtls: Arc<dimpl::Config>) -> Self {
        Self {
            ice: IceLite::new(config.ice, config.silence),
            dtls: Dtls {
                certificate: config.certificate,
                config: dtls,
                role: None,
                announced: Vec::new(),
                association: None,
                heard_on: None,
            },
            media: None,
            wants_media: config.media,
            fixed: None,
            outputs: VecDeque::new(),
            counters: Counters::default(),
            restarts: 0,
        }
    }

    /// The ICE agent, to look at.
    pub fn ice(&self) -> &IceLite {
        &self.ice
    }

    /// What was done and dropped.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What the peer's SDP says of ICE.
    pub fn set_remote_ice(&mut self, remote: IceCredentials) {
        self.ice.set_remote(remote);
    }

    /// RFC 8445 §9 — the peer restarts ICE, and so do we; the association goes on.
    pub fn restart_ice(&mut self, local: IceCredentials, remote: IceCredentials) {
        self.ice.restart(local, remote);
    }

    /// Goes without checks: the peer is where its SDP says, since it does no ICE, or is lite as we are.
    /// A pair that it nominates all the same goes before.
    pub fn set_fixed_path(&mut self, now: Instant, path: Path) {
        self.fixed = Some(path);
        self.begin(now);
    }

    /// Our role in the association that stands or begins.
    pub fn role(&self) -> Option<Role> {
        self.dtls.association.as_ref().map(Association::role)
    }

    /// Another stream has this path now.
    pub fn forget_path(&mut self, path: Path) {
        self.ice.forget(path);
        if self.dtls.heard_on == Some(path) {
            self.dtls.heard_on = None;
        }
    }

    /// RFC 5763 §5 — our role. Before it is known a ClientHello makes us the server: the peer has
    /// answered, and its answer is under way.
    pub fn set_role(&mut self, now: Instant, role: Role) {
        self.dtls.role = Some(role);
        let other = self.dtls.association.as_ref().map(Association::role);
        if other.is_some_and(|other| other != role) {
            self.restart_dtls(now);
        }
        self.begin(now);
    }

    /// What the peer's SDP says of its certificate. Others than before mean a new association
    /// (RFC 8842 §3.1).
    pub fn set_fingerprints(&mut self, now: Instant, announced: Vec<Fingerprint>) {
        if self.dtls.announced == announced {
            return;
        }
        let known = !self.dtls.announced.is_empty();
        self.dtls.announced = announced;
        if known {
            self.restart_dtls(now);
        } else if let Some(association) = &mut self.dtls.association {
            association.handle_fingerprints(&self.dtls.announced);
            self.drain_dtls();
        }
    }

    /// RFC 8842 §3.1 — a new association, as another `tls-id` wants it.
    pub fn restart_dtls(&mut self, now: Instant) {
        self.restarts = self.restarts.wrapping_add(1);
        self.dtls.association = None;
        self.media = None;
        self.begin(now);
    }

    /// How often the association was given up for a new one.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// A datagram in the first `length` bytes of a buffer. What is to be sent or relayed at once is
    /// left in the buffer.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        path: Path,
        buffer: &mut [u8],
        length: usize,
    ) -> Received {
        let Some(datagram) = buffer.get_mut(..length) else {
            return Received::Dropped;
        };
        match Kind::of(datagram) {
            Kind::Stun => self.stun(now, path, buffer, length),
            Kind::Dtls => self.dtls(now, path, datagram),
            Kind::Rtp => self.rtp(path, datagram),
            Kind::Rtcp => self.rtcp(path, datagram),
            Kind::Zrtp | Kind::TurnChannel | Kind::Unknown => {
                self.counters.malformed += 1;
                Received::Dropped
            }
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.ice.handle_timeout(now);
        self.drain_ice(now);
        if let Some(association) = &mut self.dtls.association
            && association.poll_timeout().is_some_and(|due| due <= now)
        {
            association.handle_timeout(now, &self.dtls.announced);
            self.drain_dtls();
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let dtls = self.dtls.association.as_ref();
        let dtls = dtls.and_then(Association::poll_timeout);
        [self.ice.poll_timeout(), dtls].into_iter().flatten().min()
    }

    /// What is to be done, one at a time.
    #[must_use]
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Where media go: nowhere before a pair is nominated, or while the peer is silent.
    pub fn selected(&self) -> Option<Path> {
        self.ice.selected().or(self.fixed)
    }

    /// Whether what comes from there is taken: a good check came over it, or it is fixed.
    pub fn is_admitted(&self, path: Path) -> bool {
        self.fixed == Some(path) || self.ice.is_admitted(path)
    }

    /// Whether media can be sent now.
    pub fn is_ready(&self) -> bool {
        self.media.is_some() && self.selected().is_some()
    }

    /// Protects an RTP packet in place, see [`Sender::protect_rtp`].
    pub fn protect_rtp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SendError> {
        let media = self.media.as_mut().ok_or(SendError::NoKeys)?;
        let length = media.sender.protect_rtp(buffer, length)?;
        self.counters.sent += 1;
        Ok(length)
    }

    /// Protects an RTCP compound in place, see [`Sender::protect_rtcp`].
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SendError> {
        let media = self.media.as_mut().ok_or(SendError::NoKeys)?;
        Ok(media.sender.protect_rtcp(buffer, length)?)
    }

    /// Sends application data.
    pub fn send_data(&mut self, data: &[u8]) -> Result<(), DtlsError> {
        let association = self.dtls.association.as_mut();
        let result = association.ok_or(DtlsError::NotConnected)?.send(data);
        self.drain_dtls();
        result
    }

    /// Says goodbye to the peer.
    pub fn close(&mut self) {
        if let Some(association) = &mut self.dtls.association {
            association.close();
            self.drain_dtls();
        }
    }

    fn stun(&mut self, now: Instant, path: Path, buffer: &mut [u8], length: usize) -> Received {
        match self.ice.handle_message(now, path, buffer, length) {
            Checked::Admitted { reply } => {
                self.counters.checks_admitted += 1;
                self.drain_ice(now);
                Received::Reply { length: reply }
            }
            Checked::Refused { reply, .. } => {
                self.counters.checks_refused += 1;
                if reply > 0 {
                    Received::Reply { length: reply }
                } else {
                    Received::Dropped
                }
            }
            Checked::Ignored => Received::Consumed,
        }
    }

    fn dtls(&mut self, now: Instant, path: Path, packet: &[u8]) -> Received {
        if !self.is_admitted(path) {
            self.counters.wrong_source += 1;
            return Received::Dropped;
        }
        self.dtls.heard_on = Some(path);
        let dtls = &mut self.dtls;
        let association = match &mut dtls.association {
            Some(association) => association,
            // A client begins itself: what comes before its ClientHello is of another association.
            None if dtls.role == Some(Role::Client) => return Received::Dropped,
            none => none.insert(dtls_association(
                &dtls.config,
                &dtls.certificate,
                now,
                Role::Server,
            )),
        };
        association.handle_packet(now, packet, &dtls.announced);
        self.drain_dtls();
        Received::Consumed
    }

    fn rtp(&mut self, path: Path, packet: &mut [u8]) -> Received {
        let unprotected = match self.receiver(path) {
            Some(receiver) => receiver.unprotect_rtp(packet),
            None => return Received::Dropped,
        };
        match self.counted(unprotected) {
            Some(length) => Received::Rtp { length },
            None => Received::Dropped,
        }
    }

    fn rtcp(&mut self, path: Path, packet: &mut [u8]) -> Received {
        let unprotected = match self.receiver(path) {
            Some(receiver) => receiver.unprotect_rtcp(packet),
            None => return Received::Dropped,
        };
        match self.counted(unprotected) {
            Some(length) => Received::Rtcp { length },
            None => Received::Dropped,
        }
    }

    fn receiver(&mut self, path: Path) -> Option<&mut Receiver> {
        if !self.is_admitted(path) {
            self.counters.wrong_source += 1;
            return None;
        }
        if self.media.is_none() {
            self.counters.early += 1;
        }
        self.media.as_mut().map(|media| &mut media.receiver)
    }

    fn counted(&mut self, unprotected: Result<usize, SrtpError>) -> Option<usize> {
        match unprotected {
            Ok(_) => self.counters.received += 1,
            Err(SrtpError::NotAuthentic) => self.counters.not_authentic += 1,
            Err(SrtpError::Replayed) => self.counters.replayed += 1,
            Err(_) => self.counters.malformed += 1,
        }
        unprotected.ok()
    }

    /// A client sends its ClientHello as soon as there is a way.
    fn begin(&mut self, now: Instant) {
        let way = self.selected();
        let dtls = &mut self.dtls;
        if dtls.role != Some(Role::Client) || dtls.association.is_some() || way.is_none() {
            return;
        }
        let association = dtls_association(&dtls.config, &dtls.certificate, now, Role::Client);
        let association = dtls.association.insert(association);
        association.handle_timeout(now, &dtls.announced);
        self.drain_dtls();
    }

    fn drain_ice(&mut self, now: Instant) {
        while let Some(event) = self.ice.poll_event() {
            let event = match event {
                IceEvent::Connected { path } => Event::IceConnected { path },
                IceEvent::Moved { path } => Event::Moved { path },
                IceEvent::Forgotten { path } => Event::PathForgotten { path },
                IceEvent::Silent => Event::Silent,
                IceEvent::Back => Event::Back,
            };
            self.outputs.push_back(Output::Event(event));
        }
        self.begin(now);
    }

    fn drain_dtls(&mut self) {
        let way = self.selected().or(self.dtls.heard_on);
        let Some(association) = &mut self.dtls.association else {
            return;
        };
        let role = association.role();
        while let Some(event) = association.poll_event() {
            let output = match event {
                AssociationEvent::Transmit(bytes) => match way {
                    Some(path) => Output::Transmit { path, bytes },
                    None => continue,
                },
                AssociationEvent::Connected(None) if self.wants_media => {
                    let reason = DtlsError::NoProfile;
                    Output::Event(Event::DtlsFailed { reason })
                }
                AssociationEvent::Connected(keys) => {
                    let profile = keys.as_ref().map(|keys| keys.profile);
                    self.media = keys.map(|keys| Box::new(Media::new(&keys, role)));
                    Output::Event(Event::DtlsConnected { profile })
                }
                AssociationEvent::Data(data) => Output::Event(Event::Data(data)),
                AssociationEvent::Failed(reason) => Output::Event(Event::DtlsFailed { reason }),
                AssociationEvent::Closed => Output::Event(Event::DtlsClosed),
            };
            self.outputs.push_back(output);
        }
    }
}

impl Media {
    /// RFC 5764 §4.2 — each end writes with the keys of its role.
    fn new(keys: &KeyingMaterial, role: Role) -> Self {
        let (ours, theirs) = match role {
            Role::Client => (&keys.client, &keys.server),
            Role::Server => (&keys.server, &keys.client),
        };
        Self {
            sender: Sender::new(keys.profile, ours),
            receiver: Receiver::new(keys.profile, theirs),
        }
    }
}

fn dtls_association(
    config: &Arc<dimpl::Config>,
    certificate: &Certificate,
    now: Instant,
    role: Role,
) -> Association {
    Association::new(Box::new(Dimpl::new(now, config, certificate, role)), role)
}
