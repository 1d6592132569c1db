//! TS 29.392 §5.3.2.2: the application calls one UE.

use std::time::Duration;

use api_mmtel_es::dc_app_management::Status;
use core_iq::{Command, Gate, MediaKind, Refusal};
use nf_mmtel_es::Consumer;
use nf_mmtel_es::calls::Ask;
use serde_json::json;
use wire_sip::{HeaderName, Method, StatusCode};

use super::bed::{BOB, Bed, ENABLER, Gateway, audio, audio_and_data, call_bob};

#[test]
fn an_answered_call_is_a_success_with_its_session() {
    let mut bed = Bed::new();
    bed.ask(&call_bob(&["audio"], false));
    let invite = bed.request(Method::Invite);
    assert_eq!(invite.request_uri(), Some(BOB));
    let asserted = invite.header(HeaderName::PAssertedIdentity);
    let service = "\"Network service\" <sip:enabler@ims.example.com>";
    assert_eq!(asserted, Some(service));
    let from = invite.header(HeaderName::From).unwrap();
    assert!(from.starts_with(&format!("{service};tag=")), "{from}");
    let sdp = String::from_utf8(invite.body().to_vec()).unwrap();
    assert!(
        sdp.contains("m=audio 20002 RTP/AVP 111 104 102 8 0 101 105\r\n"),
        "{sdp}"
    );
    assert!(bed.replies.is_empty(), "it rings");
    bed.answer(&invite, 180, None);
    assert!(bed.replies.is_empty(), "it rings");
    bed.answer(&invite, 200, Some(&audio()));
    let ack = bed.request(Method::Ack);
    assert_eq!(ack.request_uri(), Some("sip:bob@192.0.2.30:5060"));
    let response = bed.called();
    assert_eq!(response.call_result, Status::Success);
    assert_eq!(response.media_info, Some(vec!["audio".into()]));
    assert_eq!(response.dc_media_info.as_deref(), Some("false"));
    assert!(response.session_id.is_some());
    let configured = bed.asked.iter().find_map(|command| match command {
        Command::Configure { streams, .. } => streams[0].core.clone(),
        _ => None,
    });
    let configured = configured.expect("the gateway knows where the UE is");
    assert_eq!(
        configured.remote_rtp,
        Some("192.0.2.30:4000".parse().unwrap())
    );
    assert_eq!(configured.gate, Some(Gate::OPEN));
}

/// What is said is written down before: a consumer that was told of a call finds it after a crash, and
/// a UE that hears no ACK does not count on the call.
#[test]
fn nothing_is_said_before_it_is_written() {
    let mut bed = Bed::new();
    bed.slow_store = true;
    bed.ask(&call_bob(&["audio"], false));
    let invite = bed.request(Method::Invite);
    bed.answer(&invite, 200, Some(&audio()));
    bed.nothing_more();
    assert!(bed.replies.is_empty());
    bed.written();
    bed.request(Method::Ack);
    bed.called();
    assert_eq!(bed.sessions.len(), 1);
}

#[test]
fn a_refusal_is_told_in_words() {
    for (status, words) in [
        (486, "486 Busy Here"),
        (302, "302 Moved Temporarily"),
        (503, "503 Service Unavailable"),
        (603, "603 Decline"),
    ] {
        let mut bed = Bed::new();
        bed.ask(&call_bob(&["audio"], false));
        let invite = bed.request(Method::Invite);
        bed.answer(&invite, status, None);
        bed.request(Method::Ack);
        let response = bed.called();
        assert_eq!(response.call_result, Status::Failed);
        assert_eq!(response.failure_cause.as_deref(), Some(words));
        assert!(matches!(bed.asked.last(), Some(Command::Release { .. })));
        assert!(bed.calls.is_empty() && bed.sessions.is_empty());
    }
}

#[test]
fn a_ue_that_does_not_answer_is_cancelled() {
    let mut bed = Bed::new();
    bed.ask(&call_bob(&["audio"], false));
    let invite = bed.request(Method::Invite);
    bed.answer(&invite, 180, None);
    bed.pass(Duration::from_mins(1));
    let response = bed.called();
    assert_eq!(response.call_result, Status::Failed);
    assert!(response.failure_cause.unwrap().contains("in time"));
    let cancel = bed.request(Method::Cancel);
    bed.answer(&cancel, 200, None);
    bed.answer(&invite, 487, None);
    bed.request(Method::Ack);
    assert!(bed.calls.is_empty());
}

