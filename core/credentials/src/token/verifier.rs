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

use aws_lc_rs::signature::ParsedPublicKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::leases::EndedLeases;
use super::recent::Recent;
use super::{Algorithm, Claims, TokenError};
use crate::jwk::JwkSet;

/// Longest token that is read.
const MAX_LENGTH: usize = 8 * 1024;
/// Most keys that are kept of one issuer.
const MAX_KEYS: usize = 16;

/// Verifies access tokens for one audience from the issuers it was told of.
///
/// A signature check costs some 50 µs (ES256) and a WIC shows its token in every request, so tokens
/// that passed are remembered for a while; their age is looked at each time.
pub struct Verifier {
    audience: String,
    skew: u64,
    issuers: HashMap<String, HashMap<String, Key>>,
    recent: RefCell<Recent>,
    leases: EndedLeases,
}

#[derive(Debug)]
struct Key {
    algorithm: Algorithm,
    key: ParsedPublicKey,
}

/// A key set without one key that can be used: the keys of before stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the issuer's key set has no key that can be used")]
pub struct WrongKeys;

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    /// RFC 7515 §4.1.11: extensions that must be understood; we understand none.
    crit: Option<serde_json::Value>,
}

impl Verifier {
    /// Takes tokens for `audience`; clocks may differ by `skew` seconds.
    pub fn new(audience: impl Into<String>, skew: u64) -> Self {
        Self {
            audience: audience.into(),
            skew,
            issuers: HashMap::new(),
            recent: RefCell::default(),
            leases: EndedLeases::default(),
        }
    }

