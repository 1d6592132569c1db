//! REGISTER: towards the core and back (TS 24.229 §5.2.2, TS 24.371 §6.4).
//!
//! ```text
//!   WIC                      eP-CSCF                              core
//!    │ REGISTER (Digest)        │ integrity-protected by what is known of the flow
//!    │ ───────────────────────▶ │ ─ Path, P-Charging-Vector, P-Visited-Network-ID ─▶
//!    │ REGISTER (Bearer)        │ token verified here; From, To and Authorization rewritten,
//!    │ ───────────────────────▶ │ ─ integrity-protected="auth-done" ───────────────▶
//!    │                    401 ◀ │ ◀ ck and ik taken out ────────────────────────────
//!    │                    200 ◀ │ ◀ binding kept, own From and To put back ─────────
//! ```

mod answer;
mod bearer;
mod digest;
mod mechanism;
mod storm;

use std::time::{Duration, Instant};

use core_sip::address::uri_of;
use core_sip::proxy::ResponseContext;
use core_sip::token::{AuthenticatedToken, Flow as FlowToken};
use core_sip::{ConnectionId, ServerTransactionId, Source, Transport, reply};
use wire_sip::{HeaderName, Message, StatusCode, params};

use self::mechanism::{Mechanism, Shown};
pub(crate) use self::storm::Storm;
use crate::binding::{BindingKey, Proof};
use crate::forward::{Forward, Purpose};
use crate::ims_alg::Leg;
use crate::validation::REGISTRATION;
use crate::{EpCscf, charging, trust};

/// A registration under way: what its answer needs.
#[derive(Debug)]
pub(crate) struct Registering {
    pub(crate) connection: ConnectionId,
    pub(crate) key: BindingKey,
    /// The URI of its contact, by which the answer's contacts are told apart.
    pub(crate) contact: String,
    pub(crate) impi: String,
    pub(crate) proof: Proof,
    /// What is left of its token.
    pub(crate) lasts: Option<Duration>,
    /// From and To as the WIC wrote them, when they were rewritten.
    pub(crate) own: Option<(String, String)>,
    /// The identity that it registers.
    pub(crate) identity: String,
    /// The WIC knows outbound: it gave a reg-id.
    pub(crate) outbound: bool,
    /// The lease of its identity, if that is a pool's.
    pub(crate) lease: Option<String>,
}

/// What names the binding of a contact; `*` names none.
pub(crate) fn binding_key(contact: &str) -> Option<BindingKey> {
    let uri = uri_of(contact).filter(|uri| *uri != "*")?;
    let instance = params::find(contact, "+sip.instance").unwrap_or(uri);
    let reg_id = params::find(contact, "reg-id").unwrap_or_default();
    Some(BindingKey {
        impi: String::new(),
        instance: instance.to_owned(),
        reg_id: reg_id.to_owned(),
    })
}

impl EpCscf {
    /// A REGISTER of a WIC's.
    pub(crate) fn register(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        source: Source,
        mut message: Message,
    ) {
        let Some(connection) = source.connection else {
            return;
        };
        let Some(hash) = self.validate(now, id, &message, &REGISTRATION) else {
            return;
        };
        if let Err(seconds) = self.admit(now, connection) {
            self.counters.registration_deferred += 1;
            let tag = self.random.tag();
            let unavailable = StatusCode::SERVICE_UNAVAILABLE;
            let response = core_sip::retry_after(&message, unavailable, &tag, seconds);
            self.transactions.respond(now, id, response);
            return;
        }
        let before = message.clone();
        let registering = match self.prepare(now, connection, source.transport, &mut message) {
            Ok(registering) => registering,
            Err(NotRegistered::Malformed) => {
                let response = reply(&before, StatusCode::BAD_REQUEST, &self.random.tag());
                self.transactions.respond(now, id, response);
                return;
            }
            Err(NotRegistered::OtherIdentity | NotRegistered::WeakerAlgorithm) => {
                self.counters.registration_refused += 1;
                self.answer(now, id, &before, StatusCode::FORBIDDEN);
                return;
            }
            Err(NotRegistered::NoAccess(why)) => {
                self.counters.registration_refused += 1;
                self.refuse_token(now, Some(connection), id, &before, why);
                return;
            }
        };
        // Who is registered may go on and come back, since his calls go on, and may leave.
        if self.draining && self.bindings.find(&registering.key).is_none() {
            self.refuse_while_draining(now, id, &before);
            return;
        }
        self.route_to_core(connection, registering.outbound, &mut message);
        let context = ResponseContext::new(id, before, self.random.tag());
        let purpose = Purpose::Register(Box::new(registering));
        self.forwards
            .insert(id, Forward::new(context, Leg::Wic, purpose));
        self.forward_to_core(now, id, message, hash);
    }

