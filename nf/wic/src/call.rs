use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use core_sip::dialog::{Dialog, DialogId};
use core_sip::{ClientTransactionId, Random, ServerTransactionId, TimerSet};
use wire_sdp::attribute::Direction;
use wire_sip::{Message, StatusCode};

use crate::agent::hex;
use crate::change::{Change, Undo};
use crate::data::{ChannelClosed, Channels, DataTransport};
use crate::media::{Described, MediaSession, Video, VideoPlan, VideoReport, VideoSession};
use crate::sdp::{Describe, Remote};
use crate::sockets::Sockets;

/// Names a call of one WIC: from 1 on, in the order in which they began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u32);

/// A call, from the first INVITE to the last BYE.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) stage: Stage,
    pub(crate) media: MediaSession,
    /// What is done with video where there is some; `None` takes none.
    pub(crate) wants_video: Option<Video>,
    /// As long as there is an m-line for it.
    pub(crate) video: Option<VideoSession>,
    /// Of video that was dropped.
    pub(crate) seen: Option<VideoReport>,
    /// As long as there is an m-line for data channels.
    pub(crate) data: Option<DataTransport>,
    pub(crate) channels: Channels,
    pub(crate) describe: Describe,
    pub(crate) dialog: Option<Dialog>,
    /// We hold, or offer to.
    pub(crate) held: bool,
    /// The INVITE was ours, and with it the Call-ID.
    pub(crate) outgoing: bool,
    /// The other end has agreed to our hold.
    pub(crate) hold_granted: bool,
    /// The other end holds.
    pub(crate) remote_held: bool,
    /// What is sent again until it is acknowledged.
    pub(crate) repeated: Option<Repeated>,
    /// The ACK of our last INVITE, sent again with each 2xx that comes again.
    pub(crate) acknowledged: Option<(ClientTransactionId, Message)>,
    /// What we want to be otherwise, in that order.
    pub(crate) changes: VecDeque<Change>,
    /// The first of them is under way; how it is taken back.
    pub(crate) changing: Option<Undo>,
    /// The change at the head was challenged so often.
    pub(crate) challenged: u8,
    /// The connection was lost under the re-INVITE with that number: it may have been taken.
    pub(crate) in_doubt: Option<u32>,
    /// RFC 3261 §14.1 — not before that time.
    pub(crate) change_at: Option<Instant>,
    /// Our offer went in a 2xx; the answer comes in the ACK.
    pub(crate) answer_in_ack: bool,
    /// An offer of the other end waits for what our owner says of its channels.
    pub(crate) asking: Option<Box<Asking>>,
    /// We hung up before it was answered.
    pub(crate) given_up: bool,
}

/// A re-INVITE of the other end that is not answered yet.
#[derive(Debug)]
pub(crate) struct Asking {
    pub(crate) transaction: ServerTransactionId,
    pub(crate) request: Message,
    /// Nobody is asked for longer.
    pub(crate) until: Instant,
}

/// In the order of the protocol.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Another call is put on hold first.
    Waiting { to: String },
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

/// The calls of a WIC; there are few.
#[derive(Debug, Default)]
pub(crate) struct Calls(Vec<Call>);

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

impl Calls {
    pub(crate) fn push(&mut self, call: Call) {
        self.0.push(call);
    }

    pub(crate) fn remove(&mut self, id: CallId) -> Option<Call> {
        let at = self.0.iter().position(|call| call.id == id)?;
        Some(self.0.remove(at))
    }

    pub(crate) fn find(&mut self, id: CallId) -> Option<&mut Call> {
        self.0.iter_mut().find(|call| call.id == id)
    }

