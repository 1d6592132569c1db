//! TS 29.392 §5.3.2.2 — enabler, MMTel_DCAppCall_DCCallReq: an application calls one UE, or connects two.

use super::DCCALL;
use conformance::{Answer, Calling};
use serde_json::{Value, json};
use wire_sip::StatusCode;

/// Asks while the test plays the phones.
pub(crate) fn asking<R>(
    calling: &mut Calling,
    path: &str,
    body: &Value,
    phones: impl FnOnce(&mut Calling) -> R,
) -> (Answer, R) {
    asking_by("POST", calling, path, body, phones)
}

/// The same by another method.
pub(crate) fn asking_by<R>(
    method: &'static str,
    calling: &mut Calling,
    path: &str,
    body: &Value,
    phones: impl FnOnce(&mut Calling) -> R,
) -> (Answer, R) {
    let address = calling.enabler.address().to_owned();
    let (path, body) = (path.to_owned(), body.clone());
    let asked = std::thread::spawn(move || Answer::to_request(&address, method, &path, &body));
    let played = phones(calling);
    (asked.join().expect("no panic"), played)
}

/// TS 29.392 §5.3.2.2.2 step 2a, table 6.2.6.2.3-1: the answer says what became of the call.
#[test]
fn a_call_that_is_answered_is_a_success_with_a_session() {
    let mut calling = Calling::with("");
    let body = calling.call("bob");
    let (answer, invite) = asking(&mut calling, DCCALL, &body, |calling| {
        let invite = calling.answers();
        calling.acknowledged();
        invite
    });
    let answer = answer.ok();
    assert_eq!(answer["callResult"], "SUCCESS");
    assert_eq!(answer["terminatingId"], body["terminatingId"]);
    assert_eq!(answer["callType"], "A2P");
    assert_eq!(answer["mediaInfo"], json!(["audio"]));
    assert_eq!(answer["dcMediaInfo"], "false");
    assert!(answer["sessionId"].is_string() && answer.get("failureCause").is_none());
    assert_eq!(invite.request_uri(), body["terminatingId"].as_str());
    calling.hangs_up(&invite);
    let (path, told) = calling.told();
    assert_eq!(
        (path.as_str(), &told["sessionId"]),
        ("/call", &answer["sessionId"])
    );
    assert_eq!(told["mediaResourceInfo"]["call"], "ENDED");
}

/// Table 6.2.6.2.3-1: `failureCause` goes with FAILED, and is in words.
#[test]
fn a_call_that_is_refused_is_no_error_of_http() {
    let mut calling = Calling::with("");
    for (status, words) in [(486, "486 Busy Here"), (603, "603 Decline")] {
        let body = calling.call("bob");
        let (answer, ()) = asking(&mut calling, DCCALL, &body, |calling| {
            let invite = calling.rings();
            calling.core.answer(&invite, status, "");
            calling.acknowledged();
        });
        let answer = answer.ok();
        assert_eq!(answer["callResult"], "FAILED");
        assert_eq!(answer["failureCause"], words);
        assert!(answer.get("sessionId").is_none());
    }
    calling.tells_nothing();
}

/// A phone that nobody answers is given up, and told so.
#[test]
fn a_call_that_nobody_answers_is_cancelled() {
    let mut calling = Calling::with("answer_seconds = 1\n");
    let body = calling.call("bob");
    let (answer, ()) = asking(&mut calling, DCCALL, &body, |calling| {
        let invite = calling.rings();
        let cancel = calling.core.request("CANCEL");
        calling.core.answer(&cancel, 200, "");
        calling.core.answer(&invite, 487, "");
        calling.acknowledged();
    });
    let answer = answer.ok();
    assert_eq!(answer["callResult"], "FAILED");
    assert_eq!(answer["failureCause"], "the UE did not answer in time");
}

/// TS 29.392 §5.3.2.2.1, the third-party call: who is named first is called first, and sees the other.
#[test]
fn two_ues_are_connected() {
    let mut calling = Calling::with("");
    let mut body = calling.call("bob");
    body["callType"] = "P2P".into();
    body["originatingId"] = Calling::identity("alice").into();
    let (answer, invites) = asking(&mut calling, DCCALL, &body, |calling| {
        let first = calling.answers();
        // Bob is called when Alice has answered, whose ACK may come behind that.
        let mut both = [calling.core.any_request(), calling.core.any_request()];
        both.sort_by_key(|message| message.method().as_str() == "INVITE");
        let [ack, second] = both;
        assert_eq!(ack.method().as_str(), "ACK");
        calling.core.answer(&second, 180, "");
        calling.picks_up(&second, Calling::audio());
        calling.acknowledged();
        [first, second]
    });
    let answer = answer.ok();
    assert_eq!(answer["callResult"], "SUCCESS", "{answer}");
    assert_eq!(answer["originatingId"], body["originatingId"]);
    let [first, second] = invites;
    assert_eq!(first.request_uri(), body["originatingId"].as_str());
    assert_eq!(second.request_uri(), body["terminatingId"].as_str());
    let from = second.header_named("From").unwrap_or_default();
    assert!(from.contains("sip:alice@"), "{from}");
    let asserted = second.header_named("P-Asserted-Identity");
    assert!(asserted.is_some_and(|value| value.contains("sip:enabler@")));
}

