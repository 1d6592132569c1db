use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::media::MediaKind;
use str0m::rtp::RtpPacket;

use super::audio::Player;
use super::dtmf::{Held, Keypad, Listener};
use super::line::{Line, LineOutput, RemoteTransport};
use super::{AudioSource, Codec, FRAME, MediaReport};

/// A frame.
const PTIME: Duration = Duration::from_millis(20);

/// The m-line for audio: G.711, and telephone events.
#[derive(Debug)]
pub struct MediaSession {
    line: Line,
    timestamp: u32,
    next_frame: Option<Instant>,
    plan: Option<MediaPlan>,
    player: Player,
    keypad: Keypad,
    listener: Listener,
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

/// What a media session wants, and what happened in it.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaEvent {
    /// Send this datagram.
    Transmit {
        /// From which socket.
        from: SocketAddr,
        /// Where to.
        to: SocketAddr,
        /// A datagram.
        bytes: Vec<u8>,
    },
    /// ICE and DTLS of an m-line are done.
    Connected(MediaPart),
    /// A digit was heard.
    Digit(char),
    /// The connection broke or never came to be.
    Failed(String),
}

/// Which m-line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaPart {
    /// Audio.
    Audio,
    /// Video.
    Video,
    /// Data channels.
    Data,
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
        Ok(Self {
            line: Line::new(now, local, MediaKind::Audio, (ssrc, timestamp))?,
            timestamp,
            next_frame: None,
            plan: None,
            player: Player::new(source),
            keypad: Keypad::default(),
            listener: Listener::default(),
            keep,
            report: MediaReport::default(),
            events: VecDeque::new(),
        })
    }

    /// A datagram arrives at the socket.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.line.handle_datagram(now, from, datagram);
        self.drain();
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(due) = self.next_frame.filter(|due| *due <= now) {
            self.next_frame = Some(due + PTIME);
            self.send_frame(now);
        }
        self.line.handle_timeout(now);
        self.drain();
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.line.poll_timeout(), self.next_frame]
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
        self.line.is_connected()
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.line.local()
    }

    pub(crate) fn line(&mut self) -> &mut Line {
        &mut self.line
    }

    /// Whether both descriptions were there.
    pub(crate) fn is_started(&self) -> bool {
        self.plan.is_some()
    }

    /// The two descriptions are there: begin.
    pub(crate) fn start(&mut self, now: Instant, remote: &RemoteTransport) -> Result<(), String> {
        let started = self.line.start(now, remote);
        self.drain();
        started
    }

    /// A description that came later; the socket that it made useless.
    pub(crate) fn renew(
        &mut self,
        now: Instant,
        remote: &RemoteTransport,
        fresh: impl FnOnce() -> (String, String),
    ) -> Result<Option<SocketAddr>, String> {
        let renewed = self.line.renew(now, remote, fresh);
        self.drain();
        renewed
    }

    /// What was agreed on, at first or anew.
    pub(crate) fn apply(&mut self, now: Instant, plan: MediaPlan) {
        if self.next_frame.is_none() {
            self.next_frame = Some(now);
        }
        self.plan = Some(plan);
    }

    /// Nobody hears it any more, until something else is agreed on.
    pub(crate) fn hush(&mut self) {
        if let Some(plan) = &mut self.plan {
            plan.send = false;
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.line.poll() {
            match output {
                LineOutput::Transmit { to, bytes } => {
                    let from = self.line.local();
                    self.events
                        .push_back(MediaEvent::Transmit { from, to, bytes });
                }
                LineOutput::Connected => self
                    .events
                    .push_back(MediaEvent::Connected(MediaPart::Audio)),
                LineOutput::Packet(packet) => self.hear(&packet),
                LineOutput::KeyFrameWanted => {}
                LineOutput::Failed(reason) => self.events.push_back(MediaEvent::Failed(reason)),
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
        let Some(plan) = self
            .plan
            .clone()
            .filter(|plan| plan.send && self.line.is_connected())
        else {
            return;
        };
        let frame = self.player.frame();
        if let Some(payload_type) = plan.telephone_event
            && let Some(held) = self.keypad.next()
        {
            if let Held::Digit(event) = held {
                let begun = u32::from(event.age) * FRAME as u32;
                let timestamp = self.timestamp.wrapping_sub(begun);
                self.line
                    .write(now, payload_type, timestamp, event.first, &event.payload);
            }
            return;
        }
        let payload = frame.map(|sample| plan.codec.encode(sample));
        let marker = self.report.sent == 0;
        self.line
            .write(now, plan.payload_type, self.timestamp, marker, &payload);
        self.report.sent += 1;
    }
}
