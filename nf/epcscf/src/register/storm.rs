//! Everybody comes at once, as after an outage: who is too many is told when to come again (RFC 3261 §21.5.4).

use std::time::{Duration, Instant};

use crate::flow::Allowance;

/// Of what can be served, so much is promised to those who were sent away; the rest is for others.
const PROMISED: f64 = 0.8;
/// Nobody is sent away for longer: beyond it, all that is promised is the last moment of it.
const LONGEST: Duration = Duration::from_mins(5);

/// How many registrations begin in a second, and when those who were too many may come again.
#[derive(Debug)]
pub(crate) struct Storm {
    per_second: u32,
    allowance: Allowance,
    /// Until when every moment is promised to somebody.
    promised: Instant,
}

impl Storm {
    /// Without a rate there is no limit.
    pub(crate) fn new(now: Instant, per_second: u32) -> Self {
        Self {
            per_second,
            allowance: Allowance::new(now, per_second),
            promised: now,
        }
    }

    /// Whether one more may begin now; if not, after how many seconds to come again. Each who is sent
    /// away has a moment of his own, so that they do not all come back together.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<(), u32> {
        if self.per_second == 0 || self.allowance.take(now) {
            return Ok(());
        }
        let each = Duration::from_secs_f64(1.0 / (f64::from(self.per_second) * PROMISED));
        let soonest = now + Duration::from_secs(1);
        self.promised = (self.promised.max(soonest) + each).min(now + LONGEST);
        let wait = self.promised.saturating_duration_since(now);
        Err(wait.as_secs_f64().ceil() as u32)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Ten thousand at once, and a trickle of others: all are in within a minute, nobody asks more than
    /// a few times, and no second has more than twice the rate.
    #[test]
    fn ten_thousand_are_back_within_a_minute() {
        let begin = testbed::Clock::new().now();
        let mut storm = Storm::new(begin, 500);
        let mut due: BTreeMap<Duration, Vec<u32>> = BTreeMap::new();
        due.insert(Duration::ZERO, vec![0; 10_000]);
        for second in 0..60 {
            let others = due.entry(Duration::from_millis(second * 1000 + 500));
            others.or_default().extend([0; 20]);
        }
        let (mut admitted, mut per_second) = (0, [0_u32; 61]);
        while let Some((at, clients)) = due.pop_first() {
            assert!(at <= Duration::from_mins(1), "{admitted} by then");
            for tries in clients {
                assert!(tries < 4, "sent away for the fourth time at {at:?}");
                match storm.admit(begin + at) {
                    Ok(()) => {
                        admitted += 1;
                        per_second[at.as_secs() as usize] += 1;
                    }
                    Err(wait) => {
                        assert!(wait > 0);
                        let again = at + Duration::from_secs(u64::from(wait));
                        due.entry(again).or_default().push(tries + 1);
                    }
                }
            }
        }
        assert_eq!(admitted, 10_000 + 60 * 20);
        assert!(
            per_second.iter().all(|count| *count <= 1_500),
            "{per_second:?}"
        );
    }

    #[test]
    fn nobody_waits_for_ever_and_no_rate_is_no_limit() {
        let now = testbed::Clock::new().now();
        let mut storm = Storm::new(now, 1);
        let waits: Vec<u32> = (0..1_000).filter_map(|_| storm.admit(now).err()).collect();
        assert_eq!(waits.len(), 998);
        assert!(
            waits.is_sorted() && waits[0] >= 2 && waits[997] == 300,
            "{waits:?}"
        );
        let mut calm = Storm::new(now, 0);
        assert!((0..10_000).all(|_| calm.admit(now).is_ok()));
    }
}
