//! What the core requires and a WIC cannot do, and the edge does for it: reliable provisional responses (RFC 3262),
//! and a session timer of another length (RFC 4028 §7.3).

use std::time::Instant;

use core_sip::proxy::LoopHash;
use core_sip::{ClientTransactionId, ServerTransactionId, TimerSet};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::promise::requires_reliable;
use super::refresh::min_se;
use super::{State, cseq, description};
use crate::EpCscf;
use crate::ims_alg::Leg;

/// The first INVITE as it went out.
#[derive(Debug)]
pub(crate) struct Attempt {
    invite: Message,
    hash: LoopHash,
}

impl Attempt {
    /// Of a WIC's, only an INVITE with an offer is tried again: without one, the offer of a reliable response could not
    /// be answered for the WIC. Of the core's, only one that requires what a WIC may not know.
    pub(crate) fn of(invite: &Message, from: Leg, hash: LoopHash) -> Option<Box<Self>> {
        let again = match from {
            Leg::Wic => description::find(invite).is_some(),
            Leg::Core => requires_reliable(invite),
        };
        let invite = || invite.clone();
        again.then(|| {
            Box::new(Self {
                invite: invite(),
                hash,
            })
        })
    }
}

/// RFC 3262 §3 — an INVITE for a WIC that knows no reliable responses: the edge makes them itself.
pub(super) fn require_nothing(invite: &mut Message) {
    for name in [HeaderName::Require, HeaderName::Supported] {
        invite.retain_values(name, |tag| !tag.eq_ignore_ascii_case("100rel"));
    }
}

impl EpCscf {
    /// RFC 3261 §8.1.3.5 — the core asks for something that the edge can add, or the WIC cannot do what the edge does
    /// for it; `true` when the INVITE went out again.
    pub(crate) fn tried_again(
        &mut self,
        now: Instant,
        server: ServerTransactionId,
        branch: ClientTransactionId,
        response: &Message,
    ) -> bool {
        let Some(forward) = self.forwards.get_mut(&server) else {
            return false;
        };
        let Some(id) = forward.session() else {
            return false;
        };
        let asked = forward.context.request();
        let knows = |tag| asked.lists(HeaderName::Supported, tag);
        let asker = forward.from;
        let wanted = match (asker, response.status()) {
            (Leg::Wic, Some(StatusCode::EXTENSION_REQUIRED)) => {
                response.lists(HeaderName::Require, "100rel") && !knows("100rel")
            }
            (Leg::Wic, Some(StatusCode::SESSION_INTERVAL_TOO_SMALL)) => !knows("timer"),
            (Leg::Core, Some(StatusCode::BAD_EXTENSION)) => {
                let mut unknown = response.values(HeaderName::Unsupported).peekable();
                unknown.peek().is_some() && unknown.all(|tag| tag.eq_ignore_ascii_case("100rel"))
            }
            _ => false,
        };
        let Some(session) = self.sessions.get_mut(id).filter(|_| wanted) else {
            return false;
        };
        let number = cseq(asked);
        if session.state != State::Early || session.dialogs.current().is_some() {
            return false;
        }
        let Some(attempt) = session.attempt.take() else {
            return false;
        };
        let Attempt { mut invite, hash } = *attempt;
        let binding = session.binding;
        session.unreliable = asker == Leg::Core;
        match min_se(response) {
            _ if asker == Leg::Core => require_nothing(&mut invite),
            Some(least) => {
                invite.set(HeaderName::MinSe, least.as_secs());
                invite.set(HeaderName::SessionExpires, least.as_secs());
            }
            None => invite.push_back(HeaderName::Supported, "100rel"),
        }
        let sent = session.calling.again(number);
        invite.set(HeaderName::CSeq, format_args!("{sent} INVITE"));
        forward.context.drop_branch(branch);
        self.by_branch.remove(&branch);
        match asker {
            Leg::Wic => self.forward_to_core(now, server, invite, hash),
            Leg::Core => self.forward_to_wic(now, server, invite, hash, binding),
        }
        true
    }

    /// Whether whoever asked knows nothing of reliable provisional responses: the edge takes them then.
    pub(super) fn takes_no_reliable(
        &self,
        server: ServerTransactionId,
        from: Leg,
        response: &Message,
    ) -> bool {
        let asked = self.forwards.get(&server).map(|f| f.context.request());
        let knows = |request: &Message| {
            [HeaderName::Supported, HeaderName::Require]
                .into_iter()
                .any(|name| request.lists(name, "100rel"))
        };
        from == Leg::Core && response.method() == Method::Invite && !asked.is_some_and(knows)
    }

    /// RFC 3262 §4 — the edge's own PRACK.
    pub(super) fn prack(
        &mut self,
        now: Instant,
        id: u64,
        from: Leg,
        response: &Message,
        rseq: u32,
    ) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let Some(tag) = session.callee_tag(from, response) else {
            return;
        };
        let Some(dialog) = session.dialogs.get_mut(tag) else {
            return;
        };
        let numbering = dialog.numbering(from.other());
        let Some(invite) = numbering.of_invite(cseq(response)) else {
            return;
        };
        let number = numbering.own();
        let Some(session) = self.sessions.get(id) else {
            return;
        };
        let prack = session
            .dialogs
            .get(tag)
            .and_then(|dialog| session.request_in(dialog, from, Method::Prack, number));
        let Some(mut prack) = prack else { return };
        prack.push_back(HeaderName::RAck, format_args!("{rseq} {invite} INVITE"));
        self.send_own(now, prack, TimerSet::core());
    }
}
