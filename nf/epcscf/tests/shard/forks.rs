//! More than one far end answers (RFC 3261 §13.2.2.4), and what the edge says then of its own accord.

use std::time::Duration;

use wire_sip::{HeaderName, Message, StatusCode};

use super::support::*;

/// Another fork chose Opus.
fn opus_sdp() -> String {
    core_sdp()
        .replace("30000 RTP/AVP 8", "31000 RTP/AVP 111")
        .replace("8 PCMA/8000", "111 opus/48000/2")
}

/// Alice calls, one far end shows what it would take, and another one answers.
fn diverged(bench: &mut Bench) -> (Message, Message) {
    bench.register();
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    let request = bench.at_core();
    let progress = StatusCode::new(183).unwrap();
    bench.core_says(&answer(&request, progress, "one", Some(&core_sdp())));
    let preview = bench.at_wic();
    bench.core_says(&answer(&request, StatusCode::OK, "two", Some(&opus_sdp())));
    let ok = bench.at_wic();
    assert_eq!(ok.body(), preview.body(), "the WIC is answered once");
    assert!(bench.quiet(), "nothing before the ACK");
    (request, ok)
}

fn acknowledge(bench: &mut Bench, ok: &Message) {
    bench.wic_says(&in_dialog("ACK", 1, ok));
    assert_eq!(bench.at_core().header(HeaderName::CSeq), Some("1 ACK"));
}

#[test]
fn a_wic_is_offered_what_the_confirmed_fork_took() {
    let mut bench = Bench::new();
    let (_, ok) = diverged(&mut bench);
    acknowledge(&mut bench, &ok);
    let offer = bench.at_wic();
    assert_eq!(offer.method().as_str(), "INVITE");
    assert_eq!(offer.header(HeaderName::CSeq), Some("1 INVITE"));
    assert_eq!(offer.from_tag(), Some("two"));
    let body = String::from_utf8_lossy(offer.body()).into_owned();
    assert!(
        body.contains("opus") && !body.contains("PCMA") && body.contains("a=setup:actpass"),
        "{body}"
    );
    let answered = wic_sdp()
        .replace("actpass", "active")
        .replace("111 8", "111");
    bench.wic_says(&answer(&offer, StatusCode::OK, "alice", Some(&answered)));
    let ack = bench.at_wic();
    assert_eq!(ack.method().as_str(), "ACK");
    assert_eq!(ack.header(HeaderName::CSeq), Some("1 ACK"));
    assert!(bench.core_is_quiet(), "the core hears nothing of it");

    // From now on the core's numbers are moved towards the WIC, and those of the WIC are as they were.
    let bye = core_bye(&ok, "two", 1);
    bench.core_says(&bye);
    let bye = bench.at_wic();
    // The core might have begun with 0, so it is moved by two.
    assert_eq!(bye.header(HeaderName::CSeq), Some("3 BYE"));
    bench.wic_says(&Message::response_to(&bye, StatusCode::OK, None));
    let answered = bench.at_core();
    assert_eq!(answered.header(HeaderName::CSeq), Some("1 BYE"));
    assert_eq!(bench.shard.counters().sessions, 0);
}

/// Bob's end of alice's call hangs up.
fn core_bye(ok: &Message, tag: &str, cseq: u32) -> Message {
    let routes: Vec<&str> = ok.values(HeaderName::RecordRoute).collect();
    message(&format!(
        "BYE sip:alice@alice.invalid;transport=ws SIP/2.0\r\nVia: SIP/2.0/UDP {CORE};branch=z9hG4bKbye{cseq}\r\n\
         Max-Forwards: 60\r\nRoute: {}\r\nFrom: <sip:bob@{HOME}>;tag={tag}\r\nTo: <sip:alice@{HOME}>;tag=alice\r\n\
         Call-ID: call\r\nCSeq: {cseq} BYE\r\nContent-Length: 0\r\n\r\n",
        routes.join(", ")
    ))
}

#[test]
fn a_wic_that_cannot_follow_ends_the_call_both_ways() {
    let mut bench = Bench::new();
    let (_, ok) = diverged(&mut bench);
    acknowledge(&mut bench, &ok);
    let offer = bench.at_wic();
    let no = StatusCode::NOT_ACCEPTABLE_HERE;
    bench.wic_says(&answer(&offer, no, "alice", None));
    let byes = [bench.at_core(), last(&mut bench, "BYE")];
    for bye in &byes {
        assert_eq!(bye.method().as_str(), "BYE");
        let why = bye.header(HeaderName::Reason).unwrap();
        assert!(why.contains("do not fit together"), "{why}");
    }
    assert_eq!(byes[0].header(HeaderName::CSeq), Some("2 BYE"));
    assert_eq!(byes[1].header(HeaderName::CSeq), Some("2 BYE"));
    assert_eq!(bench.shard.counters().sessions, 0);
}

