//! Calls that the edge ends itself (TS 24.229 §5.2.8.1, TS 23.228 §5.10.3.1).

use std::time::Instant;

use core_sip::address::uri_of;
use core_sip::next_hop::{NextHop, Resolution};
use core_sip::proxy::Action;
use core_sip::{ClientTransactionId, ServerTransactionId, Target, TimerSet, reply};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::EpCscf;
use crate::forward::Purpose;
use crate::ims_alg::Leg;
use crate::session::{Dialog, Session, State, leave_out_own};

impl EpCscf {
    /// Ends a call towards both sides: a call that is being made with CANCEL and 503, one that
    /// stands with two BYEs.
    pub(crate) fn release(&mut self, now: Instant, id: u64, why: &str) {
        let Some(session) = self.sessions.get(id) else {
            return;
        };
        self.counters.released += 1;
        tracing::info!(session = id, why, "a call is released");
        if let (State::Early, Some(server)) = (session.state, session.invite) {
            if let Some(forward) = self.forwards.get_mut(&server) {
                forward.over = true;
                let request = forward.context.request().clone();
                let actions = forward.context.handle_cancel();
                for action in actions {
                    if let Action::Cancel(branch) = action {
                        let reason = reason(why);
                        self.transactions.cancel(now, branch, Some(&reason));
                    }
                }
                let unavailable = StatusCode::SERVICE_UNAVAILABLE;
                let mut response = reply(&request, unavailable, &self.random.tag());
                response.push_back(HeaderName::Reason, reason(why));
                self.transactions.respond(now, server, response);
                // It never went on: no branch will end it.
                if self
                    .forwards
                    .get(&server)
                    .is_some_and(|forward| forward.context.branches().next().is_none())
                {
                    self.forget_forward(server);
                }
            }
        } else {
            self.bye(now, id, Leg::Core, why);
            self.bye(now, id, Leg::Wic, why);
            self.sessions.note_released(now, id);
        }
        self.end_session(now, id);
    }

    /// Everything at once: the gateway is gone, or we are about to be.
    pub(crate) fn release_all(&mut self, now: Instant, why: &str) {
        for id in self.sessions.ids() {
            self.release(now, id, why);
        }
    }

    /// The WIC was given its time to come back.
    pub(crate) fn wic_gone(&mut self, now: Instant, binding: u64) {
        let Some(bound) = self.bindings.get(binding) else {
            return;
        };
        // It came back, or was lost again since.
        if bound.flow.is_some() || bound.away_since + self.config.reconnect > now {
            return;
        }
        for id in bound.sessions.clone() {
            self.release(now, id, "the WIC is gone");
        }
        // An identity of a pool waits for nobody: others want it (TS 24.371 §6A.3, note).
        if self.is_lent(binding) {
            self.forget_binding(now, binding);
        }
    }

    /// TS 24.229 §5.2.8.1.2 — one BYE, towards one side, as the other side would send it.
    pub(crate) fn bye(&mut self, now: Instant, id: u64, to: Leg, why: &str) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let binding = session.binding;
        let Some(dialog) = session.dialogs.current_mut() else {
            return;
        };
        let cseq = dialog.numbering(to.other()).own();
        let Some(mut bye) = self.own_request(id, to, Method::Bye, cseq) else {
            return;
        };
        bye.push_back(HeaderName::Reason, reason(why));
        match to {
            Leg::Wic => {
                if let Some(target) = self.flow_target(binding) {
                    self.transactions
                        .send_request(now, target, bye, TimerSet::access());
                }
            }
            Leg::Core => {
                self.send_own(now, bye, TimerSet::core());
            }
        }
    }

    /// A request of our own towards the core, by its route; `None` when its host is not known.
    pub(crate) fn send_own(
        &mut self,
        now: Instant,
        request: Message,
        timers: TimerSet,
    ) -> Option<ClientTransactionId> {
        let next = request
            .values(HeaderName::Route)
            .next()
            .and_then(uri_of)
            .or(request.request_uri())?;
        let hop = NextHop::of_uri(next)?;
        let Resolution::Ready(addresses) = self.lookups.resolve(now, &hop) else {
            return None;
        };
        let addr = addresses.first().copied()?;
        Some(match hop.transport {
            Some(transport) => {
                let target = Target::Address { transport, addr };
                self.transactions.send_request(now, target, request, timers)
            }
            None => self
                .transactions
                .send_request_by_size(now, addr, request, timers, None),
        })
    }

    /// A request in a session's dialog, from stored data; `None` while one side is not known.
    pub(crate) fn own_request(
        &self,
        id: u64,
        to: Leg,
        method: Method<'_>,
        cseq: u32,
    ) -> Option<Message> {
        let session = self.sessions.get(id)?;
        session.request_in(session.dialogs.current()?, to, method, cseq)
    }
}

