//! GRUU: RFC 5627.
mod common;

use common::*;
use wire_sip::{HeaderName, Message};

fn registered(lab: &mut Lab, number: u32, call: &str) -> Message {
    let contact = format!(
        "<sip:bob@c{number}.invalid;transport=ws>;reg-id=1;+sip.instance=\"<urn:uuid:0-{number}>\""
    );
    let mut request = lab.register_request("bob", &contact);
    request.set(HeaderName::CallId, call);
    request.push_back(HeaderName::Supported, "path, outbound, gruu");
    request.push_back(HeaderName::Path, "<sip:flow@127.0.0.1:5070;lr;ob>");
    request.push_back(HeaderName::Authorization, auth_done("bob"));
    let granted = lab.ask(edge(), &request);
    assert_eq!(status(&granted), 200);
    granted
}

fn gruu(granted: &Message, number: u32, name: &str) -> String {
    let own = format!("c{number}.invalid");
    let contact = granted
        .values(HeaderName::Contact)
        .find(|contact| contact.contains(&own))
        .expect("its contact");
    let value = wire_sip::params::find(contact, name).expect("a GRUU");
    value.trim_matches('"').to_owned()
}

/// Where a call to this URI goes.
fn reached(lab: &mut Lab, uri: &str, call: &str) -> Vec<String> {
    let mut invite = request("INVITE", "alice", uri);
    invite.set(HeaderName::CallId, call);
    invite.set(
        HeaderName::Via,
        format!("SIP/2.0/UDP 127.0.0.1:5091;branch=z9hG4bK{call}"),
    );
    let sent = lab.receive(phone("127.0.0.1:5091"), &invite);
    let mut reached: Vec<String> = sent
        .iter()
        .filter(|sent| sent.message.is_request())
        .map(|sent| sent.message.request_uri().unwrap_or_default().to_owned())
        .collect();
    reached.sort();
    reached
}

#[test]
fn each_contact_has_an_address_of_its_own() {
    let mut lab = Lab::new();
    lab.register("alice", phone("127.0.0.1:5091"));
    registered(&mut lab, 1, "one");
    let granted = registered(&mut lab, 2, "two");
    let public = gruu(&granted, 2, "pub-gruu");
    assert_eq!(public, format!("sip:bob@{DOMAIN};gr=urn:uuid:0-2"));
    let temporary = gruu(&granted, 2, "temp-gruu");
    assert!(temporary.ends_with(&format!("@{DOMAIN};gr")) && !temporary.contains("bob"));
    let second = ["sip:bob@c2.invalid;transport=ws"];
    assert_eq!(reached(&mut lab, &public, "c1"), second);
    assert_eq!(reached(&mut lab, &temporary, "c2"), second);
    let both = reached(&mut lab, &format!("sip:bob@{DOMAIN}"), "c3");
    assert_eq!(both.len(), 2, "{both:?}");
    // RFC 5627 §5.3: known, but not there; and not known.
    let other = format!("sip:bob@{DOMAIN};gr=urn:uuid:0-9");
    assert!(reached(&mut lab, &other, "c4").is_empty());
    assert!(reached(&mut lab, &format!("sip:guess@{DOMAIN};gr"), "c5").is_empty());
}

/// RFC 5627 §5.1, §5.2 — a refresh gives another, and those of before stay good until the WIC begins anew.
#[test]
fn temporary_ones_last_as_long_as_the_registration() {
    let mut lab = Lab::new();
    lab.register("alice", phone("127.0.0.1:5091"));
    let first = registered(&mut lab, 1, "one");
    let first = gruu(&first, 1, "temp-gruu");
    let second = registered(&mut lab, 1, "one");
    let second = gruu(&second, 1, "temp-gruu");
    assert_ne!(first, second);
    assert_eq!(reached(&mut lab, &first, "c1").len(), 1);
    assert_eq!(reached(&mut lab, &second, "c2").len(), 1);
    let anew = registered(&mut lab, 1, "another");
    assert!(reached(&mut lab, &first, "c3").is_empty());
    assert_eq!(
        reached(&mut lab, &gruu(&anew, 1, "temp-gruu"), "c4").len(),
        1
    );
}

#[test]
fn who_does_not_ask_gets_none() {
    let mut lab = Lab::new();
    let contact = "<sip:bob@c.invalid>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"";
    let granted = lab.register_trusted("bob", contact, "<sip:flow@127.0.0.1:5070;lr;ob>");
    assert!(
        !granted
            .header(HeaderName::Contact)
            .unwrap()
            .contains("gruu")
    );
}
