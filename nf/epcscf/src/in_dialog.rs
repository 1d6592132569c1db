//! Requests in a dialog, either way, and the ACK of a 2xx.

use std::time::Instant;

use core_sip::next_hop::{NextHop, Resolution};
use core_sip::proxy::{ResponseContext, forward, take_own_routes};
use core_sip::{ServerTransactionId, Source, Target, token};
use wire_sip::header::RAck;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::forward::{Forward, Purpose};
use crate::ims_alg::Leg;
use crate::originating::is_own;
use crate::session::{Item, description};
use crate::terminating::Named;
use crate::validation::FOR_CORE;
use crate::{EpCscf, charging, trust};

impl EpCscf {
    pub(crate) fn in_dialog_from_wic(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        source: Source,
        mut message: Message,
    ) {
        let Some(connection) = source.connection else {
            return;
        };
        let Some(hash) = self.validate(now, id, &message, &FOR_CORE) else {
            return;
        };
        let Some(binding_id) = self.flows.get(&connection).and_then(|flow| flow.binding) else {
            self.answer(now, id, &message, StatusCode::FORBIDDEN);
            return;
        };
        // The token rules: a change of the session shows a good one, what ends it rides on the flow.
        let changes = matches!(message.method(), Method::Invite | Method::Update);
        if changes && let Err(why) = self.check_token(now, binding_id, &message) {
            self.refuse_token(now, Some(connection), id, &message, why);
            return;
        }
        // TS 24.229 §5.2.6.3.5: only a dialog of its own, found among those of its binding.
        let session = self.sessions.find(binding_id, Leg::Wic, &message);
        let needs_one = needs_session(&message);
        if session.is_none() && needs_one {
            let status = self.gone(now, binding_id, Leg::Wic, &message);
            self.answer(now, id, &message, status);
            return;
        }
        if !self.takes(now, id, session, Leg::Wic, &message) {
            return;
        }
        let before = message.clone();
        let hosts = self.config.hosts();
        let _ = take_own_routes(&mut message, |uri| is_own(uri, &hosts));
        trust::from_wic(&mut message);
        Self::strip_bearer(&mut message);
        if let Some(icid) = session
            .and_then(|id| self.sessions.get(id))
            .map(|s| &s.icid)
        {
            let vector = charging::vector(&self.config, icid);
            message.push_back(HeaderName::PChargingVector, vector);
        }
        self.record_change(binding_id, &mut message, Leg::Wic);
        self.pass_in_dialog(
            now,
            id,
            session,
            binding_id,
            Leg::Wic,
            before,
            message,
            hash,
        );
    }

    pub(crate) fn in_dialog_from_core(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        mut message: Message,
    ) {
        let Some(hash) = self.validate(now, id, &message, &FOR_CORE) else {
            return;
        };
        let before = message.clone();
        let binding_id = match self.whose(&mut message) {
            Named::Binding(binding) => binding,
            Named::Forged => {
                self.counters.forged += 1;
                self.answer(now, id, &message, token::Forged.status());
                return;
            }
            Named::Departed(binding)
                if self.last_word(now, id, binding, before.clone(), &message, hash) =>
            {
                return;
            }
            Named::Gone | Named::Departed(_) | Named::Nobody => {
                self.answer(now, id, &message, StatusCode::CALL_DOES_NOT_EXIST);
                return;
            }
        };
        let session = self.sessions.find(binding_id, Leg::Core, &message);
        if session.is_none() && needs_session(&message) {
            let status = self.gone(now, binding_id, Leg::Core, &message);
            self.answer(now, id, &message, status);
            return;
        }
        if !self.takes(now, id, session, Leg::Core, &message) {
            return;
        }
        // A far end that hangs up while the WIC is away need not wait for its return.
        let away = self.flow_target(binding_id).is_none();
        if away && message.method() == Method::Bye {
            self.answer(now, id, &message, StatusCode::OK);
            if let Some(session) = session {
                self.end_session(now, session);
            }
            return;
        }
        trust::to_wic(&mut message);
        self.record_change(binding_id, &mut message, Leg::Core);
        self.pass_in_dialog(
            now,
            id,
            session,
            binding_id,
            Leg::Core,
            before,
            message,
            hash,
        );
    }

    /// Whether a request may go on in its dialog; it is answered here if not.
    fn takes(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        session: Option<u64>,
        from: Leg,
        message: &Message,
    ) -> bool {
        let found = session.and_then(|session| self.sessions.get_mut(session));
        let Some(Err(status)) = found.map(|session| session.arrives(from, message)) else {
            return true;
        };
        self.answer(now, id, message, status);
        if status == StatusCode::OK
            && let Some(session) = session
            && let Ok(Some(RAck { rseq, .. })) = message.typed()
        {
            self.promise_kept(now, session, rseq);
        }
        false
    }

