//! Messages of a session on their way, with their SDP as the other side is to see it.

use std::time::Instant;

use core_sip::proxy::LoopHash;
use core_sip::{ServerTransactionId, Target};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::retry::require_nothing;
use super::{Attempt, Exchange, Inviting, Item, Plan, Stage, State, cseq, description, reliable};
use crate::EpCscf;
use crate::ims_alg::Leg;
use crate::response::cross;

impl EpCscf {
    pub(super) fn dispatch(&mut self, now: Instant, id: u64, item: Item) {
        match item {
            Item::Request {
                server,
                message,
                from,
                hash,
            } => self.dispatch_request(now, id, server, message, from, hash),
            Item::Response {
                server,
                message,
                from,
                offered: _,
            } => self.dispatch_response(now, id, server, message, from),
            Item::Ack { message, from } => self.dispatch_ack(now, id, message, from),
            Item::Own { message, to, plan } => self.dispatch_own(now, id, message, to, plan),
            Item::OwnResponse {
                client,
                message,
                plan,
                ..
            } => self.own_settled(now, id, client, plan, &message),
        }
    }

    fn dispatch_request(
        &mut self,
        now: Instant,
        id: u64,
        server: ServerTransactionId,
        mut message: Message,
        from: Leg,
        hash: LoopHash,
    ) {
        // It was cancelled while the gateway was asked.
        if !self.forwards.contains_key(&server) {
            self.take_back(id, server);
            return;
        }
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let usual = self.config.session_expires;
        session.time_request(&mut message, usual, self.config.min_session_expires);
        session.note_request(from, &mut message);
        if session.invite == Some(server) {
            session.attempt = Attempt::of(&message, from, hash);
        } else if session.unreliable && from == Leg::Core {
            require_nothing(&mut message);
        }
        let binding = session.binding;
        // A BYE in an early dialog ends one fork; the INVITE is still answered.
        let ends = message.method() == Method::Bye && session.state == State::Confirmed;
        match from {
            Leg::Wic => self.forward_to_core(now, server, message, hash),
            Leg::Core => self.forward_to_wic(now, server, message, hash, binding),
        }
        if ends {
            self.sessions.note_released(now, id);
            self.end_session(now, id);
        }
    }

    /// What a response to the first INVITE says of the dialog that it is in; `false` for one that goes no further.
    pub(super) fn is_new_response(
        &mut self,
        id: u64,
        server: ServerTransactionId,
        response: &mut Message,
        from: Leg,
    ) -> bool {
        let status = response.status();
        let begins = response.method() == Method::Invite
            && status.is_some_and(|s| !s.is_failure() && s != StatusCode::TRYING);
        if !begins {
            return true;
        }
        let hosts = self.config.hosts();
        let Some(session) = self.sessions.get_mut(id) else {
            return false;
        };
        if session.invite == Some(server) {
            let is_own = |value: &str| hosts.iter().any(|host| value.contains(host));
            if !session.note_response(from, response, is_own) {
                return false;
            }
        }
        // RFC 3262 §4: a response that came again was passed on, and its PRACK is on its way.
        let (Some(rseq), Some(dialog)) = (reliable(response), session.dialog_of(from, response))
        else {
            return true;
        };
        let Some(number) = dialog.note_reliable(server, cseq(response), rseq) else {
            return false;
        };
        if number != rseq {
            response.set(HeaderName::RSeq, number);
        }
        true
    }

    pub(super) fn dispatch_response(
        &mut self,
        now: Instant,
        id: u64,
        server: ServerTransactionId,
        mut message: Message,
        from: Leg,
    ) {
        let status = message
            .status()
            .unwrap_or(StatusCode::SERVER_INTERNAL_ERROR);
        let method = message.method();
        let invite = method == Method::Invite;
        let refreshes = invite || method == Method::Update;
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let initial = session.invite == Some(server);
        let called = session.called.clone();
        session.attempt = None;
        if let Some(forward) = self.forwards.get(&server) {
            let asked = forward.context.request();
            let usual = self.config.session_expires;
            session.time_response(now, from, asked, &mut message, usual);
        }
        if status.is_success() && initial {
            let tag = session.callee_tag(from, &message).unwrap_or_default();
            session.dialogs.confirm(tag);
            session.negotiated = None;
            session.state = State::Confirmed;
            session.invite = None;
            self.counters.answered += 1;
        }
        // RFC 6141 §4: both targets are refreshed when the request has been taken, be it reliably for a start; one
        // that is refused has moved nobody.
        let taken = status.is_success() || reliable(&message).is_some();
        if taken
            && refreshes
            && !initial
            && let Some(dialog) = session.dialog_of(from, &message)
        {
            dialog.party_mut(from).refresh(&message);
            if let Some(forward) = self.forwards.get(&server) {
                let asked = forward.context.request();
                dialog.party_mut(from.other()).refresh(asked);
            }
        }
        if status.is_final() && session.inviting == Some(Inviting::Passed(from.other(), server)) {
            session.inviting = None;
        }
        cross(&mut message, from, called.as_deref());
        if from == Leg::Wic {
            self.charge_answer(server, &mut message);
            // What could be is said in the WIC's terms, its addresses among them: not for the core.
            if status.is_failure() && description::find(&message).is_some() {
                message.remove_body();
            }
        }
        let unknown = self.takes_no_reliable(server, from, &message);
        if let Some(rseq) = reliable(&message).filter(|_| unknown) {
            self.prack(now, id, from, &message, rseq);
            message.remove(HeaderName::RSeq);
            message.retain_values(HeaderName::Require, |tag| {
                !tag.eq_ignore_ascii_case("100rel")
            });
        }
        if invite && let Some(session) = self.sessions.get_mut(id) {
            let plain = unknown || (from == Leg::Wic && !message.has(HeaderName::RSeq));
            if plain {
                session.keep_preview(server, &mut message);
            } else if status.is_provisional() && description::find(&message).is_some() {
                session.note_settled(server, from, &message);
            }
            if status.is_final() {
                session.forget_promise(server);
            }
        }
        if invite
            && status.is_success()
            && let Some(forward) = self.forwards.get_mut(&server)
        {
            forward.answered = Some(Box::new(message.clone()));
        }
        if status.is_provisional() && invite && from == Leg::Wic {
            if let Some(message) = self.promise(now, id, server, message) {
                self.transactions.respond(now, server, message);
            }
            return;
        }
        let number = cseq(&message);
        self.transactions.respond(now, server, message);
        if status.is_success() && invite {
            self.await_ack(now, id, from.other(), number);
        }
        if status.is_success() && refreshes {
            self.watch_session(id);
        }
        if status.is_success()
            && !invite
            && let Some(session) = self.sessions.get_mut(id)
            && session.state == State::Confirmed
        {
            session.negotiation.rest();
        }
        if !status.is_failure() {
            return;
        }
        if initial {
            self.end_session(now, id);
        } else {
            self.roll_back(id, server);
        }
    }