    /// Whether this WebSocket may register now. One that may goes on: refreshes, answers to challenges
    /// and deregistrations are never too many.
    fn admit(&mut self, now: Instant, connection: ConnectionId) -> Result<(), u32> {
        match self.flows.get_mut(&connection) {
            Some(flow) if !flow.admitted => {
                self.storm.admit(now)?;
                flow.admitted = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn prepare(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        transport: Transport,
        message: &mut Message,
    ) -> Result<Registering, NotRegistered> {
        trust::from_wic(message);
        // TS 24.371 §6.4.2: only we tell the core of web functions, and a REGISTER has no other body.
        if !message.body().is_empty() {
            message.remove_body();
        }
        let contact = message
            .values(HeaderName::Contact)
            .next()
            .unwrap_or_default()
            .to_owned();
        let contact_uri = uri_of(&contact).unwrap_or(&contact).to_owned();
        let key = binding_key(&contact)
            .or_else(|| {
                let bound = self.flows.get(&connection)?.binding?;
                Some(self.bindings.get(bound)?.key.clone())
            })
            .ok_or(NotRegistered::Malformed)?;
        let outbound = !key.reg_id.is_empty();
        let identity = message.header(HeaderName::To).and_then(uri_of);
        let identity = identity.ok_or(NotRegistered::Malformed)?.to_owned();
        let shown = Shown::of(message, self.config.akav1);
        if shown.weaker {
            return Err(NotRegistered::WeakerAlgorithm);
        }
        let mut registering = Registering {
            connection,
            key,
            contact: contact_uri,
            impi: String::new(),
            proof: Proof::Digest,
            lasts: None,
            own: None,
            identity,
            outbound,
            lease: None,
        };
        match shown.mechanism {
            Mechanism::Bearer => self
                .prepare_bearer(now, message, &mut registering)
                .map_err(NotRegistered::NoAccess)?,
            Mechanism::Aka | Mechanism::Digest => {
                self.prepare_digest(transport, shown, message, &mut registering)?;
            }
        }
        registering.key.impi.clone_from(&registering.impi);
        // One WebSocket is one private identity's (TS 24.371 §6.4.1.2, the TLS association).
        let bound = self
            .flows
            .get(&connection)
            .and_then(|flow| flow.binding)
            .and_then(|id| self.bindings.get(id));
        if bound.is_some_and(|binding| binding.impi != registering.impi) {
            return Err(NotRegistered::OtherIdentity);
        }
        Ok(registering)
    }

    /// What Path names us by: our address and the flow, sealed (RFC 5626 §5.1).
    fn path_uri(&self, connection: ConnectionId, outbound: bool) -> String {
        let flow = FlowToken {
            node: self.config.node,
            shard: self.config.shard,
            epoch: self.config.epoch,
            connection: connection.0,
        };
        let token = self.key.seal(&AuthenticatedToken::Flow(flow));
        let mut path = self.config.core_uri(Some(&token));
        if outbound {
            path.push_str(";ob");
        }
        path
    }

    /// TS 24.229 §5.2.10.4 — the URI of ours in the Path of this flow's registration; our address for
    /// a flow that has none.
    pub(crate) fn named_in_path(&self, connection: ConnectionId) -> String {
        let bound = self.flows.get(&connection).and_then(|flow| flow.binding);
        match bound.and_then(|id| self.bindings.get(id)) {
            Some(binding) => self.path_uri(connection, binding.outbound),
            None => format!("sip:{}", self.config.mw),
        }
    }

    /// TS 24.229 §5.2.2.1 — Path with our token, and what the core is to know of where this is.
    fn route_to_core(&mut self, connection: ConnectionId, outbound: bool, message: &mut Message) {
        let path = self.path_uri(connection, outbound);
        message.remove(HeaderName::Route);
        message.push_front(HeaderName::Path, format_args!("<{path}>"));
        let required = message.values(HeaderName::Require).any(|tag| tag == "path");
        if !required {
            message.push_back(HeaderName::Require, "path");
        }
        let icid = charging::icid(&mut self.random);
        let vector = charging::vector(&self.config, &icid);
        message.push_back(HeaderName::PChargingVector, vector);
        let network = format!("\"{}\"", self.config.visited_network);
        message.push_back(HeaderName::PVisitedNetworkId, network);
        // TS 33.203 §P.3: without it an S-CSCF may take a bare REGISTER for GIBA.
        if message.header(HeaderName::Authorization).is_none() {
            message.push_back(
                HeaderName::PAccessNetworkInfo,
                "IEEE-802.3;network-provided",
            );
        }
        let uri = format!("sip:{}", self.config.home_domain);
        message.set_request_uri(&uri);
        // Where it goes is configured; the Request-URI stays the home domain's.
        message.push_front(
            HeaderName::Route,
            format_args!("<{};lr>", self.config.next_hop),
        );
    }
}

/// A REGISTER that goes no further.
enum NotRegistered {
    Malformed,
    /// The WebSocket is another private identity's.
    OtherIdentity,
    NoAccess(crate::access::NoAccess),
    /// By an AKA that is not let in.
    WeakerAlgorithm,
}
