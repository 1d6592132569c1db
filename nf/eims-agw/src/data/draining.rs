//! Channels that SDP has dropped: what is in them arrives before they are reset (RFC 8864 §6.6.1).
//!
//! ```text
//!   dropped ─▶ Draining ─ a peer's reset, behind all that it sent ────────────▶ both ends are reset
//!                       ─ for five seconds nothing came, and nothing waits ───────▶
//!                       ─ thirty seconds, whatever still waits ──────────────────▶
//! ```
//! A channel that SDP has again meanwhile begins anew when both ends are free.

use std::time::{Duration, Instant};

use core_data_channel::ChannelId;
use core_iq::{ChannelAt, ChannelPlace};

use super::ends::Ends;
use super::join::Join;
use super::negotiated::Negotiated;

/// Nothing comes any more when nothing has come for so long: who met a shut window looks again every three seconds.
const QUIET: Duration = Duration::from_secs(5);
/// A reader that is slower loses what is left: windows and buffers are not held for longer.
const LONGEST: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Draining {
    one: Negotiated,
    /// Its ends, but for those whose ids a peer has given to channels of its own since.
    ends: Vec<ChannelAt>,
    quiet: Instant,
    until: Instant,
}

impl Join {
    /// SDP has it no more.
    pub(super) fn drain(&mut self, now: Instant, ends: &mut Ends, id: u16, one: Negotiated) {
        for at in one.ends(id) {
            self.reopen.remove(&at);
        }
        if self.draining.contains_key(&id) {
            return;
        }
        let its_own = one.ends(id).filter(|at| !self.requested.contains_key(at));
        let its_own: Vec<ChannelAt> = its_own.collect();
        let open = its_own.iter().all(|at| {
            let association = ends.association(at.end);
            association.is_some_and(|there| there.is_open(ChannelId(at.id)))
        });
        let draining = Draining {
            one,
            ends: its_own,
            quiet: now + QUIET,
            until: now + LONGEST,
        };
        self.draining.insert(id, draining);
        if !open {
            self.drained(now, ends, id);
        }
    }

    /// SDP has it again: whether that begins by itself once the former one is closed.
    pub(super) fn comes_again(
        &mut self,
        now: Instant,
        ends: &mut Ends,
        id: u16,
        place: ChannelPlace,
    ) -> bool {
        let Some(draining) = self.draining.get(&id) else {
            return false;
        };
        if (draining.one.place, place) == (ChannelPlace::Both, ChannelPlace::Both) {
            self.reopen.extend(draining.one.ends(id));
            return true;
        }
        self.drained(now, ends, id);
        false
    }

    /// Which of them has this end.
    pub(super) fn draining_of(&self, at: ChannelAt) -> Option<u16> {
        let mut all = self.draining.iter();
        let found = all.find(|(_, draining)| draining.ends.contains(&at));
        found.map(|(id, _)| *id)
    }

    /// Something came, or still waits.
    pub(super) fn not_quiet(&mut self, now: Instant, at: ChannelAt) {
        if let Some(id) = self.draining_of(at)
            && let Some(draining) = self.draining.get_mut(&id)
        {
            draining.quiet = now + QUIET;
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let all = self.draining.values();
        all.map(|draining| draining.quiet.min(draining.until)).min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, ends: &mut Ends) {
        let due = self.draining.iter();
        let due: Vec<u16> = due
            .filter(|(_, draining)| draining.quiet.min(draining.until) <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let Some(draining) = self.draining.get(&id) else {
                continue;
            };
            for at in draining.ends.clone() {
                self.pump(now, ends, at);
            }
            let over = self.draining.get(&id);
            if over.is_some_and(|draining| draining.quiet.min(draining.until) <= now) {
                self.drained(now, ends, id);
            }
        }
    }

    /// RFC 8831 §6.7 — what was read goes out before the reset.
    pub(super) fn drained(&mut self, now: Instant, ends: &mut Ends, id: u16) {
        let Some(draining) = self.draining.remove(&id) else {
            return;
        };
        for at in draining.ends {
            if let Some(association) = ends.association(at.end) {
                association.close(now, ChannelId(at.id));
            }
        }
    }

    /// SCTP ended at one end: nothing goes there any more.
    pub(super) fn stop_draining(&mut self, end: core_iq::StreamEnd) {
        let there = |draining: &Draining| draining.ends.iter().any(|at| at.end == end);
        self.draining.retain(|_, draining| !there(draining));
    }
}
