//! Who sends a request, and what is asserted about it (RFC 3325, TS 24.229 §5.4.3.2).

use std::time::Instant;

use core_sip::{Source, address::uri_of, proxy::Refusal};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::{LabCore, authentication::Verdict, users::UserId};

impl LabCore {
    /// TS 24.229 §5.4.3.2: who is it? Afterwards the request asserts an identity. A P-CSCF
    /// that speaks for itself is nobody.
    pub(crate) fn identify(
        &mut self,
        now: Instant,
        source: Source,
        original: &Message,
        request: &mut Message,
    ) -> Result<Option<UserId>, Refusal> {
        let from = original
            .header(HeaderName::From)
            .and_then(uri_of)
            .unwrap_or("");
        if self.is_trusted(&source, original) {
            let mut asserted = original
                .values(HeaderName::PAssertedIdentity)
                .filter_map(uri_of);
            let known = asserted.find_map(|uri| self.users.by_impu(&self.config, uri));
            let caller = known.or_else(|| self.users.by_impu(&self.config, from));
            // TS 24.229 §5.2.3: a P-CSCF asserts itself when it subscribes to reg.
            if caller.is_none() && original.method() == Method::Subscribe {
                return Ok(None);
            }
            let caller = caller.filter(|caller| self.locations.is_registered(*caller));
            let caller = caller.ok_or(Refusal::new(StatusCode::FORBIDDEN))?;
            if known.is_none() {
                self.assert_identity(caller, from, request);
            }
            return Ok(Some(caller));
        }
        // A phone: by where it registered from, or by its From and a password.
        let named = self.users.by_impu(&self.config, from);
        let caller = named.or_else(|| self.locations.at(&source));
        let caller = caller.filter(|caller| self.locations.is_registered(*caller));
        let caller = caller.ok_or(Refusal::new(StatusCode::FORBIDDEN))?;
        let contacts = self.locations.of(caller);
        let from_there = contacts.iter().any(|contact| {
            contact.is_at(&source)
                // Another connection of the same machine: this is a laboratory.
                || contact.path.is_empty() && contact.source.remote.ip() == source.remote.ip()
        });
        if !from_there {
            match self
                .authentication
                .proxy(now, &self.users, caller, original)
            {
                Verdict::Authenticated(..) => {}
                Verdict::Refused(status) => return Err(Refusal::new(status)),
                Verdict::Challenge(challenges) => {
                    let mut refusal = Refusal::new(StatusCode::PROXY_AUTHENTICATION_REQUIRED);
                    for challenge in challenges {
                        let value = challenge.to_string();
                        refusal = refusal.with(HeaderName::ProxyAuthenticate, value);
                    }
                    return Err(refusal);
                }
            }
        }
        request.remove(HeaderName::ProxyAuthorization);
        // RFC 3325 §5: what a phone asserts is worth nothing, what it prefers is a choice.
        let preferred = original
            .values(HeaderName::PPreferredIdentity)
            .filter_map(uri_of)
            .find(|uri| self.users.by_impu(&self.config, uri) == Some(caller));
        let chosen = preferred.unwrap_or(from).to_owned();
        request.remove(HeaderName::PPreferredIdentity);
        self.assert_identity(caller, &chosen, request);
        Ok(Some(caller))
    }

    fn assert_identity(&self, caller: UserId, uri: &str, request: &mut Message) {
        let user = self.users.get(caller);
        let impu = user.impu(&self.config, uri);
        request.remove(HeaderName::PAssertedIdentity);
        for identity in user.asserted(impu.unwrap_or(user.default_impu())) {
            request.push_back(HeaderName::PAssertedIdentity, format_args!("<{identity}>"));
        }
    }
}

/// RFC 3325 §5, TS 24.229 §4.4: a phone is outside the trust domain.
pub(crate) fn leave_trust_domain(request: &mut Message) {
    let private = request
        .values(HeaderName::Privacy)
        .flat_map(|value| value.split(';'))
        .any(|value| value.trim().eq_ignore_ascii_case("id"));
    if private {
        request.remove(HeaderName::PAssertedIdentity);
    }
    for name in [
        HeaderName::PChargingVector,
        HeaderName::PChargingFunctionAddresses,
        HeaderName::PVisitedNetworkId,
        HeaderName::PAccessNetworkInfo,
        HeaderName::PServedUser,
    ] {
        request.remove(name);
    }
}
