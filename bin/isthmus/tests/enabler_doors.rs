//! How consumers come to the enabler: with tokens of the laboratory's WAF, by mutual TLS, over HTTP/2, and by way of
//! another node.

mod process;

use std::time::Duration;

use process::authority::{Authority, Issued};
use process::{Folder, Process, run};
use reqwest::{Certificate, Client, Identity, StatusCode, Version};
use serde_json::{Value, json};

const CONFIGURE: &str = "/mmtel-dcappmgmt/v1/dcapps/configure";

fn configuration(provider: &str) -> Value {
    json!({ "reqId": provider, "dcAppNum": 1, "dcAppConfigParamList": [
        { "appIndex": "1", "appName": "Chess" },
    ]})
}

fn runtime() -> tokio::runtime::Runtime {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime")
}

fn client() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder().no_proxy().timeout(Duration::from_mins(1))
}

/// TS 29.122 §6, RFC 6749 §4.4 — the WAF of the laboratory gives application servers tokens in their own name.
#[test]
fn the_laboratorys_waf_gives_tokens_for_the_enabler() {
    let folder = Folder::new();
    let text = "[mmtel_es.token]\nrequired = true\n\
        [[waf.clients]]\nid = \"games\"\nsecret = \"a secret of the games\"\nscopes = [\"mmtel-dcappmgmt\"]\n\
        [[waf.clients]]\nid = \"calls\"\nsecret = \"a secret of the calls\"\nscopes = [\"mmtel-dcappcall\"]\n";
    let file = folder.write("tokens.toml", text);
    let product = Process::all_in_one(&folder, &["--config", file.to_str().expect("a plain name")]);
    product.wait_for("the WAF's keys are here");
    let https = product.wait_for("\n  https://");
    let root = format!("https://{}", https.trim_end_matches('/'));
    let runtime = runtime();
    let client = client()
        .tls_danger_accept_invalid_certs(true)
        .build()
        .expect("a client");
    let token = |id: &str, scope: &str| {
        let request = client
            .post(format!("{root}/oauth2/token"))
            .basic_auth(id, Some(format!("a secret of the {id}")))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!("grant_type=client_credentials&scope={scope}"));
        runtime.block_on(async {
            let answer = request.send().await.expect("an answer");
            let status = answer.status();
            (status, answer.json::<Value>().await.expect("JSON"))
        })
    };
    let configure = |token: Option<&str>, provider: &str| {
        let mut request = client
            .post(format!("{root}{CONFIGURE}"))
            .json(&configuration(provider));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        runtime.block_on(async { request.send().await.expect("an answer").status() })
    };
    let (status, granted) = token("games", "mmtel-dcappmgmt");
    assert_eq!(status, StatusCode::OK, "{granted}");
    let games = granted["access_token"].as_str().expect("a token");
    assert_eq!(configure(Some(games), "games"), StatusCode::OK);
    assert_eq!(configure(Some(games), "movies"), StatusCode::FORBIDDEN);
    assert_eq!(configure(None, "games"), StatusCode::UNAUTHORIZED);
    // What it may not ask for it does not get, and what it gets opens nothing else.
    assert_eq!(
        token("games", "mmtel-callcontrol").0,
        StatusCode::BAD_REQUEST
    );
    let (_, granted) = token("calls", "mmtel-dcappcall");
    let calls = granted["access_token"].as_str().expect("a token");
    assert_eq!(configure(Some(calls), "calls"), StatusCode::FORBIDDEN);
    // The same by `isthmus mes`.
    let file = folder.write("token", &format!("{games}\n"));
    let file = file.to_str().expect("a plain name");
    let words = [
        "mes",
        "list",
        "x",
        "--provider",
        "games",
        "--server",
        &root,
        "--insecure",
    ];
    let said = run(&words);
    assert!(
        String::from_utf8_lossy(&said.stderr).contains("--token-file"),
        "{said:?}"
    );
    let said = run(&[&words[..], &["--token-file", file]].concat());
    assert!(
        String::from_utf8_lossy(&said.stderr).contains("no such application"),
        "{said:?}"
    );
    assert!(!product.printed().contains(games));
}

