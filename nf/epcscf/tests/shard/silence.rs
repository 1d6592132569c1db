//! Whoever dies without a word: in whatever state a call is, it comes to its end by itself, on both legs.

use std::time::Duration;

use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::support::*;

/// Longer than any deadline of a call but its session timer, and shorter than the registration.
const LONG: Duration = Duration::from_secs(400);

fn with_sdp(mut message: Message, sdp: &str) -> Message {
    message.set_body(Some("application/sdp"), sdp.as_bytes().to_vec());
    message
}

fn answering() -> String {
    wic_sdp().replace("actpass", "active")
}

fn held() -> String {
    wic_sdp()
        .replace("o=- 1 2", "o=- 1 3")
        .replace("sendrecv", "sendonly")
}

/// Alice calls; her INVITE is at the core.
fn alice_calls(bench: &mut Bench) -> Message {
    bench.register();
    let mut call = invite("sip:bob@home.example", &wic_sdp());
    call.push_back(HeaderName::Supported, "100rel, timer");
    bench.wic_says(&call);
    bench.at_core()
}

/// Bob calls; his INVITE is at the WIC.
fn bob_calls(bench: &mut Bench, offer: Option<&str>) -> Message {
    bench.register();
    let path = bench.path();
    let mut request = message(&format!(
        "INVITE sip:alice@alice.invalid;transport=ws SIP/2.0\r\n\
         Via: SIP/2.0/UDP {CORE};branch=z9hG4bKcore\r\nMax-Forwards: 60\r\nRoute: {path}\r\n\
         From: <sip:bob@{HOME}>;tag=bob\r\nTo: <sip:alice@{HOME}>\r\nCall-ID: incoming\r\n\
         CSeq: 7 INVITE\r\nContact: <sip:bob@192.0.2.99:5060>\r\nSupported: timer\r\nContent-Length: 0\r\n\r\n"
    ));
    if let Some(sdp) = offer {
        request = with_sdp(request, sdp);
    }
    bench.core_says(&request);
    bench.at_wic()
}

fn bobs(method: &str, cseq: u32, of: &Message) -> Message {
    let mut routes: Vec<&str> = of.values(HeaderName::RecordRoute).collect();
    routes.reverse();
    message(&format!(
        "{method} sip:alice@alice.invalid;transport=ws SIP/2.0\r\nVia: SIP/2.0/UDP {CORE};branch=z9hG4bK{method}{cseq}\r\n\
         Max-Forwards: 60\r\nRoute: {}\r\nFrom: <sip:bob@{HOME}>;tag=bob\r\nTo: {}\r\n\
         Call-ID: incoming\r\nCSeq: {cseq} {method}\r\nContact: <sip:bob@192.0.2.99:5060>\r\nContent-Length: 0\r\n\r\n",
        routes.join(", "),
        of.header(HeaderName::To).unwrap(),
    ))
}

/// Alice's call, answered and acknowledged.
fn stands(bench: &mut Bench) -> Message {
    let request = alice_calls(bench);
    let mut ok = answer(&request, StatusCode::OK, "bob", Some(&core_sdp()));
    ok.push_back(HeaderName::Allow, "INVITE, ACK, BYE, UPDATE");
    bench.core_says(&ok);
    let ok = bench.at_wic();
    bench.wic_says(&in_dialog("ACK", 1, &ok));
    assert_eq!(bench.at_core().method(), Method::Ack);
    ok
}

/// Nothing is left of the call, neither here nor at the gateway.
fn is_over(bench: &mut Bench) {
    assert_eq!(bench.shard.counters().sessions, 0, "the call goes on");
    let last = bench.commands.last();
    assert!(
        matches!(last, Some(core_iq::Command::Release { .. })),
        "{last:?}"
    );
    // What was said last has its transactions.
    bench.wait(Duration::from_secs(150));
    let inside = format!("{:?}", bench.shard);
    assert!(
        inside.contains("forwards: 0, branches: 0, deferred: 0, asked: 0, own: 0"),
        "{inside}"
    );
}

fn ends_with(messages: impl Iterator<Item = Message>, what: &str) {
    let said: Vec<String> = messages.map(|m| name(&m)).collect();
    assert!(said.iter().any(|one| one == what), "no {what} in {said:?}");
}

fn name(message: &Message) -> String {
    match message.status() {
        Some(status) => status.as_u16().to_string(),
        None => message.method().to_string(),
    }
}