/// RFC 3261 §9.1, §15: the answer and the CANCEL cross.
#[test]
fn an_answer_that_crosses_the_cancel_is_hung_up() {
    let mut bed = Bed::new();
    bed.ask(&call_bob(&["audio"], false));
    let invite = bed.request(Method::Invite);
    bed.answer(&invite, 180, None);
    bed.pass(Duration::from_mins(1));
    bed.called();
    bed.request(Method::Cancel);
    bed.answer(&invite, 200, Some(&audio()));
    bed.request(Method::Ack);
    let bye = bed.request(Method::Bye);
    bed.answer(&bye, 200, None);
    assert!(bed.calls.is_empty());
}

#[test]
fn a_core_that_says_nothing_is_a_timeout() {
    let mut bed = Bed::new();
    bed.ask(&call_bob(&["audio"], false));
    bed.pass(Duration::from_secs(40));
    let response = bed.called();
    assert!(response.failure_cause.unwrap().starts_with("408"));
    assert!(bed.calls.is_empty());
}

#[test]
fn a_gateway_without_room_is_a_503() {
    let mut bed = Bed::new();
    bed.gateway = Gateway::Refuses(Refusal::NoResources("full".into()));
    bed.ask(&call_bob(&["audio"], false));
    bed.nothing_more();
    assert_eq!(bed.problem().status, Some(503));
    assert!(bed.calls.is_empty());
}

/// RFC 3264 §6: an answer has to have something of the offer.
#[test]
fn an_answer_of_no_use_ends_the_call() {
    let nothing = audio().replace("audio 4000", "audio 0");
    let other = audio()
        .replace("AVP 0 101", "AVP 9")
        .replace("a=rtpmap:101 telephone-event/8000", "a=rtpmap:9 G722/8000");
    for sdp in [nothing.as_str(), other.as_str(), "not SDP"] {
        let mut bed = Bed::new();
        bed.ask(&call_bob(&["audio"], false));
        let invite = bed.request(Method::Invite);
        bed.answer(&invite, 200, Some(sdp));
        bed.request(Method::Ack);
        bed.request(Method::Bye);
        let response = bed.called();
        assert_eq!(response.call_result, Status::Failed, "{sdp}");
        assert!(bed.calls.is_empty());
    }
}

/// RFC 3261 §13.2.2.4: every fork that answers is acknowledged, and all but the first hung up.
#[test]
fn another_fork_that_answers_is_hung_up() {
    let mut bed = Bed::new();
    let (_, invite) = bed.standing(&call_bob(&["audio"], false), &audio());
    let mut other = core_sip::reply(&invite, StatusCode::OK, "other-tag");
    other.push_back(HeaderName::Contact, "<sip:bob@192.0.2.31>");
    bed.say(&other);
    let ack = bed.request(Method::Ack);
    assert_eq!(ack.to_tag(), Some("other-tag"));
    assert_eq!(bed.request(Method::Bye).to_tag(), Some("other-tag"));
    // The first one again: its ACK was lost.
    bed.answer(&invite, 200, Some(&audio()));
    assert_eq!(bed.request(Method::Ack).to_tag(), Some("ue-tag"));
    bed.nothing_more();
}

/// RFC 4028 §7.3
#[test]
fn a_session_interval_that_is_too_small_is_made_larger() {
    let mut bed = Bed::new();
    bed.ask(&call_bob(&["audio"], false));
    let invite = bed.request(Method::Invite);
    let mut refusal = core_sip::reply(&invite, StatusCode::SESSION_INTERVAL_TOO_SMALL, "t");
    refusal.push_back(HeaderName::MinSe, 3600);
    bed.say(&refusal);
    bed.request(Method::Ack);
    let again = bed.request(Method::Invite);
    assert_eq!(again.header(HeaderName::SessionExpires), Some("3600"));
    assert_eq!(again.header(HeaderName::CSeq), Some("2 INVITE"));
    bed.answer(&again, 200, Some(&audio()));
    assert_eq!(
        bed.request(Method::Ack).header(HeaderName::CSeq),
        Some("2 ACK")
    );
    assert_eq!(bed.called().call_result, Status::Success);
}

