//! TS 24.371 §7.2.3 — a call that comes.

use std::time::Instant;

use bytes::Bytes;
use core_sip::dialog::{Dialog, DialogId};
use core_sip::{ServerTransactionId, address, reply};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::agent::Wic;
use crate::call::{Call, CallId, Repeated, Stage};
use crate::in_call::describe;
use crate::outgoing::ALLOW;
use crate::several::Next;
use crate::{Event, NotDone};

impl Wic {
    /// Answers the call that rings; one that is talked in is put on hold first.
    pub fn answer(&mut self, now: Instant) -> Result<(), NotDone> {
        let id = self.ringing()?;
        self.answer_call(now, id)
    }

    /// Answers that call.
    pub fn answer_call(&mut self, now: Instant, id: CallId) -> Result<(), NotDone> {
        let call = self.calls.seen(id).ok_or(NotDone::NoCall)?;
        if !matches!(call.stage, Stage::Ringing { .. }) {
            return Err(NotDone::NothingRings);
        }
        self.after_hold(now, Next::Answer(id))?;
        self.drain_media(now);
        Ok(())
    }

    /// Refuses the call that rings: 486, 603 or what fits.
    pub fn reject(&mut self, now: Instant, status: StatusCode) -> Result<(), NotDone> {
        let id = self.ringing()?;
        self.refuse(now, id, status);
        self.drain(now);
        Ok(())
    }

    fn ringing(&self) -> Result<CallId, NotDone> {
        let mut calls = self.calls.iter();
        let call = calls.find(|call| matches!(call.stage, Stage::Ringing { .. }));
        Ok(call.ok_or(NotDone::NothingRings)?.id)
    }

    pub(crate) fn request(&mut self, now: Instant, id: ServerTransactionId, request: Message) {
        let dialog = DialogId::of_request(&request);
        let ours = dialog.as_ref().and_then(|id| self.calls.of_dialog(id));
        if let Some(call) = ours {
            return self.in_dialog(now, call, id, &request);
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
        if self.calls.len() >= self.config.calls {
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
        // A second one waits until it is told.
        let alone = self.calls.len() == 0;
        let answer_after = self.config.answer_after.filter(|_| alone);
        call.stage = Stage::Ringing {
            transaction: id,
            answer_at: answer_after.map(|after| now + after),
            request,
            tag,
            offer,
        };
        let id = call.id;
        self.current.get_or_insert(id);
        self.calls.push(call);
        self.call_event(id, Event::Incoming { from });
    }

    /// RFC 3261 §13.3.1.4.
    pub(crate) fn accept(&mut self, now: Instant, call_id: CallId) {
        let contact = self.dialog_contact();
        let Some(call) = self.calls.find(call_id) else {
            return;
        };
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
        let applied = if let Some(remote) = &offer {
            call.apply(now, remote, &mut self.sockets, &mut self.random)
        } else {
            let begun = call.begin_video(now, &mut self.sockets, &mut self.random);
            if begun.is_ok() && call.channels.has_any() {
                // Without a socket for them it is an offer without.
                let _ = call.begin_data(&mut self.sockets, &mut self.random);
            }
            begun
        };
        if applied.is_err() {
            return self.refuse(now, call_id, StatusCode::NOT_ACCEPTABLE_HERE);
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
        self.call_event(call_id, Event::Answered);
    }

    pub(crate) fn refuse(&mut self, now: Instant, call_id: CallId, status: StatusCode) {
        let Some(Call {
            stage:
                Stage::Ringing {
                    transaction,
                    request,
                    tag,
                    ..
                },
            ..
        }) = self.calls.seen(call_id)
        else {
            return;
        };
        let response = reply(request, status, tag);
        let id = *transaction;
        self.transactions.respond(now, id, response);
        self.ended(now, call_id, status.as_u16(), status.reason());
    }

    /// RFC 3261 §9.2 — who called has thought better of it.
    pub(crate) fn cancelled(&mut self, now: Instant, id: ServerTransactionId) {
        let mut calls = self.calls.iter();
        let ringing = calls.find(
            |call| matches!(&call.stage, Stage::Ringing { transaction, .. } if *transaction == id),
        );
        if let Some(call) = ringing.map(|call| call.id) {
            self.refuse(now, call, StatusCode::REQUEST_TERMINATED);
        }
    }

    /// RFC 3261 §13.3.1.4, and RFC 3264 §5 where our offer went in the 2xx.
    pub(crate) fn ack(&mut self, now: Instant, ack: &Message) {
        let dialog = DialogId::of_request(ack);
        let Some(id) = dialog.and_then(|dialog| self.calls.of_dialog(&dialog)) else {
            return;
        };
        let Some(call) = self.calls.find(id) else {
            return;
        };
        call.repeated = None;
        let leaving = matches!(call.stage, Stage::Accepted { leaving: true });
        if matches!(call.stage, Stage::Accepted { .. }) {
            call.stage = Stage::Confirmed;
        }
        if leaving {
            return self.bye(now, id, 200, "hung up");
        }
        if std::mem::take(&mut call.answer_in_ack) {
            let had_video = call.has_video();
            let remote = self.config.read(ack.body(), true);
            let applied = remote
                .map_err(|error| error.to_string())
                .and_then(|remote| {
                    call.apply(now, &remote, &mut self.sockets, &mut self.random)?;
                    Ok(remote.holds())
                });
            let held = match applied {
                Ok(held) => held,
                Err(reason) => return self.bye(now, id, 488, &reason),
            };
            let video = call.has_video();
            let mut events = Vec::new();
            if held != call.remote_held {
                call.remote_held = held;
                events.push(Event::RemoteHold { held });
            }
            if had_video && !video {
                events.push(Event::RemoteVideo { video });
            }
            for event in events {
                self.call_event(id, event);
            }
        }
        self.change(now, id);
        self.drain_media(now);
    }
}
