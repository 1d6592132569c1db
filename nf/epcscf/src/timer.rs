//! When to come back: one heap of deadlines. A deadline that no longer means anything is passed
//! over when it comes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use core_sip::{ConnectionId, ServerTransactionId};

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A registration ends (TS 24.229 §5.2.2.1).
    BindingExpires(u64),
    /// A WebSocket that carries no registration (TS 24.371 §6A.2).
    Unregistered(ConnectionId),
    /// A WIC did not come back in time (TS 23.228 §5.10.3.1).
    WicGone(u64),
    /// A subscription to `reg` is to be refreshed.
    WatchAgain(u64),
    /// An issuer has not answered about a token.
    IssuerSilent(u64),
    /// The gateway has not answered for a session.
    GatewaySilent(u64),
    /// A request of our own may be tried (again) in a session.
    OwnAgain(u64),
    /// The session timer of a session (RFC 4028).
    Refresh(u64),
    /// A request of our own is not answered in a session.
    OwnLate(u64),
    /// A response that the edge has made reliable goes out again in a session (RFC 3262 §3).
    Promise(u64),
    /// An answer to an INVITE may have had no ACK in a session (RFC 3261 §13.3.1.4).
    Unacknowledged(u64),
    /// A request still waits for its host to be looked up.
    Unresolved(ServerTransactionId),
    /// RFC 3261 §16.8, Timer C of a forwarded INVITE.
    TimerC(ServerTransactionId),
}

#[derive(Debug, Default)]
pub(crate) struct Timers(BinaryHeap<Reverse<(Instant, Timer)>>);

impl Timers {
    pub(crate) fn set(&mut self, at: Instant, timer: Timer) {
        self.0.push(Reverse((at, timer)));
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    pub(crate) fn due(&mut self, now: Instant) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        self.0.pop().map(|Reverse((_, timer))| timer)
    }
}
