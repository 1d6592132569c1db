use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::media::MediaKind;
use str0m::rtp::RtpPacket;

use super::line::{Line, LineOutput, RemoteTransport};
use super::vp8::{self, Assembled, Assembler, CLOCK, VideoFrame};
use super::{MediaEvent, MediaPart};

/// What is shown to the other end.
#[derive(Clone, Debug)]
pub enum VideoSource {
    /// Nothing; what comes is watched.
    Nothing,
    /// These frames, over and over; the first is a key frame.
    Frames(Arc<[VideoFrame]>),
    /// What the other end shows.
    Echo,
}

/// What a WIC does with video.
#[derive(Clone, Debug)]
pub struct Video {
    /// What is shown.
    pub source: VideoSource,
    /// How many bytes of frames are kept of a call.
    pub keep_bytes: usize,
}

/// What was seen, and what was shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VideoReport {
    /// Packets that came.
    pub packets: u64,
    /// Frames that came whole, with all that they lean on.
    pub frames: u64,
    /// Frames that went.
    pub sent: u64,
    /// Frames that came, if they are kept.
    pub recording: Vec<VideoFrame>,
    kept: usize,
}

/// What the two descriptions agreed on.
#[derive(Clone, Debug)]
pub(crate) struct VideoPlan {
    pub(crate) payload_type: u8,
    pub(crate) send: bool,
}

/// The m-line for video: VP8 as it is, without a codec.
#[derive(Debug)]
pub(crate) struct VideoSession {
    line: Line,
    video: Video,
    plan: Option<VideoPlan>,
    started: bool,
    assembler: Assembler,
    /// Which frame is next, and when.
    position: usize,
    next_frame: Option<Instant>,
    timestamp: u32,
    /// The first timestamp.
    base: u32,
    asked_at: Option<Instant>,
    turned_at: Option<Instant>,
    report: VideoReport,
    events: VecDeque<MediaEvent>,
}

/// A frame lasts so long where its file does not say.
const FRAME_TIME: u32 = CLOCK / 30;

/// A pause in a file is no longer than that.
const LONGEST_PAUSE: u32 = 5 * CLOCK;

/// A key frame is asked for, or given, no more often.
const PATIENCE: Duration = Duration::from_millis(400);

impl VideoSession {
    /// On a socket that is open, with a random SSRC and a random first timestamp; what is seen is added
    /// to `report`.
    pub(crate) fn new(
        now: Instant,
        local: SocketAddr,
        video: &Video,
        (ssrc, timestamp): (u32, u32),
        report: VideoReport,
    ) -> Result<Self, String> {
        Ok(Self {
            line: Line::new(now, local, MediaKind::Video, (ssrc, timestamp))?,
            video: video.clone(),
            plan: None,
            started: false,
            assembler: Assembler::default(),
            position: 0,
            next_frame: None,
            timestamp,
            base: timestamp,
            asked_at: None,
            turned_at: None,
            report,
            events: VecDeque::new(),
        })
    }

