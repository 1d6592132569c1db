use std::{cmp::Reverse, collections::BinaryHeap, time::Instant};

/// A machine's timers: one slot for each kind, numbered by its enum.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimerTable<const N: usize> {
    data: [Option<Instant>; N],
    /// The one entry in the [`Schedule`] that counts for this machine.
    pub(super) scheduled: Option<Instant>,
}

impl<const N: usize> TimerTable<N> {
    pub(super) fn new() -> Self {
        Self {
            data: [None; N],
            scheduled: None,
        }
    }

    pub(super) fn set(&mut self, timer: usize, at: Instant) {
        self.data[timer] = Some(at);
    }

    pub(super) fn stop(&mut self, timer: usize) {
        self.data[timer] = None;
    }

    pub(super) fn stop_all(&mut self) {
        self.data = [None; N];
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.data.iter().flatten().min().copied()
    }

    /// The earliest timer that is due, which stops with this.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(usize, Instant)> {
        let (timer, at) = self
            .data
            .iter()
            .enumerate()
            .filter_map(|(timer, at)| Some((timer, (*at)?)))
            .min_by_key(|(_, at)| *at)?;
        if at > now {
            return None;
        }
        self.data[timer] = None;
        Some((timer, at))
    }
}

/// Which machine an entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Entry {
    Client(u64),
    Server(u64),
}

/// When machines want to run: a heap of entries, each of which may have become void meanwhile.
///
/// A machine has one entry that counts, the earliest it asked for; it is looked at again when that
/// comes up. So moving a timer back costs nothing, and the heap has about one entry a machine.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    heap: BinaryHeap<Reverse<(Instant, Entry)>>,
}

impl Schedule {
    /// Makes sure that `entry` comes up when the first of its timers is due.
    pub(super) fn update<const N: usize>(&mut self, entry: Entry, timers: &mut TimerTable<N>) {
        let Some(next) = timers.next() else { return };
        if timers.scheduled.is_none_or(|at| next < at) {
            timers.scheduled = Some(next);
            self.heap.push(Reverse((next, entry)));
        }
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    pub(super) fn peek(&self) -> Option<(Instant, Entry)> {
        self.heap.peek().map(|Reverse(top)| *top)
    }

    pub(super) fn pop(&mut self) {
        self.heap.pop();
    }

    /// Throws void entries away when they are the greater part.
    pub(super) fn compact(&mut self, alive: usize, mut counts: impl FnMut(Instant, Entry) -> bool) {
        if self.heap.len() > 2 * alive + 1024 {
            self.heap.retain(|Reverse((at, entry))| counts(*at, *entry));
        }
    }
}