    /// Of a dialog that is not here (any more): a BYE that crossed our own has what it wanted.
    fn gone(&self, now: Instant, binding: u64, from: Leg, message: &Message) -> StatusCode {
        let crossed = message.method() == Method::Bye
            && self.sessions.was_released(now, binding, from, message);
        if crossed {
            StatusCode::OK
        } else {
            StatusCode::CALL_DOES_NOT_EXIST
        }
    }

    /// RFC 3261 §16.6 item 4: a target refresh is recorded again, for whoever lost its route set.
    fn record_change(&self, binding_id: u64, message: &mut Message, from: Leg) {
        if matches!(
            message.method(),
            Method::Invite | Method::Subscribe | Method::Notify
        ) {
            self.record(binding_id, message, from);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "both directions end here")]
    fn pass_in_dialog(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        session: Option<u64>,
        binding_id: u64,
        from: Leg,
        before: Message,
        message: Message,
        hash: core_sip::proxy::LoopHash,
    ) {
        let offered = description::find(&before).is_some();
        let context = ResponseContext::new(id, before, self.random.tag());
        let purpose = match session {
            Some(id) => Purpose::Session {
                id,
                binding: binding_id,
                offered,
            },
            None => Purpose::Standalone(None),
        };
        self.forwards
            .insert(id, Forward::new(context, from, purpose));
        match (session, from) {
            (Some(session), _) => {
                self.enqueue(
                    now,
                    session,
                    Item::Request {
                        server: id,
                        message,
                        from,
                        hash,
                    },
                );
            }
            (None, Leg::Wic) => self.forward_to_core(now, id, message, hash),
            (None, Leg::Core) => self.forward_to_wic(now, id, message, hash, binding_id),
        }
    }

    /// RFC 3261 §13.2.2.4 — the ACK of a 2xx has no transaction: it passes by its route, behind
    /// whatever of its session waits.
    pub(crate) fn ack(&mut self, now: Instant, source: Source, mut message: Message) {
        let from = if source.transport.is_websocket() {
            Leg::Wic
        } else {
            Leg::Core
        };
        let named = self.whose(&mut message);
        let binding = match (named, from) {
            (Named::Forged, _) => {
                self.counters.forged += 1;
                return;
            }
            (Named::Binding(binding), _) => Some(binding),
            (_, Leg::Wic) => source
                .connection
                .and_then(|id| self.flows.get(&id))
                .and_then(|flow| flow.binding),
            _ => None,
        };
        let Some(binding) = binding else { return };
        match from {
            Leg::Wic => {
                let own = source
                    .connection
                    .and_then(|id| self.flows.get(&id)?.binding);
                if own != Some(binding) {
                    return;
                }
                trust::from_wic(&mut message);
                Self::strip_bearer(&mut message);
            }
            Leg::Core => trust::to_wic(&mut message),
        }
        // One whose call is over has nobody left to wait for it.
        if let Some(session) = self.sessions.find(binding, from, &message) {
            self.enqueue(now, session, Item::Ack { message, from });
        }
    }

    /// By its route; a name that is not known yet loses the ACK, and the 2xx comes again.
    pub(crate) fn ack_to_core(&mut self, now: Instant, mut message: Message) {
        let next = forward(&mut message);
        let Some(hop) = NextHop::of_uri(&next) else {
            return;
        };
        if let Resolution::Ready(addresses) = self.lookups.resolve(now, &hop)
            && let Some(addr) = addresses.first().copied()
        {
            let length = message.to_bytes().len();
            let by_size = self.transactions.transport_by_size(now, addr, length);
            let target: Target = hop.target(addr, by_size);
            self.transactions.send(now, target, message);
        }
    }

    /// An ACK of our own, for a 2xx whose caller will not send one.
    pub(crate) fn acknowledge(
        &mut self,
        now: Instant,
        id: u64,
        response: &Message,
        from: Leg,
        offer: Option<&[u8]>,
    ) {
        let number = crate::session::cseq(response);
        let sent = self.sessions.get_mut(id).and_then(|session| {
            let dialog = session.dialog_of(from, response)?;
            dialog.numbering(from.other()).of_invite(number)
        });
        let number = sent.unwrap_or(number);
        let Some(mut ack) = self.own_request(id, from, Method::Ack, number) else {
            return;
        };
        let answer = offer.and_then(|offer| {
            let session = self.sessions.get_mut(id)?;
            session.negotiation.refusing_answer(from, offer).ok()
        });
        if let Some(answer) = answer {
            ack.set_body(Some("application/sdp"), answer);
        }
        match from {
            Leg::Core => self.ack_to_core(now, ack),
            Leg::Wic => {
                let binding = self.sessions.get(id).map(|session| session.binding);
                if let Some(target) = binding.and_then(|binding| self.flow_target(binding)) {
                    self.transactions.send(now, target, ack);
                }
            }
        }
    }
}

/// Requests that mean nothing without the call that they are in.
pub(crate) fn needs_session(message: &Message) -> bool {
    matches!(
        message.method(),
        Method::Invite | Method::Update | Method::Bye | Method::Prack | Method::Info
    )
}
