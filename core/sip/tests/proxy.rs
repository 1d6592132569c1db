//! RFC 3261 §16: what a proxy does to requests and responses.
mod common;

use std::time::Duration;

use common::*;
use core_sip::{
    ClientTransactionId, Output, TimerSet, Transactions, Transport,
    address::UriView,
    proxy::{
        Action, ResponseContext, check_request, forward, loop_hash, own_uri, record_route,
        take_own_routes,
    },
};
use testbed::Clock;
use wire_sip::{HeaderName, Message};

const SENT_BY: &[&str] = &["192.0.2.2:5060"];
const SCHEMES: &[&str] = &["sip", "sips", "tel"];

fn check(request: &Message) -> Result<(), (u16, Option<String>)> {
    check_request(request, SENT_BY, &["sec-agree"], SCHEMES)
        .map(|_| ())
        .map_err(|refusal| {
            let answer = refusal.answer(request, "p1");
            let unsupported = answer.header(HeaderName::Unsupported).map(str::to_owned);
            (answer.status().expect("status").as_u16(), unsupported)
        })
}

/// RFC 3261 §16.3.
#[test]
fn requests_that_go_no_further() {
    assert_eq!(check(&invite()), Ok(()));
    let mut last = invite();
    last.set(HeaderName::MaxForwards, 0);
    assert_eq!(check(&last), Err((483, None)));
    last.set(HeaderName::MaxForwards, "many");
    assert_eq!(check(&last), Err((400, None)));
    last.remove(HeaderName::MaxForwards);
    assert_eq!(check(&last), Ok(()), "none is as good as any");
    let mut scheme = invite();
    scheme.set_request_uri("fax:123");
    assert_eq!(check(&scheme), Err((416, None)));
    let mut extension = invite();
    extension.push_back(HeaderName::ProxyRequire, "sec-agree, magic, more");
    assert_eq!(check(&extension), Err((420, Some("magic, more".into()))));
}

/// RFC 3261 §16.3 item 4: unchanged is a loop, changed a spiral.
#[test]
fn a_loop_is_refused_and_a_spiral_is_not() {
    let clock = Clock::new();
    let mut p = transactions(bob(), 2);
    let hash = loop_hash(&invite());
    p.forward_request(clock.now(), udp(alice()), invite(), TimerSet::core(), hash);
    let Some(Output::Send { message, .. }) = p.poll_output() else {
        panic!("it is sent")
    };
    let back = parse(&message);
    assert_eq!(check(&back), Err((482, None)));
    let mut spiral = back.clone();
    spiral.set_request_uri("sip:carol@192.0.2.2");
    assert_eq!(check(&spiral), Ok(()));
    let elsewhere = check_request(&back, &["192.0.2.77"], &[], SCHEMES);
    assert!(elsewhere.is_ok(), "that was another proxy's Via");
}

/// RFC 3261 §16.4, RFC 5658 §5: both of a pair are ours.
#[test]
fn own_routes_come_off_the_top() {
    let ours = |uri: &UriView<'_>| uri.host == "edge.example.com";
    let mut request = invite();
    for route in [
        "<sip:tok1@edge.example.com;transport=ws;lr>, <sip:tok2@edge.example.com;lr>",
        "<sip:core.example.com;lr>",
        "<sip:edge.example.com;lr>",
    ] {
        request.push_back(HeaderName::Route, route);
    }
    let own = take_own_routes(&mut request, ours);
    assert_eq!(
        own,
        [
            "sip:tok1@edge.example.com;transport=ws;lr",
            "sip:tok2@edge.example.com;lr"
        ]
    );
    let left: Vec<_> = request.values(HeaderName::Route).collect();
    assert_eq!(
        left,
        ["<sip:core.example.com;lr>", "<sip:edge.example.com;lr>"]
    );
}

/// RFC 3261 §16.12.1.2: a strict router before us put our URI into the Request-URI.
#[test]
fn what_a_strict_router_did_is_undone() {
    let mut request = invite();
    request.set_request_uri("sip:tok@edge.example.com;lr");
    request.push_back(HeaderName::Route, "<sip:b@192.0.2.9>");
    let own = take_own_routes(&mut request, |uri| uri.host == "edge.example.com");
    assert_eq!(own, ["sip:tok@edge.example.com;lr"]);
    assert_eq!(request.request_uri(), Some("sip:b@192.0.2.9"));
    assert_eq!(request.header(HeaderName::Route), None);
}

