//! Session timers (RFC 4028): a UE that is gone without a word is found out.

use std::time::{Duration, Instant};

use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::call::Stage;
use super::machine::Calls;
use super::sending::{Errand, Purpose};

/// When a session is looked after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refresh {
    /// When; `None` while it is being refreshed.
    pub(crate) at: Option<Instant>,
    interval: Duration,
    /// When the session is over without one.
    ends: Instant,
    /// We refresh; else we expect it of the UE.
    ours: bool,
    update: bool,
}

impl Calls {
    /// RFC 4028 §7.2, §9 — the interval begins anew. `response` is the 2xx, of either side. A UE without
    /// session timers is asked all the same: it answers, or is gone.
    pub(super) fn refresh_later(
        &mut self,
        now: Instant,
        number: u64,
        index: usize,
        response: &Message,
    ) {
        if !response.status().is_some_and(StatusCode::is_success) {
            return self.refresh_again(now, number, index, response);
        }
        let ours_by_default = self.config.session_expires;
        let header = response.header(HeaderName::SessionExpires).unwrap_or("");
        let seconds = header.split(';').next().and_then(|n| n.trim().parse().ok());
        // RFC 4028 §4: 90 s is the least.
        let seconds = seconds.unwrap_or(ours_by_default).clamp(90, 86_400);
        let interval = Duration::from_secs(seconds.into());
        let by_ue = response
            .header(HeaderName::Contact)
            .is_some_and(|contact| contact.contains(&self.config.address.to_string()));
        // In a 2xx of ours `uac` is the UE, in one of the UE's it is we.
        let ours = match (header.contains("refresher=uas"), by_ue) {
            (uas, true) => uas,
            (uas, false) => !uas,
        };
        let call = self.by_number.get(&number);
        if call.is_some_and(|call| call.anchor.is_some()) {
            // The two see to that.
            return;
        }
        let Some(leg) = self.leg(number, index) else {
            return;
        };
        let update = if by_ue {
            leg.refresh.is_some_and(|refresh| refresh.update)
        } else {
            let mut allowed = response.values(HeaderName::Allow);
            allowed.any(|method| method.trim().eq_ignore_ascii_case("UPDATE"))
        };
        // RFC 4028 §7.2, §10: we at half the time, the UE not later than a third before the end.
        let at = now
            + if ours {
                interval / 2
            } else {
                interval.saturating_sub((interval / 3).min(Duration::from_secs(32)))
            };
        let before = leg.refresh.replace(Refresh {
            at: Some(at),
            interval,
            ends: now + interval,
            ours,
            update,
        });
        if let Some(before) = before.and_then(|before| before.at)
            && let Some(call) = self.by_number.get(&number)
            && !call.is_due_at(before)
        {
            self.deadlines.remove(&(before, number));
        }
        self.deadlines.insert((at, number));
    }

    /// RFC 4028 §10 — a refresh that the UE did not take: the session goes on to its end as it was, and there is some
    /// time before that.
    fn refresh_again(&mut self, now: Instant, number: u64, index: usize, response: &Message) {
        let Some(leg) = self.leg(number, index) else {
            return;
        };
        let Some(refresh) = leg.refresh.as_mut().filter(|refresh| refresh.at.is_none()) else {
            return;
        };
        let at = now + refresh.interval / 16;
        if at >= refresh.ends {
            return self.end_session(now, number, "the session could not be refreshed");
        }
        refresh.at = Some(at);
        // RFC 3261 §21.4.6, §21.5.2: what it does not know of this it does by INVITE.
        refresh.update &= !response
            .status()
            .is_some_and(|status| matches!(status.as_u16(), 405 | 501));
        self.deadlines.insert((at, number));
    }

    /// Sessions of a call whose time has come.
    pub(super) fn sessions_due(&mut self, now: Instant, number: u64) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        if call.stage != Stage::Standing {
            return;
        }
        let (mut send, mut re_invite) = (Vec::new(), Vec::new());
        let mut lost = false;
        for (index, leg) in call.legs.iter_mut().enumerate() {
            let due = |refresh: &&mut Refresh| refresh.at.is_some_and(|at| at <= now);
            let Some(refresh) = leg.refresh.as_mut().filter(due) else {
                continue;
            };
            if !refresh.ours {
                lost = true;
                continue;
            }
            refresh.at = None;
            let refresh = *refresh;
            if leg.changing.is_some() {
                // An offer that is out, or goes again, refreshes the session as well.
                continue;
            }
            if refresh.update
                && let Some(dialog) = leg.dialog()
            {
                let mut update = dialog.request(Method::Update);
                let seconds = refresh.interval.as_secs();
                let address = self.config.address;
                update.push_back(
                    HeaderName::Contact,
                    format_args!("<sip:mmtel-es@{address}>"),
                );
                update.push_back(HeaderName::Supported, "timer");
                update.push_back(
                    HeaderName::SessionExpires,
                    format_args!("{seconds};refresher=uac"),
                );
                send.push((index, dialog.next_hop().to_owned(), update));
            } else {
                re_invite.push(index);
            }
        }
        for (index, next, update) in send {
            let purpose = Purpose::Refresh(number, index);
            self.send(now, &next, update, Errand::Request(purpose));
        }
        for index in re_invite {
            self.re_invite(now, number, index);
        }
        if lost {
            // RFC 4028 §10: the UE is told, if it still hears.
            self.end_session(now, number, "the UE did not refresh the session");
        }
    }

    fn end_session(&mut self, now: Instant, number: u64, words: &str) {
        self.fail(now, number, &super::ending::Why::HungUp(words.to_owned()));
    }

    /// The answer to a refresh.
    pub(super) fn refreshed(
        &mut self,
        now: Instant,
        number: u64,
        index: usize,
        response: &Message,
        status: StatusCode,
    ) {
        if status.is_success() {
            if let Some(dialog) = self.leg(number, index).and_then(|leg| leg.dialog()) {
                dialog.handle_response(response);
            }
            return self.refresh_later(now, number, index, response);
        }
        if over(status) {
            let words = "the UE does not know the call any more";
            return self.hung_up(now, number, index, words);
        }
        // Anything else: the dialog is there, and is asked again later.
        self.refresh_later(now, number, index, response);
    }
}

/// RFC 5057 §5.1 — responses that end the dialog.
pub(super) fn over(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        404 | 408 | 410 | 416 | 481 | 482 | 483 | 484 | 485 | 502 | 604
    )
}
