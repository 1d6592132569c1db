//! Calls through the binary, as the tests on the wire need them.

use conformance::{Core, HOME, Wic};
use wire_sdp::Session;
use wire_sip::{HeaderName, Message};

use crate::media_door::{BROWSER, browser_answers};

/// A browser's offer of audio and video that asks for end-to-access-edge protection.
pub(crate) fn browser_sdp() -> String {
    BROWSER.replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\na=3ge2ae:requested\r\n")
}

/// A phone's description of audio.
pub(crate) fn phone_sdp() -> String {
    "v=0\r\no=far 5 5 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\n\
     m=audio 30000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
     a=sendrecv\r\n"
        .to_owned()
}

/// A phone's answer to the browser's offer: audio, and no video.
pub(crate) fn phone_answer() -> String {
    format!("{}m=video 0 RTP/AVP 96\r\n", phone_sdp())
}

/// SDP of a message.
pub(crate) fn sdp(message: &Message) -> Session {
    assert_eq!(message.content_type(), Some("application/sdp"));
    Session::parse(message.body()).expect("SDP")
}

/// Header lines of a response that makes a dialog, and the SDP behind them.
pub(crate) fn with_dialog(core: &Core, seen: &Message, lines: &str, sdp: &str) -> String {
    let routes: Vec<&str> = seen.values(HeaderName::RecordRoute).collect();
    let routes = routes.join(", ");
    let address = core.address();
    format!("Record-Route: {routes}\r\nContact: <sip:far@{address}>\r\n{lines}\r\n{sdp}")
}

/// A call that the WIC made and the core answered: what the core saw, and what the WIC was answered.
pub(crate) fn answered_call(wic: &mut Wic, core: &mut Core, answer: &str) -> (Message, Message) {
    let invite = wic.invite(&format!("sip:bob@{HOME}"), "", &browser_sdp());
    wic.send(&invite);
    let seen = core.request("INVITE");
    let tail = with_dialog(core, &seen, "", answer);
    core.answer(&seen, 200, &tail);
    let ok = wic.status(200);
    let ack = wic.in_dialog("ACK", &ok, "");
    wic.send(&ack);
    core.request("ACK");
    (seen, ok)
}

/// The core calls the WIC that registered with this Path; the lines may add to the INVITE's.
pub(crate) fn call(core: &mut Core, path: &str, lines: &str, sdp: &str) -> Message {
    let address = core.address();
    let content = if sdp.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    let lines = format!(
        "Route: {path}\r\nRecord-Route: <sip:{address};lr>\r\nFrom: <sip:far@{HOME}>;tag=far\r\n\
         To: <sip:alice@{HOME}>\r\nCSeq: 1 INVITE\r\nContact: <sip:far@{address}>\r\n\
         P-Called-Party-ID: <sip:alice@{HOME}>\r\n{content}{lines}"
    );
    let uri = "sip:alice@alice.invalid;transport=ws";
    core.say("INVITE", uri, "from-the-core", &lines, sdp)
}

/// A WIC answers a call as a browser does; what the core is answered.
pub(crate) fn answer(wic: &mut Wic, core: &mut Core, invite: &Message) -> Message {
    let answer = browser_answers(&sdp(invite));
    wic.answer(invite, 200, &format!("X-Own: stays\r\n\r\n{answer}"));
    core.response()
}

/// The status of a response.
pub(crate) fn status(message: &Message) -> u16 {
    message.status().map_or(0, wire_sip::StatusCode::as_u16)
}
