//! The eP-CSCF's side: which tokens are taken (RFC 9068 §4).
//!
//! ```text
//! read header → alg, typ → read claims → iss → kid → signature → aud → exp, nbf → scope → identities
//! ```
//! Nothing that an unsigned part says is believed: the issuer read before the signature only chooses
//! whose keys are tried. What concerns forgery comes before what concerns age, so that a forged token
//! that is also old is a forged one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use super::jws::{self, Jws, KeyRing, MAX_LENGTH};
use super::leases::EndedLeases;
use super::recent::Recent;
use super::{Claims, IssuerRules, TokenError};
use crate::jwk::JwkSet;

/// Verifies access tokens for one audience from the issuers it was told of.
///
/// A signature check costs some 50 µs (ES256) and a WIC shows its token in every request, so tokens
/// that passed are remembered for a while; their age is looked at each time.
pub struct Verifier {
    audience: String,
    skew: u64,
    issuers: HashMap<String, KeyRing>,
    /// What is agreed with them, and with those that are not among them.
    rules: HashMap<String, IssuerRules>,
    usual: IssuerRules,
    recent: RefCell<Recent>,
    leases: EndedLeases,
}

/// Who judges a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judge<'a> {
    /// [`Verifier::verify`] does, now.
    Here,
    /// This issuer, which is to be asked (RFC 7662).
    Issuer(&'a str),
}

/// An answer of an issuer's is believed so long, in seconds: a revocation takes effect after that
/// (RFC 7662 §4).
const ASK_AGAIN: u64 = 60;

/// A key set without one key that can be used: the keys of before stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the issuer's key set has no key that can be used")]
pub struct WrongKeys;

impl Verifier {
    /// Takes tokens for `audience`; clocks may differ by `skew` seconds.
    pub fn new(audience: impl Into<String>, skew: u64) -> Self {
        Self {
            audience: audience.into(),
            skew,
            issuers: HashMap::new(),
            rules: HashMap::new(),
            usual: IssuerRules::default(),
            recent: RefCell::default(),
            leases: EndedLeases::default(),
        }
    }

    /// Trusts an issuer, with these keys from now on.
    pub fn set_keys(&mut self, issuer: &str, keys: &JwkSet) -> Result<(), WrongKeys> {
        let keys = KeyRing::new(keys)?;
        self.issuers.insert(issuer.to_owned(), keys);
        self.recent.borrow_mut().forget_all();
        Ok(())
    }

    /// Refuses tokens of leases that were issued up to `now`. Whoever forgets which leases have ended,
    /// because it starts, says so: a token from before may lend an identity that another has by now.
    pub fn forget_leases(&mut self, now: u64) {
        self.leases.forget(now);
    }

    /// TS 24.371 §6.4.3: the identity of this lease was given back, so none of its tokens is good any
    /// more. `now` is when.
    pub fn end_lease(&mut self, now: u64, lease: &str) {
        self.leases.end(now, lease);
    }

    /// Whether this lease has ended, as far as is known here.
    pub fn has_ended(&self, lease: &str) -> bool {
        self.leases.has_ended(lease)
    }

    /// What is agreed with an issuer, before its first token.
    pub fn set_rules(&mut self, issuer: &str, rules: IssuerRules) {
        self.rules.insert(issuer.to_owned(), rules);
        self.recent.borrow_mut().forget_all();
    }

    /// Whether keys of any issuer are there: without one, no token can be judged.
    pub fn is_ready(&self) -> bool {
        !self.issuers.is_empty()
    }

    /// RFC 9068 §4: what the token says, if it is to be believed at `now` (seconds since 1970).
    pub fn verify(&self, token: &str, now: u64) -> Result<Claims, TokenError> {
        self.verify_by(token, now, |claims, scope| self.check(claims, scope, now))
    }

    /// [`Self::verify`] without scope and identities, for a verifier that is used for nothing else: what
    /// passes is remembered as whole.
    pub(super) fn verify_signed(&self, token: &str, now: u64) -> Result<Claims, TokenError> {
        self.verify_by(token, now, |claims, _| self.check_age(claims, now))
    }

    fn verify_by(
        &self,
        token: &str,
        now: u64,
        check: impl FnOnce(&Claims, &str) -> Result<(), TokenError>,
    ) -> Result<Claims, TokenError> {
        if token.len() > MAX_LENGTH {
            return Err(TokenError::Malformed);
        }
        let fingerprint = Recent::fingerprint(token);
        if let Some(claims) = self.recent.borrow_mut().claims(&fingerprint, now) {
            self.check_age(claims, now)?;
            return Ok(claims.clone());
        }
        let (claims, scope) = self.authenticate(token)?;
        check(&claims, scope)?;
        self.recent
            .borrow_mut()
            .remember(fingerprint, claims.clone(), u64::MAX);
        Ok(claims)
    }

