use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::SmallVec;
use str0m::change::DirectApi;
use str0m::config::Fingerprint;
use str0m::format::{Codec as PayloadCodec, FormatParams};
use str0m::media::{Frequency, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite, Ssrc};
use str0m::{Candidate, Event, IceCreds, Input, Output, Rtc};
use wire_rtp::{Kind, RtpPacket as RtpView};

use super::audio::Player;
use super::dtmf::{Held, Keypad, Listener};
use super::{AudioSource, Codec, FRAME, MediaReport};

/// A frame.
const PTIME: Duration = Duration::from_millis(20);

/// More sources than that in one call are not listened to.
const MAX_SOURCES: usize = 16;

/// One m-line of ours: `str0m` with its direct interface, one `Rtc` for each transport.
///
/// `str0m` draws its random numbers and certificates itself: it stands where a browser would.
pub struct MediaSession {
    rtc: Rtc,
    mid: Mid,
    local: SocketAddr,
    ssrc: u32,
    sequence: u64,
    timestamp: u32,
    next_frame: Option<Instant>,
    rtc_timeout: Option<Instant>,
    connected: bool,
    plan: Option<MediaPlan>,
    player: Player,
    keypad: Keypad,
    listener: Listener,
    sources: SmallVec<[u32; 4]>,
    keep: usize,
    report: MediaReport,
    events: VecDeque<MediaEvent>,
}

/// What the two descriptions agreed on.
#[derive(Clone, Debug)]
pub(crate) struct MediaPlan {
    pub(crate) codec: Codec,
    pub(crate) payload_type: u8,
    pub(crate) telephone_event: Option<u8>,
    pub(crate) send: bool,
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

/// What a media session wants, and what happened in it.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaEvent {
    /// Send this datagram from the media socket.
    Transmit {
        /// Where to.
        to: SocketAddr,
        /// A datagram.
        bytes: Vec<u8>,
    },
    /// ICE and DTLS are done.
    Connected,
    /// A digit was heard.
    Digit(char),
    /// The connection broke or never came to be.
    Failed(String),
}

impl MediaSession {
    /// A session on a socket that is open, with a random SSRC and a random first timestamp. `keep`:
    /// how many samples to record.
    pub fn new(
        now: Instant,
        local: SocketAddr,
        (ssrc, timestamp): (u32, u32),
        source: AudioSource,
        keep: usize,
    ) -> Result<Self, String> {
        let mut config = Rtc::builder()
            .set_crypto_provider(Arc::new(str0m::crypto::from_feature_flags()))
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_pcmu(true, false)
            .enable_pcma(true, false);
        // Which number telephone-event has is settled later: all that can be are known.
        for payload_type in 96..=127u8 {
            let (codec, format) = (PayloadCodec::Tele, FormatParams::default());
            let rate = Frequency::EIGHT_KHZ;
            let codecs = config.codec_config();
            codecs.add_config(payload_type.into(), None, codec, rate, None, format);
        }
        let mut rtc = config.build(now);
        let candidate = Candidate::host(local, "udp").map_err(|error| error.to_string())?;
        rtc.add_local_candidate(candidate);
        let mid = Mid::from("0");
        let mut direct = rtc.direct_api();
        direct.declare_media(mid, MediaKind::Audio);
        direct.declare_stream_tx(ssrc.into(), None, mid, None);
        Ok(Self {
            rtc,
            mid,
            local,
            ssrc,
            // RFC 3711 §3.3.1: in the lower half, so that a lost beginning does no harm.
            sequence: u64::from(timestamp & 0x7fff),
            timestamp,
            next_frame: None,
            rtc_timeout: Some(now),
            connected: false,
            plan: None,
            player: Player::new(source),
            keypad: Keypad::default(),
            listener: Listener::default(),
            sources: SmallVec::new(),
            keep,
            report: MediaReport::default(),
            events: VecDeque::new(),
        })
    }