/// The last of those messages at the WIC.
fn last(bench: &mut Bench, method: &str) -> Message {
    let found = bench.to_wic.drain(..).map(|(_, m)| m);
    let found = found.filter(|m| m.is_request() && m.method().as_str() == method);
    found.last().expect("a request of that method")
}

#[test]
fn glare_at_the_wic_is_tried_again_within_two_seconds() {
    let mut bench = Bench::new();
    let (_, ok) = diverged(&mut bench);
    acknowledge(&mut bench, &ok);
    let offer = bench.at_wic();
    let pending = StatusCode::REQUEST_PENDING;
    bench.wic_says(&answer(&offer, pending, "alice", None));
    assert_eq!(bench.at_wic().method().as_str(), "ACK");
    bench.wait(Duration::from_millis(2100));
    let again = bench.at_wic();
    assert_eq!(again.header(HeaderName::CSeq), Some("2 INVITE"));
    assert_eq!(
        again.body(),
        offer.body(),
        "nothing has changed: the same o= version"
    );
}

#[test]
fn a_second_far_end_that_answers_is_acknowledged_and_hung_up() {
    let mut bench = Bench::new();
    bench.register();
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    let request = bench.at_core();
    bench.core_says(&answer(&request, StatusCode::OK, "one", Some(&core_sdp())));
    assert_eq!(bench.at_wic().to_tag(), Some("one"));
    let other = answer(&request, StatusCode::OK, "two", Some(&opus_sdp()));
    bench.core_says(&other);
    let ack = bench.at_core();
    assert_eq!((ack.method().as_str(), ack.to_tag()), ("ACK", Some("two")));
    let bye = bench.at_core();
    assert_eq!((bye.method().as_str(), bye.to_tag()), ("BYE", Some("two")));
    assert_eq!(bye.header(HeaderName::CSeq), Some("2 BYE"));
    assert_eq!(bye.request_uri(), Some("sip:two@192.0.2.99:5060"));
    // Its 200 comes again: an ACK was lost, and it was told goodbye once.
    bench.core_says(&other);
    assert_eq!(bench.at_core().method().as_str(), "ACK");
    assert!(bench.quiet(), "the WIC hears nothing of it");
    assert_eq!(bench.shard.counters().sessions, 1);
}

#[test]
fn a_200_that_comes_again_is_passed_on_again_as_it_was() {
    let mut bench = Bench::new();
    bench.register();
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    let request = bench.at_core();
    let ok = answer(&request, StatusCode::OK, "one", Some(&core_sdp()));
    bench.core_says(&ok);
    let first = bench.at_wic();
    acknowledge(&mut bench, &first);
    let commands = bench.commands.len();
    bench.core_says(&ok);
    assert_eq!(bench.at_wic().to_bytes(), first.to_bytes());
    assert_eq!(bench.commands.len(), commands, "the gateway is left alone");
}

#[test]
fn a_200_that_crosses_the_cancel_of_a_released_call_is_hung_up() {
    let mut bench = Bench::new();
    bench.register();
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    let request = bench.at_core();
    bench.core_says(&answer(&request, StatusCode::RINGING, "one", None));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::RINGING));
    bench.shard.handle_gateway_lost(bench.now);
    bench.core_says(&answer(&request, StatusCode::OK, "one", Some(&core_sdp())));
    let methods: Vec<String> = std::iter::from_fn(|| bench.to_core.pop_front())
        .map(|(_, m)| m.method().as_str().to_owned())
        .collect();
    assert_eq!(methods, ["CANCEL", "ACK", "BYE"]);
    assert_eq!(
        bench.at_wic().status(),
        Some(StatusCode::SERVICE_UNAVAILABLE)
    );
    assert!(bench.quiet());
}

