use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::SmallVec;
use str0m::change::DirectApi;
use str0m::config::Fingerprint;
use str0m::format::{Codec as PayloadCodec, FormatParams};
use str0m::media::{Frequency, KeyframeRequestKind, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite, Ssrc};
use str0m::{Candidate, Event, IceCreds, Input, Output, Rtc};
use wire_rtp::{Kind, RtpPacket as RtpView};

use super::Described;

/// More sources than that in one call are not listened to.
const MAX_SOURCES: usize = 16;

/// One m-line of ours: `str0m` with its direct interface, one `Rtc` for each transport.
///
/// `str0m` draws its random numbers and certificates itself: it stands where a browser would.
pub(crate) struct Line {
    rtc: Rtc,
    mid: Mid,
    local: SocketAddr,
    ssrc: u32,
    sequence: u64,
    timeout: Option<Instant>,
    connected: bool,
    sources: SmallVec<[u32; 4]>,
    outputs: VecDeque<LineOutput>,
    /// Who the peer is, once it is known.
    remote: Option<Known>,
    /// RFC 8445 §9 — where and by which name we will be, if the peer agrees.
    restart: Option<(SocketAddr, IceCreds)>,
    /// A restart was agreed on, and no path is found yet.
    searching: bool,
}

/// What stays of the peer's description.
struct Known {
    ufrag: String,
    candidates: Vec<Candidate>,
    /// Whether we are the DTLS client.
    active: bool,
}

/// What its transport wants, and what came through it.
pub(super) enum LineOutput {
    Transmit { to: SocketAddr, bytes: Vec<u8> },
    Connected,
    Packet(Box<RtpPacket>),
    KeyFrameWanted,
    Failed(String),
}

/// What the peer's description says of its transport.
#[derive(Clone, Debug)]
pub(crate) struct RemoteTransport {
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
    pub(crate) lite: bool,
    pub(crate) fingerprint: (String, Vec<u8>),
    pub(crate) candidates: Vec<SocketAddr>,
    /// Whether we send the ClientHello.
    pub(crate) active: bool,
    /// Whether our description was the offer.
    pub(crate) offered: bool,
}

impl Line {
    /// A line on a socket that is open, with a random SSRC and a random first sequence number.
    pub(super) fn new(
        now: Instant,
        local: SocketAddr,
        kind: MediaKind,
        (ssrc, sequence): (u32, u32),
    ) -> Result<Self, String> {
        let mut config = Rtc::builder()
            .set_crypto_provider(Arc::new(str0m::crypto::from_feature_flags()))
            .set_rtp_mode(true)
            .clear_codecs();
        let (codec, rate) = match kind {
            MediaKind::Audio => {
                config = config.enable_pcmu(true, false).enable_pcma(true, false);
                (PayloadCodec::Tele, Frequency::EIGHT_KHZ)
            }
            MediaKind::Video => (PayloadCodec::Vp8, Frequency::NINETY_KHZ),
        };
        // Which number a dynamic one is for is settled later: all that can be are known.
        for payload_type in 96..=127u8 {
            let format = FormatParams::default();
            let codecs = config.codec_config();
            codecs.add_config(payload_type.into(), None, codec, rate, None, format);
        }
        let mut rtc = config.build(now);
        let candidate = Candidate::host(local, "udp").map_err(|error| error.to_string())?;
        rtc.add_local_candidate(candidate);
        let mid = Mid::from("0");
        let mut direct = rtc.direct_api();
        direct.declare_media(mid, kind);
        direct.declare_stream_tx(ssrc.into(), None, mid, None);
        Ok(Self {
            rtc,
            mid,
            local,
            ssrc,
            // RFC 3711 §3.3.1: in the lower half, so that a lost beginning does no harm.
            sequence: u64::from(sequence & 0x7fff),
            timeout: Some(now),
            connected: false,
            sources: SmallVec::new(),
            outputs: VecDeque::new(),
            remote: None,
            restart: None,
            searching: false,
        })
    }

    pub(super) fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.expect(datagram);
        let received = Receive::new(Protocol::Udp, from, self.local, datagram);
        if let Ok(received) = received {
            self.input(Input::Receive(now, received));
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.input(Input::Timeout(now));
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.timeout
    }

