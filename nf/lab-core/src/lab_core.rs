use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    net::{IpAddr, SocketAddr},
    time::Instant,
};

use bytes::Bytes;
use core_sip::{
    ClientTransactionId, ConnectionId, Output as TransactionOutput, Random, ServerTransactionId,
    Source, Target, TransactionConfig, Transactions, Transport, next_hop::Lookups, proxy::Refusal,
    token::TokenKey,
};
use wire_sip::{HeaderName, Message, StatusCode};

use crate::{
    LabCoreConfig, Subscriber,
    authentication::Authentication,
    filter::Chain,
    location::Locations,
    reg_event::Subscriptions,
    routing::Call,
    sending::Waiting,
    users::{UserId, Users},
};

/// What comes out of [`LabCore`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send these bytes.
    Send {
        /// Where to.
        target: Target,
        /// One whole message, or a keep-alive.
        message: Bytes,
    },
    /// Look up the A and AAAA records of this name, and call [`LabCore::handle_resolved`].
    Resolve {
        /// The name.
        host: String,
    },
}

/// What happened, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// REGISTERs that were granted.
    pub registrations: u64,
    /// REGISTERs that were challenged.
    pub challenges: u64,
    /// REGISTERs that were refused.
    pub refused_registrations: u64,
    /// INVITEs outside a dialog.
    pub calls: u64,
    /// NOTIFYs of the reg event package.
    pub notifications: u64,
}

/// I-CSCF, S-CSCF and HSS of a laboratory.
///
/// One input, then drain [`poll_output`](Self::poll_output), then the next input.
pub struct LabCore {
    pub(crate) config: LabCoreConfig,
    pub(crate) users: Users,
    pub(crate) locations: Locations,
    pub(crate) authentication: Authentication,
    pub(crate) transactions: Transactions,
    pub(crate) lookups: Lookups,
    pub(crate) random: Random,
    /// Seals original dialog identifiers.
    pub(crate) chain_key: TokenKey,
    pub(crate) subscriptions: Subscriptions,
    /// Requests that were forwarded, by a number of our own.
    pub(crate) calls: HashMap<u64, Call>,
    pub(crate) next_call: u64,
    pub(crate) by_server: HashMap<ServerTransactionId, u64>,
    pub(crate) by_client: HashMap<ClientTransactionId, Purpose>,
    /// Requests whose next hop is being looked up.
    pub(crate) waiting: Vec<Waiting>,
    /// When to look at Timer C of a call. It may have been wound up meanwhile.
    pub(crate) timer_c: BTreeSet<(Instant, u64)>,
    pub(crate) counters: Counters,
    outputs: VecDeque<Output>,
}

/// What a request of ours is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A branch of a forwarded request, to this contact if it goes to one.
    Branch {
        call: u64,
        contact: Option<(UserId, u64)>,
        /// To an application server: what comes behind it, and whether that comes without it, too.
        server: Option<(Chain, bool)>,
    },
    /// A NOTIFY of this subscription.
    Notify { subscription: u64 },
}

impl LabCore {
    /// Nobody is registered yet.
    pub fn new(config: LabCoreConfig, subscribers: &[Subscriber], seed: [u8; 32]) -> Self {
        let mut random = Random::new(seed);
        let users = Users::new(&config, subscribers);
        let mut transactions = TransactionConfig::new(&config.address.to_string());
        let tls = config.sent_by(Transport::Tls);
        transactions.sent_by_transport.push((Transport::Tls, tls));
        Self {
            locations: Locations::new(users.len()),
            authentication: {
                let mut authentication = Authentication::new(&config, random.seed());
                for subscriber in subscribers {
                    if let Some(user) = users.by_impi(&subscriber.impi) {
                        authentication.add_sim(user, subscriber);
                    }
                }
                authentication
            },
            users,
            chain_key: TokenKey::new(&random.seed()),
            transactions: Transactions::new(transactions, random.seed()),
            lookups: Lookups::new(),
            random,
            subscriptions: Subscriptions::default(),
            calls: HashMap::new(),
            next_call: 0,
            by_server: HashMap::new(),
            by_client: HashMap::new(),
            waiting: Vec::new(),
            timer_c: BTreeSet::new(),
            counters: Counters::default(),
            outputs: VecDeque::new(),
            config,
        }
    }

    /// One more trusted node, known only after the core had started.
    pub fn trust(&mut self, node: SocketAddr) {
        self.config.trusted.push(node);
    }

