//! TS 24.371 §7.2.2 — a call that we begin.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use core_sip::ClientTransactionId;
use core_sip::dialog::{Dialog, DialogId};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::agent::{Purpose, Wic};
use crate::authentication::Verdict;
use crate::call::{Call, CallId, Stage, code};
use crate::data::{ChannelClosed, Channels};
use crate::emergency::{alternative_service, is_emergency};
use crate::in_call::describe;
use crate::media::{MediaSession, Video};
use crate::sdp::Describe;
use crate::several::Next;
use crate::{Event, NotDone};

/// What we take.
pub(crate) const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, NOTIFY, MESSAGE";

impl Wic {
    /// Calls somebody; a call that is talked in is put on hold first. TS 24.371 §7.2.4: no emergency
    /// number is called.
    pub fn call(&mut self, now: Instant, to: &str) -> Result<CallId, NotDone> {
        if is_emergency(to, &self.config.emergency_numbers) {
            return Err(NotDone::Emergency);
        }
        if self.calls.len() >= self.config.calls {
            return Err(NotDone::TooManyCalls);
        }
        if !self.is_connected() {
            return Err(NotDone::NoConnection);
        }
        let mut call = self.new_call(now)?;
        let id = call.id;
        call.stage = Stage::Waiting { to: to.to_owned() };
        call.outgoing = true;
        for init in &self.config.channels {
            call.channels.want(init.clone());
        }
        self.calls.push(call);
        if let Err(reason) = self.after_hold(now, Next::Invite(id)) {
            if let Some(call) = self.calls.remove(id) {
                self.sockets.give_back(call.media.local());
            }
            return Err(reason);
        }
        self.drain_media(now);
        Ok(id)
    }

    /// The INVITE leaves.
    pub(crate) fn begin(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.calls.find(id) else {
            return;
        };
        let Stage::Waiting { to } = &call.stage else {
            return;
        };
        let to = to.clone();
        // Without a socket for video it is a call without.
        if call
            .begin_video(now, &mut self.sockets, &mut self.random)
            .is_err()
        {
            call.wants_video = None;
        }
        if call.channels.has_any()
            && let Err(reason) = call.begin_data(&mut self.sockets, &mut self.random)
        {
            call.channels.give_up(&ChannelClosed::NotOpened(reason));
        }
        let offer = describe(call, None);
        let request = self.invite(&to, offer);
        let Some(transaction) = self.send(now, Purpose::Invite(id), request.clone(), 0) else {
            return self.ended(now, id, 503, "there is no connection");
        };
        if let Some(call) = self.calls.find(id) {
            call.stage = Stage::Inviting {
                transaction,
                request,
                rseq: None,
                rang: false,
            };
        }
        self.call_event(id, Event::Calling { to });
    }

    /// A call that nobody knows of yet.
    pub(crate) fn new_call(&mut self, now: Instant) -> Result<Call, NotDone> {
        let local = self.sockets.take().ok_or(NotDone::NoSocket)?;
        let media = MediaSession::new(
            now,
            local,
            (self.random.u64() as u32, self.random.u64() as u32),
            self.config.source.clone(),
            self.config.keep_samples,
        )
        .map_err(NotDone::Media)?;
        self.numbered += 1;
        let id = CallId(self.numbered);
        Ok(Call {
            id,
            stage: Stage::Confirmed,
            media,
            wants_video: self.config.video.clone().map(|source| Video {
                source,
                keep_bytes: self.config.keep_bytes,
            }),
            video: None,
            seen: None,
            data: None,
            channels: Channels::new(id, &self.config.accept_channels, &self.config.ask_channels),
            asking: None,
            // RFC 8866 §5.2: a number that fits in 63 bits.
            describe: Describe::new(self.random.u64() >> 2, &self.config.codecs),
            dialog: None,
            held: false,
            outgoing: false,
            hold_granted: false,
            remote_held: false,
            repeated: None,
            acknowledged: None,
            changes: VecDeque::new(),
            changing: None,
            challenged: 0,
            in_doubt: None,
            change_at: None,
            answer_in_ack: false,
            given_up: false,
        })
    }

