//! TS 24.371 §7.2.3 — a call that comes.

use std::time::Instant;

use bytes::Bytes;
use core_sip::dialog::{Dialog, DialogId};
use core_sip::{ServerTransactionId, address, reply};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::Event;
use crate::agent::Wic;
use crate::call::{Call, Repeated, Stage};
use crate::outgoing::ALLOW;
use crate::sdp;

impl Wic {
    /// Answers the call that rings.
    pub fn answer(&mut self, now: Instant) {
        self.accept(now);
        self.drain(now);
        self.drain_media();
    }

    /// Refuses the call that rings: 486, 603 or what fits.
    pub fn reject(&mut self, now: Instant, status: StatusCode) {
        self.refuse(now, status);
        self.drain(now);
    }

    pub(crate) fn request(&mut self, now: Instant, id: ServerTransactionId, request: Message) {
        let dialog = DialogId::of_request(&request);
        let ours = self.call.as_ref().and_then(|call| call.dialog.as_ref());
        let in_dialog = ours.is_some_and(|ours| Some(ours.id()) == dialog.as_ref());
        if in_dialog {
            return self.in_dialog(now, id, &request);
        }
        if dialog.is_some() {
            // Of a dialog that is over (RFC 3261 §12.2.2).
            return self.answer_with(
                now,
                id,
                &request,
                StatusCode::new(481).unwrap_or(StatusCode::NOT_FOUND),
            );
        }
        match request.method() {
            Method::Invite => self.invited(now, id, request),
            Method::Options | Method::Message | Method::Notify => {
                self.answer_with(now, id, &request, StatusCode::OK);
            }
            _ => self.answer_with(now, id, &request, StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    pub(crate) fn answer_with(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        request: &Message,
        status: StatusCode,
    ) {
        let tag = self.random.tag();
        let mut response = reply(request, status, &tag);
        response.push_back(HeaderName::Allow, ALLOW);
        self.transactions.respond(now, id, response);
    }

    fn invited(&mut self, now: Instant, id: ServerTransactionId, request: Message) {
        if self.call.is_some() {
            return self.answer_with(now, id, &request, StatusCode::BUSY_HERE);
        }
        let offer = if request.body().is_empty() {
            None
        } else {
            match self.config.read(request.body(), false) {
                Ok(remote) => Some(Box::new(remote)),
                Err(_) => {
                    return self.answer_with(now, id, &request, StatusCode::NOT_ACCEPTABLE_HERE);
                }
            }
        };
        let Ok(mut call) = self.new_call(now) else {
            return self.answer_with(now, id, &request, StatusCode::SERVER_INTERNAL_ERROR);
        };
        let tag = self.random.tag();
        let mut ringing = reply(&request, StatusCode::RINGING, &tag);
        ringing.push_back(HeaderName::Contact, self.dialog_contact());
        // RFC 3262 §3: where it is required, and only there.
        let mut required = request.values(HeaderName::Require);
        let reliable = required.any(|value| value.eq_ignore_ascii_case("100rel"));
        drop(required);
        if reliable {
            ringing.push_back(HeaderName::Require, "100rel");
            let first = 1 + (self.random.u64() & 0xffff);
            ringing.push_back(HeaderName::RSeq, first);
            call.repeated = Some(Repeated::new(now, id, ringing.clone()));
        }
        call.dialog = Dialog::from_request(&request, &ringing);
        let from = request.header(HeaderName::PAssertedIdentity);
        let from = from.or_else(|| request.header(HeaderName::From));
        let from = from
            .and_then(address::uri_of)
            .unwrap_or_default()
            .to_owned();
        self.transactions.respond(now, id, ringing);
        call.stage = Stage::Ringing {
            transaction: id,
            answer_at: self.config.answer_after.map(|after| now + after),
            request,
            tag,
            offer,
        };
        self.call = Some(call);
        self.event(Event::Incoming { from });
    }

    /// RFC 3261 §13.3.1.4.
    pub(crate) fn accept(&mut self, now: Instant) {
        let contact = self.dialog_contact();
        let Some(call) = &mut self.call else { return };
        let Stage::Ringing {
            transaction,
            request,
            tag,
            offer,
            ..
        } = &mut call.stage
        else {
            return;
        };
        let (id, offer) = (*transaction, offer.take());
        let mut response = reply(request, StatusCode::OK, tag);
        let applied = match &offer {
            Some(remote) => call.apply(now, remote),
            None => Ok(()),
        };
        if applied.is_err() {
            return self.refuse(now, StatusCode::NOT_ACCEPTABLE_HERE);
        }
        call.stage = Stage::Accepted { leaving: false };
        let body = describe(call, offer.as_deref());
        response.push_back(HeaderName::Contact, contact);
        response.push_back(HeaderName::Allow, ALLOW);
        response.push_back(HeaderName::Supported, "100rel, outbound, gruu");
        response.set_body(Some("application/sdp"), Bytes::from(body));
        call.answer_in_ack = offer.is_none();
        call.repeated = Some(Repeated::new(now, id, response.clone()));
        if let Some(dialog) = &mut call.dialog {
            dialog.confirm();
        }
        self.transactions.respond(now, id, response);
        self.event(Event::Answered);
    }

    pub(crate) fn refuse(&mut self, now: Instant, status: StatusCode) {
        let Some(Call {
            stage:
                Stage::Ringing {
                    transaction,
                    request,
                    tag,
                    ..
                },
            ..
        }) = &self.call
        else {
            return;
        };
        let response = reply(request, status, tag);
        let id = *transaction;
        self.transactions.respond(now, id, response);
        self.ended(status.as_u16(), status.reason());
    }

    /// RFC 3261 §9.2 — who called has thought better of it.
    pub(crate) fn cancelled(&mut self, now: Instant, id: ServerTransactionId) {
        let ringing = matches!(&self.call, Some(Call { stage: Stage::Ringing { transaction, .. }, .. }) if *transaction == id);
        if ringing {
            self.refuse(now, StatusCode::REQUEST_TERMINATED);
        }
    }

    /// RFC 3261 §13.3.1.4, and RFC 3264 §5 where our offer went in the 2xx.
    pub(crate) fn ack(&mut self, now: Instant, ack: &Message) {
        let Some(call) = &mut self.call else { return };
        let ours = call.dialog.as_ref().map(Dialog::id);
        if ours != DialogId::of_request(ack).as_ref() {
            return;
        }
        call.repeated = None;
        let leaving = matches!(call.stage, Stage::Accepted { leaving: true });
        if matches!(call.stage, Stage::Accepted { .. }) {
            call.stage = Stage::Confirmed;
        }
        if leaving {
            return self.bye(now, 200, "hung up");
        }
        if std::mem::take(&mut call.answer_in_ack) {
            let applied = self
                .config
                .read(ack.body(), true)
                .map_err(|error| error.to_string())
                .and_then(|remote| call.apply(now, &remote));
            if let Err(reason) = applied {
                self.bye(now, 488, &reason);
            }
        }
        self.drain_media();
    }
}

/// Our answer to an offer, or our offer where none came.
pub(crate) fn describe(call: &mut Call, offer: Option<&sdp::Remote>) -> String {
    let wish = call.wish();
    let (audio, video) = (&mut call.media, call.video.as_mut());
    match offer {
        Some(offer) => call.describe.answer(audio, video, offer, wish),
        None => call.describe.offer(audio, video, wish),
    }
}
