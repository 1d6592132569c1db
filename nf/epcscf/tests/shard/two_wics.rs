//! A call between two WICs of one shard: both halves have one Call-ID and one From tag, and are two sessions.

use core_sip::ConnectionId;
use wire_sip::{HeaderName, Message, StatusCode};

use super::support::*;

const BOB: ConnectionId = ConnectionId(21);

/// What a core does on the way from one WIC to the other: takes its own route off, adds itself.
fn through_core(request: &Message, path: &str) -> Message {
    let mut request = Message::parse(request.to_bytes()).unwrap();
    request.remove(HeaderName::Route);
    request.push_front(HeaderName::Route, path);
    let via = format!(
        "SIP/2.0/UDP {CORE};branch=z9hG4bKthrough{}",
        request.method()
    );
    request.push_front(HeaderName::Via, via);
    request.push_front(
        HeaderName::RecordRoute,
        format_args!("<sip:scscf@{CORE};lr>"),
    );
    request.set_request_uri("sip:bob@bob.invalid;transport=ws");
    request
}

#[test]
fn both_halves_of_one_call_live_side_by_side() {
    let mut bench = Bench::new();
    bench.register();
    bench.open(BOB);
    let path = bench.register_as(BOB, "bob");
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    let outgoing = bench.at_core();
    bench.core_says(&through_core(&outgoing, &path));
    let at_bob = bench.at_wic_on(BOB);
    assert_eq!(at_bob.method().as_str(), "INVITE");
    assert_eq!(bench.shard.counters().sessions, 2);

    let sdp = wic_sdp().replace("actpass", "active");
    bench.wic_says_on(
        BOB,
        answer(&at_bob, StatusCode::OK, "bob", Some(&sdp)).to_bytes(),
    );
    let mut back = bench.at_core();
    assert_eq!(back.status(), Some(StatusCode::OK));
    back.remove_first_value(HeaderName::Via);
    bench.core_says(&back);
    let ok = bench.at_wic_on(WIC);
    assert_eq!(ok.status(), Some(StatusCode::OK));

    bench.wic_says(&in_dialog("BYE", 2, &ok));
    let bye = bench.at_core();
    assert_eq!(bye.header(HeaderName::To), ok.header(HeaderName::To));
    assert_eq!(
        bench.shard.counters().sessions,
        1,
        "bob's half waits for the BYE to come round"
    );
    let through = through_core(&bye, at_bob.values(HeaderName::RecordRoute).nth(1).unwrap());
    bench.core_says(&through);
    assert_eq!(bench.at_wic_on(BOB).method().as_str(), "BYE");
    assert_eq!(bench.shard.counters().sessions, 0);
}
