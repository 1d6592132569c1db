//! What we want to be otherwise in a call that stands: TS 24.371 §9, RFC 3261 §14.1, RFC 3311.
//!
//! ```text
//!   hold, video, restart_ice, refresh ──▶ changes ──▶ offer ──▶ 2xx: it is so
//!                                            ▲          │
//!                                            └─ 491 ────┼──▶ 4xx: all is as it was, and its owner knows
//!                                               401     └──▶ 408, 481: the call is over
//! ```
//!
//! One after the other: the next begins when the answer to the one before it is there.

use std::time::{Duration, Instant};

use bytes::Bytes;
use core_sip::ClientTransactionId;
use core_sip::dialog::Dialog;
use wire_sip::{HeaderName, Message, Method};

use crate::agent::{Purpose, Wic};
use crate::authentication::Verdict;
use crate::call::{Call, CallId, Stage, code, credentials};
use crate::data::ChannelClosed;
use crate::in_call::describe;
use crate::media::{Video, VideoSource};
use crate::sdp::Slots;
use crate::{Event, NotDone};

/// More than that nobody asks for before the first is done.
const MAX_WAITING: usize = 8;

/// RFC 3261 §14.1 — after a lost connection there may be another one by then.
const LATER: Duration = Duration::from_secs(2);

/// A change of a call.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// TS 24.610 — hold, or go on.
    Hold(bool),
    /// RFC 3264 §8.1, §8.2 — video to be shown so, or none.
    Video(Option<VideoSource>),
    /// RFC 8445 §9.
    RestartIce,
    /// RFC 8864 §6 — the channels that are wanted by then, and no others.
    Channels,
    /// RFC 3261 §14 — what is already so once more.
    Reinvite,
    /// RFC 3311 — nothing at all.
    Update,
}

/// How a call was before our offer.
#[derive(Debug)]
pub(crate) struct Undo {
    slots: Slots,
    held: bool,
    wants_video: Option<Video>,
    had_video: bool,
    had_data: bool,
}

impl Change {
    /// Its name in events.
    fn word(&self) -> &'static str {
        match self {
            Self::Hold(true) => "hold",
            Self::Hold(false) => "resume",
            Self::Video(Some(_)) => "video on",
            Self::Video(None) => "video off",
            Self::RestartIce => "restart",
            Self::Channels => "channels",
            Self::Reinvite => "reinvite",
            Self::Update => "update",
        }
    }
}

impl Wic {
    /// TS 24.610 — holds the current call, or goes on with it.
    pub fn hold(&mut self, now: Instant, held: bool) -> Result<(), NotDone> {
        let call = self.standing()?;
        let last = call.changes.iter().rev().find_map(|change| match change {
            Change::Hold(held) => Some(*held),
            _ => None,
        });
        if last.unwrap_or(call.held) == held {
            return Err(NotDone::Already);
        }
        let id = call.id;
        if !held
            && self
                .calls
                .iter()
                .any(|other| other.id != id && other.talks())
        {
            return self.resume_after(now, id);
        }
        self.ask(now, id, Change::Hold(held))
    }

    /// Adds video to the current call, which is shown so.
    pub fn add_video(&mut self, now: Instant, source: VideoSource) -> Result<(), NotDone> {
        let call = self.standing()?;
        if call.video.is_some() {
            return Err(NotDone::Already);
        }
        let id = call.id;
        self.ask(now, id, Change::Video(Some(source)))
    }

    /// Drops video from the current call.
    pub fn drop_video(&mut self, now: Instant) -> Result<(), NotDone> {
        let call = self.standing()?;
        if call.video.is_none() {
            return Err(NotDone::Already);
        }
        let id = call.id;
        self.ask(now, id, Change::Video(None))
    }

    /// RFC 8445 §9 — moves the media of the current call to other sockets: the network has changed. As
    /// many of those that were added with [`add_socket`](Self::add_socket) are taken as it has m-lines.
    pub fn restart_ice(&mut self, now: Instant) -> Result<(), NotDone> {
        let id = self.standing()?.id;
        self.ask(now, id, Change::RestartIce)
    }

    /// RFC 3261 §14, RFC 3311 — a re-INVITE, or an UPDATE, that changes nothing.
    pub fn refresh(&mut self, now: Instant, update: bool) -> Result<(), NotDone> {
        let id = self.standing()?.id;
        let change = if update {
            Change::Update
        } else {
            Change::Reinvite
        };
        self.ask(now, id, change)
    }

    /// The current call, which is answered.
    fn standing(&self) -> Result<&Call, NotDone> {
        let call = self.current.and_then(|id| self.calls.seen(id));
        let call = call.ok_or(NotDone::NoCall)?;
        match call.stage {
            Stage::Accepted { .. } | Stage::Confirmed => Ok(call),
            _ => Err(NotDone::NotAnswered),
        }
    }

