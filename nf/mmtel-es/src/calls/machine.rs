use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::time::Instant;

use api_mmtel_es::common::Uri;
use core_iq::{Command, ContextId, Notification, Refusal, Reply, RequestId};
use core_sip::dialog::DialogId;
use core_sip::next_hop::Lookups;
use core_sip::{
    ClientTransactionId, ConnectionId, Output as TransactionOutput, Random, ServerTransactionId,
    Source, Target, TransactionConfig, Transactions,
};
use wire_sip::{HeaderName, Message, StatusCode};

use super::again::Sameness;
use super::call::Call;
use super::config::CallsConfig;
use super::observer::{Forwarded, Observed};
use super::output::{CommitId, Output};
use super::sending::{After, Purpose, Waiting};
use crate::Consumer;

/// What happened, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Calls that consumers asked for.
    pub asked: u64,
    /// Calls that were answered by all.
    pub established: u64,
    /// Calls that were refused, or not answered.
    pub failed: u64,
    /// Messages of channels that were told.
    pub heard: u64,
}

/// The calls of the enabler: a SIP application server (TS 24.229 §5.7), and the master of the gateway's
/// Contexts in which their media are.
///
/// One input, then drain [`poll_output`](Self::poll_output), then the next input.
pub struct Calls {
    pub(super) config: CallsConfig,
    pub(super) random: Random,
    pub(super) transactions: Transactions,
    pub(super) lookups: Lookups,
    pub(super) by_number: HashMap<u64, Call>,
    pub(super) next_call: u64,
    pub(super) by_session: HashMap<String, u64>,
    /// By the request that a call was asked by.
    pub(super) by_request: HashMap<Sameness, u64>,
    /// How many calls each consumer has.
    pub(super) owned: HashMap<Consumer, usize>,
    /// By Call-ID and our tag: the call, and which of its legs.
    pub(super) by_dialog: HashMap<(String, String), (u64, usize)>,
    pub(super) by_client: HashMap<ClientTransactionId, Purpose>,
    pub(super) by_context: HashMap<ContextId, u64>,
    /// What the gateway was asked for.
    pub(super) iq: HashMap<RequestId, IqPurpose>,
    pub(super) next_iq: u64,
    pub(super) gateway_there: bool,
    /// What leaves when it is written down why.
    pub(super) commits: HashMap<CommitId, Vec<After>>,
    pub(super) next_commit: u64,
    /// Messages whose next hop is being looked up.
    pub(super) waiting: Vec<Waiting>,
    pub(super) deadlines: BTreeSet<(Instant, u64)>,
    /// Calls that pass by and are told of, by their session.
    pub(super) observed: HashMap<String, Observed>,
    /// When those are over that nobody refreshes.
    pub(super) expiries: BTreeSet<(Instant, String)>,
    /// Requests that were forwarded, by numbers of the same sequence as calls.
    pub(super) forwarded: HashMap<u64, Forwarded>,
    pub(super) forwarded_by_server: HashMap<ServerTransactionId, u64>,
    /// Where nobody wants to be told of calls.
    pub(super) muted: HashSet<Uri>,
    pub(super) counters: Counters,
    pub(super) outputs: VecDeque<Output>,
}

/// What the gateway was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum IqPurpose {
    /// Room for a call.
    Reserve(u64),
    /// Room for what a subscriber's own call has.
    Anchor(u64),
    /// Room for what is new in a call that stands.
    Add(u64),
    /// What a call's UEs said. A refusal ends it.
    Configure(u64),
    /// What a UE said that begins something anew. A refusal ends the call.
    Restart(u64),
    /// To open the channel of an application.
    Open(u64, String),
    /// To send what waits for the channel of an application.
    Send(u64, String),
    /// Nothing follows from the answer.
    Nothing,
}