    pub(super) fn poll(&mut self) -> Option<LineOutput> {
        self.outputs.pop_front()
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connected
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    pub(crate) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The two descriptions are there: begin.
    pub(super) fn start(&mut self, now: Instant, remote: &RemoteTransport) -> Result<(), String> {
        // A clock that stood still would make old timers fire all at once.
        self.input(Input::Timeout(now));
        let candidates = self.add_candidates(remote);
        self.remote = Some(Known {
            ufrag: remote.ufrag.clone(),
            candidates,
            active: remote.active,
        });
        let (hash_func, bytes) = remote.fingerprint.clone();
        let mut direct: DirectApi<'_> = self.rtc.direct_api();
        direct.set_remote_ice_credentials(IceCreds {
            ufrag: remote.ufrag.clone(),
            pass: remote.pwd.clone(),
        });
        // RFC 8445 §6.1.1: against a lite agent a full one controls, else who offered.
        direct.set_ice_controlling(remote.lite || remote.offered);
        direct.set_remote_fingerprint(Fingerprint { hash_func, bytes });
        let started = direct.start_dtls(remote.active);
        self.drain(now);
        started.map_err(|error| error.to_string())
    }

    /// A description that came when we know the peer: it takes part in our restart, or restarts
    /// itself, or says nothing new. The socket that is not needed any more. `fresh`: credentials for
    /// our answer, where it restarted.
    pub(super) fn renew(
        &mut self,
        now: Instant,
        remote: &RemoteTransport,
        fresh: impl FnOnce() -> (String, String),
    ) -> Result<Option<SocketAddr>, String> {
        let Some(known) = &self.remote else {
            return Ok(None);
        };
        let restarts = known.ufrag != remote.ufrag;
        let active = known.active;
        let (local, credentials) = match self.restart.take() {
            Some(agreed) if remote.offered => agreed,
            // RFC 8839 §4.4.1.1.1: only an offer restarts.
            other if !restarts || remote.offered => {
                self.restart = other;
                return Ok(None);
            }
            other => {
                self.restart = other;
                let (ufrag, pass) = fresh();
                (self.local, IceCreds { ufrag, pass })
            }
        };
        let ours = Candidate::host(local, "udp").map_err(|error| error.to_string())?;
        let before = Candidate::host(self.local, "udp").map_err(|error| error.to_string())?;
        let old = std::mem::replace(&mut self.local, local);
        let known = self.remote.take().map(|known| known.candidates);
        let mut direct = self.rtc.direct_api();
        direct.invalidate_candidate(&before);
        for candidate in known.into_iter().flatten() {
            direct.invalidate_candidate(&candidate);
        }
        direct.set_local_ice_credentials(credentials);
        direct.set_remote_ice_credentials(IceCreds {
            ufrag: remote.ufrag.clone(),
            pass: remote.pwd.clone(),
        });
        self.rtc.add_local_candidate(ours);
        let candidates = self.add_candidates(remote);
        self.remote = Some(Known {
            ufrag: remote.ufrag.clone(),
            candidates,
            active,
        });
        self.searching = true;
        self.input(Input::Timeout(now));
        Ok((old != local).then_some(old))
    }

    fn add_candidates(&mut self, remote: &RemoteTransport) -> Vec<Candidate> {
        let addresses = remote.candidates.iter();
        let candidates: Vec<Candidate> = addresses
            .filter_map(|address| Candidate::host(*address, "udp").ok())
            .collect();
        for candidate in &candidates {
            self.rtc.add_remote_candidate(candidate.clone());
        }
        candidates
    }

    /// Sends a packet; the sequence number is the next one.
    pub(super) fn write(
        &mut self,
        now: Instant,
        payload_type: u8,
        timestamp: u32,
        marker: bool,
        payload: &[u8],
    ) {
        let sequence = self.sequence;
        self.sequence += 1;
        let mut direct = self.rtc.direct_api();
        if let Some(stream) = direct.stream_tx(&Ssrc::from(self.ssrc)) {
            let packet = RtpWrite::new(
                payload_type.into(),
                sequence.into(),
                timestamp,
                now,
                payload,
            );
            stream.write_rtp(packet.marker(marker));
        }
    }

    /// RFC 4585 §6.3.1 — the picture is lost: a PLI to the source that was heard last.
    pub(super) fn ask_for_key_frame(&mut self) {
        let mut direct = self.rtc.direct_api();
        let last = self.sources.last();
        if let Some(stream) = last.and_then(|ssrc| direct.stream_rx(&Ssrc::from(*ssrc))) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
    }

    /// The peer's SSRC is not in its description: what comes first is it.
    fn expect(&mut self, datagram: &[u8]) {
        if Kind::of(datagram) != Kind::Rtp {
            return;
        }
        let Ok(packet) = RtpView::parse_header(datagram) else {
            return;
        };
        let ssrc = packet.ssrc();
        if self.sources.contains(&ssrc) || self.sources.len() >= MAX_SOURCES {
            return;
        }
        self.sources.push(ssrc);
        let mid = self.mid;
        let mut direct = self.rtc.direct_api();
        let stream = direct.expect_stream_rx(ssrc.into(), None, mid, None);
        // It is not in our description: who sends would not know what to do with one.
        stream.suppress_nack(true);
    }

    fn input(&mut self, input: Input<'_>) {
        let now = match &input {
            Input::Timeout(now) | Input::Receive(now, _) => *now,
        };
        if let Err(error) = self.rtc.handle_input(input) {
            self.outputs
                .push_back(LineOutput::Failed(error.to_string()));
            self.timeout = None;
            return;
        }
        self.drain(now);
    }

    fn drain(&mut self, now: Instant) {
        loop {
            self.outputs.push_back(match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    // `str0m` may name a time that has passed; it is asked again a little later.
                    self.timeout = Some(at.max(now + Duration::from_millis(1)));
                    return;
                }
                // Of a socket that was given up in a restart.
                Ok(Output::Transmit(transmit)) if transmit.source != self.local => continue,
                Ok(Output::Transmit(transmit)) => LineOutput::Transmit {
                    to: transmit.destination,
                    bytes: transmit.contents.to_vec(),
                },
                Ok(Output::Event(Event::Connected)) => {
                    self.connected = true;
                    LineOutput::Connected
                }
                Ok(Output::Event(Event::IceConnectionStateChange(state)))
                    if self.searching && state.is_connected() =>
                {
                    self.searching = false;
                    LineOutput::Connected
                }
                Ok(Output::Event(Event::RtpPacket(packet))) => LineOutput::Packet(packet.into()),
                Ok(Output::Event(Event::KeyframeRequest(_))) => LineOutput::KeyFrameWanted,
                Ok(Output::Event(_)) => continue,
                Err(error) => {
                    self.timeout = None;
                    self.outputs
                        .push_back(LineOutput::Failed(error.to_string()));
                    return;
                }
            });
        }
    }
}

impl Described for Line {
    fn described(&self) -> SocketAddr {
        self.restart.as_ref().map_or(self.local, |(next, _)| *next)
    }

    fn role(&self) -> Option<bool> {
        self.remote.as_ref().map(|remote| remote.active)
    }

    fn credentials(&mut self) -> (String, String) {
        let IceCreds { ufrag, pass } = match &self.restart {
            Some((_, next)) => next.clone(),
            None => self.rtc.direct_api().local_ice_credentials(),
        };
        (ufrag, pass)
    }

    fn fingerprint(&mut self) -> String {
        let direct = self.rtc.direct_api();
        let Fingerprint { hash_func, bytes } = direct.local_dtls_fingerprint();
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        format!("{hash_func} {}", hex.join(":"))
    }

    fn prepare_restart(&mut self, local: SocketAddr, (ufrag, pass): (String, String)) {
        self.restart = Some((local, IceCreds { ufrag, pass }));
    }

    fn abandon_restart(&mut self) -> Option<SocketAddr> {
        self.restart.take().map(|(local, _)| local)
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line")
            .field("connected", &self.connected)
            .finish_non_exhaustive()
    }
}
