//! The m-line for data channels: ICE, DTLS and SCTP.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use core_data_channel::{
    Association, AssociationConfig, Event as ChannelEvent, Output as ChannelOutput, Role,
    max_message_size,
};
use core_w3::dtls::{
    Association as Dtls, AssociationEvent, Certificate, Dimpl, Fingerprint, Role as DtlsRole,
};
use str0m::ice::{IceAgent, IceAgentEvent, StunMessage, StunPacket};
use str0m::net::Protocol;
use str0m::{Candidate, IceCreds};
use wire_rtp::Kind;

use super::RemoteData;
use crate::media::{Described, RemoteTransport};

/// One m-line of ours. The ICE agent is that of `str0m`, which a browser's would be; all above it is
/// what the gateway has at the other end.
pub(crate) struct DataTransport {
    ice: IceAgent,
    local: SocketAddr,
    certificate: Certificate,
    tls_id: String,
    /// What the peer's description said, once it is known.
    remote: Option<Known>,
    /// Where the nominated pair leads.
    way: Option<SocketAddr>,
    /// Whence DTLS came last: the way back before a pair is nominated.
    heard: Option<SocketAddr>,
    dtls: Option<Dtls>,
    association: Option<Association>,
    /// RFC 8445 §9 — where and by which name we will be, if the peer agrees.
    restart: Option<(SocketAddr, IceCreds)>,
    /// A restart was agreed on, and no path is found yet.
    searching: bool,
    over: bool,
    ice_timeout: Option<Instant>,
    outputs: VecDeque<DataOutput>,
}

/// What stays of the peer's description.
struct Known {
    ufrag: String,
    fingerprints: Vec<Fingerprint>,
    role: DtlsRole,
    sctp: Sctp,
}

/// RFC 8841 §5, §6 — what a description says of SCTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sctp {
    pub(crate) port: u16,
    pub(crate) max_message_size: Option<u64>,
}

/// Our `a=sctp-port`.
pub(crate) const SCTP_PORT: u16 = 5000;

