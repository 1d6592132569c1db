//! What a UE asks within a call.

use std::time::Duration;

use api_mmtel_es::dc_app_management::Status;
use core_iq::{ChannelAt, Command, Event, Gate, StreamEnd};
use serde_json::json;
use wire_sip::{HeaderName, Method};

use super::bed::{Bed, Gateway, TARGET, audio, audio_and_data, call_bob};
use super::steps::{labelled, lines, text, wants, with_offer};

#[test]
fn a_ue_that_hangs_up_is_told() {
    let mut bed = Bed::new();
    let (session, invite) = bed.standing(&call_bob(&["audio"], false), &audio());
    let bye = Bed::within(&invite, Method::Bye, 1);
    bed.say(&bye);
    bed.response(200);
    let told = bed.notified();
    assert_eq!(told["sessionId"], session);
    assert_eq!(told["mediaResourceInfo"]["reason"], "the UE hung up");
    assert!(matches!(bed.asked.last(), Some(Command::Release { .. })));
    assert!(bed.calls.is_empty() && bed.sessions.is_empty());
    let again = Bed::within(&invite, Method::Bye, 2);
    bed.say(&again);
    bed.response(481);
}

#[test]
fn a_ue_may_hold() {
    let mut bed = Bed::new();
    let (_, invite) = bed.standing(&call_bob(&["audio"], false), &audio());
    bed.say(&with_offer(
        Bed::within(&invite, Method::Invite, 1),
        audio() + "a=sendonly\r\n",
    ));
    let response = bed.response(200);
    let sdp = text(&response);
    assert!(sdp.contains("a=recvonly\r\n"), "{sdp}");
    let last = bed.asked.last();
    let Some(Command::Configure { streams, .. }) = last else {
        panic!("the gateway is told: {last:?}")
    };
    let gate = Gate {
        receive: true,
        send: false,
    };
    assert_eq!(streams[0].core.as_ref().unwrap().gate, Some(gate));
    // RFC 3261 §13.3.1.4: it goes again until the ACK has come.
    bed.pass(Duration::from_millis(600));
    bed.response(200);
    bed.say(&Bed::within(&invite, Method::Ack, 1));
    bed.pass(Duration::from_secs(5));
    bed.nothing_more();
}

/// RFC 3261 §14.2: an INVITE without an offer gets one.
#[test]
fn a_ue_may_ask_for_an_offer() {
    let mut bed = Bed::new();
    let (_, invite) = bed.standing(&call_bob(&["audio"], false), &audio());
    bed.say(&Bed::within(&invite, Method::Invite, 1));
    let response = bed.response(200);
    assert!(!response.body().is_empty());
    let ack = Bed::within(&invite, Method::Ack, 1);
    bed.say(&with_offer(ack, audio().replace("4000", "4100")));
    let Some(Command::Configure { streams, .. }) = bed.asked.last() else {
        panic!("the gateway is told")
    };
    let rtp = streams[0].core.as_ref().unwrap().remote_rtp;
    assert_eq!(rtp, Some("192.0.2.30:4100".parse().unwrap()));
}

