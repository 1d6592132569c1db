//! How the WWSF proves to the WAF who it is: the way that both were told, and no other.

mod support;

use std::path::PathBuf;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::KeyPair;
use serde_json::{Value, json};
use support::{Browser, Lab};

/// A key of the WWSF's and one of a stranger's, in files as `openssl` writes them.
struct Keys {
    private: PathBuf,
    public: PathBuf,
    stranger: PathBuf,
}

fn keys() -> &'static Keys {
    static KEYS: std::sync::OnceLock<Keys> = std::sync::OnceLock::new();
    KEYS.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("isthmus-proof-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let write = |name: &str, text: String| {
            let file = folder.join(name);
            std::fs::write(&file, text).expect("a file");
            file
        };
        let pair = KeyPair::generate().expect("a key");
        let stranger = KeyPair::generate().expect("a key");
        Keys {
            private: write("key.pem", pair.serialize_pem()),
            public: write("public.pem", pair.public_key_pem()),
            stranger: write("stranger.pem", stranger.serialize_pem()),
        }
    })
}

fn with_key(waf: &mut Value, wwsf: &mut Value) {
    let client = waf["clients"][0].as_object_mut().expect("a client");
    client.remove("secret");
    client.insert("public_keys".into(), json!([keys().public]));
    wwsf.as_object_mut()
        .expect("an object")
        .remove("client_secret");
    wwsf["client_key"] = json!(keys().private);
}

#[tokio::test]
async fn a_key_does_all_that_a_secret_does() {
    let lab = Lab::start_with(with_key).await;
    let mut browser = Browser::new(&lab);
    let alice = browser.sign_in("alice").await;
    for _ in 0..3 {
        lab.pass(250);
        assert_eq!(browser.token(&alice).await["impi"], "alice@home1.net");
    }
    let path = format!("/session/{alice}/end");
    assert_eq!(browser.post(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(lab.figure("waf_revoked"), 1);
    assert_eq!(lab.figure("waf_replayed"), 0);
}

#[tokio::test]
async fn the_key_stays_good_over_a_restart() {
    let lab = Lab::start_with(with_key).await;
    let mut browser = Browser::new(&lab);
    let alice = browser.sign_in("alice").await;
    let lab = lab.restart().await;
    browser.move_to(&lab);
    assert_eq!(browser.token(&alice).await["impi"], "alice@home1.net");
}

#[tokio::test]
async fn another_key_or_secret_gets_nothing() {
    for change in [
        |waf: &mut Value, wwsf: &mut Value| {
            with_key(waf, wwsf);
            wwsf["client_key"] = json!(keys().stranger);
        },
        |_: &mut Value, wwsf: &mut Value| wwsf["client_secret"] = json!("a secret of the lap"),
        // A secret where the WAF wants a key.
        |waf: &mut Value, wwsf: &mut Value| {
            with_key(waf, wwsf);
            let wwsf = wwsf.as_object_mut().expect("an object");
            wwsf.remove("client_key");
            wwsf.insert("client_secret".into(), json!("a secret of the lab"));
        },
    ] as [fn(&mut Value, &mut Value); 3]
    {
        let lab = Lab::start_with(change).await;
        let mut browser = Browser::new(&lab);
        let page = browser.authorization().await;
        let reply = browser.submit(&page, "alice", "alice-password", &[]).await;
        let back = reply.location();
        assert_eq!(browser.get(&back).await.location(), "/#error=unavailable");
        assert_eq!(lab.figure("waf_granted"), 0);
    }
}

/// Whoever reaches the WAF without being the WWSF: nothing is told and nothing is given.
#[tokio::test]
async fn nobody_else_is_served_on_w4() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let alice = browser.sign_in("alice").await;
    let token = browser.token(&alice).await["access_token"].clone();
    let token = token.as_str().expect("a token").to_owned();
    let wrong = format!("Basic {}", STANDARD.encode("wwsf:a secret of the lap"));
    for endpoint in ["token", "introspect", "revoke"] {
        for headers in [&[][..], &[("authorization", wrong.as_str())]] {
            let form = format!("grant_type=client_credentials&token={token}");
            let path = format!("/oauth2/{endpoint}");
            let reply = browser.request("POST", &path, headers, Some(form)).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{endpoint}");
            assert_eq!(reply.json()["error"], "invalid_client");
        }
    }
    assert_eq!(browser.token(&alice).await["impi"], "alice@home1.net");
}
