//! TS 29.122 §5.2, §6 — enabler, the rules that all APIs share.

use conformance::{Enabler, Waf};
use core_credentials::token::Claims;
use serde_json::json;

use super::{configuration, configured};

const CONFIGURE: &str = "/mmtel-dcappmgmt/v1/dcapps/configure";
const JSON: &str = "Content-Type: application/json\r\n";

fn body(provider: &str) -> String {
    configuration(provider, &json!([{ "appIndex": "1", "appName": "Chess" }])).to_string()
}

/// TS 29.122 §5.2.3: 415 for what does not say that it is JSON.
#[test]
fn a_body_has_the_type_that_it_should() {
    let shared = Enabler::shared();
    let enabler = &*shared;
    for lines in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/json-patch+json\r\n",
        "Content-Type: application/json; charset=latin1\r\n",
    ] {
        let problem = enabler
            .send("POST", CONFIGURE, lines, &body("type"))
            .problem(415);
        assert_eq!(problem["invalidParams"][0]["param"], "header Content-Type");
    }
    for lines in [JSON, "content-type: Application/JSON; charset=utf-8\r\n"] {
        enabler.send("POST", CONFIGURE, lines, &body("type")).ok();
    }
}

/// TS 29.122 §5.2.6: 411 for a body whose length nobody tells, 413 for one that is too long.
#[test]
fn a_body_has_a_length_and_a_bound() {
    let enabler = Enabler::with("[mmtel_es]\nmax_body = 65536\n");
    let head = format!("POST {CONFIGURE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{JSON}");
    enabler
        .raw(&format!("{head}\r\n{}", body("length")))
        .problem(411);
    // In parts it needs none.
    let text = body("length");
    let chunked = format!("{:x}\r\n{text}\r\n0\r\n\r\n", text.len());
    enabler
        .raw(&format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n{chunked}"
        ))
        .ok();
    let long = "x".repeat(65_537);
    enabler.post_text(CONFIGURE, &long).problem(413);
    let chunked = format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len());
    enabler
        .raw(&format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n{chunked}"
        ))
        .problem(413);
    // A hundred mebibytes are refused before they come.
    enabler
        .raw(&format!("{head}Content-Length: 104857600\r\n\r\n{{"))
        .problem(413);
    for wrong in [
        "Content-Length: x\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 1\r\nContent-Length: 2\r\n",
    ] {
        assert_eq!(enabler.raw(&format!("{head}{wrong}\r\n{{}}")).status, 400);
    }
    let padding = "x".repeat(200_000);
    let status = enabler
        .send("POST", CONFIGURE, &format!("X-Long: {padding}\r\n"), "")
        .status;
    assert_eq!(status, 431);
    enabler.post_text(CONFIGURE, &body("length")).ok();
}

/// TS 29.122 §5.2.6: 429 with Retry-After, for the one who asks too often.
#[test]
fn who_asks_too_often_is_told_to_wait() {
    let enabler = Enabler::with("[mmtel_es]\nrequests_per_second = 1\n");
    let answers: Vec<_> = (0..12)
        .map(|_| enabler.post_text(CONFIGURE, &body("rate")))
        .collect();
    let refused: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 429)
        .collect();
    assert!(!refused.is_empty() && refused.len() < 12);
    for answer in refused {
        let problem = answer.problem(429);
        assert_eq!(problem["cause"], "NF_CONGESTION");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
}

/// TS 29.122 §5.2.10: another node serves, for now or for good.
#[test]
fn another_node_may_serve() {
    for (for_good, status) in [(false, 307), (true, 308)] {
        let enabler = Enabler::with(&format!(
            "[mmtel_es]\nredirect = \"https://other.example/es\"\nredirect_for_good = {for_good}\n"
        ));
        let answer = enabler.post_text(&format!("{CONFIGURE}?a=b"), &body("redirect"));
        assert_eq!(answer.status, status);
        let location = format!("https://other.example/es{CONFIGURE}?a=b");
        assert_eq!(answer.header("location"), Some(location.as_str()));
        enabler
            .post_text("/mmtel-dcappmgmt/v1/other", "{}")
            .problem(404);
    }
}

pub(crate) fn trusting(waf: &Waf) -> Enabler {
    trusting_with(waf, "")
}

/// One with more lines of configuration.
pub(crate) fn trusting_with(waf: &Waf, lines: &str) -> Enabler {
    let issuer = waf.issuer();
    let enabler = Enabler::with(&format!("{lines}[mmtel_es.token]\nissuer = \"{issuer}\"\n"));
    enabler.wait_for("the WAF's keys are here");
    enabler
}

pub(crate) fn token(waf: &Waf, client: &str, change: impl FnOnce(&mut Claims)) -> String {
    let mut claims = Claims {
        aud: vec!["mmtel-es".into()],
        client_id: client.into(),
        sub: client.into(),
        scope: "mmtel-dcappmgmt mmtel-dcappcall".into(),
        impi: String::new(),
        impu: Vec::new(),
        ..waf.claims("games")
    };
    change(&mut claims);
    format!("Authorization: Bearer {}\r\n{JSON}", waf.issue(&claims))
}

/// TS 29.122 §5.2.2: several requests on one connection, each answered before the next.
#[test]
fn a_connection_serves_many_requests() {
    let shared = Enabler::shared();
    let enabler = &*shared;
    let request = |provider: &str, more: &str| {
        let text = body(provider);
        let length = text.len();
        format!(
            "POST {CONFIGURE} HTTP/1.1\r\nHost: x\r\n{more}{JSON}Content-Length: {length}\r\n\r\n{text}"
        )
    };
    let two = format!(
        "{}{}",
        request("many", ""),
        request("many", "Connection: close\r\n")
    );
    let answer = enabler.raw(&two);
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("HTTP/1.1 200 OK"), "{answer:?}");
    configured(enabler, "many", json!({ "appName": "Chess" }));
}
