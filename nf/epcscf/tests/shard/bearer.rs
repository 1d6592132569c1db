//! TS 24.371 §6.4.2 and the token rules: a WIC registers and calls with an access token.

use std::time::Duration;

use core_credentials::bearer::SCOPE;
use core_credentials::jwk::JwkSet;
use core_credentials::token::{Algorithm, Claims, SigningKey};
use wire_sip::{HeaderName, Message, StatusCode};

use super::support::*;

pub(crate) const ISSUER: &str = "https://waf.home.example";

pub(crate) struct Waf(SigningKey);

impl Waf {
    pub(crate) fn new(bench: &mut Bench) -> Self {
        let waf = Self(SigningKey::generate(Algorithm::ES256).unwrap());
        let keys = JwkSet {
            keys: vec![waf.0.jwk().clone()],
        };
        bench.shard.handle_keys(ISSUER, &keys);
        waf
    }

    /// A token of alice's; `change` makes it another.
    pub(crate) fn token(&self, seconds: u64, change: impl FnOnce(&mut Claims)) -> String {
        let mut claims = Claims {
            iss: ISSUER.into(),
            sub: "alice".into(),
            aud: vec!["eP-CSCF".into()],
            client_id: "wwsf".into(),
            iat: NOW,
            exp: NOW + seconds,
            jti: "1".into(),
            scope: SCOPE.into(),
            impi: format!("alice@{HOME}"),
            impu: vec![format!("sip:alice@{HOME}"), "tel:+15550100".into()],
            ..Claims::default()
        };
        change(&mut claims);
        self.0.issue(&claims).unwrap().expose().to_owned()
    }
}

/// REGISTER as its WIC writes it: any From and To, a token.
pub(crate) fn with_token(cseq: u32, token: &str) -> Message {
    let text = String::from_utf8(register(cseq, "response=\"\"").to_bytes().to_vec()).unwrap();
    let (head, rest) = text.split_once("Authorization: ").unwrap();
    let (_, rest) = rest.split_once("\r\n").unwrap();
    let head = head.replace(
        &format!("<sip:alice@{HOME}>"),
        "\"A\" <sip:anonymous@anonymous.invalid>",
    );
    message(&format!("{head}Authorization: Bearer {token}\r\n{rest}"))
}

pub(crate) fn authorized(request: &Message, token: &str) -> Message {
    let mut request = Message::parse(request.to_bytes()).unwrap();
    request.push_back(HeaderName::Authorization, format_args!("Bearer {token}"));
    request
}

pub(crate) fn register_with(bench: &mut Bench, token: &str) {
    bench.wic_says(&with_token(1, token));
    let request = bench.at_core();
    bench.core_says(&registered(&request));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::OK));
}

#[test]
fn the_token_says_who_it_is_and_the_wic_sees_what_it_wrote() {
    let mut bench = Bench::new();
    let waf = Waf::new(&mut bench);
    bench.wic_says(&with_token(1, &waf.token(300, |_| {})));
    let request = bench.at_core();
    assert_eq!(
        request.header(HeaderName::From),
        Some("\"A\" <sip:alice@home.example>;tag=reg")
    );
    assert_eq!(
        request.header(HeaderName::To),
        Some("\"A\" <sip:alice@home.example>")
    );
    let says = request.header(HeaderName::Authorization).unwrap();
    assert_eq!(
        says,
        "Digest username=\"alice@home.example\", realm=\"home.example\", nonce=\"\", \
         uri=\"sip:home.example\", response=\"\", integrity-protected=\"auth-done\""
    );
    assert_eq!(request.lines(HeaderName::Authorization).count(), 1);
    assert_eq!(
        request.header(HeaderName::Expires),
        Some("300"),
        "no longer than the token"
    );
    let mut ok = registered(&request);
    ok.set_to_tag("scscf");
    bench.core_says(&ok);
    let ok = bench.at_wic();
    assert_eq!(
        ok.header(HeaderName::From),
        Some("\"A\" <sip:anonymous@anonymous.invalid>;tag=reg")
    );
    assert_eq!(
        ok.header(HeaderName::To),
        Some("\"A\" <sip:anonymous@anonymous.invalid>;tag=scscf")
    );
}

#[test]
fn an_expired_token_is_challenged_and_the_websocket_stays() {
    let mut bench = Bench::new();
    let waf = Waf::new(&mut bench);
    let old = waf.token(0, |claims| claims.exp = NOW - 100);
    bench.wic_says(&with_token(1, &old));
    let answer = bench.at_wic();
    assert_eq!(answer.status(), Some(StatusCode::UNAUTHORIZED));
    let challenge = answer.header(HeaderName::WwwAuthenticate).unwrap();
    assert!(
        challenge.starts_with("Bearer realm=\"home.example\""),
        "{challenge}"
    );
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    assert!(bench.closed.is_empty() && bench.core_is_quiet());
}

#[test]
fn what_no_honest_client_sends_closes_the_websocket() {
    let unsigned = |good: &str| {
        let payload = good.split('.').nth(1).unwrap();
        // {"typ":"at+jwt","alg":"none"}
        format!("eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJub25lIn0.{payload}.")
    };
    for case in ["unsigned", "forged", "audience"] {
        let mut bench = Bench::new();
        let waf = Waf::new(&mut bench);
        let good = waf.token(300, |_| {});
        let token = match case {
            "unsigned" => unsigned(&good),
            "forged" => {
                let (signed, signature) = good.rsplit_once('.').unwrap();
                let (first, rest) = signature.split_at(1);
                format!("{signed}.{}{rest}", if first == "A" { "B" } else { "A" })
            }
            _ => waf.token(300, |claims| claims.aud = vec!["another".into()]),
        };
        bench.wic_says(&with_token(1, &token));
        assert_eq!(
            bench.at_wic().status(),
            Some(StatusCode::UNAUTHORIZED),
            "{case}"
        );
        assert_eq!(bench.closed, [(WIC, 1008)], "{case}");
        assert!(bench.core_is_quiet());
    }
}

