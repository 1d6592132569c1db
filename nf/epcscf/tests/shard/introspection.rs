//! RFC 7662 — an issuer is asked about its tokens, and requests wait for its word.

use std::time::Duration;

use core_credentials::bearer::SCOPE;
use core_credentials::token::IssuerRules;
use nf_epcscf::Issuer;
use wire_sip::{HeaderName, Message, StatusCode};

use super::bearer::{Waf, authorized, with_token};
use super::support::*;

const IDP: &str = "https://idp.example/realms/ims";
const TOKEN: &str = "8xLOxBtZp8";

fn bench() -> Bench {
    Bench::with(|config| {
        config.issuers.push(Issuer {
            issuer: IDP.into(),
            rules: IssuerRules {
                introspect: true,
                ..IssuerRules::default()
            },
            ..Issuer::default()
        });
    })
}

fn active(seconds: u64) -> String {
    format!(
        r#"{{"active":true,"scope":"{SCOPE}","exp":{},"impi":"alice@{HOME}","impu":["sip:alice@{HOME}"],
        "client_id":"wwsf","aud":"eP-CSCF"}}"#,
        NOW + seconds
    )
}

fn register_asking(bench: &mut Bench) {
    bench.wic_says(&with_token(1, TOKEN));
    let (id, ..) = bench.questions.pop().expect("a question");
    bench.issuer_says(id, Some(&active(3600)));
    let request = bench.at_core();
    bench.core_says(&registered(&request));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::OK));
}

#[test]
fn a_registration_waits_for_the_issuers_word() {
    let mut bench = bench();
    bench.wic_says(&with_token(1, TOKEN));
    assert!(bench.core_is_quiet());
    assert_eq!(bench.questions, [(0, IDP.into(), TOKEN.into())]);
    bench.issuer_says(0, Some(&active(300)));
    let request = bench.at_core();
    let told = request.header(HeaderName::Authorization).unwrap();
    assert!(told.contains("\"auth-done\""), "{told}");
    assert_eq!(request.header(HeaderName::Expires), Some("300"));
    assert!(!String::from_utf8_lossy(&request.to_bytes()).contains(TOKEN));
}

#[test]
fn who_asks_twice_is_asked_about_once() {
    let mut bench = bench();
    register_asking(&mut bench);
    let call = authorized(&invite("sip:bob@home.example", &wic_sdp()), TOKEN);
    bench.wic_says(&call);
    assert!(bench.questions.is_empty(), "within a minute it is known");
    assert_eq!(bench.at_core().method().as_str(), "INVITE");
    bench.wait(Duration::from_secs(61));
    for cseq in [2, 3] {
        bench.wic_says(&with_token(cseq, TOKEN));
    }
    assert_eq!(bench.questions.len(), 1);
}

#[test]
fn a_token_that_was_revoked_is_refused_at_the_next_question() {
    let mut bench = bench();
    register_asking(&mut bench);
    bench.wait(Duration::from_secs(61));
    bench.wic_says(&authorized(
        &invite("sip:bob@home.example", &wic_sdp()),
        TOKEN,
    ));
    let (id, ..) = bench.questions.pop().unwrap();
    bench.issuer_says(id, Some("{\"active\":false}"));
    let refused = bench.at_wic();
    assert_eq!(refused.status(), Some(StatusCode::UNAUTHORIZED));
    let challenge = refused.header(HeaderName::WwwAuthenticate).unwrap();
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    assert_eq!(bench.shard.counters().sessions, 0);
}

/// Down, slow or garbage: nobody is let in, nobody is thrown out, and all are told to come again.
#[test]
fn an_issuer_that_does_not_answer_lets_nobody_in() {
    for answer in [Some("<html>"), Some("{}"), None] {
        let mut bench = bench();
        bench.wic_says(&with_token(1, TOKEN));
        bench.issuer_says(0, answer);
        let refused = bench.at_wic();
        let expected = match answer {
            Some(_) => StatusCode::UNAUTHORIZED,
            None => StatusCode::SERVICE_UNAVAILABLE,
        };
        assert_eq!(refused.status(), Some(expected));
        assert!(bench.core_is_quiet() && bench.closed.is_empty());
    }
    let mut bench = bench();
    bench.wic_says(&with_token(1, TOKEN));
    bench.wait(Duration::from_secs(11));
    let refused = bench.at_wic();
    assert_eq!(refused.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(refused.header(HeaderName::RetryAfter), Some("5"));
    bench.issuer_says(0, Some(&active(300)));
    assert!(bench.core_is_quiet(), "too late");
}

#[test]
fn a_call_may_be_given_up_meanwhile() {
    let mut bench = bench();
    register_asking(&mut bench);
    bench.wait(Duration::from_secs(61));
    let call = authorized(&invite("sip:bob@home.example", &wic_sdp()), TOKEN);
    bench.wic_says(&call);
    bench.wic_says(&with(&call, |text| {
        let head = text.split("Content-Type").next().unwrap();
        let head = head.replace("INVITE sip", "CANCEL sip");
        format!(
            "{}Content-Length: 0\r\n\r\n",
            head.replace("1 INVITE", "1 CANCEL")
        )
    }));
    let answers: Vec<Message> = std::iter::from_fn(|| bench.to_wic.pop_front())
        .map(|(_, answer)| answer)
        .filter(|answer| answer.status() != Some(StatusCode::TRYING))
        .collect();
    assert_eq!(answers[0].status(), Some(StatusCode::OK));
    assert_eq!(answers[1].status(), Some(StatusCode::REQUEST_TERMINATED));
    let (id, ..) = bench.questions.pop().unwrap();
    bench.issuer_says(id, Some(&active(300)));
    assert_eq!(bench.shard.counters().sessions, 0);
    assert!(bench.core_is_quiet());
}

#[test]
fn who_is_gone_is_not_registered() {
    let mut bench = bench();
    bench.wic_says(&with_token(1, TOKEN));
    bench.shard.handle_w2_closed(bench.now, WIC);
    bench.issuer_says(0, Some(&active(300)));
    assert!(bench.core_is_quiet());
    assert!(format!("{:?}", bench.shard).contains("questions: 0"));
}

/// Several issuers, each by its own rules.
#[test]
fn other_issuers_are_not_asked() {
    let mut bench = bench();
    let waf = Waf::new(&mut bench);
    bench.wic_says(&with_token(1, &waf.token(300, |_| {})));
    assert!(bench.questions.is_empty());
    assert_eq!(bench.at_core().method().as_str(), "REGISTER");
}