/// RFC 3264 §6: what is not wanted is refused line by line, and the call goes on with what it had.
#[test]
fn what_a_ue_adds_is_refused_alone() {
    let mut bed = Bed::new();
    let app = bed.application();
    let (session, invite) = bed.standing(&call_bob(&["audio"], false), &audio());
    let video = "m=video 4010 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n";
    let typed = "m=text 4012 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n";
    let all = audio_and_data("a=dcmap:0 label=\"a page\"\r\n") + video + typed;
    for number in [1, 2] {
        bed.say(&with_offer(
            Bed::within(&invite, Method::Update, number),
            all.clone(),
        ));
        let sdp = bed.response(200);
        let sdp = text(&sdp);
        let lines: Vec<&str> = sdp.lines().filter(|line| line.starts_with("m=")).collect();
        assert!(lines[0].starts_with("m=audio 20002 "), "{sdp}");
        let refused = [
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
            "m=video 0 RTP/AVP 96",
            "m=text 0 RTP/AVP 98",
        ];
        assert_eq!(lines[1..], refused, "{sdp}");
    }
    // The gateway hears of nothing that it has no room for.
    let known = bed.asked.iter().all(|command| match command {
        Command::Configure { streams, .. } => streams.iter().all(|one| one.stream.0 == 0),
        _ => true,
    });
    assert!(known, "{:?}", bed.asked);
    // Lines do not go away.
    bed.say(&with_offer(
        Bed::within(&invite, Method::Update, 3),
        audio(),
    ));
    bed.response(488);
    bed.say(&with_offer(
        Bed::within(&invite, Method::Update, 4),
        audio() + &typed.repeat(32),
    ));
    bed.response(488);
    // And what the application wants then takes the line that is there.
    wants(&mut bed, &app, &session);
    let offer = bed.request(Method::Invite);
    let sdp = text(&offer);
    let lines = lines(&offer);
    assert_eq!(lines.len(), 4, "{sdp}");
    assert!(lines[0].starts_with("m=audio 20002 ") && lines[1].starts_with("m=application 20004 "));
    assert!(lines[2].starts_with("m=video 0 "), "{sdp}");
    let refused = "m=video 0 RTP/AVP 96\r\nm=text 0 RTP/AVP 98\r\n";
    bed.answer(&offer, 200, Some(&(audio_and_data("") + refused)));
    bed.request(Method::Ack);
    opens(&mut bed, "A2P", &app);
}

/// The channel of the application opens: it asks for it, or the UE.
fn opens(bed: &mut Bed, direction: &str, app: &str) {
    let end = StreamEnd::Core;
    bed.event(1, Event::DataConnected { end });
    let at = ChannelAt { end, id: 1 };
    if direction == "P2A" {
        let channel = labelled(app);
        bed.event(1, Event::ChannelRequested { at, channel });
    } else {
        bed.event(1, Event::ChannelOpened { at });
    }
    assert_eq!(bed.updated().result, Status::Success);
}

/// RFC 3261 §14.1: of two offers that met, that of the UE goes again first; it is taken, also where it is the very
/// data channels that we were about to offer.
#[test]
fn a_ue_may_add_the_data_channels_that_are_waited_for() {
    let refused = "m=application 0 UDP/DTLS/SCTP webrtc-datachannel";
    for (direction, sdp, answer) in [
        ("A2P", audio_and_data(""), "m=application 20004 "),
        ("P2A", audio_and_data(""), "m=application 20004 "),
        // It holds, and comes to the channels later.
        ("A2P", audio() + "a=sendonly\r\n", ""),
        // It adds something else, or nonsense.
        (
            "A2P",
            audio() + "m=video 4010 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n",
            "m=video 0 ",
        ),
        (
            "A2P",
            audio() + "m=application 4010 UDP/DTLS/SCTP webrtc-datachannel\r\n",
            refused,
        ),
    ] {
        let mut bed = Bed::new();
        let app = bed.application();
        let (session, invite) = bed.standing(&call_bob(&["audio"], false), &audio());
        bed.update(&json!({
            "dcAppId": app, "sessionId": session, "notificationInfo": TARGET,
            "mediaDirection": direction,
        }));
        let offer = bed.request(Method::Invite);
        bed.say(&with_offer(
            Bed::within(&invite, Method::Invite, 1),
            sdp.clone(),
        ));
        bed.response(491);
        bed.answer(&offer, 491, None);
        bed.request(Method::Ack);
        bed.say(&with_offer(Bed::within(&invite, Method::Invite, 2), sdp));
        let ours = bed.response(200);
        let ours = text(&ours);
        let line = ours.lines().filter(|line| line.starts_with("m=")).nth(1);
        assert!(
            line.unwrap_or_default().starts_with(answer),
            "{direction}: {ours}"
        );
        assert_eq!(line.is_none(), answer.is_empty(), "{ours}");
        bed.say(&Bed::within(&invite, Method::Ack, 2));
        if !answer.contains("20004") {
            // Ours goes again in its time, and takes the line.
            bed.pass(Duration::from_millis(4_100));
            // Nobody has acknowledged the 491; and what goes again goes more than once.
            bed.sip.retain(wire_sip::Message::is_request);
            let again = bed.request(Method::Invite);
            bed.sip.clear();
            let again_sdp = text(&again);
            assert!(again_sdp.contains("m=application 20004 "), "{again_sdp}");
            bed.answer(&again, 200, Some(&audio_and_data("")));
            bed.request(Method::Ack);
        }
        opens(&mut bed, direction, &app);
    }
}

