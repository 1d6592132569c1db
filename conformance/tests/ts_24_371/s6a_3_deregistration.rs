//! TS 24.371 §6A.3 — eP-CSCF, deregistration.

use conformance::{Core, HOME, Subject, Wic};
use wire_sip::{HeaderName, Message};

use crate::wire_calls::{answered_call, phone_answer};

/// Whether the edge still serves this WIC.
fn is_served(wic: &mut Wic, core: &mut Core) -> bool {
    let request = wic.request("OPTIONS", "sip:bob@ims.example.net", "", "");
    wic.send(&request);
    let Some(seen) = core.next_soon() else {
        wic.status(403);
        return false;
    };
    assert_eq!(seen.method().as_str(), "OPTIONS");
    core.answer(&seen, 200, "");
    wic.status(200);
    true
}

/// "The eP-CSCF shall follow the deregistration procedures specified in 3GPP TS 24.229 subclause
/// 5.2.5.1": the user's.
#[test]
fn after_its_own_deregistration_a_wic_is_not_served() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    assert!(is_served(&mut wic, &mut core));
    end_by_the_user(&mut wic, &mut core);
    assert!(!is_served(&mut wic, &mut core));
    subject.wait_for_figure("epcscf_bindings", 0);
    // And it may come again.
    wic.is_registered_by(&mut core);
    assert!(is_served(&mut wic, &mut core));
}

fn end_by_the_user(wic: &mut Wic, core: &mut Core) {
    let register = wic.register("Expires: 0\r\n");
    wic.send(&register);
    let seen = core.request("REGISTER");
    let contact = seen.header(HeaderName::Contact).expect("there").to_owned();
    core.answer(&seen, 200, &format!("Contact: {contact};expires=0\r\n"));
    wic.status(200);
}

/// A deregistration that the core refuses ends nothing.
#[test]
fn a_refused_deregistration_ends_nothing() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let register = wic.register("Expires: 0\r\n");
    wic.send(&register);
    let seen = core.request("REGISTER");
    core.answer(&seen, 403, "");
    wic.status(403);
    assert!(is_served(&mut wic, &mut core));
}

/// The eP-CSCF learns of it by its subscription (TS 24.229 §5.2.3).
#[test]
fn the_registration_is_subscribed_to() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let subscribe = core.request("SUBSCRIBE");
    assert_eq!(
        subscribe.request_uri(),
        Some(&format!("sip:alice@{HOME}")[..])
    );
    let header = |name| subscribe.header(name).unwrap_or_default();
    assert_eq!(header(HeaderName::Event), "reg");
    assert_eq!(header(HeaderName::Accept), "application/reginfo+xml");
    let own = format!("<sip:{}>", core.subject());
    assert_eq!(header(HeaderName::PAssertedIdentity), own);
    assert!(header(HeaderName::From).starts_with(&own));
    assert!(subscribe.has(HeaderName::PChargingVector));
    let expires: u64 = header(HeaderName::Expires).parse().expect("a number");
    assert!(expires > 600, "longer than the registration");
}

/// "… and subclause 5.2.5.2": the network's.
#[test]
fn the_network_ends_a_registration() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let subscribe = subscribed(&mut core);
    notify(
        &mut core,
        &subscribe,
        0,
        "active",
        "active\" event=\"registered",
    );
    assert_eq!(status(&core.response()), 200);
    assert!(is_served(&mut wic, &mut core));
    notify(
        &mut core,
        &subscribe,
        1,
        "terminated",
        "terminated\" event=\"deactivated",
    );
    assert_eq!(status(&core.response()), 200);
    assert!(!is_served(&mut wic, &mut core));
    subject.wait_for_figure("epcscf_bindings", 0);
}

