//! RFC 7523 §2.2, §3 — a JWT in place of a client secret.

use core_credentials::token::{ASSERTION_TYPE, Algorithm, ClientAssertion, SigningKey};

use crate::door::{Door, ISSUER, REDIRECT, SECRET, VERIFIER, authorization, basic, error, form};
use crate::door::{json, parameters, signer_key};

/// An assertion of the client that has a key, changed by `change` and signed by `key`.
fn assertion(door: &Door, key: &SigningKey, change: impl FnOnce(&mut ClientAssertion)) -> String {
    let mut said = ClientAssertion {
        iss: "signer".into(),
        sub: "signer".into(),
        aud: vec![ISSUER.into()],
        jti: "an assertion".into(),
        iat: door.now,
        exp: door.now + 60,
    };
    change(&mut said);
    key.assert(&said).expect("it is signed").into_exposed()
}

/// `POST /token` with a code that is the client's, and these parameters beside it.
fn trade(
    door: &mut Door,
    authorization_header: Option<&str>,
    more: &[(&str, &str)],
) -> nf_waf::Reply {
    let request = authorization(&[("client_id", "signer")]);
    let reply = door.sign_in(&request, "alice", "alice-password");
    let code = parameters(&reply)["code"].clone();
    let mut all = vec![
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    all.extend(more);
    door.token_as(authorization_header, &form(&all))
}

fn show(door: &mut Door, assertion: &str) -> nf_waf::Reply {
    let shown = [
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
    ];
    trade(door, None, &shown)
}

#[test]
fn an_assertion_of_the_client_lets_it_in() {
    let mut door = Door::new();
    let good = assertion(&door, signer_key(), |_| {});
    assert_eq!(show(&mut door, &good).status(), 200);
    // The token endpoint's own address is a name of the server too.
    let good = assertion(&door, signer_key(), |said| {
        said.aud = vec![format!("{ISSUER}/token")];
        said.jti = "another".into();
    });
    assert_eq!(show(&mut door, &good).status(), 200);
    let metadata = json(&door.waf.metadata());
    let methods = &metadata["token_endpoint_auth_methods_supported"];
    assert!(methods.to_string().contains("private_key_jwt"), "{methods}");
}

#[test]
fn it_is_good_once_and_not_after_a_restart() {
    let mut door = Door::new();
    let once = assertion(&door, signer_key(), |_| {});
    assert_eq!(show(&mut door, &once).status(), 200);
    door.now += 1;
    assert_eq!(error(&show(&mut door, &once)), "invalid_client");
    door.restart();
    assert_eq!(error(&show(&mut door, &once)), "invalid_client");
    let fresh = assertion(&door, signer_key(), |said| said.jti = "fresh".into());
    assert_eq!(show(&mut door, &fresh).status(), 200);
}

#[test]
fn what_is_wrong_with_it_keeps_it_out() {
    let mut door = Door::new();
    let stranger = SigningKey::generate(Algorithm::ES256).expect("a key");
    let now = door.now;
    let wrong = [
        assertion(&door, &stranger, |_| {}),
        assertion(&door, signer_key(), |said| said.sub = "wwsf".into()),
        assertion(&door, signer_key(), |said| said.iss = "wwsf".into()),
        assertion(&door, signer_key(), |said| {
            said.aud = vec!["https://other.example".into()];
        }),
        assertion(&door, signer_key(), |said| {
            said.aud.push("https://other.example".into());
        }),
        assertion(&door, signer_key(), |said| said.exp = now - 11),
        assertion(&door, signer_key(), |said| said.exp = now + 3600),
        assertion(&door, signer_key(), |said| said.iat = now + 60),
        assertion(&door, signer_key(), |said| said.jti.clear()),
        "no.assertion.atall".to_owned(),
    ];
    for (number, assertion) in wrong.iter().enumerate() {
        let reply = show(&mut door, assertion);
        assert_eq!(error(&reply), "invalid_client", "{number}");
        assert_eq!(reply.status(), 401);
    }
}

/// The weaker way must not stand in for the stronger, nor the other way round.
#[test]
fn a_client_has_the_one_way_that_it_was_registered_with() {
    let mut door = Door::new();
    let basic = basic("signer", SECRET);
    assert_eq!(
        error(&trade(&mut door, Some(&basic), &[])),
        "invalid_client"
    );
    let in_body = [("client_id", "signer"), ("client_secret", SECRET)];
    assert_eq!(error(&trade(&mut door, None, &in_body)), "invalid_client");
    let of_wwsf = assertion(&door, signer_key(), |said| {
        said.iss = "wwsf".into();
        said.sub = "wwsf".into();
    });
    assert_eq!(error(&show(&mut door, &of_wwsf)), "invalid_client");
}

/// RFC 7521 §4.2, RFC 6749 §2.3
#[test]
fn its_form_is_kept() {
    let mut door = Door::new();
    let good = assertion(&door, signer_key(), |_| {});
    for more in [
        &[("client_assertion", good.as_str())][..],
        &[
            ("client_assertion", &good),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
            ),
        ],
        &[
            ("client_assertion", &good),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_secret", SECRET),
        ],
    ] {
        assert_eq!(
            error(&trade(&mut door, None, more)),
            "invalid_request",
            "{more:?}"
        );
    }
    let another = [
        ("client_assertion", good.as_str()),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_id", "wwsf"),
    ];
    assert_eq!(error(&trade(&mut door, None, &another)), "invalid_client");
}