/// What it wants, and what happened in it.
#[derive(Debug)]
pub(crate) enum DataOutput {
    Transmit {
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    /// After a restart there is a path again.
    Found,
    Channel(ChannelEvent),
    /// There is no association, and there will be none.
    Over(String),
}

impl DataTransport {
    /// On a socket that is open; `name` and `tls_id` are what the description will say.
    pub(crate) fn new(
        local: SocketAddr,
        (ufrag, pass): (String, String),
        tls_id: String,
    ) -> Result<Self, String> {
        let provider = str0m::crypto::from_feature_flags().sha1_hmac_provider;
        let mut ice = IceAgent::with_hmac(IceCreds { ufrag, pass }, provider);
        let candidate = Candidate::host(local, "udp").map_err(|error| error.to_string())?;
        ice.add_local_candidate(candidate);
        Ok(Self {
            ice,
            local,
            certificate: Certificate::generate().map_err(|error| error.to_string())?,
            tls_id,
            remote: None,
            way: None,
            heard: None,
            dtls: None,
            association: None,
            restart: None,
            searching: false,
            over: false,
            ice_timeout: None,
            outputs: VecDeque::new(),
        })
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// RFC 8842 §4 — the name of the association.
    pub(crate) fn tls_id(&self) -> &str {
        &self.tls_id
    }

    /// Whether a description is of another transport than the one that we know.
    pub(crate) fn is_other(&self, theirs: &RemoteData) -> bool {
        let known = self.remote.as_ref();
        known.is_some_and(|known| {
            let (algorithm, digest) = &theirs.transport.fingerprint;
            let mut fingerprints = known.fingerprints.iter();
            !fingerprints.any(|one| one.algorithm == *algorithm && one.digest == *digest)
        })
    }

    /// Whether it can carry nothing any more.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// All channels of it, once the association was begun.
    pub(crate) fn association(&mut self) -> Option<&mut Association> {
        self.association.as_mut()
    }

    pub(crate) fn poll(&mut self) -> Option<DataOutput> {
        self.outputs.pop_front()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let dtls = self.dtls.as_ref().and_then(Dtls::poll_timeout);
        let association = self.association.as_ref();
        let association = association.and_then(Association::poll_timeout);
        [self.ice_timeout, dtls, association]
            .into_iter()
            .flatten()
            .min()
    }

    /// A description of the peer, the first one or a later one; the socket that it made useless.
    /// `fresh`: credentials for our answer, where it restarts ICE.
    pub(crate) fn apply(
        &mut self,
        now: Instant,
        remote: &RemoteTransport,
        sctp: Sctp,
        fresh: impl FnOnce() -> (String, String),
    ) -> Option<SocketAddr> {
        let useless = if self.remote.is_some() {
            self.renew(remote, sctp, fresh)
        } else {
            self.start(remote, sctp);
            None
        };
        if let Some(association) = &mut self.association {
            association.set_send_message(max_message_size(sctp.max_message_size));
        }
        self.ice.handle_timeout(now);
        self.drain(now);
        useless
    }

    fn start(&mut self, remote: &RemoteTransport, sctp: Sctp) {
        let (algorithm, digest) = remote.fingerprint.clone();
        self.remote = Some(Known {
            ufrag: remote.ufrag.clone(),
            fingerprints: vec![Fingerprint { algorithm, digest }],
            role: if remote.active {
                DtlsRole::Client
            } else {
                DtlsRole::Server
            },
            sctp,
        });
        // RFC 8445 §6.1.1: against a lite agent a full one controls, else who offered.
        self.ice.set_controlling(remote.lite || remote.offered);
        self.meet(remote);
    }

    /// RFC 8445 §9 — as [`Line::renew`](crate::media::Line) has it.
    fn renew(
        &mut self,
        remote: &RemoteTransport,
        sctp: Sctp,
        fresh: impl FnOnce() -> (String, String),
    ) -> Option<SocketAddr> {
        let known = self.remote.as_mut()?;
        known.sctp = sctp;
        let restarts = known.ufrag != remote.ufrag;
        let (local, credentials) = match self.restart.take() {
            Some(agreed) if remote.offered => agreed,
            // RFC 8839 §4.4.1.1.1: only an offer restarts.
            other if !restarts || remote.offered => {
                self.restart = other;
                return None;
            }
            other => {
                self.restart = other;
                let (ufrag, pass) = fresh();
                (self.local, IceCreds { ufrag, pass })
            }
        };
        known.ufrag.clone_from(&remote.ufrag);
        let old = std::mem::replace(&mut self.local, local);
        self.ice.ice_restart(credentials, false);
        if let Ok(candidate) = Candidate::host(local, "udp") {
            self.ice.add_local_candidate(candidate);
        }
        self.meet(remote);
        self.searching = true;
        if old != local {
            self.way = None;
            self.heard = None;
            return Some(old);
        }
        None
    }

    fn meet(&mut self, remote: &RemoteTransport) {
        self.ice.set_remote_credentials(IceCreds {
            ufrag: remote.ufrag.clone(),
            pass: remote.pwd.clone(),
        });
        for address in &remote.candidates {
            if let Ok(candidate) = Candidate::host(*address, "udp") {
                self.ice.add_remote_candidate(candidate);
            }
        }
    }

    pub(crate) fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        match Kind::of(datagram) {
            Kind::Stun => {
                let Ok(message) = StunMessage::parse(datagram) else {
                    return;
                };
                let packet = StunPacket {
                    proto: Protocol::Udp,
                    source: from,
                    destination: self.local,
                    message,
                };
                self.ice.handle_packet(now, packet);
                self.ice.handle_timeout(now);
            }
            Kind::Dtls => self.hear(now, from, datagram),
            _ => return,
        }
        self.drain(now);
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.ice_timeout.is_none_or(|due| due <= now) {
            self.ice.handle_timeout(now);
        }
        if let (Some(dtls), Some(known)) = (&mut self.dtls, &self.remote)
            && dtls.poll_timeout().is_some_and(|due| due <= now)
        {
            dtls.handle_timeout(now, &known.fingerprints);
        }
        if let Some(association) = &mut self.association
            && association.poll_timeout().is_some_and(|due| due <= now)
        {
            association.handle_timeout(now);
        }
        self.drain(now);
    }

    /// DTLS from wherever it comes: the fingerprint says whether it is the peer.
    fn hear(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let Some(known) = self.remote.as_ref().filter(|_| !self.over) else {
            return;
        };
        self.heard = Some(from);
        // What comes before the ClientHello of a client is of another association.
        if self.dtls.is_none() && known.role == DtlsRole::Server {
            self.dtls = association(now, &self.certificate, DtlsRole::Server);
        }
        if let Some(dtls) = &mut self.dtls {
            dtls.handle_packet(now, datagram, &known.fingerprints);
        }
    }

    /// Does what all of them say, until they say no more.
    pub(crate) fn drain(&mut self, now: Instant) {
        loop {
            self.drain_ice(now);
            let packets = self.drain_association();
            let moved = self.drain_dtls(now);
            if !packets && !moved {
                break;
            }
        }
        // It may name a time that has passed; it is asked again a little later.
        let least = now + Duration::from_millis(1);
        self.ice_timeout = self.ice.poll_timeout().map(|at| at.max(least));
    }

