//! TS 24.371 §6.4.1.2, §6.4.1.3 — SIP Digest and IMS-AKA: what the core says passes, what the WIC says of
//! itself does not.

use std::time::Duration;

use wire_sip::{HeaderName, Message, StatusCode};

use super::support::*;

fn authorizations(request: &Message) -> Vec<String> {
    request
        .lines(HeaderName::Authorization)
        .map(str::to_owned)
        .collect()
}

fn challenged(bench: &mut Bench, challenges: &[&str]) -> Vec<String> {
    bench.wic_says(&register(1, "response=\"\""));
    let request = bench.at_core();
    let mut refused = Message::response_to(&request, StatusCode::UNAUTHORIZED, None);
    for challenge in challenges {
        refused.push_back(HeaderName::WwwAuthenticate, challenge);
    }
    bench.core_says(&refused);
    let refused = bench.at_wic();
    assert_eq!(refused.status(), Some(StatusCode::UNAUTHORIZED));
    refused
        .lines(HeaderName::WwwAuthenticate)
        .map(str::to_owned)
        .collect()
}

/// RFC 8760 §2.3 — the WIC chooses, so it sees all of them, in their order and as they were written.
#[test]
fn every_challenge_passes_as_it_is() {
    let offered = [
        "Digest realm=\"r\", nonce=\"1\", algorithm=SHA-512-256, qop=\"auth\", stale=true",
        "Digest realm=\"r\",nonce=\"2\",algorithm=SHA-256-sess,qop=\"auth,auth-int\"",
        "Digest realm=\"r\", nonce=\"3\", algorithm=MD5, opaque=\"o\"",
    ];
    assert_eq!(challenged(&mut Bench::new(), &offered), offered);
}

/// TS 33.203 §X.2.3.3.
#[test]
fn the_keys_of_aka_stay_in_the_network() {
    let seen = challenged(
        &mut Bench::new(),
        &[
            "Digest realm=\"r\", nonce=\"1\", algorithm=AKAv2-SHA-256, CK=\"00112233\", ik=\"44\"",
            "Digest realm=\"r\", nonce=\"2\" ck=\"00112233\"",
        ],
    );
    assert_eq!(
        seen,
        ["Digest realm=\"r\", nonce=\"1\", algorithm=AKAv2-SHA-256"]
    );
}

/// TS 33.203 §N.2.1.1 — `rspauth` and `nextnonce` are between the core and the WIC.
#[test]
fn what_proves_the_core_passes() {
    let mut bench = Bench::new();
    bench.wic_says(&register(1, "response=\"1\""));
    let request = bench.at_core();
    let info = "qop=auth, rspauth=\"66\", cnonce=\"0a\", nc=00000001, nextnonce=\"47\"";
    let mut ok = registered(&request);
    ok.push_back(HeaderName::AuthenticationInfo, info);
    bench.core_says(&ok);
    let ok = bench.at_wic();
    assert_eq!(ok.header(HeaderName::AuthenticationInfo), Some(info));
}

/// TS 33.203 §N.2.1.2 — a challenge to a request that is no REGISTER, and its answer.
#[test]
fn a_proxy_challenge_of_the_cores_passes_both_ways() {
    let mut bench = Bench::new();
    bench.register();
    let said = message(&format!(
        "MESSAGE sip:bob@{HOME} SIP/2.0\r\nVia: SIP/2.0/WSS alice.invalid;branch=z9hG4bKmsg\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@{HOME}>;tag=m\r\nTo: <sip:bob@{HOME}>\r\nCall-ID: m\r\n\
         CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n"
    ));
    bench.wic_says(&said);
    let request = bench.at_core();
    let asked = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
    let mut challenge = Message::response_to(&request, asked, None);
    challenge.push_back(
        HeaderName::ProxyAuthenticate,
        "Digest realm=\"r\", nonce=\"n\"",
    );
    bench.core_says(&challenge);
    let challenge = bench.at_wic();
    assert_eq!(challenge.status(), Some(asked));
    let value = challenge.header(HeaderName::ProxyAuthenticate);
    assert_eq!(value, Some("Digest realm=\"r\", nonce=\"n\""));
    let answer =
        "Digest username=\"alice\", realm=\"r\", nonce=\"n\", uri=\"sip:x\", response=\"1\"";
    let mut said = again(&said);
    said.push_back(HeaderName::ProxyAuthorization, answer);
    bench.wic_says(&said);
    let request = bench.at_core();
    assert_eq!(request.header(HeaderName::ProxyAuthorization), Some(answer));
}