    pub(crate) fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.line.handle_datagram(now, from, datagram);
        self.drain(now);
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.next_frame.is_some_and(|due| due <= now) {
            self.play(now);
        }
        self.line.handle_timeout(now);
        self.drain(now);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let times = [self.line.poll_timeout(), self.next_frame];
        times.into_iter().flatten().min()
    }

    pub(crate) fn poll_event(&mut self) -> Option<MediaEvent> {
        self.events.pop_front()
    }

    pub(crate) fn report(&self) -> &VideoReport {
        &self.report
    }

    pub(crate) fn line(&mut self) -> &mut Line {
        &mut self.line
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.line.local()
    }

    pub(crate) fn is_started(&self) -> bool {
        self.started
    }

    /// Whether anything is shown.
    pub(crate) fn sends(&self) -> bool {
        !matches!(self.video.source, VideoSource::Nothing)
    }

    /// The number of VP8, where it is agreed on.
    pub(crate) fn payload_type(&self) -> Option<u8> {
        self.plan.as_ref().map(|plan| plan.payload_type)
    }

    /// What was agreed on, at first or anew; the socket that it made useless.
    pub(crate) fn apply(
        &mut self,
        now: Instant,
        remote: &RemoteTransport,
        plan: VideoPlan,
        fresh: impl FnOnce() -> (String, String),
    ) -> Result<Option<SocketAddr>, String> {
        let useless = if self.started {
            self.line.renew(now, remote, fresh)?
        } else {
            self.line.start(now, remote)?;
            self.started = true;
            None
        };
        self.drain(now);
        self.plan = Some(plan);
        self.roll(now);
        Ok(useless)
    }

    /// It is over: what was seen and shown.
    pub(crate) fn into_report(self) -> VideoReport {
        self.report
    }

    fn drain(&mut self, now: Instant) {
        while let Some(output) = self.line.poll() {
            match output {
                LineOutput::Transmit { to, bytes } => {
                    let from = self.line.local();
                    self.events
                        .push_back(MediaEvent::Transmit { from, to, bytes });
                }
                LineOutput::Connected => {
                    self.events
                        .push_back(MediaEvent::Connected(MediaPart::Video));
                    self.roll(now);
                }
                LineOutput::Packet(packet) => self.see(now, &packet),
                LineOutput::KeyFrameWanted => self.turn_back(now),
                LineOutput::Failed(reason) => self.events.push_back(MediaEvent::Failed(reason)),
            }
        }
    }

    /// Begins to play, or goes on.
    fn roll(&mut self, now: Instant) {
        let ready = self.line.is_connected() && self.plan.as_ref().is_some_and(|plan| plan.send);
        let plays = matches!(&self.video.source, VideoSource::Frames(frames) if !frames.is_empty());
        if !(ready && plays) {
            self.next_frame = None;
        } else if self.next_frame.is_none() {
            // After a pause the other end needs a key frame first.
            self.position = 0;
            self.next_frame = Some(now);
        }
    }

    fn play(&mut self, now: Instant) {
        let VideoSource::Frames(frames) = &self.video.source else {
            return;
        };
        let Some(frame) = frames.get(self.position).cloned() else {
            return;
        };
        self.position = (self.position + 1) % frames.len();
        let next = frames[self.position].time;
        let lasts = match next.checked_sub(frame.time) {
            None | Some(0) => FRAME_TIME,
            Some(lasts) => lasts.min(LONGEST_PAUSE),
        };
        self.send(now, &frame.data);
        self.timestamp = self.timestamp.wrapping_add(lasts);
        let lasts = Duration::from_micros(u64::from(lasts) * 1_000_000 / u64::from(CLOCK));
        let due = self.next_frame.unwrap_or(now) + lasts;
        // What was missed while nobody asked is not made up for.
        self.next_frame = Some(if due + PATIENCE < now {
            now + lasts
        } else {
            due
        });
    }

    fn send(&mut self, now: Instant, frame: &[u8]) {
        let Some(plan) = self.plan.clone().filter(|plan| plan.send) else {
            return;
        };
        for (last, payload) in vp8::packets(frame) {
            self.line
                .write(now, plan.payload_type, self.timestamp, last, &payload);
        }
        self.report.sent += 1;
    }

    fn see(&mut self, now: Instant, packet: &RtpPacket) {
        if self.payload_type() != Some(*packet.header.payload_type) {
            return;
        }
        self.report.packets += 1;
        let (number, header) = (*packet.seq_no, &packet.header);
        let done = self
            .assembler
            .push(number, header.timestamp, header.marker, &packet.payload);
        for done in done {
            match done {
                Assembled::Frame(frame) => {
                    self.report.see(&frame, self.video.keep_bytes);
                    if matches!(self.video.source, VideoSource::Echo) {
                        self.timestamp = self.base.wrapping_add(frame.time);
                        self.send(now, &frame.data);
                    }
                }
                Assembled::KeyFrameWanted => self.ask(now),
            }
        }
    }

    fn ask(&mut self, now: Instant) {
        if self.asked_at.is_none_or(|at| at + PATIENCE <= now) {
            self.asked_at = Some(now);
            self.line.ask_for_key_frame();
        }
    }

    /// RFC 4585 §6.3.1, RFC 5104 §4.3.1 — the other end needs a key frame: the last one again, or that
    /// of who is echoed.
    fn turn_back(&mut self, now: Instant) {
        match &self.video.source {
            VideoSource::Nothing => {}
            VideoSource::Echo => self.ask(now),
            VideoSource::Frames(frames) => {
                if self.turned_at.is_some_and(|at| at + PATIENCE > now) {
                    return;
                }
                self.turned_at = Some(now);
                let before = &frames[..self.position.min(frames.len())];
                let key = before.iter().rposition(|frame| frame.key().is_some());
                self.position = key.unwrap_or(0);
            }
        }
    }
}

impl VideoReport {
    fn see(&mut self, frame: &VideoFrame, keep: usize) {
        self.frames += 1;
        if self.kept + frame.data.len() <= keep {
            self.kept += frame.data.len();
            self.recording.push(frame.clone());
        } else {
            // A recording with a hole in it could not be played.
            self.kept = usize::MAX / 2;
        }
    }
}