#[test]
fn what_cannot_be_called_is_refused_with_its_pointer() {
    let mut bed = Bed::with(|config| config.max_calls_of_consumer = 1);
    let mut refused = |change: (&str, serde_json::Value)| {
        let mut body = call_bob(&["audio"], false);
        body[change.0] = change.1;
        bed.ask(&body);
        bed.nothing_more();
        let problem = bed.problem();
        assert_eq!(problem.status, Some(400));
        let param = problem.invalid_params.unwrap().remove(0);
        param.param
    };
    for identity in [
        "mailto:bob@example.com",
        "sip:ims.example.com",
        "sip:bob@ims.example.com?Route=x",
        "tel:12345",
        "tel:+abc",
        "urn:service:sos",
    ] {
        assert_eq!(
            refused(("terminatingId", identity.into())),
            "/terminatingId"
        );
    }
    for target in [
        "http://as.example.com",
        "https://127.0.0.1/",
        "file:///etc/passwd",
    ] {
        assert_eq!(
            refused(("notificationInfo", target.into())),
            "/notificationInfo"
        );
    }
    assert_eq!(
        refused(("mediaInfo", json!(["audio", "smell"]))),
        "/mediaInfo/1"
    );
    assert_eq!(refused(("mediaInfo", json!([]))), "/mediaInfo");
    assert_eq!(refused(("callType", "LATER".into())), "/callType");
    let profile = json!({ "appId": "of somebody else" });
    let pointer = "/appProfileRequested/appId";
    assert_eq!(refused(("appProfileRequested", profile)), pointer);
}

#[test]
fn calls_are_bounded() {
    let mut bed = Bed::with(|config| {
        config.max_calls = 2;
        config.max_calls_of_consumer = 1;
    });
    bed.ask(&call_bob(&["audio"], false));
    bed.ask(&call_bob(&["video"], false));
    assert_eq!(bed.problem().status, Some(429));
    let request = || {
        let body = call_bob(&["audio"], false).to_string();
        Ask::Call(api_mmtel_es::read(body.as_bytes()).unwrap())
    };
    bed.ask_as(&Consumer::Client("other".into()), request());
    assert!(bed.replies.is_empty());
    bed.ask_as(&Consumer::Client("third".into()), request());
    assert_eq!(bed.problem().status, Some(503));
}

#[test]
fn data_channels_are_offered_with_the_channel_of_the_application() {
    let mut bed = Bed::new();
    let app = bed.application();
    let mut body = call_bob(&["audio"], true);
    body["appProfileRequested"] = json!({ "appId": app });
    bed.ask(&body);
    let invite = bed.request(Method::Invite);
    let sdp = String::from_utf8(invite.body().to_vec()).unwrap();
    let dcmap = format!("a=dcmap:1000 label=\"{app}\"\r\n");
    assert!(sdp.contains(&dcmap), "{sdp}");
    assert!(
        sdp.contains("a=setup:actpass\r\n") && sdp.contains("a=ice-lite\r\n"),
        "{sdp}"
    );
    bed.answer(&invite, 200, Some(&audio_and_data(&dcmap)));
    bed.request(Method::Ack);
    assert_eq!(bed.called().dc_media_info.as_deref(), Some("true"));
    let data = bed.asked.iter().find_map(|command| match command {
        Command::Configure { streams, .. } => streams
            .iter()
            .find(|stream| stream.media == MediaKind::Data)?
            .data
            .clone(),
        _ => None,
    });
    let data = data.expect("the gateway knows of the channels");
    assert_eq!(data.channels.unwrap()[0].id, 1000);
    assert_eq!(data.core.unwrap().max_message_size, Some(65_536));
    let dtls = data.core_dtls.unwrap();
    assert_eq!(dtls.dtls_role, Some(core_iq::DtlsRole::Server));
}

#[test]
fn a_lost_gateway_ends_the_call_and_tells() {
    let mut bed = Bed::new();
    let (session, _) = bed.standing(&call_bob(&["audio"], false), &audio());
    bed.calls.handle_gateway_lost(bed.clock.now());
    bed.drain();
    let bye = bed.request(Method::Bye);
    assert_eq!(bye.header(HeaderName::Reason), Some("SIP;cause=503"));
    let told = bed.notified();
    assert_eq!(told["sessionId"], session);
    assert_eq!(told["mediaResourceInfo"]["call"], "ENDED");
    assert!(bed.sessions.is_empty() && bed.calls.is_empty());
    bed.ask(&call_bob(&["audio"], false));
    assert_eq!(bed.problem().status, Some(503));
    bed.calls.handle_gateway_restored();
    bed.ask(&call_bob(&["audio"], false));
    let invite = bed.request(Method::Invite);
    assert!(
        invite
            .header(HeaderName::Contact)
            .unwrap()
            .contains(ENABLER)
    );
}
