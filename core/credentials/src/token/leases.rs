//! Leases that have ended before their tokens (TS 24.371 §6.4.3): identities of a pool go from one
//! person to the next, and the one before must not come back with a token that is still young.

use std::collections::HashMap;

use super::Claims;

/// Leases that are remembered.
const MOST: usize = 20_000;
/// How long one is remembered, in seconds: no token of a pool lives longer.
pub(super) const REMEMBERED: u64 = 24 * 3600;

/// What is known of leases that have ended.
#[derive(Debug, Default)]
pub(super) struct EndedLeases {
    ended: HashMap<String, u64>,
    /// Of tokens issued up to then nothing is known, if there was such a time.
    unknown_until: Option<u64>,
}

impl EndedLeases {
    pub(super) fn forget(&mut self, now: u64) {
        self.ended.clear();
        self.unknown_until = self.unknown_until.max(Some(now));
    }

    pub(super) fn end(&mut self, now: u64, lease: &str) {
        if self.ended.len() >= MOST {
            self.ended
                .retain(|_, at| now < at.saturating_add(REMEMBERED));
        }
        if self.ended.len() >= MOST {
            // No room to tell them apart: all of them have to ask for new tokens.
            self.forget(now);
        } else {
            self.ended.insert(lease.to_owned(), now);
        }
    }

    pub(super) fn has_ended(&self, lease: &str) -> bool {
        self.ended.contains_key(lease)
    }

    pub(super) fn refuse(&self, claims: &Claims) -> bool {
        claims.lease.as_ref().is_some_and(|lease| {
            self.unknown_until.is_some_and(|until| claims.iat <= until)
                || self.ended.contains_key(lease)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(lease: usize, iat: u64) -> Claims {
        Claims {
            lease: Some(lease.to_string()),
            iat,
            ..Claims::default()
        }
    }

    #[test]
    fn memory_is_bounded_and_no_lease_comes_back() {
        let mut leases = EndedLeases::default();
        for lease in 0..3 * MOST {
            leases.end(lease as u64, &lease.to_string());
            assert!(leases.ended.len() <= MOST);
        }
        for lease in (0..3 * MOST).step_by(997) {
            assert!(leases.refuse(&claims(lease, lease as u64)), "{lease}");
        }
        assert!(!leases.refuse(&claims(3 * MOST, 3 * MOST as u64)));
        assert!(!leases.refuse(&Claims::default()));
    }
}
