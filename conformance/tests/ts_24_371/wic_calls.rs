//! Calls of a WIC that is the binary, as the tests of its clauses need them: the test is its eP-CSCF.

use conformance::{Edge, HOME, Headless};
use nf_epcscf::ims_alg::Leg;
use wire_sdp::Session;
use wire_sip::{HeaderName, Message};

use crate::media_door::{Call, PHONE, browser_answers, phone_answers};

/// A WIC that is registered with a token and takes commands.
pub(crate) fn registered(words: &[&str]) -> (Edge, Headless) {
    let mut edge = Edge::listen();
    let mut all = vec!["--token", "a.b.c", "--silence", "--commands"];
    all.extend(words);
    let wic = edge.wic(&all);
    let register = edge.request("REGISTER");
    assert_eq!(bearer(&register).as_deref(), Some("Bearer a.b.c"));
    edge.accept_registration(&register, 600);
    wic.says("registered");
    (edge, wic)
}

/// What a request says of who sends it.
pub(crate) fn bearer(message: &Message) -> Option<String> {
    message.header(HeaderName::Authorization).map(str::to_owned)
}

/// Answers an INVITE of the WIC's as an eP-CSCF does for a phone behind it; its ACK.
pub(crate) fn answer(edge: &mut Edge, call: &mut Call, invite: &Message) -> Message {
    let offer = std::str::from_utf8(invite.body()).expect("text");
    let at_core = call
        .offer(Leg::Wic, offer)
        .expect("a WIC's offer is served");
    let answer = call.answer(Leg::Core, &phone_answers(&at_core));
    let answer = text(&answer.expect("a phone's answer is served"));
    let tail = format!("Contact: <sip:far@far.invalid>\r\n\r\n{answer}");
    edge.answer(invite, 200, &tail);
    edge.request("ACK")
}

/// Answers an INVITE of the WIC's as an eP-CSCF does for another WIC behind it; its ACK.
pub(crate) fn answer_in(edge: &mut Edge, call: &mut Call, invite: &Message) -> Message {
    let offer = std::str::from_utf8(invite.body()).expect("text");
    let at_core = call
        .offer(Leg::Wic, offer)
        .expect("a WIC's offer is served");
    let mut far = crate::data_calls::call(true);
    let to_wic = far.offer(Leg::Core, &text(&at_core)).expect("served");
    let at_core = far
        .answer(Leg::Wic, &browser_answers(&to_wic))
        .expect("served");
    let answer = call.answer(Leg::Core, &text(&at_core)).expect("served");
    let tail = format!("Contact: <sip:far@far.invalid>\r\n\r\n{}", text(&answer));
    edge.answer(invite, 200, &tail);
    edge.request("ACK")
}

/// Calls bob, and talks.
pub(crate) fn talks(words: &[&str]) -> (Edge, Headless, Call, Message) {
    let (mut edge, mut wic) = registered(words);
    wic.types("call bob");
    let invite = edge.request("INVITE");
    let mut call = Call::new();
    answer(&mut edge, &mut call, &invite);
    wic.says("answered");
    (edge, wic, call, invite)
}

/// A phone's offer of audio that a WIC can serve.
pub(crate) fn phone() -> String {
    PHONE.replace("RTP/AVP 104", "RTP/AVP 8 104")
}

/// A request of the far end's in a call that the WIC began, or (without a call) an INVITE that begins
/// one; behind it the offer of an eP-CSCF.
pub(crate) fn far_end(
    invite: Option<&Message>,
    method: &str,
    number: u32,
    offer: &Session,
) -> Message {
    let (call_id, to) = match invite {
        Some(invite) => {
            let from = invite.header(HeaderName::From).expect("From");
            let call_id = invite.header(HeaderName::CallId).expect("Call-ID");
            (call_id.to_owned(), from.to_owned())
        }
        None => ("from-the-edge".to_owned(), format!("<sip:alice@{HOME}>")),
    };
    // The tag that the test's answers have.
    let tag = if invite.is_some() { "core" } else { "far" };
    let body = text(offer);
    let text = format!(
        "{method} sip:alice@alice.invalid;transport=ws SIP/2.0\r\n\
         Via: SIP/2.0/WS edge.invalid;branch=z9hG4bKedge{number}\r\nMax-Forwards: 70\r\n\
         From: <sip:bob@{HOME}>;tag={tag}\r\nTo: {to}\r\nCall-ID: {call_id}\r\n\
         CSeq: {number} {method}\r\nContact: <sip:far@far.invalid>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Message::parse(text.into()).expect("well-formed")
}

/// The ACK to the answer of [`far_end`]'s INVITE.
pub(crate) fn acknowledge(edge: &mut Edge, request: &Message, answer: &Message) {
    let number = request.header(HeaderName::CSeq).expect("CSeq");
    let mut ack = request.clone();
    let number = number.replace("INVITE", "ACK");
    let to = answer.header(HeaderName::To).expect("To").to_owned();
    ack.set(HeaderName::To, to);
    ack.set(HeaderName::CSeq, &number);
    ack.set_body(None, bytes::Bytes::new());
    let text = String::from_utf8(ack.to_bytes().to_vec()).expect("text");
    let text = text.replacen("INVITE", "ACK", 1).replace("edge", "ack");
    edge.send(&Message::parse(text.into()).expect("well-formed"));
}

pub(crate) fn text(session: &Session) -> String {
    String::from_utf8(session.to_bytes().to_vec()).expect("text")
}
