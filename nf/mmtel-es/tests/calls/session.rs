//! TS 29.392 §5.5.2: IMS sessions as resources.

use std::time::Duration;

use api_mmtel_es::dc_app_management::Status;
use core_iq::{Command, MediaKind, Refusal, StreamEnd};
use nf_mmtel_es::Consumer;
use nf_mmtel_es::calls::{Ask, Told};
use serde_json::{Value, json};
use wire_sip::{HeaderName, Message, Method};

use super::bed::{Bed, Gateway, TARGET, audio, audio_and_data, consumer};
use super::steps::{data_of, opens, text, wants, with_offer};

pub(crate) fn session(media: &[(&str, &str)]) -> Value {
    let media: Vec<Value> = media
        .iter()
        .map(|(kind, id)| json!({ "mediaType": kind, "mediaCorrectionId": id }))
        .collect();
    json!({
        "afId": "provider",
        "imsSessionInfo": {
            "sessionInfo": {
                "callingId": "sip:alice@ims.example.com", "calledId": "sip:bob@ims.example.com",
            },
            "mediaInfoSet": media, "notifUri": TARGET, "notifCorrelationId": "c1",
        },
        "suppFeat": "f",
    })
}

pub(crate) fn read<T: api_mmtel_es::Attribute>(body: &Value) -> T {
    api_mmtel_es::read(body.to_string().as_bytes()).expect("well formed")
}

pub(crate) fn create(bed: &mut Bed, body: &Value) -> String {
    bed.ask_as(&consumer(), Ask::Create(read(body)));
    match bed.replies.pop_front() {
        Some((_, Ok(Told::Created(resource)))) => {
            assert_eq!(resource.supp_feat.unwrap().as_str(), "0");
            resource
                .ims_session_info
                .session_id
                .unwrap()
                .as_str()
                .to_owned()
        }
        other => panic!("not created: {other:?}"),
    }
}

pub(crate) fn changed(bed: &mut Bed) -> Value {
    match bed.replies.pop_front() {
        Some((_, Ok(Told::Changed(resource)))) => {
            serde_json::from_slice(&api_mmtel_es::write(&resource)).unwrap()
        }
        other => panic!("not changed: {other:?}"),
    }
}

/// Both have answered.
pub(crate) fn established() -> (Bed, String, [Message; 2]) {
    let mut bed = Bed::new();
    let id = create(&mut bed, &session(&[("AUDIO", "1")]));
    let first = bed.request(Method::Invite);
    bed.answer(&first, 200, Some(&audio()));
    let mut sent = [bed.sip.pop_front().unwrap(), bed.sip.pop_front().unwrap()];
    sent.sort_by_key(|message| message.method() != Method::Ack);
    let [_, second] = sent;
    bed.answer(&second, 200, Some(&audio()));
    bed.request(Method::Ack);
    let told = bed.notified();
    assert_eq!(told["eventType"], "SESSION_ESTABLISHMENT_SUCCESS");
    assert_eq!(told["sessionId"], id);
    assert_eq!(told["notifCorrelationId"], "c1");
    assert_eq!(told["callingIdentity"], "sip:alice@ims.example.com");
    (bed, id, [first, second])
}

#[test]
fn a_session_is_there_at_once_and_told_when_it_stands() {
    let (mut bed, _, _) = established();
    assert_eq!(bed.sessions.len(), 1);
    bed.nothing_more();
}

#[test]
fn a_session_that_nobody_answers_is_gone_and_told() {
    let mut bed = Bed::new();
    create(&mut bed, &session(&[("AUDIO", "1")]));
    let first = bed.request(Method::Invite);
    bed.answer(&first, 486, None);
    bed.request(Method::Ack);
    let told = bed.notified();
    assert_eq!(told["eventType"], "SESSION_ESTABLISHMENT_FAILURE");
    assert_eq!(told["failureReason"], "486 Busy Here");
    assert!(bed.sessions.is_empty() && bed.calls.is_empty());
}

#[test]
fn a_deletion_hangs_up_on_both() {
    let (mut bed, id, [first, second]) = established();
    bed.ask_as(&consumer(), Ask::Delete(id.clone()));
    let byes = [bed.request(Method::Bye), bed.request(Method::Bye)];
    assert_eq!(byes[0].call_id(), first.call_id());
    assert_eq!(byes[1].call_id(), second.call_id());
    assert!(matches!(
        bed.replies.pop_front(),
        Some((_, Ok(Told::Deleted)))
    ));
    assert_eq!(bed.notified()["eventType"], "SESSION_TERMINATION");
    bed.ask_as(&consumer(), Ask::Delete(id));
    assert_eq!(bed.problem().status, Some(404));
}

