//! RFC 4028: calls whose ends have silently died come to their end.
//!
//! | who asked knows timers | who answered does | then |
//! | --- | --- | --- |
//! | yes | yes | they do it; the edge watches |
//! | yes | no | the edge says `refresher=uac` to whoever asked (§8.2), and watches |
//! | no | yes, and refreshes | its refreshes reach both ends; the edge watches |
//! | no | yes, and wants to be refreshed | the edge refreshes that leg and asks the other whether it lives |
//! | no | no | the edge asks both |
//!
//! A leg is asked with UPDATE where its end takes that (§7.4), else with a re-INVITE if it counts on being
//! refreshed, else with OPTIONS. 408 and 481 end the call both ways (§10).

use std::time::{Duration, Instant};

use wire_sip::header::{MinSe, SessionExpires};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::{Plan, Session};
use crate::EpCscf;
use crate::ims_alg::Leg;
use crate::timer::Timer;

/// RFC 4028 §4: no interval is shorter.
const LEAST: Duration = Duration::from_secs(90);

/// The session timer of a call.
#[derive(Debug, Default)]
pub(crate) struct Refresh {
    /// As it was agreed on; none before an answer.
    pub(crate) interval: Option<Duration>,
    /// The edge refreshes this leg, or asks it.
    wic: Duty,
    core: Duty,
    /// The call is over unless something shows before that it is not.
    expires: Option<Instant>,
    /// When the edge does its duty.
    due: Option<Instant>,
}

/// What the edge does for a leg.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Duty {
    /// Its end, or the other, refreshes.
    #[default]
    None,
    /// It counts on being refreshed.
    Refresh,
    /// It knows no timers: whether it lives is asked.
    Ask,
}

impl Refresh {
    pub(crate) fn duty(&self, leg: Leg) -> Duty {
        match leg {
            Leg::Wic => self.wic,
            Leg::Core => self.core,
        }
    }

    /// Who refreshes, as a request of our own towards this leg says.
    pub(crate) fn header(&self, to: Leg) -> Option<String> {
        let refresher = match self.duty(to) {
            Duty::Ask => return None,
            Duty::Refresh => "uac",
            Duty::None => "uas",
        };
        let seconds = self.interval?.as_secs();
        Some(format!("{seconds};refresher={refresher}"))
    }
}

impl Session {
    /// RFC 4028 §8.1 — a request that sets the session timer; it leaves with a Session-Expires, and as from one who
    /// knows timers, since the edge does.
    pub(crate) fn time_request(&mut self, request: &mut Message, usual: Duration, least: Duration) {
        if !sets_timer(request) || usual.is_zero() {
            return;
        }
        match expires(request) {
            None => {
                // In a call that has a timer, whoever knows none must not stop it.
                let interval = self.refresh.interval.unwrap_or(usual);
                request.set(HeaderName::SessionExpires, interval.as_secs());
            }
            Some((seconds, _)) if seconds < least => {
                request.set(HeaderName::SessionExpires, least.as_secs());
            }
            Some(_) => {}
        }
        if !request.lists(HeaderName::Supported, "timer") {
            request.push_back(HeaderName::Supported, "timer");
            let asked = min_se(request).unwrap_or(Duration::ZERO);
            request.set(HeaderName::MinSe, asked.max(least).as_secs());
        }
    }

