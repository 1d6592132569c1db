//! TS 24.371 §9 — call modification: "WIC and eP-CSCF shall behave in accordance with the procedures specified in
//! subclause 7", through the binary.

use conformance::{Core, Subject, Wic};
use wire_sip::{HeaderName, Message};

use crate::media_door::browser_answers;
use crate::wire_calls::{
    answered_call, browser_sdp, phone_answer, phone_sdp, sdp, status, with_dialog,
};

/// Alice's call stands: what the core saw of it, and what she was answered.
fn stands() -> (Subject, Core, Wic, Message, Message) {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let (seen, ok) = answered_call(&mut wic, &mut core, &phone_answer());
    (subject, core, wic, seen, ok)
}

/// The next description of the browser's.
fn browser(version: u32, direction: &str) -> String {
    browser_sdp()
        .replacen(" 2 IN IP4", &format!(" {version} IN IP4"), 1)
        .replace("a=sendrecv", &format!("a={direction}"))
}

/// The next of the phone's.
fn phone(version: u32, direction: &str) -> String {
    phone_answer()
        .replace("far 5 5", &format!("far 5 {version}"))
        .replace("a=sendrecv", &format!("a={direction}"))
}

/// A request of the far end's in the call.
fn far_end(core: &mut Core, seen: &Message, ok: &Message, what: (&str, u32), sdp: &str) -> Message {
    let (method, cseq) = what;
    let routes: Vec<&str> = seen.values(HeaderName::RecordRoute).collect();
    let content = if sdp.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    let address = core.address();
    let lines = format!(
        "Route: {}\r\nFrom: {}\r\nTo: {}\r\nCSeq: {cseq} {method}\r\nContact: <sip:far@{address}>\r\n{content}",
        routes.join(", "),
        ok.header(HeaderName::To).expect("To"),
        seen.header(HeaderName::From).expect("From"),
    );
    let contact = seen.header(HeaderName::Contact).expect("Contact");
    let uri = contact.trim_start_matches('<').split('>').next();
    let uri = uri.expect("a URI").to_owned();
    core.say(method, &uri, seen.call_id(), &lines, sdp)
}

/// "subclause 7": §7.4.2 for what the WIC offers.
#[test]
fn a_change_by_the_wic_crosses_as_its_call_did() {
    let (subject, mut core, mut wic, _, ok) = stands();
    let change = wic.in_dialog("INVITE", &ok, &browser(3, "sendonly"));
    wic.send(&change);
    let seen = core.request("INVITE");
    let offer = sdp(&seen);
    let audio = offer.media(0).expect("audio");
    assert!(audio.line().proto.starts_with("RTP/AVP") && audio.has("sendonly"));
    let text = String::from_utf8_lossy(seen.body()).into_owned();
    for word in ["fingerprint", "3ge2ae", "BUNDLE", "ice-", "candidate"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    let tail = with_dialog(&core, &seen, "", &phone(6, "recvonly"));
    core.answer(&seen, 200, &tail);
    let changed = wic.status(200);
    let answer = sdp(&changed);
    assert!(!answer.section().has("group"));
    let audio = answer.media(0).expect("audio");
    assert_eq!(audio.line().proto, "UDP/TLS/RTP/SAVPF");
    assert!(audio.has("recvonly") && audio.has("fingerprint"));
    let ack = wic.in_dialog("ACK", &changed, "");
    wic.send(&ack);
    core.request("ACK");
    subject.wait_for_figure("agw_contexts", 1);
}

/// §7.4.3 for what the core offers.
#[test]
fn a_change_by_the_core_crosses_as_a_call_to_the_wic_does() {
    let (subject, mut core, mut wic, seen, ok) = stands();
    let moved = phone(6, "sendonly").replace("30000", "30500");
    far_end(&mut core, &seen, &ok, ("INVITE", 1), &moved);
    let asked = wic.receive_request("INVITE");
    let offer = sdp(&asked);
    let audio = offer.media(0).expect("audio");
    assert_eq!(audio.line().proto, "UDP/TLS/RTP/SAVPF");
    assert!(audio.has("fingerprint") && audio.has("sendonly"));
    let text = String::from_utf8_lossy(asked.body()).into_owned();
    assert!(!text.contains("192.0.2.99"), "{text}");
    let answer = browser_answers(&offer).replace("m=video 9 ", "m=video 0 ");
    wic.answer(&asked, 200, &format!("X-Own: stays\r\n\r\n{answer}"));
    let changed = core.response();
    assert_eq!(status(&changed), 200);
    let audio = sdp(&changed);
    let audio = audio.media(0).expect("audio");
    assert!(audio.line().proto.starts_with("RTP/AVP") && !audio.has("fingerprint"));
    far_end(&mut core, &seen, &ok, ("ACK", 1), "");
    wic.receive_request("ACK");
    subject.wait_for_figure("agw_contexts", 1);
}

/// RFC 3261 §14.1: who refuses a change goes on with the call, and so does who asked.
#[test]
fn a_change_that_is_refused_leaves_a_call_that_can_be_ended() {
    let (subject, mut core, mut wic, seen, ok) = stands();
    let change = wic.in_dialog("INVITE", &ok, &browser(3, "inactive"));
    wic.send(&change);
    let asked = core.request("INVITE");
    core.answer(&asked, 488, "");
    wic.status(488);
    core.request("ACK");
    // Something new under an old version is refused here, from the core too (RFC 3264 §8).
    let moved = phone_sdp().replace("30000", "30500") + "m=video 0 RTP/AVP 96\r\n";
    far_end(&mut core, &seen, &ok, ("UPDATE", 1), &moved);
    assert_eq!(status(&core.response()), 488);
    subject.wait_for_figure("agw_contexts", 1);
    far_end(&mut core, &seen, &ok, ("BYE", 2), "");
    let bye = wic.receive_request("BYE");
    wic.answer(&bye, 200, "");
    assert_eq!(status(&core.response()), 200);
    subject.wait_for_figure("agw_contexts", 0);
}