    /// Wants a change, when those before it are done.
    pub(crate) fn ask(&mut self, now: Instant, id: CallId, change: Change) -> Result<(), NotDone> {
        let call = self.calls.find(id).ok_or(NotDone::NoCall)?;
        if call.changes.len() >= MAX_WAITING {
            return Err(NotDone::UnderWay);
        }
        call.changes.push_back(change);
        self.change(now, id);
        self.drain(now);
        Ok(())
    }

    /// Begins the next change, unless something is open.
    pub(crate) fn change(&mut self, now: Instant, id: CallId) {
        let contact = self.dialog_contact();
        let connected = self.is_connected();
        let Some(call) = self.calls.find(id) else {
            return;
        };
        let Some(change) = call.changes.front().cloned() else {
            call.change_at = None;
            return;
        };
        if call.change_at.is_some_and(|at| at > now) {
            return;
        }
        if connected && call.in_doubt.take().is_some() {
            self.put_back(id);
        }
        let Some(call) = self.calls.find(id) else {
            return;
        };
        if call.in_doubt.is_none() && !call.is_at_rest() {
            return;
        }
        call.change_at = None;
        if !connected {
            call.change_at = Some(now + LATER);
            return;
        }
        if matches!(change, Change::Channels) && !call.needs_channels() {
            call.changes.pop_front();
            return self.change(now, id);
        }
        let tries = call.challenged;
        call.changing = Some(Undo {
            slots: call.describe.slots(),
            held: call.held,
            wants_video: call.wants_video.clone(),
            had_video: call.video.is_some(),
            had_data: call.data.is_some(),
        });
        if let Err(reason) = self.prepare(now, id, &change) {
            return self.not_changed(now, id, 0, &reason);
        }
        let Some(call) = self.calls.find(id) else {
            return;
        };
        let update = matches!(change, Change::Update);
        let body = (!update).then(|| describe(call, None));
        let Some(dialog) = &mut call.dialog else {
            return;
        };
        let method = if update {
            Method::Update
        } else {
            Method::Invite
        };
        let mut request = dialog.request(method);
        request.push_back(HeaderName::Contact, contact);
        request.push_back(HeaderName::Supported, "100rel, outbound, gruu");
        if let Some(body) = body {
            request.set_body(Some("application/sdp"), Bytes::from(body));
        }
        if self
            .send(now, Purpose::Change(id), request, tries)
            .is_none()
        {
            self.put_back(id);
            if let Some(call) = self.calls.find(id) {
                call.change_at = Some(now + LATER);
            }
        }
    }

    /// Makes the call as it would be.
    fn prepare(&mut self, now: Instant, id: CallId, change: &Change) -> Result<(), String> {
        let Some(call) = self.calls.find(id) else {
            return Ok(());
        };
        match change {
            Change::Hold(held) => call.held = *held,
            Change::Video(Some(source)) => {
                let keep_bytes = self.config.keep_bytes;
                let source = source.clone();
                call.wants_video = Some(Video { source, keep_bytes });
                call.begin_video(now, &mut self.sockets, &mut self.random)?;
            }
            Change::Video(None) => call.wants_video = None,
            Change::Channels => call.begin_data(&mut self.sockets, &mut self.random)?,
            Change::RestartIce => {
                for line in call.lines() {
                    let local = self.sockets.take().ok_or("there is no other socket")?;
                    line.prepare_restart(local, credentials(&mut self.random));
                }
            }
            Change::Reinvite | Change::Update => {}
        }
        Ok(())
    }

    /// Makes the call as it was before our offer; the change itself waits.
    fn put_back(&mut self, id: CallId) {
        let Some(call) = self.calls.find(id) else {
            return;
        };
        let Some(undo) = call.changing.take() else {
            return;
        };
        call.describe.restore(undo.slots);
        call.held = undo.held;
        call.wants_video = undo.wants_video;
        if !undo.had_video {
            call.end_video(&mut self.sockets);
        }
        call.channels.take_back();
        if !undo.had_data {
            call.forget_data(&mut self.sockets);
        }
        call.abandon_restart(&mut self.sockets);
    }

    /// It is refused: all is as it was (RFC 3261 §14.1), and the next one begins.
    fn not_changed(&mut self, now: Instant, id: CallId, status: u16, reason: &str) {
        self.put_back(id);
        let Some(call) = self.calls.find(id) else {
            return;
        };
        call.challenged = 0;
        let Some(change) = call.changes.pop_front() else {
            return;
        };
        if matches!(change, Change::Channels) {
            let reason = match status {
                0 => ChannelClosed::NotOpened(reason.to_owned()),
                _ => ChannelClosed::Refused,
            };
            call.channels.give_up(&reason);
        }
        self.call_event(
            id,
            Event::NotChanged {
                change: change.word(),
                status,
                reason: reason.to_owned(),
            },
        );
        if matches!(change, Change::Hold(true)) {
            self.not_held(now, id);
        }
        self.drain_data(now);
        self.change(now, id);
    }

