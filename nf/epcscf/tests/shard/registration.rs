//! TS 24.371 §6.4.1.2 — a WIC registers by Digest.

use core_sip::ConnectionId;
use wire_sip::{HeaderName, Message, StatusCode};

use super::support::*;

const RESPONSE: &str = "response=\"6629fae49393a05397450978507c4ef1\"";

#[test]
fn the_core_is_told_how_the_request_came() {
    let mut bench = Bench::new();
    bench.wic_says(&register(1, "response=\"\""));
    let request = bench.at_core();
    let authorization = request.header(HeaderName::Authorization).unwrap();
    assert!(
        !authorization.contains("integrity-protected"),
        "{authorization}"
    );
    let mut challenge = Message::response_to(&request, StatusCode::UNAUTHORIZED, None);
    challenge.push_back(
        HeaderName::WwwAuthenticate,
        "Digest realm=\"r\", nonce=\"n\", qop=\"auth,auth-int\", ck=\"00\", ik=\"11\"",
    );
    bench.core_says(&challenge);
    let challenge = bench.at_wic();
    let value = challenge.header(HeaderName::WwwAuthenticate).unwrap();
    assert_eq!(
        value,
        "Digest realm=\"r\", nonce=\"n\", qop=\"auth,auth-int\""
    );

    bench.wic_says(&register(2, RESPONSE));
    let request = bench.at_core();
    let authorization = request.header(HeaderName::Authorization).unwrap();
    assert!(
        authorization.contains("integrity-protected=\"tls-pending\""),
        "{authorization}"
    );
    bench.core_says(&registered(&request));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::OK));

    bench.wic_says(&register(3, RESPONSE));
    let request = bench.at_core();
    let authorization = request.header(HeaderName::Authorization).unwrap();
    assert!(
        authorization.contains("integrity-protected=\"tls-yes\""),
        "{authorization}"
    );
}

#[test]
fn path_names_the_flow_and_the_request_what_the_core_needs() {
    let mut bench = Bench::new();
    bench.wic_says(&register(1, RESPONSE));
    let request = bench.at_core();
    let path = request.header(HeaderName::Path).unwrap();
    assert!(path.ends_with("@198.51.100.1:5070;lr;ob>"), "{path}");
    assert!(request.values(HeaderName::Require).any(|tag| tag == "path"));
    assert!(
        request
            .header(HeaderName::PChargingVector)
            .unwrap()
            .starts_with("icid-value=")
    );
    assert_eq!(
        request.header(HeaderName::PVisitedNetworkId),
        Some("\"home.example\"")
    );
    assert!(
        request
            .header(HeaderName::Contact)
            .unwrap()
            .contains("alice.invalid;transport=ws")
    );
}

#[test]
fn what_is_the_networks_own_does_not_reach_the_wic() {
    let mut bench = Bench::new();
    bench.wic_says(&register(1, RESPONSE));
    let request = bench.at_core();
    bench.core_says(&registered(&request));
    let answer = bench.at_wic();
    assert_eq!(answer.header(HeaderName::PChargingVector), None);
    assert!(answer.header(HeaderName::ServiceRoute).is_some());
    assert!(answer.header(HeaderName::PAssociatedUri).is_some());
}

#[test]
fn a_core_that_is_silent_is_a_time_out() {
    let mut bench = Bench::new();
    bench.wic_says(&register(1, RESPONSE));
    bench.wait(std::time::Duration::from_secs(40));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::SERVER_TIMEOUT));
}

#[test]
fn garbage_is_borne_for_a_while() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        bench.wic_says_on(WIC, "no sip at all".into());
    }
    assert_eq!(bench.closed, [(WIC, 1007)]);
}

#[test]
fn another_websocket_of_the_same_instance_takes_the_binding_over() {
    let mut bench = Bench::new();
    bench.register();
    let again = ConnectionId(8);
    bench.open(again);
    bench.wic_says_on(again, register(5, RESPONSE).to_bytes());
    let request = bench.at_core();
    bench.core_says(&registered(&request));
    assert_eq!(bench.shard.counters().bindings, 1);
    assert_eq!(bench.to_wic.back().unwrap().0, again);
}
