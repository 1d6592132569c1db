//! Identities of a pool (TS 24.371 §6.4.3): who is registered by which lease, and when nobody is any
//! more, so that the WAF can lend the identity to somebody else (§6A.3, note).
//!
//! ```text
//!  binding kept ──▶ LeaseHeld        the last one of all shards gone: the shell tells every shard
//!  binding gone ──▶ LeaseLeft ──────────────────────────────────────▶ handle_lease_ended ──▶ the WAF
//! ```
//! From [`EpCscf::handle_lease_ended`] on none of the lease's tokens is taken here, and no binding by it
//! stays: only then may the WAF hear of it.

use std::collections::HashMap;
use std::time::Instant;

use crate::EpCscf;
use crate::output::Output;

/// Which binding is by which lease.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    by_binding: HashMap<u64, String>,
}

impl EpCscf {
    /// A binding was kept, by this lease or by none.
    pub(crate) fn hold(&mut self, now: Instant, binding: u64, lease: Option<&String>) {
        let before = self.leases.by_binding.get(&binding);
        if before == lease {
            return;
        }
        self.leave(binding);
        let Some(lease) = lease else {
            return;
        };
        self.leases.by_binding.insert(binding, lease.clone());
        self.outputs.push_back(Output::LeaseHeld {
            lease: lease.clone(),
        });
        // It ended while the core was asked.
        if self.verifier.has_ended(lease) {
            self.forget_binding(now, binding);
        }
    }

    /// A binding is gone, or by another lease now.
    pub(crate) fn leave(&mut self, binding: u64) {
        if let Some(lease) = self.leases.by_binding.remove(&binding) {
            self.outputs.push_back(Output::LeaseLeft { lease });
        }
    }

    /// Whether this binding's identity is lent.
    pub(crate) fn is_lent(&self, binding: u64) -> bool {
        self.leases.by_binding.contains_key(&binding)
    }

    /// Nobody is registered by this lease in any shard: it is over, here too.
    pub fn handle_lease_ended(&mut self, now: Instant, lease: &str) {
        let unix = self
            .wall(now)
            .duration_since(std::time::SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        self.verifier.end_lease(unix, lease);
        let held = self.leases.by_binding.iter();
        let by_it: Vec<u64> = held
            .filter(|(_, held)| *held == lease)
            .map(|(binding, _)| *binding)
            .collect();
        for binding in by_it {
            self.forget_binding(now, binding);
        }
        self.drive(now);
    }
}
