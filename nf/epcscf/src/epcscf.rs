//! One shard: its state, its doors, and what it does with what the transactions say.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use core_bootstrap::Response;
use core_credentials::jwk::JwkSet;
use core_credentials::token::Verifier;
use core_iq::{Notification, Refusal, Reply, RequestId};
use core_sip::next_hop::Lookups;
use core_sip::token::TokenKey;
use core_sip::{
    ClientTransactionId, ConnectionId, Output as SipOutput, Random, ServerTransactionId, Source,
    Target, TransactionConfig, Transactions, Transport,
};
use wire_sip::{Message, Method};

use crate::binding::Bindings;
use crate::departed::Departed;
use crate::flow::{Addresses, Flow};
use crate::forward::{Deferred, Forward};
use crate::introspection::Questions;
use crate::lease::Leases;
use crate::reg_event::Watches;
use crate::register::Storm;
use crate::session::{Applications, Sessions};
use crate::timer::{Timer, Timers};
use crate::{Config, Counters, Output, W2Peer, place};

/// Clocks of WAF and eP-CSCF may differ by so many seconds.
const CLOCK_SKEW: u64 = 5;

/// One shard of the eP-CSCF. One input, drain [`EpCscf::poll_output`], then the next input.
pub struct EpCscf {
    pub(crate) config: Config,
    pub(crate) transactions: Transactions,
    pub(crate) random: Random,
    pub(crate) key: TokenKey,
    pub(crate) verifier: Verifier,
    /// Which bindings have an identity of a pool.
    pub(crate) leases: Leases,
    pub(crate) flows: HashMap<ConnectionId, Flow>,
    /// How much each address may still ask for.
    pub(crate) addresses: Addresses,
    pub(crate) bindings: Bindings,
    pub(crate) departed: Departed,
    /// Our subscriptions to what becomes of them.
    pub(crate) watches: Watches,
    /// Tokens that their issuers are asked about.
    pub(crate) questions: Questions,
    pub(crate) storm: Storm,
    pub(crate) sessions: Sessions,
    /// Requests that went on, by the transaction they came in.
    pub(crate) forwards: HashMap<ServerTransactionId, Forward>,
    pub(crate) by_branch: HashMap<ClientTransactionId, ServerTransactionId>,
    /// Requests of our own, by the session that they are in.
    pub(crate) own: HashMap<ClientTransactionId, u64>,
    /// Requests that wait for a host to be looked up.
    pub(crate) lookups: Lookups,
    pub(crate) deferred: HashMap<String, Vec<Deferred>>,
    /// Which session asked the gateway what, and whether that makes a Context.
    pub(crate) iq: HashMap<RequestId, (u64, bool)>,
    pub(crate) next_iq: u64,
    /// What was asked on bootstrap channels, and what is sent there.
    pub(crate) applications: Applications,
    pub(crate) timers: Timers,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) counters: Counters,
    /// No new calls: the process is about to end.
    pub(crate) draining: bool,
    /// What time it is for tokens: the wall clock at an instant.
    clock: (Instant, SystemTime),
}

