//! The Termination towards the WIC: ICE-lite, DTLS, SRTP (TS 24.371 §7.4, RFC 5763, RFC 5764).
//!
//! ```text
//!   check ─▶ path admitted ─▶ nominated ─▶ IceConnected
//!              │ first DTLS datagram (or, as client, the nomination) begins an association
//!              ▼
//!            handshake ─▶ certificate fits the announced fingerprint ─▶ keys ─▶ media flow
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use core_iq::{DtlsRole, Fingerprint, Gate, IceCredentials, Refusal, W3Settings};
use core_w3::Path;
use core_w3::dtls::{self, Certificate, Dimpl, DtlsError, Role};
use core_w3::ice;
use core_w3::transport::{Event, Output, Received, SendError, Transport, TransportConfig};
use wire_stun::Message;

use crate::random::Random;

/// More room than SRTCP adds: an index and a tag.
pub(crate) const RTCP_ROOM: usize = 32;

/// Fingerprints a WIC may announce for one stream.
const MOST_FINGERPRINTS: usize = 16;

/// What all Terminations towards WICs share: the certificate, and how DTLS is spoken.
#[derive(Clone)]
pub struct Identity {
    fingerprint: Fingerprint,
    transports: Arc<Transports>,
}

/// Makes the transport of a Termination.
type Transports = dyn Fn(ice::IceCredentials, Duration, bool) -> Transport + Send + Sync;

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Identity").field(&self.fingerprint).finish()
    }
}

impl Identity {
    /// With this certificate, and `dimpl` for DTLS.
    pub fn new(certificate: Certificate) -> Result<Self, DtlsError> {
        let config = Dimpl::config()?;
        let fingerprint = certificate.fingerprint().clone();
        let certificate = Arc::new(certificate);
        Ok(Self {
            fingerprint: Fingerprint {
                algorithm: fingerprint.algorithm,
                digest: fingerprint.digest,
            },
            transports: Arc::new(move |ice, silence, media| {
                let transport = TransportConfig {
                    ice,
                    certificate: Arc::clone(&certificate),
                    silence,
                    media,
                };
                Transport::new(transport, Arc::clone(&config))
            }),
        })
    }

    /// For `a=fingerprint`.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }
}

#[derive(Debug)]
pub(crate) struct W3Side {
    transport: Transport,
    local: IceCredentials,
    /// The username fragments by which checks find this stream.
    ufrags: Vec<String>,
    connected: bool,
    /// Which way packets may pass.
    pub(crate) gate: Gate,
}

/// Credentials of our own (RFC 8445 §5.3).
pub(crate) fn credentials(random: &mut Random) -> IceCredentials {
    let made = ice::IceCredentials::from_random(random.bytes());
    IceCredentials {
        ufrag: made.ufrag,
        pwd: made.pwd,
    }
}

/// Whether settings can be at all.
pub(crate) fn check(settings: &W3Settings) -> Result<(), Refusal> {
    let invalid = |reason: &str| Err(Refusal::Invalid(reason.into()));
    if let Some(ice) = &settings.remote_ice
        && !to_w3(ice).is_valid()
    {
        return invalid("an ICE username fragment or password that cannot be");
    }
    if let Some(fingerprints) = &settings.remote_fingerprints {
        if fingerprints.is_empty() {
            return invalid("a WIC without a fingerprint");
        }
        if fingerprints.len() > MOST_FINGERPRINTS {
            return invalid("too many fingerprints");
        }
    }
    Ok(())
}

/// Our username fragment in a connectivity check, unverified.
pub(crate) fn ufrag_of(message: &[u8]) -> Option<&str> {
    let (ours, _) = Message::parse(message).ok()?.username()?.split_once(':')?;
    Some(ours)
}

impl W3Side {
    /// With `media`, DTLS must give keys for SRTP.
    pub(crate) fn new(
        local: IceCredentials,
        identity: &Identity,
        silence: Duration,
        media: bool,
    ) -> Self {
        Self {
            transport: (identity.transports)(to_w3(&local), silence, media),
            ufrags: vec![local.ufrag.clone()],
            local,
            connected: false,
            gate: Gate::CLOSED,
        }
    }