    /// Who is to judge this token: nobody is asked twice within a minute about the same one. A token
    /// that is no JWT is for the first issuer, by name, that wants to be asked.
    pub fn judge(&self, token: &str, now: u64) -> Judge<'_> {
        if !self.rules.values().any(|rules| rules.introspect) || token.len() > MAX_LENGTH {
            return Judge::Here;
        }
        let fingerprint = Recent::fingerprint(token);
        if self.recent.borrow_mut().claims(&fingerprint, now).is_some() {
            return Judge::Here;
        }
        let asked = self.rules.iter().filter(|(_, rules)| rules.introspect);
        let issuer = match issuer_of(token) {
            Some(named) => asked
                .map(|(issuer, _)| issuer)
                .find(|issuer| **issuer == named),
            None => asked.map(|(issuer, _)| issuer).min(),
        };
        issuer.map_or(Judge::Here, |issuer| Judge::Issuer(issuer))
    }

    /// RFC 7662 §2.2 — what `issuer` answered about a token; from now on [`Self::verify`] knows it, for
    /// a while. Its word stands for the signature; audience, age, scope and identities are looked at as
    /// ever, but for an audience that it does not name.
    pub fn introspected(
        &self,
        issuer: &str,
        token: &str,
        answer: &[u8],
        now: u64,
    ) -> Result<Claims, TokenError> {
        let rules = self.rules.get(issuer).filter(|rules| rules.introspect);
        let rules = rules.ok_or(TokenError::UnknownIssuer)?;
        let mut answer: serde_json::Value =
            serde_json::from_slice(answer).map_err(|_| TokenError::Malformed)?;
        if answer.get("active").and_then(serde_json::Value::as_bool) != Some(true) {
            return Err(TokenError::Inactive);
        }
        let fields = answer.as_object_mut().ok_or(TokenError::Malformed)?;
        let named = fields
            .entry("iss")
            .or_insert_with(|| issuer.to_owned().into());
        if named != issuer {
            return Err(TokenError::UnknownIssuer);
        }
        let claims = rules.read(&answer).ok_or(TokenError::Malformed)?;
        if answer.get("aud").is_some() && !claims.aud.contains(&self.audience) {
            return Err(TokenError::WrongAudience);
        }
        self.check(&claims, &rules.scope, now)?;
        self.recent.borrow_mut().remember(
            Recent::fingerprint(token),
            claims.clone(),
            now.saturating_add(ASK_AGAIN),
        );
        Ok(claims)
    }

    /// Age, scope and identities.
    fn check(&self, claims: &Claims, scope: &str, now: u64) -> Result<(), TokenError> {
        self.check_age(claims, now)?;
        if !claims.allows(scope) {
            return Err(TokenError::InsufficientScope);
        }
        if claims.impi.is_empty() || claims.impu.is_empty() {
            return Err(TokenError::NoIdentity);
        }
        Ok(())
    }

    /// What the token says, if a trusted issuer says it to us.
    fn authenticate(&self, token: &str) -> Result<(Claims, &str), TokenError> {
        let jws = Jws::parse(token)?;
        let json: serde_json::Value = jws.payload()?;
        let issuer = json.get("iss").and_then(serde_json::Value::as_str);
        let issuer = issuer.ok_or(TokenError::Malformed)?;
        let rules = self.rules.get(issuer).unwrap_or(&self.usual);
        if jws.typ() != "at+jwt" && !(rules.plain_jwt && matches!(jws.typ(), "jwt" | "")) {
            return Err(TokenError::NotAnAccessToken);
        }
        let claims = rules.read(&json).ok_or(TokenError::Malformed)?;
        let keys = self.issuers.get(issuer).ok_or(TokenError::UnknownIssuer)?;
        keys.check(&jws)?;
        if !claims.aud.contains(&self.audience) {
            return Err(TokenError::WrongAudience);
        }
        Ok((claims, &rules.scope))
    }

    fn check_age(&self, claims: &Claims, now: u64) -> Result<(), TokenError> {
        if now >= claims.exp.saturating_add(self.skew) {
            return Err(TokenError::Expired);
        }
        if claims
            .nbf
            .is_some_and(|nbf| now.saturating_add(self.skew) < nbf)
        {
            return Err(TokenError::NotYetValid);
        }
        if self.leases.refuse(claims) {
            return Err(TokenError::LeaseEnded);
        }
        Ok(())
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("audience", &self.audience)
            .field("issuers", &self.issuers)
            .finish_non_exhaustive()
    }
}

/// Who says that it issued this token; `None` when it is no JWT.
fn issuer_of(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let json: serde_json::Value = jws::decode(payload).ok()?;
    Some(json.get("iss")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests;
