//! SDP that cannot be served, and the end of a session: nobody is left without an answer.

use std::time::Instant;

use bytes::Bytes;
use core_sip::{ServerTransactionId, reply, retry_after};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::{Inviting, Item, Plan, description};
use crate::EpCscf;
use crate::ims_alg::{Leg, Refused};
use crate::response::cross;

impl EpCscf {
    /// Whoever sent the SDP is told, and the call is as it was before.
    pub(super) fn refuse_sdp(&mut self, now: Instant, id: u64, item: Item, refused: &Refused) {
        tracing::info!(session = id, %refused, "SDP is not served");
        match item {
            Item::Request {
                server, message, ..
            } => self.refuse_offer(now, id, server, &message, refused),
            Item::Response {
                server,
                mut message,
                from,
                offered,
            } => {
                if message.status().is_some_and(StatusCode::is_provisional) {
                    // It may still come right in the final response.
                    if super::reliable(&message).is_some()
                        && let Some(session) = self.sessions.get_mut(id)
                        && let Some(dialog) = session.dialog_of(from, &message)
                    {
                        dialog.unserved = Some(server);
                    }
                    message.remove_body();
                    self.dispatch_response(now, id, server, message, from);
                } else {
                    self.refuse_answer(now, id, server, &message, from, offered, refused);
                }
            }
            Item::Ack { mut message, from } => {
                // RFC 3261 §13.2.2.4: a late offer must be answered in the ACK, and ends in BYE.
                message.set_body(None, Bytes::new());
                self.dispatch_ack(now, id, message, from);
                self.release(now, id, "the answer cannot be served");
            }
            Item::Own { plan, .. } => self.own_impossible(now, id, plan),
            Item::OwnResponse {
                client,
                mut message,
                plan,
                ..
            } => {
                message.set_status(StatusCode::NOT_ACCEPTABLE_HERE, None);
                self.own_settled(now, id, client, plan, &message);
            }
        }
    }

    /// RFC 4028 §8.1.
    pub(super) fn refuse_interval(
        &mut self,
        now: Instant,
        id: u64,
        server: ServerTransactionId,
        item: &Item,
    ) {
        let status = StatusCode::SESSION_INTERVAL_TOO_SMALL;
        let mut response = reply(item.message(), status, &self.random.tag());
        let least = self.config.min_session_expires.as_secs();
        response.push_back(HeaderName::MinSe, least);
        self.transactions.respond(now, server, response);
        self.forget_forward(server);
        if self.sessions.get(id).and_then(|session| session.invite) == Some(server) {
            self.end_session(now, id);
        }
    }

    fn refuse_offer(
        &mut self,
        now: Instant,
        id: u64,
        server: ServerTransactionId,
        request: &Message,
        refused: &Refused,
    ) {
        let response = self.refusal(request, refused);
        self.transactions.respond(now, server, response);
        self.forget_forward(server);
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if matches!(session.inviting, Some(Inviting::Passed(_, of)) if of == server) {
            session.inviting = None;
        }
        if session.invite == Some(server) {
            self.end_session(now, id);
        } else {
            self.roll_back(id, server);
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "all that a response in a queue has"
    )]
    fn refuse_answer(
        &mut self,
        now: Instant,
        id: u64,
        server: ServerTransactionId,
        message: &Message,
        from: Leg,
        offered: bool,
        refused: &Refused,
    ) {
        let Some(forward) = self.forwards.get_mut(&server) else {
            return;
        };
        forward.over = true;
        forward
            .hung_up
            .push(message.to_tag().unwrap_or_default().into());
        let request = forward.context.request().clone();
        let response = self.refusal(&request, refused);
        self.transactions.respond(now, server, response);
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if matches!(session.inviting, Some(Inviting::Passed(_, of)) if of == server) {
            session.inviting = None;
        }
        let initial = session.invite == Some(server);
        if initial {
            session.invite = None;
            let tag = session.callee_tag(from, message).unwrap_or_default();
            session.dialogs.confirm(tag);
        }
        // RFC 3261 §13.2.2.4: an offer in the 200 is answered, with every m-line at port 0.
        let offer = description::find(message).filter(|_| !offered);
        if message.method() == Method::Invite {
            self.acknowledge(now, id, message, from, offer.as_deref());
        }
        if initial {
            // Whoever answered believes in a call: it gets its BYE.
            self.bye(now, id, from, "the answer cannot be served");
            self.end_session(now, id);
        } else if offer.is_some() {
            self.release(now, id, "the answer cannot be served");
        } else {
            // Whoever answered believes in the change: it is offered what was before.
            self.roll_back(id, server);
            self.plan(now, id, Plan::Reoffer(from));
        }
    }

    fn refusal(&mut self, request: &Message, refused: &Refused) -> Message {
        let status = StatusCode::new(refused.status()).unwrap_or(StatusCode::NOT_ACCEPTABLE_HERE);
        let tag = self.random.tag();
        let mut response = match refused.retry_after() {
            Some(seconds) => retry_after(request, status, &tag, seconds),
            None => reply(request, status, &tag),
        };
        if let Some(warning) = refused.warning() {
            let host = self.config.home_domain.as_str();
            let text = wire_sip::scan::quote(&warning.text);
            response.push_back(
                HeaderName::Warning,
                format_args!("{} {host} {text}", warning.code),
            );
        }
        response
    }

    /// What still waited when its session ended: nobody is left without an answer.
    fn give_up(&mut self, now: Instant, item: Item) {
        match item {
            Item::Request { server, .. } => {
                self.refuse_forward(now, server, StatusCode::CALL_DOES_NOT_EXIST);
            }
            Item::Response {
                server,
                mut message,
                from,
                ..
            } => {
                cross(&mut message, from, None);
                message.remove_body();
                self.transactions.respond(now, server, message);
            }
            Item::Ack { .. } | Item::Own { .. } | Item::OwnResponse { .. } => {}
        }
    }

    /// A session that is over: the gateway gets its Context back, later messages pass as they are.
    pub(crate) fn end_session(&mut self, now: Instant, id: u64) {
        let Some(mut session) = self.sessions.remove(id) else {
            return;
        };
        let waiting = session.waiting.take().map(|waiting| *waiting.item);
        for item in waiting.into_iter().chain(session.queue.drain(..)) {
            self.give_up(now, item);
        }
        self.forget_own(now, &session);
        if let Some(forward) = self.forwards.get_mut(&session.first) {
            forward.numbers = session.dialogs.next_numbers(session.initiator);
        }
        if let Some(binding) = self.bindings.get_mut(session.binding) {
            binding.sessions.remove(&id);
        }
        if let Some(release) = session.negotiation.release() {
            self.tell_gateway(release);
        }
    }
}
