//! The reg event package: RFC 3680, RFC 6665, TS 24.229 §5.4.2.1.
mod common;

use std::time::Duration;

use common::*;
use nf_lab_core::Ending;
use wire_sip::{HeaderName, Message};

const PATH: &str = "<sip:token@127.0.0.1:5070;lr>";
const CONTACT: &str = "<sip:x@abc.invalid;transport=ws>";

fn subscribe(lab: &mut Lab, expires: u32) -> (Message, Vec<Sent>) {
    let mut request = request(
        "SUBSCRIBE",
        "sip:127.0.0.1:5070",
        "sip:alice@ims.example.com",
    );
    request.push_back(HeaderName::Event, "reg");
    request.push_back(HeaderName::Expires, expires);
    request.push_back(HeaderName::PAssertedIdentity, "<sip:127.0.0.1:5070>");
    request.set(HeaderName::Contact, "<sip:127.0.0.1:5070>");
    let mut sent = lab.receive(edge(), &request);
    let answer = sent.remove(0).message;
    (answer, sent)
}

fn body(message: &Message) -> String {
    String::from_utf8(message.body().to_vec()).expect("XML is UTF-8")
}

fn ok(lab: &mut Lab, notify: &Message) -> Vec<Sent> {
    lab.receive(edge(), &respond(notify, 200))
}

#[test]
fn a_p_cscf_watches_a_registration_come_and_go() {
    let mut lab = Lab::new();
    lab.register_trusted("alice", CONTACT, PATH);
    let (answer, sent) = subscribe(&mut lab, 600_000);
    assert_eq!(status(&answer), 200);
    assert_eq!(answer.header(HeaderName::Expires), Some("600000"));
    assert_eq!(names(&sent), ["NOTIFY"]);
    assert_eq!(sent[0].target, udp(EDGE));
    let first = sent[0].message.clone();
    assert_eq!(first.request_uri(), Some("sip:127.0.0.1:5070"));
    assert_eq!(
        first.header(HeaderName::SubscriptionState),
        Some("active;expires=600000")
    );
    assert_eq!(
        first.header(HeaderName::ContentType),
        Some("application/reginfo+xml")
    );
    let xml = body(&first);
    for part in [
        "xmlns=\"urn:ietf:params:xml:ns:reginfo\"",
        "version=\"0\" state=\"full\"",
        "aor=\"sip:alice@ims.example.com\" id=\"r0\" state=\"active\"",
        "aor=\"tel:+15550100\" id=\"r1\" state=\"active\"",
        "state=\"active\" event=\"registered\" expires=\"3600\"",
        "<uri>sip:x@abc.invalid;transport=ws</uri>",
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }
    assert!(ok(&mut lab, &first).is_empty(), "nothing new");

    let mut bye = lab.register_request("alice", CONTACT);
    bye.push_back(HeaderName::Expires, 0);
    bye.push_back(HeaderName::Authorization, auth_done("alice"));
    let sent = lab.receive(edge(), &bye);
    assert_eq!(names(&sent), ["200 REGISTER", "NOTIFY"]);
    let xml = body(&sent[1].message);
    for part in [
        "version=\"1\"",
        "id=\"r0\" state=\"terminated\"",
        "state=\"terminated\" event=\"unregistered\"",
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }
}

#[test]
fn one_notify_at_a_time() {
    let mut lab = Lab::new();
    lab.register_trusted("alice", CONTACT, PATH);
    let (_, sent) = subscribe(&mut lab, 600);
    let first = sent[0].message.clone();
    for host in ["one", "two"] {
        let contact = format!("<sip:x@{host}.invalid>");
        lab.register_trusted("alice", &contact, PATH);
    }
    let sent = ok(&mut lab, &first);
    assert_eq!(names(&sent), ["NOTIFY"], "both changes in one");
    let xml = body(&sent[0].message);
    assert!(xml.contains("version=\"1\""), "{xml}");
    assert!(
        xml.contains("one.invalid") && xml.contains("two.invalid"),
        "{xml}"
    );
    let cseq = sent[0].message.header(HeaderName::CSeq);
    assert_eq!(cseq, Some("2 NOTIFY"));
}

#[test]
fn an_expired_contact_is_told() {
    let mut lab = Lab::new();
    lab.register_trusted("alice", &format!("{CONTACT};expires=60"), PATH);
    let (_, sent) = subscribe(&mut lab, 600);
    ok(&mut lab, &sent[0].message);
    let sent = lab.pass(Duration::from_mins(1));
    assert_eq!(names(&sent), ["NOTIFY"]);
    let xml = body(&sent[0].message);
    assert!(xml.contains("event=\"expired\""), "{xml}");
}

