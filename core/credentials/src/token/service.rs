//! The side of a service with an API for programs: which tokens are taken (RFC 9068 §4).
//!
//! It is the eP-CSCF's [`Verifier`] without the scope of IMS and without identities of people: a
//! program has none, and what scope an operation wants only the service knows.

use std::fmt;

use super::{Claims, IssuerRules, TokenError, Verifier, WrongKeys};
use crate::jwk::JwkSet;

/// Verifies the access tokens of programs, for one audience, from the issuers it was told of.
pub struct ServiceVerifier(Verifier);

impl ServiceVerifier {
    /// Takes tokens for `audience`; clocks may differ by `skew` seconds.
    pub fn new(audience: impl Into<String>, skew: u64) -> Self {
        Self(Verifier::new(audience, skew))
    }

    /// Trusts an issuer, with these keys from now on.
    pub fn set_keys(&mut self, issuer: &str, keys: &JwkSet) -> Result<(), WrongKeys> {
        self.0.set_keys(issuer, keys)
    }

    /// What is agreed with an issuer, before its first token. Its scope is not looked at.
    pub fn set_rules(&mut self, issuer: &str, rules: IssuerRules) {
        self.0.set_rules(issuer, rules);
    }

    /// Whether keys of any issuer are there: without one, no token can be judged.
    pub fn is_ready(&self) -> bool {
        self.0.is_ready()
    }

    /// RFC 9068 §4: what the token says, if it is to be believed at `now` (seconds since 1970). Whether
    /// its scope is enough is for the caller to say, by [`Claims::allows`].
    pub fn verify(&self, token: &str, now: u64) -> Result<Claims, TokenError> {
        self.0.verify_signed(token, now)
    }
}

impl fmt::Debug for ServiceVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{Algorithm, SigningKey};

    const ISSUER: &str = "https://waf.example.net/oauth2";
    const NOW: u64 = 1_800_000_000;

    fn claims() -> Claims {
        Claims {
            iss: ISSUER.into(),
            sub: "games".into(),
            aud: vec!["mmtel-es".into()],
            client_id: "games".into(),
            iat: NOW,
            exp: NOW + 300,
            jti: "1".into(),
            scope: "mmtel-dcappmgmt".into(),
            ..Claims::default()
        }
    }

    #[test]
    fn a_program_needs_no_identity_and_its_scope_is_told() {
        let key = SigningKey::generate(Algorithm::ES256).unwrap();
        let mut verifier = ServiceVerifier::new("mmtel-es", 5);
        assert!(!verifier.is_ready());
        let keys = JwkSet {
            keys: vec![key.jwk().clone()],
        };
        verifier.set_keys(ISSUER, &keys).unwrap();
        let token = key.issue(&claims()).unwrap();
        for _ in 0..2 {
            let said = verifier.verify(token.expose(), NOW).unwrap();
            assert!(said.allows("mmtel-dcappmgmt") && !said.allows("mmtel-dcappcall"));
        }
        let late = verifier.verify(token.expose(), NOW + 305);
        assert_eq!(late, Err(TokenError::Expired));
        let other = Claims {
            aud: vec!["eP-CSCF".into()],
            ..claims()
        };
        let token = key.issue(&other).unwrap();
        let other = verifier.verify(token.expose(), NOW);
        assert_eq!(other, Err(TokenError::WrongAudience));
        let stranger = SigningKey::generate(Algorithm::ES256).unwrap();
        let token = stranger.issue(&claims()).unwrap();
        assert!(verifier.verify(token.expose(), NOW).is_err());
    }
}
