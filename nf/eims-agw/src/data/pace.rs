//! How often a peer may ask somebody: each request goes to whoever speaks Iq, an eP-CSCF or an enabler that is there for
//! all calls.

use std::time::{Duration, Instant};

/// As many at once as one association may have channels, at both ends.
const AT_ONCE: u32 = 512;
/// Then one in this time.
const EACH: Duration = Duration::from_millis(20);

/// What may still be asked.
#[derive(Debug)]
pub(super) struct Pace {
    left: u32,
    /// Until when what is left was counted.
    since: Option<Instant>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            left: AT_ONCE,
            since: None,
        }
    }
}

impl Pace {
    /// Whether one more may be asked now; then it counts.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        let passed = now.saturating_duration_since(since);
        let more = u32::try_from(passed.as_millis() / EACH.as_millis()).unwrap_or(u32::MAX);
        if more >= AT_ONCE - self.left {
            (self.left, self.since) = (AT_ONCE, Some(now));
        } else {
            self.left += more;
            self.since = Some(since + EACH * more);
        }
        let may = self.left > 0;
        self.left -= u32::from(may);
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_burst_and_then_a_rate() {
        let mut pace = Pace::default();
        let mut now = testbed::Clock::new().now();
        let at_once = |pace: &mut Pace, now| (0..2 * AT_ONCE).filter(|_| pace.take(now)).count();
        assert_eq!(at_once(&mut pace, now), AT_ONCE as usize);
        // Asked more often than that, it is the same.
        let mut taken = 0;
        for _ in 0..3000 {
            now += Duration::from_millis(1);
            taken += usize::from(pace.take(now));
        }
        assert_eq!(taken, 150);
        now += EACH * AT_ONCE + EACH;
        assert_eq!(at_once(&mut pace, now), AT_ONCE as usize);
    }
}
