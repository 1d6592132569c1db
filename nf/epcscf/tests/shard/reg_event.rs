//! TS 24.229 §5.2.3 and §5.2.5.2 — the network ends a registration.

use std::time::Duration;

use proptest::prelude::*;
use wire_sip::{HeaderName, Message, StatusCode};

use super::support::*;

/// The core takes the subscription and tells the first state.
fn subscribed(bench: &mut Bench) -> Message {
    let subscribe = bench.subscription();
    let mut ok = answer(&subscribe, StatusCode::OK, "scscf", None);
    ok.push_back(HeaderName::Expires, 600_000);
    bench.core_says(&ok);
    subscribe
}

fn notify(
    bench: &mut Bench,
    subscribe: &Message,
    version: u32,
    identities: &[(&str, &str)],
    contact: &str,
) -> Message {
    let target = subscribe
        .header(HeaderName::Contact)
        .unwrap()
        .trim_matches(['<', '>']);
    let registrations: Vec<String> = identities
        .iter()
        .map(|(aor, state)| {
            format!(
                "<registration aor=\"{aor}\" id=\"{aor}\" state=\"{state}\"><contact id=\"1\" {contact}>\
                 <uri>sip:alice@alice.invalid;transport=ws</uri></contact></registration>"
            )
        })
        .collect();
    let registrations = registrations.concat();
    let body = format!(
        "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"{version}\" state=\"full\">{registrations}</reginfo>"
    );
    let notify = message(&format!(
        "NOTIFY {target} SIP/2.0\r\nVia: SIP/2.0/UDP {CORE};branch=z9hG4bKn{version}\r\nMax-Forwards: 70\r\n\
         From: {};tag=scscf\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} NOTIFY\r\nContact: <sip:scscf@{CORE}>\r\n\
         Event: reg\r\nSubscription-State: active;expires=600000\r\nContent-Type: application/reginfo+xml\r\n\
         Content-Length: {}\r\n\r\n{body}",
        subscribe.header(HeaderName::To).unwrap(),
        subscribe.header(HeaderName::From).unwrap(),
        subscribe.call_id(),
        version + 1,
        body.len()
    ));
    bench.core_says(&notify);
    bench.at_core()
}

const BOTH: &[(&str, &str)] = &[
    ("sip:alice@home.example", "active"),
    ("tel:+15550100", "active"),
];
const ACTIVE: &str = "state=\"active\" event=\"registered\"";

#[test]
fn a_registration_is_watched_once() {
    let mut bench = Bench::new();
    bench.register();
    let subscribe = bench.subscription();
    assert_eq!(subscribe.request_uri(), Some("sip:alice@home.example"));
    assert_eq!(
        subscribe.header(HeaderName::PAssertedIdentity),
        Some("<sip:198.51.100.1:5070>")
    );
    assert_eq!(subscribe.header(HeaderName::Event), Some("reg"));
    assert!(subscribe.header(HeaderName::PChargingVector).is_some());
    bench.path();
    assert!(
        bench
            .to_core
            .iter()
            .all(|(_, m)| m.method().as_str() != "SUBSCRIBE"),
        "a refresh needs no other"
    );
}

#[test]
fn the_network_ends_a_registration_and_its_calls() {
    let mut bench = Bench::new();
    bench.register();
    let subscribe = subscribed(&mut bench);
    let answer_to = notify(&mut bench, &subscribe, 0, BOTH, ACTIVE);
    assert_eq!(answer_to.status(), Some(StatusCode::OK));
    assert_eq!(bench.shard.counters().bindings, 1);
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    let request = bench.at_core();
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    let ok = bench.at_wic();
    bench.wic_says(&in_dialog("ACK", 1, &ok));
    bench.to_core.clear();

    let ended = "state=\"terminated\" event=\"deactivated\"";
    notify(
        &mut bench,
        &subscribe,
        1,
        &[("sip:alice@home.example", "terminated")],
        ended,
    );
    assert_eq!(bench.shard.counters().bindings, 0);
    assert_eq!(bench.shard.counters().sessions, 0);
    assert_eq!(bench.at_core().method().as_str(), "BYE");
    assert_eq!(bench.at_wic().method().as_str(), "BYE");
}

