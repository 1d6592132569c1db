//! The server transactions.
//!
//! ```text
//! INVITE (RFC 3261 §17.2.1, RFC 6026 §8.7)      other (RFC 3261 §17.2.2, RFC 4320)
//!
//!  Proceeding ──2xx──▶ Accepted                  Trying ──100──▶ Proceeding
//!   │ 200 ms: 100       │ L                        │ 200-699      │ 200-699
//!   │ 300-699           ▼                          └─▶ Completed ◀┘
//!   ▼                  gone                             │ J
//!  Completed ──ACK──▶ Confirmed                         ▼
//!   │ G: again          │ I                            gone
//!   │ H                 ▼
//!   └────────────────▶ gone
//! ```

use std::time::{Duration, Instant};

use bytes::Bytes;
use smallvec::SmallVec;
use wire_sip::{Message, StatusCode};

use super::{schedule::TimerTable, via::Listener};
use crate::{Source, TimerSet};

#[derive(Debug)]
pub(super) struct ServerTransaction {
    state: State,
    pub(super) timers: TimerTable<3>,
    set: TimerSet,
    pub(super) source: Source,
    /// The connection that the request came on is still there.
    pub(super) connected: bool,
    /// The ACK of its 2xx came, somebody says.
    pub(super) acknowledged: bool,
    pub(super) listener: Option<Listener>,
    pub(super) key: Box<str>,
    pub(super) merge_key: Option<Box<str>>,
    /// Kept until the first response, to say 100 with.
    pub(super) request: Option<Box<Message>>,
    /// The last response that was sent.
    pub(super) response: Option<Bytes>,
    /// The To tag of our responses, once there is one.
    pub(super) to_tag: Option<Box<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// An INVITE came; a provisional response may have been sent.
    InviteProceeding,
    /// An INVITE was cancelled; its final response is the user's to send.
    InviteCancelled,
    /// RFC 6026 §7.1: a 2xx was sent; copies of the INVITE are absorbed.
    Accepted,
    /// 300-699 was sent for an INVITE; Timer G has run for `interval`.
    InviteCompleted { interval: Duration },
    /// The ACK came.
    Confirmed,
    /// Another request came; nothing was sent.
    Trying,
    /// 100 was sent for another request.
    Proceeding,
    /// A final response was sent for another request.
    Completed,
}

/// Timers of a server transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// Say 100: 200 ms for INVITE, RFC 4320 §4.1 for others.
    Trying = 0,
    /// G: send the response again.
    Retransmit = 1,
    /// H, I, J and L: the end.
    Linger = 2,
}

/// What comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// The request again.
    Request,
    /// An ACK that belongs to this INVITE.
    Ack,
    /// A CANCEL for this request.
    Cancel,
    /// The user's response.
    Respond(StatusCode),
    Timer(Timer),
}

/// What goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Send the user's response, and keep it.
    Respond,
    /// Send the kept response again.
    Retransmit,
    /// Make a 100, send and keep it.
    Trying,
    /// Hand the ACK up.
    PassAck,
    /// Tell the user that the request was cancelled.
    PassCancel,
    /// The user's response must not or cannot be sent.
    Drop,
    /// Forget this transaction.
    End,
}

pub(super) type Effects = SmallVec<[Effect; 2]>;

impl ServerTransaction {
    pub(super) fn new(
        now: Instant,
        is_invite: bool,
        set: TimerSet,
        source: Source,
        key: Box<str>,
    ) -> Self {
        let (state, trying) = if is_invite {
            (State::InviteProceeding, TimerSet::TRYING)
        } else {
            (State::Trying, set.non_invite_trying())
        };
        let mut timers = TimerTable::new();
        timers.set(Timer::Trying as usize, now + trying);
        Self {
            state,
            timers,
            set,
            source,
            connected: source.connection.is_some(),
            acknowledged: false,
            listener: None,
            key,
            merge_key: None,
            request: None,
            response: None,
            to_tag: None,
        }
    }

    /// A response was sent, and nothing says that it has arrived.
    pub(super) fn may_be_unheard(&self) -> bool {
        self.response.is_some() && !self.acknowledged && self.state != State::Confirmed
    }