    pub(crate) fn change_response(
        &mut self,
        now: Instant,
        transaction: ClientTransactionId,
        id: CallId,
        response: &Message,
        tries: u8,
    ) {
        let Some(status) = response.status().filter(|status| status.is_final()) else {
            return;
        };
        let reason = response.reason_phrase().unwrap_or(status.reason());
        let Some(call) = self.calls.find(id) else {
            return;
        };
        match status.as_u16() {
            200..=299 => self.changed_as_asked(now, Some(transaction), id, response),
            401 | 407 => match self
                .authentication
                .challenged(&mut self.config, response, tries)
            {
                Verdict::Retry => {
                    self.put_back(id);
                    if let Some(call) = self.calls.find(id) {
                        call.challenged = tries + 1;
                    }
                    self.change(now, id);
                }
                Verdict::TokenRefused => {
                    self.not_changed(now, id, code(Some(status)), reason);
                    self.event(Event::TokenRefused);
                }
                Verdict::Refused | Verdict::NetworkRefused => {
                    self.bye(now, id, code(Some(status)), status.reason());
                }
            },
            // RFC 3261 §14.1.
            408 | 481 => self.bye(now, id, code(Some(status)), status.reason()),
            491 => {
                // Who made the Call-ID waits longer.
                let wait = if call.outgoing {
                    2100 + self.random.below(1901)
                } else {
                    self.random.below(2001)
                };
                call.change_at = Some(now + Duration::from_millis(wait));
                self.put_back(id);
            }
            other => self.not_changed(now, id, other, reason),
        }
    }

    /// No answer came to a change.
    pub(crate) fn change_failed(&mut self, now: Instant, id: CallId, status: u16, reason: &str) {
        if status == 408 {
            // RFC 3261 §14.1.
            self.bye(now, id, status, reason);
        } else if let Some(call) = self.calls.find(id) {
            // Whether it came to anything nobody knows: its 2xx may come by the next connection, and
            // if it does not, once more.
            call.in_doubt = call.dialog.as_ref().map(Dialog::local_cseq);
            call.change_at = Some(now + LATER);
        }
    }

    pub(crate) fn changed_as_asked(
        &mut self,
        now: Instant,
        transaction: Option<ClientTransactionId>,
        id: CallId,
        response: &Message,
    ) {
        let Some(call) = self.calls.find(id) else {
            return;
        };
        let Some(dialog) = &mut call.dialog else {
            return;
        };
        dialog.handle_response(response);
        let update = matches!(call.changes.front(), Some(Change::Update));
        let mut applied = Ok(());
        if !update {
            let number = response.header(HeaderName::CSeq);
            let number = number.and_then(|value| value.split(' ').next()?.parse().ok());
            let ack = dialog.ack(number.unwrap_or_else(|| dialog.local_cseq()));
            call.acknowledged = transaction.map(|transaction| (transaction, ack.clone()));
            let remote = self.config.read(response.body(), true);
            applied = remote
                .map_err(|error| error.to_string())
                .and_then(|remote| call.apply(now, &remote, &mut self.sockets, &mut self.random));
            self.send_ack(now, ack);
        }
        if let Err(reason) = applied {
            return self.not_changed(now, id, 488, &reason);
        }
        let Some(call) = self.calls.find(id) else {
            return;
        };
        call.challenged = 0;
        let undo = call.changing.take();
        let Some(change) = call.changes.pop_front() else {
            return;
        };
        let event = match change {
            Change::Hold(held) => {
                call.hold_granted = held;
                Some(Event::Held { held })
            }
            Change::Video(Some(_)) if !call.has_video() => {
                // The m-line was refused, and the rest was not.
                call.wants_video = undo.and_then(|undo| undo.wants_video);
                Some(Event::NotChanged {
                    change: change.word(),
                    status: 200,
                    reason: "the other end takes no video".into(),
                })
            }
            Change::Video(source) => Some(Event::Video {
                video: source.is_some(),
            }),
            Change::RestartIce => Some(Event::Restarted),
            // Each channel speaks for itself.
            Change::Channels => None,
            Change::Reinvite | Change::Update => Some(Event::Refreshed),
        };
        if let Some(event) = event {
            self.call_event(id, event);
        }
        self.drain_media(now);
        self.go_on(now);
        self.change(now, id);
    }
}