    /// TS 24.371 §7.2.2.1, TS 24.229 §5.1.3.1.
    fn invite(&mut self, to: &str, offer: String) -> Message {
        let public = &self.config.identity.public;
        let mut request = Message::request(Method::Invite, to);
        request.push_back(HeaderName::MaxForwards, 70);
        for route in &self.registration.service_route {
            request.push_back(HeaderName::Route, route);
        }
        let tag = self.random.tag();
        request.push_back(HeaderName::From, format_args!("<{public}>;tag={tag}"));
        request.push_back(HeaderName::To, format_args!("<{to}>"));
        request.push_back(HeaderName::CallId, self.random.token(16));
        request.push_back(HeaderName::CSeq, "1 INVITE");
        request.push_back(HeaderName::Contact, self.dialog_contact());
        request.push_back(HeaderName::PPreferredIdentity, format_args!("<{public}>"));
        request.push_back(HeaderName::Supported, "100rel, outbound, gruu");
        request.push_back(HeaderName::Allow, ALLOW);
        request.set_body(Some("application/sdp"), Bytes::from(offer));
        request
    }

    /// RFC 5626 §4.3 — requests in the dialog come over the flow.
    pub(crate) fn dialog_contact(&self) -> String {
        let feature = self.config.feature();
        format!("<{};ob>{feature}", self.contact)
    }

    pub(crate) fn invite_response(
        &mut self,
        now: Instant,
        id: ClientTransactionId,
        call: CallId,
        response: &Message,
        tries: u8,
        request: Message,
    ) {
        let Some(status) = response.status() else {
            return;
        };
        if status.is_provisional() {
            return self.progress(now, call, response, &request);
        }
        if status.is_success() {
            return self.accepted(now, id, call, response, &request);
        }
        if !self.is_invited(call, id) {
            return;
        }
        if matches!(status.as_u16(), 401 | 407) {
            match self
                .authentication
                .challenged(&mut self.config, response, tries)
            {
                Verdict::Retry => return self.invite_again(now, call, request, tries),
                Verdict::TokenRefused => self.event(Event::TokenRefused),
                Verdict::Refused | Verdict::NetworkRefused => {}
            }
        }
        if let Some(words) = alternative_service(response) {
            self.call_event(call, Event::EmergencyRefused { words });
        }
        let reason = response.reason_phrase().unwrap_or(status.reason());
        self.ended(now, call, code(Some(status)), reason);
    }

    fn invite_again(&mut self, now: Instant, call: CallId, mut again: Message, tries: u8) {
        let number = cseq(&again).saturating_add(1);
        again.set(HeaderName::CSeq, format_args!("{number} INVITE"));
        let sent = self.send(now, Purpose::Invite(call), again.clone(), tries + 1);
        let stage = self.calls.find(call).map(|call| &mut call.stage);
        match (sent, stage) {
            (
                Some(id),
                Some(Stage::Inviting {
                    transaction,
                    request,
                    ..
                }),
            ) => {
                *transaction = id;
                *request = again;
            }
            _ => self.ended(now, call, 503, "the connection was lost"),
        }
    }

    /// RFC 3261 §13.2.2.1, RFC 3262 §4.
    fn progress(&mut self, now: Instant, id: CallId, response: &Message, invite: &Message) {
        let Some(call) = self.calls.find(id) else {
            return;
        };
        let Stage::Inviting { rseq, rang, .. } = &mut call.stage else {
            return;
        };
        let mut ringing = false;
        if response.status().is_some_and(|s| s.as_u16() == 180) && !*rang {
            *rang = true;
            ringing = true;
        }
        let mut prack = None;
        if is_reliable(response) {
            let number = response.header(HeaderName::RSeq);
            let number = number.and_then(|value| value.trim().parse::<u32>().ok());
            let fork =
                call.dialog.as_ref().map(Dialog::id) != DialogId::of_response(response).as_ref();
            if fork {
                call.dialog = Dialog::from_response(invite, response);
                *rseq = None;
            }
            let next = number.filter(|number| rseq.is_none_or(|last| *number == last + 1));
            if let (Some(number), Some(dialog)) = (next, &mut call.dialog) {
                *rseq = Some(number);
                let mut request = dialog.request(Method::Prack);
                let cseq = invite.header(HeaderName::CSeq).unwrap_or("1 INVITE");
                request.push_back(HeaderName::RAck, format_args!("{number} {cseq}"));
                prack = Some(request);
            }
        }
        // Early media: the first answer settles the transport, whoever sent it.
        if !response.body().is_empty()
            && !call.has_answer()
            && let Ok(remote) = self.config.read(response.body(), true)
        {
            let _ = call.apply(now, &remote, &mut self.sockets, &mut self.random);
        }
        if let Some(prack) = prack {
            self.send(now, Purpose::Other(id), prack, 0);
        }
        if ringing {
            self.call_event(id, Event::Ringing);
        }
    }