    fn drain_ice(&mut self, now: Instant) {
        while let Some(transmit) = self.ice.poll_transmit() {
            if transmit.source == self.local {
                self.outputs.push_back(DataOutput::Transmit {
                    to: transmit.destination,
                    bytes: transmit.contents.to_vec(),
                });
            }
        }
        while let Some(event) = self.ice.poll_event() {
            if let IceAgentEvent::NominatedSend { destination, .. } = event {
                self.way = Some(destination);
                if std::mem::take(&mut self.searching) {
                    self.outputs.push_back(DataOutput::Found);
                }
            }
        }
        // A client begins as soon as there is a way.
        if let Some(known) = &self.remote
            && known.role == DtlsRole::Client
            && self.way.is_some()
            && self.dtls.is_none()
            && !self.over
        {
            self.dtls = association(now, &self.certificate, DtlsRole::Client);
            if let Some(dtls) = &mut self.dtls {
                dtls.handle_timeout(now, &known.fingerprints);
            }
        }
    }

    /// Whether there were packets.
    fn drain_association(&mut self) -> bool {
        let mut any = false;
        let Some(association) = &mut self.association else {
            return false;
        };
        while let Some(output) = association.poll_output() {
            match output {
                ChannelOutput::Packet(packet) => {
                    any = true;
                    if let Some(dtls) = &mut self.dtls {
                        // What cannot be sent now is lost, as on the network.
                        let _ = dtls.send(&packet);
                    }
                }
                ChannelOutput::Event(event) => {
                    self.outputs.push_back(DataOutput::Channel(event));
                }
            }
        }
        any
    }

    /// Whether SCTP has something to say to it.
    fn drain_dtls(&mut self, now: Instant) -> bool {
        let mut moved = false;
        let way = self.way.or(self.heard);
        while let Some(event) = self.dtls.as_mut().and_then(Dtls::poll_event) {
            match event {
                AssociationEvent::Transmit(bytes) => {
                    if let Some(to) = way {
                        self.outputs.push_back(DataOutput::Transmit { to, bytes });
                    }
                }
                AssociationEvent::Connected(_) => {
                    moved = true;
                    self.begin_sctp(now);
                }
                AssociationEvent::Data(data) => {
                    if let Some(association) = &mut self.association {
                        moved = true;
                        association.handle_packet(now, Bytes::from(data));
                    }
                }
                AssociationEvent::Failed(error) => self.end(error.to_string()),
                AssociationEvent::Closed => self.end("the other end closed DTLS".to_owned()),
            }
        }
        moved
    }

    /// RFC 8261 §6.1 — with DTLS comes SCTP.
    fn begin_sctp(&mut self, now: Instant) {
        let Some(known) = self.remote.as_ref().filter(|_| self.association.is_none()) else {
            return;
        };
        let role = match known.role {
            DtlsRole::Client => Role::Client,
            DtlsRole::Server => Role::Server,
        };
        let config = AssociationConfig {
            local_port: SCTP_PORT,
            remote_port: known.sctp.port,
            send_message: max_message_size(known.sctp.max_message_size),
            ..AssociationConfig::new(role)
        };
        self.association = Some(Association::new(now, config));
    }

    pub(crate) fn end(&mut self, reason: String) {
        if !std::mem::replace(&mut self.over, true) {
            self.outputs.push_back(DataOutput::Over(reason));
        }
    }
}

/// An association that begins now; none, if there is no randomness.
fn association(now: Instant, certificate: &Certificate, role: DtlsRole) -> Option<Dtls> {
    let config = Dimpl::config().ok()?;
    let engine = Dimpl::new(now, &config, certificate, role);
    Some(Dtls::new(Box::new(engine), role))
}

impl Described for DataTransport {
    fn described(&self) -> SocketAddr {
        self.restart.as_ref().map_or(self.local, |(next, _)| *next)
    }

    fn role(&self) -> Option<bool> {
        let known = self.remote.as_ref();
        known.map(|known| known.role == DtlsRole::Client)
    }

    fn credentials(&mut self) -> (String, String) {
        let IceCreds { ufrag, pass } = match &self.restart {
            Some((_, next)) => next.clone(),
            None => self.ice.local_credentials().clone(),
        };
        (ufrag, pass)
    }

    fn fingerprint(&mut self) -> String {
        let Fingerprint { algorithm, digest } = self.certificate.fingerprint();
        let hex: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        format!("{algorithm} {}", hex.join(":"))
    }

    fn prepare_restart(&mut self, local: SocketAddr, (ufrag, pass): (String, String)) {
        self.restart = Some((local, IceCreds { ufrag, pass }));
    }

    fn abandon_restart(&mut self) -> Option<SocketAddr> {
        self.restart.take().map(|(local, _)| local)
    }
}

impl std::fmt::Debug for DataTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataTransport")
            .field("started", &self.remote.is_some())
            .field("association", &self.association.is_some())
            .finish_non_exhaustive()
    }
}
