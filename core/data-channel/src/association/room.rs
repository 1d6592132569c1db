//! How much waits to be sent, and who is told that there is room again.

use super::entry::Entry;
use super::{Association, Event};
use crate::ChannelId;

impl Association {
    pub(super) fn forget_buffer(&mut self, id: ChannelId) {
        if let Some(entry) = self.channels.get_mut(&id) {
            self.buffered -= std::mem::take(&mut entry.buffered);
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
            }
        }
    }

    /// Says who may write again, once half of the room is there.
    pub(super) fn unblock(&mut self) {
        if self.blocked == 0 {
            return;
        }
        self.measure();
        let limits = self.config.limits;
        if self.buffered > limits.send_buffer / 2 {
            return;
        }
        let mut free: Vec<(ChannelId, &mut Entry)> = self
            .channels
            .iter_mut()
            .filter(|(_, entry)| entry.blocked && entry.buffered <= limits.channel_buffer / 2)
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