#[test]
fn an_identity_that_ends_is_asserted_no_more() {
    let mut bench = Bench::new();
    bench.register();
    let subscribe = subscribed(&mut bench);
    let one = [
        ("sip:alice@home.example", "active"),
        ("tel:+15550100", "terminated"),
    ];
    notify(&mut bench, &subscribe, 0, &one, ACTIVE);
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    let request = bench.at_core();
    assert_eq!(
        request.header(HeaderName::PAssertedIdentity),
        Some("<sip:alice@home.example>")
    );
}

#[test]
fn a_registration_may_be_shortened() {
    let mut bench = Bench::new();
    bench.register();
    let subscribe = subscribed(&mut bench);
    notify(
        &mut bench,
        &subscribe,
        0,
        BOTH,
        "state=\"active\" event=\"shortened\" expires=\"20\"",
    );
    bench.wait(Duration::from_secs(19));
    assert_eq!(bench.shard.counters().bindings, 1);
    bench.wait(Duration::from_secs(2));
    assert_eq!(bench.shard.counters().bindings, 0);
}

#[test]
fn a_notify_of_nobodys_is_481() {
    let mut bench = Bench::new();
    bench.register();
    let subscribe = subscribed(&mut bench);
    let mut other = Message::parse(subscribe.to_bytes()).unwrap();
    other.set(HeaderName::CallId, "another");
    let answer = notify(
        &mut bench,
        &other,
        0,
        BOTH,
        "state=\"terminated\" event=\"rejected\"",
    );
    assert_eq!(answer.status(), Some(StatusCode::CALL_DOES_NOT_EXIST));
    assert_eq!(bench.shard.counters().bindings, 1);
}

#[test]
fn a_core_that_lets_nobody_watch_is_no_harm() {
    let mut bench = Bench::new();
    bench.register();
    let subscribe = bench.subscription();
    bench.core_says(&answer(&subscribe, StatusCode::FORBIDDEN, "scscf", None));
    assert_eq!(bench.shard.counters().bindings, 1);
}

/// One document of the core's, as it is.
fn document(bench: &mut Bench, subscribe: &Message, cseq: u32, state: &str, body: &str) -> Message {
    let to = subscribe.header(HeaderName::From).unwrap();
    let target = subscribe.header(HeaderName::Contact).unwrap();
    bench.core_says(&message(&format!(
        "NOTIFY {} SIP/2.0\r\nVia: SIP/2.0/UDP {CORE};branch=z9hG4bKdoc{cseq}\r\nMax-Forwards: 70\r\n\
         From: {};tag=scscf\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {cseq} NOTIFY\r\n\
         Contact: <sip:scscf@{CORE}>\r\nEvent: reg\r\nSubscription-State: {state}\r\n\
         Content-Type: application/reginfo+xml\r\nContent-Length: {}\r\n\r\n{body}",
        target.trim_matches(['<', '>']),
        subscribe.header(HeaderName::To).unwrap(),
        subscribe.call_id(),
        body.len()
    )));
    bench.to_core.pop_front().map(|(_, answer)| answer).unwrap()
}

fn reginfo(version: u32, state: &str, registrations: &[(&str, &str, &str)]) -> String {
    let one = |(aor, state, contact): &(&str, &str, &str)| {
        format!(
            "<registration aor=\"{aor}\" id=\"{aor}\" state=\"{state}\"><contact id=\"1\" {contact}>\
             <uri>sip:alice@alice.invalid;transport=ws</uri></contact></registration>"
        )
    };
    let registrations: String = registrations.iter().map(one).collect();
    format!(
        "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"{version}\" state=\"{state}\">{registrations}</reginfo>"
    )
}

const ALICE: &str = "sip:alice@home.example";
const NUMBER: &str = "tel:+15550100";
const GONE: &str = "state=\"terminated\" event=\"unregistered\"";
const GOES_ON: &str = "active;expires=600000";

fn watched(bench: &mut Bench) -> Message {
    bench.register();
    let subscribe = subscribed(bench);
    let all = [(ALICE, "active", ACTIVE), (NUMBER, "active", ACTIVE)];
    document(bench, &subscribe, 1, GOES_ON, &reginfo(0, "full", &all));
    subscribe
}