/// RFC 3264 §6: what a UE adds that nobody wants is refused line by line, and the call goes on.
#[test]
fn what_a_ue_adds_is_refused_alone() {
    let mut calling = Calling::with("");
    let (invite, _) = super::s5_3_2_3_update_dc_media::standing(&mut calling);
    let header = |name: &str| invite.header_named(name).unwrap_or_default().to_owned();
    let (core, enabler) = (calling.core.address(), calling.core.subject());
    let lines = format!(
        "From: {};tag=core\r\nTo: {}\r\nCSeq: 1 INVITE\r\nContact: <sip:phone@{core}>\r\n\
         Content-Type: application/sdp\r\n",
        header("To"),
        header("From")
    );
    let sdp = format!(
        "{}m=application 40002 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n\
         m=video 40004 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n",
        Calling::audio()
    );
    let (call, uri) = (header("Call-ID"), format!("sip:mmtel-es@{enabler}"));
    calling.core.say("INVITE", &uri, &call, &lines, &sdp);
    let response = calling.core.response();
    assert_eq!(response.status().map(StatusCode::as_u16), Some(200));
    let answer = String::from_utf8_lossy(response.body()).into_owned();
    let media: Vec<&str> = answer
        .lines()
        .filter(|line| line.starts_with("m="))
        .collect();
    assert!(!media[0].starts_with("m=audio 0 "), "{answer}");
    let refused = [
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        "m=video 0 RTP/AVP 96",
    ];
    assert_eq!(media[1..], refused, "{answer}");
    let ack = lines.replace("1 INVITE", "1 ACK");
    calling.core.say("ACK", &uri, &call, &ack, "");
    calling.tells_nothing();
}

/// TS 29.122 §5.2.6: what cannot be asked is refused with its place, and nobody is called.
#[test]
fn what_is_wrong_is_named_and_nobody_is_called() {
    let mut calling = Calling::with("");
    let good = calling.call("bob");
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let without = |name: &str| {
        let mut body = good.clone();
        body.as_object_mut().expect("an object").remove(name);
        body
    };
    let wrong = [
        (without("terminatingId"), "/terminatingId"),
        (without("callType"), "/callType"),
        (without("notificationInfo"), "/notificationInfo"),
        // NOTE of table 6.2.6.2.2-1.
        (with("callType", "P2P".into()), "/originatingId"),
        (with("callType", "GROUP".into()), "/callType"),
        (
            with("terminatingId", "mailto:bob@example.net".into()),
            "/terminatingId",
        ),
        (
            with("terminatingId", "sip:bob@example.net?Route=x".into()),
            "/terminatingId",
        ),
        (
            with("terminatingId", "tel:5550100".into()),
            "/terminatingId",
        ),
        (
            with("notificationInfo", "file:///etc/passwd".into()),
            "/notificationInfo",
        ),
        (with("mediaInfo", json!(["smell"])), "/mediaInfo/0"),
        (with("mediaInfo", json!([])), "/mediaInfo"),
        (with("dcMediaInfo", "true".into()), "/dcMediaInfo"),
        (
            with("appProfileRequested", json!({ "appId": "none" })),
            "/appProfileRequested/appId",
        ),
    ];
    for (body, pointer) in wrong {
        assert_eq!(
            calling.enabler.post(DCCALL, &body).invalid(),
            [pointer],
            "{body}"
        );
    }
    calling.core.hears_nothing();
}

/// Who lost the answer asks again, and there is one call.
#[test]
fn the_same_request_again_is_the_same_call() {
    let mut calling = Calling::with("");
    let body = calling.call("bob");
    let (first, again) = asking(&mut calling, DCCALL, &body, |calling| {
        let invite = calling.rings();
        let (again, ()) = asking(calling, DCCALL, &body, |calling| {
            calling.core.hears_nothing();
            calling.picks_up(&invite, Calling::audio());
            calling.acknowledged();
        });
        again
    });
    let session = first.ok()["sessionId"].clone();
    assert_eq!(again.ok()["sessionId"], session);
    let later = calling.enabler.post(DCCALL, &body).ok();
    assert_eq!(later["sessionId"], session);
    calling.core.hears_nothing();
}
