//! A flow: one WebSocket, from its opening to its end (RFC 5626 §3.3, RFC 7118).

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

use core_sip::{ConnectionId, Source, Transport};

use crate::W2Peer;

/// Garbage of one peer, by weight, before its WebSocket is closed.
pub(crate) const MOST_GARBAGE: u8 = 9;
/// Refused tokens of one peer before its WebSocket is closed.
pub(crate) const MOST_REFUSALS: u8 = 5;

#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) peer: W2Peer,
    /// The registration that it carries.
    pub(crate) binding: Option<u64>,
    /// Since when it carries none, while it does not.
    pub(crate) unregistered_since: Instant,
    /// Messages that were no SIP, by weight, less those that were.
    pub(crate) garbage: u8,
    /// Tokens that were refused, since one was taken.
    pub(crate) refusals: u8,
    /// It was let in to register: see [`Storm`](crate::register::Storm).
    pub(crate) admitted: bool,
    /// It has carried a registration.
    pub(crate) was_registered: bool,
    pub(crate) allowance: Allowance,
}

impl Flow {
    pub(crate) fn new(now: Instant, peer: W2Peer, per_second: u32) -> Self {
        Self {
            peer,
            binding: None,
            unregistered_since: now,
            garbage: 0,
            refusals: 0,
            admitted: false,
            was_registered: false,
            allowance: Allowance::new(now, per_second),
        }
    }

    pub(crate) fn transport(&self) -> Transport {
        if self.peer.secure {
            Transport::Wss
        } else {
            Transport::Ws
        }
    }

    pub(crate) fn source(&self, connection: ConnectionId) -> Source {
        Source {
            transport: self.transport(),
            local: self.peer.local,
            remote: self.peer.remote,
            connection: Some(connection),
        }
    }
}

/// A bucket that fills by `per_second` and holds two seconds' worth: what is taken from an empty
/// one is dropped before any work is done for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    per_second: u32,
    left: f64,
    at: Instant,
}

impl Allowance {
    pub(crate) fn new(now: Instant, per_second: u32) -> Self {
        Self {
            per_second,
            left: f64::from(per_second) * 2.0,
            at: now,
        }
    }

    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let rate = f64::from(self.per_second);
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * rate;
        self.left = (self.left + gained).min(rate * 2.0);
        self.at = now;
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }
}

/// One allowance an address, for all of its WebSockets together.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    per_second: u32,
    known: HashMap<IpAddr, Allowance>,
}

impl Addresses {
    /// Addresses that are remembered at a time.
    const MOST: usize = 65_536;

    pub(crate) fn new(per_second: u32) -> Self {
        Self {
            per_second,
            known: HashMap::new(),
        }
    }

    pub(crate) fn take(&mut self, now: Instant, address: IpAddr) -> bool {
        if self.known.len() >= Self::MOST && !self.known.contains_key(&address) {
            // Who has been quiet for two seconds has a full bucket again, and need not be known.
            self.known
                .retain(|_, allowance| now.saturating_duration_since(allowance.at).as_secs() < 2);
        }
        let per_second = self.per_second;
        self.known
            .entry(address)
            .or_insert_with(|| Allowance::new(now, per_second))
            .take(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_is_cut_to_its_rate() {
        let begin = testbed::Clock::new().now();
        let mut allowance = Allowance::new(begin, 10);
        let taken = (0..100).filter(|_| allowance.take(begin)).count();
        assert_eq!(taken, 20);
        let later = begin + Duration::from_secs(1);
        assert_eq!((0..100).filter(|_| allowance.take(later)).count(), 10);
    }
}