#[test]
fn a_session_that_ends_by_itself_is_gone_and_told() {
    let (mut bed, id, [first, _]) = established();
    bed.say(&Bed::within(&first, Method::Bye, 1));
    bed.response(200);
    bed.request(Method::Bye);
    assert_eq!(bed.notified()["eventType"], "SESSION_TERMINATION");
    bed.ask_as(
        &consumer(),
        Ask::Replace(id, read(&session(&[("AUDIO", "1")]))),
    );
    assert_eq!(bed.problem().status, Some(404));
}

#[test]
fn the_notification_uri_may_change() {
    let (mut bed, id, [first, _]) = established();
    let other = "https://other.example.com/";
    let patch = json!([{ "op": "replace", "path": "/imsSessionInfo/notifUri", "value": other }]);
    bed.ask_as(&consumer(), Ask::Patch(id, read(&patch)));
    assert_eq!(changed(&mut bed)["imsSessionInfo"]["notifUri"], other);
    bed.nothing_more();
    bed.say(&Bed::within(&first, Method::Bye, 1));
    assert_eq!(bed.told.pop_front().unwrap().target.as_str(), other);
}

/// Audio and, at this port, video.
pub(crate) fn with_video(port: u16) -> String {
    let audio = audio();
    format!("{audio}m=video {port} RTP/AVP 120\r\na=rtpmap:120 VP8/90000\r\n")
}

#[test]
fn video_is_added_for_both() {
    let (mut bed, id, [first, second]) = established();
    let body = session(&[("AUDIO", "1"), ("VIDEO", "2")]);
    bed.ask_as(&consumer(), Ask::Replace(id, read(&body)));
    for leg in [first, second] {
        let invite = bed.request(Method::Invite);
        assert_eq!(invite.call_id(), leg.call_id());
        assert!(text(&invite).contains("m=video 2"));
        bed.answer(&invite, 200, Some(&with_video(4010)));
        bed.request(Method::Ack);
    }
    let media = changed(&mut bed)["imsSessionInfo"]["mediaInfoSet"].clone();
    assert_eq!(media[1]["mediaType"], "VIDEO");
    assert_eq!(bed.notified()["eventType"], "MEDIA_CHANGE_SUCCESS");
    let video = bed.asked.iter().rev().find_map(|command| match command {
        Command::Configure { streams, .. } => streams
            .iter()
            .find(|stream| stream.media == MediaKind::Video)
            .cloned(),
        _ => None,
    });
    let video = video.expect("the gateway is told");
    assert!(video.core.is_some() && video.second.is_some());
}

#[test]
fn video_that_one_refuses_is_taken_back_from_the_other() {
    let (mut bed, id, [first, second]) = established();
    let body = session(&[("AUDIO", "1"), ("VIDEO", "2")]);
    bed.ask_as(&consumer(), Ask::Replace(id, read(&body)));
    let invite = bed.request(Method::Invite);
    bed.answer(&invite, 200, Some(&with_video(4010)));
    bed.request(Method::Ack);
    let invite = bed.request(Method::Invite);
    assert_eq!(invite.call_id(), second.call_id());
    bed.answer(&invite, 200, Some(&with_video(0)));
    bed.request(Method::Ack);
    let problem = bed.problem();
    assert_eq!(problem.status, Some(409));
    let told = bed.notified();
    assert_eq!(told["eventType"], "MEDIA_CHANGE_FAILURE");
    let back = bed.request(Method::Invite);
    assert_eq!(back.call_id(), first.call_id());
    assert!(text(&back).contains("m=video 0 "));
    assert_eq!(bed.calls.len(), 1);
}

/// A UE that is trying for ever holds nobody for ever: it is asked no more, and all is as before.
#[test]
fn video_that_nobody_answers_is_taken_back() {
    let (mut bed, id, _) = established();
    let body = session(&[("AUDIO", "1"), ("VIDEO", "2")]);
    bed.ask_as(&consumer(), Ask::Replace(id, read(&body)));
    let invite = bed.request(Method::Invite);
    bed.answer(&invite, 100, None);
    bed.pass(Duration::from_secs(59));
    bed.nothing_more();
    bed.pass(Duration::from_secs(2));
    let cancel = bed.request(Method::Cancel);
    assert_eq!(cancel.header(HeaderName::Reason), Some("SIP;cause=408"));
    bed.sip.clear();
    bed.answer(&cancel, 200, None);
    bed.answer(&invite, 487, None);
    bed.request(Method::Ack);
    assert_eq!(bed.problem().status, Some(409));
    assert_eq!(bed.notified()["eventType"], "MEDIA_CHANGE_FAILURE");
    let back = bed.request(Method::Invite);
    assert!(text(&back).contains("m=video 0 "));
    assert_eq!(bed.calls.len(), 1);
}

