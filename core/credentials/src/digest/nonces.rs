//! The nonces a server has given out (RFC 7616 §5.4, §5.12): which it still takes, and how often each was used.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::Random;

/// Nonces given out, each with its highest nonce count. Bounded: the oldest make room.
#[derive(Debug)]
pub struct Nonces {
    lifetime: Duration,
    capacity: usize,
    known: HashMap<String, Issued>,
    /// In the order they were given out.
    order: VecDeque<String>,
}

#[derive(Debug)]
struct Issued {
    expires: Instant,
    highest_nc: u32,
}

/// What to do with credentials, before their response is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonceVerdict {
    /// Check the response.
    Fresh,
    /// Not ours, too old or used up: if the response is right, challenge again with `stale=true`.
    Stale,
    /// This nonce count was seen: somebody plays a request again (RFC 7616 §5.12).
    Replayed,
}

impl Nonces {
    /// Nonces that live for `lifetime`, at most `capacity` of them.
    pub fn new(lifetime: Duration, capacity: usize) -> Self {
        Self {
            lifetime,
            capacity: capacity.max(1),
            known: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// A fresh nonce.
    pub fn issue(&mut self, now: Instant, random: &mut Random) -> String {
        self.issue_for(now, self.lifetime, random)
    }

    /// A fresh nonce that lasts longer than others, or shorter.
    pub fn issue_for(&mut self, now: Instant, lifetime: Duration, random: &mut Random) -> String {
        while let Some(oldest) = self.order.front() {
            let full = self.order.len() >= self.capacity;
            if !full
                && self
                    .known
                    .get(oldest)
                    .is_some_and(|issued| issued.expires > now)
            {
                break;
            }
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
        let nonce = random.token();
        self.known.insert(
            nonce.clone(),
            Issued {
                expires: now + lifetime,
                highest_nc: 0,
            },
        );
        self.order.push_back(nonce.clone());
        nonce
    }

    /// Judges a nonce and its count without noting them.
    pub fn check(&self, now: Instant, nonce: &str, nc: Option<u32>) -> NonceVerdict {
        match self.known.get(nonce) {
            None => NonceVerdict::Stale,
            Some(issued) if issued.expires <= now => NonceVerdict::Stale,
            // Without qop there is no count: such a nonce is good for one request.
            Some(issued) => match nc.unwrap_or(1) > issued.highest_nc {
                true => NonceVerdict::Fresh,
                false if nc.is_none() => NonceVerdict::Stale,
                false => NonceVerdict::Replayed,
            },
        }
    }

    /// Notes that a right response came with this count: it and those below are used up.
    pub fn accept(&mut self, nonce: &str, nc: Option<u32>) {
        if let Some(issued) = self.known.get_mut(nonce) {
            issued.highest_nc = issued.highest_nc.max(nc.unwrap_or(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_good_once_and_a_nonce_for_its_time() {
        let now = testbed::Clock::new().now();
        let mut random = Random::new([0; 32]);
        let mut nonces = Nonces::new(Duration::from_mins(1), 2);
        let nonce = nonces.issue(now, &mut random);
        assert_eq!(nonces.check(now, &nonce, Some(1)), NonceVerdict::Fresh);
        nonces.accept(&nonce, Some(1));
        assert_eq!(nonces.check(now, &nonce, Some(1)), NonceVerdict::Replayed);
        assert_eq!(nonces.check(now, &nonce, Some(2)), NonceVerdict::Fresh);
        assert_eq!(nonces.check(now, &nonce, None), NonceVerdict::Stale);
        assert_eq!(nonces.check(now, "other", Some(1)), NonceVerdict::Stale);
        let later = now + Duration::from_mins(1);
        assert_eq!(nonces.check(later, &nonce, Some(2)), NonceVerdict::Stale);
    }

    #[test]
    fn the_oldest_make_room() {
        let now = testbed::Clock::new().now();
        let mut random = Random::new([0; 32]);
        let mut nonces = Nonces::new(Duration::from_mins(1), 2);
        let issued: Vec<_> = (0..5).map(|_| nonces.issue(now, &mut random)).collect();
        assert_eq!(nonces.known.len(), 2);
        assert_eq!(nonces.check(now, &issued[2], Some(1)), NonceVerdict::Stale);
        assert_eq!(nonces.check(now, &issued[3], Some(1)), NonceVerdict::Fresh);
        nonces.issue(now + Duration::from_mins(1), &mut random);
        assert_eq!(nonces.known.len(), 1);
    }
}