/// It takes so long until a call of this kind is over, and this is what both sides hear in the end.
fn ends(mut bench: Bench, within: Duration, wic: &str, core: &str) {
    bench.to_wic.clear();
    bench.to_core.clear();
    bench.wait(within.saturating_sub(Duration::from_secs(2)));
    assert_eq!(bench.shard.counters().sessions, 1, "it ends too early");
    bench.wait(Duration::from_secs(4));
    ends_with(bench.to_wic.drain(..).map(|(_, m)| m), wic);
    ends_with(bench.to_core.drain(..).map(|(_, m)| m), core);
    is_over(&mut bench);
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn nobody_answers_the_wics_invite() {
    let mut bench = Bench::new();
    alice_calls(&mut bench);
    ends(bench, seconds(32), "408", "INVITE");
}

#[test]
fn the_core_dies_behind_its_100() {
    let mut bench = Bench::new();
    let request = alice_calls(&mut bench);
    bench.core_says(&Message::response_to(&request, StatusCode::TRYING, None));
    ends(bench, seconds(185 + 32), "408", "CANCEL");
}

#[test]
fn the_core_dies_while_it_rings() {
    let mut bench = Bench::new();
    let request = alice_calls(&mut bench);
    bench.wait(seconds(1));
    bench.core_says(&answer(&request, StatusCode::RINGING, "bob", None));
    ends(bench, seconds(185 + 32), "408", "CANCEL");
}

#[test]
fn the_core_dies_before_it_takes_the_prack() {
    let mut bench = Bench::new();
    let request = alice_calls(&mut bench);
    let progress = StatusCode::new(183).unwrap();
    let mut early = answer(&request, progress, "bob", Some(&core_sdp()));
    early.push_back(HeaderName::Require, "100rel");
    early.push_back(HeaderName::RSeq, 1);
    bench.core_says(&early);
    let early = bench.at_wic();
    let mut prack = in_dialog("PRACK", 2, &early);
    prack.push_back(HeaderName::RAck, "1 1 INVITE");
    bench.wic_says(&prack);
    ends(bench, seconds(185 + 32), "408", "PRACK");
}

#[test]
fn the_wic_dies_before_it_sends_a_prack() {
    let mut bench = Bench::new();
    let request = alice_calls(&mut bench);
    let progress = StatusCode::new(183).unwrap();
    let mut early = answer(&request, progress, "bob", Some(&core_sdp()));
    early.push_back(HeaderName::Require, "100rel");
    early.push_back(HeaderName::RSeq, 1);
    bench.core_says(&early);
    ends(bench, seconds(185 + 32), "408", "CANCEL");
}

#[test]
fn the_wic_never_acknowledges_the_answer() {
    let mut bench = Bench::new();
    let request = alice_calls(&mut bench);
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    ends(bench, seconds(128), "BYE", "BYE");
}

#[test]
fn nobody_answers_the_cores_invite() {
    let mut bench = Bench::new();
    bob_calls(&mut bench, Some(&core_sdp()));
    bench.wait(seconds(126));
    assert_eq!(bench.shard.counters().sessions, 1);
    bench.wait(seconds(4));
    ends_with(bench.to_core.drain(..).map(|(_, m)| m), "408");
    is_over(&mut bench);
}

#[test]
fn the_wic_dies_while_it_rings() {
    let mut bench = Bench::new();
    let request = bob_calls(&mut bench, Some(&core_sdp()));
    bench.wic_says(&answer(&request, StatusCode::RINGING, "alice", None));
    ends(bench, seconds(185 + 128), "CANCEL", "408");
}

#[test]
fn the_core_never_acknowledges_the_answer() {
    let mut bench = Bench::new();
    let request = bob_calls(&mut bench, Some(&core_sdp()));
    bench.wic_says(&answer(
        &request,
        StatusCode::OK,
        "alice",
        Some(&answering()),
    ));
    ends(bench, seconds(32), "BYE", "BYE");
}

#[test]
fn the_core_never_answers_the_offer_in_the_200() {
    let mut bench = Bench::new();
    let request = bob_calls(&mut bench, None);
    bench.wic_says(&answer(&request, StatusCode::OK, "alice", Some(&wic_sdp())));
    ends(bench, seconds(32), "BYE", "BYE");
}

#[test]
fn a_change_is_never_acknowledged() {
    let mut bench = Bench::new();
    let ok = stands(&mut bench);
    bench.wic_says(&with_sdp(in_dialog("INVITE", 2, &ok), &held()));
    let change = bench.at_core();
    bench.core_says(&answer(&change, StatusCode::OK, "bob", Some(&core_sdp())));
    ends(bench, seconds(128), "BYE", "BYE");

    let mut bench = Bench::new();
    let request = bob_calls(&mut bench, Some(&core_sdp()));
    bench.wic_says(&answer(
        &request,
        StatusCode::OK,
        "alice",
        Some(&answering()),
    ));
    let ok = bench.at_core();
    bench.core_says(&bobs("ACK", 7, &ok));
    bench.at_wic();
    bench.core_says(&bobs("INVITE", 8, &ok));
    let change = bench.at_wic();
    bench.wic_says(&answer(&change, StatusCode::OK, "alice", Some(&held())));
    ends(bench, seconds(32), "BYE", "BYE");
}

/// RFC 3261 §12.2.1.2: whoever asked hears 408, and the call is as it was; the session timer has the last word.
#[test]
fn a_change_that_nobody_answers_leaves_the_call_to_its_session_timer() {
    for method in ["INVITE", "UPDATE"] {
        let mut bench = Bench::with(|config| config.session_expires = seconds(300));
        let ok = stands(&mut bench);
        bench.wic_says(&with_sdp(in_dialog(method, 2, &ok), &held()));
        bench.wait(seconds(34));
        // RFC 4320 §4.2: only for an INVITE is 408 said.
        if method == "INVITE" {
            ends_with(bench.to_wic.drain(..).map(|(_, m)| m), "408");
        }
        bench.to_core.clear();
        // As it was: there is room for the next change.
        let next = held().replace("o=- 1 3", "o=- 1 4");
        bench.wic_says(&with_sdp(in_dialog("UPDATE", 3, &ok), &next));
        assert_eq!(bench.at_core().header(HeaderName::CSeq), Some("3 UPDATE"));
        assert_eq!(bench.shard.counters().sessions, 1);
        bench.wait(seconds(260));
        assert_eq!(bench.shard.counters().sessions, 1);
        bench.wait(seconds(8));
        ends_with(bench.to_wic.drain(..).map(|(_, m)| m), "BYE");
        is_over(&mut bench);
    }
}

#[test]
fn a_cancel_that_nobody_heeds() {
    let mut bench = Bench::new();
    let request = alice_calls(&mut bench);
    bench.core_says(&answer(&request, StatusCode::RINGING, "bob", None));
    let call = String::from_utf8(invite("sip:bob@home.example", "").to_bytes().to_vec()).unwrap();
    bench.wic_says(&message(&call.replace("INVITE", "CANCEL")));
    ends(bench, seconds(32), "408", "CANCEL");
}

#[test]
fn a_bye_that_nobody_answers_ends_the_call_at_once() {
    let mut bench = Bench::new();
    let ok = stands(&mut bench);
    bench.wic_says(&in_dialog("BYE", 2, &ok));
    is_over(&mut bench);
}

#[test]
fn a_name_that_is_never_found() {
    let mut bench = Bench::with(|config| config.next_hop = "sip:core.example".into());
    bench.names_wait = true;
    bench.wic_says(&register(1, "response=\"1\""));
    bench.wait(seconds(30));
    assert!(bench.quiet());
    bench.wait(seconds(4));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::BAD_GATEWAY));
    assert!(format!("{:?}", bench.shard).contains("forwards: 0, branches: 0, deferred: 0"));
}