/// TS 24.229 §5.2.8.1.4: with the registration its calls go.
#[test]
fn the_calls_of_an_ended_registration_are_released() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let subscribe = subscribed(&mut core);
    answered_call(&mut wic, &mut core, &phone_answer());
    notify(
        &mut core,
        &subscribe,
        0,
        "terminated",
        "terminated\" event=\"rejected",
    );
    let mut heard =
        [core.any_message(), core.any_message()].map(|message| match message.status() {
            Some(status) => status.as_u16().to_string(),
            None => message.method().as_str().to_owned(),
        });
    heard.sort_unstable();
    assert_eq!(heard, ["200", "BYE"]);
    let bye = wic.receive_request("BYE");
    assert!(bye.has(HeaderName::Reason));
    subject.wait_for_figure("epcscf_sessions", 0);
}

/// A NOTIFY of a subscription that is none is refused, and ends nothing.
#[test]
fn a_strangers_notify_ends_nothing() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let subscribe = subscribed(&mut core);
    let text = String::from_utf8(subscribe.to_bytes().to_vec()).expect("text");
    let stranger = text.replace(subscribe.call_id(), "a-strangers-call");
    let stranger = Message::parse(stranger.into()).expect("well-formed");
    notify(
        &mut core,
        &stranger,
        0,
        "terminated",
        "terminated\" event=\"rejected",
    );
    assert_eq!(status(&core.response()), 481);
    assert!(is_served(&mut wic, &mut core));
}

/// One identity of several goes; the others stay.
#[test]
fn an_identity_that_the_network_ends_is_asserted_no_more() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let subscribe = subscribed(&mut core);
    let asserted = |wic: &mut Wic, core: &mut Core| {
        let request = wic.request("OPTIONS", "sip:bob@ims.example.net", "", "");
        wic.send(&request);
        let seen = core.request("OPTIONS");
        core.answer(&seen, 200, "");
        wic.status(200);
        seen.header(HeaderName::PAssertedIdentity)
            .map(str::to_owned)
    };
    let default = asserted(&mut wic, &mut core);
    assert_eq!(default, Some(format!("<sip:alice@{HOME}>")));
    notify(
        &mut core,
        &subscribe,
        0,
        "terminated",
        "active\" event=\"registered",
    );
    assert_eq!(status(&core.response()), 200);
    let default = asserted(&mut wic, &mut core);
    assert_eq!(default.as_deref(), Some("<tel:+15550100>"));
}

fn status(message: &Message) -> u16 {
    message.status().map_or(0, wire_sip::StatusCode::as_u16)
}

fn subscribed(core: &mut Core) -> Message {
    let subscribe = core.request("SUBSCRIBE");
    let contact = format!("<sip:scscf@{}>", core.address());
    core.answer(
        &subscribe,
        200,
        &format!("Expires: 600000\r\nContact: {contact}\r\n"),
    );
    subscribe
}

/// What the core says of alice's first identity, and of her contact; the other identity stands.
fn notify(core: &mut Core, subscribe: &Message, version: u32, state: &str, contact: &str) {
    let header = |name| subscribe.header(name).unwrap_or_default();
    let body = format!(
        "<?xml version=\"1.0\"?><reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" \
         version=\"{version}\" state=\"full\"><registration aor=\"sip:alice@{HOME}\" id=\"a\" \
         state=\"{state}\"><contact id=\"1\" state=\"{contact}\">\
         <uri>sip:alice@alice.invalid;transport=ws</uri></contact></registration></reginfo>"
    );
    let lines = format!(
        "From: {};tag=core\r\nTo: {}\r\nCSeq: {} NOTIFY\r\nContact: <sip:scscf@{}>\r\nEvent: reg\r\n\
         Subscription-State: active;expires=60000\r\nContent-Type: application/reginfo+xml\r\n",
        header(HeaderName::To),
        header(HeaderName::From),
        version + 1,
        core.address(),
    );
    let uri = header(HeaderName::Contact).trim_matches(['<', '>']);
    core.say("NOTIFY", uri, subscribe.call_id(), &lines, &body);
}