    /// Takes what the WIC said. With other credentials than before `restart` gives new ones of our
    /// own (RFC 8839 §4.4.1.1.1); says whether that was so.
    pub(crate) fn apply(
        &mut self,
        now: Instant,
        settings: &W3Settings,
        restart: impl FnOnce() -> IceCredentials,
    ) -> bool {
        let mut restarted = false;
        if let Some(remote) = &settings.remote_ice {
            let remote = to_w3(remote);
            match self.transport.ice().remote() {
                None => self.transport.set_remote_ice(remote),
                Some(known) if *known == remote => {}
                Some(_) => {
                    self.local = restart();
                    self.transport.restart_ice(to_w3(&self.local), remote);
                    if !self.ufrags.contains(&self.local.ufrag) {
                        self.ufrags.push(self.local.ufrag.clone());
                    }
                    restarted = true;
                }
            }
        }
        if let Some(fingerprints) = &settings.remote_fingerprints {
            let announced = fingerprints.iter().map(|fingerprint| dtls::Fingerprint {
                algorithm: fingerprint.algorithm.clone(),
                digest: fingerprint.digest.clone(),
            });
            self.transport.set_fingerprints(now, announced.collect());
        }
        if let Some(role) = settings.dtls_role {
            let role = match role {
                DtlsRole::Server => Role::Server,
                DtlsRole::Client => Role::Client,
            };
            self.transport.set_role(now, role);
        }
        if let Some(gate) = settings.gate {
            self.gate = gate;
        }
        restarted
    }

    /// What the WIC is told of us.
    pub(crate) fn local_ice(&self) -> &IceCredentials {
        &self.local
    }

    /// Where media go, if there are keys and somebody to take them.
    pub(crate) fn destination(&self) -> Option<Path> {
        if self.transport.is_ready() {
            self.transport.selected()
        } else {
            None
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.connected
    }

    /// Another stream has this path now.
    pub(crate) fn forget(&mut self, path: Path) {
        self.transport.forget_path(path);
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = Path> + '_ {
        self.transport.ice().paths()
    }

    pub(crate) fn ufrags(&self) -> &[String] {
        &self.ufrags
    }

    /// A username fragment that is no longer good, if there is one.
    pub(crate) fn stale_ufrag(&mut self) -> Option<String> {
        let previous = self.transport.ice().previous();
        let previous = previous.map(|previous| &previous.ufrag);
        let stale = self
            .ufrags
            .iter()
            .position(|ufrag| *ufrag != self.local.ufrag && Some(ufrag) != previous)?;
        Some(self.ufrags.swap_remove(stale))
    }

    /// A datagram of a path that is this stream's, or a connectivity check.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        path: Path,
        buffer: &mut [u8],
        length: usize,
    ) -> Received {
        self.transport.handle_datagram(now, path, buffer, length)
    }

    pub(crate) fn is_admitted(&self, path: Path) -> bool {
        self.transport.ice().is_admitted(path)
    }

    /// Goes without checks, to where the peer's SDP says it is.
    pub(crate) fn set_fixed_path(&mut self, now: Instant, path: Path) {
        self.transport.set_fixed_path(now, path);
    }

    /// RFC 8842 §3.1 — another association than the one there is.
    pub(crate) fn restart_dtls(&mut self, now: Instant) {
        self.transport.restart_dtls(now);
    }

    /// How often that was so, for whatever reason.
    pub(crate) fn restarts(&self) -> u32 {
        self.transport.restarts()
    }

    /// Our role in DTLS.
    pub(crate) fn role(&self) -> Option<Role> {
        self.transport.role()
    }

    pub(crate) fn send_data(&mut self, data: &[u8]) -> Result<(), DtlsError> {
        self.transport.send_data(data)
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.transport.handle_timeout(now);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.transport.poll_timeout()
    }

    /// What there is to say, one at a time.
    pub(crate) fn poll(&mut self) -> Option<Output> {
        let output = self.transport.poll_output();
        match &output {
            Some(Output::Event(Event::DtlsConnected { .. })) => self.connected = true,
            Some(Output::Event(Event::DtlsFailed { .. })) => self.connected = false,
            _ => {}
        }
        output
    }

    pub(crate) fn protect_rtp(
        &mut self,
        buffer: &mut [u8],
        length: usize,
    ) -> Result<usize, SendError> {
        self.transport.protect_rtp(buffer, length)
    }

    pub(crate) fn protect_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Option<usize> {
        self.transport.protect_rtcp(buffer, length).ok()
    }
}

fn to_w3(ice: &IceCredentials) -> ice::IceCredentials {
    ice::IceCredentials {
        ufrag: ice.ufrag.clone(),
        pwd: ice.pwd.clone(),
    }
}