/// A gateway that says nothing, at whatever question.
#[test]
fn a_gateway_that_is_silent_in_the_middle_of_a_change() {
    let mut bench = Bench::new();
    let ok = stands(&mut bench);
    bench.gateway_holds = true;
    bench.wic_says(&with_sdp(in_dialog("INVITE", 2, &ok), &held()));
    let change = bench.at_core();
    bench.core_says(&answer(&change, StatusCode::OK, "bob", Some(&core_sdp())));
    bench.wait(seconds(6));
    ends_with(bench.to_wic.drain(..).map(|(_, m)| m), "503");
    // The core believes in the change: it is offered what was before, and does not answer either.
    bench.wait(LONG);
    ends_with(bench.to_core.drain(..).map(|(_, m)| m), "BYE");
    assert_eq!(bench.shard.counters().sessions, 0);
}

/// RFC 3261 §14.1 puts no end to it; the edge does.
#[test]
fn a_far_end_that_puts_off_the_edges_own_offer_for_ever() {
    let mut bench = Bench::new();
    let ok = stands(&mut bench);
    bench.wic_says(&with_sdp(in_dialog("UPDATE", 2, &ok), &held()));
    let update = bench.at_core();
    bench.core_says(&answer(&update, StatusCode::OK, "bob", None));
    let (mut offers, mut last) = (0, String::new());
    while bench.shard.counters().sessions == 1 {
        bench.wait(seconds(5));
        let asked: Vec<Message> = bench.to_core.drain(..).map(|(_, m)| m).collect();
        for request in asked.iter().filter(|m| name(m) == "INVITE") {
            let number = request.header(HeaderName::CSeq).unwrap().to_owned();
            if std::mem::replace(&mut last, number.clone()) != number {
                offers += 1;
            }
            let later = answer(request, StatusCode::REQUEST_PENDING, "bob", None);
            bench.core_says(&later);
        }
        assert!(offers < 20, "it never ends");
    }
    assert!(offers > 5, "it is tried {offers} times");
}
