//! A 2xx to an INVITE, until its ACK comes (RFC 3261 §13.3.1.4).
//!
//! Whoever answered says it again for 64 × T1 and hangs up then. The edge waits for as long, and ends the call on both
//! legs by itself: whoever answered may have died, too.

use std::time::Instant;

use core_sip::TimerSet;

use super::Session;
use crate::EpCscf;
use crate::ims_alg::Leg;
use crate::timer::Timer;

/// The last 2xx that went to each leg and has no ACK.
#[derive(Debug, Default)]
pub(crate) struct Unacknowledged {
    wic: Option<(u32, Instant)>,
    core: Option<(u32, Instant)>,
}

impl Unacknowledged {
    fn of(&mut self, leg: Leg) -> &mut Option<(u32, Instant)> {
        match leg {
            Leg::Wic => &mut self.wic,
            Leg::Core => &mut self.core,
        }
    }
}

impl Session {
    /// The ACK for the INVITE of this number came.
    pub(super) fn acknowledged_by(&mut self, leg: Leg, number: u32) {
        self.unacknowledged.of(leg).take_if(|(of, _)| *of == number);
    }
}

impl EpCscf {
    /// A 2xx went to this leg, for its INVITE of this number. The leg's own timers say how long its ACK may take.
    pub(super) fn await_ack(&mut self, now: Instant, id: u64, leg: Leg, number: u32) {
        let timers = match leg {
            Leg::Wic => TimerSet::access(),
            Leg::Core => TimerSet::core(),
        };
        let until = now + timers.transaction();
        if let Some(session) = self.sessions.get_mut(id) {
            *session.unacknowledged.of(leg) = Some((number, until));
            self.timers.set(until, Timer::Unacknowledged(id));
        }
    }

    /// RFC 3261 §13.3.1.4 — the dialog stands, and its session is ended.
    pub(crate) fn unacknowledged(&mut self, now: Instant, id: u64) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let late = [Leg::Wic, Leg::Core].into_iter().any(|leg| {
            let open = *session.unacknowledged.of(leg);
            open.is_some_and(|(_, until)| until <= now)
        });
        if late {
            self.release(now, id, "the answer was not acknowledged");
        }
    }
}
