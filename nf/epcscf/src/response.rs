//! The way back: responses, time-outs and cancellations of what was forwarded.

use std::time::Instant;

use core_sip::proxy::Action;
use core_sip::{ClientTransactionId, ServerTransactionId, TimerSet, reply};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::forward::Purpose;
use crate::ims_alg::Leg;
use crate::session::Item;
use crate::timer::Timer;
use crate::{EpCscf, charging, identity, trust};

impl EpCscf {
    pub(crate) fn response(&mut self, now: Instant, id: ClientTransactionId, message: Message) {
        if self.watch_answered(now, id, Some(&message)) {
            return;
        }
        if self.own.contains_key(&id) {
            self.own_answered(now, id, Some(message));
            return;
        }
        let Some(server) = self.by_branch.get(&id).copied() else {
            return;
        };
        let Some(forward) = self.forwards.get_mut(&server) else {
            return;
        };
        let again = forward.context.is_done()
            && message.status().is_some_and(StatusCode::is_success)
            && forward.context.request().method() == Method::Invite;
        if again {
            self.answered_again(now, server, &message);
            return;
        }
        if self.tried_again(now, server, id, &message) {
            return;
        }
        let Some(forward) = self.forwards.get_mut(&server) else {
            return;
        };
        let actions = forward.context.handle_response(now, id, message);
        self.act(now, server, actions);
    }

    /// RFC 6026 §7.1 — another 2xx to an INVITE that has its answer. The same one goes on again, so that its ACK
    /// comes again; that of another fork is acknowledged here and hung up.
    // Deviates: RFC 3261 §16.7 item 5 passes every 2xx on; there is one W3 answer, and one fork behind it.
    fn answered_again(&mut self, now: Instant, server: ServerTransactionId, message: &Message) {
        let Some(forward) = self.forwards.get(&server) else {
            return;
        };
        match &forward.answered {
            Some(answered) if answered.to_tag() == message.to_tag() => {
                let answered = (**answered).clone();
                self.transactions.respond(now, server, answered);
            }
            // The first still waits for the gateway: this one comes again.
            None if !forward.over => {}
            _ => self.hang_up(now, server, message),
        }
    }

    pub(crate) fn branch_timed_out(&mut self, now: Instant, id: ClientTransactionId) {
        if self.watch_answered(now, id, None) || self.own_answered(now, id, None) {
            return;
        }
        let Some(server) = self.by_branch.get(&id).copied() else {
            return;
        };
        let Some(forward) = self.forwards.get_mut(&server) else {
            return;
        };
        let actions = forward.context.handle_branch_timeout(id);
        self.act(now, server, actions);
    }

    pub(crate) fn branch_failed(&mut self, now: Instant, id: ClientTransactionId) {
        if self.watch_answered(now, id, None) || self.own_answered(now, id, None) {
            return;
        }
        let Some(server) = self.by_branch.get(&id).copied() else {
            return;
        };
        let Some(forward) = self.forwards.get_mut(&server) else {
            return;
        };
        let actions = forward.context.handle_branch_failed(id);
        self.act(now, server, actions);
    }

    /// RFC 3261 §16.10 — the INVITE is cancelled; its CANCEL is answered already.
    pub(crate) fn cancelled(&mut self, now: Instant, id: ServerTransactionId, cancel: &Message) {
        // It waits for the word of its token's issuer.
        if let Some(request) = self.questions.take(id) {
            self.answer(now, id, &request, StatusCode::REQUEST_TERMINATED);
            return;
        }
        let Some(forward) = self.forwards.get_mut(&id) else {
            return;
        };
        let reason = cancel.header(HeaderName::Reason).map(str::to_owned);
        let gone = forward.context.branches().next().is_none();
        let actions = forward.context.handle_cancel();
        for action in actions {
            if let Action::Cancel(branch) = action {
                self.transactions.cancel(now, branch, reason.as_deref());
            }
        }
        // It still waits for the gateway or for an address: nobody else will answer it.
        if gone {
            let Some(forward) = self.forwards.get(&id) else {
                return;
            };
            let request = forward.context.request().clone();
            let session = match forward.purpose {
                Purpose::Session { id, .. } => Some(id),
                _ => None,
            };
            self.answer(now, id, &request, StatusCode::REQUEST_TERMINATED);
            self.forget_forward(id);
            if let Some(session) = session {
                self.withdrawn(now, session, id);
            }
        }
    }

