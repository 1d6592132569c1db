//! Offers and answers in every place (RFC 3264 §4, RFC 3262 §5, RFC 3311 §5): where a message carries one, it is
//! rewritten for the other side, and where it may carry none, it has none.

use wire_sip::{HeaderName, Message, StatusCode};

use super::support::*;

const PROGRESS: u16 = 183;

fn progress() -> StatusCode {
    StatusCode::new(PROGRESS).unwrap()
}

fn with_sdp(mut message: Message, sdp: &str) -> Message {
    message.set_body(Some("application/sdp"), sdp.as_bytes().to_vec());
    message
}

fn without_sdp(mut message: Message) -> Message {
    message.remove_body();
    message
}

fn is_plain(message: &Message) -> bool {
    let body = String::from_utf8_lossy(message.body()).into_owned();
    body.contains("RTP/AVP ") && !body.contains("fingerprint")
}

fn is_secure(message: &Message) -> bool {
    let body = String::from_utf8_lossy(message.body()).into_owned();
    body.contains("UDP/TLS/RTP/SAVPF")
        && body.contains("a=fingerprint")
        && body.contains("ice-ufrag:gate")
}

/// A response that wants a PRACK.
fn reliably(mut response: Message, rseq: u32) -> Message {
    response.push_back(HeaderName::Require, "100rel");
    response.push_back(HeaderName::RSeq, rseq);
    response
}

fn bobs(method: &str, cseq: u32, of: &Message) -> Message {
    let routes: Vec<&str> = of.values(HeaderName::RecordRoute).collect();
    message(&format!(
        "{method} sip:alice@alice.invalid;transport=ws SIP/2.0\r\nVia: SIP/2.0/UDP {CORE};branch=z9hG4bK{method}{cseq}\r\n\
         Max-Forwards: 60\r\nRoute: {}\r\nFrom: {}\r\nTo: <sip:alice@{HOME}>;tag=alice\r\n\
         Call-ID: call\r\nCSeq: {cseq} {method}\r\nContact: <sip:bob@192.0.2.99:5060>\r\nContent-Length: 0\r\n\r\n",
        routes.join(", "),
        of.header(HeaderName::To).unwrap(),
    ))
}

/// Alice's INVITE, with what she knows.
fn calls(bench: &mut Bench, sdp: Option<&str>, supported: &str) -> Message {
    bench.register();
    let mut call = invite("sip:bob@home.example", sdp.unwrap_or_default());
    if sdp.is_none() {
        call = without_sdp(call);
    }
    if !supported.is_empty() {
        call.push_back(HeaderName::Supported, supported);
    }
    bench.wic_says(&call);
    bench.at_core()
}

/// A call that stands.
fn stands(bench: &mut Bench) -> Message {
    let request = calls(bench, Some(&wic_sdp()), "timer, 100rel");
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    let ok = bench.at_wic();
    bench.wic_says(&in_dialog("ACK", 1, &ok));
    assert_eq!(bench.at_core().method().as_str(), "ACK");
    ok
}

#[test]
fn a_late_offer_in_the_200_is_answered_in_the_ack() {
    let mut bench = Bench::new();
    let request = calls(&mut bench, None, "timer");
    assert!(request.body().is_empty());
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    let ok = bench.at_wic();
    assert!(is_secure(&ok));
    let ack = in_dialog("ACK", 1, &ok);
    bench.wic_says(&with_sdp(ack, &wic_sdp().replace("actpass", "active")));
    let ack = bench.at_core();
    assert_eq!(ack.method().as_str(), "ACK");
    assert!(is_plain(&ack));
}

#[test]
fn a_late_offer_that_the_ack_does_not_answer_ends_the_call() {
    let mut bench = Bench::new();
    let request = calls(&mut bench, None, "timer");
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    let ok = bench.at_wic();
    bench.wic_says(&in_dialog("ACK", 1, &ok));
    assert_eq!(bench.at_core().method().as_str(), "ACK");
    assert_eq!(bench.at_core().method().as_str(), "BYE");
    assert_eq!(bench.at_wic().method().as_str(), "BYE");
    assert_eq!(bench.shard.counters().sessions, 0);
}

#[test]
fn an_ack_of_before_is_no_answer_to_a_late_offer_of_now() {
    let mut bench = Bench::new();
    let ok = stands(&mut bench);
    bench.core_says(&bobs("INVITE", 1, &ok));
    let asked = bench.at_wic();
    bench.wic_says(&answer(&asked, StatusCode::OK, "alice", Some(&wic_sdp())));
    assert!(is_plain(&bench.at_core()));
    // The WIC's own ACK once more, for a 200 that came again.
    bench.wic_says(&in_dialog("ACK", 1, &ok));
    assert_eq!(bench.at_core().method().as_str(), "ACK");
    assert_eq!(bench.shard.counters().sessions, 1);
    bench.core_says(&with_sdp(bobs("ACK", 1, &ok), &core_sdp()));
    assert!(is_secure(&bench.at_wic()));
}

