//! The core asks for a WIC outside a dialog (TS 24.371 §7.4.3, TS 24.229 §5.2.6.4).

use std::time::Instant;

use core_sip::ServerTransactionId;
use core_sip::address::UriView;
use core_sip::proxy::{ResponseContext, take_own_routes};
use core_sip::token::{self, AuthenticatedToken};
use wire_sip::{HeaderName, Message, Method, StatusCode, params};

use crate::forward::{Forward, Purpose};
use crate::ims_alg::Leg;
use crate::in_dialog::needs_session;
use crate::originating::is_own;
use crate::session::{Item, SessionKey};
use crate::validation::FOR_WIC;
use crate::{EpCscf, charging, trust};

/// What our own Route values say.
pub(crate) enum Named {
    /// A binding of ours.
    Binding(u64),
    /// A token of ours whose flow or binding is gone.
    Gone,
    /// A binding that is gone, but not its WebSocket.
    Departed(u64),
    /// A token that we did not seal.
    Forged,
    /// No token at all.
    Nobody,
}

impl EpCscf {
    pub(crate) fn terminating(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        mut message: Message,
    ) {
        let Some(hash) = self.validate(now, id, &message, &FOR_WIC) else {
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
            Named::Gone | Named::Departed(_) => {
                // RFC 5626 §5.3.1.
                let outbound = before
                    .values(HeaderName::Route)
                    .next()
                    .is_some_and(|route| route.contains(";ob"));
                self.answer(now, id, &message, token::gone(outbound));
                return;
            }
            Named::Nobody => {
                let status = match message.method() {
                    Method::Options => StatusCode::OK,
                    _ => StatusCode::NOT_FOUND,
                };
                self.answer(now, id, &message, status);
                return;
            }
        };
        if needs_session(&message) && message.method() != Method::Invite {
            self.answer(now, id, &message, StatusCode::CALL_DOES_NOT_EXIST);
            return;
        }
        let invite = message.method() == Method::Invite;
        if invite && self.draining {
            self.refuse_while_draining(now, id, &message);
            return;
        }
        let called = message
            .header(HeaderName::PCalledPartyId)
            .map(str::to_owned);
        let icid = message
            .header(HeaderName::PChargingVector)
            .and_then(|vector| params::find(&format!(";{vector}"), "icid-value").map(str::to_owned))
            .unwrap_or_else(|| charging::icid(&mut self.random));
        trust::to_wic(&mut message);
        let context = ResponseContext::new(id, before.clone(), self.random.tag());
        if !invite {
            self.record(binding_id, &mut message, Leg::Core);
            let purpose = Purpose::Standalone(called);
            self.forwards
                .insert(id, Forward::new(context, Leg::Core, purpose));
            self.forward_to_wic(now, id, message, hash, binding_id);
            return;
        }
        // The same call again by another way of the core's: RFC 3261 §8.2.2.2.
        if self
            .sessions
            .contains(&SessionKey::of_initial(binding_id, Leg::Core, &message))
        {
            self.answer(now, id, &message, StatusCode::LOOP_DETECTED);
            return;
        }
        let session = self.begin_session(binding_id, Leg::Core, icid, &before, context);
        self.record(binding_id, &mut message, Leg::Core);
        self.enqueue(
            now,
            session,
            Item::Request {
                server: id,
                message,
                from: Leg::Core,
                hash,
            },
        );
    }

    /// Takes our own values out of Route, and says whose they are.
    pub(crate) fn whose(&self, message: &mut Message) -> Named {
        let hosts = self.config.hosts();
        let own = take_own_routes(message, |uri| is_own(uri, &hosts));
        let mut named = Named::Nobody;
        for uri in &own {
            let Some(user) = UriView::parse(uri).and_then(|uri| uri.user) else {
                continue;
            };
            named = match self.key.open(user) {
                Err(_) => return Named::Forged,
                Ok(AuthenticatedToken::Binding(token)) => {
                    let here = token.node == self.config.node
                        && self.bindings.get(token.binding).is_some();
                    let departed =
                        token.node == self.config.node && self.departed.contains(token.binding);
                    match (here, departed) {
                        (true, _) => Named::Binding(token.binding),
                        (false, true) => Named::Departed(token.binding),
                        (false, false) => Named::Gone,
                    }
                }
                Ok(AuthenticatedToken::Flow(token)) => {
                    let same = token.node == self.config.node && token.epoch == self.config.epoch;
                    let connection = core_sip::ConnectionId(token.connection);
                    let flow = self.flows.get(&connection).filter(|_| same);
                    flow.and_then(|flow| flow.binding)
                        .map_or(Named::Gone, Named::Binding)
                }
            };
        }
        named
    }
}
