//! What [`Transactions`](super::Transactions) is told, and what it says.

use bytes::Bytes;
use wire_sip::Message;

use crate::{Source, Target, TimerSet, Transport};

/// A client transaction: a request of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientTransactionId(pub(super) u64);

/// A server transaction: a request that came to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerTransactionId(pub(super) u64);

/// What [`Transactions`](crate::Transactions) is told once.
#[derive(Debug, Clone)]
pub struct TransactionConfig {
    /// Host and port that we write into Via as sent-by (RFC 3261 §20.42).
    pub sent_by: String,
    /// Exceptions from `sent_by`.
    pub sent_by_transport: Vec<(Transport, String)>,
    /// More Via parameters for requests of ours, such as `;keep` (RFC 6223); empty for none.
    pub via_params: String,
    /// Written into each branch after the magic cookie, so that a router sees from a response
    /// whose it is; a token without `.`, or empty.
    pub branch_label: String,
    /// Timers for requests that come over UDP, TCP and TLS.
    pub timers: TimerSet,
    /// Timers for requests that come over WebSocket, which is from UEs.
    pub websocket_timers: TimerSet,
    /// How many transactions there may be before new requests get 503.
    pub max_transactions: usize,
    /// We are a user agent, so a request that comes by two ways gets 482 (RFC 3261 §8.2.2.2).
    /// A proxy lets it pass.
    pub refuse_merged: bool,
}

impl TransactionConfig {
    /// For a network element that says it is at `sent_by`.
    pub fn new(sent_by: &str) -> Self {
        Self {
            sent_by: sent_by.to_owned(),
            sent_by_transport: Vec::new(),
            via_params: String::new(),
            branch_label: String::new(),
            timers: TimerSet::core(),
            websocket_timers: TimerSet::access(),
            max_transactions: 200_000,
            refuse_merged: false,
        }
    }

    pub(super) fn sent_by(&self, transport: Transport) -> &str {
        let own = self.sent_by_transport.iter().find(|(t, _)| *t == transport);
        own.map_or(&self.sent_by, |(_, sent_by)| sent_by)
    }

    pub(super) fn timers(&self, transport: Transport) -> TimerSet {
        if transport.is_websocket() {
            self.websocket_timers
        } else {
            self.timers
        }
    }

    /// RFC 3261 §18.1.1, RFC 3581 §3: our Via.
    pub(super) fn via(&self, transport: Transport, branch: &str) -> String {
        let rport = if transport == Transport::Udp {
            ";rport"
        } else {
            ""
        };
        let (sent_by, params) = (self.sent_by(transport), &self.via_params);
        format!("SIP/2.0/{transport} {sent_by};branch={branch}{rport}{params}")
    }
}

/// What happened that nobody was told about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages without a Via, CSeq or Call-ID that could be understood.
    pub dropped: u64,
    /// Responses that belong to no request of ours (RFC 4320 §4.3 has them end here).
    pub stray: u64,
    /// Requests that got 503 because there were too many transactions.
    pub refused: u64,
    /// Responses that had nowhere to go.
    pub unsent: u64,
    /// Requests and responses that were sent again.
    pub retransmitted: u64,
    /// Requests that came again.
    pub absorbed: u64,
}

/// What comes out of [`Transactions`](crate::Transactions).
#[derive(Debug, Clone)]
pub enum Output {
    /// Send these bytes.
    Send {
        /// Where to.
        target: Target,
        /// One whole message.
        message: Bytes,
    },
    /// A new request. It is answered with [`Transactions::respond`](crate::Transactions::respond).
    Request {
        /// What to answer it by.
        id: ServerTransactionId,
        /// Where it came from.
        source: Source,
        /// With `received` in its topmost Via, otherwise as it came.
        message: Message,
    },
    /// An ACK for a 2xx, or one for nothing that we know.
    Ack {
        /// Where it came from.
        source: Source,
        /// As it came.
        message: Message,
    },
    /// A response to a request of ours, our Via still on top.
    Response {
        /// Which request.
        id: ClientTransactionId,
        /// As it came.
        message: Message,
    },
    /// A 2xx for an INVITE of ours that is forgotten already (RFC 6026 §8.4), our Via on top.
    StrayResponse {
        /// Where it came from.
        source: Source,
        /// As it came.
        message: Message,
    },
    /// An INVITE was cancelled. The CANCEL is answered already; the INVITE is still to be.
    Cancel {
        /// The INVITE.
        id: ServerTransactionId,
        /// The CANCEL, for its Reason (RFC 3326).
        message: Message,
    },
    /// No final response came in time. A server would have said 408.
    Timeout {
        /// Which request.
        id: ClientTransactionId,
    },
    /// The request could not be sent, or its connection ended. A server would have said 503.
    TransportFailed {
        /// Which request.
        id: ClientTransactionId,
    },
}