/// RFC 3264 §6, RFC 3262 §5 — its preview was good, so that there is something to fall back on; but it is not what it said.
#[test]
fn a_reliable_answer_that_cannot_be_served_is_not_replaced_by_an_earlier_preview() {
    let mut bench = Bench::new();
    let request = calls(&mut bench, Some(&wic_sdp()), "100rel");
    bench.core_says(&answer(&request, progress(), "bob", Some(&core_sdp())));
    assert!(is_secure(&bench.at_wic()));
    let media = core_sdp()
        .find("m=audio")
        .map(|at| core_sdp().split_off(at));
    let twice = core_sdp() + &media.expect("an m-line");
    let bad = answer(&request, progress(), "bob", Some(&twice));
    bench.core_says(&reliably(bad, 1));
    let early = bench.at_wic();
    assert!(early.body().is_empty() && early.has(HeaderName::RSeq));
    bench.core_says(&answer(&request, StatusCode::OK, "bob", None));
    assert_eq!(
        bench.at_wic().status(),
        Some(StatusCode::NOT_ACCEPTABLE_HERE)
    );
    assert_eq!(bench.at_core().method().as_str(), "ACK");
    assert_eq!(bench.at_core().method().as_str(), "BYE");
    assert_eq!(bench.shard.counters().sessions, 0);
}

#[test]
fn a_reliable_183_is_answered_and_changed_with_update() {
    let mut bench = Bench::new();
    let request = calls(&mut bench, Some(&wic_sdp()), "100rel");
    let ringing = answer(&request, progress(), "bob", Some(&core_sdp()));
    bench.core_says(&reliably(ringing.clone(), 9));
    let early = bench.at_wic();
    assert!(is_secure(&early) && early.header(HeaderName::RSeq) == Some("9"));
    // It comes again until the PRACK is there, and goes no further.
    bench.core_says(&reliably(ringing, 9));
    assert!(bench.quiet());
    let mut prack = in_dialog("PRACK", 2, &early);
    prack.push_back(HeaderName::RAck, "9 1 INVITE");
    bench.wic_says(&prack);
    let prack = bench.at_core();
    assert_eq!(prack.header(HeaderName::RAck), Some("9 1 INVITE"));
    bench.core_says(&Message::response_to(&prack, StatusCode::OK, None));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::OK));

    let update = bobs("UPDATE", 1, &early);
    bench.core_says(&with_sdp(update, &moved("30500")));
    let update = bench.at_wic();
    assert!(is_secure(&update));
    let held = wic_sdp().replace("actpass", "active");
    bench.wic_says(&answer(&update, StatusCode::OK, "alice", Some(&held)));
    assert!(is_plain(&bench.at_core()));

    // What the 200 says after that is no answer any more (RFC 6337 §2.2).
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    let ok = bench.at_wic();
    assert_eq!(ok.status(), Some(StatusCode::OK));
    assert!(ok.body().is_empty());
}

#[test]
fn an_offer_in_a_reliable_183_is_answered_in_prack() {
    let mut bench = Bench::new();
    let request = calls(&mut bench, None, "100rel");
    let offer = answer(&request, progress(), "bob", Some(&core_sdp()));
    bench.core_says(&reliably(offer, 1));
    let early = bench.at_wic();
    assert!(is_secure(&early));
    let mut prack = in_dialog("PRACK", 2, &early);
    prack.push_back(HeaderName::RAck, "1 1 INVITE");
    bench.wic_says(&with_sdp(prack, &wic_sdp().replace("actpass", "active")));
    let prack = bench.at_core();
    assert!(is_plain(&prack));
    bench.core_says(&Message::response_to(&prack, StatusCode::OK, None));
    bench.at_wic();
    bench.core_says(&answer(&request, StatusCode::OK, "bob", None));
    let ok = bench.at_wic();
    bench.wic_says(&in_dialog("ACK", 1, &ok));
    assert_eq!(bench.at_core().method().as_str(), "ACK");
    assert_eq!(bench.shard.counters().sessions, 1);
}

#[test]
fn a_plain_183_is_a_preview_and_the_200_is_the_answer() {
    let mut bench = Bench::new();
    let request = calls(&mut bench, Some(&wic_sdp()), "");
    bench.core_says(&answer(&request, progress(), "bob", Some(&core_sdp())));
    let preview = bench.at_wic();
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    let ok = bench.at_wic();
    assert_eq!(ok.body(), preview.body());
}

#[test]
fn a_plain_183_to_an_invite_without_sdp_offers_nothing() {
    let mut bench = Bench::new();
    let request = calls(&mut bench, None, "");
    bench.core_says(&answer(&request, progress(), "bob", Some(&core_sdp())));
    assert!(bench.at_wic().body().is_empty());
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    assert!(is_secure(&bench.at_wic()));
}