impl Session {
    /// A request in one of its dialogs.
    pub(crate) fn request_in(
        &self,
        dialog: &Dialog,
        to: Leg,
        method: Method<'_>,
        cseq: u32,
    ) -> Option<Message> {
        let (from, towards) = (dialog.party(to.other()), dialog.party(to));
        if from.address.is_empty() || towards.address.is_empty() {
            return None;
        }
        let mut request = Message::request(method, towards.target()?);
        request.push_back(HeaderName::MaxForwards, 70);
        for route in &towards.route {
            request.push_back(HeaderName::Route, route);
        }
        request.push_back(HeaderName::From, &from.address);
        request.push_back(HeaderName::To, &towards.address);
        request.push_back(HeaderName::CallId, &self.key.call_id);
        request.push_back(HeaderName::CSeq, format_args!("{cseq} {method}"));
        request.push_back(HeaderName::ContentLength, 0);
        Some(request)
    }
}

impl EpCscf {
    /// RFC 3261 §13.2.2.4 — a 2xx that nobody waits for, of a fork that came second or of a call that is over: it gets
    /// its ACK, each time, and one BYE.
    pub(crate) fn hang_up(
        &mut self,
        now: Instant,
        server: ServerTransactionId,
        response: &Message,
    ) {
        let Some(forward) = self.forwards.get_mut(&server) else {
            return;
        };
        let (to, tag) = (forward.from.other(), response.to_tag().unwrap_or_default());
        // In a dialog that stood before, the ACK is all.
        let begins = forward.context.request().to_tag().is_none();
        let first = begins && !forward.hung_up.iter().any(|known| &**known == tag);
        if first {
            forward.hung_up.push(tag.into());
        }
        let Purpose::Session { id, binding, .. } = forward.purpose else {
            return;
        };
        let asked = forward.context.request();
        let (Some(target), Some(from), Some(callee)) = (
            response.values(HeaderName::Contact).next().and_then(uri_of),
            asked.header(HeaderName::From),
            response.header(HeaderName::To),
        ) else {
            return;
        };
        let hosts = self.config.hosts();
        let mut routes: Vec<&str> = response.values(HeaderName::RecordRoute).collect();
        let is_own = |route: &str| hosts.iter().any(|host| route.contains(host));
        match to {
            Leg::Core => leave_out_own(&mut routes, is_own),
            Leg::Wic => routes.retain(|route| !is_own(route)),
        }
        let number = crate::session::cseq(response);
        let request = |method: Method<'_>, number: u32| {
            let mut request = Message::request(method, target);
            request.push_back(HeaderName::MaxForwards, 70);
            for route in routes.iter().rev() {
                request.push_back(HeaderName::Route, route);
            }
            request.push_back(HeaderName::From, from);
            request.push_back(HeaderName::To, callee);
            request.push_back(HeaderName::CallId, asked.call_id());
            request.push_back(HeaderName::CSeq, format_args!("{number} {method}"));
            request.push_back(HeaderName::ContentLength, 0);
            request
        };
        let ack = request(Method::Ack, number);
        let bye = first.then(|| {
            let session = self.sessions.get_mut(id);
            let dialog = session.and_then(|session| session.dialogs.get_mut(tag));
            let next = dialog.map(|dialog| dialog.numbering(to.other()).own());
            let last = forward.numbers.iter().find(|(known, _)| **known == *tag);
            let next = next.or(last.map(|(_, next)| *next));
            let mut bye = request(Method::Bye, next.unwrap_or(number + 1));
            bye.push_back(
                HeaderName::Reason,
                "SIP;cause=200;text=\"Call completed elsewhere\"",
            );
            bye
        });
        match (to, self.flow_target(binding)) {
            (Leg::Core, _) => {
                self.ack_to_core(now, ack);
                if let Some(bye) = bye {
                    self.send_own(now, bye, TimerSet::core());
                }
            }
            (Leg::Wic, Some(target)) => {
                self.transactions.send(now, target, ack);
                if let Some(bye) = bye {
                    self.transactions
                        .send_request(now, target, bye, TimerSet::access());
                }
            }
            (Leg::Wic, None) => {}
        }
    }
}

/// RFC 3326.
fn reason(why: &str) -> String {
    format!("SIP;cause=503;text=\"{why}\"")
}
