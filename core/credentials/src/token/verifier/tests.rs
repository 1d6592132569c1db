//! What the verifier takes, and what it does not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::{Algorithm, SigningKey};
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
