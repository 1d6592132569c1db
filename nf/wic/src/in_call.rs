//! What happens while a call stands: digits, changes by the other end, its end.

use std::time::{Duration, Instant};

use bytes::Bytes;
use core_sip::dialog::DialogState;
use core_sip::{ServerTransactionId, reply};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::agent::{Purpose, Wic};
use crate::call::{Asking, Call, CallId, Repeated, Stage};
use crate::sdp::Ours;
use crate::{Event, NotDone, sdp};

/// How long our owner may think about channels of the other end.
const ASKING: Duration = Duration::from_secs(20);

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
                let asking = call.asking.take();
                self.answer_with(now, id, request, StatusCode::OK);
                if let Some(asking) = asking {
                    let status = StatusCode::REQUEST_TERMINATED;
                    self.answer_with(now, asking.transaction, &asking.request, status);
                }
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
            Method::Invite | Method::Update => self.changed(now, call_id, id, request, false),
            Method::Info | Method::Options | Method::Notify | Method::Message => {
                self.answer_with(now, id, request, StatusCode::OK);
            }
            _ => self.answer_with(now, id, request, StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    /// RFC 3261 §14.2, RFC 3311 §5.2 — the other end wants the session to be otherwise. `decided`: our owner was
    /// asked about its channels.
    fn changed(
        &mut self,
        now: Instant,
        call_id: CallId,
        id: ServerTransactionId,
        request: &Message,
        decided: bool,
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
            let data = remote.as_ref().ok().and_then(|remote| remote.data.as_ref());
            if let Some(data) = data.filter(|_| invite && !decided)
                && call.channels.ask_about(&data.channels)
            {
                call.asking = Some(Box::new(Asking {
                    transaction: id,
                    request: request.clone(),
                    until: now + ASKING,
                }));
                return self.drain_data(now);
            }
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

    /// The owner has said something of each channel of an offer, or will not any more.
    pub(crate) fn answer_asked(&mut self, now: Instant, call_id: CallId) {
        let asking = self.calls.find(call_id).and_then(|call| call.asking.take());
        if let Some(asking) = asking {
            self.changed(now, call_id, asking.transaction, &asking.request, true);
            self.drain(now);
        }
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
        if call.asking.as_ref().is_some_and(|one| one.until <= now) {
            call.channels.refuse_requested();
            return self.answer_asked(now, id);
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
