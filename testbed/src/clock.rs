use std::time::{Duration, Instant};

/// A clock that moves only when it is told to.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    now: Instant,
}

impl Clock {
    /// Begins at some instant; which one never matters to a test.
    pub fn new() -> Self {
        // `Instant` has no other constructor. All that follows is arithmetic on this one.
        let start = Instant::now();
        Self { start, now: start }
    }

    /// Moves on by `step`.
    pub fn advance(&mut self, step: Duration) -> Instant {
        self.now += step;
        self.now
    }

    /// Moves on to `at`, and never back.
    pub fn advance_to(&mut self, at: Instant) -> Instant {
        self.now = self.now.max(at);
        self.now
    }

    /// What time it is.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// How long this clock has run.
    pub fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    /// How long after the start `at` is.
    pub fn since_start(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.start)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