impl Calls {
    /// No calls yet.
    pub fn new(config: CallsConfig, seed: [u8; 32]) -> Self {
        let mut random = Random::new(seed);
        let transactions = TransactionConfig::new(&config.address.to_string());
        Self {
            transactions: Transactions::new(transactions, random.seed()),
            random,
            lookups: Lookups::new(),
            by_number: HashMap::new(),
            next_call: 0,
            by_session: HashMap::new(),
            by_request: HashMap::new(),
            owned: HashMap::new(),
            by_dialog: HashMap::new(),
            by_client: HashMap::new(),
            by_context: HashMap::new(),
            iq: HashMap::new(),
            next_iq: 0,
            gateway_there: true,
            commits: HashMap::new(),
            next_commit: 0,
            waiting: Vec::new(),
            deadlines: BTreeSet::new(),
            observed: HashMap::new(),
            expiries: BTreeSet::new(),
            forwarded: HashMap::new(),
            forwarded_by_server: HashMap::new(),
            muted: HashSet::new(),
            counters: Counters::default(),
            outputs: VecDeque::new(),
            config,
        }
    }

    /// A SIP message came.
    pub fn handle_message(&mut self, now: Instant, source: Source, message: Message) {
        self.transactions.handle_message(now, source, message);
        self.settle(now);
    }

    /// Nothing can be sent to `target`.
    pub fn handle_transport_error(&mut self, now: Instant, target: Target) {
        self.transactions.handle_transport_error(now, target);
        self.settle(now);
    }

    /// A connection is gone.
    pub fn handle_connection_closed(&mut self, now: Instant, connection: ConnectionId) {
        self.transactions.handle_connection_closed(now, connection);
        self.settle(now);
    }

    /// The answer to [`Output::Resolve`]; no addresses when there is no such name.
    pub fn handle_resolved(&mut self, now: Instant, host: &str, addresses: Vec<IpAddr>) {
        self.lookups.handle_answer(now, host, addresses);
        for waiting in std::mem::take(&mut self.waiting) {
            self.dispatch(now, waiting);
        }
        self.settle(now);
    }

    /// The gateway's answer.
    pub fn handle_iq_reply(&mut self, now: Instant, id: RequestId, result: Result<Reply, Refusal>) {
        match (self.iq.remove(&id), result) {
            (Some(IqPurpose::Reserve(call)), Ok(Reply::Reserved(reserved))) => {
                self.reserved(now, call, reserved);
            }
            (
                Some(
                    IqPurpose::Reserve(call)
                    | IqPurpose::Configure(call)
                    | IqPurpose::Restart(call),
                ),
                Err(refusal),
            ) => {
                self.fail(now, call, &super::ending::Why::Gateway(refusal));
            }
            (Some(IqPurpose::Anchor(call)), result) => self.room_for_anchored(now, call, result),
            (Some(IqPurpose::Restart(call)), Ok(reply)) => self.restarted(now, call, reply),
            (Some(IqPurpose::Add(call)), Ok(Reply::Reserved(reserved))) => {
                self.added(now, call, reserved);
            }
            (Some(IqPurpose::Add(call)), Err(refusal)) => {
                self.not_added(now, call, &refusal.to_string());
            }
            (Some(IqPurpose::Open(call, app)), result) => self.opening(now, call, &app, result),
            (Some(IqPurpose::Send(call, app)), result) => self.sent(call, &app, &result),
            _ => {}
        }
        self.settle(now);
    }

    /// Something happened in a Context.
    pub fn handle_iq_notification(&mut self, now: Instant, notification: Notification) {
        if let Some(call) = self.by_context.get(&notification.context).copied() {
            self.media_event(now, call, notification.event);
        }
        self.settle(now);
    }

    /// The gateway is gone, and all Contexts with it.
    pub fn handle_gateway_lost(&mut self, now: Instant) {
        self.gateway_there = false;
        let calls = self.by_number.keys().copied().collect();
        self.lose(now, calls);
    }

    /// One worker of the gateway is gone, and its Contexts with it.
    pub fn handle_worker_lost(&mut self, now: Instant, worker: u16) {
        let of_it = self.by_context.iter();
        let of_it = of_it.filter(|(context, _)| context.worker() == worker);
        let calls = of_it.map(|(_, call)| *call).collect();
        self.lose(now, calls);
    }

