//! What the core says to a REGISTER (TS 24.229 §5.2.2.1).

use std::time::{Duration, Instant};

use core_credentials::Pii;
use core_sip::address::uri_of;
use core_sip::{ConnectionId, ServerTransactionId, reply};
use wire_sip::header::WwwAuthenticate;
use wire_sip::{HeaderName, Message, StatusCode, TypedHeader as _, params};

use super::Registering;
use crate::binding::Binding;
use crate::session::data_channels::core_has_data_channels;
use crate::timer::Timer;
use crate::{EpCscf, trust};

/// Beyond its expiry a binding is kept so long: the core may be late with its refresh.
const MARGIN: Duration = Duration::from_secs(30);

impl EpCscf {
    /// Keeps or forgets the binding, and sends the answer on as the WIC is to see it.
    pub(crate) fn registered(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        registering: &Registering,
        request: &Message,
        mut response: Message,
    ) {
        let Some(status) = response.status() else {
            return;
        };
        let mut before = None;
        if status.is_success() {
            before = self.keep(now, registering, &response);
        } else if status.is_final() && status != StatusCode::UNAUTHORIZED {
            self.counters.registration_refused += 1;
        }
        // TS 24.229 §5.2.2.1: no answer of the core's is a time-out of the gateway to it.
        if status == StatusCode::REQUEST_TIMEOUT {
            response = reply(request, StatusCode::SERVER_TIMEOUT, &self.random.tag());
        }
        trust::to_wic(&mut response);
        remove_keys(&mut response);
        // TS 24.186: the network has data channels. With bootstrap channels it is the edge that has them.
        if status.is_success()
            && self.config.media.serves_bootstrap()
            && !core_has_data_channels(&response)
        {
            response.push_back(HeaderName::FeatureCaps, "*;+g.3gpp.datachannel");
        }
        if let Some((from, to)) = &registering.own {
            // The WIC matches by what it wrote; only the tag is the core's.
            let tag = response
                .header(HeaderName::To)
                .and_then(|to| params::find(to, "tag"));
            let to = match (params::find(to, "tag"), tag) {
                (None, Some(tag)) => format!("{to};tag={tag}"),
                _ => to.clone(),
            };
            response.set(HeaderName::From, from);
            response.set(HeaderName::To, to);
        }
        self.transactions.respond(now, id, response);
        // RFC 5626 §4.4: what was asked over the flow before is answered over this one.
        if let Some(before) = before
            && let Some(flow) = self.flows.get(&registering.connection)
        {
            let source = flow.source(registering.connection);
            self.transactions.handle_connection_replaced(before, source);
        }
    }

