//! What is in the store and not here: any number of notifications may wait, a bounded number is here.
//!
//! - Of a **target** up to a page or two of heads are here. When few are left, it asks for the next
//!   ones. Of one that does not answer well, one session is here, and the rest only in the store, so
//!   that the dead take no room from the living.
//! - Of a **session** that is here, its first few are; it asks for more in time.
//! - A notification that finds no room, or may not be the head of its session, is only looked at when
//!   its target or its session is asked for: it is in the store already.

use std::time::Instant;

use super::{End, Head, Line, Notification, Outbox, Output};

/// What we know of the store's part.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// It may have more.
    pub(super) more: bool,
    /// It was asked.
    asked: bool,
    /// Something came meanwhile that its answer may not have.
    missed: bool,
    /// What we had is gone meanwhile: its answer is not all that there is.
    anew: bool,
}

impl Stored {
    pub(super) fn new(more: bool) -> Self {
        Self {
            more,
            ..Self::default()
        }
    }

    /// Something is only in the store.
    pub(super) fn miss(&mut self) {
        self.more = true;
        self.missed = self.asked;
    }

    pub(super) fn is_of_interest(&self) -> bool {
        self.more || self.asked
    }

    /// Whether it is to be asked now; it is asked then.
    fn ask(&mut self) -> bool {
        let ask = self.more && !self.asked;
        if ask {
            self.asked = true;
            self.missed = false;
            self.anew = false;
        }
        ask
    }

    /// It answered, and perhaps with all that it had.
    fn answered(&mut self, all: bool) {
        self.asked = false;
        self.more = !all || self.missed || self.anew;
    }
}

impl Outbox {
    /// Asks for everything again: at start, and when something may have been lost between the store
    /// and here.
    pub fn look_again(&mut self) {
        self.starting = true;
        self.outputs.push_back(Output::LoadTargets);
    }

    /// The targets that heads in the store go to, by scheme, host and port.
    pub fn handle_targets(&mut self, now: Instant, origins: Vec<String>) {
        self.starting = false;
        for origin in origins {
            let target = self.target(&origin);
            target.stored.miss();
            target.after = 0;
            target.stored.anew = target.stored.asked;
            self.partial.insert(origin.clone());
            self.fill(now, origin);
        }
        // A session that is here may have been lost sight of, too.
        let sessions: Vec<String> = self.lines.keys().cloned().collect();
        for session in sessions {
            if let Some(line) = self.lines.get_mut(&session) {
                line.stored.miss();
            }
            self.load_session(&session);
        }
        self.feed(now);
    }

    /// The answer to [`Output::LoadHeads`]; `all` when there were no more.
    pub fn handle_heads(&mut self, now: Instant, origin: &str, heads: Vec<Head>, all: bool) {
        let Some(target) = self.targets.get_mut(origin) else {
            return;
        };
        if !target.stored.asked {
            return;
        }
        let missed = target.stored.missed;
        if !target.stored.anew {
            let last = heads.last().map_or(0, |head| head.notification.id);
            target.after = target.after.max(last);
        }
        target.stored.answered(all);
        if !target.stored.more {
            self.partial.remove(origin);
        }
        let mut origins = vec![origin.to_owned()];
        for Head { notification, more } in heads {
            let Notification {
                id, session, until, ..
            } = &notification;
            if self.ended.contains(id) || self.lines.contains_key(session) {
                continue;
            }
            let (session, old) = (session.clone(), *until <= now);
            let line = Line::new(notification, more || missed);
            self.lines.insert(session.clone(), line);
            if old {
                self.pop(&session, End::TooOld);
            } else {
                self.load_session(&session);
            }
            origins.extend(self.place(&session).filter(|other| *other != origin));
        }
        self.asked -= 1;
        if self.asked == 0 {
            self.ended = std::collections::HashSet::new();
        }
        for origin in origins {
            self.fill(now, origin);
        }
        self.feed(now);
    }

    /// The answer to [`Output::LoadSession`]; `all` when there were no more.
    pub fn handle_session(
        &mut self,
        now: Instant,
        session: &str,
        notifications: Vec<Notification>,
        all: bool,
    ) {
        let Some(line) = self.lines.get_mut(session) else {
            return;
        };
        if !line.stored.asked {
            return;
        }
        line.stored.answered(all);
        let idle = line.waiting.is_empty();
        for notification in notifications {
            if line.last < notification.id {
                line.push(notification);
            }
        }
        self.load_session(session);
        if idle && let Some(origin) = self.place(session) {
            self.fill(now, origin);
        }
        self.feed(now);
    }

    /// Asks for more of a session when few are left, and forgets one of which there is no more.
    pub(super) fn load_session(&mut self, session: &str) {
        let most = self.settings.of_session;
        let Some(line) = self.lines.get_mut(session) else {
            return;
        };
        if line.waiting.len() <= most / 2 && line.stored.ask() {
            let (session, after) = (session.to_owned(), line.last);
            self.outputs.push_back(Output::LoadSession {
                session,
                after,
                most,
            });
        } else if line.waiting.is_empty() && !line.stored.is_of_interest() {
            self.lines.remove(session);
        }
    }

    /// How many more sessions may be here, when those that were asked for are.
    fn room(&self) -> usize {
        let taken = self.lines.len() + self.asked * self.settings.page;
        self.settings.sessions.saturating_sub(taken)
    }

    /// Asks for more heads of a target when few are left and there is room.
    pub(super) fn load(&mut self, origin: &str) {
        let page = self.settings.page;
        let room = self.room();
        let Some(target) = self.targets.get_mut(origin) else {
            return;
        };
        let (few, most) = match target.down {
            Some(_) => (target.ready.len() + target.under_way == 0, 1),
            None => (target.ready.len() < page.div_ceil(2), page),
        };
        if !few || !target.stored.more || target.stored.asked {
            return;
        }
        if room < most {
            if !std::mem::replace(&mut target.hungry, true) {
                self.hungry.push_back(origin.to_owned());
            }
            return;
        }
        if target.stored.ask() {
            let after = target.after;
            self.asked += 1;
            let origin = origin.to_owned();
            self.outputs.push_back(Output::LoadHeads {
                origin,
                after,
                most,
            });
        }
    }

    /// Lets those ask that found no room.
    pub(super) fn feed_hungry(&mut self) {
        // Each once: one that finds no room again goes to the end.
        for _ in 0..self.hungry.len() {
            if self.room() < self.settings.page {
                return;
            }
            let Some(origin) = self.hungry.pop_front() else {
                return;
            };
            if let Some(target) = self.targets.get_mut(&origin) {
                target.hungry = false;
            }
            self.load(&origin);
        }
    }

    /// Of a target that does not answer well, one session stays here.
    pub(super) fn let_go(&mut self, origin: &str) {
        let Some(target) = self.targets.get_mut(origin) else {
            return;
        };
        if target.ready.len() < 2 {
            return;
        }
        let rest = target.ready.split_off(1);
        // The store knows one that was redirected by another place.
        let lines = &self.lines;
        let redirected = |session: &String| {
            let first = lines.get(session).and_then(|line| line.waiting.front());
            first.is_some_and(|first| first.hops > 0)
        };
        let (stay, gone): (Vec<_>, Vec<_>) = rest.into_iter().partition(redirected);
        target.ready.extend(stay);
        if gone.is_empty() {
            return;
        }
        target.after = 0;
        target.stored.anew = target.stored.asked;
        target.stored.more = true;
        self.partial.insert(origin.to_owned());
        for session in gone {
            self.lines.remove(&session);
        }
    }
}
