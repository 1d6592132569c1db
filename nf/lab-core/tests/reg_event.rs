//! The reg event package: RFC 3680, RFC 6665, TS 24.229 §5.4.2.1.
mod common;

use std::time::Duration;

use common::*;
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
        "xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"0\" state=\"full\"",
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
