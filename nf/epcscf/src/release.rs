//! Calls that the edge ends itself (TS 24.229 §5.2.8.1, TS 23.228 §5.10.3.1).

use std::time::Instant;

use core_sip::next_hop::{NextHop, Resolution};
use core_sip::proxy::Action;
use core_sip::{ClientTransactionId, Target, TimerSet, reply};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::EpCscf;
use crate::ims_alg::Leg;
use crate::session::State;

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
    }

    /// TS 24.229 §5.2.8.1.2 — one BYE, towards one side, as the other side would send it.
    pub(crate) fn bye(&mut self, now: Instant, id: u64, to: Leg, why: &str) {
        let Some(session) = self.sessions.get(id) else {
            return;
        };
        let cseq = match to {
            Leg::Core => session.wic.cseq + 1,
            Leg::Wic => session.core.cseq + 1,
        };
        let binding = session.binding;
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
            .and_then(core_sip::address::uri_of)
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
        let (from, towards) = match to {
            Leg::Core => (&session.wic, &session.core),
            Leg::Wic => (&session.core, &session.wic),
        };
        if towards.contact.is_empty() || from.address.is_empty() || towards.address.is_empty() {
            return None;
        }
        let mut request = Message::request(method, &towards.contact);
        request.push_back(HeaderName::MaxForwards, 70);
        for route in &towards.route {
            request.push_back(HeaderName::Route, route);
        }
        request.push_back(HeaderName::From, &from.address);
        request.push_back(HeaderName::To, &towards.address);
        request.push_back(HeaderName::CallId, &session.key.call_id);
        request.push_back(HeaderName::CSeq, format_args!("{cseq} {method}"));
        request.push_back(HeaderName::ContentLength, 0);
        Some(request)
    }
}

/// RFC 3326.
fn reason(why: &str) -> String {
    format!("SIP;cause=503;text=\"{why}\"")
}