#[test]
fn one_refusal_too_many_closes_it_as_well() {
    let mut bench = Bench::new();
    let waf = Waf::new(&mut bench);
    let old = waf.token(0, |claims| claims.exp = NOW - 100);
    for cseq in 1..=5 {
        assert!(bench.closed.is_empty());
        bench.wic_says(&with_token(cseq, &old));
    }
    assert_eq!(bench.closed, [(WIC, 1008)]);
}

#[test]
fn a_call_shows_its_token_and_the_core_never_sees_it() {
    let mut bench = Bench::new();
    let waf = Waf::new(&mut bench);
    let token = waf.token(300, |_| {});
    register_with(&mut bench, &token);
    let call = invite("sip:bob@home.example", &wic_sdp());
    bench.wic_says(&call);
    assert_eq!(bench.at_wic().status(), Some(StatusCode::UNAUTHORIZED));
    let text = String::from_utf8(call.to_bytes().to_vec()).unwrap();
    let again = message(
        &text
            .replace("z9hG4bKinv", "z9hG4bKinv2")
            .replace("1 INVITE", "2 INVITE"),
    );
    bench.wic_says(&authorized(&again, &token));
    let request = bench.at_core();
    assert_eq!(request.method().as_str(), "INVITE");
    assert_eq!(request.header(HeaderName::Authorization), None);
    assert!(!String::from_utf8_lossy(&request.to_bytes()).contains(&token));
}

#[test]
fn what_ends_a_call_rides_on_the_flow_and_what_changes_it_does_not() {
    let mut bench = Bench::new();
    let waf = Waf::new(&mut bench);
    let token = waf.token(300, |_| {});
    register_with(&mut bench, &token);
    bench.wic_says(&authorized(
        &invite("sip:bob@home.example", &wic_sdp()),
        &token,
    ));
    let request = bench.at_core();
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    let ok = bench.at_wic();
    bench.wic_says(&in_dialog("ACK", 1, &ok));
    assert_eq!(bench.at_core().method().as_str(), "ACK");
    bench.wait(Duration::from_secs(310));
    bench.to_core.clear();
    bench.wic_says(&authorized(&in_dialog("UPDATE", 2, &ok), &token));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::UNAUTHORIZED));
    assert!(
        bench.closed.is_empty(),
        "it may come again with another token"
    );
    bench.wic_says(&in_dialog("BYE", 3, &ok));
    assert_eq!(bench.at_core().method().as_str(), "BYE");
}

#[test]
fn another_subjects_token_is_not_taken_on_this_websocket() {
    let mut bench = Bench::new();
    let waf = Waf::new(&mut bench);
    register_with(&mut bench, &waf.token(300, |_| {}));
    let mallory = waf.token(300, |claims| claims.impi = format!("mallory@{HOME}"));
    bench.wic_says(&with_token(2, &mallory));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::UNAUTHORIZED));
    bench.wic_says(&authorized(
        &invite("sip:bob@home.example", &wic_sdp()),
        &mallory,
    ));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::UNAUTHORIZED));
    assert!(bench.core_is_quiet());
}

/// RFC 8898 §3, TS 24.371 §6.4.3 — a core that grants more than was asked for does not make a token last
/// longer; after a grace its registration is over, calls and WebSocket with it.
#[test]
fn no_registration_outlives_its_token() {
    let mut bench = Bench::new();
    let waf = Waf::new(&mut bench);
    let token = waf.token(120, |_| {});
    // The core grants 600 seconds.
    register_with(&mut bench, &token);
    bench.wic_says(&authorized(
        &invite("sip:bob@home.example", &wic_sdp()),
        &token,
    ));
    let request = bench.at_core();
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    let ok = bench.at_wic();
    bench.wic_says(&in_dialog("ACK", 1, &ok));
    bench.wait(Duration::from_secs(149));
    assert_eq!(bench.shard.counters().bindings, 1, "there is a grace");
    bench.wait(Duration::from_secs(2));
    assert_eq!(bench.shard.counters().bindings, 0);
    assert_eq!(bench.shard.counters().sessions, 0);
    bench.wait(Duration::from_secs(10));
    assert_eq!(bench.closed, [(WIC, 1000)]);
}

#[test]
fn a_new_token_in_time_goes_on() {
    let mut bench = Bench::new();
    let waf = Waf::new(&mut bench);
    register_with(&mut bench, &waf.token(120, |_| {}));
    bench.wait(Duration::from_secs(100));
    let next = waf.token(400, |_| {});
    bench.wic_says(&again(&with_token(2, &next)));
    let request = bench.at_core();
    assert_eq!(request.header(HeaderName::Expires), Some("300"));
    bench.core_says(&registered(&request));
    bench.wait(Duration::from_mins(5));
    assert_eq!(bench.shard.counters().bindings, 1);
}

/// Table A.3.2-1 draws the token as a parameter; a WIC that writes it so is understood.
#[test]
fn the_older_spelling_of_a_token_is_read() {
    let mut bench = Bench::new();
    let waf = Waf::new(&mut bench);
    let token = waf.token(300, |_| {});
    let older = with(&with_token(1, &token), |text| {
        text.replace(
            &format!("Bearer {token}"),
            &format!("Bearer access_token=\"{token}\""),
        )
    });
    bench.wic_says(&older);
    let request = bench.at_core();
    let says = request.header(HeaderName::Authorization).unwrap();
    assert!(says.contains("\"auth-done\"") && !says.contains(&token));
}
