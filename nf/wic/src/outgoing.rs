//! TS 24.371 §7.2.2 — a call that we begin.

use std::time::Instant;

use bytes::Bytes;
use core_sip::ClientTransactionId;
use core_sip::dialog::{Dialog, DialogId};
use wire_sip::{HeaderName, Message, Method};

use crate::agent::{Purpose, Wic};
use crate::authentication::Verdict;
use crate::call::{Call, Stage, code};
use crate::incoming::describe;
use crate::media::{MediaSession, VideoSession};
use crate::sdp::Describe;
use crate::{Ended, Event};

/// What we take.
pub(crate) const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, NOTIFY, MESSAGE";

impl Wic {
    /// Calls somebody. One call at a time: with another one, or without a registration, it is ended
    /// at once.
    pub fn call(&mut self, now: Instant, to: &str) {
        let refused = |reason: &str| {
            Event::Ended(Ended {
                status: 0,
                reason: reason.to_owned(),
                media: None,
                video: None,
            })
        };
        if self.call.is_some() {
            self.event(refused("there is a call already"));
            return;
        }
        let mut call = match self.new_call(now) {
            Ok(call) => call,
            Err(reason) => {
                self.event(refused(&reason));
                return;
            }
        };
        let offer = describe(&mut call, None);
        let request = self.invite(to, offer);
        let Some(transaction) = self.send(now, Purpose::Invite, request.clone(), 0) else {
            self.event(refused("there is no connection"));
            return;
        };
        call.stage = Stage::Inviting {
            transaction,
            request,
            rseq: None,
            rang: false,
        };
        self.call = Some(call);
        self.event(Event::Calling { to: to.to_owned() });
        self.drain(now);
        self.drain_media();
    }

    pub(crate) fn new_call(&mut self, now: Instant) -> Result<Call, String> {
        let media = MediaSession::new(
            now,
            self.config.media,
            (self.random.u64() as u32, self.random.u64() as u32),
            self.config.source.clone(),
            self.config.keep_samples,
        )?;
        let chance = (self.random.u64() as u32, self.random.u64() as u32);
        let video = match &self.config.video {
            Some(video) => Some(VideoSession::new(now, video, chance)?),
            None => None,
        };
        Ok(Call {
            stage: Stage::Confirmed,
            media,
            video,
            // RFC 8866 §5.2: a number that fits in 63 bits.
            describe: Describe::new(self.random.u64() >> 2, &self.config.codecs),
            dialog: None,
            held: false,
            remote_held: false,
            repeated: None,
            acknowledged: None,
            changing: false,
            change_at: None,
            answer_in_ack: false,
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
        format!("<{};ob>", self.contact)
    }

    pub(crate) fn invite_response(
        &mut self,
        now: Instant,
        id: ClientTransactionId,
        response: &Message,
        tries: u8,
        request: Message,
    ) {
        let Some(status) = response.status() else {
            return;
        };
        if status.is_provisional() {
            return self.progress(now, response, &request);
        }
        if status.is_success() {
            return self.accepted(now, id, response, &request);
        }
        let ours = matches!(&self.call, Some(Call { stage: Stage::Inviting { transaction, .. }, .. }) if *transaction == id);
        if !ours {
            return;
        }
        if matches!(status.as_u16(), 401 | 407) {
            match self
                .authentication
                .challenged(&mut self.config, response, tries)
            {
                Verdict::Retry => return self.invite_again(now, request, tries),
                Verdict::TokenRefused => self.event(Event::TokenRefused),
                Verdict::Refused | Verdict::NetworkRefused => {}
            }
        }
        let reason = response.reason_phrase().unwrap_or(status.reason());
        self.ended(code(Some(status)), reason);
    }

    fn invite_again(&mut self, now: Instant, mut again: Message, tries: u8) {
        let number = again.header(HeaderName::CSeq);
        let number = number.and_then(|value| value.split(' ').next()?.parse::<u32>().ok());
        let number = number.unwrap_or(1) + 1;
        again.set(HeaderName::CSeq, format_args!("{number} INVITE"));
        let sent = self.send(now, Purpose::Invite, again.clone(), tries + 1);
        match (sent, &mut self.call) {
            (Some(id), Some(call)) => {
                if let Stage::Inviting {
                    transaction,
                    request,
                    ..
                } = &mut call.stage
                {
                    *transaction = id;
                    *request = again;
                }
            }
            _ => self.ended(503, "the connection was lost"),
        }
    }

    /// RFC 3261 §13.2.2.1, RFC 3262 §4.
    fn progress(&mut self, now: Instant, response: &Message, invite: &Message) {
        let Some(call) = &mut self.call else { return };
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
            && !call.media.is_started()
            && let Ok(remote) = self.config.read(response.body(), true)
        {
            let _ = call.apply(now, &remote);
        }
        if let Some(prack) = prack {
            self.send(now, Purpose::Other, prack, 0);
        }
        if ringing {
            self.event(Event::Ringing);
        }
    }

    /// RFC 3261 §13.2.2.4.
    fn accepted(
        &mut self,
        now: Instant,
        id: ClientTransactionId,
        response: &Message,
        invite: &Message,
    ) {
        let known = self.call.as_ref().and_then(|call| call.dialog.clone());
        let same =
            known.filter(|dialog| Some(dialog.id()) == DialogId::of_response(response).as_ref());
        let dialog = match same {
            Some(mut dialog) => {
                dialog.handle_response(response);
                Some(dialog)
            }
            None => Dialog::from_response(invite, response),
        };
        let Some(mut dialog) = dialog else {
            return self.ended(500, "a 2xx that makes no dialog");
        };
        let number = invite.header(HeaderName::CSeq);
        let number = number.and_then(|value| value.split(' ').next()?.parse().ok());
        let ack = dialog.ack(number.unwrap_or(1));
        self.send_ack(now, ack.clone());
        let ours = matches!(&self.call, Some(Call { stage: Stage::Inviting { transaction, .. }, .. }) if *transaction == id);
        if !ours {
            // RFC 3261 §13.2.2.4: another fork, or a call that was given up.
            let bye = dialog.request(Method::Bye);
            self.send(now, Purpose::Other, bye, 0);
            return;
        }
        let Some(call) = &mut self.call else { return };
        call.dialog = Some(dialog);
        call.acknowledged = Some((id, ack));
        let cancelled = matches!(call.stage, Stage::Inviting { .. }) && call.changing;
        call.stage = Stage::Confirmed;
        call.changing = false;
        if cancelled {
            return self.bye(now, 487, "cancelled");
        }
        let applied = if response.body().is_empty() && call.media.is_started() {
            Ok(())
        } else {
            self.config
                .read(response.body(), true)
                .map_err(|error| error.to_string())
                .and_then(|remote| call.apply(now, &remote))
        };
        match applied {
            Ok(()) => self.event(Event::Answered),
            Err(reason) => self.bye(now, 488, &reason),
        }
    }

    /// A 2xx that came again gets its ACK again; says whether it was one.
    pub(crate) fn acknowledge_again(&mut self, now: Instant, id: ClientTransactionId) -> bool {
        let known = self
            .call
            .as_ref()
            .and_then(|call| call.acknowledged.as_ref());
        let ack = known.filter(|(known, _)| *known == id);
        let Some(ack) = ack.map(|(_, ack)| ack.clone()) else {
            return false;
        };
        self.send_ack(now, ack);
        true
    }
}

fn is_reliable(response: &Message) -> bool {
    let mut required = response.values(HeaderName::Require);
    required.any(|value| value.eq_ignore_ascii_case("100rel"))
}