#[test]
fn a_200_without_the_answer_that_it_owes_ends_a_new_call_and_leaves_an_old_one() {
    let mut bench = Bench::new();
    let request = calls(&mut bench, Some(&wic_sdp()), "");
    bench.core_says(&answer(&request, StatusCode::OK, "bob", None));
    assert_eq!(
        bench.at_wic().status(),
        Some(StatusCode::NOT_ACCEPTABLE_HERE)
    );
    assert_eq!(bench.at_core().method().as_str(), "ACK");
    assert_eq!(bench.at_core().method().as_str(), "BYE");

    let mut bench = Bench::new();
    let ok = stands(&mut bench);
    let hold = wic_sdp()
        .replace("o=- 1 2", "o=- 1 3")
        .replace("sendrecv", "sendonly");
    bench.wic_says(&with_sdp(in_dialog("UPDATE", 2, &ok), &hold));
    let update = bench.at_core();
    bench.core_says(&answer(&update, StatusCode::OK, "bob", None));
    assert_eq!(
        bench.at_wic().status(),
        Some(StatusCode::NOT_ACCEPTABLE_HERE)
    );
    // The far end believes in the change: it is offered what was before.
    let back = bench.at_core();
    assert_eq!(back.header(HeaderName::CSeq), Some("3 INVITE"));
    assert!(String::from_utf8_lossy(back.body()).contains("a=sendrecv"));
    bench.core_says(&answer(&back, StatusCode::OK, "bob", Some(&core_sdp())));
    assert_eq!(bench.at_core().header(HeaderName::CSeq), Some("3 ACK"));
    // From now on the WIC's numbers are moved.
    bench.wic_says(&in_dialog("BYE", 3, &ok));
    assert_eq!(bench.at_core().header(HeaderName::CSeq), Some("4 BYE"));
}

#[test]
fn a_core_that_requires_100rel_is_answered_by_the_edge() {
    let mut bench = Bench::new();
    let request = calls(&mut bench, Some(&wic_sdp()), "timer");
    let mut refusal = answer(&request, StatusCode::EXTENSION_REQUIRED, "bob", None);
    refusal.push_back(HeaderName::Require, "100rel");
    bench.core_says(&refusal);
    assert_eq!(bench.at_core().method().as_str(), "ACK");
    let again = bench.at_core();
    assert_eq!(again.header(HeaderName::CSeq), Some("2 INVITE"));
    assert!(again.lists(HeaderName::Supported, "100rel"));
    assert!(bench.quiet(), "the WIC hears nothing of it");

    let ringing = answer(&again, progress(), "bob", Some(&core_sdp()));
    bench.core_says(&reliably(ringing, 77));
    let prack = bench.at_core();
    assert_eq!(prack.header(HeaderName::RAck), Some("77 2 INVITE"));
    assert_eq!(prack.header(HeaderName::CSeq), Some("3 PRACK"));
    let early = bench.at_wic();
    assert_eq!(early.header(HeaderName::CSeq), Some("1 INVITE"));
    assert!(!early.has(HeaderName::RSeq) && !early.has(HeaderName::Require));
    assert!(is_secure(&early));
    bench.core_says(&Message::response_to(&prack, StatusCode::OK, None));

    bench.core_says(&answer(&again, StatusCode::OK, "bob", None));
    let ok = bench.at_wic();
    assert_eq!(ok.header(HeaderName::CSeq), Some("1 INVITE"));
    // RFC 3261 §13.2.1: to the WIC the 183 was a preview, and the 2xx has its answer.
    assert!(is_secure(&ok));
    assert_eq!(ok.body(), early.body());
    bench.wic_says(&in_dialog("ACK", 1, &ok));
    assert_eq!(bench.at_core().header(HeaderName::CSeq), Some("2 ACK"));
    bench.wic_says(&in_dialog("BYE", 2, &ok));
    assert_eq!(bench.at_core().header(HeaderName::CSeq), Some("4 BYE"));
}

#[test]
fn a_refused_change_does_not_undo_another() {
    let mut bench = Bench::new();
    let ok = stands(&mut bench);
    let moved = wic_sdp().replace("o=- 1 2", "o=- 1 3");
    bench.wic_says(&with_sdp(in_dialog("UPDATE", 2, &ok), &moved));
    let update = bench.at_core();
    bench.wic_says(&in_dialog("INFO", 3, &ok));
    let info = bench.at_core();
    bench.core_says(&answer(&info, StatusCode::CALL_DOES_NOT_EXIST, "bob", None));
    bench.at_wic();
    bench.core_says(&answer(&update, StatusCode::OK, "bob", Some(&core_sdp())));
    assert!(is_secure(&bench.at_wic()), "the UPDATE has its answer");
}

#[test]
fn update_prack_and_bye_before_there_is_a_dialog_get_481() {
    let mut bench = Bench::new();
    let request = calls(&mut bench, Some(&wic_sdp()), "");
    for method in ["UPDATE", "PRACK", "BYE", "INFO"] {
        let early = answer(&request, StatusCode::RINGING, "", None);
        let mut said = in_dialog(method, 2, &early);
        said.set(HeaderName::To, "<sip:bob@home.example>");
        bench.wic_says(&said);
        let refused = bench.at_wic();
        assert_eq!(
            refused.status(),
            Some(StatusCode::CALL_DOES_NOT_EXIST),
            "{method}"
        );
    }
    assert!(bench.core_is_quiet());
}