    /// Trusts an issuer, with these keys from now on.
    pub fn set_keys(&mut self, issuer: &str, keys: &JwkSet) -> Result<(), WrongKeys> {
        let keys: HashMap<_, _> = keys
            .keys
            .iter()
            .filter_map(|jwk| {
                let (algorithm, key) = jwk.verification_key()?;
                Some((
                    jwk.kid.clone().or_else(|| jwk.thumbprint())?,
                    Key { algorithm, key },
                ))
            })
            .take(MAX_KEYS)
            .collect();
        if keys.is_empty() {
            return Err(WrongKeys);
        }
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

    /// Whether keys of any issuer are there: without one, no token can be judged.
    pub fn is_ready(&self) -> bool {
        !self.issuers.is_empty()
    }

    /// RFC 9068 §4: what the token says, if it is to be believed at `now` (seconds since 1970).
    pub fn verify(&self, token: &str, now: u64) -> Result<Claims, TokenError> {
        if token.len() > MAX_LENGTH {
            return Err(TokenError::Malformed);
        }
        let fingerprint = Recent::fingerprint(token);
        if let Some(claims) = self.recent.borrow_mut().claims(&fingerprint) {
            self.check_age(claims, now)?;
            return Ok(claims.clone());
        }
        let claims = self.authenticate(token)?;
        self.check_age(&claims, now)?;
        if !claims.allows_ims_access() {
            return Err(TokenError::InsufficientScope);
        }
        if claims.impi.is_empty() || claims.impu.is_empty() {
            return Err(TokenError::NoIdentity);
        }
        self.recent
            .borrow_mut()
            .remember(fingerprint, claims.clone());
        Ok(claims)
    }

    /// What the token says, if a trusted issuer says it to us.
    fn authenticate(&self, token: &str) -> Result<Claims, TokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let header: Header = read(header)?;
        let algorithm = match header.alg.as_str() {
            "ES256" => Algorithm::ES256,
            "RS256" => Algorithm::RS256,
            none if none.eq_ignore_ascii_case("none") => return Err(TokenError::Unsigned),
            _ => return Err(TokenError::AlgorithmNotAllowed),
        };
        if header.crit.is_some() {
            return Err(TokenError::Malformed);
        }
        // RFC 7515 §4.1.9: `application/` may be left out, and case does not matter.
        let typ = header.typ.unwrap_or_default().to_ascii_lowercase();
        if typ.strip_prefix("application/").unwrap_or(&typ) != "at+jwt" {
            return Err(TokenError::NotAnAccessToken);
        }
        let claims: Claims = read(payload)?;
        let keys = self
            .issuers
            .get(&claims.iss)
            .ok_or(TokenError::UnknownIssuer)?;
        let key = match &header.kid {
            Some(kid) => keys.get(kid),
            None if keys.len() == 1 => keys.values().next(),
            None => None,
        };
        let key = key.ok_or(TokenError::UnknownKey)?;
        // A key is for one algorithm: what the header says never chooses how a key is used.
        if key.algorithm != algorithm {
            return Err(TokenError::BadSignature);
        }
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| TokenError::Malformed)?;
        key.key
            .verify_sig(signed.as_bytes(), &signature)
            .map_err(|_| TokenError::BadSignature)?;
        if !claims.aud.contains(&self.audience) {
            return Err(TokenError::WrongAudience);
        }
        Ok(claims)
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

fn read<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, TokenError> {
    let json = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::super::SigningKey;
    use super::*;

    const ISSUER: &str = "https://waf.example.net/oauth2";
    const NOW: u64 = 1_800_000_000;

    fn claims() -> Claims {
        Claims {
            iss: ISSUER.into(),
            sub: "alice".into(),
            aud: vec!["eP-CSCF".into()],
            client_id: "wwsf".into(),
            iat: NOW,
            exp: NOW + 300,
            nbf: None,
            jti: "1".into(),
            scope: "webrtc-ims-client-access-to-ims".into(),
            impi: "alice@home1.net".into(),
            impu: vec!["sip:alice@home1.net".into()],
            waf: Some("waf.example.net".into()),
            wwsf: Some("wwsf.example.net".into()),
            lease: None,
        }
    }

    fn key() -> SigningKey {
        SigningKey::generate(Algorithm::ES256).unwrap()
    }

    fn verifier(key: &SigningKey) -> Verifier {
        let mut verifier = Verifier::new("eP-CSCF", 5);
        verifier
            .set_keys(
                ISSUER,
                &JwkSet {
                    keys: vec![key.jwk().clone()],
                },
            )
            .unwrap();
        verifier
    }

    fn header(alg: &str, typ: &str, kid: &str) -> String {
        format!(r#"{{"alg":"{alg}","typ":"{typ}","kid":"{kid}"}}"#)
    }

    #[test]
    fn takes_what_was_issued_with_either_algorithm() {
        for algorithm in [Algorithm::ES256, Algorithm::RS256] {
            let key = SigningKey::generate(algorithm).unwrap();
            let token = key.issue(&claims()).unwrap();
            assert_eq!(verifier(&key).verify(token.expose(), NOW), Ok(claims()));
        }
    }

    #[test]
    fn what_is_forged_is_told_from_what_is_old() {
        let key = key();
        let verifier = verifier(&key);
        let issue = |change: fn(&mut Claims)| {
            let mut claims = claims();
            change(&mut claims);
            verifier
                .verify(key.issue(&claims).unwrap().expose(), NOW)
                .map(|_| ())
        };
        for (result, expected, forged) in [
            (issue(|c| c.exp = NOW - 5), TokenError::Expired, false),
            (
                issue(|c| c.nbf = Some(NOW + 6)),
                TokenError::NotYetValid,
                false,
            ),
            (
                issue(|c| c.aud = vec!["other".into()]),
                TokenError::WrongAudience,
                true,
            ),
            (
                issue(|c| c.scope = "openid".into()),
                TokenError::InsufficientScope,
                false,
            ),
            (
                issue(|c| c.iss = "https://evil".into()),
                TokenError::UnknownIssuer,
                false,
            ),
            (issue(|c| c.impu.clear()), TokenError::NoIdentity, false),
            (issue(|c| c.impi.clear()), TokenError::NoIdentity, false),
        ] {
            assert_eq!(result, Err(expected));
            assert_eq!(expected.is_forged(), forged, "{expected}");
        }
        // Within the skew both ends are open.
        assert_eq!(issue(|c| c.exp = NOW - 4), Ok(()));
        assert_eq!(issue(|c| c.nbf = Some(NOW + 5)), Ok(()));
    }

    #[test]
    fn an_unsigned_token_is_never_taken() {
        let key = key();
        let verifier = verifier(&key);
        for alg in ["none", "None", "NONE"] {
            let header = URL_SAFE_NO_PAD.encode(header(alg, "at+jwt", key.kid()));
            let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims()).unwrap());
            for signature in ["", "AAAA"] {
                let token = format!("{header}.{payload}.{signature}");
                assert_eq!(verifier.verify(&token, NOW), Err(TokenError::Unsigned));
            }
        }
        assert!(TokenError::Unsigned.is_forged());
    }