fn asserted(bench: &mut Bench) -> String {
    let number = bench.messages;
    bench.messages += 1;
    bench.wic_says(&message(&format!(
        "MESSAGE sip:bob@{HOME} SIP/2.0\r\nVia: SIP/2.0/WSS alice.invalid;branch=z9hG4bKas{number}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@{HOME}>;tag=m\r\nTo: <sip:bob@{HOME}>\r\n\
         Call-ID: as{number}\r\nCSeq: 1 MESSAGE\r\nP-Preferred-Identity: <{NUMBER}>\r\n\
         Content-Length: 0\r\n\r\n"
    )));
    let request = bench.at_core();
    request
        .header(HeaderName::PAssertedIdentity)
        .unwrap()
        .to_owned()
}

/// RFC 3680 §5.1 — a partial document speaks of what it names, and of nothing else.
#[test]
fn a_partial_document_changes_what_it_names() {
    let mut bench = Bench::new();
    let subscribe = watched(&mut bench);
    assert_eq!(asserted(&mut bench), "<tel:+15550100>");
    let one = reginfo(1, "partial", &[(NUMBER, "active", GONE)]);
    document(&mut bench, &subscribe, 2, GOES_ON, &one);
    assert_eq!(bench.shard.counters().bindings, 1);
    assert_eq!(asserted(&mut bench), "<sip:alice@home.example>");
    let other = reginfo(2, "partial", &[(ALICE, "terminated", GONE)]);
    document(&mut bench, &subscribe, 3, GOES_ON, &other);
    assert_eq!(bench.shard.counters().bindings, 0, "the last identity went");
}

/// RFC 3680 §5.1 — what was missed is asked for, and what is old changes nothing.
#[test]
fn a_gap_is_filled_and_an_old_document_is_passed_over() {
    let mut bench = Bench::new();
    let subscribe = watched(&mut bench);
    let next = reginfo(1, "partial", &[(ALICE, "active", ACTIVE)]);
    document(&mut bench, &subscribe, 2, GOES_ON, &next);
    assert!(bench.to_core.is_empty());
    let fourth = reginfo(4, "partial", &[(ALICE, "active", ACTIVE)]);
    document(&mut bench, &subscribe, 3, GOES_ON, &fourth);
    let again = bench.subscription();
    assert_eq!(again.call_id(), subscribe.call_id());
    assert_eq!(again.header(HeaderName::CSeq), Some("2 SUBSCRIBE"));
    let old = reginfo(
        3,
        "full",
        &[(ALICE, "terminated", GONE), (NUMBER, "terminated", GONE)],
    );
    document(&mut bench, &subscribe, 4, GOES_ON, &old);
    assert_eq!(bench.shard.counters().bindings, 1);
}

/// TS 24.229 §5.2.5.2 — whatever the network calls it, the registration is over, and its WebSocket goes
/// when what is under way has reached the WIC.
#[test]
fn every_way_to_end_it_ends_it() {
    for event in [
        "deactivated",
        "probation\" retry-after=\"60",
        "rejected",
        "unregistered",
        "expired",
    ] {
        let mut bench = Bench::new();
        let subscribe = watched(&mut bench);
        let contact = format!("state=\"terminated\" event=\"{event}\"");
        let all = [
            (ALICE, "terminated", contact.as_str()),
            (NUMBER, "terminated", contact.as_str()),
        ];
        let body = reginfo(1, "full", &all);
        document(
            &mut bench,
            &subscribe,
            2,
            "terminated;reason=noresource",
            &body,
        );
        assert_eq!(bench.shard.counters().bindings, 0, "{event}");
        assert!(
            bench.closed.is_empty(),
            "the WIC's own NOTIFY may be on its way"
        );
        bench.wait(Duration::from_secs(11));
        assert_eq!(bench.closed, [(WIC, 1000)], "{event}");
        assert!(bench.core_is_quiet() && bench.to_core.is_empty(), "{event}");
        assert!(format!("{:?}", bench.shard).contains("watches: (0, 0)"));
    }
}

