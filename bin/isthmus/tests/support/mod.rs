//! A lab of WWSF and WAF on a clock of its own, and a browser with one jar of cookies.
#![allow(dead_code)] // each test program uses a part

#[path = "../process/ports.rs"]
mod ports;
pub(crate) mod tls;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use core_credentials::jwk::JwkSet;
use core_credentials::token::{Claims, Verifier};
use isthmus::store::Store;
use isthmus::web::{Clock, Peer, WafConfig, Web, WwsfConfig, router};
use rustls_pki_types::CertificateDer;
use serde_json::Value;
use tower::ServiceExt as _;

/// Where the page is.
pub(crate) const PAGE: &str = "https://localhost:8443";

/// WWSF and WAF behind one door, as the all-in-one has them; W4 goes over a socket of its own.
pub(crate) struct Lab {
    time: Arc<AtomicU64>,
    folder: PathBuf,
    web: Web,
    waf: Option<tokio::task::JoinHandle<()>>,
    address: SocketAddr,
    issuer: String,
    change: Change,
}

/// What a test wants otherwise: of the WAF's configuration and of the WWSF's.
type Change = Arc<dyn Fn(&mut Value, &mut Value) + Send + Sync>;

impl Lab {
    /// With W4 over a plain socket.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_, _| {}).await
    }

    /// The same with some of the configuration changed: the WAF's, the WWSF's.
    pub(crate) async fn start_with(
        change: impl Fn(&mut Value, &mut Value) + Send + Sync + 'static,
    ) -> Self {
        let (folder, address) = place();
        let mut lab = Self::open(
            folder,
            address,
            "http",
            &[],
            start_of_time(),
            Arc::new(change),
        );
        lab.start_waf().await;
        lab
    }

    /// With W4 over TLS, trusting this certificate. The door is the caller's to open.
    pub(crate) fn start_over_tls(certificate: &CertificateDer<'static>) -> Self {
        let (folder, address) = place();
        let trust = [certificate.clone()];
        Self::open(
            folder,
            address,
            "https",
            &trust,
            start_of_time(),
            Arc::new(|_, _| {}),
        )
    }

    fn open(
        folder: PathBuf,
        address: SocketAddr,
        scheme: &str,
        trust: &[CertificateDer<'static>],
        time: Arc<AtomicU64>,
        change: Change,
    ) -> Self {
        let (store, loaded) = Store::open(&folder.join("isthmus.sqlite")).expect("a store");
        let seen = Arc::clone(&time);
        let clock: Clock = Arc::new(move || seen.load(Ordering::Relaxed));
        let issuer = format!("{scheme}://{address}/oauth2");
        let (waf, wwsf) = configuration(&issuer, &*change);
        let web = Web::open(Some(&waf), Some(&wwsf), store, loaded, trust, Some(clock))
            .expect("the configuration is good");
        Self {
            time,
            folder,
            web,
            waf: None,
            address,
            issuer,
            change,
        }
    }

    /// As after a crash: nothing is closed, everything is read again.
    pub(crate) async fn restart(mut self) -> Self {
        self.stop_waf().await;
        let (folder, address, time) = (self.folder.clone(), self.address, Arc::clone(&self.time));
        let change = Arc::clone(&self.change);
        std::mem::forget(self);
        let mut lab = Self::open(folder, address, "http", &[], time, change);
        lab.start_waf().await;
        lab
    }

    /// W4's door opens.
    pub(crate) async fn start_waf(&mut self) {
        let listener = tokio::net::TcpListener::bind(self.address)
            .await
            .expect("the port is free");
        let service = self.router();
        self.waf = Some(tokio::spawn(async move {
            axum::serve(listener, service).await.expect("it serves");
        }));
    }

    /// W4's door closes.
    pub(crate) async fn stop_waf(&mut self) {
        if let Some(waf) = self.waf.take() {
            waf.abort();
            let _ = waf.await;
        }
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, seconds: u64) {
        self.time.fetch_add(seconds, Ordering::Relaxed);
    }

    /// What an eP-CSCF makes of a token. Its age is not looked at.
    pub(crate) fn verify(&self, token: &str) -> Claims {
        let mut verifier = Verifier::new("eP-CSCF", 1_000_000);
        let keys = self.web.key_set().expect("there is a WAF");
        verifier
            .set_keys(&self.issuer, &keys)
            .expect("keys can be used");
        verifier
            .verify(token, self.time.load(Ordering::Relaxed))
            .expect("the token is good")
    }

    /// One of the figures that an operator sees.
    pub(crate) fn figure(&self, name: &str) -> u64 {
        let figures = self.web.figures();
        figures
            .iter()
            .find(|(known, _)| *known == name)
            .expect("there is one")
            .1
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn key_set(&self) -> Option<JwkSet> {
        self.web.key_set()
    }

    pub(crate) fn router(&self) -> Router {
        // As whoever accepts a TLS connection does.
        let peer = Peer {
            remote: ([192, 0, 2, 1], 1).into(),
            secure: true,
        };
        router(self.web.clone()).layer(from_fn(move |mut request: Request, next: Next| {
            request.extensions_mut().insert(peer);
            next.run(request)
        }))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(waf) = self.waf.take() {
            waf.abort();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A folder and a port that nobody else has.
fn place() -> (PathBuf, SocketAddr) {
    let folder = std::env::temp_dir().join(format!("isthmus-web-{}", unique()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    (folder, (Ipv4Addr::LOCALHOST, ports::free_port()).into())
}

fn start_of_time() -> Arc<AtomicU64> {
    Arc::new(AtomicU64::new(1_800_000_000))
}

fn configuration(issuer: &str, change: &dyn Fn(&mut Value, &mut Value)) -> (WafConfig, WwsfConfig) {
    let accounts: Vec<_> = ["Alice", "Bob"]
        .map(|display_name| {
            let name = display_name.to_lowercase();
            serde_json::json!({
                "name": name,
                "password": format!("{name}-password"),
                "display_name": display_name,
                "impi": format!("{name}@home1.net"),
                "impus": [format!("sip:{name}@home1.net")],
            })
        })
        .into();
    let redirect_uris =
        ["localhost", "127.0.0.1", "[::1]"].map(|host| format!("https://{host}/signed-in"));
    let mut waf = serde_json::json!({
        "issuer": issuer,
        "clients": [{ "id": "wwsf", "secret": "a secret of the lab", "redirect_uris": redirect_uris }],
        "accounts": accounts,
    });
    let mut wwsf = serde_json::json!({
        "issuer": issuer,
        "w4": issuer,
        "authorize": "/oauth2/authorize",
        "client_id": "wwsf",
        "client_secret": "a secret of the lab",
        "home_domain": "home1.net",
    });
    change(&mut waf, &mut wwsf);
    (
        serde_json::from_value(waf).expect("the WAF's configuration"),
        serde_json::from_value(wwsf).expect("the WWSF's configuration"),
    )
}

/// A browser: cookies, and nothing else in common between its pages.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    jar: BTreeMap<String, String>,
}

/// What a request was answered with.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Browser {
    pub(crate) fn new(lab: &Lab) -> Self {
        Self {
            router: lab.router(),
            jar: BTreeMap::new(),
        }
    }

    pub(crate) fn move_to(&mut self, lab: &Lab) {
        self.router = lab.router();
    }

    /// Signs somebody in on a page of their own; the name of its session.
    pub(crate) async fn sign_in(&mut self, name: &str) -> String {
        let page = self.authorization().await;
        let reply = self
            .submit(&page, name, &format!("{name}-password"), &[])
            .await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.text());
        let location = self.get(&reply.location()).await.location();
        location
            .strip_prefix("/#session=")
            .unwrap_or_else(|| panic!("{location}"))
            .to_owned()
    }

    /// Follows "Sign in" to the WAF's page; the query that the form carries on.
    pub(crate) async fn authorization(&mut self) -> String {
        let location = self.get("/signin").await.location();
        let page = self.get(&location).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text());
        location
            .split_once('?')
            .expect("it has a query")
            .1
            .to_owned()
    }

    /// Submits the WAF's form.
    pub(crate) async fn submit(
        &mut self,
        page: &str,
        name: &str,
        password: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let body = format!(
            "{page}&username={}&password={}",
            encode(name),
            encode(password)
        );
        self.request("POST", "/oauth2/authorize", headers, Some(body))
            .await
    }

    /// What the page gets of its session.
    pub(crate) async fn token(&mut self, session: &str) -> Value {
        let reply = self.post(&format!("/session/{session}/token")).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        reply.json()
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.request("GET", path, &[], None).await
    }

    /// As the page's own script posts.
    pub(crate) async fn post(&mut self, path: &str) -> Answer {
        let headers = [
            ("x-requested-with", "wic"),
            ("origin", PAGE),
            ("sec-fetch-site", "same-origin"),
        ];
        self.request("POST", path, &headers, None).await
    }

    pub(crate) async fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        form: Option<String>,
    ) -> Answer {
        let path = path.strip_prefix(PAGE).unwrap_or(path);
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost:8443");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if form.is_some() {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        let jar: Vec<_> = self
            .jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !jar.is_empty() {
            request = request.header("cookie", jar.join("; "));
        }
        let request = request
            .body(Body::from(form.unwrap_or_default()))
            .expect("a request");
        let reply = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("it cannot fail");
        let (head, body) = reply.into_parts();
        for cookie in head.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("cookies are text");
            let (name, value) = cookie
                .split(';')
                .next()
                .and_then(|c| c.split_once('='))
                .expect("one");
            if cookie.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
        let body = to_bytes(body, 1 << 20).await.expect("a body").to_vec();
        Answer {
            status: head.status,
            headers: head.headers,
            body,
        }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.jar.get(name).cloned()
    }

    pub(crate) fn has_cookie(&self, name: &str) -> bool {
        self.jar.contains_key(name)
    }

    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.jar.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn jar(&self) -> BTreeMap<String, String> {
        self.jar.clone()
    }

    pub(crate) fn set_jar(&mut self, jar: BTreeMap<String, String>) {
        self.jar = jar;
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("headers are text"))
    }

    pub(crate) fn location(&self) -> String {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text());
        self.header("location").to_owned()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

pub(crate) fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn unique() -> String {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("randomness");
    bytes
        .iter()
        .map(u8::to_string)
        .collect::<Vec<_>>()
        .join("-")
}
