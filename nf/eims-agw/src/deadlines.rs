//! When each stream wants to be looked at again.

use std::collections::BTreeSet;
use std::time::Instant;

/// At most one deadline a stream; the earliest is found at once.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    queue: BTreeSet<(Instant, u32)>,
}

impl Deadlines {
    /// Replaces a stream's deadline. `current` is where the stream keeps it.
    pub(crate) fn set(&mut self, stream: u32, current: &mut Option<Instant>, at: Option<Instant>) {
        if *current == at {
            return;
        }
        if let Some(old) = current.take() {
            self.queue.remove(&(old, stream));
        }
        if let Some(new) = at {
            self.queue.insert((new, stream));
        }
        *current = at;
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Takes the first stream whose time has come. Its own note of the deadline is stale then.
    pub(crate) fn due(&mut self, now: Instant) -> Option<u32> {
        let &(at, stream) = self.queue.first()?;
        if at > now {
            return None;
        }
        self.queue.pop_first();
        Some(stream)
    }
}