    /// An INVITE was cancelled before it went anywhere: with the first one the call is over, without another it goes on.
    pub(crate) fn withdrawn(&mut self, now: Instant, id: u64, server: ServerTransactionId) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if session.first == server {
            self.end_session(now, id);
            return;
        }
        let is_it = |item: &Item| matches!(item, Item::Request { server: of, .. } if *of == server);
        let before = session.queue.len();
        session.queue.retain(|item| !is_it(item));
        let queued = session.queue.len() < before;
        let waits = session.waiting.as_ref().is_some_and(|w| is_it(&w.item));
        // What waits for the gateway is taken back when that has answered, what waits for an address now.
        if !queued && !waits {
            self.take_back(id, server);
        }
    }

    /// A change that did not go out.
    fn take_back(&mut self, id: u64, server: ServerTransactionId) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if matches!(session.inviting, Some(Inviting::Passed(_, of)) if of == server) {
            session.inviting = None;
        }
        session.unsent = Some(server);
        self.roll_back(id, server);
    }

    /// A request that carried an offer, or whose response did, has failed: the call is as it was.
    pub(super) fn roll_back(&mut self, id: u64, server: ServerTransactionId) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let of_it = match session.exchange {
            Some(Exchange::Request(of) | Exchange::Response { server: of, .. }) => of == server,
            _ => false,
        };
        if of_it {
            session.exchange = session.previous.take();
            if session.unsent == Some(server) {
                session.negotiation.unsent();
            }
            for command in session.negotiation.rollback() {
                self.tell_gateway(command);
            }
        } else if session.previous == Some(Exchange::Request(server)) {
            // RFC 6141 §3.4: what came after it is still open, and would fall back to what was before both.
            session.previous = None;
            session.negotiation.failed_below();
        }
    }

    pub(super) fn dispatch_ack(&mut self, now: Instant, id: u64, mut message: Message, from: Leg) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let binding = session.binding;
        let Some(dialog) = session.dialog_of(from, &message) else {
            return;
        };
        let (number, confirmed) = (cseq(&message), dialog.stage == Stage::Confirmed);
        let heard = move |of: &mut (u32, ServerTransactionId)| from == Leg::Wic && of.0 == number;
        // RFC 3261 §17.1.1.3: an ACK has the number of its INVITE.
        let Some(sent) = dialog.numbering(from).of_invite(number) else {
            return;
        };
        if sent != number {
            message.set(HeaderName::CSeq, format_args!("{sent} ACK"));
        }
        session.acknowledged_by(from, number);
        if let Some((_, invite)) = session.unheard.take_if(heard) {
            self.transactions.acknowledged(invite);
        }
        let diverged = confirmed && session.negotiation.diverged();
        // Its answer was made for the first; the same one says the same.
        match &session.late_ack {
            Some(last) if (last.0, last.1) == (from, number) && message.body().is_empty() => {
                message.set_body(Some("application/sdp"), last.2.clone());
            }
            _ if !message.body().is_empty() => {
                session.late_ack = Some(Box::new((from, number, message.body_bytes())));
            }
            _ => {}
        }
        match from {
            Leg::Wic => self.ack_to_core(now, message),
            Leg::Core => {
                let _ = core_sip::proxy::forward(&mut message);
                if let Some(target) = self.flow_target(binding) {
                    self.transactions.send(now, target, message);
                }
            }
        }
        if let Some(session) = self.sessions.get_mut(id).filter(|_| confirmed) {
            session.negotiation.rest();
            session.queue.shrink_to_fit();
        }
        // The WIC was given the answer of another fork than the one that is confirmed.
        if diverged {
            self.plan(now, id, Plan::Reoffer(Leg::Wic));
        }
    }

    pub(crate) fn flow_target(&self, binding: u64) -> Option<Target> {
        let id = self.bindings.get(binding)?.flow?;
        Some(Target::Connection {
            id,
            transport: self.flows.get(&id)?.transport(),
        })
    }
}
