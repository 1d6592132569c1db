//! The queue of a session: one message after the other, each with its SDP rewritten first.

use std::time::{Duration, Instant};

use bytes::Bytes;
use core_iq::{Event, Notification, Refusal, Reply, RequestId};
use core_sip::proxy::LoopHash;
use core_sip::{ServerTransactionId, Target, reply, retry_after};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::{LONGEST_QUEUE, State, description};
use crate::ims_alg::{Finality, Leg, Next, Refused};
use crate::response::cross;
use crate::timer::Timer;
use crate::{EpCscf, Output};

/// How long the gateway may take.
const GATEWAY_DEADLINE: Duration = Duration::from_secs(5);

/// A message of a session, on its way through.
#[derive(Debug)]
pub(crate) enum Item {
    Request {
        server: ServerTransactionId,
        message: Message,
        from: Leg,
        hash: LoopHash,
    },
    Response {
        server: ServerTransactionId,
        message: Message,
        from: Leg,
        /// Its request carried an offer.
        offered: bool,
    },
    Ack {
        message: Message,
        from: Leg,
    },
}

impl Item {
    fn message(&self) -> &Message {
        match self {
            Self::Request { message, .. }
            | Self::Response { message, .. }
            | Self::Ack { message, .. } => message,
        }
    }

    fn message_mut(&mut self) -> &mut Message {
        match self {
            Self::Request { message, .. }
            | Self::Response { message, .. }
            | Self::Ack { message, .. } => message,
        }
    }

    /// The session description in it, when it carries one that counts.
    fn sdp(&self) -> Option<Bytes> {
        let message = self.message();
        // RFC 3261 §13.2.1: an error response says in its SDP what could be, and negotiates nothing.
        if message.status().is_some_and(StatusCode::is_failure) {
            return None;
        }
        description::find(message)
    }
}

