//! How often one consumer may ask: a bucket each, which fills while it is silent.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use api_mmtel_es::Cause;
use axum::http::HeaderValue;
use axum::http::header::RETRY_AFTER;

use super::Refusal;

/// Consumers that are told apart at one time; of more, those that were silent longest are forgotten.
const CONSUMERS: usize = 10_000;

/// Who asks, as far as counting goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    Client(String),
    Address(IpAddr),
}

/// All buckets.
#[derive(Debug)]
pub(in crate::mes) struct Rates {
    /// Requests a second; as many may come at once.
    rate: f64,
    buckets: Mutex<HashMap<Who, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    seen: Instant,
}

impl Rates {
    /// None at zero: any number.
    pub(in crate::mes) fn new(per_second: u32) -> Option<Self> {
        (per_second > 0).then(|| Self {
            rate: f64::from(per_second),
            buckets: Mutex::default(),
        })
    }

    /// TS 29.122 §5.2.6: 429, with how long to wait.
    pub(super) fn take(&self, now: Instant, who: Who) -> Result<(), Refusal> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CONSUMERS && !buckets.contains_key(&who) {
            // Who was silent for a second has a full bucket, as who was never seen.
            buckets.retain(|_, bucket| now.duration_since(bucket.seen).as_secs() < 1);
            if buckets.len() >= CONSUMERS {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(who).or_insert(Bucket {
            left: self.rate,
            seen: now,
        });
        let silent = now.saturating_duration_since(bucket.seen).as_secs_f64();
        bucket.left = (bucket.left + silent * self.rate).min(self.rate);
        bucket.seen = now;
        if bucket.left < 1.0 {
            let refusal = Refusal::new(429).detail("This consumer asks too often.");
            let refusal = refusal.cause(&Cause::NfCongestion);
            return Err(refusal.header(RETRY_AFTER, HeaderValue::from_static("1")));
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_consumer_has_so_many_a_second() {
        let rates = Rates::new(3).unwrap();
        let one = || Who::Client("a".into());
        let begin = Instant::now();
        for _ in 0..3 {
            assert!(rates.take(begin, one()).is_ok());
        }
        assert_eq!(rates.take(begin, one()).unwrap_err().status(), 429);
        let other = Who::Address(IpAddr::from([127, 0, 0, 1]));
        assert!(rates.take(begin, other).is_ok());
        let later = begin + Duration::from_millis(400);
        assert!(rates.take(later, one()).is_ok());
        assert!(rates.take(later, one()).is_err());
        assert!(Rates::new(0).is_none());
    }

    #[test]
    fn strangers_take_a_bounded_room() {
        let rates = Rates::new(1).unwrap();
        let begin = Instant::now();
        for number in 0..25_000_u32 {
            let _ = rates.take(begin, Who::Client(number.to_string()));
        }
        assert!(rates.buckets.lock().unwrap().len() <= CONSUMERS);
    }
}