    /// A datagram arrives at the socket.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.expect(datagram);
        let received = Receive::new(Protocol::Udp, from, self.local, datagram);
        if let Ok(received) = received {
            self.input(Input::Receive(now, received));
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(due) = self.next_frame.filter(|due| *due <= now) {
            self.next_frame = Some(due + PTIME);
            self.send_frame(now);
        }
        self.input(Input::Timeout(now));
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.rtc_timeout, self.next_frame]
            .into_iter()
            .flatten()
            .min()
    }

    /// What is to be done, one at a time.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<MediaEvent> {
        self.events.pop_front()
    }

    /// Presses keys, one after the other; what is no key is left out.
    pub fn press(&mut self, digits: &str) {
        self.keypad.press(digits);
    }

    /// What was heard and said until now.
    pub fn report(&self) -> &MediaReport {
        &self.report
    }

    /// Whether ICE and DTLS are done.
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    pub(crate) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    pub(crate) fn credentials(&mut self) -> (String, String) {
        let IceCreds { ufrag, pass } = self.rtc.direct_api().local_ice_credentials();
        (ufrag, pass)
    }

    pub(crate) fn fingerprint(&mut self) -> String {
        let direct = self.rtc.direct_api();
        let Fingerprint { hash_func, bytes } = direct.local_dtls_fingerprint();
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        format!("{hash_func} {}", hex.join(":"))
    }

    /// Whether both descriptions were there.
    pub(crate) fn is_started(&self) -> bool {
        self.plan.is_some()
    }

    /// The two descriptions are there: begin.
    pub(crate) fn start(&mut self, now: Instant, remote: &RemoteTransport) -> Result<(), String> {
        // A clock that stood still would make old timers fire all at once.
        self.input(Input::Timeout(now));
        for candidate in &remote.candidates {
            if let Ok(candidate) = Candidate::host(*candidate, "udp") {
                self.rtc.add_remote_candidate(candidate);
            }
        }
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

    /// What was agreed on, at first or anew.
    pub(crate) fn apply(&mut self, now: Instant, plan: MediaPlan) {
        if self.next_frame.is_none() {
            self.next_frame = Some(now);
        }
        self.plan = Some(plan);
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
        direct.expect_stream_rx(ssrc.into(), None, mid, None);
    }

    fn input(&mut self, input: Input<'_>) {
        let now = match &input {
            Input::Timeout(now) | Input::Receive(now, _) => *now,
        };
        if let Err(error) = self.rtc.handle_input(input) {
            self.events.push_back(MediaEvent::Failed(error.to_string()));
            self.rtc_timeout = None;
            return;
        }
        self.drain(now);
    }

    fn drain(&mut self, now: Instant) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    // `str0m` may name a time that has passed; it is asked again a little later.
                    self.rtc_timeout = Some(at.max(now + Duration::from_millis(1)));
                    return;
                }
                Ok(Output::Transmit(transmit)) => self.events.push_back(MediaEvent::Transmit {
                    to: transmit.destination,
                    bytes: transmit.contents.to_vec(),
                }),
                Ok(Output::Event(Event::Connected)) => {
                    self.connected = true;
                    self.events.push_back(MediaEvent::Connected);
                }
                Ok(Output::Event(Event::RtpPacket(packet))) => self.hear(&packet),
                Ok(Output::Event(_)) => {}
                Err(error) => {
                    self.events.push_back(MediaEvent::Failed(error.to_string()));
                    self.rtc_timeout = None;
                    return;
                }
            }
        }
    }

    fn hear(&mut self, packet: &RtpPacket) {
        let Some(plan) = &self.plan else { return };
        let payload_type = *packet.header.payload_type;
        if plan.telephone_event == Some(payload_type) {
            let digit = self.listener.hear(packet.header.timestamp, &packet.payload);
            self.events.extend(digit.map(MediaEvent::Digit));
        } else if plan.payload_type == payload_type {
            let codec = plan.codec;
            let samples = packet.payload.iter().map(|byte| codec.decode(*byte));
            self.report.hear(samples, self.keep);
        }
    }

    fn send_frame(&mut self, now: Instant) {
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        let Some(plan) = self.plan.clone().filter(|plan| plan.send && self.connected) else {
            return;
        };
        let frame = self.player.frame();
        if let Some(payload_type) = plan.telephone_event
            && let Some(held) = self.keypad.next()
        {
            if let Held::Digit(event) = held {
                let begun = u32::from(event.age) * FRAME as u32;
                let timestamp = self.timestamp.wrapping_sub(begun);
                self.write(now, payload_type, timestamp, event.first, &event.payload);
            }
            return;
        }
        let payload = frame.map(|sample| plan.codec.encode(sample));
        let marker = self.report.sent == 0;
        self.write(now, plan.payload_type, self.timestamp, marker, &payload);
        self.report.sent += 1;
    }

    fn write(
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
}

impl std::fmt::Debug for MediaSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaSession")
            .field("connected", &self.connected)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}
