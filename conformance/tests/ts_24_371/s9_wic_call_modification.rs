//! TS 24.371 §9 — call modification: "WIC … shall behave in accordance with the procedures specified in
//! subclause 7", in a call that stands as in one that begins.

use core_iq::Gate;
use nf_epcscf::ims_alg::Leg;

use crate::wic_calls::{acknowledge, answer, far_end, talks, text};
use crate::wire_calls::{sdp, status};

/// §7.2.2 of each RTP based media that a change offers.
#[test]
fn what_it_adds_is_offered_as_in_a_new_call() {
    let (mut edge, mut wic, mut call, invite) = talks(&[]);
    assert_eq!(sdp(&invite).medias().len(), 1);
    wic.types("video on");
    let change = edge.request("INVITE");
    let offer = sdp(&change);
    assert_eq!(offer.medias().len(), 2);
    assert!(!offer.section().has("group"), "no bundle");
    for media in offer.medias() {
        assert_eq!(media.line().proto, "UDP/TLS/RTP/SAVPF");
        assert_eq!(media.value("3ge2ae"), Some("requested"));
        assert!(media.has("fingerprint") && media.has("ice-ufrag"));
    }
    answer(&mut edge, &mut call, &change);
    wic.says("video\",\"video\":true");
    wic.types("video off");
    let change = edge.request("INVITE");
    let offer = sdp(&change);
    let ports: Vec<u16> = offer.medias().iter().map(|m| m.line().port).collect();
    assert!(ports[0] > 0 && ports[1] == 0, "RFC 3264 §8.2: {ports:?}");
    edge.answer(&change, 488, "");
    edge.request("ACK");
    wic.says("not_changed");
}

#[test]
fn hold_is_offered_and_the_gateway_lets_nothing_come() {
    let (mut edge, mut wic, mut call, _) = talks(&[]);
    wic.types("hold");
    let hold = edge.request("INVITE");
    assert!(sdp(&hold).medias()[0].has("sendonly"));
    let offer = std::str::from_utf8(hold.body()).expect("text");
    call.offer(Leg::Wic, offer).expect("served");
    let answer = call.answer(Leg::Core, &phone_turned(1, "recvonly"));
    let answer = text(&answer.expect("served"));
    let gate = call.settings(0).w3.as_ref().and_then(|w3| w3.gate);
    let only_from_the_wic = Gate {
        receive: true,
        send: false,
    };
    assert_eq!(gate, Some(only_from_the_wic));
    edge.answer(
        &hold,
        200,
        &format!("Contact: <sip:far@far.invalid>\r\n\r\n{answer}"),
    );
    edge.request("ACK");
    wic.says("held");
}

/// RFC 8445 §9, RFC 8839 §4.4.1.1.1: other credentials and another transport address; the same
/// fingerprint, as the association goes on.
#[test]
fn after_a_network_change_it_offers_other_credentials_and_the_same_association() {
    let (mut edge, mut wic, mut call, invite) = talks(&[]);
    wic.types("restart");
    let change = edge.request("INVITE");
    let [before, after] = [&invite, &change].map(sdp);
    let ice = [&before, &after].map(|one| {
        let ice = one.media_ice(0).expect("valid").expect("there");
        (ice.ufrag.to_owned(), ice.pwd.to_owned())
    });
    assert!(ice[0].0 != ice[1].0 && ice[0].1 != ice[1].1);
    let [one, other] = [&before, &after].map(|one| one.medias()[0].line().port);
    assert_ne!(one, other);
    let fingerprint =
        |one: &wire_sdp::Session| one.medias()[0].value("fingerprint").map(str::to_owned);
    assert_eq!(fingerprint(&before), fingerprint(&after));
    answer(&mut edge, &mut call, &change);
    wic.says("restarted");
}

/// §7.2.3 of each offer that comes in a call: re-INVITE and UPDATE.
#[test]
fn what_the_far_end_changes_is_answered_as_a_new_call_is() {
    let (mut edge, wic, mut call, invite) = talks(&[]);
    for (number, direction) in [(1, "sendonly"), (2, "sendrecv")] {
        let hold = phone_turned(number, direction);
        let offer = call.offer(Leg::Core, &hold).expect("served");
        let method = if number == 1 { "INVITE" } else { "UPDATE" };
        let request = far_end(Some(&invite), method, number, &offer);
        edge.send(&request);
        let ok = edge.response();
        assert_eq!(status(&ok), 200);
        if number == 1 {
            acknowledge(&mut edge, &request, &ok);
            wic.says("remote_hold");
        }
        let answer = sdp(&ok);
        let audio = &answer.medias()[0];
        assert_eq!(audio.line().proto, "UDP/TLS/RTP/SAVPF");
        assert!(audio.has("fingerprint") && audio.has("ice-ufrag"));
        // RFC 8842 §5.3: its part in the handshake stays what it was.
        assert!(matches!(audio.value("setup"), Some("active" | "passive")));
        assert_eq!(audio.has("recvonly"), number == 1);
        call.answer(Leg::Wic, std::str::from_utf8(ok.body()).expect("text"))
            .expect("an eP-CSCF takes it");
    }
}

/// What the phone behind the edge offers later.
fn phone_turned(number: u32, direction: &str) -> String {
    let version = number + 1;
    format!(
        "v=0\r\no=- 5 {version} IN IP4 192.0.2.80\r\ns=-\r\nc=IN IP4 192.0.2.80\r\nt=0 0\r\n\
         m=audio 6000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na={direction}\r\n"
    )
}
