//! What happens while a call stands: hold, digits, changes, its end.

use std::time::{Duration, Instant};

use bytes::Bytes;
use core_sip::dialog::DialogState;
use core_sip::{ClientTransactionId, ServerTransactionId, reply};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::Event;
use crate::agent::{Purpose, Wic};
use crate::authentication::Verdict;
use crate::call::{Repeated, Stage, code};
use crate::incoming::describe;

impl Wic {
    /// Ends the call: CANCEL, a refusal or BYE, as its stage wants it.
    pub fn hang_up(&mut self, now: Instant) {
        let Some(call) = &mut self.call else { return };
        match &mut call.stage {
            Stage::Inviting { transaction, .. } => {
                let id = *transaction;
                // A 2xx that crosses the CANCEL is ended with BYE.
                call.changing = true;
                self.transactions.cancel(now, id, None);
            }
            Stage::Ringing { .. } => self.refuse(now, StatusCode::BUSY_HERE),
            // RFC 3261 §15: not before the ACK.
            Stage::Accepted { leaving } => *leaving = true,
            Stage::Confirmed => self.bye(now, 200, "hung up"),
        }
        self.drain(now);
    }

    /// TS 24.610 — holds the call, or goes on with it.
    pub fn hold(&mut self, now: Instant, held: bool) {
        let Some(call) = &mut self.call else { return };
        if call.held == held || !matches!(call.stage, Stage::Confirmed) {
            return;
        }
        call.held = held;
        self.change(now);
        self.drain(now);
    }

    /// Sends digits as telephone events.
    pub fn send_dtmf(&mut self, digits: &str) {
        if let Some(call) = &mut self.call {
            call.media.press(digits);
        }
    }

    /// RFC 3261 §14.1 — a re-INVITE with what we wish now.
    fn change(&mut self, now: Instant) {
        let contact = self.dialog_contact();
        let Some(call) = &mut self.call else { return };
        if call.changing {
            // What is under way is older: once more when it is done.
            call.change_at = Some(now + Duration::from_secs(1));
            return;
        }
        call.change_at = None;
        let body = describe(call, None);
        let Some(dialog) = &mut call.dialog else {
            return;
        };
        let mut request = dialog.request(Method::Invite);
        request.push_back(HeaderName::Contact, contact);
        request.push_back(HeaderName::Supported, "100rel, outbound, gruu");
        request.set_body(Some("application/sdp"), Bytes::from(body));
        call.changing = true;
        if self.send(now, Purpose::Reinvite, request, 0).is_none()
            && let Some(call) = &mut self.call
        {
            call.changing = false;
            call.change_at = Some(now + Duration::from_secs(2));
        }
    }

    pub(crate) fn reinvite_response(
        &mut self,
        now: Instant,
        id: ClientTransactionId,
        response: &Message,
        tries: u8,
    ) {
        let Some(status) = response.status().filter(|status| status.is_final()) else {
            return;
        };
        let Some(call) = &mut self.call else { return };
        call.changing = false;
        match status.as_u16() {
            200..=299 => {
                let Some(dialog) = &mut call.dialog else {
                    return;
                };
                dialog.handle_response(response);
                let number = response.header(HeaderName::CSeq);
                let number = number.and_then(|value| value.split(' ').next()?.parse().ok());
                let ack = dialog.ack(number.unwrap_or_else(|| dialog.local_cseq()));
                call.acknowledged = Some((id, ack.clone()));
                let held = call.held;
                if let Ok(remote) = self.config.read(response.body(), true) {
                    let _ = call.apply(now, &remote);
                }
                self.send_ack(now, ack);
                self.event(Event::Held { held });
            }
            401 | 407 => match self
                .authentication
                .challenged(&mut self.config, response, tries)
            {
                Verdict::Retry => self.change(now),
                Verdict::TokenRefused => self.event(Event::TokenRefused),
                Verdict::Refused | Verdict::NetworkRefused => {
                    self.bye(now, code(Some(status)), status.reason());
                }
            },
            // RFC 3261 §14.1.
            408 | 481 => self.bye(now, code(Some(status)), status.reason()),
            491 => {
                let wait = 2100 + self.random.below(1900);
                if let Some(call) = &mut self.call {
                    call.change_at = Some(now + Duration::from_millis(wait));
                }
            }
            // The call goes on as it was.
            _ => call.held = !call.held,
        }
    }

    /// Says goodbye, and that is the end.
    pub(crate) fn bye(&mut self, now: Instant, status: u16, reason: &str) {
        let dialog = self.call.as_mut().and_then(|call| call.dialog.as_mut());
        if let Some(bye) = dialog.map(|dialog| dialog.request(Method::Bye)) {
            self.send(now, Purpose::Other, bye, 0);
        }
        self.ended(status, reason);
    }

