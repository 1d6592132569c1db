//! What the edge says in a call of its own accord.
//!
//! ```text
//!   plan ─▶ queue ─▶ free? ── no: a moment later ──┐
//!                      │ yes                       │
//!                      ▼                           │
//!                    INVITE, UPDATE ─▶ 491: back-off of RFC 3261 §14.1
//!                      │
//!                      └─▶ 2xx: ACK, settled · 408, 481, nothing: the call is over
//! ```

use std::time::{Duration, Instant};

use core_sip::{ClientTransactionId, TimerSet};
use wire_sip::header::RetryAfter;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use smallvec::SmallVec;

use super::refresh::Duty;
use super::{Exchange, Inviting, Item, Session, State};
use crate::ims_alg::Leg;
use crate::timer::Timer;
use crate::{EpCscf, charging};

/// How long a request of our own may go unanswered: it asks no person.
const PATIENCE: Duration = Duration::from_secs(64);

/// How often a request of our own may be put off (491, Retry-After), before that counts as a refusal.
const MOST_TRIES: u8 = 8;

/// So many milliseconds are data channels gathered that are to be announced.
const TOGETHER: u64 = 100;

/// What there is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// What the other leg said last, in a re-INVITE.
    Reoffer(Leg),
    /// That the call goes on (RFC 4028 §10), and the question whether it does.
    Refresh(Leg),
    /// The data channels that the WIC opened in band, in a re-INVITE to the core (TS 24.371 §8.4.2).
    Announce,
}

impl Plan {
    fn to(self) -> Leg {
        match self {
            Self::Reoffer(to) | Self::Refresh(to) => to,
            Self::Announce => Leg::Core,
        }
    }
}

/// The edge's own part in a call: one request at a time.
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// To be said as soon as the call is free for it.
    pub(crate) wanted: SmallVec<[Plan; 2]>,
    /// Not before this moment.
    not_before: Option<Instant>,
    /// How often in a row it was put off.
    tries: u8,
    /// Said, and not answered.
    pub(crate) sent: Option<Sent>,
    /// The ACK of the last INVITE, for a 2xx that comes again.
    acknowledged: Option<Box<(ClientTransactionId, Message)>>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) client: ClientTransactionId,
    plan: Plan,
    until: Instant,
}

impl Own {
    /// There is nothing to say, and nothing was said that is not answered.
    pub(crate) fn is_done(&self) -> bool {
        self.wanted.is_empty() && self.sent.is_none()
    }
}