/// TS 33.203 §P.3 — whatever a WIC writes, and wherever, the core reads what we know.
#[test]
fn no_wic_says_how_its_request_came() {
    let own = "Authorization: Digest username=\"alice@home.example\", realm=\"home.example\", nonce=\"\", \
               uri=\"sip:home.example\", response=\"\", integrity-protected=\"auth-done\"";
    for (line, left) in [
        (own.to_owned(), 1),
        (format!("{own}, Integrity-Protected=tls-yes"), 1),
        (format!("Authorization: Other x=\"y\"\r\n{own}"), 1),
        (format!("{own}\r\n{own}"), 1),
        (own.replace("Digest", "Other"), 0),
        (own.replace("Digest", "dIGEST"), 1),
    ] {
        let mut bench = Bench::new();
        let request = with(&register(1, "response=\"\""), |text| {
            let (head, rest) = text.split_once("Authorization: ").unwrap();
            let (_, rest) = rest.split_once("\r\n").unwrap();
            format!("{head}{line}\r\n{rest}")
        });
        bench.wic_says(&request);
        let told = authorizations(&bench.at_core());
        assert_eq!(told.len(), left, "{told:?}");
        let told = told.concat().to_ascii_lowercase();
        assert!(!told.contains("integrity-protected"), "{told}");
    }
}

/// TS 24.371 §6.4.1.2 c) — an association lasts as long as the registration it came with.
#[test]
fn an_association_ends_with_its_registration() {
    let mut bench = Bench::new();
    bench.register();
    bench.wic_says(&register(2, "response=\"\""));
    let told = authorizations(&bench.at_core());
    assert!(told[0].contains("\"tls-yes\""), "{told:?}");
    let mut bench = Bench::new();
    bench.register();
    bench.wait(Duration::from_mins(10));
    assert_eq!(bench.shard.counters().bindings, 1, "the core may be late");
    bench.wait(Duration::from_secs(31));
    assert_eq!(bench.shard.counters().bindings, 0);
}

/// TS 24.371 §6.4.1.3 — every REGISTER of AKA is `tls-connected`; the association changes nothing.
#[test]
fn aka_is_tls_connected_all_along() {
    let mut bench = Bench::new();
    for (cseq, credentials) in [
        (1, "algorithm=AKAv2-SHA-256, response=\"\""),
        (2, "algorithm=AKAv2-SHA-256, response=\"1\""),
        (3, "algorithm=AKAv2-SHA-256, response=\"2\""),
        (
            4,
            "algorithm=AKAv2-SHA-256, response=\"\", auts=\"uoU/PBI8z0TpNZbjVcY=\"",
        ),
    ] {
        bench.wic_says(&register(cseq, credentials));
        let request = bench.at_core();
        let told = authorizations(&request);
        assert!(
            told[0].contains("integrity-protected=\"tls-connected\""),
            "{told:?}"
        );
        assert_eq!(told[0].contains("auts="), cseq == 4, "{told:?}");
        if cseq > 1 {
            bench.core_says(&registered(&request));
            assert_eq!(bench.at_wic().status(), Some(StatusCode::OK));
        }
    }
}

/// A password is no continuation of AKA: the association is that of the mechanism that made it.
#[test]
fn another_mechanism_has_no_association_yet() {
    let mut bench = Bench::new();
    bench.wic_says(&register(1, "algorithm=AKAv2-SHA-256, response=\"1\""));
    let request = bench.at_core();
    bench.core_says(&registered(&request));
    bench.at_wic();
    bench.wic_says(&register(2, "response=\"1\""));
    let told = authorizations(&bench.at_core());
    assert!(told[0].contains("\"tls-pending\""), "{told:?}");
}

/// TS 24.371 §6.4.1.2 d), e) — RFC 3581.
#[test]
fn the_wics_via_says_where_it_really_is() {
    let mut bench = Bench::new();
    bench.wic_says(&register(1, "response=\"\""));
    let request = bench.at_core();
    let via = request.values(HeaderName::Via).nth(1).unwrap();
    assert!(via.contains("received=203.0.113.5"), "{via}");
    assert!(via.contains("rport=50000"), "{via}");
}