impl EpCscf {
    /// Puts a message behind those that wait.
    pub(crate) fn enqueue(&mut self, now: Instant, id: u64, item: Item) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if session.queue.len() >= LONGEST_QUEUE {
            if let Item::Request {
                server, message, ..
            } = item
            {
                let unavailable = StatusCode::SERVICE_UNAVAILABLE;
                let response = retry_after(&message, unavailable, &self.random.tag(), 5);
                self.transactions.respond(now, server, response);
                self.forget_forward(server);
            }
            return;
        }
        session.queue.push_back(item);
        self.run_queue(now, id);
    }

    /// As far as the gateway lets it.
    fn run_queue(&mut self, now: Instant, id: u64) {
        loop {
            let Some(session) = self.sessions.get_mut(id) else {
                return;
            };
            if session.waiting.is_some() {
                return;
            }
            let Some(item) = session.queue.pop_front() else {
                return;
            };
            self.pass(now, id, item);
        }
    }

    fn pass(&mut self, now: Instant, id: u64, item: Item) {
        let Some(sdp) = item.sdp() else {
            self.dispatch(now, id, item);
            return;
        };
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let negotiation = &mut session.negotiation;
        let next = match &item {
            Item::Request { from, message, .. } => {
                // RFC 3262 §5: a PRACK answers the offer of the response that it acknowledges.
                let answers = message.method() == Method::Prack
                    && negotiation.offered_by() == Some(from.other());
                if answers {
                    negotiation.answer(*from, &sdp, Finality::Final)
                } else {
                    negotiation.offer(*from, &sdp)
                }
            }
            Item::Ack { from, .. } => negotiation.answer(*from, &sdp, Finality::Final),
            Item::Response {
                from,
                message,
                offered,
                ..
            } => {
                let finality = match message.status() {
                    Some(status) if status.is_provisional() => Finality::Provisional,
                    _ => Finality::Final,
                };
                if *offered {
                    negotiation.answer(*from, &sdp, finality)
                } else {
                    negotiation.offer(*from, &sdp)
                }
            }
        };
        self.proceed(now, id, item, next);
    }

    fn proceed(&mut self, now: Instant, id: u64, mut item: Item, next: Result<Next, Refused>) {
        match next {
            Ok(Next::Gateway(command)) => {
                let request = RequestId(self.next_iq);
                self.next_iq += 1;
                self.iq.insert(request, id);
                let deadline = now + GATEWAY_DEADLINE;
                if let Some(session) = self.sessions.get_mut(id) {
                    session.waiting = Some((request, item, deadline));
                }
                self.timers.set(deadline, Timer::GatewaySilent(id));
                self.outputs.push_back(Output::Iq {
                    id: request,
                    command,
                });
            }
            Ok(Next::Forward(sdp)) => {
                description::replace(item.message_mut(), sdp);
                self.dispatch(now, id, item);
            }
            Ok(Next::Settled) => {}
            Err(refused) => self.refuse_sdp(now, id, item, &refused),
        }
    }

    pub(crate) fn gateway_replied(
        &mut self,
        now: Instant,
        request: RequestId,
        result: Result<Reply, Refusal>,
    ) {
        let Some(id) = self.iq.remove(&request) else {
            return;
        };
        let Some(session) = self.sessions.get_mut(id) else {
            // The session ended while it was made: nobody wants the Context.
            if let Ok(Reply::Reserved(reserved)) = result {
                self.tell_gateway(core_iq::Command::Release {
                    context: reserved.context,
                });
            }
            return;
        };
        let Some((waiting, item, deadline)) = session.waiting.take() else {
            return;
        };
        if waiting != request {
            session.waiting = Some((waiting, item, deadline));
            return;
        }
        let next = session.negotiation.replied(result);
        self.proceed(now, id, item, next);
        self.run_queue(now, id);
    }

    pub(crate) fn gateway_silent(&mut self, now: Instant, id: u64) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let Some((request, _, deadline)) = &session.waiting else {
            return;
        };
        if *deadline <= now {
            let request = *request;
            self.gateway_replied(now, request, Err(Refusal::Unreachable));
        }
    }

    pub(crate) fn gateway_notified(&mut self, now: Instant, notification: &Notification) {
        let Some(id) = self.sessions.by_context(notification.context) else {
            return;
        };
        match &notification.event {
            Event::DtlsFailed { reason } => {
                tracing::info!(session = id, reason, "no DTLS with a WIC");
                self.release(now, id, "the media could not be secured");
            }
            // A WIC whose media is silent while its WebSocket lives may be behind a sleeping radio;
            // one without a WebSocket is released by its own timer.
            event => tracing::debug!(session = id, ?event, "gateway"),
        }
    }

    /// A command whose reply nobody waits for.
    pub(crate) fn tell_gateway(&mut self, command: core_iq::Command) {
        let id = RequestId(self.next_iq);
        self.next_iq += 1;
        self.outputs.push_back(Output::Iq { id, command });
    }

    /// On its way, with its SDP as the other side is to see it.
    fn dispatch(&mut self, now: Instant, id: u64, item: Item) {
        match item {
            Item::Request {
                server,
                message,
                from,
                hash,
            } => {
                self.dispatch_request(now, id, server, message, from, hash);
            }
            Item::Response {
                server,
                message,
                from,
                offered: _,
            } => {
                self.dispatch_response(now, id, server, message, from);
            }
            Item::Ack { message, from } => self.dispatch_ack(now, id, message, from),
        }
    }

    fn dispatch_request(
        &mut self,
        now: Instant,
        id: u64,
        server: ServerTransactionId,
        message: Message,
        from: Leg,
        hash: LoopHash,
    ) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        session.note_request(from, &message);
        let binding = session.binding;
        let ends = message.method() == Method::Bye;
        match from {
            Leg::Wic => self.forward_to_core(now, server, message, hash),
            Leg::Core => self.forward_to_wic(now, server, message, hash, binding),
        }
        if ends {
            self.end_session(now, id);
        }
    }

    fn dispatch_response(
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
        let invite = message.method() == Method::Invite;
        let hosts = [self.config.mw.clone(), self.config.w2.clone()];
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let initial = session.invite == Some(server);
        if invite && !status.is_failure() && status != StatusCode::TRYING {
            session.note_response(from, &message, |value| {
                hosts.iter().any(|host| value.contains(host.as_str()))
            });
        }
        let called = session.called.clone();
        cross(&mut message, from, called.as_deref());
        if from == Leg::Wic {
            self.charge_answer(server, &mut message);
            // What could be is said in the WIC's terms, its addresses among them: not for the core.
            if status.is_failure() && description::find(&message).is_some() {
                message.remove_body();
            }
        }
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if initial && status.is_success() {
            if message.body().is_empty() {
                session.negotiation.confirm();
            }
            if session.state == State::Early {
                self.counters.answered += 1;
            }
            session.state = State::Confirmed;
            session.invite = None;
        }
        self.transactions.respond(now, server, message);
        if !status.is_failure() {
            return;
        }
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if initial {
            self.end_session(now, id);
        } else {
            for command in session.negotiation.rollback() {
                self.tell_gateway(command);
            }
        }
    }

    pub(crate) fn dispatch_ack(&mut self, now: Instant, id: u64, mut message: Message, from: Leg) {
        let Some(session) = self.sessions.get(id) else {
            return;
        };
        let binding = session.binding;
        match from {
            Leg::Wic => self.ack_to_core(now, message),
            Leg::Core => {
                let _ = core_sip::proxy::forward(&mut message);
                if let Some(target) = self.flow_target(binding) {
                    self.transactions.send(now, target, message);
                }
            }
        }
    }

    pub(crate) fn flow_target(&self, binding: u64) -> Option<Target> {
        let id = self.bindings.get(binding)?.flow?;
        Some(Target::Connection {
            id,
            transport: self.flows.get(&id)?.transport(),
        })
    }

    /// SDP that cannot be served: the one who sent it is told, and the call is as it was before.
    fn refuse_sdp(&mut self, now: Instant, id: u64, item: Item, refused: &Refused) {
        tracing::info!(session = id, %refused, "SDP is not served");
        let status = StatusCode::new(refused.status()).unwrap_or(StatusCode::NOT_ACCEPTABLE_HERE);
        match item {
            Item::Request {
                server, message, ..
            } => {
                let response = self.refusal(&message, status, refused);
                self.transactions.respond(now, server, response);
                self.forget_forward(server);
                let initial = self
                    .sessions
                    .get(id)
                    .is_some_and(|s| s.invite == Some(server));
                if initial {
                    self.end_session(now, id);
                }
            }
            Item::Response {
                server,
                message,
                from,
                offered,
            } => {
                let provisional = message.status().is_some_and(StatusCode::is_provisional);
                if provisional {
                    // It may still come right in the final response.
                    let mut message = message;
                    message.set_body(None, Bytes::new());
                    self.dispatch_response(now, id, server, message, from);
                    return;
                }
                let initial = self
                    .sessions
                    .get(id)
                    .is_some_and(|s| s.invite == Some(server));
                let Some(request) = self
                    .forwards
                    .get(&server)
                    .map(|f| f.context.request().clone())
                else {
                    return;
                };
                let response = self.refusal(&request, status, refused);
                self.transactions.respond(now, server, response);
                if initial {
                    // Whoever answered believes in a call: it gets its ACK, and its BYE.
                    if let Some(session) = self.sessions.get_mut(id) {
                        session.note_response(from, &message, |_| false);
                        session.invite = None;
                    }
                    // RFC 3261 §13.2.2.4: an offer in the 200 is answered, with every m-line at port 0.
                    let offer = description::find(&message).filter(|_| !offered);
                    self.acknowledge(now, id, &message, from, offer.as_deref());
                    self.bye(now, id, from, "the answer cannot be served");
                    self.end_session(now, id);
                } else if let Some(session) = self.sessions.get_mut(id) {
                    for command in session.negotiation.rollback() {
                        self.tell_gateway(command);
                    }
                }
            }
            Item::Ack { mut message, from } => {
                // RFC 3261 §13.2.2.4: a late offer must be answered in the ACK, and ends in BYE.
                message.set_body(None, Bytes::new());
                self.dispatch_ack(now, id, message, from);
                self.release(now, id, "the answer cannot be served");
            }
        }
    }

    fn refusal(&mut self, request: &Message, status: StatusCode, refused: &Refused) -> Message {
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
            Item::Ack { .. } => {}
        }
    }

    /// A session that is over: the gateway gets its Context back, later messages pass as they are.
    pub(crate) fn end_session(&mut self, now: Instant, id: u64) {
        let Some(mut session) = self.sessions.remove(id) else {
            return;
        };
        let waiting = session.waiting.take().map(|(_, item, _)| item);
        for item in waiting.into_iter().chain(session.queue.drain(..)) {
            self.give_up(now, item);
        }
        if let Some(binding) = self.bindings.get_mut(session.binding) {
            binding.sessions.remove(&id);
        }
        if let Some(release) = session.negotiation.release() {
            self.tell_gateway(release);
        }
    }
}