#[test]
fn a_subscription_is_refreshed_ended_and_expires() {
    let mut lab = Lab::new();
    lab.register_trusted("alice", CONTACT, PATH);
    let (answer, sent) = subscribe(&mut lab, 600);
    ok(&mut lab, &sent[0].message);
    let again = |lab: &mut Lab, number: u32, expires: u32| {
        let mut request = request("SUBSCRIBE", "sip:127.0.0.1:5070", "sip:127.0.0.1:5060");
        let branch = format!("SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKs{number}");
        request.replace_first_value(HeaderName::Via, branch);
        let to = answer.header(HeaderName::To).expect("To");
        request.set(HeaderName::To, to);
        request.set(HeaderName::CSeq, format!("{number} SUBSCRIBE"));
        request.push_back(HeaderName::Event, "reg");
        request.push_back(HeaderName::Expires, expires);
        lab.receive(edge(), &request)
    };
    let sent = again(&mut lab, 2, 600);
    assert_eq!(names(&sent), ["200 SUBSCRIBE", "NOTIFY"]);
    ok(&mut lab, &sent[1].message);
    let sent = again(&mut lab, 3, 0);
    assert_eq!(names(&sent), ["200 SUBSCRIBE", "NOTIFY"]);
    let state = sent[1].message.header(HeaderName::SubscriptionState);
    assert_eq!(state, Some("terminated;reason=timeout"));
    ok(&mut lab, &sent[1].message);
    assert_eq!(names(&again(&mut lab, 4, 600)), ["481 SUBSCRIBE"]);

    let mut lab = Lab::new();
    lab.register_trusted("alice", CONTACT, PATH);
    let (_, sent) = subscribe(&mut lab, 100);
    ok(&mut lab, &sent[0].message);
    let sent = lab.pass(Duration::from_secs(100));
    assert_eq!(names(&sent), ["NOTIFY"]);
    let state = sent[0].message.header(HeaderName::SubscriptionState);
    assert_eq!(state, Some("terminated;reason=timeout"));
}

/// RFC 6665 §4.2.2.
#[test]
fn a_watcher_who_is_not_there_watches_no_longer() {
    let mut lab = Lab::new();
    lab.register_trusted("alice", CONTACT, PATH);
    let (_, sent) = subscribe(&mut lab, 600);
    let gone = respond(&sent[0].message, 481);
    assert!(lab.receive(edge(), &gone).is_empty());
    let mut again = lab.register_request("alice", CONTACT);
    again.push_back(HeaderName::Path, PATH);
    again.push_back(HeaderName::Authorization, auth_done("alice"));
    assert_eq!(names(&lab.receive(edge(), &again)), ["200 REGISTER"]);
}

/// A client behind an edge watches its own registration: NOTIFY goes by the dialog's route.
#[test]
fn a_client_watches_itself() {
    let mut lab = Lab::new();
    lab.register_trusted("alice", CONTACT, PATH);
    let mut request = request("SUBSCRIBE", "alice", "sip:alice@ims.example.com");
    request.push_back(HeaderName::Event, "reg");
    request.push_back(HeaderName::PAssertedIdentity, "<sip:alice@ims.example.com>");
    request.push_back(HeaderName::RecordRoute, "<sip:binding@127.0.0.1:5070;lr>");
    request.set(HeaderName::Contact, CONTACT);
    let sent = lab.receive(edge(), &request);
    assert_eq!(names(&sent), ["200 SUBSCRIBE", "NOTIFY"]);
    assert_eq!(sent[1].target, udp(EDGE));
    let notify = &sent[1].message;
    assert_eq!(notify.request_uri(), Some("sip:x@abc.invalid;transport=ws"));
    assert_eq!(
        notify.header(HeaderName::Route),
        Some("<sip:binding@127.0.0.1:5070;lr>")
    );
    assert_eq!(
        sent[0].message.header(HeaderName::RecordRoute),
        Some("<sip:binding@127.0.0.1:5070;lr>")
    );
}

/// TS 24.229 §5.4.2.1.1.
#[test]
fn nobody_watches_another() {
    let mut lab = Lab::new();
    lab.register_trusted("alice", CONTACT, PATH);
    lab.register("bob", phone("127.0.0.1:5092"));
    let mut spying = request("SUBSCRIBE", "bob", "sip:alice@ims.example.com");
    spying.push_back(HeaderName::Event, "reg");
    let source = phone("127.0.0.1:5092");
    assert_eq!(status(&lab.ask(source, &spying)), 403);
    let mut other = spying.clone();
    other.set(HeaderName::Event, "presence");
    other.replace_first_value(
        HeaderName::Via,
        "SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKother",
    );
    let sent = lab.receive(source, &other);
    assert_eq!(
        names(&sent),
        ["SUBSCRIBE"],
        "other events are between users"
    );
}

fn alice() -> String {
    format!("alice@{DOMAIN}")
}

/// A watcher who has the full state, and nothing to be told.
fn watched(contact: &str) -> Lab {
    let mut lab = Lab::new();
    lab.register_trusted("alice", contact, PATH);
    let (_, sent) = subscribe(&mut lab, 600);
    assert!(body(&sent[0].message).contains("state=\"full\""));
    ok(&mut lab, &sent[0].message);
    lab
}

