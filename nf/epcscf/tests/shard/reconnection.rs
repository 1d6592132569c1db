//! A WIC that comes back by another WebSocket (RFC 5626 §4.4): what it asked by the old one is answered by
//! the new one.

use std::time::Duration;

use core_sip::ConnectionId;
use wire_sip::{HeaderName, Message, StatusCode};

use super::support::*;

const BACK: ConnectionId = ConnectionId(8);

/// The WebSocket is gone without a word.
fn lose(bench: &mut Bench, connection: ConnectionId) {
    bench.shard.handle_w2_closed(bench.now, connection);
}

/// The WIC opens another one and registers; the answer to that comes first.
fn come_back(bench: &mut Bench, connection: ConnectionId, cseq: u32) {
    bench.open(connection);
    bench.wic_says_on(connection, register(cseq, "response=\"1\"").to_bytes());
    let request = bench.at_core();
    assert_eq!(request.method().as_str(), "REGISTER");
    bench.core_says(&registered(&request));
    let answer = bench.at_wic_on(connection);
    assert_eq!(answer.status(), Some(StatusCode::OK));
    let (_, method) = answer.cseq().expect("a CSeq");
    assert_eq!(method.as_str(), "REGISTER");
}

fn called(bench: &mut Bench) -> Message {
    bench.register();
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    bench.at_core()
}

fn number_of(message: &Message) -> String {
    message.header(HeaderName::CSeq).expect("one").to_owned()
}

#[test]
fn an_answer_that_found_nobody_waits_for_the_wic() {
    let mut bench = Bench::new();
    let request = called(&mut bench);
    lose(&mut bench, WIC);
    let ok = answer(&request, StatusCode::OK, "bob", Some(&core_sdp()));
    bench.core_says(&ok);
    // RFC 3261 §13.3.1.4: bob says it again until he hears the ACK.
    bench.wait(Duration::from_millis(500));
    bench.core_says(&ok);
    assert!(bench.to_wic.is_empty(), "there is nobody to tell");
    bench.wait(Duration::from_secs(2));
    come_back(&mut bench, BACK, 2);
    let heard = bench.at_wic_on(BACK);
    assert_eq!(heard.status(), Some(StatusCode::OK));
    assert_eq!(number_of(&heard), "1 INVITE");
    assert!(!heard.body().is_empty(), "with its answer");
    bench.wic_says_on(BACK, in_dialog("ACK", 1, &heard).to_bytes());
    assert_eq!(bench.at_core().method().as_str(), "ACK");
    // Bob had not heard it yet: the WIC acknowledges once more.
    bench.core_says(&ok);
    let again = bench.at_wic_on(BACK);
    assert_eq!(number_of(&again), "1 INVITE");
    bench.wic_says_on(BACK, in_dialog("BYE", 2, &heard).to_bytes());
    assert_eq!(bench.at_core().method().as_str(), "BYE");
}

#[test]
fn an_answer_that_comes_later_finds_the_wic() {
    let mut bench = Bench::new();
    let request = called(&mut bench);
    lose(&mut bench, WIC);
    come_back(&mut bench, BACK, 2);
    assert!(bench.to_wic.is_empty(), "nothing is answered yet");
    bench.core_says(&answer(&request, StatusCode::RINGING, "bob", None));
    assert_eq!(
        bench.at_wic_on(BACK).status(),
        Some(StatusCode::RINGING),
        "by where it is now"
    );
    bench.core_says(&answer(&request, StatusCode::BUSY_HERE, "bob", None));
    let acked = bench.at_core();
    assert_eq!(acked.method().as_str(), "ACK");
    assert_eq!(bench.at_wic_on(BACK).status(), Some(StatusCode::BUSY_HERE));
}

/// What was written to a WebSocket that nobody read from any more was lost, whoever noticed it.
#[test]
fn an_answer_that_was_sent_into_the_void_goes_again() {
    let mut bench = Bench::new();
    let request = called(&mut bench);
    let ok = answer(&request, StatusCode::OK, "bob", Some(&core_sdp()));
    bench.core_says(&ok);
    assert_eq!(bench.at_wic().status(), Some(StatusCode::OK));
    // The old one is still open when the new one registers.
    come_back(&mut bench, BACK, 2);
    let heard = bench.at_wic_on(BACK);
    assert_eq!(number_of(&heard), "1 INVITE");
    // And once more.
    let third = ConnectionId(9);
    lose(&mut bench, BACK);
    come_back(&mut bench, third, 3);
    let heard = bench.at_wic_on(third);
    assert_eq!(number_of(&heard), "1 INVITE");
}

#[test]
fn a_refresh_by_the_same_websocket_repeats_nothing() {
    let mut bench = Bench::new();
    let request = called(&mut bench);
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    bench.at_wic();
    bench.wic_says(&register(2, "response=\"1\""));
    let refresh = bench.at_core();
    bench.core_says(&registered(&refresh));
    assert_eq!(number_of(&bench.at_wic()), "2 REGISTER");
    assert!(bench.to_wic.is_empty());
}

/// The binding is that of a private identity: another's answers are not for whoever knows the instance.
#[test]
fn a_stranger_with_the_same_instance_hears_nothing() {
    let mut bench = Bench::new();
    let request = called(&mut bench);
    lose(&mut bench, WIC);
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    bench.open(BACK);
    let mallory = with(&register(2, "response=\"1\""), |text| {
        text.replace("alice@", "mallory@")
    });
    bench.wic_says_on(BACK, mallory.to_bytes());
    let theirs = bench.at_core();
    bench.core_says(&registered(&theirs));
    assert_eq!(number_of(&bench.at_wic_on(BACK)), "2 REGISTER");
    assert!(bench.to_wic.is_empty());
}

/// The core answers the refresh of before when the WIC has come back already.
#[test]
fn a_late_answer_to_the_old_websocket_takes_nothing_from_the_new_one() {
    let mut bench = Bench::new();
    bench.register();
    bench.wic_says(&register(2, "response=\"1\""));
    let late = bench.at_core();
    lose(&mut bench, WIC);
    come_back(&mut bench, BACK, 3);
    bench.core_says(&registered(&late));
    bench.wait(Duration::from_secs(31));
    bench.wic_says_on(BACK, invite("sip:bob@home.example", &wic_sdp()).to_bytes());
    assert_eq!(bench.at_core().method().as_str(), "INVITE");
    assert_eq!(bench.shard.counters().bindings, 1);
}
