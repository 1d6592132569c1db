//! A WIC asks for something outside a dialog: a call, a message, a subscription (TS 24.371 §7.4.2,
//! TS 24.229 §5.2.6.3).

use std::sync::Arc;
use std::time::Instant;

use core_credentials::Pii;
use core_sip::address::uri_of;
use core_sip::proxy::{ResponseContext, own_uri, record_route, take_own_routes};
use core_sip::token::{AuthenticatedToken, Binding as BindingToken};
use core_sip::{ServerTransactionId, Source, Transport};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::forward::{Forward, Purpose};
use crate::ims_alg::{Leg, Negotiation};
use crate::in_dialog::needs_session;
use crate::session::{
    Dialogs, FarEnd, Item, Numbering, Own, Party, Refresh, Session, SessionKey, State,
    Unacknowledged, description,
};
use crate::validation::FOR_CORE;
use crate::{EpCscf, charging, emergency, identity, trust};

impl EpCscf {
    pub(crate) fn originating(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        source: Source,
        mut message: Message,
    ) {
        let Some(connection) = source.connection else {
            return;
        };
        // TS 24.229 §5.2.10: before anything else, registered or not.
        if emergency::is_emergency(&self.config, &message) {
            self.counters.emergency += 1;
            let tag = self.random.tag();
            let own = self.named_in_path(connection);
            let response = emergency::answer(&message, &tag, &own);
            self.transactions.respond(now, id, response);
            return;
        }
        let Some(hash) = self.validate(now, id, &message, &FOR_CORE) else {
            return;
        };
        // TS 24.229 §5.2.6.3: who is not registered over this flow may only register.
        let Some(binding_id) = self.flows.get(&connection).and_then(|flow| flow.binding) else {
            self.answer(now, id, &message, StatusCode::FORBIDDEN);
            return;
        };
        if let Err(why) = self.check_token(now, binding_id, &message) {
            self.refuse_token(now, Some(connection), id, &message, why);
            return;
        }
        // RFC 3311 §5.1, RFC 3262 §3: what is only said in a dialog.
        if needs_session(&message) && message.method() != Method::Invite {
            self.answer(now, id, &message, StatusCode::CALL_DOES_NOT_EXIST);
            return;
        }
        let invite = message.method() == Method::Invite;
        if invite && self.draining {
            self.refuse_while_draining(now, id, &message);
            return;
        }
        let before = message.clone();
        let icid = charging::icid(&mut self.random);
        self.prepare_originating(binding_id, &mut message, &icid);
        let context = ResponseContext::new(id, before.clone(), self.random.tag());
        if !invite {
            let purpose = Purpose::Standalone(None);
            self.forwards
                .insert(id, Forward::new(context, Leg::Wic, purpose));
            self.forward_to_core(now, id, message, hash);
            return;
        }
        if self
            .sessions
            .contains(&SessionKey::of_initial(binding_id, Leg::Wic, &before))
        {
            // The same INVITE by another transaction, while the first is not answered.
            self.answer(now, id, &before, StatusCode::REQUEST_PENDING);
            return;
        }
        let session = self.begin_session(binding_id, Leg::Wic, icid, &before, context);
        self.enqueue(
            now,
            session,
            Item::Request {
                server: id,
                message,
                from: Leg::Wic,
                hash,
            },
        );
    }

    /// What the core is to see: our routes, the WIC's identity, and nothing that is not for it.
    fn prepare_originating(&mut self, binding_id: u64, message: &mut Message, icid: &str) {
        let hosts = self.config.hosts();
        let _ = take_own_routes(message, |uri| is_own(uri, &hosts));
        trust::from_wic(message);
        Self::strip_bearer(message);
        let Some(binding) = self.bindings.get(binding_id) else {
            return;
        };
        // TS 24.229 §5.2.6.3.3: whatever route the WIC preloaded, its service route is the one.
        message.remove(HeaderName::Route);
        for route in &binding.service_route {
            message.push_back(HeaderName::Route, route);
        }
        identity::assert(message, binding);
        message.push_back(
            HeaderName::PChargingVector,
            charging::vector(&self.config, icid),
        );
        self.record(binding_id, message, Leg::Wic);
    }

