//! Leases of a pool's identities, counted over all shards: when the last registration by one is over, every
//! shard is told, and when all of them take its tokens no more, the WAF is (TS 24.371 §6A.3).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

/// Who is registered by which lease, in how many bindings.
#[derive(Debug)]
pub(crate) struct Leases {
    held: Mutex<HashMap<String, u32>>,
    to_waf: UnboundedSender<String>,
}

/// A lease that ends: every shard has one, and lets it go when it is done. Then the WAF is told.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) lease: String,
    /// A shard could not be told: the WAF finds out when the tokens have expired.
    lost: AtomicBool,
    to_waf: UnboundedSender<String>,
}

impl Leases {
    pub(crate) fn new(to_waf: UnboundedSender<String>) -> Arc<Self> {
        Arc::new(Self {
            held: Mutex::default(),
            to_waf,
        })
    }

    /// One more registration.
    pub(super) fn hold(&self, lease: String) {
        *self.lock().entry(lease).or_default() += 1;
    }

    /// One less; what to tell every shard if it was the last.
    pub(super) fn leave(&self, lease: String) -> Option<Arc<Ending>> {
        let mut held = self.lock();
        let count = held.get_mut(&lease)?;
        *count = count.saturating_sub(1);
        if *count > 0 {
            return None;
        }
        held.remove(&lease);
        Some(Arc::new(Ending {
            lease,
            lost: AtomicBool::new(false),
            to_waf: self.to_waf.clone(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ending {
    /// A shard will not hear of it.
    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.lost.load(Ordering::Acquire) {
            // Without anybody to tell it is told when the tokens have expired.
            let _ = self.to_waf.send(std::mem::take(&mut self.lease));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waf_is_told_when_every_shard_is_done() {
        let (to_waf, mut told) = tokio::sync::mpsc::unbounded_channel();
        let leases = Leases::new(to_waf);
        leases.hold("a".into());
        leases.hold("a".into());
        assert!(leases.leave("a".into()).is_none(), "one is left");
        let ending = leases.leave("a".into()).expect("the last");
        let second = Arc::clone(&ending);
        drop(ending);
        assert!(told.try_recv().is_err(), "one shard is not done");
        drop(second);
        assert_eq!(told.try_recv().as_deref(), Ok("a"));
        assert!(leases.leave("a".into()).is_none(), "it is known no more");
    }

    #[test]
    fn a_shard_that_could_not_be_told_keeps_it_from_the_waf() {
        let (to_waf, mut told) = tokio::sync::mpsc::unbounded_channel();
        let leases = Leases::new(to_waf);
        leases.hold("a".into());
        let ending = leases.leave("a".into()).expect("the last");
        ending.lose();
        drop(ending);
        assert!(told.try_recv().is_err());
    }
}