impl EpCscf {
    /// An empty shard. `seed` decides every branch, tag and identifier that it makes.
    pub fn new(config: Config, now: Instant, wall: SystemTime, seed: [u8; 32]) -> Self {
        let mut random = Random::new(seed);
        let transactions = {
            let mut transactions = TransactionConfig::new(&config.mw);
            let tls = config.mw_tls.clone();
            transactions.sent_by_transport =
                tls.map(|tls| (Transport::Tls, tls)).into_iter().collect();
            transactions.branch_label = place::branch_label(config.shard);
            Transactions::new(transactions, random.seed())
        };
        // Which leases of a pool's identities ended before this start is not known (TS 24.371 §6.4.3).
        let mut verifier = Verifier::new(config.audience.clone(), CLOCK_SKEW);
        let unix = wall.duration_since(SystemTime::UNIX_EPOCH);
        verifier.forget_leases(unix.map_or(0, |since| since.as_secs()));
        for issuer in &config.issuers {
            verifier.set_rules(&issuer.issuer, issuer.rules.clone());
        }
        Self {
            transactions,
            key: TokenKey::new(&config.token_key),
            verifier,
            leases: Leases::default(),
            flows: HashMap::new(),
            addresses: Addresses::new(config.address_requests_per_second),
            bindings: Bindings::default(),
            departed: Departed::default(),
            watches: Watches::default(),
            questions: Questions::default(),
            storm: Storm::new(now, config.registrations_per_second),
            sessions: Sessions::default(),
            forwards: HashMap::new(),
            by_branch: HashMap::new(),
            own: HashMap::new(),
            lookups: Lookups::new(),
            deferred: HashMap::new(),
            iq: HashMap::new(),
            next_iq: 0,
            applications: Applications::default(),
            timers: Timers::default(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            draining: false,
            clock: (now, wall),
            random,
            config,
        }
    }

    /// What the wall clock says; told now and then, since it is set while we run.
    pub fn handle_clock(&mut self, now: Instant, wall: SystemTime) {
        self.clock = (now, wall);
    }

    /// The keys of an issuer of access tokens, new or renewed. Without one good key the old stay.
    pub fn handle_keys(&mut self, issuer: &str, keys: &JwkSet) {
        if self.verifier.set_keys(issuer, keys).is_err() {
            tracing::warn!(issuer, "the issuer's keys cannot be used");
        }
    }

    /// What an issuer answered about a token, with 200; `None` when it did not.
    pub fn handle_introspected(&mut self, now: Instant, id: u64, answer: Option<&[u8]>) {
        self.answered_about(now, id, answer);
        self.drive(now);
    }

    /// A WebSocket was opened (RFC 7118 §5.1); the shell has checked its origin and subprotocol.
    pub fn handle_w2_open(&mut self, now: Instant, connection: ConnectionId, peer: W2Peer) {
        let flow = Flow::new(now, peer, self.config.requests_per_second);
        self.flows.insert(connection, flow);
        self.unregistered(now, connection);
    }

    /// A WebSocket message came.
    pub fn handle_w2_message(&mut self, now: Instant, connection: ConnectionId, message: Bytes) {
        self.receive_w2(now, connection, message);
        self.drive(now);
    }

    /// A WebSocket is gone, whoever ended it.
    pub fn handle_w2_closed(&mut self, now: Instant, connection: ConnectionId) {
        self.transactions.handle_connection_closed(now, connection);
        self.lose_flow(now, connection);
        self.drive(now);
    }

    /// A message came from the core. It may be for another shard, and is passed on then.
    pub fn handle_mw_message(&mut self, now: Instant, source: Source, message: Message) {
        let shard = place::shard_of(&message).unwrap_or(self.config.shard);
        if shard != self.config.shard && shard < self.config.shards {
            let message = Box::new(message);
            self.outputs.push_back(Output::PassOn {
                shard,
                source,
                message,
            });
            return;
        }
        self.transactions.handle_message(now, source, message);
        self.drive(now);
    }

    /// Nothing can be sent there.
    pub fn handle_mw_failed(&mut self, now: Instant, target: Target) {
        self.transactions.handle_transport_error(now, target);
        self.drive(now);
    }

    /// A connection to the core is gone.
    pub fn handle_mw_closed(&mut self, now: Instant, connection: ConnectionId) {
        self.transactions.handle_connection_closed(now, connection);
        self.drive(now);
    }

    /// The gateway answered.
    pub fn handle_iq_reply(&mut self, now: Instant, id: RequestId, result: Result<Reply, Refusal>) {
        self.gateway_replied(now, id, result);
        self.drive(now);
    }

    /// Something happened in a Context.
    pub fn handle_iq_notification(&mut self, now: Instant, notification: &Notification) {
        self.gateway_notified(now, notification);
        self.drive(now);
    }

    /// What the application repository answers to an [`Output::Applications`].
    pub fn handle_applications(&mut self, now: Instant, id: u64, answer: &Response) {
        self.applications_answered(id, answer);
        self.drive(now);
    }

    /// The gateway is gone, and every Context with it: calls end, and whoever waits is told.
    pub fn handle_gateway_lost(&mut self, now: Instant) {
        self.release_all(now, "the media gateway was lost");
        // Nobody will answer what it was asked.
        self.iq.clear();
        self.applications.gateway_lost();
        self.drive(now);
    }

    /// One worker of the gateway is gone, and the Contexts that name it: their calls end, no others.
    pub fn handle_gateway_worker_lost(&mut self, now: Instant, worker: u16) {
        for id in self.sessions.of_worker(worker) {
            self.release(now, id, "the media gateway failed");
        }
        self.drive(now);
    }

    /// A host was looked up; no addresses when there is none.
    pub fn handle_resolved(&mut self, now: Instant, host: &str, addresses: Vec<IpAddr>) {
        self.lookups.handle_answer(now, host, addresses);
        for deferred in self.deferred.remove(host).unwrap_or_default() {
            self.send_deferred(now, deferred);
        }
        self.drive(now);
    }

    /// From now on there are no new calls and registrations; those that are go on.
    pub fn handle_drain(&mut self) {
        self.draining = true;
    }

    /// The process ends: every call is released.
    pub fn handle_shutdown(&mut self, now: Instant) {
        self.release_all(now, "the edge is going down");
        self.drive(now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.transactions.handle_timeout(now);
        while let Some(timer) = self.timers.due(now) {
            match timer {
                Timer::BindingExpires(id) => self.binding_timer(now, id),
                Timer::WicGone(id) => self.wic_gone(now, id),
                Timer::Unregistered(connection) => self.idle_flow(now, connection),
                Timer::WatchAgain(id) => self.watch_again(now, id),
                Timer::IssuerSilent(id) => self.answered_about(now, id, None),
                Timer::GatewaySilent(id) => self.gateway_silent(now, id),
                Timer::OwnAgain(id) => self.try_own(now, id),
                Timer::Refresh(id) => self.refresh_due(now, id),
                Timer::OwnLate(id) => self.own_late(now, id),
                Timer::Promise(id) => self.promise_due(now, id),
                Timer::Unacknowledged(id) => self.unacknowledged(now, id),
                Timer::Unresolved(id) => self.unresolved(now, id),
                Timer::TimerC(id) => self.timer_c(now, id),
            }
        }
        self.drive(now);
    }

    /// What there is to do.
    #[must_use]
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`EpCscf::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        match (self.transactions.poll_timeout(), self.timers.next()) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// What was done so far, and what there is now.
    pub fn counters(&self) -> Counters {
        Counters {
            flows: self.flows.len() as u64,
            bindings: self.bindings.len() as u64,
            sessions: self.sessions.len() as u64,
            ..self.counters
        }
    }

    /// Calls that go on: what a drain waits for.
    pub fn calls(&self) -> usize {
        self.sessions.len()
    }

    /// Seconds since 1970.
    pub(crate) fn unix(&self, now: Instant) -> u64 {
        self.wall(now)
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }

    pub(crate) fn wall(&self, now: Instant) -> SystemTime {
        self.clock.1 + now.saturating_duration_since(self.clock.0)
    }

    /// Acts on all that the transactions say, until they say nothing more.
    pub(crate) fn drive(&mut self, now: Instant) {
        while let Some(output) = self.transactions.poll_output() {
            match output {
                SipOutput::Send { target, message } => self.send_bytes(target, message),
                SipOutput::Request {
                    id,
                    source,
                    message,
                } => {
                    self.request(now, id, source, message);
                }
                SipOutput::Ack { source, message } => self.ack(now, source, message),
                SipOutput::Response { id, message } => self.response(now, id, message),
                SipOutput::StrayResponse { message, .. } => {
                    // Its session is over: the 2xx goes back by its Via alone.
                    let mut message = message;
                    message.remove_first_value(wire_sip::HeaderName::Via);
                    self.transactions.forward_response_statelessly(&message);
                }
                SipOutput::Cancel { id, message } => self.cancelled(now, id, &message),
                SipOutput::Timeout { id } => self.branch_timed_out(now, id),
                SipOutput::TransportFailed { id } => self.branch_failed(now, id),
            }
        }
        while let Some(host) = self.lookups.poll_question() {
            self.outputs.push_back(Output::Resolve { host });
        }
    }

    fn send_bytes(&mut self, target: Target, message: Bytes) {
        self.outputs.push_back(match target {
            Target::Connection { id, transport } if transport.is_websocket() => Output::W2Send {
                connection: id,
                message,
            },
            _ => Output::MwSend { target, message },
        });
    }

    /// A request as it came, or one that has waited for its token's issuer.
    pub(crate) fn request(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        source: Source,
        message: Message,
    ) {
        let in_dialog = core_sip::dialog::DialogId::of_request(&message).is_some();
        if source.transport.is_websocket() {
            let Some((id, source, message)) =
                self.unless_asked(now, id, source, message, in_dialog)
            else {
                return;
            };
            match (message.method(), in_dialog) {
                (Method::Register, _) => self.register(now, id, source, message),
                (_, true) => self.in_dialog_from_wic(now, id, source, message),
                (_, false) => self.originating(now, id, source, message),
            }
            return;
        }
        match (message.method(), in_dialog) {
            (Method::Notify, true) if self.watches.is_for(&message) => {
                self.watched(now, id, &message);
            }
            (_, true) => self.in_dialog_from_core(now, id, message),
            (_, false) => self.terminating(now, id, message),
        }
    }
}

impl std::fmt::Debug for EpCscf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EpCscf")
            .field("shard", &self.config.shard)
            .field("counters", &self.counters())
            .field("forwards", &self.forwards.len())
            .field("branches", &self.by_branch.len())
            .field("deferred", &self.deferred.len())
            .field("asked", &self.iq.len())
            .field("own", &self.own.len())
            .field("watches", &self.watches.len())
            .field("questions", &self.questions.len())
            .finish_non_exhaustive()
    }
}