    /// RFC 4028 §8.2 — the answer sets it.
    pub(crate) fn time_response(
        &mut self,
        now: Instant,
        from: Leg,
        request: &Message,
        response: &mut Message,
        usual: Duration,
    ) {
        if !sets_timer(response) || !response.status().is_some_and(StatusCode::is_success) {
            return;
        }
        let knows = request.lists(HeaderName::Supported, "timer");
        let (asker, answerer) = (from.other(), from);
        let mut duty = |leg: Leg, duty: Duty| match leg {
            Leg::Wic => self.refresh.wic = duty,
            Leg::Core => self.refresh.core = duty,
        };
        let asked = expires(request).map(|(interval, _)| interval);
        let interval = match (expires(response), knows) {
            (Some((interval, refresher)), false) => {
                // RFC 4028 §7.1: who does not know the option must not be asked for it.
                response.remove(HeaderName::SessionExpires);
                response.retain_values(HeaderName::Require, |tag| {
                    !tag.eq_ignore_ascii_case("timer")
                });
                let own = refresher.is_none_or(|who| who.eq_ignore_ascii_case("uac"));
                duty(answerer, if own { Duty::Refresh } else { Duty::None });
                duty(asker, if own { Duty::Ask } else { Duty::None });
                interval
            }
            (Some((interval, _)), true) => {
                duty(answerer, Duty::None);
                duty(asker, Duty::None);
                interval
            }
            (None, true) if !usual.is_zero() || asked.is_some() => {
                let interval = asked.unwrap_or(usual);
                let value = format!("{};refresher=uac", interval.as_secs());
                response.set(HeaderName::SessionExpires, value);
                if !response.lists(HeaderName::Require, "timer") {
                    response.push_back(HeaderName::Require, "timer");
                }
                duty(answerer, Duty::None);
                duty(asker, Duty::None);
                interval
            }
            (_, false) if !usual.is_zero() => {
                duty(answerer, Duty::Ask);
                duty(asker, Duty::Ask);
                self.refresh.interval.unwrap_or(usual)
            }
            _ => {
                duty(answerer, Duty::None);
                duty(asker, Duty::None);
                self.refresh.interval = None;
                self.refresh.expires = None;
                self.refresh.due = None;
                return;
            }
        };
        self.refresh.interval = Some(interval.max(LEAST));
        self.renew(now);
    }

    /// The call goes on: it has shown that it does.
    fn renew(&mut self, now: Instant) {
        let Some(interval) = self.refresh.interval else {
            return;
        };
        let watches = self.refresh.wic == Duty::None && self.refresh.core == Duty::None;
        self.refresh.expires = Some(now + interval);
        // RFC 4028 §10: a refresher begins at half the interval.
        self.refresh.due = (!watches).then(|| now + interval / 2);
    }
}

impl EpCscf {
    /// RFC 4028 §8.1 — an interval that is too small is refused with 422 to one who knows what that means.
    pub(super) fn too_brief(&self, request: &Message) -> bool {
        sets_timer(request)
            && request.lists(HeaderName::Supported, "timer")
            && expires(request)
                .is_some_and(|(interval, _)| interval < self.config.min_session_expires)
    }

    /// The session timer of a call was set, or set anew.
    pub(super) fn watch_session(&mut self, id: u64) {
        let Some(session) = self.sessions.get(id) else {
            return;
        };
        let refresh = &session.refresh;
        for at in [refresh.due, refresh.expires].into_iter().flatten() {
            self.timers.set(at, Timer::Refresh(id));
        }
    }

    /// A moment of the session timer has come.
    pub(crate) fn refresh_due(&mut self, now: Instant, id: u64) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if session.refresh.expires.is_some_and(|at| at <= now) {
            self.release(now, id, "the session has expired");
            return;
        }
        if session.refresh.due.is_none_or(|at| at > now) {
            return;
        }
        session.refresh.due = None;
        for leg in [Leg::Core, Leg::Wic] {
            let duty = self
                .sessions
                .get(id)
                .map(|session| session.refresh.duty(leg));
            if duty.is_some_and(|duty| duty != Duty::None) {
                self.plan(now, id, Plan::Refresh(leg));
            }
        }
    }

    /// A leg that was asked has answered.
    pub(super) fn refreshed(&mut self, now: Instant, id: u64) {
        if let Some(session) = self.sessions.get_mut(id)
            && session.own.is_done()
        {
            session.renew(now);
            self.watch_session(id);
        }
    }
}

/// RFC 4028 §7.4: INVITE and UPDATE.
fn sets_timer(message: &Message) -> bool {
    matches!(message.method(), Method::Invite | Method::Update)
}

fn expires(message: &Message) -> Option<(Duration, Option<String>)> {
    let header = message.typed::<SessionExpires>().ok().flatten()?;
    let refresher = header.params.get("refresher").map(str::to_owned);
    let interval = Duration::from_secs(u64::from(header.seconds()));
    Some((interval, refresher))
}

pub(super) fn min_se(message: &Message) -> Option<Duration> {
    let header = message.typed::<MinSe>().ok().flatten()?;
    header.value.parse().ok().map(Duration::from_secs)
}