    /// RFC 3261 §16.8.
    pub(crate) fn timer_c(&mut self, now: Instant, id: ServerTransactionId) {
        let Some(forward) = self.forwards.get_mut(&id) else {
            return;
        };
        if forward.context.is_done() {
            if let Purpose::Session { id, .. } = &forward.purpose
                && let Some(session) = self.sessions.get_mut(*id)
            {
                session.dialogs.forget_released();
            }
            self.forget_forward(id);
            return;
        }
        let actions = forward.context.handle_timeout(now);
        if let Some(at) = forward.context.poll_timeout() {
            self.timers.set(at, Timer::TimerC(id));
        }
        self.act(now, id, actions);
    }

    fn act(&mut self, now: Instant, server: ServerTransactionId, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Forward(response) => self.deliver(now, server, response),
                Action::Cancel(branch) => self.transactions.cancel(now, branch, None),
            }
        }
        let Some(forward) = self.forwards.get(&server) else {
            return;
        };
        if forward.context.is_done() {
            // A 2xx for an INVITE may come again for as long as its sender waits for the ACK.
            if forward.context.request().method() == Method::Invite {
                let at = now + TimerSet::core().transaction();
                self.timers.set(at, Timer::TimerC(server));
            } else {
                self.forget_forward(server);
            }
        }
    }

    /// A response on its way to whoever asked.
    pub(crate) fn deliver(
        &mut self,
        now: Instant,
        server: ServerTransactionId,
        mut response: Message,
    ) {
        let Some(forward) = self.forwards.get_mut(&server) else {
            return;
        };
        let from = forward.from.other();
        match &mut forward.purpose {
            Purpose::Register(_) => {
                let is_final = response.status().is_some_and(StatusCode::is_final);
                if !is_final {
                    return;
                }
                let request = forward.context.request().clone();
                let nothing = Purpose::Standalone(None);
                if let Purpose::Register(registering) =
                    std::mem::replace(&mut forward.purpose, nothing)
                {
                    self.registered(now, server, &registering, &request, response);
                }
            }
            Purpose::Session { id, offered, .. } => {
                let (id, offered) = (*id, *offered);
                let invite = forward.context.request().method() == Method::Invite;
                if forward.over && invite && response.status().is_some_and(StatusCode::is_success) {
                    // RFC 3261 §16.10: it crossed the CANCEL of a call that we ended ourselves.
                    self.hang_up(now, server, &response);
                    return;
                }
                // RFC 3261 §8.2.6.2: whoever asked has its own number back.
                if let Some(number) = forward.context.request().header(HeaderName::CSeq)
                    && response.header(HeaderName::CSeq) != Some(number)
                {
                    response.set(HeaderName::CSeq, number);
                }
                if self.sessions.get(id).is_none() {
                    // The session ended meanwhile: its last answers pass, and say nothing of media.
                    response.remove_body();
                    cross(&mut response, from, None);
                    self.transactions.respond(now, server, response);
                    return;
                }
                let item = Item::Response {
                    server,
                    message: response,
                    from,
                    offered,
                };
                self.enqueue(now, id, item);
            }
            Purpose::Standalone(called) => {
                let called = called.clone();
                cross(&mut response, from, called.as_deref());
                if from == Leg::Wic {
                    self.charge_answer(server, &mut response);
                }
                self.transactions.respond(now, server, response);
            }
        }
    }

    /// TS 24.229 §5.2.6.4.4: what a WIC answers is charged to the request's icid, with our network as
    /// the terminating one.
    pub(crate) fn charge_answer(&self, server: ServerTransactionId, response: &mut Message) {
        let request = self.forwards.get(&server).map(|f| f.context.request());
        if let Some(vector) = request.and_then(|r| charging::answered(&self.config, r)) {
            response.push_back(HeaderName::PChargingVector, vector);
        }
    }

    /// A response of our own, to a request that went nowhere.
    pub(crate) fn answer(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        request: &Message,
        status: StatusCode,
    ) {
        let response = reply(request, status, &self.random.tag());
        self.transactions.respond(now, id, response);
    }
}

/// What crosses the edge of the trust domain in a response.
pub(crate) fn cross(response: &mut Message, from: Leg, called: Option<&str>) {
    match from {
        Leg::Core => trust::to_wic(response),
        Leg::Wic => {
            trust::from_wic(response);
            identity::assert_called(response, called);
        }
    }
}
