//! TS 24.371 §7.2.1 — WIC, general.

use wire_sip::HeaderName;

use crate::media_door::Call;
use crate::wic_calls::{answer, bearer, registered, talks};
use crate::wire_calls::sdp;

/// "The WIC shall support RFC 5763 [5] and RFC 5764 [6]": a fingerprint, the part in the handshake,
/// and in each later offer the same fingerprint.
#[test]
fn each_offer_has_a_fingerprint_and_a_part_in_the_handshake() {
    let (mut edge, mut wic, mut call, invite) = talks(&[]);
    wic.types("reinvite");
    let again = edge.request("INVITE");
    let said = [&invite, &again].map(|message| {
        let offer = sdp(message);
        let audio = offer.media(0).expect("audio");
        assert_eq!(audio.value("setup"), Some("actpass"));
        let own = audio.value("fingerprint").map(str::to_owned);
        own.or(offer.section().value("fingerprint").map(str::to_owned))
    });
    assert!(said[0].as_ref().is_some_and(|one| one.starts_with("sha-")));
    assert_eq!(said[0], said[1]);
    answer(&mut edge, &mut call, &again);
    wic.says("refreshed");
}

/// "The WIC using Gm shall include the Authorization header field with the Bearer scheme containing
/// the valid access token in all SIP requests".
#[test]
fn the_token_is_in_every_request() {
    let (mut edge, mut wic) = registered(&[]);
    let token = Some("Bearer a.b.c");
    wic.types("call bob");
    let invite = edge.request("INVITE");
    assert_eq!(bearer(&invite).as_deref(), token);
    let early = "Contact: <sip:far@far.invalid>\r\nRequire: 100rel\r\nRSeq: 7\r\n";
    edge.answer(&invite, 180, early);
    let prack = edge.request("PRACK");
    assert_eq!(prack.header(HeaderName::RAck), Some("7 1 INVITE"));
    assert_eq!(bearer(&prack).as_deref(), token);
    edge.answer(&prack, 200, "");
    let mut call = Call::new();
    let ack = answer(&mut edge, &mut call, &invite);
    assert_eq!(bearer(&ack).as_deref(), token);
    wic.types("update");
    let update = edge.request("UPDATE");
    assert_eq!(bearer(&update).as_deref(), token);
    edge.answer(&update, 200, "Contact: <sip:far@far.invalid>\r\n");
    wic.types("hold");
    let hold = edge.request("INVITE");
    assert_eq!(bearer(&hold).as_deref(), token);
    let ack = answer(&mut edge, &mut call, &hold);
    assert_eq!(bearer(&ack).as_deref(), token);
    wic.types("hangup");
    let bye = edge.request("BYE");
    assert_eq!(bearer(&bye).as_deref(), token);
    edge.answer(&bye, 200, "");

    wic.types("call bob");
    let invite = edge.request("INVITE");
    edge.answer(&invite, 180, "Contact: <sip:far@far.invalid>\r\n");
    wic.says("ringing");
    wic.types("hangup");
    let cancel = edge.request("CANCEL");
    assert_eq!(bearer(&cancel).as_deref(), token);
    edge.answer(&cancel, 200, "");
    edge.answer(&invite, 487, "");
    let ack = edge.request("ACK");
    assert_eq!(bearer(&ack).as_deref(), token);
    wic.types("quit");
    let goodbye = edge.request("REGISTER");
    assert_eq!(bearer(&goodbye).as_deref(), token);
}
