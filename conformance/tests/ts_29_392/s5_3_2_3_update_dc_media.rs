//! TS 29.392 §5.3.2.3 — enabler, MMTel_DCAppCall_UpdateDCMedia.

use conformance::Calling;
use serde_json::{Value, json};

use super::s5_3_2_2_dc_call::asking;
use super::{DCAPPS, DCCALL, UPDATE, configuration};

/// An application of a provider.
pub(crate) fn application(calling: &Calling) -> String {
    let body = configuration("calls", &json!([{ "appIndex": "1", "appName": "Choice" }]));
    let answer = calling
        .enabler
        .post(&format!("{DCAPPS}/configure"), &body)
        .ok();
    let one = &answer["dcAppConfigRespList"][0]["appId"];
    one.as_str().expect("an appId").to_owned()
}

/// A call that stands, and its session.
pub(crate) fn standing(calling: &mut Calling) -> (wire_sip::Message, String) {
    let body = calling.call("bob");
    let (answer, invite) = asking(calling, DCCALL, &body, |calling| {
        let invite = calling.answers();
        calling.acknowledged();
        invite
    });
    let session = answer.ok()["sessionId"]
        .as_str()
        .expect("a session")
        .to_owned();
    (invite, session)
}

pub(crate) fn update(calling: &Calling, app: &str, session: &str) -> Value {
    json!({
        "dcAppId": app, "sessionId": session, "notificationInfo": format!("{}/dc", calling.url),
        "mediaResourceInfo": { "question": 1 },
    })
}

/// TS 29.392 §5.3.2.3.1: data channels are offered within the call that there is, for the application
/// whose channel it is to be; a UE that takes none is told of as such, and keeps the call.
#[test]
fn data_channels_are_offered_within_the_call() {
    let mut calling = Calling::with("");
    let app = application(&calling);
    let (invite, session) = standing(&mut calling);
    let body = update(&calling, &app, &session);
    for status in [488, 200] {
        let (answer, offer) = asking(&mut calling, UPDATE, &body, |calling| {
            let offer = calling.core.request("INVITE");
            if status == 200 {
                let refused = "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n";
                calling.picks_up(&offer, &format!("{}{refused}", Calling::audio()));
            } else {
                calling.core.answer(&offer, status, "");
            }
            calling.acknowledged();
            offer
        });
        assert_eq!(offer.call_id(), invite.call_id());
        assert!(offer.to_tag().is_some());
        let sdp = String::from_utf8_lossy(offer.body()).into_owned();
        assert!(
            sdp.contains(" UDP/DTLS/SCTP webrtc-datachannel\r\n"),
            "{sdp}"
        );
        let answer = answer.ok();
        assert_eq!(
            (&answer["result"], &answer["sessionId"]),
            (&json!("FAILED"), &json!(session))
        );
        assert!(
            answer["cause"]
                .as_str()
                .is_some_and(|cause| !cause.is_empty())
        );
        // TS 29.392 §5.3.2.4.2: to the URI of this request.
        let (path, told) = calling.told();
        assert_eq!(path, "/dc");
        assert_eq!(told["mediaResourceInfo"]["channel"], "REFUSED");
        assert_eq!(told["mediaResourceInfo"]["dcAppId"], *app);
    }
    calling.hangs_up(&invite);
}

/// TS 29.392 §5.3.2.3.2: with `mediaDirection` P2A it is the UE that opens the channel; the request of one that never
/// does is answered in the time that is configured, and nothing is left of it.
#[test]
fn a_channel_that_the_ue_does_not_open_is_given_up() {
    let mut calling = Calling::with("ue_channel_seconds = 1\n");
    let app = application(&calling);
    let (invite, session) = standing(&mut calling);
    let mut body = update(&calling, &app, &session);
    body["mediaDirection"] = "P2A".into();
    let fingerprint = vec!["AB"; 32].join(":");
    let sdp = format!(
        "{}m=application 40002 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n\
         a=setup:passive\r\na=fingerprint:sha-256 {fingerprint}\r\n",
        Calling::audio()
    );
    let (answer, ()) = asking(&mut calling, UPDATE, &body, |calling| {
        let offer = calling.core.request("INVITE");
        calling.picks_up(&offer, &sdp);
        calling.acknowledged();
    });
    let answer = answer.ok();
    assert_eq!(answer["result"], "FAILED");
    assert_eq!(answer["cause"], "the UE did not open it in time");
    let (path, told) = calling.told();
    assert_eq!(path, "/dc");
    assert_eq!(told["mediaResourceInfo"]["channel"], "REFUSED");
    calling.tells_nothing();
    // The call goes on without it.
    calling.hangs_up(&invite);
    let (path, told) = calling.told();
    assert_eq!(path, "/call");
    assert_eq!(told["mediaResourceInfo"]["call"], "ENDED");
    calling.tells_nothing();
}

/// TS 29.122 §5.2.6
#[test]
fn what_is_not_there_is_refused_and_nothing_offered() {
    let mut calling = Calling::with("");
    let app = application(&calling);
    let (invite, session) = standing(&mut calling);
    let good = update(&calling, &app, &session);
    let problem = calling
        .enabler
        .post(UPDATE, &update(&calling, &app, "none"))
        .problem(404);
    assert_eq!(problem["invalidParams"][0]["param"], "/sessionId");
    for (name, value) in [
        ("dcAppId", json!("none")),
        ("notificationInfo", json!("ftp://example.net/")),
        ("mediaResourceInfo", json!("text")),
    ] {
        let mut body = good.clone();
        body[name] = value;
        let pointer = format!("/{name}");
        assert_eq!(calling.enabler.post(UPDATE, &body).invalid(), [pointer]);
    }
    for name in ["dcAppId", "sessionId", "notificationInfo"] {
        let mut body = good.clone();
        body.as_object_mut().expect("an object").remove(name);
        let pointer = format!("/{name}");
        assert_eq!(calling.enabler.post(UPDATE, &body).invalid(), [pointer]);
    }
    calling.core.hears_nothing();
    calling.hangs_up(&invite);
    calling.enabler.post(UPDATE, &good).problem(404);
}