#[test]
fn what_a_session_cannot_be_is_refused_with_its_pointer() {
    let (mut bed, id, _) = established();
    let mut refused = |ask: Ask, who: &Consumer| {
        bed.ask_as(who, ask);
        bed.nothing_more();
        let problem = bed.problem();
        let param = problem.invalid_params.unwrap().remove(0).param;
        (problem.status.unwrap(), problem.cause, param)
    };
    let good = session(&[("AUDIO", "1")]);
    let mut body = good.clone();
    body["afId"] = "other".into();
    let (status, cause, param) = refused(Ask::Create(read(&body)), &consumer());
    assert_eq!((status, param.as_str()), (403, "/afId"));
    assert_eq!(cause.as_deref(), Some("AF_NOT_AUTHORIZED"));
    let twice = session(&[("AUDIO", "1"), ("VIDEO", "1")]);
    let (status, _, param) = refused(Ask::Create(read(&twice)), &consumer());
    let pointer = "/imsSessionInfo/mediaInfoSet/1/mediaCorrectionId";
    assert_eq!((status, param.as_str()), (400, pointer));
    let smell = session(&[("SMELL", "1")]);
    let (_, _, param) = refused(Ask::Create(read(&smell)), &consumer());
    assert_eq!(param, "/imsSessionInfo/mediaInfoSet/0/mediaType");
    let mut body = good.clone();
    body["imsSessionInfo"]["notifUri"] = "https://127.0.0.1/".into();
    let (_, _, param) = refused(Ask::Create(read(&body)), &consumer());
    assert_eq!(param, "/imsSessionInfo/notifUri");
    let mut body = good.clone();
    body["imsSessionInfo"]["sessionInfo"]["calledId"] = "tel:+15550100".into();
    let (status, _, param) = refused(Ask::Replace(id.clone(), read(&body)), &consumer());
    assert_eq!(
        (status, param.as_str()),
        (409, "/imsSessionInfo/sessionInfo")
    );
    // A session of another provider is not there.
    let other = Consumer::Client("other".into());
    let mut body = good;
    body["afId"] = "other".into();
    let (status, _, param) = refused(Ask::Replace(id.clone(), read(&body)), &other);
    assert_eq!((status, param.as_str()), (404, "{sessionId}"));
    let (status, _, _) = refused(Ask::Delete(id.clone()), &other);
    assert_eq!(status, 404);
    // What is required cannot be removed, and nothing has changed.
    let patch = json!([{ "op": "remove", "path": "/imsSessionInfo/mediaInfoSet" }]);
    bed.ask_as(&consumer(), Ask::Patch(id, read(&patch)));
    let problem = bed.problem();
    assert_eq!(problem.status, Some(400));
    bed.nothing_more();
}

#[test]
fn a_session_of_the_life_before_is_ended_and_told() {
    let (before, id, _) = established();
    let mut bed = Bed::new();
    bed.sessions.clone_from(&before.sessions);
    bed.calls.resume(bed.clock.now(), before.sessions);
    bed.drain();
    let bye = bed.request(Method::Bye);
    assert!(bye.has(HeaderName::Reason));
    bed.request(Method::Bye);
    let told = bed.notified();
    assert_eq!(told["eventType"], "SESSION_TERMINATION");
    assert_eq!(told["sessionId"], id);
    assert!(bed.sessions.is_empty());
}

/// One room is asked for at a time: who changes the media while an application gets its channels comes too early.
#[test]
fn a_change_of_media_does_not_meet_the_room_for_an_application() {
    for gateway in [Gateway::Agrees, Gateway::Refuses(Refusal::UnknownStream)] {
        let (mut bed, id, [_, second]) = established();
        let app = bed.application();
        bed.gateway = Gateway::Thinks;
        wants(&mut bed, &app, &id);
        for more in ["DC", "VIDEO"] {
            let body = session(&[("AUDIO", "1"), (more, "2")]);
            bed.ask_as(&consumer(), Ask::Replace(id.clone(), read(&body)));
            assert_eq!(bed.problem().status, Some(409));
        }
        assert_eq!(bed.unanswered.len(), 1, "{:?}", bed.unanswered);
        bed.nothing_more();
        bed.gateway_answers(gateway.clone());
        if gateway == Gateway::Agrees {
            let invite = bed.request(Method::Invite);
            assert_eq!(invite.call_id(), second.call_id());
            // What is offered is not there yet.
            let body = session(&[("AUDIO", "1"), ("DC", "2")]);
            bed.ask_as(&consumer(), Ask::Replace(id, read(&body)));
            assert_eq!(bed.problem().status, Some(409));
            bed.answer(&invite, 200, Some(&audio_and_data("")));
            bed.request(Method::Ack);
            opens(&mut bed, 1, StreamEnd::W3);
        } else {
            assert_eq!(bed.updated().result, Status::Failed);
            bed.gateway = Gateway::Agrees;
            let body = session(&[("AUDIO", "1"), ("DC", "2")]);
            bed.ask_as(&consumer(), Ask::Replace(id, read(&body)));
            bed.request(Method::Invite);
        }
    }
}