/// RFC 3261 §16.6 items 3, 6 and 7.
#[test]
fn forwarding_counts_hops_and_follows_the_route() {
    let mut request = invite();
    assert_eq!(forward(&mut request), "sip:bob@192.0.2.2");
    assert_eq!(request.header(HeaderName::MaxForwards), Some("69"));
    request.remove(HeaderName::MaxForwards);
    request.push_back(HeaderName::Route, "<sip:next.example.com;lr>");
    assert_eq!(forward(&mut request), "sip:next.example.com;lr");
    assert_eq!(request.header(HeaderName::MaxForwards), Some("70"));
    assert_eq!(request.request_uri(), Some("sip:bob@192.0.2.2"));

    let mut strict = invite();
    strict.push_back(HeaderName::Route, "<sip:strict.example.com>");
    assert_eq!(forward(&mut strict), "sip:strict.example.com");
    assert_eq!(strict.request_uri(), Some("sip:strict.example.com"));
    assert_eq!(
        strict.header(HeaderName::Route),
        Some("<sip:bob@192.0.2.2>")
    );
}

/// RFC 5658 §5.
#[test]
fn two_sides_are_two_record_routes() {
    let ws = own_uri(Some("tok"), "edge.example.com:443", Transport::Wss);
    let udp = own_uri(Some("tok"), "edge.example.com:5070", Transport::Udp);
    let mut request = invite();
    request.push_back(HeaderName::RecordRoute, "<sip:before.example.com;lr>");
    record_route(&mut request, &ws, &udp);
    let recorded: Vec<_> = request.values(HeaderName::RecordRoute).collect();
    assert_eq!(
        recorded,
        [
            "<sip:tok@edge.example.com:5070;lr>",
            "<sip:tok@edge.example.com:443;transport=ws;lr>",
            "<sip:before.example.com;lr>"
        ]
    );
    let mut request = invite();
    record_route(&mut request, &udp, &udp);
    assert_eq!(request.values(HeaderName::RecordRoute).count(), 1);
}

#[test]
fn provisional_responses_go_on_but_for_100() {
    let mut fork = Fork::new(2);
    assert!(fork.answers(0, 100).is_empty());
    assert_eq!(fork.answers(0, 180), ["180"]);
    assert_eq!(fork.answers(1, 183), ["183"]);
}

/// RFC 3261 §16.7 items 5 and 10.
#[test]
fn the_first_2xx_goes_on_and_the_others_are_cancelled() {
    let mut fork = Fork::new(3);
    assert!(fork.answers(2, 486).is_empty());
    assert_eq!(fork.answers(0, 200), ["200", "cancel 1"]);
    assert!(!fork.context.is_done());
    assert!(fork.answers(1, 487).is_empty());
    assert!(fork.context.is_done());
    assert_eq!(fork.answers(1, 200), ["200"], "every 2xx goes on");
    assert!(fork.answers(1, 180).is_empty());
}

/// RFC 3261 §16.7 item 6.
#[test]
fn the_best_of_the_failures_goes_on_when_all_have_failed() {
    for (statuses, best) in [
        ([486, 404, 503], "404"),
        ([503, 302, 404], "302"),
        ([404, 603, 200], "200"),
        ([500, 415, 404], "415"),
        ([480, 408, 503], "480"),
        ([501, 600, 302], "600"),
        ([503, 503, 503], "500"),
    ] {
        let mut fork = Fork::new(3);
        let mut heard = Vec::new();
        for (branch, status) in statuses.into_iter().enumerate() {
            let said = fork.answers(branch, status);
            heard.extend(said.into_iter().filter(|said| !said.starts_with("cancel")));
        }
        assert_eq!(heard, [best], "{statuses:?}");
    }
}

#[test]
fn a_6xx_cancels_the_others() {
    let mut fork = Fork::new(2);
    assert_eq!(fork.answers(1, 603), ["cancel 0"]);
    assert_eq!(fork.answers(0, 487), ["603"]);
}

