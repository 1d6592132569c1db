//! Whatever both sides send, in whatever order: the shard never panics, and when all is over it holds nothing.

use std::time::Duration;

use proptest::prelude::*;
use wire_sip::{Message, StatusCode};

use super::support::*;

#[derive(Debug, Clone)]
enum Step {
    WicSays(usize, Change),
    CoreSays(usize, Change),
    CoreAnswers(u16, bool),
    WicAnswers(u16, bool),
    Lost,
    Back,
    GatewayHolds(bool),
    GatewayLost,
    Wait(u64),
}

/// One octet of a message changed, or none.
type Change = Option<(proptest::sample::Index, u8)>;

fn step() -> impl Strategy<Value = Step> {
    let change = || proptest::option::weighted(0.2, any::<(proptest::sample::Index, u8)>());
    let status = || {
        prop_oneof![
            Just(100_u16),
            Just(180),
            Just(183),
            Just(200),
            Just(302),
            Just(401),
            Just(486),
            Just(503),
            Just(603)
        ]
    };
    prop_oneof![
        6 => (0..6_usize, change()).prop_map(|(which, change)| Step::WicSays(which, change)),
        4 => (0..4_usize, change()).prop_map(|(which, change)| Step::CoreSays(which, change)),
        6 => (status(), any::<bool>()).prop_map(|(status, sdp)| Step::CoreAnswers(status, sdp)),
        4 => (status(), any::<bool>()).prop_map(|(status, sdp)| Step::WicAnswers(status, sdp)),
        1 => Just(Step::Lost),
        2 => Just(Step::Back),
        1 => any::<bool>().prop_map(Step::GatewayHolds),
        1 => Just(Step::GatewayLost),
        2 => (0..90_u64).prop_map(Step::Wait),
    ]
}

fn changed(message: &Message, change: Change) -> Vec<u8> {
    let mut octets = message.to_bytes().to_vec();
    if let Some((at, byte)) = change {
        let at = at.index(octets.len());
        octets[at] = byte;
    }
    octets
}

fn cancel(request: &Message) -> Message {
    let text = String::from_utf8(request.to_bytes().to_vec()).unwrap();
    let head = text.split("Content-Type").next().unwrap();
    let head = head
        .replace("INVITE sip", "CANCEL sip")
        .replace("1 INVITE", "1 CANCEL");
    message(&format!("{head}Content-Length: 0\r\n\r\n"))
}

fn incoming(path: &str, which: usize) -> Message {
    let (method, sdp) = [
        ("INVITE", core_sdp()),
        ("INVITE", String::new()),
        ("MESSAGE", String::new()),
        ("BYE", String::new()),
    ][which]
        .clone();
    let kind = if sdp.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    let tag = if method == "BYE" { ";tag=alice" } else { "" };
    message(&format!(
        "{method} sip:alice@alice.invalid;transport=ws SIP/2.0\r\nVia: SIP/2.0/UDP {CORE};branch=z9hG4bKin{which}\r\n\
         Max-Forwards: 60\r\nRoute: {path}\r\nFrom: <sip:bob@{HOME}>;tag=bob\r\nTo: <sip:alice@{HOME}>{tag}\r\n\
         Call-ID: incoming{which}\r\nCSeq: 7 {method}\r\nContact: <sip:bob@192.0.2.99:5060>\r\n{kind}Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    ))
}

fn last_request(messages: impl Iterator<Item = Message>) -> Option<Message> {
    messages
        .filter(|m| m.is_request() && m.method().as_str() != "ACK")
        .last()
}

fn run(steps: Vec<Step>) {
    let mut bench = Bench::new();
    bench.register();
    let path = bench.path();
    let mut last_ok: Option<Message> = None;
    for step in steps {
        let call = invite("sip:bob@home.example", &wic_sdp());
        let dialog = |method: &str, cseq| last_ok.as_ref().map(|ok| in_dialog(method, cseq, ok));
        match step {
            Step::WicSays(which, change) => {
                let said = match which {
                    0 => Some(call),
                    1 => Some(cancel(&call)),
                    2 => dialog("ACK", 1),
                    3 => dialog("UPDATE", 2),
                    4 => dialog("BYE", 3),
                    _ => Some(register(5, "response=\"1\"")),
                };
                if let Some(said) = said {
                    bench.wic_says_on(WIC, changed(&said, change).into());
                }
            }
            Step::CoreSays(which, change) => {
                let octets = changed(&incoming(&path, which), change);
                if let Ok(said) = Message::parse(octets.into()) {
                    bench.core_says(&said);
                }
            }
            Step::CoreAnswers(status, sdp) => {
                if let Some(request) = last_request(bench.to_core.iter().map(|(_, m)| m.clone())) {
                    let sdp = core_sdp_if(sdp);
                    bench.core_says(&answer(
                        &request,
                        StatusCode::new(status).unwrap(),
                        "bob",
                        sdp.as_deref(),
                    ));
                }
            }
            Step::WicAnswers(status, sdp) => {
                if let Some(request) = last_request(bench.to_wic.iter().map(|(_, m)| m.clone())) {
                    let sdp = sdp.then(|| wic_sdp().replace("actpass", "active"));
                    bench.wic_says(&answer(
                        &request,
                        StatusCode::new(status).unwrap(),
                        "alice",
                        sdp.as_deref(),
                    ));
                }
            }
            Step::Lost => bench.shard.handle_w2_closed(bench.now, WIC),
            Step::Back => bench.open(WIC),
            Step::GatewayHolds(true) => bench.gateway_holds = true,
            Step::GatewayHolds(false) => bench.gateway_goes_on(),
            Step::GatewayLost => bench.shard.handle_gateway_lost(bench.now),
            Step::Wait(seconds) => bench.wait(Duration::from_secs(seconds)),
        }
        let is_ok =
            |m: &&(_, Message)| m.1.status() == Some(StatusCode::OK) && m.1.to_tag() == Some("bob");
        if let Some((_, ok)) = bench.to_wic.iter().rfind(is_ok) {
            last_ok = Some(ok.clone());
        }
    }
    bench.gateway_goes_on();
    bench.shard.handle_w2_closed(bench.now, WIC);
    bench.wait(Duration::from_hours(2));
    let left = bench.shard.counters();
    assert_eq!(
        (left.sessions, left.bindings, left.flows),
        (0, 0, 0),
        "{left:?}"
    );
    let inside = format!("{:?}", bench.shard);
    let nothing = "forwards: 0, branches: 0, deferred: 0, asked: 0, own: 0, watches: (0, 0)";
    assert!(inside.contains(nothing), "{inside}");
}

fn core_sdp_if(wanted: bool) -> Option<String> {
    wanted.then(core_sdp)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_schedule_comes_to_its_end(steps in proptest::collection::vec(step(), 1..40)) {
        run(steps);
    }
}
