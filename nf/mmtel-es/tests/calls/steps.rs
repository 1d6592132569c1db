//! Steps that several stories have.

use api_mmtel_es::common::Uri;
use api_mmtel_es::dc_app_management::Status;
use core_iq::{
    ChannelAction, ChannelAt, ChannelDescription, ChannelReliability, Command, Event, StreamEnd,
};
use nf_mmtel_es::calls::CallEvents;
use serde_json::json;
use wire_sip::{HeaderName, Message, Method};

use super::bed::{Bed, TARGET, audio};
use super::observer::{respond, within};

/// What a message says of media.
pub(crate) fn text(message: &Message) -> String {
    String::from_utf8(message.body().to_vec()).unwrap()
}

/// Its m-lines.
pub(crate) fn lines(message: &Message) -> Vec<String> {
    let text = text(message);
    let lines = text.lines().filter(|line| line.starts_with("m="));
    lines.map(str::to_owned).collect()
}

/// A request with this offer.
pub(crate) fn with_offer(mut request: Message, sdp: impl Into<String>) -> Message {
    request.set_body(Some("application/sdp"), sdp.into());
    request
}

/// The description of data channels alone, without what is before it.
pub(crate) fn data_of(sdp: &str) -> &str {
    &sdp[sdp.find("m=application").expect("data channels")..]
}

/// An application wants its channel in that call.
pub(crate) fn wants(bed: &mut Bed, app: &str, session: &str) {
    bed.update(&json!({ "dcAppId": app, "sessionId": session, "notificationInfo": TARGET }));
}

/// It waits for the UE to open it.
pub(crate) fn awaits(bed: &mut Bed, app: &str, session: &str) {
    bed.update(&json!({
        "dcAppId": app, "sessionId": session, "notificationInfo": TARGET, "mediaDirection": "P2A",
    }));
}

/// A channel as a UE opens it in band.
pub(crate) fn labelled(label: &str) -> ChannelDescription {
    ChannelDescription {
        label: label.into(),
        protocol: String::new(),
        ordered: true,
        reliability: ChannelReliability::Reliable,
        priority: 256,
    }
}

/// SCTP is there, and the channel of the application is opened, once.
pub(crate) fn opens(bed: &mut Bed, stream: u16, end: StreamEnd) {
    bed.event(stream, Event::DataConnected { end });
    let asked = bed.asked.iter().filter(|command| match command {
        Command::Channel { action, .. } => matches!(action, ChannelAction::Open { .. }),
        _ => false,
    });
    assert_eq!(asked.count(), 1, "{:?}", bed.asked);
    let at = ChannelAt { end, id: 1 };
    bed.event(stream, Event::ChannelOpened { at });
    assert_eq!(bed.updated().result, Status::Success);
}

/// An enabler whose applications may change the calls of that subscriber.
pub(crate) fn anchoring(subscriber: &str) -> Bed {
    Bed::with(|config| {
        config.call_events.push(CallEvents {
            subscribers: vec![subscriber.to_owned()],
            target: Uri::new(TARGET).unwrap(),
            applications: vec!["provider".into()],
        });
    })
}

/// Alice has called Bob; the INVITE as Bob got it, the 200 as Alice did, and the session.
pub(crate) fn answered(bed: &mut Bed, begin: &Message) -> (Message, Message, String) {
    bed.say(begin);
    let forwarded = bed.request(Method::Invite);
    let answered = respond(bed, &forwarded, 200, Some(&audio()));
    let told = bed.notified();
    assert_eq!(told["eventType"], "SESSION_ESTABLISHMENT_SUCCESS");
    bed.say(&within(&forwarded, Method::Ack, 1));
    let ack = bed.request(Method::Ack);
    assert_eq!(ack.header(HeaderName::CSeq), Some("1 ACK"));
    let session = told["sessionId"].as_str().unwrap().to_owned();
    (forwarded, answered, session)
}

/// A request of Bob within the call, as the core sends it by our Record-Route.
pub(crate) fn of_bob(at_core: &Message, method: Method<'_>, number: u32) -> Message {
    let mut request = within(at_core, method, number);
    let (from, to) = (
        request.header(HeaderName::From).unwrap().to_owned(),
        request.header(HeaderName::To).unwrap().to_owned(),
    );
    request.set(HeaderName::From, to);
    request.set(HeaderName::To, from);
    request.set_request_uri("sip:alice@192.0.2.40");
    request.set(
        HeaderName::Via,
        format_args!("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKbob{method}{number}"),
    );
    request.push_back(HeaderName::Via, "SIP/2.0/UDP 192.0.2.30;branch=z9hG4bKbob");
    request
}