/// The other way round: the application gets its channels of the change, or after it; and hears when there are none.
#[test]
fn an_application_waits_for_a_change_of_media() {
    for (more, gateway) in [
        ("DC", Gateway::Agrees),
        ("VIDEO", Gateway::Agrees),
        ("DC", Gateway::Refuses(Refusal::UnknownStream)),
    ] {
        let (mut bed, id, [_, second]) = established();
        let app = bed.application();
        bed.gateway = Gateway::Thinks;
        let body = session(&[("AUDIO", "1"), (more, "2")]);
        bed.ask_as(&consumer(), Ask::Replace(id.clone(), read(&body)));
        wants(&mut bed, &app, &id);
        assert_eq!(bed.unanswered.len(), 1, "{:?}", bed.unanswered);
        assert!(bed.replies.is_empty(), "{:?}", bed.replies);
        bed.gateway_answers(gateway.clone());
        if gateway != Gateway::Agrees {
            assert_eq!(bed.problem().status, Some(409));
            assert_eq!(bed.updated().result, Status::Failed);
            continue;
        }
        let sdp = match more {
            "DC" => audio_and_data(""),
            _ => with_video(4010),
        };
        for _ in 0..2 {
            let invite = bed.request(Method::Invite);
            bed.answer(&invite, 200, Some(&sdp));
            bed.request(Method::Ack);
        }
        changed(&mut bed);
        if more == "DC" {
            opens(&mut bed, 1, StreamEnd::W3);
            continue;
        }
        let invite = bed.request(Method::Invite);
        assert_eq!(invite.call_id(), second.call_id());
        let offer = text(&invite);
        assert!(
            offer.contains("m=video 2") && offer.contains("m=application 2"),
            "{offer}"
        );
        let sdp = sdp + data_of(&audio_and_data(""));
        bed.answer(&invite, 200, Some(&sdp));
        bed.request(Method::Ack);
        opens(&mut bed, 2, StreamEnd::W3);
    }
}

/// An application that waits for the change of others' media gets its channels whatever becomes of that.
#[test]
fn an_application_does_not_fail_with_a_change_that_is_not_its_own() {
    // There is no room; the first one refuses; the second one does.
    for refuses in [None, Some(0), Some(1)] {
        let (mut bed, id, [_, second]) = established();
        let app = bed.application();
        bed.gateway = Gateway::Thinks;
        let body = session(&[("AUDIO", "1"), ("VIDEO", "2")]);
        bed.ask_as(&consumer(), Ask::Replace(id.clone(), read(&body)));
        wants(&mut bed, &app, &id);
        if refuses.is_none() {
            bed.gateway_refuses();
        }
        bed.gateway_answers(Gateway::Agrees);
        for leg in 0..refuses.map_or(0, |leg| leg + 1) {
            let invite = bed.request(Method::Invite);
            match refuses {
                Some(who) if who == leg => bed.answer(&invite, 488, None),
                _ => bed.answer(&invite, 200, Some(&with_video(4010))),
            }
            bed.request(Method::Ack);
        }
        assert_eq!(bed.problem().status, Some(409), "{refuses:?}");
        assert_eq!(bed.notified()["eventType"], "MEDIA_CHANGE_FAILURE");
        assert!(bed.told.is_empty() && bed.replies.is_empty(), "{refuses:?}");
        // Both go back, and the second one is offered the channels.
        loop {
            let invite = bed.request(Method::Invite);
            let offer = text(&invite);
            let data = offer.contains("m=application 2");
            let mut sdp = audio();
            if offer.contains("m=video") {
                sdp += "m=video 0 RTP/AVP 120\r\n";
            }
            if data {
                sdp += data_of(&audio_and_data(""));
            }
            bed.answer(&invite, 200, Some(&sdp));
            let sent = bed.sip.make_contiguous();
            sent.sort_by_key(|one| one.method() != Method::Ack);
            bed.request(Method::Ack);
            if data {
                assert_eq!(invite.call_id(), second.call_id());
                break;
            }
        }
        opens(&mut bed, 2, StreamEnd::W3);
    }
}

