//! TS 24.371 §7.4.2 — eP-CSCF, WIC originating call: the whole of it through the binary.

use conformance::{HOME, Subject};

use crate::wire_calls::{answered_call, browser_sdp, phone_answer, phone_sdp, sdp, with_dialog};

/// "The eP-CSCF shall replace the SDP offer with updated SDP provided by eIMS-AGW, which contains the
/// eIMS-AGW IP addresses and ports"; "shall remove the SDP "a=3ge2ae:requested" attribute, if
/// included, and the SDP fingerprint attribute"; "shall not use bundled media".
#[test]
fn the_offer_on_mw_is_the_gateways() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let (seen, _) = answered_call(&mut wic, &mut core, &phone_answer());
    let offer = sdp(&seen);
    assert_eq!(offer.medias().len(), 2);
    for (at, media) in offer.medias().iter().enumerate() {
        let connection = offer.media_connection(at).expect("valid").expect("there");
        assert_eq!(connection.address, "127.0.0.1");
        assert!(media.line().proto.starts_with("RTP/AVP") && media.line().port > 1024);
    }
    let text = String::from_utf8_lossy(seen.body()).into_owned();
    for word in [
        "fingerprint",
        "3ge2ae",
        "BUNDLE",
        "ice-",
        "candidate",
        "setup",
        "rtcp-mux",
    ] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

/// "In the SDP answer to served WIC …: shall provide the proto field in the "m=" line with the
/// "UDP/TLS/RTP/SAVPF" value"; "shall not add a SDP group BUNDLE attribute".
#[test]
fn the_answer_to_the_wic_is_dtls_srtp_at_the_gateway() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let (_, ok) = answered_call(&mut wic, &mut core, &phone_answer());
    let answer = sdp(&ok);
    assert!(answer.section().has("ice-lite") && !answer.section().has("group"));
    let ports: Vec<bool> = answer.medias().iter().map(|m| m.line().port == 0).collect();
    assert_eq!(ports, [false, true], "the video that the core refused");
    let audio = answer.media(0).expect("audio");
    assert_eq!(audio.line().proto, "UDP/TLS/RTP/SAVPF");
    for attribute in [
        "fingerprint",
        "setup",
        "candidate",
        "rtcp-mux",
        "ice-ufrag",
        "ice-pwd",
    ] {
        assert!(audio.has(attribute), "{attribute}");
    }
    assert_eq!(audio.value("setup"), Some("passive"));
}

/// An early answer, and the final one behind it, in their order.
#[test]
fn early_media_and_the_answer_keep_their_order() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let invite = wic.invite(&format!("sip:bob@{HOME}"), "", &browser_sdp());
    wic.send(&invite);
    let seen = core.request("INVITE");
    let tail = with_dialog(&core, &seen, "", &phone_answer());
    core.answer(&seen, 183, &tail);
    core.answer(&seen, 180, &with_dialog(&core, &seen, "", ""));
    core.answer(&seen, 200, &tail);
    let early = wic.status(183);
    assert_eq!(
        sdp(&early).media(0).expect("audio").line().proto,
        "UDP/TLS/RTP/SAVPF"
    );
    wic.status(180);
    let ok = wic.status(200);
    let fingerprint = |message| {
        sdp(message)
            .media(0)
            .expect("audio")
            .value("fingerprint")
            .map(str::to_owned)
    };
    assert_eq!(
        fingerprint(&ok),
        fingerprint(&early),
        "one stable answer for a browser"
    );
}

/// A description that cannot be served is 488, one that is none 400, each with a Warning; the core
/// never hears of either.
#[test]
fn an_offer_that_cannot_be_served_is_refused() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    for (offer, wanted) in [(&phone_sdp()[..], 488), ("v=0\r\nthis is no SDP\r\n", 400)] {
        let invite = wic.invite(&format!("sip:bob@{HOME}"), "", offer);
        wic.send(&invite);
        let answer = wic.status(wanted);
        assert!(answer.header_named("Warning").is_some(), "{wanted}");
    }
    core.hears_nothing();
}

/// What the far end refuses reaches the WIC with the far end's reason, and the gateway is freed.
#[test]
fn a_refusal_reaches_the_wic() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let invite = wic.invite(&format!("sip:bob@{HOME}"), "", &browser_sdp());
    wic.send(&invite);
    let seen = core.request("INVITE");
    core.answer(&seen, 486, "Reason: Q.850;cause=17\r\n");
    let answer = wic.status(486);
    assert_eq!(answer.reason_phrase(), Some("Busy Here"));
    core.request("ACK");
    subject.wait_for_figure("epcscf_sessions", 0);
    subject.wait_for_figure("agw_contexts", 0);
}

/// CANCEL goes the way of its INVITE.
#[test]
fn a_call_can_be_cancelled() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let invite = wic.invite(&format!("sip:bob@{HOME}"), "", &browser_sdp());
    wic.send(&invite);
    let seen = core.request("INVITE");
    core.answer(&seen, 180, &with_dialog(&core, &seen, "", ""));
    wic.status(180);
    let text = String::from_utf8(invite.to_bytes().to_vec()).expect("text");
    let head = text.split("\r\n\r\n").next().expect("a head");
    let kept = head.lines().filter(|line| !line.starts_with("Content-"));
    let cancel: Vec<String> = kept.map(|line| line.replace("INVITE", "CANCEL")).collect();
    let cancel = cancel.join("\r\n").replace("CANCEL-of-", "INVITE-of-");
    wic.send_raw(format!("{cancel}\r\nContent-Length: 0\r\n\r\n").as_bytes());
    let cancel = core.request("CANCEL");
    core.answer(&cancel, 200, "");
    core.answer(&seen, 487, "");
    let both = [wic.final_response(), wic.final_response()];
    let mut both = both.map(|answer| crate::wire_calls::status(&answer));
    both.sort_unstable();
    assert_eq!(both, [200, 487]);
    subject.wait_for_figure("agw_contexts", 0);
}