    pub(crate) fn seen(&self, id: CallId) -> Option<&Call> {
        self.0.iter().find(|call| call.id == id)
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Call> {
        self.0.iter()
    }

    pub(crate) fn ids(&self) -> Vec<CallId> {
        self.0.iter().map(|call| call.id).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whose dialog that is.
    pub(crate) fn of_dialog(&self, dialog: &DialogId) -> Option<CallId> {
        let mut calls = self.0.iter();
        let call = calls.find(|call| call.dialog.as_ref().map(Dialog::id) == Some(dialog))?;
        Some(call.id)
    }

    /// Whose socket that is.
    pub(crate) fn at(&mut self, local: SocketAddr) -> Option<&mut Call> {
        self.0.iter_mut().find(|call| {
            let video = call.video.as_ref().map(VideoSession::local);
            let data = call.data.as_ref().map(DataTransport::local);
            call.media.local() == local || video == Some(local) || data == Some(local)
        })
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

    /// Whether our INVITE has left, or the other end's was answered.
    pub(crate) fn is_begun(&self) -> bool {
        !matches!(self.stage, Stage::Waiting { .. } | Stage::Ringing { .. })
    }

    /// Whether the other end is spoken to.
    pub(crate) fn talks(&self) -> bool {
        let stands = matches!(self.stage, Stage::Accepted { .. } | Stage::Confirmed);
        stands && !self.hold_granted
    }

    /// Whether a change of ours could begin: RFC 3261 §14.1, no other one is open on either side.
    pub(crate) fn is_at_rest(&self) -> bool {
        matches!(self.stage, Stage::Confirmed)
            && self.changing.is_none()
            && self.repeated.is_none()
            && !self.answer_in_ack
            && self.asking.is_none()
    }

    /// The m-line for video, where it is wanted and there was none.
    pub(crate) fn begin_video(
        &mut self,
        now: Instant,
        sockets: &mut Sockets,
        random: &mut Random,
    ) -> Result<(), String> {
        let Some(video) = self.wants_video.as_ref().filter(|_| self.video.is_none()) else {
            return Ok(());
        };
        let local = sockets.take().ok_or("there is no socket for video")?;
        let chance = (random.u64() as u32, random.u64() as u32);
        let report = self.seen.take().unwrap_or_default();
        self.video = Some(VideoSession::new(now, local, video, chance, report)?);
        Ok(())
    }

    /// There is no m-line for video any more; says whether there was media on it.
    pub(crate) fn end_video(&mut self, sockets: &mut Sockets) -> bool {
        let Some(video) = self.video.take() else {
            return false;
        };
        let started = video.is_started();
        sockets.give_back(video.local());
        if started {
            self.seen = Some(video.into_report());
        }
        started
    }

    /// The m-line for data channels, where there is none that can carry any.
    pub(crate) fn begin_data(
        &mut self,
        sockets: &mut Sockets,
        random: &mut Random,
    ) -> Result<(), String> {
        if self.data.as_ref().is_some_and(|data| !data.is_over()) {
            return Ok(());
        }
        let local = sockets
            .take()
            .ok_or("there is no socket for data channels")?;
        let name = credentials(random);
        let data = DataTransport::new(local, name, hex(&random.bytes::<16>()));
        let data = data.inspect_err(|_| sockets.give_back(local))?;
        if let Some(before) = self.data.replace(data) {
            sockets.give_back(before.local());
        }
        Ok(())
    }

    /// Our offer of an m-line for them came to nothing; what was wanted still is.
    pub(crate) fn forget_data(&mut self, sockets: &mut Sockets) {
        if let Some(data) = self.data.take() {
            sockets.give_back(data.local());
            self.channels.line_is_gone();
        }
    }

    /// There is no m-line for data channels any more.
    pub(crate) fn end_data(&mut self, sockets: &mut Sockets, reason: &ChannelClosed) {
        if let Some(data) = self.data.take() {
            sockets.give_back(data.local());
            self.channels.lose(reason);
        }
    }

    /// Takes what the peer's description says of data channels. One that cannot be served is refused,
    /// and the call goes on.
    fn apply_data(
        &mut self,
        now: Instant,
        remote: &Remote,
        sockets: &mut Sockets,
        random: &mut Random,
    ) {
        let answer = remote.answers;
        let Some(theirs) = &remote.data else {
            let reason = if answer {
                ChannelClosed::Refused
            } else {
                ChannelClosed::ByPeer
            };
            return self.end_data(sockets, &reason);
        };
        let renewed = self.data.as_ref().is_some_and(|data| data.is_other(theirs));
        if !answer && (renewed || self.data.is_none()) {
            if !renewed && !self.channels.takes_any() {
                return;
            }
            if renewed {
                let reason = "another association was begun".to_owned();
                self.end_data(sockets, &ChannelClosed::Lost(reason));
            }
            if self.begin_data(sockets, random).is_err() {
                return;
            }
        }
        let Some(data) = &mut self.data else { return };
        let fresh = || credentials(random);
        let useless = data.apply(now, &theirs.transport, theirs.sctp, fresh);
        sockets.close(useless);
        let closed = if answer {
            self.channels.answered(&theirs.channels)
        } else {
            self.channels.offered(&theirs.channels)
        };
        if let Some(association) = data.association() {
            for stream in closed {
                association.close(now, stream);
            }
            data.drain(now);
        }
    }

    /// Takes what the peer's description says; at first it starts the transport. What fails does so
    /// before anything is changed.
    pub(crate) fn apply(
        &mut self,
        now: Instant,
        remote: &Remote,
        sockets: &mut Sockets,
        random: &mut Random,
    ) -> Result<(), String> {
        if remote.audio.is_none() && self.data.is_none() && !self.channels.takes_any() {
            return Err("nothing in common: no audio".into());
        }
        if let Some(theirs) = &remote.audio {
            if self.media.is_started() {
                let fresh = || credentials(random);
                let useless = self.media.renew(now, &theirs.transport, fresh)?;
                sockets.close(useless);
            } else {
                self.media.start(now, &theirs.transport)?;
            }
            let mut plan = theirs.plan.clone();
            plan.send = theirs.direction.receives() && !self.held;
            self.media.apply(now, plan);
        } else {
            self.media.hush();
        }
        match &remote.video {
            // Without a socket for it, it is as if it were not wanted.
            Some(theirs) if self.begin_video(now, sockets, random).is_ok() => {
                if let Some(video) = &mut self.video {
                    let plan = VideoPlan {
                        payload_type: theirs.payload_type,
                        send: theirs.direction.receives() && !self.held,
                    };
                    let fresh = || credentials(random);
                    match video.apply(now, &theirs.transport, plan, fresh) {
                        Ok(useless) => sockets.close(useless),
                        Err(_) => {
                            self.end_video(sockets);
                        }
                    }
                }
            }
            _ => {
                self.end_video(sockets);
            }
        }
        self.apply_data(now, remote, sockets, random);
        Ok(())
    }

    /// Our m-lines.
    pub(crate) fn lines(&mut self) -> impl Iterator<Item = &mut dyn Described> {
        let audio: &mut dyn Described = self.media.line();
        let video = self.video.as_mut();
        let video = video.map(|video| video.line() as &mut dyn Described);
        let data = self.data.as_mut().map(|data| data as &mut dyn Described);
        std::iter::once(audio).chain(video).chain(data)
    }

    /// An ICE restart of ours came to nothing.
    pub(crate) fn abandon_restart(&mut self, sockets: &mut Sockets) {
        for local in self.lines().filter_map(Described::abandon_restart) {
            sockets.add(local);
        }
    }

    /// Whether both descriptions were there.
    pub(crate) fn has_answer(&self) -> bool {
        let data = self.data.as_ref();
        self.media.is_started() || data.is_some_and(|data| data.role().is_some())
    }

    /// Whether video flows, or could.
    pub(crate) fn has_video(&self) -> bool {
        self.video.as_ref().is_some_and(VideoSession::is_started)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let answer_at = match &self.stage {
            Stage::Ringing { answer_at, .. } => *answer_at,
            _ => None,
        };
        [
            self.media.poll_timeout(),
            self.video.as_ref().and_then(VideoSession::poll_timeout),
            self.data.as_ref().and_then(DataTransport::poll_timeout),
            self.repeated.as_ref().map(Repeated::due),
            self.change_at,
            self.asking.as_ref().map(|asking| asking.until),
            answer_at,
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

/// RFC 8839 §5.4 — a name and a password for ICE that nobody guesses.
pub(crate) fn credentials(random: &mut Random) -> (String, String) {
    (hex(&random.bytes::<4>()), hex(&random.bytes::<16>()))
}

/// The status that a wire status has in our events.
pub(crate) fn code(status: Option<StatusCode>) -> u16 {
    status.map_or(0, StatusCode::as_u16)
}
