//! Which events came, and which came after which.

use std::fmt;

/// What can happen to the shard: a message of one of its kinds from a side, or what the gateway and the network do.
pub(crate) const EVENTS: &[&str] = &[
    "wic INVITE offer",
    "wic INVITE",
    "wic re-INVITE offer",
    "wic re-INVITE",
    "wic UPDATE offer",
    "wic UPDATE",
    "wic PRACK",
    "wic ACK",
    "wic ACK answer",
    "wic CANCEL",
    "wic BYE",
    "wic INFO",
    "wic 180",
    "wic 183 preview",
    "wic 183 reliable",
    "wic 2xx INVITE",
    "wic 2xx",
    "wic failure INVITE",
    "wic failure",
    "core INVITE offer",
    "core INVITE",
    "core re-INVITE offer",
    "core re-INVITE",
    "core UPDATE offer",
    "core UPDATE",
    "core PRACK",
    "core ACK",
    "core ACK answer",
    "core CANCEL",
    "core BYE",
    "core INFO",
    "core 180",
    "core 183 preview",
    "core 183 reliable",
    "core 2xx INVITE",
    "core 2xx",
    "core failure INVITE",
    "core failure",
    "gateway reply",
    "gateway refusal",
    "gateway lost",
    "flow lost",
    "flow back",
    "wic m-line added",
    "wic m-line removed",
    "wic dcmap added",
    "wic dcmap removed",
    "core m-line added",
    "core m-line removed",
    "core dcmap added",
    "core dcmap removed",
    "channel opened",
    "channel closed",
    "channels ended",
];

pub(crate) struct Coverage {
    /// How often one came somewhere after the other in a schedule, and next to it.
    after: Vec<u64>,
    next: Vec<u64>,
    events: u64,
    schedules: u64,
}

const PAIRS: usize = EVENTS.len() * EVENTS.len();

fn pair(first: usize, then: usize) -> usize {
    first * EVENTS.len() + then
}

fn met(pairs: &[u64]) -> usize {
    pairs.iter().filter(|count| **count > 0).count()
}

impl Default for Coverage {
    fn default() -> Self {
        Self {
            after: vec![0; PAIRS],
            next: vec![0; PAIRS],
            events: 0,
            schedules: 0,
        }
    }
}

impl std::ops::AddAssign for Coverage {
    fn add_assign(&mut self, other: Self) {
        for (own, more) in [(&mut self.after, other.after), (&mut self.next, other.next)] {
            for (own, more) in own.iter_mut().zip(more) {
                *own += more;
            }
        }
        self.events += other.events;
        self.schedules += other.schedules;
    }
}

impl Coverage {
    /// The events of one schedule, in order.
    pub(crate) fn note(&mut self, events: &[usize]) {
        self.schedules += 1;
        self.events += events.len() as u64;
        for both in events.windows(2) {
            self.next[pair(both[0], both[1])] += 1;
        }
        let mut seen = 0_u64;
        for event in events {
            for before in (0..EVENTS.len()).filter(|before| seen & (1 << before) != 0) {
                self.after[pair(before, *event)] += 1;
            }
            seen |= 1 << event;
        }
    }

    fn missing(&self) -> Vec<String> {
        let all = (0..EVENTS.len()).flat_map(|a| (0..EVENTS.len()).map(move |b| (a, b)));
        all.filter(|(a, b)| self.after[pair(*a, *b)] == 0)
            .map(|(a, b)| format!("{} .. {}", EVENTS[a], EVENTS[b]))
            .collect()
    }

    /// Every event came after every event.
    pub(crate) fn assert_complete(&self) {
        let missing = self.missing();
        assert!(missing.is_empty(), "never came: {missing:#?}");
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} schedules, {} events", self.schedules, self.events)?;
        writeln!(
            f,
            "ordered pairs of {} events: {} of {PAIRS} in one schedule, {} side by side",
            EVENTS.len(),
            met(&self.after),
            met(&self.next)
        )?;
        for missing in self.missing().iter().take(20) {
            writeln!(f, "not yet: {missing}")?;
        }
        Ok(())
    }
}
