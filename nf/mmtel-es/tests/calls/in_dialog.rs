//! What a UE asks within a call.

use std::time::Duration;

use core_iq::{Command, Gate};
use wire_sip::{HeaderName, Method};

use super::bed::{Bed, audio, audio_and_data, call_bob};

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
    let mut hold = Bed::within(&invite, Method::Invite, 1);
    hold.set_body(Some("application/sdp"), audio() + "a=sendonly\r\n");
    bed.say(&hold);
    let response = bed.response(200);
    let sdp = String::from_utf8(response.body().to_vec()).unwrap();
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
    let mut ack = Bed::within(&invite, Method::Ack, 1);
    let moved = audio().replace("4000", "4100");
    ack.set_body(Some("application/sdp"), moved);
    bed.say(&ack);
    let Some(Command::Configure { streams, .. }) = bed.asked.last() else {
        panic!("the gateway is told")
    };
    let rtp = streams[0].core.as_ref().unwrap().remote_rtp;
    assert_eq!(rtp, Some("192.0.2.30:4100".parse().unwrap()));
}

#[test]
fn what_a_ue_adds_is_not_taken() {
    let mut bed = Bed::new();
    let (_, invite) = bed.standing(&call_bob(&["audio"], false), &audio());
    let mut more = Bed::within(&invite, Method::Update, 1);
    let sdp = audio() + "m=video 4010 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n";
    more.set_body(Some("application/sdp"), sdp);
    bed.say(&more);
    bed.response(488);
    assert_eq!(bed.calls.len(), 1);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut bed = Bed::new();
    let (_, invite) = bed.standing(&call_bob(&["audio"], false), &audio());
    let mut broken = Bed::within(&invite, Method::Invite, 1);
    broken.set_body(Some("application/sdp"), "not SDP");
    bed.say(&broken);
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
        let mut offer = Bed::within(&invite, Method::Invite, number);
        let sdp = said(ufrag, tls_id).replace("a=setup:active", "a=setup:actpass");
        offer.set_body(Some("application/sdp"), sdp);
        bed.say(&offer);
        let answer = bed.response(200);
        let sdp = String::from_utf8(answer.body().to_vec()).unwrap();
        assert!(sdp.contains(ice) && sdp.contains(name), "{number}: {sdp}");
        let setup = if tls_id == one { "passive" } else { "active" };
        assert!(
            sdp.contains(&format!("a=setup:{setup}\r\n")),
            "{number}: {sdp}"
        );
        bed.say(&Bed::within(&invite, Method::Ack, number));
    }
}
