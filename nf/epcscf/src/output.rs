//! What comes out.

use std::net::SocketAddr;

use bytes::Bytes;
use core_credentials::Secret;
use core_iq::{Command, RequestId};
use core_sip::{ConnectionId, Source, Target};
use wire_sip::Message;

use crate::session::ApplicationsQuery;

/// What the shell is to do.
#[derive(Debug, Clone)]
pub enum Output {
    /// Send one WebSocket message.
    W2Send {
        /// On which connection.
        connection: ConnectionId,
        /// One SIP message, or a keep-alive.
        message: Bytes,
    },
    /// Close a WebSocket.
    W2Close {
        /// Which.
        connection: ConnectionId,
        /// RFC 6455 §7.4.
        code: u16,
        /// For the close frame.
        reason: &'static str,
    },
    /// Send one message towards the core.
    MwSend {
        /// Where to.
        target: Target,
        /// One SIP message.
        message: Bytes,
    },
    /// Ask the gateway.
    Iq {
        /// For its reply.
        id: RequestId,
        /// What.
        command: Command,
    },
    /// Ask the issuer of a token about it (RFC 7662 §2.1), and tell by `handle_introspected`.
    Introspect {
        /// For the answer.
        id: u64,
        /// Who issued it: `iss`.
        issuer: String,
        /// The token.
        token: Secret,
    },
    /// Ask the application repository, and tell by `handle_applications`.
    Applications {
        /// For the answer.
        id: u64,
        /// What, and for whom.
        query: Box<ApplicationsQuery>,
    },
    /// Look a host up (A and AAAA), and tell by `handle_resolved`.
    Resolve {
        /// The name.
        host: String,
    },
    /// This WebSocket's WIC lives in another shard: from now on all of it goes there, beginning
    /// with this message.
    HandOver {
        /// Which connection; it is forgotten here.
        connection: ConnectionId,
        /// Who is there.
        peer: W2Peer,
        /// Where to.
        shard: u16,
        /// The REGISTER that told.
        message: Bytes,
    },
    /// Somebody is registered by this lease of a pool's identity (TS 24.371 §6.4.3).
    LeaseHeld {
        /// The lease, as its tokens name it.
        lease: String,
    },
    /// One registration by this lease is over (TS 24.371 §6A.3). When it was the last of all shards',
    /// tell them all by `handle_lease_ended`, and then the WAF.
    LeaseLeft {
        /// The lease.
        lease: String,
    },
    /// A message of the core's for another shard.
    PassOn {
        /// Where to.
        shard: u16,
        /// Where it came from.
        source: Source,
        /// The message.
        message: Box<Message>,
    },
}

/// Who is at the other end of a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct W2Peer {
    /// The address it came from.
    pub remote: SocketAddr,
    /// The address it came to.
    pub local: SocketAddr,
    /// Whether TLS is between.
    pub secure: bool,
}

/// What was done since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// WebSockets that are open.
    pub flows: u64,
    /// Registrations that hold.
    pub bindings: u64,
    /// Calls and early calls.
    pub sessions: u64,
    /// Registrations that were accepted, refreshes too.
    pub registered: u64,
    /// Registrations that were told to come later.
    pub registration_deferred: u64,
    /// Registrations that were refused, by us or by the core.
    pub registration_refused: u64,
    /// Calls that began, either way.
    pub calls: u64,
    /// Calls that were answered.
    pub answered: u64,
    /// Calls that we ended ourselves.
    pub released: u64,
    /// Messages that were no SIP.
    pub malformed: u64,
    /// Messages dropped because their sender sends too many.
    pub flooded: u64,
    /// Access tokens that were refused.
    pub tokens_refused: u64,
    /// Tokens in Route or Path that were not ours.
    pub forged: u64,
    /// Emergency calls that got 380.
    pub emergency: u64,
}