/// RFC 3680 §5.1 — what changes is told, and no more.
#[test]
fn a_change_is_a_partial_state() {
    let mut lab = watched(CONTACT);
    let mut second = lab.register_request("alice", "<sip:y@two.invalid>");
    second.push_back(HeaderName::Path, PATH);
    second.push_back(HeaderName::Authorization, auth_done("alice"));
    let sent = lab.receive(edge(), &second);
    assert_eq!(names(&sent), ["200 REGISTER", "NOTIFY"]);
    let xml = body(&sent[1].message);
    assert!(xml.contains("version=\"1\" state=\"partial\""), "{xml}");
    assert!(
        xml.contains("two.invalid") && !xml.contains("abc.invalid"),
        "{xml}"
    );
    assert!(xml.contains("id=\"r0\" state=\"active\""), "{xml}");
}

/// TS 24.229 §5.4.1.5, RFC 3680 §5.3
#[test]
fn the_network_ends_a_registration_with_its_reason() {
    for (ending, says) in [
        (Ending::Deactivated, "event=\"deactivated\" callid"),
        (Ending::Rejected, "event=\"rejected\" callid"),
        (
            Ending::Probation(Duration::from_secs(7)),
            "event=\"probation\" retry-after=\"7\" callid",
        ),
    ] {
        let mut lab = watched(CONTACT);
        let now = lab.clock.now();
        assert_eq!(lab.core.end_registration(now, &alice(), ending), Some(1));
        let sent = lab.sent();
        assert_eq!(names(&sent), ["NOTIFY"]);
        let xml = body(&sent[0].message);
        assert!(
            xml.contains("id=\"r1\" state=\"terminated\"") && xml.contains(says),
            "{xml}"
        );
        assert_eq!(lab.core.contacts(&alice()), Some(0));
        // Nobody is registered any more, and there is nobody else.
        assert_eq!(lab.core.end_registration(now, &alice(), ending), Some(0));
        assert_eq!(lab.core.end_registration(now, "nobody@x", ending), None);
        assert!(lab.sent().is_empty());
    }
}

/// TS 24.229 §5.4.1.6
#[test]
fn the_network_shortens_a_registration_and_means_it() {
    let mut lab = watched(CONTACT);
    let shorten = |lab: &mut Lab, seconds| {
        let (now, left) = (lab.clock.now(), Duration::from_secs(seconds));
        lab.core.shorten_registration(now, &alice(), left)
    };
    assert_eq!(shorten(&mut lab, 60), Some(1));
    let sent = lab.sent();
    let xml = body(&sent[0].message);
    assert!(
        xml.contains("state=\"active\" event=\"shortened\" expires=\"60\""),
        "{xml}"
    );
    assert_eq!(shorten(&mut lab, 90), Some(0), "that is no shorter");
    ok(&mut lab, &sent[0].message);
    let sent = lab.pass(Duration::from_mins(1));
    assert!(body(&sent[0].message).contains("event=\"expired\""));
    assert_eq!(lab.core.contacts(&alice()), Some(0));
}

/// RFC 5628 §5.1, TS 24.229 §5.4.2.1.2
#[test]
fn gruus_are_told_with_their_contact() {
    let instance = "\"<urn:uuid:0-1>\"";
    let contact = format!("{CONTACT};reg-id=1;+sip.instance={instance}");
    let mut lab = Lab::new();
    let mut first = None;
    for _ in 0..2 {
        let mut request = lab.register_request("alice", &contact);
        request.push_back(HeaderName::Supported, "path, outbound, gruu");
        request.push_back(HeaderName::Path, "<sip:flow@127.0.0.1:5070;lr;ob>");
        request.push_back(HeaderName::Authorization, auth_done("alice"));
        let granted = lab.ask(edge(), &request);
        assert_eq!(status(&granted), 200);
        let number = request.header(HeaderName::CSeq).expect("one");
        first.get_or_insert(number.trim_end_matches(" REGISTER").to_owned());
    }
    let (_, sent) = subscribe(&mut lab, 600);
    let xml = body(&sent[0].message);
    for part in [
        "xmlns:gr=\"urn:ietf:params:xml:ns:gruuinfo\"",
        "<gr:pub-gruu uri=\"sip:alice@ims.example.com;gr=urn:uuid:0-1\"/>",
        &format!(
            "@ims.example.com;gr\" first-cseq=\"{}\"/>",
            first.expect("one")
        ),
        "<unknown-param name=\"+sip.instance\">\"&lt;urn:uuid:0-1&gt;\"</unknown-param>",
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }
    // A contact that asked for none has none.
    let mut lab = Lab::new();
    lab.register_trusted("alice", CONTACT, PATH);
    let (_, sent) = subscribe(&mut lab, 600);
    assert!(!body(&sent[0].message).contains("<gr:"));
}