/// RFC 6665 §4.1.3 — a dialog is its tags too.
#[test]
fn a_notify_of_another_dialog_changes_nothing() {
    let mut bench = Bench::new();
    let subscribe = watched(&mut bench);
    let all = [(ALICE, "terminated", GONE), (NUMBER, "terminated", GONE)];
    let text = reginfo(1, "full", &all);
    let stranger = with(&subscribe, |text| text.replace("To: <", "To: \"x\" <"));
    let stranger = with(&stranger, |text| {
        text.replace(
            "To: \"x\" <sip:alice@home.example>",
            "To: <sip:alice@home.example>;tag=evil",
        )
    });
    // `tag=evil;tag=scscf`: the first is the one that counts.
    let answer = document(&mut bench, &stranger, 2, GOES_ON, &text);
    assert_eq!(answer.status(), Some(StatusCode::CALL_DOES_NOT_EXIST));
    assert_eq!(bench.shard.counters().bindings, 1);
}

/// RFC 6665 §4.1.3 — an S-CSCF that moves the subscription gets another, one that refuses it none.
#[test]
fn a_subscription_that_is_over_may_begin_anew() {
    for (state, anew) in [
        ("terminated;reason=deactivated", true),
        ("terminated;reason=timeout", true),
        ("terminated;reason=rejected", false),
        ("terminated", false),
    ] {
        let mut bench = Bench::new();
        let subscribe = watched(&mut bench);
        bench.wait(Duration::from_mins(1));
        let body = reginfo(1, "full", &[(ALICE, "active", ACTIVE)]);
        document(&mut bench, &subscribe, 2, state, &body);
        let watches = format!("{:?}", bench.shard).contains("watches: (1, 1)");
        assert_eq!(watches, anew, "{state}");
        if anew {
            assert_ne!(bench.subscription().call_id(), subscribe.call_id());
        }
        assert_eq!(bench.shard.counters().bindings, 1);
    }
}

/// TS 24.229 §5.2.6.3 — the WIC's own subscription is between it and the core; gives the route of its NOTIFYs.
fn own_subscription(bench: &mut Bench) -> String {
    bench.wic_says(&message(&format!(
        "SUBSCRIBE sip:alice@{HOME} SIP/2.0\r\nVia: SIP/2.0/WSS alice.invalid;branch=z9hG4bKsub\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@{HOME}>;tag=own\r\nTo: <sip:alice@{HOME}>\r\n\
         Call-ID: own\r\nCSeq: 1 SUBSCRIBE\r\nContact: <sip:alice@alice.invalid;transport=ws>\r\n\
         Event: reg\r\nExpires: 600\r\nContent-Length: 0\r\n\r\n"
    )));
    let own = |m: &(core_sip::Target, Message)| m.1.call_id() == "own" && m.1.is_request();
    let at = bench.to_core.iter().position(own).unwrap();
    let request = bench.to_core.remove(at).unwrap().1;
    let route = request.values(HeaderName::RecordRoute).next().unwrap();
    assert!(request.header(HeaderName::PAssertedIdentity).is_some());
    let mut ok = answer(&request, StatusCode::OK, "scscf", None);
    ok.push_back(HeaderName::Expires, 600);
    bench.core_says(&ok);
    let ok = bench.at_wic();
    assert_eq!(ok.to_tag(), Some("scscf"));
    route.to_owned()
}

