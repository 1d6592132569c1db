//! TS 24.371 §7.1, §7.2.1, §7.2.2, §7.2.3 — WIC, call origination and termination.

use conformance::{Edge, HOME, Headless};
use nf_epcscf::ims_alg::Leg;
use wire_sip::{HeaderName, Message};

use crate::media_door::{Call, PHONE};
use crate::wire_calls::sdp;

fn registered(words: &[&str]) -> (Edge, Headless) {
    let mut edge = Edge::listen();
    let mut all = vec!["--token", "a.b.c", "--silence"];
    all.extend(words);
    let wic = edge.wic(&all);
    let register = edge.request("REGISTER");
    edge.accept_registration(&register, 600);
    wic.says("registered");
    (edge, wic)
}

/// TS 24.371 §7.2.2: "for each RTP based media, the WIC a) shall offer UDP transport protocol …, with
/// the proto field in the "m=" line containing the "UDP/TLS/RTP/SAVPF" value …; c) shall additionally,
/// within the same "m=" line, indicate an SDP "a=3ge2ae:requested" attribute."
#[test]
fn its_offer_asks_for_protection_up_to_the_edge() {
    let (mut edge, _wic) = registered(&["--call", "bob"]);
    let invite = edge.request("INVITE");
    assert_eq!(invite.request_uri(), Some(&format!("sip:bob@{HOME}")[..]));
    let offer = sdp(&invite);
    assert!(!offer.medias().is_empty());
    assert!(!offer.section().has("group"), "no bundle");
    for (at, media) in offer.medias().iter().enumerate() {
        assert_eq!(media.line().proto, "UDP/TLS/RTP/SAVPF");
        assert_eq!(media.value("3ge2ae"), Some("requested"));
        // TS 24.371 §7.2.1: RFC 5763 and RFC 5764.
        assert!(media.has("fingerprint") || offer.section().has("fingerprint"));
        assert_eq!(media.value("setup"), Some("actpass"));
        // TS 24.371 §7.1: "shall support ICE procedures".
        let ice = offer.media_ice(at).expect("valid").expect("there");
        assert!(ice.ufrag.len() >= 4);
        assert!(media.has("candidate") || ice.pwd.len() >= 22);
    }
}

/// TS 24.371 §7.2.1: "shall include the Authorization header field with the Bearer scheme containing
/// the valid access token in all SIP requests".
#[test]
fn the_token_is_in_every_request() {
    let (mut edge, wic) = registered(&["--call", "bob", "--duration", "0.2"]);
    let bearer = |message: &Message| message.header(HeaderName::Authorization).map(str::to_owned);
    let invite = edge.request("INVITE");
    assert_eq!(bearer(&invite).as_deref(), Some("Bearer a.b.c"));
    let mut call = Call::new();
    let offer = String::from_utf8(invite.body().to_vec()).expect("text");
    let at_core = call
        .offer(Leg::Wic, &offer)
        .expect("a WIC's offer is served");
    let answer = crate::media_door::phone_answers(&at_core);
    let answer = call.answer(Leg::Core, &answer).expect("answered");
    let answer = String::from_utf8(answer.to_bytes().to_vec()).expect("text");
    let tail = format!("Contact: <sip:far@far.invalid>\r\n\r\n{answer}");
    edge.answer(&invite, 200, &tail);
    let ack = edge.request("ACK");
    assert_eq!(bearer(&ack).as_deref(), Some("Bearer a.b.c"));
    wic.says("answered");
    let bye = edge.request("BYE");
    assert_eq!(bearer(&bye).as_deref(), Some("Bearer a.b.c"));
    edge.answer(&bye, 200, "");
}

/// TS 24.371 §7.2.3: "Upon receiving an SDP offer … with the proto field … "UDP/TLS/RTP/SAVPF" … with
/// the SDP "a=3ge2ae:applied" attribute; and if the UE accepts … a) shall use RFC 5763, and provide
/// the proto field in the "m=" line containing the "UDP/TLS/RTP/SAVPF" value".
#[test]
fn its_answer_is_dtls_srtp_with_its_own_ice() {
    let (mut edge, wic) = registered(&["--answer", "--codec", "pcma"]);
    let phone = PHONE.replace("RTP/AVP 104", "RTP/AVP 8 104");
    let mut call = Call::new();
    let offer = call
        .offer(Leg::Core, &phone)
        .expect("a phone's offer is served");
    assert_eq!(
        offer.media(0).expect("audio").value("3ge2ae"),
        Some("applied")
    );
    let body = String::from_utf8(offer.to_bytes().to_vec()).expect("text");
    let invite = format!(
        "INVITE sip:alice@alice.invalid;transport=ws SIP/2.0\r\n\
         Via: SIP/2.0/WS edge.invalid;branch=z9hG4bKedge\r\nMax-Forwards: 70\r\n\
         From: <sip:far@{HOME}>;tag=far\r\nTo: <sip:alice@{HOME}>\r\nCall-ID: from-the-edge\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:far@far.invalid>\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    edge.send(&Message::parse(invite.into()).expect("well-formed"));
    let ok = edge.response();
    assert_eq!(crate::wire_calls::status(&ok), 200);
    wic.says("incoming");
    let answer = sdp(&ok);
    assert_eq!(answer.medias().len(), offer.medias().len());
    let audio = answer.media(0).expect("audio");
    assert_eq!(audio.line().proto, "UDP/TLS/RTP/SAVPF");
    assert!(audio.has("fingerprint") || answer.section().has("fingerprint"));
    assert!(matches!(audio.value("setup"), Some("active" | "passive")));
    let ours = offer.media_ice(0).expect("valid").expect("there");
    let theirs = answer.media_ice(0).expect("valid").expect("there");
    assert_ne!(theirs.ufrag, ours.ufrag);
    call.answer(Leg::Wic, std::str::from_utf8(ok.body()).expect("text"))
        .expect("an eP-CSCF takes it");
}
