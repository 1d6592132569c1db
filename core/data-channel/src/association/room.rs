//! How much waits to be sent, and who is told that there is room again.

use std::collections::VecDeque;

use super::entry::Entry;
use super::{Association, Event};
use crate::ChannelId;

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
    }

    /// As much as allowed waits, here or in all channels.
    pub(super) fn is_full(&self, entry: &Entry) -> bool {
        let limits = &self.config.limits;
        entry.buffered >= limits.channel_buffer
            || entry.sizes.len() >= limits.messages
            || self.buffered >= limits.send_buffer
            || self.messages >= 2 * limits.messages
    }

    /// Says who may write again, once half of the room is there.
    pub(super) fn unblock(&mut self) {
        if self.blocked == 0 {
            return;
        }
        self.measure();
        let limits = self.config.limits;
        if self.buffered > limits.send_buffer / 2 || self.messages > limits.messages {
            return;
        }
        let mut free: Vec<(ChannelId, &mut Entry)> = self
            .channels
            .iter_mut()
            .filter(|(_, entry)| {
                let room = entry.buffered <= limits.channel_buffer / 2;
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
