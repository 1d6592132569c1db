//! What happens while a call stands: digits, changes by the other end, its end.

use std::time::Instant;

use bytes::Bytes;
use core_sip::dialog::DialogState;
use core_sip::{ServerTransactionId, reply};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::agent::{Purpose, Wic};
use crate::call::{Call, CallId, Repeated, Stage};
use crate::sdp::Ours;
use crate::{Event, NotDone, sdp};

impl Wic {
    /// Ends the current call.
    pub fn hang_up(&mut self, now: Instant) -> Result<(), NotDone> {
        let id = self.current.ok_or(NotDone::NoCall)?;
        self.hang_up_call(now, id)
    }

    /// Ends a call: CANCEL, a refusal or BYE, as its stage wants it.
    pub fn hang_up_call(&mut self, now: Instant, id: CallId) -> Result<(), NotDone> {
        let call = self.calls.find(id).ok_or(NotDone::NoCall)?;
        match &mut call.stage {
            Stage::Waiting { .. } => self.ended(now, id, 487, "given up"),
            Stage::Inviting { transaction, .. } => {
                let transaction = *transaction;
                // A 2xx that crosses the CANCEL is ended with BYE.
                call.given_up = true;
                self.transactions.cancel(now, transaction, None);
            }
            Stage::Ringing { .. } => self.refuse(now, id, StatusCode::BUSY_HERE),
            // RFC 3261 §15: not before the ACK.
            Stage::Accepted { leaving } => *leaving = true,
            Stage::Confirmed => self.bye(now, id, 200, "hung up"),
        }
        self.drain(now);
        Ok(())
    }

    /// Sends digits as telephone events in the current call.
    pub fn send_dtmf(&mut self, digits: &str) -> Result<(), NotDone> {
        let call = self.current.and_then(|id| self.calls.find(id));
        call.ok_or(NotDone::NoCall)?.media.press(digits);
        Ok(())
    }

    /// Says goodbye, and that is the end.
    pub(crate) fn bye(&mut self, now: Instant, id: CallId, status: u16, reason: &str) {
        let call = self.calls.find(id);
        let dialog = call.and_then(|call| call.dialog.as_mut());
        if let Some(bye) = dialog.map(|dialog| dialog.request(Method::Bye)) {
            self.send(now, Purpose::Last, bye, 0);
        }
        self.ended(now, id, status, reason);
    }

    pub(crate) fn in_dialog(
        &mut self,
        now: Instant,
        call_id: CallId,
        id: ServerTransactionId,
        request: &Message,
    ) {
        let Some(call) = self.calls.find(call_id) else {
            return;
        };
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
                    self.refuse(now, call_id, StatusCode::REQUEST_TERMINATED);
                }
                self.ended(now, call_id, 200, "the other end hung up");
            }
            Method::Prack => {
                if matches!(call.stage, Stage::Ringing { .. }) {
                    call.repeated = None;
                }
                self.answer_with(now, id, request, StatusCode::OK);
            }
            Method::Invite if !call.is_at_rest() => {
                self.answer_with(now, id, request, StatusCode::REQUEST_PENDING);
            }
            Method::Update if !call.is_at_rest() && !request.body().is_empty() => {
                self.answer_with(now, id, request, StatusCode::REQUEST_PENDING);
            }
            Method::Invite | Method::Update => self.changed(now, call_id, id, request),
            Method::Info | Method::Options | Method::Notify | Method::Message => {
                self.answer_with(now, id, request, StatusCode::OK);
            }
            _ => self.answer_with(now, id, request, StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    /// RFC 3261 §14.2, RFC 3311 §5.2 — the other end wants the session to be otherwise.
    fn changed(
        &mut self,
        now: Instant,
        call_id: CallId,
        id: ServerTransactionId,
        request: &Message,
    ) {
        let contact = self.dialog_contact();
        let Some(call) = self.calls.find(call_id) else {
            return;
        };
        let invite = request.method() == Method::Invite;
        let mut response = reply(request, StatusCode::OK, "");
        response.push_back(HeaderName::Contact, contact);
        let mut events = Vec::new();
        if !request.body().is_empty() {
            let had_video = call.has_video();
            let remote = self.config.read(request.body(), false);
            let remote = remote.ok().filter(|remote| {
                let applied = call.apply(now, remote, &mut self.sockets, &mut self.random);
                applied.is_ok()
            });
            let Some(remote) = remote else {
                return self.answer_with(now, id, request, StatusCode::NOT_ACCEPTABLE_HERE);
            };
            let body = describe(call, Some(&remote));
            response.set_body(Some("application/sdp"), Bytes::from(body));
            let held = remote.holds();
            if held != call.remote_held {
                call.remote_held = held;
                events.push(Event::RemoteHold { held });
            }
            let video = call.has_video();
            if video != had_video {
                events.push(Event::RemoteVideo { video });
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
        for event in events {
            self.call_event(call_id, event);
        }
        self.drain_media(now);
    }

    pub(crate) fn call_timeout(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.calls.find(id) else {
            return;
        };
        if call.media.poll_timeout().is_some_and(|due| due <= now) {
            call.media.handle_timeout(now);
        }
        if let Some(video) = &mut call.video
            && video.poll_timeout().is_some_and(|due| due <= now)
        {
            video.handle_timeout(now);
        }
        if let Some(data) = &mut call.data
            && data.poll_timeout().is_some_and(|due| due <= now)
        {
            data.handle_timeout(now);
        }
        if let Stage::Ringing { answer_at, .. } = &mut call.stage
            && answer_at.is_some_and(|due| due <= now)
        {
            *answer_at = None;
            // With something else under way it rings on.
            let _ = self.answer_call(now, id);
            return;
        }
        if call.change_at.is_some_and(|due| due <= now) {
            call.change_at = None;
            return self.change(now, id);
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
            Stage::Ringing { .. } => self.refuse(now, id, StatusCode::SERVER_TIMEOUT),
            _ => self.bye(now, id, 408, "no ACK came"),
        }
    }
}

/// Our answer to an offer, or our offer where none came.
pub(crate) fn describe(call: &mut Call, offer: Option<&sdp::Remote>) -> String {
    let wish = call.wish();
    let wanted = call.wants_video.is_some();
    let channels = match offer {
        Some(_) => call.channels.described(),
        None if call.data.is_some() => call.channels.offer(),
        None => Vec::new(),
    };
    let ours = Ours {
        audio: &mut call.media,
        video: call.video.as_mut().filter(|_| wanted),
        data: call.data.as_mut().map(|data| (data, channels)),
    };
    match offer {
        Some(offer) => call.describe.answer(ours, offer, wish),
        None => call.describe.offer(ours, wish),
    }
}