    pub(crate) fn in_dialog(&mut self, now: Instant, id: ServerTransactionId, request: &Message) {
        let Some(call) = &mut self.call else { return };
        let Some(dialog) = &mut call.dialog else {
            return;
        };
        let checked = match request.method() {
            // RFC 3262 §5: PRACK comes with a number of its own.
            Method::Ack | Method::Cancel => Ok(()),
            _ => dialog.handle_request(request),
        };
        if let Err(status) = checked {
            return self.answer_with(now, id, request, status);
        }
        let early = dialog.state() == DialogState::Early;
        match request.method() {
            Method::Bye => {
                self.answer_with(now, id, request, StatusCode::OK);
                if early {
                    // RFC 3261 §15.1.2: the INVITE is answered too.
                    self.refuse(now, StatusCode::REQUEST_TERMINATED);
                }
                self.ended(200, "the other end hung up");
            }
            Method::Prack => {
                if matches!(call.stage, Stage::Ringing { .. }) {
                    call.repeated = None;
                }
                self.answer_with(now, id, request, StatusCode::OK);
            }
            Method::Invite if call.changing || !matches!(call.stage, Stage::Confirmed) => {
                self.answer_with(now, id, request, StatusCode::REQUEST_PENDING);
            }
            Method::Update if call.changing && !request.body().is_empty() => {
                self.answer_with(now, id, request, StatusCode::REQUEST_PENDING);
            }
            Method::Invite | Method::Update => self.changed(now, id, request),
            Method::Info | Method::Options | Method::Notify | Method::Message => {
                self.answer_with(now, id, request, StatusCode::OK);
            }
            _ => self.answer_with(now, id, request, StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    /// RFC 3261 §14.2, RFC 3311 §5.2 — the other end wants the session to be otherwise.
    fn changed(&mut self, now: Instant, id: ServerTransactionId, request: &Message) {
        let contact = self.dialog_contact();
        let Some(call) = &mut self.call else { return };
        let invite = request.method() == Method::Invite;
        let mut response = reply(request, StatusCode::OK, "");
        response.push_back(HeaderName::Contact, contact);
        let mut hold = None;
        if !request.body().is_empty() {
            let Ok(remote) = self.config.read(request.body(), false) else {
                return self.answer_with(now, id, request, StatusCode::NOT_ACCEPTABLE_HERE);
            };
            if call.apply(now, &remote).is_err() {
                return self.answer_with(now, id, request, StatusCode::NOT_ACCEPTABLE_HERE);
            }
            let body = describe(call, Some(&remote));
            response.set_body(Some("application/sdp"), Bytes::from(body));
            let held = !remote.direction.receives();
            if held != call.remote_held {
                call.remote_held = held;
                hold = Some(held);
            }
        } else if invite {
            let body = describe(call, None);
            response.set_body(Some("application/sdp"), Bytes::from(body));
            call.answer_in_ack = true;
        }
        if invite {
            call.repeated = Some(Repeated::new(now, id, response.clone()));
        }
        self.transactions.respond(now, id, response);
        if let Some(held) = hold {
            self.event(Event::RemoteHold { held });
        }
        self.drain_media();
    }

    pub(crate) fn call_timeout(&mut self, now: Instant) {
        let Some(call) = &mut self.call else { return };
        if call.media.poll_timeout().is_some_and(|due| due <= now) {
            call.media.handle_timeout(now);
        }
        if let Some(video) = &mut call.video
            && video.poll_timeout().is_some_and(|due| due <= now)
        {
            video.handle_timeout(now);
        }
        if let Stage::Ringing { answer_at, .. } = &mut call.stage
            && answer_at.is_some_and(|due| due <= now)
        {
            *answer_at = None;
            return self.accept(now);
        }
        if call.change_at.is_some_and(|due| due <= now) {
            return self.change(now);
        }
        let Some(repeated) = call.repeated.as_mut().filter(|r| r.due() <= now) else {
            return;
        };
        if repeated.again(now) {
            let (id, response) = (repeated.transaction, repeated.response.clone());
            self.transactions.respond(now, id, response);
            return;
        }
        // RFC 3261 §13.3.1.4, RFC 3262 §3: nobody acknowledged it.
        call.repeated = None;
        match call.stage {
            Stage::Ringing { .. } => self.refuse(now, StatusCode::SERVER_TIMEOUT),
            _ => self.bye(now, 408, "no ACK came"),
        }
    }
}
