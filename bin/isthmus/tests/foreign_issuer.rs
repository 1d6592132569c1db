//! An operator's own identity provider as the WAF: found by its metadata, read by its own names, and
//! bounded whatever it does.

mod support;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::{Json, Router};
use core_credentials::pkce;
use core_credentials::token::{Algorithm, SigningKey, Verifier};
use isthmus::web::KeyFetcher;
use serde_json::{Value, json};
use support::{Browser, Lab};
use tokio::net::TcpListener;

/// An identity provider in the manner of Keycloak: OpenID discovery only, tokens of the type `JWT`, no
/// introspection, no `iss` in answers, claims of its own.
struct Provider {
    issuer: String,
    /// The newest signs; all are published.
    keys: Mutex<Vec<SigningKey>>,
    /// The challenge of the code that is out, and how it was asked for.
    asked: Mutex<HashMap<String, String>>,
    refreshed: AtomicU32,
    /// What the provider does instead of answering for its keys.
    mood: Mutex<Mood>,
}

#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Well,
    Garbage,
    Endless,
    Silent,
    NoKeys,
    Failing,
}

impl Provider {
    async fn start() -> (Arc<Self>, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let provider = Arc::new(Self {
            issuer: format!("http://{address}/realms/phones"),
            keys: Mutex::new(vec![key()]),
            asked: Mutex::default(),
            refreshed: AtomicU32::new(0),
            mood: Mutex::new(Mood::Well),
        });
        let routes = Router::new()
            .route(
                "/realms/phones/.well-known/openid-configuration",
                get(metadata),
            )
            .route("/realms/phones/certs", get(certs))
            .route("/realms/phones/token", post(token))
            .with_state(Arc::clone(&provider));
        let server = tokio::spawn(async move {
            axum::serve(listener, routes).await.expect("it serves");
        });
        (provider, server)
    }

    fn be(&self, mood: Mood) {
        *self.mood.lock().expect("a mood") = mood;
    }

    /// An access token as such providers write it.
    fn issue(&self) -> String {
        let keys = self.keys.lock().expect("keys");
        let key = keys.last().expect("a key");
        let said = json!({
            "iss": self.issuer, "sub": "7f3a", "typ": "Bearer", "azp": "wwsf", "aud": ["eP-CSCF", "account"],
            "iat": 1_800_000_000_u64, "exp": 1_800_000_300_u64, "scope": "openid phone-line",
            "preferred_username": "Alice", "ims": { "private": "alice@home1.net", "public": ["sip:alice@home1.net"] },
        });
        key.sign_jwt(&said).expect("it is signed").into_exposed()
    }
}

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::ES256).expect("a key")
}

fn dialect() -> Value {
    json!({
        "impi": "ims.private", "impu": "ims.public", "name": "preferred_username",
        "ims_scope": "phone-line",
    })
}

async fn metadata(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/auth?kc=1"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/certs"),
        "response_types_supported": ["code", "none", "id_token", "code id_token"],
        "code_challenge_methods_supported": ["plain", "S256"],
    }))
}

async fn certs(State(provider): State<Arc<Provider>>) -> axum::response::Response {
    let mood = *provider.mood.lock().expect("a mood");
    match mood {
        Mood::Well => {
            let keys = provider.keys.lock().expect("keys");
            let keys: Vec<_> = keys.iter().map(|key| key.jwk().clone()).collect();
            Json(json!({ "keys": keys })).into_response()
        }
        Mood::Garbage => "<html>all is well</html>".into_response(),
        Mood::Endless => "0".repeat(10_000_000).into_response(),
        Mood::NoKeys => Json(json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] })).into_response(),
        Mood::Failing => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::Silent => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            StatusCode::OK.into_response()
        }
    }
}

async fn token(
    State(provider): State<Arc<Provider>>,
    Form(form): Form<HashMap<String, String>>,
) -> (StatusCode, Json<Value>) {
    let value = |name: &str| form.get(name).map_or("", String::as_str);
    let refused = || {
        (
            StatusCode::BAD_REQUEST,
            Json(json!({ "error": "invalid_grant" })),
        )
    };
    match value("grant_type") {
        "authorization_code" => {
            let asked = provider.asked.lock().expect("what was asked");
            if asked.get("code_challenge") != Some(&pkce::challenge(value("code_verifier"))) {
                return refused();
            }
        }
        "refresh_token" if value("refresh_token") == "the one" => {
            provider.refreshed.fetch_add(1, Ordering::Relaxed);
            // RFC 6749 §6: no other refresh token is given.
            let body = json!({ "access_token": provider.issue(), "token_type": "Bearer", "expires_in": 300 });
            return (StatusCode::OK, Json(body));
        }
        _ => return refused(),
    }
    let body = json!({
        "access_token": provider.issue(), "token_type": "Bearer", "expires_in": 300,
        "refresh_token": "the one", "id_token": "e30.e30.", "scope": "openid phone-line",
    });
    (StatusCode::OK, Json(body))
}

