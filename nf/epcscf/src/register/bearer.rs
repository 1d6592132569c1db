//! Web authentication (TS 24.371 §6.4.2): the token says who it is, and we vouch for it towards the
//! core as a trusted node (TS 33.203 annex U).

use std::time::{Duration, Instant, SystemTime};

use core_credentials::token::{Claims, Entities};
use wire_sip::{HeaderName, Message, params};

use super::Registering;
use crate::access::NoAccess;
use crate::binding::{Proof, same_identity};
use crate::identity::with_uri;
use crate::{EpCscf, ThirdPartyForm};

impl EpCscf {
    /// Verifies the token and rewrites From, To, Authorization and the expiry.
    pub(super) fn prepare_bearer(
        &mut self,
        now: Instant,
        message: &mut Message,
        registering: &mut Registering,
    ) -> Result<(), NoAccess> {
        let claims = self.verify(now, message)?;
        // Whoever holds this WebSocket keeps it: another subject's token does not take it over.
        let bound = self
            .flows
            .get(&registering.connection)
            .and_then(|flow| flow.binding)
            .and_then(|id| self.bindings.get(id));
        if let Some(binding) = bound
            && binding.impi != claims.impi
        {
            return Err(NoAccess::OtherSubject);
        }
        // TS 33.203 §X.3.2: the identity comes from the token; what the WIC wrote may only choose
        // among those that the token gives.
        let asked = &registering.identity;
        let chosen = claims.impu.iter().find(|own| same_identity(own, asked));
        let identity = chosen
            .or(claims.impu.first())
            .ok_or(NoAccess::NoToken)?
            .clone();
        let from = message
            .header(HeaderName::From)
            .unwrap_or_default()
            .to_owned();
        let to = message
            .header(HeaderName::To)
            .unwrap_or_default()
            .to_owned();
        message.set(HeaderName::From, with_uri(&from, &identity));
        message.set(HeaderName::To, with_uri(&to, &identity));
        let home = &self.config.home_domain;
        message.set(
            HeaderName::Authorization,
            format_args!(
                "Digest username=\"{}\", realm=\"{home}\", nonce=\"\", uri=\"sip:{home}\", \
                 response=\"\", integrity-protected=\"auth-done\"",
                quotable(&claims.impi)
            ),
        );
        self.introduce(&claims, message);
        let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(claims.exp);
        let left = expires
            .duration_since(self.wall(now))
            .map_or(0, |left| left.as_secs())
            .max(LEAST);
        cap_expiry(message, left);
        registering.own = Some((from, to));
        registering.lease = claims.lease;
        registering.identity = identity;
        registering.impi.clone_from(&claims.impi);
        registering.proof = Proof::Bearer { impi: claims.impi };
        registering.lasts = Some(Duration::from_secs(left));
        Ok(())
    }

    /// TS 24.371 §6.4.2 — the core is told which WAF and WWSF in a third party's domain stand behind
    /// this, so that it can say whether they may.
    fn introduce(&self, claims: &Claims, message: &mut Message) {
        let mut issuers = self.config.issuers.iter();
        let Some(issuer) = issuers.find(|known| known.issuer == claims.iss) else {
            return;
        };
        let wwsf = claims.wwsf.as_deref().unwrap_or(&claims.client_id);
        let foreign = |named: &String| named == "*" || named == wwsf;
        let entities = Entities {
            waf: issuer.third_party.clone(),
            wwsf: issuer
                .third_party_wwsfs
                .iter()
                .any(foreign)
                .then(|| wwsf.to_owned()),
        };
        match (self.config.third_party_form, &entities.waf) {
            (ThirdPartyForm::Jwt, _) if !entities.is_empty() => {
                message.set_body(Some(Entities::CONTENT_TYPE), entities.to_jwt().into_bytes());
            }
            // TS 24.371 V12.3 §6.4.2.
            (ThirdPartyForm::Parameter, Some(waf)) => {
                message.map_lines(HeaderName::Authorization, |line| {
                    Some(format!(
                        "{line}, authorization-entity=\"{}\"",
                        quotable(waf)
                    ))
                });
            }
            _ => {}
        }
    }
}

/// What has no place between quotes is left out.
fn quotable(text: &str) -> String {
    text.replace(|c: char| c.is_control() || matches!(c, '"' | '\\'), "")
}

/// A token within the allowance for clocks has no time left; zero would mean the end of the registration.
const LEAST: u64 = 5;

/// RFC 8898 §3 — no registration outlives its token.
fn cap_expiry(message: &mut Message, left: u64) {
    let too_long = |text: &str| text.parse::<u64>().is_ok_and(|seconds| seconds > left);
    if message.header(HeaderName::Expires).is_none_or(too_long) {
        message.set(HeaderName::Expires, left);
    }
    let Some(contact) = message.header(HeaderName::Contact) else {
        return;
    };
    let Some(asked) = params::find(contact, "expires").filter(|text| too_long(text)) else {
        return;
    };
    let shorter = contact.replacen(&format!("expires={asked}"), &format!("expires={left}"), 1);
    message.set(HeaderName::Contact, shorter);
}
