use std::time::Instant;

use core_sip::dialog::Dialog;
use core_sip::{ClientTransactionId, ServerTransactionId, TimerSet};
use wire_sdp::attribute::Direction;
use wire_sip::{Message, StatusCode};

use crate::media::{MediaSession, VideoPlan, VideoSession};
use crate::sdp::{Describe, Remote};

/// A call, from the first INVITE to the last BYE.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) stage: Stage,
    pub(crate) media: MediaSession,
    /// Where video is wanted.
    pub(crate) video: Option<VideoSession>,
    pub(crate) describe: Describe,
    pub(crate) dialog: Option<Dialog>,
    /// We hold.
    pub(crate) held: bool,
    /// The other end holds.
    pub(crate) remote_held: bool,
    /// What is sent again until it is acknowledged.
    pub(crate) repeated: Option<Repeated>,
    /// The ACK of our last INVITE, sent again with each 2xx that comes again.
    pub(crate) acknowledged: Option<(ClientTransactionId, Message)>,
    /// A re-INVITE of ours is under way.
    pub(crate) changing: bool,
    /// RFC 3261 §14.1 — when to try again after 491.
    pub(crate) change_at: Option<Instant>,
    /// Our offer went in a 2xx; the answer comes in the ACK.
    pub(crate) answer_in_ack: bool,
}

/// In the order of the protocol.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Our INVITE is under way.
    Inviting {
        transaction: ClientTransactionId,
        request: Message,
        /// RFC 3262 §4 — the last that was acknowledged with PRACK.
        rseq: Option<u32>,
        rang: bool,
    },
    /// An INVITE has come, and 180 was said.
    Ringing {
        transaction: ServerTransactionId,
        request: Message,
        tag: String,
        offer: Option<Box<Remote>>,
        answer_at: Option<Instant>,
    },
    /// 200 was said, and ACK has not come.
    Accepted {
        /// Say goodbye when it comes.
        leaving: bool,
    },
    /// Talking.
    Confirmed,
}

/// RFC 3261 §13.3.1.4, RFC 3262 §3 — a response that is sent again until it is acknowledged.
#[derive(Debug)]
pub(crate) struct Repeated {
    pub(crate) transaction: ServerTransactionId,
    pub(crate) response: Message,
    interval: std::time::Duration,
    next: Instant,
    end: Instant,
}

const TIMERS: TimerSet = TimerSet::access();

impl Repeated {
    pub(crate) fn new(now: Instant, transaction: ServerTransactionId, response: Message) -> Self {
        Self {
            transaction,
            response,
            interval: TIMERS.t1,
            next: now + TIMERS.t1,
            end: now + TIMERS.transaction(),
        }
    }

    pub(crate) fn due(&self) -> Instant {
        self.next.min(self.end)
    }

    /// Whether it is sent once more, now that it is due.
    pub(crate) fn again(&mut self, now: Instant) -> bool {
        self.interval = TIMERS.next_interval(self.interval);
        self.next = now + self.interval;
        now < self.end
    }
}

impl Call {
    /// What we want of the media: hold is `sendonly` (TS 24.610 §4.5.2.1), and then we say nothing.
    pub(crate) fn wish(&self) -> Direction {
        if self.held {
            Direction::SendOnly
        } else {
            Direction::SendRecv
        }
    }

    /// Takes what the peer's description says; at first it starts the transport.
    pub(crate) fn apply(&mut self, now: Instant, remote: &Remote) -> Result<(), String> {
        if !self.media.is_started() {
            self.media.start(now, &remote.transport)?;
        }
        let mut plan = remote.plan.clone();
        plan.send = remote.direction.receives() && !self.held;
        self.media.apply(now, plan);
        match (&mut self.video, &remote.video) {
            (Some(video), Some(theirs)) => {
                let plan = VideoPlan {
                    payload_type: theirs.payload_type,
                    send: theirs.direction.receives() && !self.held,
                };
                video.apply(now, &theirs.transport, plan)
            }
            (Some(video), None) => {
                video.pause();
                Ok(())
            }
            (None, _) => Ok(()),
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let answer_at = match &self.stage {
            Stage::Ringing { answer_at, .. } => *answer_at,
            _ => None,
        };
        [
            self.media.poll_timeout(),
            self.video.as_ref().and_then(VideoSession::poll_timeout),
            self.repeated.as_ref().map(Repeated::due),
            self.change_at,
            answer_at,
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

/// The status that a wire status has in our events.
pub(crate) fn code(status: Option<StatusCode>) -> u16 {
    status.map_or(0, StatusCode::as_u16)
}
