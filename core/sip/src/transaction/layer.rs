//! All transactions of one element: its inputs, its verbs and what it says.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    net::SocketAddr,
    time::Instant,
};

use wire_sip::{HeaderName, Message, StatusCode};

use super::{
    client::{Cancel, ClientTransaction},
    matching::tag,
    schedule::{Entry, Schedule},
    server::{self, ServerTransaction},
    slab::Slab,
    types::{ClientTransactionId, Counters, Output, ServerTransactionId, TransactionConfig},
    via::{self, Listener, ViaView},
};
use crate::{ConnectionId, Random, Source, Target, TimerSet, Transport, proxy::LoopHash};

/// RFC 3261 §18.1.1: a request longer than this goes over a congestion controlled transport.
const LONGEST_DATAGRAM: usize = 1300;

/// All transactions of one element (RFC 3261 §17), whatever the transport.
///
/// One input (`handle_…` or a verb), then drain [`poll_output`](Self::poll_output), then the next
/// input.
#[derive(Debug)]
pub struct Transactions {
    pub(super) config: TransactionConfig,
    pub(super) random: Random,
    pub(super) clients: Slab<ClientTransaction>,
    pub(super) servers: Slab<ServerTransaction>,
    pub(super) client_keys: HashMap<Box<str>, u64>,
    pub(super) server_keys: HashMap<Box<str>, u64>,
    pub(super) merge_keys: HashMap<Box<str>, u64>,
    pub(super) by_connection: BTreeSet<(ConnectionId, Entry)>,
    pub(super) udp_only: HashMap<SocketAddr, Instant>,
    pub(super) schedule: Schedule,
    pub(super) outputs: VecDeque<Output>,
    pub(super) counters: Counters,
    /// Where keys are made before they are looked up.
    pub(super) key: String,
}

