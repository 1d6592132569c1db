//! How much waits to be sent, and who is told that there is room again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::entry::Entry;
use super::{Association, Event};
use crate::ChannelId;

/// What may wait in a channel whose peer answers at once: three of the usual messages.
const LEAST_ROOM: usize = 48 * 1024;
/// What more may wait for each microsecond until the peer has it: a path may take 8 MB/s.
const BYTES_A_MICROSECOND: usize = 8;

/// How long what is sent takes to arrive when all the room is taken, which says how much room is of use:
/// more would only wait longer, and SCTP looks at all that waits for each packet.
#[derive(Debug, Default)]
pub(super) struct Path {
    /// The last times, in microseconds; 0 is none yet.
    times: [u32; PROBES],
    /// Where the next one goes.
    at: usize,
    /// Under way: since when, and how many bytes are still before its end.
    probe: Option<(Instant, usize)>,
    /// What waited when it was last looked at.
    before: usize,
}

/// So many times are remembered, of which the shortest counts: the others are longer for what waited itself, and room
/// after these would grow with a peer that reads slowly, until its own queue overflows.
const PROBES: usize = 8;

impl Path {
    fn room(&self, most: usize) -> usize {
        let times = self.times.iter().filter(|time| **time > 0);
        let micros = times.min().map_or(0, |time| *time as usize);
        micros
            .saturating_mul(BYTES_A_MICROSECOND)
            .saturating_add(LEAST_ROOM)
            .min(most)
    }

    /// So much is written.
    pub(super) fn written(&mut self, bytes: usize) {
        self.before += bytes;
    }

    pub(super) fn is_probed(&self) -> bool {
        self.probe.is_some()
    }

    /// All room is taken: how long until what waits has arrived?
    pub(super) fn probe(&mut self, now: Instant, buffered: usize) {
        self.probe = Some((now, buffered));
    }

    /// So much waits now.
    fn measure(&mut self, now: Instant, buffered: usize) {
        let arrived = self.before.saturating_sub(buffered);
        self.before = buffered;
        let Some((since, left)) = self.probe else {
            return;
        };
        if arrived < left {
            self.probe = Some((since, left - arrived));
            return;
        }
        self.probe = None;
        let took = now.saturating_duration_since(since).min(LONGEST);
        self.times[self.at] = u32::try_from(took.as_micros()).unwrap_or(u32::MAX).max(1);
        self.at = (self.at + 1) % PROBES;
    }
}

/// Whoever stops sending when all room is taken is looked at late; that says nothing of the path.
const LONGEST: Duration = Duration::from_secs(1);

impl Association {
    pub(super) fn forget_buffer(&mut self, id: ChannelId) {
        if let Some(entry) = self.channels.get_mut(&id) {
            self.buffered -= std::mem::take(&mut entry.buffered);
            self.messages -= std::mem::take(&mut entry.sizes).len();
            if std::mem::take(&mut entry.blocked) {
                self.blocked -= 1;
            }
        }
    }

    /// Asks what is still buffered, where something was.
    pub(super) fn measure(&mut self) {
        for (id, entry) in &mut self.channels {
            if entry.buffered > 0 {
                self.buffered -= entry.buffered;
                entry.buffered = self.engine.buffered(id.0);
                self.buffered += entry.buffered;
                let before = entry.sizes.len();
                entry.forget_sent();
                self.messages -= before - entry.sizes.len();
            }
        }
        self.path.measure(self.now, self.buffered);
    }

    /// As much as allowed waits, here or in all channels.
    pub(super) fn is_full(&self, entry: &Entry) -> bool {
        let limits = &self.config.limits;
        let room = self.path.room(limits.channel_buffer);
        entry.buffered >= room
            || entry.sizes.len() >= limits.messages
            || self.buffered >= limits.send_buffer.min(2 * room)
            || self.messages >= 2 * limits.messages
    }

    /// Says who may write again, once half of the room is there.
    pub(super) fn unblock(&mut self) {
        if self.blocked == 0 {
            return;
        }
        self.measure();
        let limits = self.config.limits;
        let most = self.path.room(limits.channel_buffer);
        if self.buffered > limits.send_buffer.min(2 * most) / 2 || self.messages > limits.messages {
            return;
        }
        let mut free: Vec<(ChannelId, &mut Entry)> = self
            .channels
            .iter_mut()
            .filter(|(_, entry)| {
                let room = entry.buffered <= most / 2;
                entry.blocked && room && entry.sizes.len() <= limits.messages / 2
            })
            .map(|(id, entry)| (*id, entry))
            .collect();
        free.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.priority));
        for (id, entry) in free {
            entry.blocked = false;
            self.blocked -= 1;
            self.outputs.push_back(Event::Writable { id });
        }
    }
}

impl Entry {
    /// What is still buffered is of the last messages.
    fn forget_sent(&mut self) {
        let mut all: usize = self.sizes.iter().map(|size| *size as usize).sum();
        while let Some(first) = self.sizes.front() {
            all -= *first as usize;
            if all < self.buffered {
                return;
            }
            self.sizes.pop_front();
        }
        self.sizes = VecDeque::new();
    }
}
