//! Two calls at once: one is talked in, the other one is held (TS 24.615 §4.5.5, TS 24.610 §4.5.2).

use std::time::Instant;

use crate::agent::Wic;
use crate::call::{CallId, Stage};
use crate::change::Change;
use crate::data::ChannelClosed;
use crate::{Ended, Event, NotDone};

/// What is done when nobody is spoken to any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A call of ours begins.
    Invite(CallId),
    /// The one that rings is answered.
    Answer(CallId),
    /// The one that is held goes on.
    Resume(CallId),
}

impl Next {
    fn call(self) -> CallId {
        match self {
            Self::Invite(id) | Self::Answer(id) | Self::Resume(id) => id,
        }
    }
}

impl Wic {
    /// Holds the call that is talked in, and goes on with the other one, which is the current one
    /// then.
    pub fn swap(&mut self, now: Instant) -> Result<(), NotDone> {
        let current = self.current.ok_or(NotDone::NoCall)?;
        let mut calls = self.calls.iter();
        let other = calls.find(|call| {
            let stands = matches!(call.stage, Stage::Accepted { .. } | Stage::Confirmed);
            call.id != current && stands
        });
        let other = other.ok_or(NotDone::OneCallOnly)?.id;
        self.resume_after(now, other)
    }

    /// Goes on with a call that is held, when the others are.
    pub(crate) fn resume_after(&mut self, now: Instant, id: CallId) -> Result<(), NotDone> {
        self.after_hold(now, Next::Resume(id))
    }

    /// Does it at once, or when all that are spoken to are held.
    pub(crate) fn after_hold(&mut self, now: Instant, next: Next) -> Result<(), NotDone> {
        if self.next.is_some() {
            return Err(NotDone::UnderWay);
        }
        self.next = Some(next);
        let id = next.call();
        let talking: Vec<CallId> = self
            .calls
            .iter()
            .filter(|call| call.id != id && call.talks())
            .filter(|call| !call.changes.iter().any(|c| matches!(c, Change::Hold(true))))
            .map(|call| call.id)
            .collect();
        for id in talking {
            if let Err(reason) = self.ask(now, id, Change::Hold(true)) {
                self.next = None;
                return Err(reason);
            }
        }
        self.go_on(now);
        self.drain(now);
        Ok(())
    }

    /// Does what waited, if nothing is in its way any more.
    pub(crate) fn go_on(&mut self, now: Instant) {
        let Some(next) = self.next else { return };
        let id = next.call();
        let Some(call) = self.calls.seen(id) else {
            self.next = None;
            return;
        };
        let held = call.held;
        if self.calls.iter().any(|call| call.id != id && call.talks()) {
            return;
        }
        self.next = None;
        self.current = Some(id);
        match next {
            Next::Invite(id) => self.begin(now, id),
            Next::Answer(id) => self.accept(now, id),
            Next::Resume(id) if held => {
                // It stands, and the queue was looked at: there is nothing to be told.
                let _ = self.ask(now, id, Change::Hold(false));
            }
            Next::Resume(_) => {}
        }
    }

    /// The other end of a call did not let itself be held: what waited for that is given up.
    pub(crate) fn not_held(&mut self, now: Instant, id: CallId) {
        let waiting = self.next.filter(|next| next.call() != id);
        let Some(next) = waiting else { return };
        self.next = None;
        if let Next::Invite(new) = next {
            let reason = "the other call could not be held";
            self.ended(now, new, 0, reason);
        }
    }

    /// There is no such call any more.
    pub(crate) fn ended(&mut self, now: Instant, id: CallId, status: u16, reason: &str) {
        let Some(mut call) = self.calls.remove(id) else {
            return;
        };
        let report = call.media.report().clone();
        let media = call.media.is_started().then_some(report);
        self.sockets.give_back(call.media.local());
        call.abandon_restart(&mut self.sockets);
        call.end_video(&mut self.sockets);
        call.end_data(&mut self.sockets, &ChannelClosed::CallEnded);
        call.channels.lose(&ChannelClosed::CallEnded);
        while let Some((channel, event)) = call.channels.poll_event() {
            self.bootstrap_event(now, channel, event.clone());
            self.call_event(id, Event::Channel { channel, event });
        }
        self.call_event(
            id,
            Event::Ended(Ended {
                status,
                reason: reason.to_owned(),
                media,
                video: call.seen,
            }),
        );
        if self.current == Some(id) {
            // What is left is talked in, or was before.
            let left = self.calls.iter().rev();
            self.current = left.map(|call| call.id).next();
        }
        self.go_on(now);
    }
}