    /// RFC 3261 §13.2.2.4.
    fn accepted(
        &mut self,
        now: Instant,
        id: ClientTransactionId,
        call_id: CallId,
        response: &Message,
        invite: &Message,
    ) {
        let known = self.calls.seen(call_id);
        let known = known.and_then(|call| call.dialog.clone());
        let same =
            known.filter(|dialog| Some(dialog.id()) == DialogId::of_response(response).as_ref());
        let dialog = match same {
            Some(mut dialog) => {
                dialog.handle_response(response);
                Some(dialog)
            }
            None => Dialog::from_response(invite, response),
        };
        let ours = self.is_invited(call_id, id);
        let Some(mut dialog) = dialog else {
            if ours {
                self.ended(now, call_id, 500, "a 2xx that makes no dialog");
            }
            return;
        };
        let ack = dialog.ack(cseq(invite));
        self.send_ack(now, ack.clone());
        if !ours {
            // RFC 3261 §13.2.2.4: another fork, or a call that was given up.
            let bye = dialog.request(Method::Bye);
            self.send(now, Purpose::Last, bye, 0);
            return;
        }
        let Some(call) = self.calls.find(call_id) else {
            return;
        };
        call.dialog = Some(dialog);
        call.acknowledged = Some((id, ack));
        call.stage = Stage::Confirmed;
        if call.given_up {
            return self.bye(now, call_id, 487, "cancelled");
        }
        let applied = if response.body().is_empty() && call.has_answer() {
            Ok(())
        } else {
            self.config
                .read(response.body(), true)
                .map_err(|error| error.to_string())
                .and_then(|remote| call.apply(now, &remote, &mut self.sockets, &mut self.random))
        };
        match applied {
            Ok(()) => {
                self.call_event(call_id, Event::Answered);
                self.change(now, call_id);
            }
            Err(reason) => self.bye(now, call_id, 488, &reason),
        }
    }

    /// RFC 3261 §13.2.2.4 — a 2xx whose transaction went with its WebSocket is acknowledged as any
    /// other; it may be what a change waits for.
    pub(crate) fn stray_response(&mut self, now: Instant, response: &Message) {
        let number = response.header(HeaderName::CSeq);
        let number = number.and_then(|value| value.strip_suffix("INVITE")?.trim().parse().ok());
        let success = response.status().is_some_and(StatusCode::is_success);
        let Some(number) = number.filter(|_| success) else {
            return;
        };
        let dialog = DialogId::of_response(response);
        let id = dialog.and_then(|dialog| self.calls.of_dialog(&dialog));
        let Some(call) = id.and_then(|id| self.calls.find(id)) else {
            return;
        };
        let id = call.id;
        if call.in_doubt.take_if(|doubt| *doubt == number).is_some() {
            return self.changed_as_asked(now, None, id, response);
        }
        let ack = call.dialog.as_ref().map(|dialog| dialog.ack(number));
        if let Some(ack) = ack {
            self.send_ack(now, ack);
        }
    }

    /// A 2xx that came again gets its ACK again; says whether it was one.
    pub(crate) fn acknowledge_again(&mut self, now: Instant, id: ClientTransactionId) -> bool {
        let mut known = self
            .calls
            .iter()
            .filter_map(|call| call.acknowledged.as_ref());
        let ack = known.find(|(known, _)| *known == id);
        let Some(ack) = ack.map(|(_, ack)| ack.clone()) else {
            return false;
        };
        self.send_ack(now, ack);
        true
    }
}

/// The number of an INVITE of ours.
fn cseq(request: &Message) -> u32 {
    let number = request.header(HeaderName::CSeq);
    let number = number.and_then(|value| value.split(' ').next()?.parse().ok());
    number.unwrap_or(1)
}

fn is_reliable(response: &Message) -> bool {
    let mut required = response.values(HeaderName::Require);
    required.any(|value| value.eq_ignore_ascii_case("100rel"))
}