fn identity(issued: &Issued) -> Identity {
    let pem = format!("{}{}", issued.certificate, issued.key);
    Identity::from_pem(pem.as_bytes()).expect("they go together")
}

/// TS 29.122 §5.2.2, §6 — HTTP/1.1 and HTTP/2, and certificates on both sides.
#[test]
fn certificates_on_both_sides_and_http_2() {
    let folder = Folder::new();
    let (ours, theirs, others) = (Authority::new(), Authority::new(), Authority::new());
    let server = ours.issue(&["127.0.0.1"]);
    let certificate = folder.write("server.pem", &server.certificate);
    let key = folder.write("server.key", &server.key);
    let trust = folder.write("clients.pem", &theirs.pem);
    let text = format!(
        "[http]\nlisten = \"127.0.0.1:0\"\n[tls]\ncertificate = {certificate:?}\nkey = {key:?}\nclient_trust = [{trust:?}]\n"
    );
    let product = Process::alone(&folder, "mmtel-es", &text);
    let root = format!("https://{}", product.logged("https"));
    let runtime = runtime();
    let trusted = Certificate::from_pem(ours.pem.as_bytes()).expect("PEM");
    let ask = |builder: reqwest::ClientBuilder| {
        let client = builder
            .tls_certs_only([trusted.clone()])
            .build()
            .expect("a client");
        let request = client
            .post(format!("{root}{CONFIGURE}"))
            .json(&configuration("tls"));
        runtime.block_on(async {
            let answer = request.send().await.ok()?;
            Some((answer.status(), answer.version()))
        })
    };
    let known = theirs.issue(&["games.example.com"]);
    let with = |issued: &Issued| client().identity(identity(issued));
    assert_eq!(ask(with(&known)), Some((StatusCode::OK, Version::HTTP_2)));
    let old = ask(with(&known).http1_only());
    assert_eq!(old, Some((StatusCode::OK, Version::HTTP_11)));
    assert_eq!(ask(client()), None, "no certificate");
    let stranger = others.issue(&["games.example.com"]);
    assert_eq!(ask(with(&stranger)), None, "one of somebody else");
    // The same by `isthmus mes`.
    let own = folder.write("client.pem", &format!("{}{}", known.certificate, known.key));
    let ca = folder.write("ca.pem", &ours.pem);
    let [own, ca] = [own, ca].map(|file| file.to_str().expect("a plain name").to_owned());
    let words = [
        "mes",
        "list",
        "x",
        "--provider",
        "tls",
        "--server",
        &root,
        "--ca",
        &ca,
    ];
    let said = run(&[&words[..], &["--certificate", &own]].concat());
    assert!(
        String::from_utf8_lossy(&said.stderr).contains("no such application"),
        "{said:?}"
    );
    let said = run(&words);
    assert!(
        String::from_utf8_lossy(&said.stderr).contains("cannot be asked"),
        "{said:?}"
    );
    // An application is given to it by the same certificate, or not at all.
    let board = folder.path().join("board");
    let board = board.to_str().expect("a plain name");
    assert!(run(&["app", "new", board]).status.success());
    for function in ["mes", "app"] {
        let mut words = vec![function, "upload", board, "--provider", "tls", "--new"];
        words.extend(["--server", &root, "--ca", &ca]);
        let said = run(&words);
        let words_said = String::from_utf8_lossy(&said.stderr);
        assert!(words_said.contains("cannot be asked"), "{said:?}");
        words.extend(["--certificate", &own]);
        let said = run(&words);
        assert!(said.status.success(), "{said:?}");
    }
    // Whoever is refused reads what helps.
    let mut words = vec!["app", "upload", board, "--provider", "other"];
    words.extend(["--server", &root]);
    let said = String::from_utf8(run(&words).stderr).expect("text");
    assert!(
        said.contains("--ca FILE") && said.contains("--insecure"),
        "{said}"
    );
    words.extend(["--ca", &ca, "--certificate", &own]);
    let said = String::from_utf8(run(&words).stderr).expect("text");
    assert!(
        said.contains("no such application") && said.contains("`--new`"),
        "{said}"
    );
    assert!(!said.contains("200"), "{said}");
}

