//! JWTs with which OAuth clients prove who they are (RFC 7523 §2.2, `private_key_jwt`).

use serde::{Deserialize, Serialize};

use super::jws::{Jws, KeyRing};
use super::{SigningKey, TokenError, WrongKeys};
use crate::Secret;
use crate::jwk::JwkSet;

/// RFC 7521 §4.2: the value of `client_assertion_type`.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// An assertion may be good for this long, in seconds: it is made for one request.
pub const MAX_ASSERTION_LIFETIME: u64 = 300;

/// RFC 7523 §3: what an assertion says. Times are seconds since 1970.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientAssertion {
    /// The client.
    pub iss: String,
    /// The client again.
    pub sub: String,
    /// The authorization server: its issuer identifier.
    #[serde(deserialize_with = "super::claims::one_or_many")]
    pub aud: Vec<String>,
    /// Its own name: it is good once.
    pub jti: String,
    /// Issued at.
    pub iat: u64,
    /// Good until (not included).
    pub exp: u64,
}

/// The public keys of one client.
#[derive(Debug)]
pub struct AssertionKeys(KeyRing);

impl ClientAssertion {
    /// Whom an assertion claims to be of. Nothing is verified: it chooses whose keys are tried.
    pub fn claimed_client(assertion: &str) -> Option<String> {
        let said: Self = Jws::parse(assertion).ok()?.payload().ok()?;
        Some(said.sub)
    }
}

impl AssertionKeys {
    /// These keys, at least one of which can be used.
    pub fn new(keys: &JwkSet) -> Result<Self, WrongKeys> {
        KeyRing::new(keys).map(Self)
    }

    /// RFC 7523 §3: what `client` asserts at `now` to a server with one of these names. Whether it was
    /// asserted before is for the caller to remember, by `jti` and until `exp`.
    pub fn verify(
        &self,
        assertion: &str,
        client: &str,
        audiences: &[&str],
        now: u64,
        skew: u64,
    ) -> Result<ClientAssertion, TokenError> {
        let jws = Jws::parse(assertion)?;
        // An access token is no assertion, whoever signed it.
        if jws.typ() == "at+jwt" {
            return Err(TokenError::Malformed);
        }
        let said: ClientAssertion = jws.payload()?;
        self.0.check(&jws)?;
        if said.iss != client || said.sub != client {
            return Err(TokenError::UnknownIssuer);
        }
        // One name and ours: an assertion that others would take too may come from them.
        match said.aud.as_slice() {
            [one] if audiences.contains(&one.as_str()) => {}
            _ => return Err(TokenError::WrongAudience),
        }
        if said.jti.is_empty() || said.jti.len() > 256 {
            return Err(TokenError::Malformed);
        }
        if now >= said.exp.saturating_add(skew) {
            return Err(TokenError::Expired);
        }
        let latest = now.saturating_add(skew);
        if said.iat > latest || said.exp > latest.saturating_add(MAX_ASSERTION_LIFETIME) {
            return Err(TokenError::NotYetValid);
        }
        Ok(said)
    }
}

impl SigningKey {
    /// RFC 7523 §3: a signed assertion. `None` only if the library cannot sign.
    pub fn assert(&self, said: &ClientAssertion) -> Option<Secret> {
        self.sign_jwt(said)
    }
}

impl std::fmt::Debug for ClientAssertion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClientAssertion(of {} ..)", self.sub)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Algorithm;
    use super::*;

    const NOW: u64 = 1_800_000_000;
    const AUDIENCE: &str = "https://waf.example.net/oauth2";

    fn said() -> ClientAssertion {
        ClientAssertion {
            iss: "wwsf".into(),
            sub: "wwsf".into(),
            aud: vec![AUDIENCE.into()],
            jti: "1".into(),
            iat: NOW,
            exp: NOW + 60,
        }
    }

    fn keys(key: &SigningKey) -> AssertionKeys {
        AssertionKeys::new(&JwkSet {
            keys: vec![key.jwk().clone()],
        })
        .unwrap()
    }

    #[test]
    fn what_the_client_signed_is_taken_with_either_algorithm() {
        for algorithm in [Algorithm::ES256, Algorithm::RS256] {
            let key = SigningKey::generate(algorithm).unwrap();
            let assertion = key.assert(&said()).unwrap().into_exposed();
            let read = keys(&key).verify(&assertion, "wwsf", &[AUDIENCE], NOW, 0);
            assert_eq!(read, Ok(said()));
            let claimed = ClientAssertion::claimed_client(&assertion);
            assert_eq!(claimed.as_deref(), Some("wwsf"));
        }
    }

    #[test]
    fn each_claim_has_to_be_right() {
        let key = SigningKey::generate(Algorithm::ES256).unwrap();
        let keys = keys(&key);
        let judge = |change: fn(&mut ClientAssertion)| {
            let mut said = said();
            change(&mut said);
            let assertion = key.assert(&said).unwrap().into_exposed();
            let read = keys.verify(&assertion, "wwsf", &[AUDIENCE], NOW, 5);
            read.map(|_| ())
        };
        for (result, expected) in [
            (judge(|s| s.iss = "other".into()), TokenError::UnknownIssuer),
            (judge(|s| s.sub = "other".into()), TokenError::UnknownIssuer),
            (
                judge(|s| s.aud = vec!["x".into()]),
                TokenError::WrongAudience,
            ),
            (judge(|s| s.aud.push("x".into())), TokenError::WrongAudience),
            (judge(|s| s.aud.clear()), TokenError::WrongAudience),
            (judge(|s| s.jti.clear()), TokenError::Malformed),
            (judge(|s| s.jti = "x".repeat(257)), TokenError::Malformed),
            (judge(|s| s.exp = NOW - 5), TokenError::Expired),
            (judge(|s| s.iat = NOW + 6), TokenError::NotYetValid),
            (judge(|s| s.exp = NOW + 306), TokenError::NotYetValid),
        ] {
            assert_eq!(result, Err(expected));
        }
        assert_eq!(judge(|s| s.exp = NOW - 4), Ok(()));
    }

    #[test]
    fn another_key_or_no_key_is_no_proof() {
        let (key, other) = (
            SigningKey::generate(Algorithm::ES256).unwrap(),
            SigningKey::generate(Algorithm::ES256).unwrap(),
        );
        let judge = |assertion: &str| {
            let read = keys(&key).verify(assertion, "wwsf", &[AUDIENCE], NOW, 0);
            read.map(|_| ())
        };
        let payload = serde_json::to_vec(&said()).unwrap();
        let stolen = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, key.kid());
        let forged = other.sign(&stolen, &payload).unwrap();
        assert_eq!(judge(forged.expose()), Err(TokenError::BadSignature));
        let unsigned = key.sign(r#"{"alg":"none"}"#, &payload).unwrap();
        assert_eq!(judge(unsigned.expose()), Err(TokenError::Unsigned));
        // An access token whose claims happen to fit.
        let token = key
            .sign(r#"{"alg":"ES256","typ":"at+jwt"}"#, &payload)
            .unwrap();
        assert_eq!(judge(token.expose()), Err(TokenError::Malformed));
        assert_eq!(judge(""), Err(TokenError::Malformed));
    }
}
