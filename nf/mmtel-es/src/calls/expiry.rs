//! Calls that pass by and end without a word (RFC 4028): who is gone says no BYE.

use std::time::{Duration, Instant};

use api_mmtel_es::ims_session::ImsSessionEventType;
use core_sip::TimerSet;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::ending::Why;
use super::machine::Calls;
use super::observer::put;

/// The longest that a session is waited for.
const LONGEST: u64 = 86_400;

impl Calls {
    /// RFC 4028 §8.2, §10 — each 2xx to INVITE and UPDATE says how long the session lives without another one; without a
    /// word of that it lives until its BYE.
    pub(super) fn lives_on(
        &mut self,
        now: Instant,
        session: &str,
        request: &Message,
        response: &Message,
    ) {
        let refreshes = matches!(request.method(), Method::Invite | Method::Update);
        let taken = response.status().is_some_and(StatusCode::is_success);
        let Some(observed) = self
            .observed
            .get_mut(session)
            .filter(|_| refreshes && taken)
        else {
            return;
        };
        let interval = response.header(HeaderName::SessionExpires);
        let seconds = interval.and_then(|text| text.split(';').next()?.trim().parse().ok());
        // RFC 4028 §4: 90 s is the least.
        let interval = seconds.map(|seconds: u64| seconds.clamp(90, LONGEST));
        let before = std::mem::replace(&mut observed.interval, interval);
        if observed.standing && before != interval {
            // Who takes over after us is to wait as long as we do.
            let changes = vec![put(session, observed)];
            self.commit(changes, Vec::new());
        }
        self.expires_later(now, session);
    }

    pub(super) fn expires_later(&mut self, now: Instant, session: &str) {
        let Some(observed) = self.observed.get_mut(session) else {
            return;
        };
        let until = observed.interval.map(|seconds| {
            // A last request may still be on its way.
            now + Duration::from_secs(seconds) + TimerSet::core().transaction()
        });
        let before = std::mem::replace(&mut observed.until, until);
        if let Some(before) = before {
            self.expiries.remove(&(before, session.to_owned()));
        }
        self.expiries
            .extend(until.map(|until| (until, session.to_owned())));
    }

    /// A call is watched no more.
    pub(super) fn forget_observed(&mut self, session: &str) {
        if let Some(until) = self.observed.remove(session).and_then(|one| one.until) {
            self.expiries.remove(&(until, session.to_owned()));
        }
    }

    /// Sessions that nobody has refreshed in time are over.
    pub(super) fn expire(&mut self, now: Instant) {
        while self
            .expiries
            .first()
            .is_some_and(|(until, _)| *until <= now)
        {
            let Some((_, session)) = self.expiries.pop_first() else {
                return;
            };
            match self.anchored(&session) {
                Some(call) => {
                    let words = "nobody refreshed the session".to_owned();
                    self.fail(now, call, &Why::HungUp(words));
                }
                None => self.tell(&session, ImsSessionEventType::SessionTermination, None),
            }
        }
    }
}
