//! The client transactions.
//!
//! ```text
//! INVITE (RFC 3261 §17.1.1, RFC 6026 §8.4)      other (RFC 3261 §17.1.2, RFC 4320)
//!
//!  Calling ──1xx──▶ Proceeding                   Trying ──1xx──▶ Proceeding
//!   │  │ └──2xx──▶  │      │                       │  E: again     │ E: again, T2
//!   │  A: again     │ 2xx  │ 300-699               │ 200-699       │ 200-699
//!   │  B: timeout   ▼      ▼                       └──▶ Completed ◀┘
//!   │           Accepted  Completed                      │ K
//!   │             │ M      │ D  ACK again                ▼
//!   └─────────────┴────────┴──────────▶ gone           gone       F: timeout
//! ```

use std::time::{Duration, Instant};

use bytes::Bytes;
use smallvec::SmallVec;
use wire_sip::StatusCode;

use super::schedule::TimerTable;
use crate::{Target, TimerSet};

#[derive(Debug)]
pub(super) struct ClientTransaction {
    state: State,
    pub(super) timers: TimerTable<3>,
    set: TimerSet,
    pub(super) target: Target,
    /// RFC 3261 §18.1.1: where to go when the stream that a long request needs is refused.
    pub(super) fallback: Option<Target>,
    /// The request as it was sent: to send it again, and to make ACK and CANCEL from.
    pub(super) request: Bytes,
    pub(super) key: Box<str>,
    pub(super) purpose: Purpose,
    pub(super) cancel: Cancel,
}

/// Who waits for the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The user: responses and failures are told.
    User,
    /// Nobody: this is our CANCEL.
    Cancel,
}

/// RFC 3261 §9.1: a CANCEL waits for the first provisional response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cancel {
    No,
    Wanted { reason: Option<Box<str>> },
    Sent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// INVITE sent; Timer A has run for `interval`.
    Calling { interval: Duration },
    /// Another request sent; Timer E has run for `interval`.
    Trying { interval: Duration },
    /// A provisional response came for an INVITE.
    InviteProceeding,
    /// A provisional response came for another request.
    Proceeding,
    /// RFC 6026 §7.2: a 2xx came for an INVITE, more may come from other forks.
    Accepted,
    /// 300-699 for an INVITE: the ACK is sent again whenever the response is.
    InviteCompleted,
    /// 200-699 for another request: more copies are absorbed.
    Completed,
}

/// Timers of a client transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// A and E: send the request again.
    Retransmit = 0,
    /// B and F: no answer in time. Also the time a cancelled INVITE has left (RFC 3261 §9.1).
    Timeout = 1,
    /// D, K and M: the end of absorbing copies.
    Linger = 2,
}

/// What comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    Response(StatusCode),
    Timer(Timer),
    /// RFC 3261 §17.1.4.
    TransportError,
}

/// What goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Send the request again.
    Retransmit,
    /// Acknowledge this response.
    Ack,
    /// Hand the response up.
    PassUp,
    /// Now is the time for the CANCEL that was wanted.
    SendCancel,
    /// Say that no answer came.
    TimedOut,
    /// Say that the request could not be sent.
    Failed,
    /// Forget this transaction.
    End,
}

pub(super) type Effects = SmallVec<[Effect; 3]>;

impl ClientTransaction {
    /// The request has just been sent.
    pub(super) fn new(
        now: Instant,
        is_invite: bool,
        set: TimerSet,
        target: Target,
        request: Bytes,
        key: Box<str>,
        purpose: Purpose,
    ) -> Self {
        let interval = set.t1;
        let state = if is_invite {
            State::Calling { interval }
        } else {
            State::Trying { interval }
        };
        let mut transaction = Self {
            state,
            timers: TimerTable::new(),
            set,
            target,
            fallback: None,
            request,
            key,
            purpose,
            cancel: Cancel::No,
        };
        transaction.begin(now);
        transaction
    }

    /// The request has just been sent again by another way, from the beginning.
    pub(super) fn restart(&mut self, now: Instant, target: Target, request: Bytes) {
        self.target = target;
        self.request = request;
        self.begin(now);
    }

    pub(super) fn is_invite(&self) -> bool {
        use State::{Accepted, Calling, InviteCompleted, InviteProceeding};
        matches!(
            self.state,
            Calling { .. } | InviteProceeding | Accepted | InviteCompleted
        )
    }

    pub(super) fn timer_set(&self) -> TimerSet {
        self.set
    }

    /// Nothing has come back yet.
    pub(super) fn is_unanswered(&self) -> bool {
        matches!(self.state, State::Calling { .. } | State::Trying { .. })
    }

    /// No final response has come.
    pub(super) fn is_pending(&self) -> bool {
        self.is_unanswered() || matches!(self.state, State::InviteProceeding | State::Proceeding)
    }

    /// RFC 3261 §9.1: a CANCEL may go now.
    pub(super) fn may_cancel_now(&self) -> bool {
        self.state == State::InviteProceeding
    }

    /// RFC 3261 §9.1: an INVITE whose CANCEL went unheeded for 64 × T1 is over.
    pub(super) fn cancel_sent(&mut self, now: Instant) {
        self.cancel = Cancel::Sent;
        self.set_timer(Timer::Timeout, now + self.set.transaction());
    }