    #[test]
    fn the_header_chooses_neither_key_nor_algorithm() {
        let (key, other) = (key(), key());
        let verifier = verifier(&key);
        let payload = serde_json::to_vec(&claims()).unwrap();
        let judge = |signer: &SigningKey, header: &str| {
            verifier
                .verify(signer.sign(header, &payload).unwrap().expose(), NOW)
                .map(|_| ())
        };
        let kid = key.kid();
        assert_eq!(
            judge(&key, &header("ES256", "application/AT+JWT", kid)),
            Ok(())
        );
        assert_eq!(judge(&key, r#"{"alg":"ES256","typ":"at+jwt"}"#), Ok(()));
        for (signer, header, expected) in [
            (
                &other,
                header("ES256", "at+jwt", kid),
                TokenError::BadSignature,
            ),
            (
                &other,
                header("ES256", "at+jwt", other.kid()),
                TokenError::UnknownKey,
            ),
            (
                &key,
                header("RS256", "at+jwt", kid),
                TokenError::BadSignature,
            ),
            (
                &key,
                header("HS256", "at+jwt", kid),
                TokenError::AlgorithmNotAllowed,
            ),
            (
                &key,
                header("ES256", "JWT", kid),
                TokenError::NotAnAccessToken,
            ),
            (
                &key,
                r#"{"alg":"ES256"}"#.into(),
                TokenError::NotAnAccessToken,
            ),
            (
                &key,
                r#"{"alg":"ES256","typ":"at+jwt","crit":["exp"]}"#.into(),
                TokenError::Malformed,
            ),
        ] {
            assert_eq!(judge(signer, &header), Err(expected), "{header}");
        }
    }

    #[test]
    fn a_changed_token_is_a_forged_one() {
        let key = key();
        let verifier = verifier(&key);
        let token = key.issue(&claims()).unwrap().into_exposed();
        let (head, rest) = token.split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        let bob = Claims {
            impi: "bob@home1.net".into(),
            ..claims()
        };
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&bob).unwrap());
        let forged = format!("{head}.{payload}.{signature}");
        assert_eq!(verifier.verify(&forged, NOW), Err(TokenError::BadSignature));
        // Forged and old at once is forged.
        assert_eq!(
            verifier.verify(&forged, NOW + 1000),
            Err(TokenError::BadSignature)
        );
    }

    #[test]
    fn a_token_that_passed_before_still_grows_old_and_still_needs_its_key() {
        let (key, other) = (key(), key());
        let mut verifier = verifier(&key);
        let token = key.issue(&claims()).unwrap();
        for _ in 0..2 {
            assert_eq!(verifier.verify(token.expose(), NOW), Ok(claims()));
        }
        assert_eq!(
            verifier.verify(token.expose(), NOW + 305),
            Err(TokenError::Expired)
        );
        verifier
            .set_keys(
                ISSUER,
                &JwkSet {
                    keys: vec![other.jwk().clone()],
                },
            )
            .unwrap();
        assert_eq!(
            verifier.verify(token.expose(), NOW),
            Err(TokenError::UnknownKey)
        );
    }

    #[test]
    fn what_cannot_be_read_is_malformed() {
        let verifier = verifier(&key());
        let long = "a".repeat(MAX_LENGTH + 1);
        for token in ["", ".", "..", "...", "a.b.c", "e30.e30.e30", &long] {
            assert_eq!(
                verifier.verify(token, NOW),
                Err(TokenError::Malformed),
                "{token}"
            );
        }
    }

    #[test]
    fn keys_are_replaced_but_not_by_nothing() {
        let (old, new) = (key(), key());
        let mut verifier = verifier(&old);
        let token = old.issue(&claims()).unwrap();
        assert_eq!(
            verifier.set_keys(ISSUER, &JwkSet::default()),
            Err(WrongKeys)
        );
        assert!(verifier.verify(token.expose(), NOW).is_ok());
        verifier
            .set_keys(
                ISSUER,
                &JwkSet {
                    keys: vec![new.jwk().clone()],
                },
            )
            .unwrap();
        assert_eq!(
            verifier.verify(token.expose(), NOW),
            Err(TokenError::UnknownKey)
        );
        assert!(!Verifier::new("x", 0).is_ready());
    }

    #[test]
    fn a_lease_that_ended_lends_nothing_though_its_token_passed_before() {
        let key = key();
        let mut verifier = verifier(&key);
        let token = |lease: &str, iat: u64| {
            let claims = Claims {
                lease: Some(lease.into()),
                iat,
                ..claims()
            };
            key.issue(&claims).unwrap().into_exposed()
        };
        let (one, two) = (token("one", NOW), token("two", NOW));
        assert!(verifier.verify(&one, NOW).is_ok());
        verifier.end_lease(NOW, "one");
        assert_eq!(verifier.verify(&one, NOW), Err(TokenError::LeaseEnded));
        assert!(verifier.verify(&two, NOW).is_ok());
        // After a restart nobody knows which have ended.
        verifier.forget_leases(NOW);
        assert_eq!(verifier.verify(&two, NOW), Err(TokenError::LeaseEnded));
        assert!(verifier.verify(&token("two", NOW + 1), NOW + 1).is_ok());
        // What is nobody's lease is not concerned.
        let own = key.issue(&claims()).unwrap();
        assert!(verifier.verify(own.expose(), NOW).is_ok());
    }
}