    /// What names a binding in what we write for the core.
    pub(crate) fn binding_token(&self, binding_id: u64) -> String {
        let token = BindingToken {
            node: self.config.node,
            shard: self.config.shard,
            binding: binding_id,
        };
        self.key.seal(&AuthenticatedToken::Binding(token))
    }

    /// RFC 5658 — stays in the dialog on both sides, by the binding that outlives its flow.
    pub(crate) fn record(&self, binding_id: u64, message: &mut Message, from: Leg) {
        if matches!(
            message.method(),
            Method::Message | Method::Options | Method::Publish
        ) {
            return;
        }
        let user = self.binding_token(binding_id);
        let w2 = own_uri(Some(&user), &self.config.w2, Transport::Ws);
        let mw = self.config.core_uri(Some(&user));
        match from {
            Leg::Wic => record_route(message, &w2, &mw),
            Leg::Core => record_route(message, &mw, &w2),
        }
    }

    /// A call begins, from either side.
    pub(crate) fn begin_session(
        &mut self,
        binding_id: u64,
        initiator: Leg,
        icid: String,
        invite: &Message,
        context: ResponseContext,
    ) -> u64 {
        let mut negotiation = {
            let mut number = || self.random.u64() >> 2; // fits what every parser of o= takes
            Negotiation::new(self.config.media.clone(), number(), number())
        };
        let binding = self.bindings.get(binding_id);
        if binding.is_some_and(|binding| binding.data_channels) {
            negotiation.core_has_channels();
        }
        let server = context.server();
        let called = invite.header(HeaderName::PCalledPartyId).map(Into::into);
        let (mut caller, mut callee) = (Party::default(), Party::default());
        if initiator == Leg::Core {
            // RFC 3261 §12.1.1: the route back is as it was recorded.
            let recorded = invite.values(HeaderName::RecordRoute).map(Into::into);
            caller.route = recorded.collect();
            let target = invite.request_uri().unwrap_or_default();
            callee.contact = format!("<{target}>").into();
        }
        let session = Session {
            key: Arc::new(SessionKey::of_initial(binding_id, initiator, invite)),
            binding: binding_id,
            initiator,
            state: State::Early,
            negotiation,
            served: std::collections::BTreeMap::new(),
            far_end: FarEnd::default(),
            queue: std::collections::VecDeque::new(),
            waiting: None,
            invite: Some(server),
            first: server,
            caller,
            callee,
            calling: Numbering::default(),
            dialogs: Dialogs::default(),
            exchange: None,
            late_ack: None,
            unacknowledged: Unacknowledged::default(),
            answered_by: None,
            unsent: None,
            previous: None,
            negotiated: None,
            inviting: None,
            unheard: None,
            own: Own::default(),
            refresh: Refresh::default(),
            attempt: None,
            unreliable: false,
            promise: None,
            preview: None,
            called,
            icid: icid.into(),
        };
        self.counters.calls += 1;
        let offered = description::find(invite).is_some();
        let id = self.sessions.insert(session);
        self.note_far_end(id, initiator, invite);
        let party = |name| Pii(invite.header(name).and_then(uri_of).unwrap_or_default());
        let (from, to) = (party(HeaderName::From), party(HeaderName::To));
        tracing::info!(session = id, %from, %to, "a call");
        if let Some(binding) = self.bindings.get_mut(binding_id) {
            binding.sessions.insert(id);
        }
        let purpose = Purpose::Session {
            id,
            binding: binding_id,
            offered,
        };
        self.forwards
            .insert(server, Forward::new(context, initiator, purpose));
        id
    }
}

/// A URI that we wrote: it names one of our hosts.
pub(crate) fn is_own(uri: &core_sip::address::UriView<'_>, hosts: &[&str]) -> bool {
    hosts.iter().any(|own| {
        let (host, port) = match own.rsplit_once(':') {
            Some((host, port)) if !own.ends_with(']') => (host, port.parse().ok()),
            _ => (*own, None),
        };
        uri.host.eq_ignore_ascii_case(host.trim_matches(['[', ']'])) && uri.port == port
    })
}