    pub(super) fn handle(&mut self, now: Instant, input: Input) -> Effects {
        use Input::{Response, Timer as Fired, TransportError};
        use State::{
            Accepted, Calling, Completed, InviteCompleted, InviteProceeding, Proceeding, Trying,
        };

        let mut effects = Effects::new();
        let unreliable = !self.target.transport().is_reliable();
        match (self.state, input) {
            // RFC 3261 §17.1.1.2: a provisional response ends retransmission and Timer B.
            (Calling { .. }, Response(status)) if status.is_provisional() => {
                self.timers.stop_all();
                self.state = InviteProceeding;
                effects.push(Effect::PassUp);
                if matches!(self.cancel, Cancel::Wanted { .. }) {
                    effects.push(Effect::SendCancel);
                }
            }
            (InviteProceeding, Response(status)) if status.is_provisional() => {
                effects.push(Effect::PassUp);
            }
            // RFC 3261 §17.1.1.2, amended by RFC 6026 §8.4: a 2xx moves to Accepted, Timer M.
            (Calling { .. } | InviteProceeding, Response(status)) if status.is_success() => {
                self.timers.stop_all();
                self.set_timer(Timer::Linger, now + self.set.transaction());
                self.state = Accepted;
                effects.push(Effect::PassUp);
            }
            // RFC 6026 §8.4: more 2xx, again or from other forks, go up; all else is dropped.
            (Accepted, Response(status)) if status.is_success() => effects.push(Effect::PassUp),
            // RFC 3261 §17.1.1.2: 300-699 is acknowledged here and handed up once.
            (Calling { .. } | InviteProceeding, Response(_)) => {
                self.timers.stop_all();
                self.state = InviteCompleted;
                effects.extend([Effect::Ack, Effect::PassUp]);
                if unreliable {
                    self.set_timer(Timer::Linger, now + self.set.timer_d());
                } else {
                    effects.push(Effect::End);
                }
            }
            (InviteCompleted, Response(status)) if status.is_failure() => {
                effects.push(Effect::Ack);
            }
            // RFC 3261 §17.1.1.2: Timer A doubles without bound; Timer B ends it.
            (Calling { interval }, Fired(Timer::Retransmit)) => {
                let interval = interval * 2;
                self.set_timer(Timer::Retransmit, now + interval);
                self.state = Calling { interval };
                effects.push(Effect::Retransmit);
            }

            // RFC 3261 §17.1.2.2: a provisional response makes Timer E slower, Timer F goes on.
            (Trying { .. } | Proceeding, Response(status)) if status.is_provisional() => {
                if self.state != Proceeding && unreliable {
                    self.set_timer(Timer::Retransmit, now + self.set.t2);
                }
                self.state = Proceeding;
                effects.push(Effect::PassUp);
            }
            (Trying { .. } | Proceeding, Response(_)) => {
                self.timers.stop_all();
                self.state = Completed;
                effects.push(Effect::PassUp);
                if unreliable {
                    self.set_timer(Timer::Linger, now + self.set.t4);
                } else {
                    effects.push(Effect::End);
                }
            }
            // RFC 3261 §17.1.2.2: Timer E doubles up to T2.
            (Trying { interval }, Fired(Timer::Retransmit)) => {
                let interval = self.set.next_interval(interval);
                self.set_timer(Timer::Retransmit, now + interval);
                self.state = Trying { interval };
                effects.push(Effect::Retransmit);
            }
            (Proceeding, Fired(Timer::Retransmit)) => {
                self.set_timer(Timer::Retransmit, now + self.set.t2);
                effects.push(Effect::Retransmit);
            }

            // RFC 3261 §17.1.1.2 Timer B, §17.1.2.2 Timer F, and §9.1 after a CANCEL.
            (
                Calling { .. } | InviteProceeding | Trying { .. } | Proceeding,
                Fired(Timer::Timeout),
            ) => {
                effects.extend([Effect::TimedOut, Effect::End]);
            }
            // RFC 3261 §17.1.4. Once an answer came, the rest may come on another connection
            // (RFC 3261 §18.2.2), but never to a WebSocket client (RFC 7118 §5).
            (Calling { .. } | Trying { .. }, TransportError) => {
                effects.extend([Effect::Failed, Effect::End]);
            }
            (InviteProceeding | Proceeding, TransportError) => {
                if self.target.transport().is_websocket() {
                    effects.extend([Effect::Failed, Effect::End]);
                }
            }
            (Accepted | InviteCompleted | Completed, Fired(Timer::Linger)) => {
                effects.push(Effect::End);
            }
            (
                Accepted | InviteCompleted | Completed,
                Response(_) | TransportError | Fired(Timer::Retransmit | Timer::Timeout),
            )
            | (InviteProceeding, Fired(Timer::Retransmit | Timer::Linger))
            | (Calling { .. } | Trying { .. } | Proceeding, Fired(Timer::Linger)) => {}
        }
        effects
    }

    /// The timer that is due, if any.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(Timer, Instant)> {
        let (timer, at) = self.timers.take_due(now)?;
        let timer = match timer {
            0 => Timer::Retransmit,
            1 => Timer::Timeout,
            _ => Timer::Linger,
        };
        Some((timer, at))
    }

    /// RFC 3261 §17.1.1.2, §17.1.2.2: Timers A and B, or E and F, start.
    fn begin(&mut self, now: Instant) {
        let interval = self.set.t1;
        self.timers.stop_all();
        self.set_timer(Timer::Timeout, now + self.set.transaction());
        if !self.target.transport().is_reliable() {
            self.set_timer(Timer::Retransmit, now + interval);
        }
        if let State::Calling { interval: i } | State::Trying { interval: i } = &mut self.state {
            *i = interval;
        }
    }

    fn set_timer(&mut self, timer: Timer, at: Instant) {
        self.timers.set(timer as usize, at);
    }
}