/// RFC 3261 §16.7 item 7.
#[test]
fn all_challenges_reach_the_caller() {
    let mut fork = Fork::new(2);
    for (branch, realm) in ["one", "two"].into_iter().enumerate() {
        let mut answer = response(&fork.sent[branch], 401);
        answer.push_back(
            HeaderName::WwwAuthenticate,
            format!("Digest realm=\"{realm}\", nonce=\"1\""),
        );
        let actions = fork
            .context
            .handle_response(fork.clock.now(), fork.ids[branch], answer);
        if let Some(Action::Forward(response)) = actions.first() {
            let text = response.to_bytes();
            let text = std::str::from_utf8(&text).unwrap();
            assert!(
                text.contains("\"one\"") && text.contains("\"two\""),
                "{text}"
            );
            return;
        }
    }
    panic!("the 401 goes on");
}

/// RFC 3261 §16.8: Timer C, wound up by every provisional response but 100.
#[test]
fn timer_c_cancels_what_rings_too_long() {
    let mut fork = Fork::new(1);
    assert_eq!(
        fork.context.poll_timeout(),
        Some(fork.clock.now() + TimerSet::TIMER_C)
    );
    fork.clock.advance(Duration::from_mins(2));
    fork.answers(0, 100);
    fork.answers(0, 180);
    let at = fork.clock.now() + TimerSet::TIMER_C;
    assert_eq!(fork.context.poll_timeout(), Some(at));
    assert!(fork.timeout(Duration::from_mins(3)).is_empty());
    assert_eq!(fork.timeout(Duration::from_secs(5)), ["cancel 0"]);
    assert_eq!(fork.context.poll_timeout(), None);
    assert_eq!(fork.answers(0, 487), ["487"]);
    assert!(fork.context.is_done());
}

/// RFC 3261 §16.8, §16.9, §16.10.
#[test]
fn branches_that_end_without_an_answer() {
    let mut fork = Fork::new(1);
    let id = fork.ids[0];
    let said = fork.context.handle_branch_timeout(id);
    assert_eq!(fork.describe(&said), ["408"]);

    let mut fork = Fork::new(1);
    let id = fork.ids[0];
    let said = fork.context.handle_branch_failed(id);
    assert_eq!(fork.describe(&said), ["503"]);

    let mut fork = Fork::new(2);
    assert!(fork.answers(0, 486).is_empty());
    let said = fork.context.handle_cancel();
    assert_eq!(fork.describe(&said), ["cancel 1"]);
    assert!(fork.context.is_cancelled());
    assert_eq!(fork.answers(1, 487), ["486"]);
}

/// A request that went to several places.
struct Fork {
    clock: Clock,
    context: ResponseContext,
    ids: Vec<ClientTransactionId>,
    sent: Vec<Message>,
}

impl Fork {
    fn new(branches: usize) -> Self {
        let clock = Clock::new();
        let mut p: Transactions = transactions(bob(), 2);
        let source = from(Transport::Udp, bob(), alice());
        p.handle_message(clock.now(), source, incoming("INVITE", "UDP", "z9hG4bK1"));
        let Some(Output::Request { id, message, .. }) = p.poll_output() else {
            panic!("a request comes up")
        };
        let mut context = ResponseContext::new(id, message.clone(), "p1".into());
        let (mut ids, mut sent) = (Vec::new(), Vec::new());
        for _ in 0..branches {
            let branch =
                p.send_request(clock.now(), udp(alice()), message.clone(), TimerSet::core());
            context.add_branch(clock.now(), branch);
            ids.push(branch);
            let Some(Output::Send { message, .. }) = p.poll_output() else {
                panic!("it is sent")
            };
            sent.push(parse(&message));
        }
        Self {
            clock,
            context,
            ids,
            sent,
        }
    }

    fn answers(&mut self, branch: usize, status: u16) -> Vec<String> {
        let answer = response(&self.sent[branch], status);
        let now = self.clock.now();
        let actions = self.context.handle_response(now, self.ids[branch], answer);
        self.describe(&actions)
    }

    fn timeout(&mut self, step: Duration) -> Vec<String> {
        let now = self.clock.advance(step);
        let actions = self.context.handle_timeout(now);
        self.describe(&actions)
    }

    fn describe(&self, actions: &[Action]) -> Vec<String> {
        let describe = |action: &Action| match action {
            Action::Forward(response) => {
                assert_eq!(response.values(HeaderName::Via).count(), 1);
                response.status().expect("status").as_u16().to_string()
            }
            Action::Cancel(id) => {
                let branch = self.ids.iter().position(|own| own == id);
                format!("cancel {}", branch.expect("one of ours"))
            }
        };
        actions.iter().map(describe).collect()
    }
}

fn invite() -> Message {
    request("INVITE")
}