    /// One more application server, known only after the core had started, and what it is to see.
    pub fn serve_applications(&mut self, node: SocketAddr, criteria: Vec<crate::FilterCriterion>) {
        self.config.application_servers.push(node);
        self.config.filter_criteria.extend(criteria);
    }

    /// A message came.
    pub fn handle_message(&mut self, now: Instant, source: Source, message: Message) {
        self.transactions.handle_message(now, source, message);
        self.settle(now);
    }

    /// A keep-alive came over a stream: two CRLF are answered with one (RFC 5626 §4.4.1).
    pub fn handle_ping(&mut self, source: &Source) {
        if source.transport.is_reliable() {
            self.outputs.push_back(Output::Send {
                target: source.back(),
                message: Bytes::from_static(b"\r\n"),
            });
        }
    }

    /// Nothing can be sent to `target`.
    pub fn handle_transport_error(&mut self, now: Instant, target: Target) {
        self.transactions.handle_transport_error(now, target);
        self.settle(now);
    }

    /// A connection is gone.
    pub fn handle_connection_closed(&mut self, now: Instant, connection: ConnectionId) {
        self.locations.forget_connection(connection);
        self.transactions.handle_connection_closed(now, connection);
        self.settle(now);
    }

    /// The answer to [`Output::Resolve`]; no addresses when there is no such name.
    pub fn handle_resolved(&mut self, now: Instant, host: &str, addresses: Vec<IpAddr>) {
        self.lookups.handle_answer(now, host, addresses);
        self.send_waiting(now);
        self.settle(now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.transactions.handle_timeout(now);
        let expired = self.locations.expire(now);
        self.report(now, expired);
        self.expire_subscriptions(now);
        self.run_timer_c(now);
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
            self.locations.next_expiry(),
            self.subscriptions.next_expiry(),
            self.timer_c.first().map(|first| first.0),
        ];
        times.into_iter().flatten().min()
    }

    /// What happened so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// How many contacts the subscriber with this private identity has; `None` if there is none.
    pub fn contacts(&self, impi: &str) -> Option<usize> {
        let user = self.users.by_impi(impi)?;
        Some(self.locations.of(user).len())
    }

    /// Works off what the transactions have to say, until they have nothing.
    pub(crate) fn settle(&mut self, now: Instant) {
        while let Some(output) = self.transactions.poll_output() {
            match output {
                TransactionOutput::Send { target, message } => {
                    self.outputs.push_back(Output::Send { target, message });
                }
                TransactionOutput::Request {
                    id,
                    source,
                    message,
                } => self.route_request(now, id, source, &message),
                TransactionOutput::Ack { source: _, message } => self.route_ack(now, message),
                TransactionOutput::Response { id, message } => {
                    self.route_response(now, id, message);
                }
                TransactionOutput::StrayResponse { message, .. } => self.route_stray(message),
                TransactionOutput::Cancel { id, message } => self.route_cancel(now, id, &message),
                TransactionOutput::Timeout { id } => {
                    self.end_branch(now, id, StatusCode::REQUEST_TIMEOUT);
                }
                TransactionOutput::TransportFailed { id } => {
                    self.end_branch(now, id, StatusCode::SERVICE_UNAVAILABLE);
                }
            }
        }
        while let Some(host) = self.lookups.poll_question() {
            self.outputs.push_back(Output::Resolve { host });
        }
    }

    /// TS 33.203 Annex U: is this from one of our P-CSCFs?
    pub(crate) fn is_trusted(&self, source: &Source, message: &Message) -> bool {
        Self::is_among(&self.config.trusted, source, message)
    }

    /// Whether one of these sent it: by its address, or on the same machine by its Via.
    pub(crate) fn is_among(nodes: &[SocketAddr], source: &Source, message: &Message) -> bool {
        let via = message.values(HeaderName::Via).next().unwrap_or("");
        nodes.iter().any(|node| {
            let by_via = || {
                let sent_by = via.split(';').next().unwrap_or("").trim();
                let named = sent_by.split_whitespace().last();
                named.is_some_and(|named| named == node.to_string())
            };
            source.remote == *node || source.remote.ip() == node.ip() && by_via()
        })
    }

    pub(crate) fn refuse(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        request: &Message,
        refusal: &Refusal,
    ) {
        let tag = self.random.tag();
        self.transactions
            .respond(now, id, refusal.answer(request, &tag));
    }
}

impl std::fmt::Debug for LabCore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LabCore")
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}