    fn lose(&mut self, now: Instant, calls: Vec<u64>) {
        let why = super::ending::Why::Gateway(Refusal::Unreachable);
        for call in calls {
            self.fail(now, call, &why);
        }
        self.settle(now);
    }

    /// The gateway is there again, empty.
    pub fn handle_gateway_restored(&mut self) {
        self.gateway_there = true;
    }

    /// What [`Output::Commit`] asked for is written down.
    pub fn handle_committed(&mut self, now: Instant, id: CommitId) {
        for after in self.commits.remove(&id).unwrap_or_default() {
            self.after(now, after);
        }
        self.settle(now);
    }

    /// What [`Output::Commit`] asked for cannot be written down. Nothing that depends on it is said: who
    /// waits for it is told so, and a call that nobody would find again is ended.
    pub fn handle_not_committed(&mut self, now: Instant, id: CommitId) {
        for after in self.commits.remove(&id).unwrap_or_default() {
            self.after_failure(now, after);
        }
        self.settle(now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.transactions.handle_timeout(now);
        self.settle(now);
        while let Some(&(at, call)) = self.deadlines.first() {
            if at > now {
                break;
            }
            self.deadlines.pop_first();
            self.due(now, call);
        }
        self.expire(now);
        self.settle(now);
    }

    /// What there is to do.
    #[must_use]
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout). It may turn out that nothing is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let times = [
            self.transactions.poll_timeout(),
            self.deadlines.first().map(|first| first.0),
            self.expiries.first().map(|first| first.0),
        ];
        times.into_iter().flatten().min()
    }

    /// What happened so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// How many calls there are.
    pub fn len(&self) -> usize {
        self.by_number.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }

    /// How many requests of its own it remembers.
    pub fn requests(&self) -> usize {
        self.by_client.len()
    }

    /// Works off what the transactions have to say, until they have nothing.
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some(output) = self.transactions.poll_output() {
            match output {
                TransactionOutput::Send { target, message } => {
                    self.outputs.push_back(Output::Send { target, message });
                }
                TransactionOutput::Request { id, message, .. } => {
                    self.handle_request(now, id, &message);
                }
                TransactionOutput::Ack { message, .. } => self.handle_ack(now, &message),
                TransactionOutput::Response { id, message } => {
                    if let Some(Purpose::Forward(number)) = self.by_client.get(&id).copied() {
                        self.response_to_forwarded(now, number, id, message);
                    } else if message.values(HeaderName::Via).count() > 1 {
                        // What has a Via behind ours was forwarded.
                        self.forward_stray(message);
                    } else {
                        self.handle_response(now, id, &message);
                    }
                }
                TransactionOutput::StrayResponse { message, .. } => {
                    // What has a Via behind ours was forwarded.
                    if message.values(HeaderName::Via).count() > 1 {
                        self.forward_stray(message);
                    } else {
                        self.handle_stray(now, &message);
                    }
                }
                // RFC 3261 §9.2: what we answer is answered at once, so that is too late.
                TransactionOutput::Cancel { id, message } => {
                    self.cancel_forwarded(now, id, &message);
                }
                TransactionOutput::Timeout { id } => {
                    self.handle_no_response(now, id, StatusCode::REQUEST_TIMEOUT);
                }
                TransactionOutput::TransportFailed { id } => {
                    self.handle_no_response(now, id, StatusCode::SERVICE_UNAVAILABLE);
                }
            }
        }
        while let Some(host) = self.lookups.poll_question() {
            self.outputs.push_back(Output::Resolve { host });
        }
    }

    pub(super) fn ask_gateway(&mut self, purpose: IqPurpose, command: Command) {
        let id = RequestId(self.next_iq);
        self.next_iq += 1;
        self.iq.insert(id, purpose);
        self.outputs.push_back(Output::Iq { id, command });
    }

    /// The call that a message within a dialog belongs to, and which of its legs.
    pub(super) fn leg_of(&self, id: &DialogId) -> Option<(u64, usize)> {
        // The tuple is what the table is by; there is no borrowed form of it.
        let key = (id.call_id.clone(), id.local_tag.clone());
        self.by_dialog.get(&key).copied()
    }
}

impl std::fmt::Debug for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calls")
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}
