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
use super::{Algorithm, Claims, IssuerRules, TokenError};
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
    /// What is agreed with them, and with those that are not among them.
    rules: HashMap<String, IssuerRules>,
    usual: IssuerRules,
    recent: RefCell<Recent>,
    leases: EndedLeases,
}

#[derive(Debug)]
struct Key {
    algorithm: Algorithm,
    key: ParsedPublicKey,
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
            rules: HashMap::new(),
            usual: IssuerRules::default(),
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
        if token.len() > MAX_LENGTH {
            return Err(TokenError::Malformed);
        }
        let fingerprint = Recent::fingerprint(token);
        if let Some(claims) = self.recent.borrow_mut().claims(&fingerprint, now) {
            self.check_age(claims, now)?;
            return Ok(claims.clone());
        }
        let (claims, scope) = self.authenticate(token)?;
        self.check(&claims, scope, now)?;
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
        let json: serde_json::Value = read(payload)?;
        let issuer = json.get("iss").and_then(serde_json::Value::as_str);
        let issuer = issuer.ok_or(TokenError::Malformed)?;
        let rules = self.rules.get(issuer).unwrap_or(&self.usual);
        // RFC 7515 §4.1.9: `application/` may be left out, and case does not matter.
        let typ = header.typ.unwrap_or_default().to_ascii_lowercase();
        let typ = typ.strip_prefix("application/").unwrap_or(&typ);
        if typ != "at+jwt" && !(rules.plain_jwt && matches!(typ, "jwt" | "")) {
            return Err(TokenError::NotAnAccessToken);
        }
        let claims = rules.read(&json).ok_or(TokenError::Malformed)?;
        let keys = self.issuers.get(issuer).ok_or(TokenError::UnknownIssuer)?;
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
    let json: serde_json::Value = read(payload).ok()?;
    Some(json.get("iss")?.as_str()?.to_owned())
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
    fn each_issuer_has_its_own_rules() {
        let (key, theirs) = (key(), key());
        let mut verifier = verifier(&key);
        let idp = "https://idp.example/realms/ims";
        verifier
            .set_keys(
                idp,
                &JwkSet {
                    keys: vec![theirs.jwk().clone()],
                },
            )
            .unwrap();
        let payload = format!(
            r#"{{"iss":"{idp}","aud":"eP-CSCF","azp":"phone","exp":{},"scope":"openid ims","mobile":"alice@home1.net",
            "lines":["sip:alice@home1.net"]}}"#,
            NOW + 300
        );
        let sign = |signer: &SigningKey, typ| {
            let header = header("ES256", typ, signer.kid());
            signer.sign(&header, payload.as_bytes()).unwrap()
        };
        let judged = |verifier: &Verifier, signer, typ| {
            let claims = verifier.verify(sign(signer, typ).expose(), NOW);
            claims.map(|claims| claims.impi)
        };
        let no_token = Err(TokenError::NotAnAccessToken);
        assert_eq!(judged(&verifier, &theirs, "JWT"), no_token);
        assert_eq!(
            judged(&verifier, &theirs, "at+jwt"),
            Err(TokenError::Malformed)
        );
        let mut rules = IssuerRules {
            plain_jwt: true,
            ..IssuerRules::default()
        };
        rules.claims.impi = "mobile".into();
        rules.claims.impu = "lines".into();
        verifier.set_rules(idp, rules.clone());
        let scope = Err(TokenError::InsufficientScope);
        assert_eq!(judged(&verifier, &theirs, "JWT"), scope);
        rules.scope = "ims".into();
        verifier.set_rules(idp, rules);
        assert_eq!(
            judged(&verifier, &theirs, "JWT").as_deref(),
            Ok("alice@home1.net")
        );
        assert_eq!(judged(&verifier, &theirs, "dpop+jwt"), no_token);
        // Another issuer's key does not sign for this one.
        assert_eq!(judged(&verifier, &key, "JWT"), Err(TokenError::UnknownKey));
        // And ours has the rules that it had.
        assert!(
            verifier
                .verify(key.issue(&claims()).unwrap().expose(), NOW)
                .is_ok()
        );
    }

    /// RFC 7662 §2.2.
    #[test]
    fn an_issuer_may_be_asked() {
        let key = key();
        let mut verifier = verifier(&key);
        let idp = "https://idp.example";
        assert_eq!(verifier.judge("opaque", NOW), Judge::Here);
        let rules = IssuerRules {
            introspect: true,
            ..IssuerRules::default()
        };
        verifier.set_rules(idp, rules);
        assert_eq!(verifier.judge("opaque", NOW), Judge::Issuer(idp));
        let ours = key.issue(&claims()).unwrap();
        assert_eq!(verifier.judge(ours.expose(), NOW), Judge::Here);
        let theirs = Claims {
            iss: idp.into(),
            ..claims()
        };
        let theirs = key.issue(&theirs).unwrap();
        assert_eq!(verifier.judge(theirs.expose(), NOW), Judge::Issuer(idp));
        assert_eq!(
            verifier.verify(theirs.expose(), NOW),
            Err(TokenError::UnknownIssuer)
        );

        let answer = |more: &str| {
            format!(
                r#"{{"active":true,"scope":"x webrtc-ims-client-access-to-ims","exp":{},"impi":"alice@home1.net",
                "impu":["sip:alice@home1.net"]{more}}}"#,
                NOW + 300
            )
        };
        let told = |text: &str| verifier.introspected(idp, "opaque", text.as_bytes(), NOW);
        let why = |text: &str| told(text).map(|claims| claims.impi).unwrap_err();
        assert_eq!(why(r#"{"active":false}"#), TokenError::Inactive);
        assert_eq!(
            why(&answer("").replace("true", "\"true\"")),
            TokenError::Inactive
        );
        assert_eq!(why("garbage"), TokenError::Malformed);
        assert_eq!(why("[true]"), TokenError::Inactive);
        assert_eq!(
            why(&answer(r#","aud":"another""#)),
            TokenError::WrongAudience
        );
        assert_eq!(
            why(&answer(r#","iss":"https://waf""#)),
            TokenError::UnknownIssuer
        );
        assert_eq!(
            why(&answer("").replace("impu", "umpi")),
            TokenError::NoIdentity
        );
        assert_eq!(
            why(&answer("").replace("x webrtc-", "x ")),
            TokenError::InsufficientScope
        );
        assert!(verifier.verify("opaque", NOW).is_err());
        let claims = told(&answer(r#","aud":["eP-CSCF"]"#)).unwrap();
        assert_eq!(verifier.verify("opaque", NOW + 59), Ok(claims));
        assert_eq!(verifier.judge("opaque", NOW + 59), Judge::Here);
        // A revocation is seen within a minute.
        assert_eq!(verifier.judge("opaque", NOW + 60), Judge::Issuer(idp));
        assert!(verifier.verify("opaque", NOW + 60).is_err());
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
