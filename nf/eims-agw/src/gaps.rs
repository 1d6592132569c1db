//! Video that is missing on its way from the WIC, when the far end cannot ask for it itself
//! (no NACK towards an AVP core): then the gateway asks.

use std::time::{Duration, Instant};

use smallvec::SmallVec;

/// More than that at once is not loss but a new beginning.
const WIDEST: u16 = 64;

/// A packet is asked for that often.
const TIMES: u8 = 4;

/// And that long after the last time: more than a round trip over a mobile network.
const AGAIN: Duration = Duration::from_millis(100);

/// What is missing of one sequence of packets.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    newest: Option<(u32, u16)>,
    missing: SmallVec<[Missing; 8]>,
}

#[derive(Clone, Copy, Debug)]
struct Missing {
    sequence: u16,
    asked: u8,
    again: Instant,
}

impl Gaps {
    /// Notes a packet; says whether something new is missing.
    pub(crate) fn note(&mut self, now: Instant, ssrc: u32, sequence: u16) -> bool {
        let Some((known, newest)) = self.newest else {
            self.newest = Some((ssrc, sequence));
            return false;
        };
        if known != ssrc {
            self.missing.clear();
            self.newest = Some((ssrc, sequence));
            return false;
        }
        let ahead = sequence.wrapping_sub(newest);
        if ahead >= 0x8000 || ahead == 0 {
            self.missing.retain(|missing| missing.sequence != sequence);
            return false;
        }
        self.newest = Some((ssrc, sequence));
        if ahead == 1 {
            return false;
        }
        if ahead > WIDEST {
            self.missing.clear();
            return false;
        }
        for step in 1..ahead {
            if self.missing.len() >= usize::from(WIDEST) {
                self.missing.remove(0);
            }
            self.missing.push(Missing {
                sequence: newest.wrapping_add(step),
                asked: 0,
                again: now,
            });
        }
        true
    }

    /// When to [ask](Self::ask) again.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.missing.iter().map(|missing| missing.again).min()
    }

    /// What to ask for now, in rising order, and of whom.
    pub(crate) fn ask(&mut self, now: Instant) -> Option<(u32, SmallVec<[u16; 8]>)> {
        let (ssrc, _) = self.newest?;
        let mut wanted = SmallVec::new();
        for missing in &mut self.missing {
            if missing.again <= now {
                if missing.asked < TIMES {
                    wanted.push(missing.sequence);
                }
                missing.asked += 1;
                missing.again = now + AGAIN;
            }
        }
        self.missing.retain(|missing| missing.asked <= TIMES);
        (!wanted.is_empty()).then_some((ssrc, wanted))
    }
}

#[cfg(test)]
mod tests {
    use testbed::Clock;

    use super::*;

    #[test]
    fn a_gap_is_asked_for_until_it_is_filled() {
        let mut now = Clock::new().now();
        let mut gaps = Gaps::default();
        assert!(!gaps.note(now, 1, 65534));
        assert!(gaps.note(now, 1, 2));
        let (ssrc, wanted) = gaps.ask(now).unwrap();
        assert_eq!((ssrc, wanted.as_slice()), (1, &[65535, 0, 1][..]));
        assert_eq!(gaps.ask(now), None);
        assert!(!gaps.note(now, 1, 0));
        now = gaps.next().unwrap();
        assert_eq!(gaps.ask(now).unwrap().1.as_slice(), [65535, 1]);
        for _ in 0..2 {
            now += AGAIN;
            assert!(gaps.ask(now).is_some());
        }
        now += AGAIN;
        assert_eq!(gaps.ask(now), None, "given up");
        assert_eq!(gaps.next(), None);
    }

    #[test]
    fn a_new_source_or_a_leap_is_no_gap() {
        let now = Clock::new().now();
        let mut gaps = Gaps::default();
        gaps.note(now, 1, 10);
        assert!(!gaps.note(now, 1, 5000));
        assert!(!gaps.note(now, 2, 9));
        assert!(!gaps.note(now, 2, 10));
        assert_eq!(gaps.next(), None);
    }

    #[test]
    fn never_remembers_more_than_a_little() {
        let now = Clock::new().now();
        let mut gaps = Gaps::default();
        for step in 0..100u16 {
            gaps.note(now, 1, step * 40);
        }
        assert_eq!(gaps.missing.len(), usize::from(WIDEST));
    }
}