    /// Gives the connection that this one has taken the place of.
    fn keep(
        &mut self,
        now: Instant,
        registering: &Registering,
        response: &Message,
    ) -> Option<ConnectionId> {
        let contacts = || response.values(HeaderName::Contact);
        let ours = contacts().find(|contact| {
            uri_of(contact) == Some(registering.contact.as_str())
                || crate::register::binding_key(contact)
                    .is_some_and(|key| key.same_instance(&registering.key))
        });
        let general = response
            .header(HeaderName::Expires)
            .and_then(|text| text.parse().ok());
        let seconds = ours.map_or(0, |contact| {
            let own = params::find(contact, "expires").and_then(|text| text.parse().ok());
            own.or(general).unwrap_or(3600_u64)
        });
        // RFC 8898 §3: whatever the core grants, no registration outlives its token.
        let seconds = registering
            .lasts
            .map_or(seconds, |left| seconds.min(left.as_secs()));
        let known = self.bindings.find(&registering.key);
        if seconds == 0 {
            if let Some(id) = known {
                self.forget_binding(now, id);
            }
            return None;
        }
        self.counters.registered += 1;
        let expires = now + Duration::from_secs(seconds) + MARGIN;
        let mut identities: Vec<String> = response
            .values(HeaderName::PAssociatedUri)
            .filter_map(uri_of)
            .map(str::to_owned)
            .collect();
        if identities.is_empty() {
            identities.push(registering.identity.clone());
        }
        let service_route: Vec<String> = response
            .values(HeaderName::ServiceRoute)
            .map(str::to_owned)
            .collect();
        let data_channels = core_has_data_channels(response);
        if known.is_none() {
            let identity = Pii(registering.identity.as_str());
            tracing::info!(connection = registering.connection.0, %identity, "registered");
        }
        let mut replaced = None;
        let open = self.flows.contains_key(&registering.connection);
        let id = match known.and_then(|id| self.bindings.get_mut(id).map(|binding| (id, binding))) {
            Some((id, binding)) => {
                // A late answer over a WebSocket that has ended takes nothing from the one after it.
                let mut before = None;
                if open {
                    before = binding.flow.replace(registering.connection);
                    replaced = before.or_else(|| binding.lost.take());
                }
                binding.impi.clone_from(&registering.impi);
                binding.identities = identities;
                binding.service_route = service_route;
                binding.data_channels = data_channels;
                binding.expires = expires;
                binding.proof = registering.proof.clone();
                binding.outbound = registering.outbound;
                binding.contact.clone_from(&registering.contact);
                // RFC 5626 §5.3: the same instance and reg-id from elsewhere replaces the old flow.
                if let Some(before) = before.filter(|before| *before != registering.connection) {
                    self.unregistered(now, before);
                }
                id
            }
            None => self.bindings.insert(Binding {
                key: registering.key.clone(),
                impi: registering.impi.clone(),
                identities,
                service_route,
                flow: Some(registering.connection),
                lost: None,
                away_since: now,
                contact: registering.contact.clone(),
                expires,
                proof: registering.proof.clone(),
                outbound: registering.outbound,
                data_channels,
                sessions: std::collections::HashSet::new(),
            }),
        };
        if let Some(flow) = self.flows.get_mut(&registering.connection) {
            flow.binding = Some(id);
            self.departed.forget(registering.connection);
            flow.was_registered = true;
            flow.refusals = 0;
        } else {
            // The WebSocket ended while the core was asked.
            let gone = Some(registering.connection);
            if let Some(binding) = self.bindings.get_mut(id)
                && (binding.flow.is_none() || binding.flow == gone)
            {
                binding.flow = None;
                binding.lost = gone;
                binding.away_since = now;
                self.timers
                    .set(now + self.config.reconnect, Timer::WicGone(id));
            }
        }
        self.timers.set(expires, Timer::BindingExpires(id));
        if known.is_none() {
            self.watch(now, id);
        }
        self.hold(now, id, registering.lease.as_ref());
        replaced.filter(|before| *before != registering.connection)
    }

    pub(crate) fn binding_timer(&mut self, now: Instant, id: u64) {
        if self
            .bindings
            .get(id)
            .is_some_and(|binding| binding.expires <= now)
        {
            self.forget_binding(now, id);
        }
    }

    /// The registration is over: its calls are, too.
    pub(crate) fn forget_binding(&mut self, now: Instant, id: u64) {
        let sessions: Vec<u64> = self
            .bindings
            .get(id)
            .map(|b| b.sessions.iter().copied().collect())
            .unwrap_or_default();
        for session in sessions {
            self.release(now, session, "the registration ended");
        }
        self.watches.forget(id);
        self.leave(id);
        let Some(binding) = self.bindings.remove(id) else {
            return;
        };
        let identity = Pii(binding.identities.first().map_or("", String::as_str));
        tracing::info!(%identity, "registered no more");
        if let Some(connection) = binding.flow {
            self.departed.insert(id, connection);
            self.unregistered(now, connection);
        }
    }
}

/// TS 33.203 §X.2.3.3 — the WIC never sees the keys of AKA.
fn remove_keys(response: &mut Message) {
    let unreadable = |line: &str| WwwAuthenticate::parse(line).is_err();
    if response.lines(HeaderName::WwwAuthenticate).any(unreadable) {
        // What cannot be read may hold a key, and no client could read it either.
        let kept: Vec<String> = response
            .lines(HeaderName::WwwAuthenticate)
            .filter(|line| !unreadable(line))
            .map(str::to_owned)
            .collect();
        response.remove(HeaderName::WwwAuthenticate);
        for line in kept {
            response.push_back(HeaderName::WwwAuthenticate, line);
        }
    }
    response.map_lines(HeaderName::WwwAuthenticate, |value| {
        let mut challenge = WwwAuthenticate::parse(value).ok()?.0;
        let before = challenge.params.len();
        challenge.params.remove("ck");
        challenge.params.remove("ik");
        (challenge.params.len() < before).then(|| challenge.to_string())
    });
}