/// TS 29.392 §5.5.2.3: which media a session has is for its consumer to say; what it has taken out no UE brings back.
#[test]
fn what_is_not_wanted_is_refused_when_a_ue_offers_it() {
    let mut bed = Bed::new();
    let id = create(&mut bed, &session(&[("AUDIO", "1"), ("VIDEO", "2")]));
    let mut legs = Vec::new();
    for _ in 0..2 {
        let sent = bed.sip.make_contiguous();
        sent.sort_by_key(|one| one.method() == Method::Ack);
        let invite = bed.request(Method::Invite);
        bed.answer(&invite, 200, Some(&with_video(4010)));
        legs.push(invite);
    }
    bed.sip.clear();
    let body = session(&[("AUDIO", "1")]);
    bed.ask_as(&consumer(), Ask::Replace(id, read(&body)));
    for _ in 0..2 {
        let offer = bed.request(Method::Invite);
        assert!(text(&offer).contains("m=video 0 "));
        bed.answer(&offer, 200, Some(&with_video(0)));
        bed.request(Method::Ack);
    }
    changed(&mut bed);
    for leg in &legs {
        let offer = Bed::within(leg, Method::Update, 1);
        bed.say(&with_offer(offer, with_video(4010)));
        let answer = text(&bed.response(200));
        assert!(answer.contains("m=video 0 "), "{answer}");
        assert!(answer.contains("m=audio 2"), "{answer}");
    }
    let Some(Command::Configure { streams, .. }) = bed.asked.last() else {
        panic!("the gateway is told")
    };
    assert!(streams.iter().all(|one| one.media == MediaKind::Audio));
}

/// What is not wanted any more does not come back because the other UE speaks in the meantime.
#[test]
fn what_is_taken_out_stays_out() {
    let mut bed = Bed::new();
    let id = create(&mut bed, &session(&[("AUDIO", "1"), ("VIDEO", "2")]));
    let first = bed.request(Method::Invite);
    bed.answer(&first, 200, Some(&with_video(4010)));
    bed.sip
        .make_contiguous()
        .sort_by_key(|one| one.method() != Method::Ack);
    bed.request(Method::Ack);
    let second = bed.request(Method::Invite);
    bed.answer(&second, 200, Some(&with_video(4010)));
    bed.request(Method::Ack);
    let body = session(&[("AUDIO", "1")]);
    bed.ask_as(&consumer(), Ask::Replace(id, read(&body)));
    let offer = bed.request(Method::Invite);
    assert!(text(&offer).contains("m=video 0 "));
    let hold = Bed::within(&second, Method::Update, 1);
    bed.say(&with_offer(hold, with_video(4010) + "a=sendonly\r\n"));
    bed.response(200);
    bed.answer(&offer, 200, Some(&with_video(0)));
    bed.request(Method::Ack);
    let offer = bed.request(Method::Invite);
    assert_eq!(offer.call_id(), second.call_id());
    assert!(text(&offer).contains("m=video 0 "));
}

/// What else a consumer says during a change of media is not undone by its end, nor is the change.
#[test]
fn what_is_said_during_a_change_of_media_is_kept() {
    for taken in [true, false] {
        let (mut bed, id, _) = established();
        let more = session(&[("AUDIO", "1"), ("VIDEO", "2")]);
        bed.ask_as(&consumer(), Ask::Replace(id.clone(), read(&more)));
        let other = "https://other.example.com/";
        let patch =
            json!([{ "op": "replace", "path": "/imsSessionInfo/notifUri", "value": other }]);
        bed.ask_as(&consumer(), Ask::Patch(id, read(&patch)));
        assert_eq!(changed(&mut bed)["imsSessionInfo"]["notifUri"], other);
        for _ in 0..2 {
            let invite = bed.request(Method::Invite);
            if !taken {
                bed.answer(&invite, 488, None);
                break;
            }
            bed.answer(&invite, 200, Some(&with_video(4010)));
            bed.request(Method::Ack);
        }
        let told = bed.told.pop_front().expect("what became of it");
        assert_eq!(told.target.as_str(), other);
        if taken {
            let resource = changed(&mut bed);
            assert_eq!(resource["imsSessionInfo"]["notifUri"], other);
            let media = &resource["imsSessionInfo"]["mediaInfoSet"];
            assert_eq!(media[1]["mediaType"], "VIDEO");
        } else {
            assert_eq!(bed.problem().status, Some(409));
        }
    }
}
