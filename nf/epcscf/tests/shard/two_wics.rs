//! A call between two WICs of one shard: both halves have one Call-ID and one From tag, and are two sessions.

use std::time::Duration;

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

/// Alice calls bob, who answers: the INVITE as he got it, and the 200 as she got it.
fn connected(bench: &mut Bench) -> (Message, Message) {
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
    (at_bob, ok)
}

/// RFC 3261 §12.1.2 — what the edge says in a call by itself goes the whole way: what it recorded at the other half is
/// part of that.
#[test]
fn a_lost_wic_is_hung_up_at_the_other_half_too() {
    let mut bench = Bench::new();
    let (at_bob, ok) = connected(&mut bench);
    bench.wic_says(&in_dialog("ACK", 1, &ok));
    bench.at_core();
    bench.shard.handle_w2_closed(bench.now, WIC);
    bench.wait(Duration::from_secs(31));
    let bye = bench.at_core();
    assert_eq!(bye.method().as_str(), "BYE");
    let routes: Vec<&str> = bye.values(HeaderName::Route).collect();
    let recorded: Vec<&str> = at_bob.values(HeaderName::RecordRoute).collect();
    // The core's, and both of bob's half; not those of hers, which she is behind.
    let [w2, mw, core, ..] = recorded[..] else {
        panic!("{recorded:?}");
    };
    assert_eq!(routes, [core, mw, w2]);
    let mut through = Message::parse(bye.to_bytes()).unwrap();
    through.remove_first_value(HeaderName::Route);
    let via = format!("SIP/2.0/UDP {CORE};branch=z9hG4bKthroughBYE");
    through.push_front(HeaderName::Via, via);
    bench.core_says(&through);
    assert_eq!(bench.at_wic_on(BOB).method().as_str(), "BYE");
    assert_eq!(bench.shard.counters().sessions, 0);
}

#[test]
fn both_halves_of_one_call_live_side_by_side() {
    let mut bench = Bench::new();
    let (at_bob, ok) = connected(&mut bench);
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