#[test]
fn a_tag_of_no_dialog_is_481_and_a_number_that_goes_back_500() {
    let mut bench = Bench::new();
    bench.register();
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    let request = bench.at_core();
    bench.core_says(&answer(&request, StatusCode::OK, "one", Some(&core_sdp())));
    let ok = bench.at_wic();
    acknowledge(&mut bench, &ok);
    let stranger = in_dialog("UPDATE", 2, &ok).to_bytes();
    let stranger = String::from_utf8_lossy(&stranger).replace("tag=one", "tag=nobody");
    bench.wic_says(&message(&stranger));
    assert_eq!(
        bench.at_wic().status(),
        Some(StatusCode::CALL_DOES_NOT_EXIST)
    );
    bench.wic_says(&in_dialog("INFO", 7, &ok));
    assert_eq!(bench.at_core().header(HeaderName::CSeq), Some("7 INFO"));
    bench.wic_says(&in_dialog("INFO", 6, &ok));
    assert_eq!(
        bench.at_wic().status(),
        Some(StatusCode::SERVER_INTERNAL_ERROR)
    );
    let prack = in_dialog("PRACK", 8, &ok);
    let mut prack = prack.clone();
    prack.push_back(HeaderName::RAck, "4 1 INVITE");
    bench.wic_says(&prack);
    assert_eq!(
        bench.at_wic().status(),
        Some(StatusCode::CALL_DOES_NOT_EXIST)
    );
    assert!(bench.core_is_quiet());
    assert_eq!(bench.shard.counters().sessions, 1, "the call is as it was");
}

#[test]
fn one_change_at_a_time_whoever_asks() {
    let mut bench = Bench::new();
    bench.register();
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    let request = bench.at_core();
    bench.core_says(&answer(&request, StatusCode::OK, "one", Some(&core_sdp())));
    let ok = bench.at_wic();
    acknowledge(&mut bench, &ok);
    let offer = |method: &str, cseq, version: &str| {
        let mut request = in_dialog(method, cseq, &ok);
        let sdp = wic_sdp().replace("o=- 1 2", &format!("o=- 1 {version}"));
        request.set_body(Some("application/sdp"), sdp.into_bytes());
        request
    };
    bench.wic_says(&offer("INVITE", 2, "3"));
    assert_eq!(bench.at_core().header(HeaderName::CSeq), Some("2 INVITE"));
    for (method, cseq) in [("UPDATE", 3), ("INVITE", 4)] {
        bench.wic_says(&offer(method, cseq, "4"));
        let refused = bench.at_wic();
        assert_eq!(refused.status(), Some(StatusCode::SERVER_INTERNAL_ERROR));
        assert!(refused.has(HeaderName::RetryAfter));
        if method == "INVITE" {
            bench.to_wic.clear();
        }
    }
    let mut crossing = core_bye(&ok, "one", 1).to_bytes().to_vec();
    crossing = String::from_utf8(crossing)
        .unwrap()
        .replace("BYE", "INVITE")
        .into_bytes();
    bench.core_says(&Message::parse(crossing.into()).unwrap());
    assert_eq!(
        bench.at_core().status(),
        Some(StatusCode::REQUEST_PENDING),
        "glare, without SDP too"
    );
}

#[test]
fn a_fork_that_is_confirmed_without_sdp_has_the_media_that_it_answered_before() {
    let mut bench = Bench::new();
    bench.register();
    let mut call = invite("sip:bob@home.example", &wic_sdp());
    call.push_back(HeaderName::Supported, "100rel");
    bench.wic_says(&call);
    let request = bench.at_core();
    let progress = StatusCode::new(183).unwrap();
    let mut reliable = answer(&request, progress, "one", Some(&core_sdp()));
    reliable.push_back(HeaderName::Require, "100rel");
    reliable.push_back(HeaderName::RSeq, 1);
    bench.core_says(&reliable);
    bench.at_wic();
    let moved = core_sdp().replace("30000", "31000");
    bench.core_says(&answer(&request, progress, "two", Some(&moved)));
    bench.at_wic();
    assert_eq!(listens(&bench), Some(31000));
    bench.core_says(&answer(&request, StatusCode::OK, "one", None));
    let ok = bench.at_wic();
    assert!(ok.body().is_empty());
    assert_eq!(listens(&bench), Some(30000));
}

/// Where the gateway was last told that the core listens.
fn listens(bench: &Bench) -> Option<u16> {
    let mut told = bench
        .commands
        .iter()
        .rev()
        .filter_map(|command| match command {
            core_iq::Command::Configure { streams, .. } => {
                streams.first()?.core.as_ref()?.remote_rtp
            }
            _ => None,
        });
    told.next().map(|address| address.port())
}
