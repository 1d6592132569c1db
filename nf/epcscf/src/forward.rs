//! Requests that go on: towards the core by route and name, towards a WIC by its flow.

use std::time::Instant;

use core_sip::next_hop::{NextHop, Resolution};
use core_sip::proxy::{self, LoopHash, ResponseContext};
use core_sip::{ServerTransactionId, Target, TimerSet};
use smallvec::SmallVec;
use wire_sip::{Message, Method, StatusCode};

use crate::EpCscf;
use crate::ims_alg::Leg;
use crate::register::Registering;
use crate::timer::Timer;

/// A request between its two transactions.
#[derive(Debug)]
pub(crate) struct Forward {
    pub(crate) context: ResponseContext,
    /// Who asked.
    pub(crate) from: Leg,
    pub(crate) purpose: Purpose,
    /// The 2xx to an INVITE as it was passed on, for when it comes again.
    pub(crate) answered: Option<Box<Message>>,
    /// We have answered it ourselves: whoever answers it yet is hung up.
    pub(crate) over: bool,
    /// The tags of those who were.
    pub(crate) hung_up: SmallVec<[Box<str>; 1]>,
    /// Once its session is over: the next number towards each fork, by tag.
    pub(crate) numbers: SmallVec<[(Box<str>, u32); 1]>,
}

impl Forward {
    pub(crate) fn new(context: ResponseContext, from: Leg, purpose: Purpose) -> Self {
        Self {
            context,
            from,
            purpose,
            answered: None,
            over: false,
            hung_up: SmallVec::new(),
            numbers: SmallVec::new(),
        }
    }

    /// The session that it is part of.
    pub(crate) fn session(&self) -> Option<u64> {
        match self.purpose {
            Purpose::Session { id, .. } => Some(id),
            _ => None,
        }
    }
}

/// What its response means to us.
#[derive(Debug)]
pub(crate) enum Purpose {
    /// A registration.
    Register(Box<Registering>),
    /// Part of a session: its responses go through the session's queue.
    Session {
        /// Which.
        id: u64,
        /// Of which binding.
        binding: u64,
        /// The request carried an offer, so that SDP in a response is its answer.
        offered: bool,
    },
    /// Anything else; in what a called WIC answers, the identity that was called.
    Standalone(Option<String>),
}

/// A request that waits for an address.
#[derive(Debug)]
pub(crate) struct Deferred {
    pub(crate) server: ServerTransactionId,
    pub(crate) message: Message,
    pub(crate) hash: LoopHash,
    pub(crate) hop: NextHop,
}

impl EpCscf {
    /// RFC 3261 §16.6 — to the topmost Route, or the Request-URI, or for URIs that name no host to
    /// the core's entry.
    pub(crate) fn forward_to_core(
        &mut self,
        now: Instant,
        server: ServerTransactionId,
        mut message: Message,
        hash: LoopHash,
    ) {
        let next = proxy::forward(&mut message);
        let hop = NextHop::of_uri(&next).or_else(|| NextHop::of_uri(&self.config.next_hop));
        let Some(hop) = hop else {
            self.refuse_forward(now, server, StatusCode::SERVER_INTERNAL_ERROR);
            return;
        };
        self.send_deferred(
            now,
            Deferred {
                server,
                message,
                hash,
                hop,
            },
        );
    }

    /// Sends, or waits for the address.
    pub(crate) fn send_deferred(&mut self, now: Instant, deferred: Deferred) {
        // It was cancelled meanwhile.
        if !self.forwards.contains_key(&deferred.server) {
            return;
        }
        match self.lookups.resolve(now, &deferred.hop) {
            Resolution::Ready(addresses) => {
                let Some(addr) = addresses.first().copied() else {
                    return;
                };
                let Deferred {
                    server,
                    message,
                    hash,
                    hop,
                } = deferred;
                let timers = TimerSet::core();
                let id = match hop.transport {
                    Some(transport) => {
                        let target = Target::Address { transport, addr };
                        self.transactions
                            .forward_request(now, target, message, timers, hash)
                    }
                    None => self.transactions.send_request_by_size(
                        now,
                        addr,
                        message,
                        timers,
                        Some(hash),
                    ),
                };
                self.add_branch(now, server, id);
            }
            Resolution::Pending => {
                let until = now + TimerSet::core().transaction();
                self.timers.set(until, Timer::Unresolved(deferred.server));
                self.deferred
                    .entry(deferred.hop.host.clone())
                    .or_default()
                    .push(deferred);
            }
            Resolution::Failed => {
                self.refuse_forward(now, deferred.server, StatusCode::BAD_GATEWAY);
            }
        }
    }

    /// The name of its next hop was not found in time: it is as if there were none.
    pub(crate) fn unresolved(&mut self, now: Instant, server: ServerTransactionId) {
        if !self.forwards.contains_key(&server) {
            return;
        }
        let before: usize = self.deferred.values().map(Vec::len).sum();
        self.deferred.retain(|_, waiting| {
            waiting.retain(|deferred| deferred.server != server);
            !waiting.is_empty()
        });
        if self.deferred.values().map(Vec::len).sum::<usize>() < before {
            self.refuse_forward(now, server, StatusCode::BAD_GATEWAY);
        }
    }

    /// Down the flow that the binding has now.
    pub(crate) fn forward_to_wic(
        &mut self,
        now: Instant,
        server: ServerTransactionId,
        mut message: Message,
        hash: LoopHash,
        binding: u64,
    ) {
        let bound = self.bindings.get(binding);
        let outbound = bound.is_some_and(|binding| binding.outbound);
        let flow = bound.and_then(|binding| binding.flow).and_then(|id| {
            let flow = self.flows.get(&id)?;
            Some(Target::Connection {
                id,
                transport: flow.transport(),
            })
        });
        let Some(target) = flow else {
            self.refuse_forward(now, server, core_sip::token::gone(outbound));
            return;
        };
        let _ = proxy::forward(&mut message);
        let timers = TimerSet::access();
        let id = self
            .transactions
            .forward_request(now, target, message, timers, hash);
        self.add_branch(now, server, id);
    }

    pub(crate) fn add_branch(
        &mut self,
        now: Instant,
        server: ServerTransactionId,
        id: core_sip::ClientTransactionId,
    ) {
        let Some(forward) = self.forwards.get_mut(&server) else {
            return;
        };
        let invite = forward.context.request().method() == Method::Invite;
        forward.context.add_branch(now, id);
        self.by_branch.insert(id, server);
        if invite {
            self.timers
                .set(now + TimerSet::TIMER_C, Timer::TimerC(server));
        }
    }

    /// A request that cannot go on is answered here.
    pub(crate) fn refuse_forward(
        &mut self,
        now: Instant,
        server: ServerTransactionId,
        status: StatusCode,
    ) {
        let Some(forward) = self.forwards.get(&server) else {
            return;
        };
        let response = core_sip::reply(forward.context.request(), status, &self.random.tag());
        let sent = forward.context.branches().next().is_some();
        let session = forward.session().filter(|_| !sent);
        if let Some(session) = session.and_then(|id| self.sessions.get_mut(id)) {
            session.unsent = Some(server);
        }
        self.deliver(now, server, response);
        self.forget_forward(server);
    }

    pub(crate) fn forget_forward(&mut self, server: ServerTransactionId) {
        if let Some(forward) = self.forwards.remove(&server) {
            for branch in forward.context.branches() {
                self.by_branch.remove(&branch);
            }
        }
    }
}