/// The lab with this provider in the WAF's place.
async fn lab(provider: &Provider) -> Lab {
    let issuer = provider.issuer.clone();
    Lab::start_with(move |_, wwsf| {
        let wwsf = wwsf.as_object_mut().expect("an object");
        wwsf.remove("w4");
        wwsf.remove("authorize");
        wwsf.insert("issuer".into(), json!(issuer));
        wwsf.insert("scope".into(), json!("openid phone-line"));
        wwsf.insert("claims".into(), dialect());
    })
    .await
}

/// "Sign in", and what the provider's page sends the browser back with.
async fn come_back(browser: &mut Browser, provider: &Provider, more: &str) -> String {
    let away = browser.get("/signin").await.location();
    let start = format!("{}/auth?kc=1&", provider.issuer);
    let query = away
        .strip_prefix(&start)
        .expect("to the provider's page")
        .to_owned();
    let asked: HashMap<String, String> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    assert_eq!(asked["scope"], "openid phone-line");
    let state = asked["state"].clone();
    *provider.asked.lock().expect("what was asked") = asked;
    let back = format!("/signed-in?state={state}&code=abc{more}");
    browser.get(&back).await.location()
}

#[tokio::test]
async fn somebody_signs_in_at_the_operators_own_provider() {
    let (provider, server) = Provider::start().await;
    let lab = lab(&provider).await;
    let mut browser = Browser::new(&lab);
    let page = come_back(&mut browser, &provider, "").await;
    let session = page
        .strip_prefix("/#session=")
        .expect("signed in")
        .to_owned();
    let given = browser.token(&session).await;
    assert_eq!(given["impi"], "alice@home1.net");
    assert_eq!(given["impus"], json!(["sip:alice@home1.net"]));
    assert_eq!(given["display_name"], "Alice");
    // The refresh token that is not replaced is used again and again.
    for round in 1..4 {
        lab.pass(250);
        assert_eq!(browser.token(&session).await["impi"], "alice@home1.net");
        assert_eq!(provider.refreshed.load(Ordering::Relaxed), round);
    }
    // Nowhere to revoke: signing out ends the session here.
    let path = format!("/session/{session}/end");
    assert_eq!(browser.post(&path).await.status, StatusCode::NO_CONTENT);
    server.abort();
}

/// RFC 9207 §2.4: a provider need not name itself, but must not name another.
#[tokio::test]
async fn what_another_issuer_sends_is_not_taken() {
    let (provider, server) = Provider::start().await;
    let lab = lab(&provider).await;
    let mut browser = Browser::new(&lab);
    let page = come_back(&mut browser, &provider, "&iss=https%3A%2F%2Fevil.example").await;
    assert_eq!(page, "/#error=issuer");
    let own = format!("&iss={}", support::encode(&provider.issuer));
    let page = come_back(&mut browser, &provider, &own).await;
    assert!(page.starts_with("/#session="), "{page}");
    server.abort();
}

#[tokio::test]
async fn a_provider_that_is_away_is_said_in_a_word() {
    let (provider, server) = Provider::start().await;
    server.abort();
    let _ = server.await;
    let lab = lab(&provider).await;
    let mut browser = Browser::new(&lab);
    assert_eq!(
        browser.get("/signin").await.location(),
        "/#error=unavailable"
    );
}

/// The new key is published with the old one before it signs, and the old one goes when its tokens have.
#[tokio::test]
async fn keys_are_fetched_as_they_are_rotated() {
    let (provider, server) = Provider::start().await;
    let fetcher = KeyFetcher::new(&provider.issuer, &[]).expect("a client");
    let published = || {
        let keys = provider.keys.lock().expect("keys");
        keys.iter().map(|key| key.jwk().clone()).collect::<Vec<_>>()
    };
    assert_eq!(fetcher.fetch().await.expect("keys").keys, published());
    provider.keys.lock().expect("keys").push(key());
    assert_eq!(fetcher.fetch().await.expect("keys").keys, published());
    provider.keys.lock().expect("keys").remove(0);
    let keys = fetcher.fetch().await.expect("keys").keys;
    assert_eq!((keys.len(), keys), (1, published()));
    server.abort();
}

#[tokio::test]
async fn whatever_the_endpoint_does_takes_bounded_time_and_changes_nothing() {
    let (provider, server) = Provider::start().await;
    let fetcher = KeyFetcher::new(&provider.issuer, &[]).expect("a client");
    let mut verifier = Verifier::new("eP-CSCF", 5);
    let keys = fetcher.fetch().await.expect("keys");
    verifier
        .set_keys(&provider.issuer, &keys)
        .expect("good keys");
    for mood in [
        Mood::Garbage,
        Mood::Endless,
        Mood::NoKeys,
        Mood::Failing,
        Mood::Silent,
    ] {
        provider.be(mood);
        let began = Instant::now();
        match fetcher.fetch().await {
            Ok(keys) => assert!(verifier.set_keys(&provider.issuer, &keys).is_err()),
            Err(_) => assert!(mood != Mood::NoKeys),
        }
        assert!(began.elapsed() < Duration::from_secs(12));
        assert!(verifier.is_ready(), "the keys of before stay");
    }
    provider.be(Mood::Well);
    assert!(fetcher.fetch().await.is_ok());
    server.abort();
    assert!(fetcher.fetch().await.is_err());
}