/// TS 29.122 §5.2.10 — a consumer that follows comes to the node that serves, for now and for good.
#[test]
fn a_consumer_follows_to_the_node_that_serves() {
    let runtime = runtime();
    let client = client().build().expect("a client");
    let folder = Folder::new();
    let plain = "[http]\nlisten = \"127.0.0.1:0\"\nplain_listen = \"127.0.0.1:0\"\n";
    let serves = Process::alone(&folder, "mmtel-es", plain);
    let there = format!("http://{}", serves.logged("http"));
    for for_good in [false, true] {
        let folder = Folder::new();
        let text =
            format!("{plain}[mmtel_es]\nredirect = \"{there}\"\nredirect_for_good = {for_good}\n");
        let sends_on = Process::alone(&folder, "mmtel-es", &text);
        let here = format!("http://{}", sends_on.logged("http"));
        let request = client
            .post(format!("{here}{CONFIGURE}"))
            .json(&configuration("follow"));
        let (url, answer) = runtime.block_on(async {
            let answer = request.send().await.expect("an answer");
            (
                answer.url().to_string(),
                answer.json::<Value>().await.expect("JSON"),
            )
        });
        assert!(url.starts_with(&there), "{url}");
        assert_eq!(
            answer["dcAppConfigRespList"][0]["status"], "SUCCESS",
            "{answer}"
        );
    }
}

/// TS 29.122 §5.2.6 — who asks too often waits as long as it is told, and is served then.
#[test]
fn who_waits_as_long_as_it_is_told_is_served() {
    let runtime = runtime();
    let client = client().build().expect("a client");
    let folder = Folder::new();
    let text = "[http]\nlisten = \"127.0.0.1:0\"\nplain_listen = \"127.0.0.1:0\"\n\
                [mmtel_es]\nrequests_per_second = 2\n";
    let product = Process::alone(&folder, "mmtel-es", text);
    let url = format!("http://{}{CONFIGURE}", product.logged("http"));
    let ask = async || {
        let answer = client
            .post(&url)
            .json(&configuration("rate"))
            .send()
            .await
            .expect("an answer");
        let wait = answer
            .headers()
            .get("Retry-After")
            .and_then(|wait| wait.to_str().ok());
        let wait = wait.and_then(|wait| wait.parse::<u64>().ok());
        (answer.status(), wait)
    };
    runtime.block_on(async {
        let mut refused = None;
        for _ in 0..20 {
            let (status, wait) = ask().await;
            if status == StatusCode::TOO_MANY_REQUESTS {
                refused = wait;
                break;
            }
            assert_eq!(status, StatusCode::OK);
        }
        let wait = refused.expect("it is too often, and told for how long");
        tokio::time::sleep(Duration::from_secs(wait)).await;
        assert_eq!(ask().await.0, StatusCode::OK);
    });
}

/// Whoever opens a page asks whether calls begin with applications, without a token: one address not without end, and
/// its consumers not less for it.
#[test]
fn a_page_that_asks_too_often_is_told_when_to_come_again() {
    let runtime = runtime();
    let client = client().build().expect("a client");
    let folder = Folder::new();
    let text = "[http]\nlisten = \"127.0.0.1:0\"\nplain_listen = \"127.0.0.1:0\"\n\
                [mmtel_es]\npages_per_second = 1\nrequests_per_second = 1\n";
    let product = Process::alone(&folder, "mmtel-es", text);
    let root = format!("http://{}", product.logged("http"));
    runtime.block_on(async {
        let ask = async || {
            let url = format!("{root}/ways/applications");
            client.get(url).send().await.expect("an answer")
        };
        assert_eq!(ask().await.status(), StatusCode::OK);
        let mut refused = None;
        // However slow the machine is, two of so many come within a second.
        for _ in 0..100 {
            let answer = ask().await;
            if answer.status() == StatusCode::TOO_MANY_REQUESTS {
                refused = Some(answer);
                break;
            }
        }
        let refused = refused.expect("one too many");
        assert_eq!(refused.headers()["Retry-After"], "1");
        let problem = refused.json::<Value>().await.expect("JSON");
        assert_eq!(problem["cause"], "NF_CONGESTION");
        let configure = client
            .post(format!("{root}{CONFIGURE}"))
            .json(&configuration("beside"));
        let answer = configure.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
    });
}