impl EpCscf {
    /// Something is to be said, now or as soon as the call is free for it.
    pub(crate) fn plan(&mut self, now: Instant, id: u64, plan: Plan) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        // To offer again says that the call goes on, too.
        let offers = |other: &Plan| *other == Plan::Reoffer(plan.to());
        let said = session.own.wanted.iter().any(|o| *o == plan || offers(o));
        if !said {
            let refresh = Plan::Refresh(plan.to());
            session.own.wanted.retain(|other| *other != refresh);
            session.own.wanted.push(plan);
        }
        self.try_own(now, id);
    }

    /// The call may be free now.
    pub(crate) fn try_own(&mut self, now: Instant, id: u64) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        // Nobody has closed them, and no offer of another has taken them along.
        let wants = session.negotiation.wants_to_announce();
        let wanted = &mut session.own.wanted;
        wanted.retain(|plan| *plan != Plan::Announce || wants);
        let Some(plan) = wanted.first().copied() else {
            return;
        };
        if session.own.not_before.is_some_and(|at| at > now) {
            return;
        }
        session.own.not_before = None;
        // Whatever is under way comes to its end, and we are asked again.
        let busy = session.own.sent.is_some()
            || session.state != State::Confirmed
            || session.waiting.is_some()
            || !session.queue.is_empty()
            || !session.is_settled();
        if busy {
            return;
        }
        if plan.to() == Leg::Wic && self.flow_of(id).is_none() {
            self.own_later(now, id, 500, 2000);
            return;
        }
        let Some(session) = self.sessions.get(id) else {
            return;
        };
        let (to, refresh) = (plan.to(), &session.refresh);
        let updates = session
            .dialogs
            .current()
            .is_some_and(|d| d.party(to).updates);
        let method = match (plan, updates, refresh.duty(to)) {
            (Plan::Refresh(_), true, _) => Method::Update,
            (Plan::Reoffer(_) | Plan::Announce, ..) | (_, false, Duty::Refresh) => Method::Invite,
            (Plan::Refresh(_), false, _) => Method::Options,
        };
        let timer = refresh.header(to).filter(|_| method != Method::Options);
        let Some(mut message) = self.own_request(id, to, method, 0) else {
            return;
        };
        if method != Method::Options {
            self.name_contact(id, to, &mut message);
        }
        if let Some(timer) = timer {
            message.push_back(HeaderName::Supported, "timer");
            message.push_back(HeaderName::SessionExpires, timer);
        }
        if method == Method::Invite {
            message.push_back(HeaderName::ContentType, "application/sdp");
        }
        if let Some(session) = self.sessions.get_mut(id) {
            session.own.wanted.retain(|other| *other != plan);
        }
        self.enqueue(now, id, Item::Own { message, to, plan });
    }

    /// RFC 3261 §12.2.1.1: a target refresh has the Contact of whoever we speak for.
    fn name_contact(&self, id: u64, to: Leg, message: &mut Message) {
        let Some(session) = self.sessions.get(id) else {
            return;
        };
        let Some(dialog) = session.dialogs.current() else {
            return;
        };
        message.push_back(HeaderName::Contact, &dialog.party(to.other()).contact);
        message.push_back(
            HeaderName::Allow,
            "INVITE, ACK, CANCEL, BYE, UPDATE, PRACK, OPTIONS",
        );
        if to == Leg::Core {
            let vector = charging::vector(&self.config, &session.icid);
            message.push_back(HeaderName::PChargingVector, vector);
        }
    }

    pub(super) fn dispatch_own(
        &mut self,
        now: Instant,
        id: u64,
        mut message: Message,
        to: Leg,
        plan: Plan,
    ) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let invite = message.method() == Method::Invite;
        let method = message.method().as_str().to_owned();
        let Some(dialog) = session.dialogs.current_mut() else {
            return;
        };
        let number = dialog.numbering(to.other()).own();
        message.set(HeaderName::CSeq, format_args!("{number} {method}"));
        let client = match to {
            Leg::Wic => self.flow_of(id).map(|target| {
                let timers = TimerSet::access();
                self.transactions.send_request(now, target, message, timers)
            }),
            Leg::Core => self.send_own(now, message, TimerSet::core()),
        };
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let Some(client) = client else {
            // The WIC has gone, or its name is being looked up.
            session.negotiation.unsent();
            session.negotiation.rollback();
            session.own.wanted.insert(0, plan);
            self.own_later(now, id, 500, 2000);
            return;
        };
        if invite {
            session.exchange = Some(Exchange::Own);
            session.inviting = Some(Inviting::Own(client));
        }
        let until = now + PATIENCE;
        if let Some(old) = session.own.acknowledged.take() {
            self.own.remove(&old.0);
        }
        session.own.sent = Some(Sent {
            client,
            plan,
            until,
        });
        self.own.insert(client, id);
        self.timers.set(until, Timer::OwnLate(id));
    }

    /// A response to a request of our own; `None` when there is none. `false` if it is none of ours.
    pub(crate) fn own_answered(
        &mut self,
        now: Instant,
        client: ClientTransactionId,
        response: Option<Message>,
    ) -> bool {
        let Some(id) = self.own.get(&client).copied() else {
            return false;
        };
        let Some(session) = self.sessions.get_mut(id) else {
            self.own.remove(&client);
            return true;
        };
        let again = session.own.acknowledged.as_ref();
        if let Some(acknowledged) = again.filter(|acknowledged| acknowledged.0 == client) {
            let ack = acknowledged.1.clone();
            if response.is_some_and(|r| r.status().is_some_and(StatusCode::is_success)) {
                self.send_ack(now, id, ack);
            }
            return true;
        }
        let Some(sent) = session.own.sent.filter(|sent| sent.client == client) else {
            return true;
        };
        let to = sent.plan.to();
        let Some(response) = response else {
            self.own_failed(now, id, sent.plan, StatusCode::REQUEST_TIMEOUT, None);
            return true;
        };
        let status = response.status().unwrap_or(StatusCode::REQUEST_TIMEOUT);
        if status.is_provisional() {
            return true;
        }
        if response.method() == Method::Invite && status.is_success() {
            self.acknowledge_own(now, id, client, to, &response);
        }
        self.enqueue(
            now,
            id,
            Item::OwnResponse {
                client,
                message: response,
                from: to,
                plan: sent.plan,
            },
        );
        true
    }

    fn acknowledge_own(
        &mut self,
        now: Instant,
        id: u64,
        client: ClientTransactionId,
        to: Leg,
        response: &Message,
    ) {
        if let Some(session) = self.sessions.get_mut(id)
            && let Some(dialog) = session.dialogs.current_mut()
        {
            dialog.party_mut(to).refresh(response);
        }
        let Some(ack) = self.own_request(id, to, Method::Ack, super::cseq(response)) else {
            return;
        };
        if let Some(session) = self.sessions.get_mut(id) {
            session.own.acknowledged = Some(Box::new((client, ack.clone())));
        }
        self.send_ack(now, id, ack);
    }

    /// An ACK of our own, to the side that its INVITE went to.
    fn send_ack(&mut self, now: Instant, id: u64, ack: Message) {
        let Some(session) = self.sessions.get(id) else {
            return;
        };
        let to_wic = session
            .dialogs
            .current()
            .is_some_and(|dialog| ack.header(HeaderName::To) == Some(&*dialog.wic.address));
        if to_wic {
            if let Some(target) = self.flow_of(id) {
                self.transactions.send(now, target, ack);
            }
        } else {
            self.ack_to_core(now, ack);
        }
    }

    /// Its answer has taken effect, or it failed.
    pub(super) fn own_settled(
        &mut self,
        now: Instant,
        id: u64,
        client: ClientTransactionId,
        plan: Plan,
        response: &Message,
    ) {
        let status = response.status().unwrap_or(StatusCode::REQUEST_TIMEOUT);
        if !status.is_success() {
            let seconds = response.typed::<RetryAfter>().ok().flatten();
            self.own_failed(now, id, plan, status, seconds.map(|s| s.seconds()));
            return;
        }
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        (session.own.sent, session.own.tries) = (None, 0);
        session.negotiation.rest();
        if session.exchange == Some(Exchange::Own) {
            session.exchange = None;
        }
        if session.inviting == Some(Inviting::Own(client)) {
            session.inviting = None;
        } else {
            self.own.remove(&client);
        }
        self.refreshed(now, id);
        self.try_own(now, id);
    }

    /// RFC 3261 §14.1, RFC 4028 §10 — 491 is tried again after a while, 408 and 481 end the call; a re-offer that is
    /// refused leaves two sides that do not fit together.
    fn own_failed(
        &mut self,
        now: Instant,
        id: u64,
        plan: Plan,
        status: StatusCode,
        retry_after: Option<u32>,
    ) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if let Some(sent) = session.own.sent.take() {
            self.own.remove(&sent.client);
        }
        if matches!(session.inviting, Some(Inviting::Own(_))) {
            session.inviting = None;
        }
        let commands = match session.exchange {
            Some(Exchange::Own) => {
                session.exchange = None;
                session.negotiation.rollback()
            }
            _ => Vec::new(),
        };
        // RFC 3261 §14.1: whoever made the Call-ID waits longer.
        let owner = session.initiator != plan.to();
        let status = match status.as_u16() {
            // It never comes to an end: that is as good as a refusal.
            491 | 500 | 503 if session.own.tries >= MOST_TRIES => 488,
            status => status,
        };
        // In a row: whatever else is said ends it.
        session.own.tries = match status {
            491 | 500 | 503 => session.own.tries.saturating_add(1),
            _ => 0,
        };
        for command in commands {
            self.tell_gateway(command);
        }
        match (status, plan) {
            (491, _) if owner => self.own_again(now, id, plan, 2100, 4000),
            (491, _) => self.own_again(now, id, plan, 0, 2000),
            (500 | 503, _) if retry_after.is_some_and(|seconds| seconds <= 32) => {
                let wait = u64::from(retry_after.unwrap_or_default()) * 1000;
                self.own_again(now, id, plan, wait, wait + 1000);
            }
            (408 | 481, _) => self.release(now, id, "the far end does not answer"),
            (_, Plan::Reoffer(_)) => self.release(now, id, "the answers do not fit together"),
            (_, Plan::Announce) => self.own_impossible(now, id, plan),
            // It answers, so the call goes on.
            (_, Plan::Refresh(_)) => {
                self.refreshed(now, id);
                self.try_own(now, id);
            }
        }
    }

    /// It cannot even be said: the gateway has no room for it.
    pub(super) fn own_impossible(&mut self, now: Instant, id: u64, plan: Plan) {
        match plan {
            Plan::Reoffer(_) => self.release(now, id, "the answers do not fit together"),
            Plan::Refresh(_) => self.refreshed(now, id),
            Plan::Announce => {
                if let Some(session) = self.sessions.get_mut(id) {
                    session.negotiation.refuse_announced();
                }
                self.tell_closed(id);
                self.try_own(now, id);
            }
        }
    }

    /// A channel was opened in band that the core is to hear of: more of them may come at once.
    pub(super) fn announce(&mut self, now: Instant, id: u64) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if !session.negotiation.wants_to_announce() {
            return;
        }
        if session.own.not_before.is_none() && !session.own.wanted.contains(&Plan::Announce) {
            self.own_later(now, id, TOGETHER, TOGETHER);
        }
        self.plan(now, id, Plan::Announce);
    }

    /// Channels that come to nothing are reset.
    pub(super) fn tell_closed(&mut self, id: u64) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        for command in session.negotiation.take_closed() {
            self.tell_gateway(command);
        }
    }

    fn own_again(&mut self, now: Instant, id: u64, plan: Plan, from: u64, to: u64) {
        if let Some(session) = self.sessions.get_mut(id) {
            session.own.wanted.insert(0, plan);
        }
        self.own_later(now, id, from, to);
    }

    /// In units of 10 ms, as RFC 3261 §14.1 has them.
    fn own_later(&mut self, now: Instant, id: u64, from: u64, to: u64) {
        let wait = from + 10 * self.random.below((to - from) / 10 + 1);
        let at = now + Duration::from_millis(wait);
        if let Some(session) = self.sessions.get_mut(id) {
            session.own.not_before = Some(at);
        }
        self.timers.set(at, Timer::OwnAgain(id));
    }

    /// Nothing came back in time.
    pub(crate) fn own_late(&mut self, now: Instant, id: u64) {
        let sent = self.sessions.get(id).and_then(|session| session.own.sent);
        let Some(sent) = sent.filter(|sent| sent.until <= now) else {
            return;
        };
        self.transactions.cancel(now, sent.client, None);
        self.own_failed(now, id, sent.plan, StatusCode::REQUEST_TIMEOUT, None);
    }

    /// A session is over: what is under way of our own is too.
    pub(super) fn forget_own(&mut self, now: Instant, session: &Session) {
        if let Some(sent) = session.own.sent {
            self.own.remove(&sent.client);
            self.transactions.cancel(now, sent.client, None);
        }
        if let Some(acknowledged) = &session.own.acknowledged {
            self.own.remove(&acknowledged.0);
        }
    }

    fn flow_of(&self, id: u64) -> Option<core_sip::Target> {
        self.flow_target(self.sessions.get(id)?.binding)
    }
}