    pub(super) fn handle(&mut self, now: Instant, input: Input) -> Effects {
        use Input::{Ack, Cancel, Request, Respond, Timer as Fired};
        use State::{
            Accepted, Completed, Confirmed, InviteCancelled, InviteCompleted, InviteProceeding,
            Proceeding, Trying,
        };

        let mut effects = Effects::new();
        let reliable = self.source.transport.is_reliable();
        match (self.state, input) {
            // RFC 3261 §17.2.1: the INVITE again gets the last provisional response again; if
            // there is none yet, now is the time for 100.
            (InviteProceeding | InviteCancelled, Request) => {
                if self.response.is_some() {
                    effects.push(Effect::Retransmit);
                } else {
                    self.stop_timer(Timer::Trying);
                    effects.push(Effect::Trying);
                }
            }
            (InviteProceeding | InviteCancelled, Fired(Timer::Trying)) => {
                effects.push(Effect::Trying);
            }
            // RFC 3261 §9.2: the user answers the INVITE with 487 by itself.
            (InviteProceeding, Cancel) => {
                self.state = InviteCancelled;
                effects.push(Effect::PassCancel);
            }
            (InviteProceeding | InviteCancelled, Respond(status)) if status.is_provisional() => {
                self.stop_timer(Timer::Trying);
                effects.push(Effect::Respond);
            }
            // RFC 3261 §17.2.1, amended by RFC 6026 §8.7: a 2xx moves to Accepted, Timer L.
            (InviteProceeding | InviteCancelled, Respond(status)) if status.is_success() => {
                self.timers.stop_all();
                self.set_timer(Timer::Linger, now + self.set.transaction());
                self.state = Accepted;
                effects.push(Effect::Respond);
            }
            // RFC 3261 §17.2.1: 300-699 is sent again by Timer G until the ACK or Timer H.
            (InviteProceeding | InviteCancelled, Respond(_)) => {
                self.timers.stop_all();
                let interval = self.set.t1;
                if !reliable {
                    self.set_timer(Timer::Retransmit, now + interval);
                }
                self.set_timer(Timer::Linger, now + self.set.transaction());
                self.state = InviteCompleted { interval };
                effects.push(Effect::Respond);
            }
            // RFC 6026 §8.7: the user sends its 2xx again, and those of other forks.
            (Accepted, Respond(status)) if status.is_success() => effects.push(Effect::Respond),
            // RFC 6026 §8.7: an ACK is the user's.
            (Accepted, Ack) => effects.push(Effect::PassAck),
            (InviteCompleted { interval }, Fired(Timer::Retransmit)) => {
                let interval = self.set.next_interval(interval);
                self.set_timer(Timer::Retransmit, now + interval);
                self.state = InviteCompleted { interval };
                effects.push(Effect::Retransmit);
            }
            // RFC 3261 §17.2.1: Timer I absorbs more ACKs; over a reliable transport it is zero.
            (InviteCompleted { .. }, Ack) => {
                self.timers.stop_all();
                if reliable {
                    effects.push(Effect::End);
                } else {
                    self.set_timer(Timer::Linger, now + self.set.t4);
                    self.state = Confirmed;
                }
            }

            // RFC 4320 §4.1: no provisional response but 100, and that not over UDP before
            // Timer E of the client has reached T2.
            (Trying, Respond(status)) if status.is_provisional() => {
                if status == StatusCode::TRYING && reliable {
                    self.stop_timer(Timer::Trying);
                    self.state = Proceeding;
                    effects.push(Effect::Respond);
                } else {
                    effects.push(Effect::Drop);
                }
            }
            (Trying, Fired(Timer::Trying)) => {
                self.state = Proceeding;
                effects.push(Effect::Trying);
            }
            (Proceeding | InviteCompleted { .. }, Request) => effects.push(Effect::Retransmit),
            (Trying | Proceeding, Respond(status)) if status.is_final() => {
                // RFC 4320 §4.2: 408 is never sent for these; the client knows the time itself.
                if status == StatusCode::REQUEST_TIMEOUT {
                    self.response = None;
                    effects.push(Effect::Drop);
                } else {
                    effects.push(Effect::Respond);
                }
                self.timers.stop_all();
                self.state = Completed;
                // RFC 3261 §17.2.2: Timer J; zero over a reliable transport, unless there is no way to
                // send it now: the peer of a WebSocket may come back.
                if reliable && (self.connected || !self.source.transport.is_websocket()) {
                    effects.push(Effect::End);
                } else {
                    self.set_timer(Timer::Linger, now + self.set.transaction());
                }
            }
            (Completed, Request) => {
                if self.response.is_some() {
                    effects.push(Effect::Retransmit);
                }
            }

            // Timers H, I, J and L. After H the user hears nothing: it can do nothing about it.
            (Accepted | InviteCompleted { .. } | Confirmed | Completed, Fired(Timer::Linger)) => {
                effects.push(Effect::End);
            }
            // RFC 6026 §7.1 and RFC 3261 §17.2.1: copies are absorbed; a final response is final.
            (_, Respond(_)) => effects.push(Effect::Drop),
            (_, Request | Ack | Cancel | Fired(_)) => {}
        }
        effects
    }

    /// The timer that is due, if any.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(Timer, Instant)> {
        let (timer, at) = self.timers.take_due(now)?;
        let timer = match timer {
            0 => Timer::Trying,
            1 => Timer::Retransmit,
            _ => Timer::Linger,
        };
        Some((timer, at))
    }

    fn set_timer(&mut self, timer: Timer, at: Instant) {
        self.timers.set(timer as usize, at);
    }

    fn stop_timer(&mut self, timer: Timer) {
        self.timers.stop(timer as usize);
    }
}