impl Transactions {
    /// No transactions yet.
    pub fn new(config: TransactionConfig, seed: [u8; 32]) -> Self {
        Self {
            config,
            random: Random::new(seed),
            clients: Slab::new(),
            servers: Slab::new(),
            client_keys: HashMap::new(),
            server_keys: HashMap::new(),
            merge_keys: HashMap::new(),
            by_connection: BTreeSet::new(),
            udp_only: HashMap::new(),
            schedule: Schedule::default(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            key: String::new(),
        }
    }

    /// A message came.
    pub fn handle_message(&mut self, now: Instant, source: Source, message: Message) {
        if message.is_request() {
            self.handle_request(now, source, message);
        } else {
            self.handle_response(now, source, message);
        }
    }

    /// Nothing can be sent to `target`: a connection was refused or broke, or a datagram was
    /// answered with "unreachable" (RFC 3261 §17.1.4, §18.4).
    ///
    /// Where a long request went over TCP only for its length, it goes again over UDP, and this
    /// next hop gets no more TCP for a while (RFC 3261 §18.1.1).
    pub fn handle_transport_error(&mut self, now: Instant, target: Target) {
        for key in self.clients.keys_where(|client| client.target == target) {
            self.fail_client(now, key);
        }
    }

    /// A connection is gone.
    pub fn handle_connection_closed(&mut self, now: Instant, connection: ConnectionId) {
        let first = (connection, Entry::Client(0));
        let last = (connection, Entry::Server(u64::MAX));
        let entries: Vec<_> = self.by_connection.range(first..=last).copied().collect();
        for (_, entry) in entries {
            match entry {
                Entry::Client(key) => self.fail_client(now, key),
                Entry::Server(key) => {
                    if let Some(server) = self.servers.get_mut(key) {
                        server.connected = false;
                    }
                }
            }
        }
    }

    /// A peer has come back by another connection, as who it was (RFC 5626 §4.4): what it asked over
    /// `old` is answered over the new one, and the last answer to each goes again, since it may have
    /// been lost with `old`. A client takes it as it takes any answer that comes again.
    pub fn handle_connection_replaced(&mut self, old: ConnectionId, source: Source) {
        let first = (old, Entry::Server(0));
        let last = (old, Entry::Server(u64::MAX));
        let entries: Vec<_> = self.by_connection.range(first..=last).copied().collect();
        for (_, entry) in entries {
            let Entry::Server(key) = entry else { continue };
            self.unindex(Some(old), entry);
            self.index(source.connection, entry);
            let Some(server) = self.servers.get_mut(key) else {
                continue;
            };
            server.source = source;
            server.connected = true;
            if server.may_be_unheard() {
                self.counters.retransmitted += 1;
                self.send_kept_response(key);
            }
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((at, entry)) = self.schedule.peek() {
            if at > now {
                break;
            }
            self.schedule.pop();
            match entry {
                Entry::Client(key) => self.run_client_timers(now, key, at),
                Entry::Server(key) => self.run_server_timers(now, key, at),
            }
        }
        let (clients, servers) = (&self.clients, &self.servers);
        let alive = clients.len() + servers.len();
        self.schedule.compact(alive, |at, entry| {
            Some(at)
                == match entry {
                    Entry::Client(key) => clients.get(key).and_then(|c| c.timers.scheduled),
                    Entry::Server(key) => servers.get(key).and_then(|s| s.timers.scheduled),
                }
        });
    }

    /// Sends a request to `target` and nowhere else, with our Via on top.
    pub fn send_request(
        &mut self,
        now: Instant,
        target: Target,
        message: Message,
        timers: TimerSet,
    ) -> ClientTransactionId {
        self.start_client(now, target, None, message, timers, None)
    }

    /// [`send_request`](Self::send_request) for a request that a proxy forwards: its branch carries
    /// what the request looked like when it came (RFC 3261 §16.6 item 8).
    pub fn forward_request(
        &mut self,
        now: Instant,
        target: Target,
        message: Message,
        timers: TimerSet,
        hash: LoopHash,
    ) -> ClientTransactionId {
        self.start_client(now, target, None, message, timers, Some(hash))
    }

    /// Sends a request to an address whose URI names no transport: UDP, but over 1300 octets TCP
    /// first and UDP on refusal, which is remembered (RFC 3261 §18.1.1). `hash` is for a request
    /// that a proxy forwards, as in [`forward_request`](Self::forward_request).
    pub fn send_request_by_size(
        &mut self,
        now: Instant,
        addr: SocketAddr,
        message: Message,
        timers: TimerSet,
        hash: Option<LoopHash>,
    ) -> ClientTransactionId {
        // The Via that comes on top counts; its length is known well enough.
        let length = message.wire_len() + self.config.sent_by(Transport::Udp).len() + 90;
        let udp = Target::Address {
            transport: Transport::Udp,
            addr,
        };
        let target = Target::Address {
            transport: self.transport_by_size(now, addr, length),
            addr,
        };
        let fallback = (target != udp).then_some(udp);
        self.start_client(now, target, fallback, message, timers, hash)
    }

    /// The transport for `length` octets to an address whose URI names none (RFC 3261 §18.1.1).
    pub fn transport_by_size(&self, now: Instant, addr: SocketAddr, length: usize) -> Transport {
        let refused = self.udp_only.get(&addr).is_some_and(|until| now < *until);
        if length > LONGEST_DATAGRAM && !refused {
            Transport::Tcp
        } else {
            Transport::Udp
        }
    }

    /// Answers a request. A response that may not be sent any more is dropped.
    pub fn respond(&mut self, now: Instant, id: ServerTransactionId, response: Message) {
        let Some(status) = response.status() else {
            return;
        };
        let Some(server) = self.servers.get_mut(id.0) else {
            self.counters.unsent += 1;
            return;
        };
        if server.to_tag.is_none() && status != StatusCode::TRYING {
            server.to_tag = tag(&response, HeaderName::To).map(Into::into);
        }
        let effects = server.handle(now, server::Input::Respond(status));
        self.apply_server(now, id.0, effects, Some(response), None);
    }

    /// The ACK of the 2xx came, which is a request of its own (RFC 3261 §13.2.2.4): that answer need not go again.
    pub fn acknowledged(&mut self, id: ServerTransactionId) {
        if let Some(server) = self.servers.get_mut(id.0) {
            server.acknowledged = true;
        }
    }

    /// Cancels an INVITE of ours, as soon as RFC 3261 §9.1 lets us; `reason` is a Reason header
    /// field value (RFC 3326). Nothing happens once a final response has come.
    pub fn cancel(&mut self, now: Instant, id: ClientTransactionId, reason: Option<&str>) {
        let Some(client) = self.clients.get_mut(id.0) else {
            return;
        };
        if !client.is_invite() || !client.is_pending() || client.cancel != Cancel::No {
            return;
        }
        client.cancel = Cancel::Wanted {
            reason: reason.map(Into::into),
        };
        if client.may_cancel_now() {
            self.send_cancel(now, id.0);
        }
    }

    /// Sends a message that has no transaction: an ACK for a 2xx gets our Via with a branch of its
    /// own on top (RFC 3261 §17.1.1.3); a response goes as it is.
    pub fn send(&mut self, _now: Instant, target: Target, mut message: Message) {
        if message.is_request() {
            let via = self.fresh_via(target.transport(), None).0;
            message.push_front(HeaderName::Via, via);
        }
        self.output_send(target, message.to_bytes());
    }

    /// Answers a request that has no transaction here.
    pub fn respond_statelessly(&mut self, source: &Source, response: &Message) {
        let listener = ViaView::top(response).map(|via| Listener::of(&via));
        match via::way_back(source, listener, true) {
            Some(target) => self.output_send(target, response.to_bytes()),
            None => self.counters.unsent += 1,
        }
    }

    /// Sends a stray response on by its topmost Via, ours having been taken off
    /// (RFC 3261 §16.7 item 9 and RFC 6026 §8.4).
    pub fn forward_response_statelessly(&mut self, response: &Message) {
        match via::by_via(response) {
            Some(target) => self.output_send(target, response.to_bytes()),
            None => self.counters.unsent += 1,
        }
    }

    /// What there is to do.
    #[must_use]
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout). It may turn out that nothing is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.schedule.next()
    }

    /// Where the request came from.
    pub fn source(&self, id: ServerTransactionId) -> Option<Source> {
        self.servers.get(id.0).map(|server| server.source)
    }

    /// Where the request went to.
    pub fn target(&self, id: ClientTransactionId) -> Option<Target> {
        self.clients.get(id.0).map(|client| client.target)
    }

    /// How many transactions there are.
    pub fn len(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What nobody was told about.
    pub fn counters(&self) -> Counters {
        self.counters
    }
}