/// What the core tells the WIC in it, by a method.
fn own_notify(route: &str, number: u32, method: &str, contact: &str) -> Message {
    let body = reginfo(number, "full", &[(ALICE, "active", contact)]);
    message(&format!(
        "{method} sip:alice@alice.invalid;transport=ws SIP/2.0\r\nVia: SIP/2.0/UDP {CORE};branch=z9hG4bKown{method}{number}\r\n\
         Max-Forwards: 70\r\nRoute: {route}\r\nFrom: <sip:alice@{HOME}>;tag=scscf\r\n\
         To: <sip:alice@{HOME}>;tag=own\r\nCall-ID: own\r\nCSeq: {number} {method}\r\nEvent: reg\r\n\
         Subscription-State: {GOES_ON}\r\nContent-Type: application/reginfo+xml\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

#[test]
fn the_wics_own_subscription_passes() {
    let mut bench = Bench::new();
    bench.register();
    let route = own_subscription(&mut bench);
    let said = own_notify(&route, 1, "NOTIFY", ACTIVE);
    bench.core_says(&said);
    let notify = bench.at_wic();
    assert_eq!(notify.method().as_str(), "NOTIFY");
    assert_eq!(notify.body(), said.body());
}

/// TS 24.229 §5.1.1.7 — the edge heard first that the registration is over; the WIC is told why, and whether to come
/// again.
#[test]
fn the_wic_hears_why_its_registration_is_over() {
    const OVER: &str = "state=\"terminated\" event=\"probation\" retry-after=\"9\"";
    let mut bench = Bench::new();
    bench.register();
    let subscribe = subscribed(&mut bench);
    let route = own_subscription(&mut bench);
    notify(&mut bench, &subscribe, 0, &[(ALICE, "terminated")], OVER);
    assert_eq!(bench.shard.counters().bindings, 0);
    bench.core_says(&own_notify(&route, 2, "NOTIFY", OVER));
    let heard = bench.at_wic();
    assert_eq!(heard.method().as_str(), "NOTIFY");
    bench.wic_says(&answer(&heard, StatusCode::OK, "alice", None));
    assert_eq!(bench.at_core().status(), Some(StatusCode::OK));
    // Nothing else reaches it, and it asks for nothing.
    bench.core_says(&own_notify(&route, 3, "MESSAGE", OVER));
    assert_eq!(
        bench.at_core().status(),
        Some(StatusCode::CALL_DOES_NOT_EXIST)
    );
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::FORBIDDEN));
    // And when the WebSocket is another registration's, or gone, it hears nothing either.
    bench.register();
    bench.core_says(&own_notify(&route, 4, "NOTIFY", OVER));
    assert_eq!(
        bench.at_core().status(),
        Some(StatusCode::CALL_DOES_NOT_EXIST)
    );
    assert!(bench.to_wic.is_empty());
}

fn contact_events() -> impl Strategy<Value = String> {
    let state = prop_oneof![Just("active"), Just("terminated"), Just("")];
    let event = prop_oneof![
        Just("registered"),
        Just("shortened"),
        Just("expired"),
        Just("probation"),
        Just("rejected"),
        Just("&amp;"),
    ];
    let expires = prop_oneof![Just(0), 1..1000_u64, Just(u64::MAX), any::<u64>()];
    (state, event, expires).prop_map(|(state, event, expires)| {
        format!(
            "state=\"{state}\" event=\"{event}\" expires=\"{expires}\" retry-after=\"{expires}\""
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// RFC 3680 §5 — whatever a notifier writes, the shard goes on; and a registration ends by a document that says so of
    /// our contact or of all identities, and by no other.
    #[test]
    fn any_document_is_read(
        contacts in proptest::collection::vec((any::<bool>(), contact_events()), 1..4),
        version in prop_oneof![Just(1_u32), any::<u32>()],
        whole in any::<bool>(),
        change in proptest::option::of(any::<(proptest::sample::Index, u8)>()),
    ) {
        let mut bench = Bench::new();
        let subscribe = watched(&mut bench);
        let state = if whole { "full" } else { "partial" };
        let said: Vec<_> = contacts
            .iter()
            .map(|(active, contact)| (ALICE, if *active { "active" } else { "terminated" }, &**contact))
            .collect();
        let mut body = reginfo(version, state, &said).into_bytes();
        if let Some((at, octet)) = change {
            let at = at.index(body.len());
            // What is no text has no place in the test's own message.
            body[at] = octet & 0x7f;
        }
        let body = String::from_utf8(body).unwrap();
        document(&mut bench, &subscribe, 2, GOES_ON, &body);
        let ends = body.contains("terminated");
        prop_assert!(ends || bench.shard.counters().bindings == 1);
        bench.wait(Duration::from_secs(2000));
        prop_assert_eq!(bench.shard.counters().bindings, 0, "and it ends in time at the latest");
    }
}
