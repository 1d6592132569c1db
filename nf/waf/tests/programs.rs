//! Application servers ask for tokens in their own name (RFC 6749 §4.4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_credentials::Random;
use core_credentials::token::{Algorithm, ServiceVerifier, SigningKey};
use nf_waf::{Client, ClientProof, Loaded, Settings, Waf};
use serde_json::Value;

const ISSUER: &str = "https://waf.example.net/oauth2";
const NOW: u64 = 1_800_000_000;

fn waf() -> Waf {
    let program = Client {
        scopes: vec!["mmtel-dcappmgmt".into(), "mmtel-dcappcall".into()],
        audience: "mmtel-es".into(),
        ..Client::new("games", ClientProof::Secret("a secret of games".into()))
    };
    let other = Client::new("wwsf", ClientProof::Secret("a secret of wwsf".into()));
    let settings = Settings::new(ISSUER, "eP-CSCF");
    let mut waf = Waf::new(settings, vec![program, other], Loaded::default());
    let key = SigningKey::generate(Algorithm::ES256).expect("a key");
    assert_eq!(waf.adopt_key(NOW, key).len(), 1);
    waf
}

fn ask(waf: &mut Waf, client: &str, scope: &str) -> (u16, Value) {
    let basic = STANDARD.encode(format!("{client}:a+secret+of+{client}"));
    let authorization = format!("Basic {basic}");
    let body = format!("grant_type=client_credentials{scope}");
    let mut random = Random::new([3; 32]);
    let outcome = waf.token(NOW, &mut random, Some(&authorization), &body);
    assert!(outcome.changes.is_empty(), "there is nothing to keep");
    let body = serde_json::from_str(outcome.reply.body()).expect("JSON");
    (outcome.reply.status().as_u16(), body)
}

#[test]
fn a_program_gets_a_token_for_its_scopes() {
    let mut waf = waf();
    let mut verifier = ServiceVerifier::new("mmtel-es", 0);
    verifier.set_keys(ISSUER, &waf.key_set()).expect("keys");
    for (asked, scope) in [
        ("", "mmtel-dcappmgmt mmtel-dcappcall"),
        ("&scope=mmtel-dcappcall", "mmtel-dcappcall"),
    ] {
        let (status, body) = ask(&mut waf, "games", asked);
        assert_eq!((status, &body["scope"]), (200, &scope.into()), "{body}");
        assert!(body.get("refresh_token").is_none());
        let token = body["access_token"].as_str().expect("a token");
        let claims = verifier.verify(token, NOW).expect("it is good");
        assert_eq!(
            (claims.client_id.as_str(), claims.scope.as_str()),
            ("games", scope)
        );
        assert!(claims.impi.is_empty());
    }
}

#[test]
fn nobody_gets_more_than_its_own() {
    let mut waf = waf();
    let (status, body) = ask(&mut waf, "games", "&scope=mmtel-callcontrol");
    assert_eq!((status, &body["error"]), (400, &"invalid_scope".into()));
    // Who has no scopes is no program, and there is no pool here.
    let (status, _) = ask(&mut waf, "wwsf", "");
    assert_eq!(status, 400);
    let metadata = waf.metadata();
    let metadata: Value = serde_json::from_str(metadata.body()).expect("JSON");
    let grants = metadata["grant_types_supported"]
        .as_array()
        .expect("grants");
    assert!(grants.contains(&"client_credentials".into()));
}