/// RFC 3261 §14.1: an offer that a UE has refused has not been; the next of the UE is without its line.
#[test]
fn an_offer_that_was_refused_leaves_no_line() {
    let mut bed = Bed::new();
    let app = bed.application();
    let (session, invite) = bed.standing(&call_bob(&["audio"], false), &audio());
    wants(&mut bed, &app, &session);
    let offer = bed.request(Method::Invite);
    bed.answer(&offer, 488, None);
    bed.request(Method::Ack);
    assert_eq!(bed.updated().result, Status::Failed);
    bed.say(&with_offer(
        Bed::within(&invite, Method::Invite, 1),
        audio() + "a=sendonly\r\n",
    ));
    let sdp = bed.response(200);
    let sdp = text(&sdp);
    assert_eq!(sdp.matches("m=").count(), 1, "{sdp}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut bed = Bed::new();
    let (_, invite) = bed.standing(&call_bob(&["audio"], false), &audio());
    bed.say(&with_offer(
        Bed::within(&invite, Method::Invite, 1),
        "not SDP",
    ));
    bed.response(488);
    // A number that does not grow.
    bed.say(&Bed::within(&invite, Method::Update, 1));
    bed.response(500);
    bed.say(&Bed::within(&invite, Method::Message, 2));
    assert!(bed.response(405).has(HeaderName::Allow));
    bed.say(&Bed::within(&invite, Method::Options, 3));
    bed.response(200);
    assert_eq!(bed.calls.len(), 1);
}

/// RFC 4028: the session is refreshed, and a UE that does not know it any more is gone.
#[test]
fn the_session_is_refreshed() {
    let mut bed = Bed::new();
    bed.standing(&call_bob(&["audio"], false), &audio());
    bed.pass(Duration::from_mins(15));
    let update = bed.request(Method::Update);
    assert!(update.body().is_empty());
    bed.answer(&update, 200, None);
    bed.pass(Duration::from_mins(15));
    let update = bed.request(Method::Update);
    bed.answer(&update, 481, None);
    assert_eq!(bed.notified()["mediaResourceInfo"]["call"], "ENDED");
    assert!(bed.calls.is_empty());
}

/// RFC 8839 §4.4.1.1.1, RFC 8842 §4: another network, another association; and then the same again.
#[test]
fn a_ue_may_begin_its_data_channels_anew() {
    let ice = |ufrag: &str| format!("a=ice-ufrag:{ufrag}\r\na=ice-pwd:0123456789012345678901\r\n");
    let name = |tls_id: &str| format!("a=tls-id:{tls_id}\r\n");
    let said = |ufrag: &str, tls_id: &str| audio_and_data(&(ice(ufrag) + &name(tls_id)));
    let (one, other) = ("abcdefabcdefabcdefab", "bcdefabcdefabcdefabc");
    let mut bed = Bed::new();
    let (_, invite) = bed.standing(&call_bob(&["audio"], true), &said("abcd", one));
    let cases = [
        // As before: nothing is new, and who has begun DTLS is its client as before.
        (
            "abcd",
            one,
            "a=ice-ufrag:gate\r\n",
            "a=tls-id:0123456789abcdef0123\r\n",
        ),
        ("efgh", one, "a=ice-ufrag:anew\r\n", ""),
        (
            "ijkl",
            other,
            "a=ice-ufrag:anew\r\n",
            "a=tls-id:fedcba9876543210fedc\r\n",
        ),
    ];
    for (number, (ufrag, tls_id, ice, name)) in cases.into_iter().enumerate() {
        let number = u32::try_from(number).unwrap() + 1;
        let offer = Bed::within(&invite, Method::Invite, number);
        let sdp = said(ufrag, tls_id).replace("a=setup:active", "a=setup:actpass");
        bed.say(&with_offer(offer, sdp));
        let answer = bed.response(200);
        let sdp = text(&answer);
        assert!(sdp.contains(ice) && sdp.contains(name), "{number}: {sdp}");
        let setup = if tls_id == one { "passive" } else { "active" };
        assert!(
            sdp.contains(&format!("a=setup:{setup}\r\n")),
            "{number}: {sdp}"
        );
        bed.say(&Bed::within(&invite, Method::Ack, number));
    }
}

/// RFC 3261 §14.2, RFC 3264 §8: an offer that was refused has not been. The media are as before, and so is the number of
/// lines that the next offer must have.
#[test]
fn an_offer_that_we_refuse_changes_nothing() {
    let unknown = audio().replace("RTP/AVP 0 101", "RTP/AVP 96").replace(
        "a=rtpmap:101 telephone-event/8000",
        "a=rtpmap:96 UNKNOWN/8000",
    );
    let video = "m=video 4010 RTP/AVP 120\r\na=rtpmap:120 VP8/90000\r\n";
    for refused in [unknown.clone() + video, unknown] {
        let mut bed = Bed::new();
        let (_, invite) = bed.standing(&call_bob(&["audio"], false), &audio());
        let told = bed.asked.len();
        bed.say(&with_offer(
            Bed::within(&invite, Method::Invite, 1),
            refused,
        ));
        bed.response(488);
        assert_eq!(bed.asked.len(), told, "the gateway hears nothing");
        // A hold by who has gone back to what was agreed on.
        bed.sip.clear();
        bed.say(&with_offer(
            Bed::within(&invite, Method::Invite, 2),
            audio() + "a=sendonly\r\n",
        ));
        let sdp = bed.response(200);
        let sdp = text(&sdp);
        assert_eq!(sdp.matches("m=").count(), 1, "{sdp}");
        assert!(
            sdp.contains("m=audio 20002 RTP/AVP 0 101\r\n") && sdp.contains("a=recvonly\r\n"),
            "{sdp}"
        );
        bed.say(&Bed::within(&invite, Method::Ack, 2));
        // What we offer has the formats of before.
        bed.say(&Bed::within(&invite, Method::Invite, 3));
        let offer = bed.response(200);
        let sdp = text(&offer);
        assert!(sdp.contains("m=audio 20002 RTP/AVP 0 101\r\n"), "{sdp}");
    }
}

/// RFC 3261 §14.1: an offer of ours that is to go again waits until the ACK of the UE's has come.
#[test]
fn an_offer_waits_for_the_ack_of_the_other() {
    let mut bed = Bed::new();
    let app = bed.application();
    let (session, invite) = bed.standing(&call_bob(&["audio"], false), &audio());
    wants(&mut bed, &app, &session);
    let offer = bed.request(Method::Invite);
    bed.answer(&offer, 491, None);
    bed.request(Method::Ack);
    bed.say(&with_offer(
        Bed::within(&invite, Method::Invite, 1),
        audio() + "a=sendonly\r\n",
    ));
    bed.response(200);
    bed.pass(Duration::from_secs(6));
    assert!(
        bed.sip.iter().all(|message| !message.is_request()),
        "{:?}",
        bed.sip
    );
    bed.sip.clear();
    bed.say(&Bed::within(&invite, Method::Ack, 1));
    let again = bed.request(Method::Invite);
    bed.answer(&again, 200, Some(&audio_and_data("")));
    bed.request(Method::Ack);
    opens(&mut bed, "A2P", &app);
    // The same of one that is new: it does not go beside the UE's, and is not forgotten.
    let other = bed.application_of("2");
    let refused = audio() + "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n";
    bed.say(&with_offer(
        Bed::within(&invite, Method::Invite, 2),
        refused,
    ));
    bed.response(200);
    wants(&mut bed, &other, &session);
    bed.nothing_more();
    bed.say(&Bed::within(&invite, Method::Ack, 2));
    bed.request(Method::Invite);
}

/// The same while the gateway begins something anew for the UE's offer.
#[test]
fn an_offer_waits_for_the_answer_to_the_other() {
    let said = |ufrag: &str| {
        let ice = format!("a=ice-ufrag:{ufrag}\r\na=ice-pwd:0123456789012345678901\r\n");
        audio_and_data(&(ice + "a=tls-id:abcdefabcdefabcdefab\r\n"))
    };
    for method in [Method::Invite, Method::Update] {
        let mut bed = Bed::new();
        bed.ask(&call_bob(&["audio"], true));
        let invite = bed.request(Method::Invite);
        // It is refreshed by INVITE: it does not say that it knows UPDATE.
        bed.answer_without_update(&invite, &said("abcd"));
        bed.request(Method::Ack);
        bed.pass(Duration::from_mins(15));
        let refresh = bed.request(Method::Invite);
        bed.answer(&refresh, 491, None);
        bed.request(Method::Ack);
        bed.gateway = Gateway::Thinks;
        let restart = Bed::within(&invite, method, 1);
        let sdp = said("efgh").replace("a=setup:active", "a=setup:actpass");
        bed.say(&with_offer(restart, sdp));
        bed.pass(Duration::from_secs(6));
        assert!(
            bed.sip.iter().all(|message| !message.is_request()),
            "{:?}",
            bed.sip
        );
        bed.sip.clear();
        bed.gateway_answers(Gateway::Agrees);
        let answer = bed.response(200);
        assert!(String::from_utf8_lossy(answer.body()).contains("a=ice-ufrag:anew"));
        if method == Method::Invite {
            bed.nothing_more();
            bed.say(&Bed::within(&invite, Method::Ack, 1));
        }
        bed.request(Method::Invite);
    }
}

/// Offers that nobody answers are cancelled, each once and none of another call.
#[test]
fn offers_that_are_late_are_cancelled_once() {
    let mut bed = Bed::new();
    let mut offers = Vec::new();
    for number in 0..8 {
        let app = bed.application();
        let mut call = call_bob(&["audio"], false);
        call["terminatingId"] = format!("sip:bob{number}@ims.example.com").into();
        let (session, _) = bed.standing(&call, &audio());
        wants(&mut bed, &app, &session);
        let offer = bed.request(Method::Invite);
        bed.answer(&offer, 100, None);
        offers.push(offer);
    }
    bed.pass(Duration::from_secs(61));
    let mut cancelled: Vec<String> = Vec::new();
    while let Some(cancel) = bed.sip.pop_front() {
        if cancel.method() != Method::Cancel {
            continue;
        }
        let call = cancel.call_id().to_owned();
        bed.answer(&cancel, 200, None);
        cancelled.push(call);
    }
    cancelled.sort_unstable();
    let mut expected: Vec<String> = offers.iter().map(|one| one.call_id().to_owned()).collect();
    expected.sort_unstable();
    cancelled.dedup();
    assert_eq!(cancelled, expected);
    bed.pass(Duration::from_secs(5));
    let more = bed.sip.iter();
    assert_eq!(more.filter(|one| one.method() == Method::Cancel).count(), 0);
}
