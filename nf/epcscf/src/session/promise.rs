//! Reliable provisional responses for a WIC that sends none, when the core requires them (RFC 3262).
//!
//! ```text
//!   WIC            edge                            core
//!    │              │◀──── INVITE, Require: 100rel ──│
//!    │◀── INVITE ───│                                │
//!    │── 180 ──────▶│── 180, RSeq 1 ────────────────▶│  again after T1, 2 T1, 4 T1 …
//!    │── 183 ──────▶│ (waits)                        │
//!    │              │◀──────────────── PRACK, RAck 1 │
//!    │              │── 200 ────────────────────────▶│
//!    │              │── 183, RSeq 2 ────────────────▶│
//!    │── 200 ──────▶│── 200, with the answer ───────▶│
//! ```
//! What is promised carries no SDP: for the WIC a plain 1xx is a preview, and its answer is in the 2xx. So the core has
//! nothing that it could change with UPDATE before the WIC may take that, and no 2xx waits for a PRACK (§3).

use std::time::{Duration, Instant};

use core_sip::{ServerTransactionId, TimerSet};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::{Session, cseq, description};
use crate::EpCscf;
use crate::ims_alg::Leg;
use crate::timer::Timer;

/// A provisional response of the WIC's that the edge has made reliable.
#[derive(Debug)]
pub(crate) struct Promise {
    server: ServerTransactionId,
    response: Message,
    rseq: u32,
    /// When it goes out again, and how long after that once more.
    at: Instant,
    interval: Duration,
    /// RFC 3262 §3: 64 × T1 without a PRACK, and the INVITE is rejected.
    until: Instant,
    /// What the WIC said since; the last word counts.
    next: Option<Message>,
}

/// RFC 3262 §3 — whether every provisional response to this INVITE has to be reliable.
pub(super) fn requires_reliable(request: &Message) -> bool {
    request.method() == Method::Invite && request.lists(HeaderName::Require, "100rel")
}

impl EpCscf {
    /// RFC 3262 §3 — a provisional response of the WIC's, on its way to a core that may require it to be reliable. What
    /// may go on as it is comes back.
    pub(super) fn promise(
        &mut self,
        now: Instant,
        id: u64,
        server: ServerTransactionId,
        mut response: Message,
    ) -> Option<Message> {
        let asked = self.forwards.get(&server).map(|f| f.context.request());
        let Some(asked) = asked.filter(|request| requires_reliable(request)) else {
            return Some(response);
        };
        if response.has(HeaderName::RSeq) {
            return Some(response);
        }
        // RFC 3262 §5, RFC 3261 §13.2.1: the first reliable response to an INVITE without an offer has to have one, which
        // the WIC makes in its 2xx. In a call that stands there is no need of any.
        if asked.to_tag().is_some() || description::find(asked).is_none() {
            return None;
        }
        response.remove_body();
        let session = self.sessions.get_mut(id)?;
        if let Some(open) = session.promise.as_mut().filter(|one| one.server == server) {
            // RFC 3262 §3: one at a time.
            open.next = Some(response);
            return None;
        }
        self.send_promise(now, id, server, response);
        None
    }

    fn send_promise(
        &mut self,
        now: Instant,
        id: u64,
        server: ServerTransactionId,
        mut response: Message,
    ) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let invite = cseq(&response);
        let Some(dialog) = session.dialog_of(Leg::Wic, &response) else {
            return;
        };
        let rseq = dialog.promise(server, invite);
        if !response.lists(HeaderName::Require, "100rel") {
            response.push_back(HeaderName::Require, "100rel");
        }
        response.set(HeaderName::RSeq, rseq);
        let timers = TimerSet::core();
        let at = now + timers.t1;
        session.promise = Some(Box::new(Promise {
            server,
            response: response.clone(),
            rseq,
            at,
            interval: timers.t1,
            until: now + timers.transaction(),
            next: None,
        }));
        self.timers.set(at, Timer::Promise(id));
        self.transactions.respond(now, server, response);
    }

    /// RFC 3262 §3 — a PRACK came for what the edge had promised.
    pub(crate) fn promise_kept(&mut self, now: Instant, id: u64, rseq: u32) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let Some(kept) = session.promise.take_if(|promise| promise.rseq == rseq) else {
            return;
        };
        if let Some(next) = kept.next {
            self.send_promise(now, id, kept.server, next);
        }
    }

    /// RFC 3262 §3 — the interval doubles each time, on whatever transport.
    pub(crate) fn promise_due(&mut self, now: Instant, id: u64) {
        let promise = self.sessions.get_mut(id).and_then(|s| s.promise.as_mut());
        let Some(promise) = promise.filter(|promise| promise.at <= now) else {
            return;
        };
        if promise.until <= now {
            self.release(now, id, "no PRACK came");
            return;
        }
        promise.interval *= 2;
        promise.at = (now + promise.interval).min(promise.until);
        let (at, server, response) = (promise.at, promise.server, promise.response.clone());
        self.timers.set(at, Timer::Promise(id));
        self.transactions.respond(now, server, response);
    }
}

impl Session {
    /// RFC 3261 §13.2.1 — a provisional response told whoever asked of the media, but not reliably: to them that was a
    /// preview, and a 2xx without SDP, which is enough for one who has answered reliably, leaves with the answer.
    pub(super) fn keep_preview(&mut self, server: ServerTransactionId, response: &mut Message) {
        let status = response.status().unwrap_or(StatusCode::TRYING);
        if status.is_provisional() {
            if let Some(said) = description::find(response) {
                self.preview = Some((server, said));
            }
            return;
        }
        let preview = self.preview.take_if(|(of, _)| *of == server);
        let current = self.exchange == Some(super::Exchange::Request(server));
        if let Some((_, preview)) = preview
            && current
            && status.is_success()
            && response.body().is_empty()
        {
            response.set_body(Some("application/sdp"), preview);
        }
    }

    /// RFC 3262 §5 — the answer goes to whoever asked in a reliable response, and needs no saying again.
    pub(super) fn note_settled(
        &mut self,
        server: ServerTransactionId,
        from: Leg,
        response: &Message,
    ) {
        if !response.has(HeaderName::RSeq) {
            return;
        }
        if let Some(dialog) = self.dialog_of(from, response) {
            dialog.settled = Some(server);
            self.preview = None;
        }
    }

    /// RFC 3262 §3: after a final response none is sent again.
    pub(super) fn forget_promise(&mut self, server: ServerTransactionId) {
        self.promise.take_if(|promise| promise.server == server);
    }
}
