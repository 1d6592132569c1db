//! Data channels of applications, and what goes through them.
//!
//! | on the channel | as `mediaResourceInfo` |
//! | --- | --- |
//! | text that is a JSON object | that object |
//! | any other text | `{"text": "…"}` |
//! | binary | `{"binary": "…"}`, base64 |
//!
//! Towards the UE an object always goes as text, the object in JSON. What becomes of a channel is told as
//! `{"channel": "OPENED" | "REFUSED" | "CLOSED", "dcAppId": "…"}`, with a `reason` where there is one,
//! and without `mediaDirection`, so that no message of a UE can be taken for it.

use std::collections::VecDeque;
use std::time::Instant;

use api_mmtel_es::dc_app_call::{AdcType, DcMediaNotifyReq};
use api_mmtel_es::{Extensions, Object, common::Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_iq::{ChannelAt, ChannelDescription, ChannelMessage, ChannelReliability};
use serde_json::{Map, Value};
use smallvec::SmallVec;

use super::output::AskId;

/// The stream of the first channel that an application is given (TS 26.114: those below 1000 are of
/// bootstrap data channels).
pub(crate) const FIRST_STREAM: u16 = 1000;
/// How many channels one call may have.
pub(crate) const MAX_CHANNELS: usize = 16;
/// How many messages wait for a channel that is not open yet, or is full.
pub(crate) const MAX_WAITING: usize = 64;

/// The channel of one application in a call.
#[derive(Debug)]
pub(crate) struct AppChannel {
    pub(crate) app: String,
    /// Where notifications about it go.
    pub(crate) target: Uri,
    pub(crate) state: ChannelState,
    /// What waits to be sent.
    pub(crate) waiting: VecDeque<Vec<u8>>,
    /// Who waits for it to open.
    pub(crate) askers: SmallVec<[AskId; 1]>,
    /// Whether the first of what waits is with the gateway.
    pub(crate) sending: bool,
    /// When it is given up if it is not open; without an end while the call does not stand.
    pub(crate) until: Option<Instant>,
}

/// How far a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChannelState {
    /// In SDP, and SCTP is not there yet.
    Negotiated(u16),
    /// To be opened in band when SCTP is there.
    Wanted,
    /// The UE is to open it.
    Awaited,
    /// The gateway was asked to open it in band.
    Asked,
    /// The UE is asked, under this id.
    Opening(ChannelAt),
    /// It is there.
    Open(ChannelAt),
    /// It is there, and full.
    Full(ChannelAt),
}

impl AppChannel {
    /// Whether it had its time to open.
    pub(crate) fn is_late(&self, now: Instant) -> bool {
        let open = matches!(self.state, ChannelState::Open(_) | ChannelState::Full(_));
        !open && self.until.is_some_and(|until| until <= now)
    }

    /// What its end is called: one that was never open was refused.
    pub(crate) fn ends_as(&self) -> &'static str {
        match self.state {
            ChannelState::Open(_) | ChannelState::Full(_) => "CLOSED",
            _ => "REFUSED",
        }
    }

    /// Whether a UE may open it.
    pub(crate) fn is_free(&self) -> bool {
        matches!(self.state, ChannelState::Awaited | ChannelState::Wanted)
    }

    /// Whether it is waited for under that label.
    pub(crate) fn is_awaited(&self, label: &str) -> bool {
        self.state == ChannelState::Awaited && self.app == label
    }

    /// Its place at the gateway, when it has one.
    pub(crate) fn at(&self) -> Option<ChannelAt> {
        match self.state {
            ChannelState::Opening(at) | ChannelState::Open(at) | ChannelState::Full(at) => Some(at),
            _ => None,
        }
    }
}

/// The channel of an application: its label is the application's identifier.
pub(crate) fn description(app: &str) -> ChannelDescription {
    ChannelDescription {
        label: app.to_owned(),
        protocol: String::new(),
        ordered: true,
        reliability: ChannelReliability::Reliable,
        priority: 256,
    }
}

/// A message of the UE as it is told.
pub(crate) fn heard(session: &str, message: &ChannelMessage) -> DcMediaNotifyReq {
    let wrapped = |name: &str, text: String| Map::from_iter([(name.into(), Value::String(text))]);
    let object = match message {
        ChannelMessage::Text(octets) => match serde_json::from_slice(octets) {
            Ok(Value::Object(object)) => object,
            _ => wrapped("text", String::from_utf8_lossy(octets).into_owned()),
        },
        ChannelMessage::Binary(octets) => wrapped("binary", STANDARD.encode(octets)),
    };
    DcMediaNotifyReq {
        session_id: session.to_owned(),
        media_resource_info: Object(object),
        media_direction: Some(AdcType::P2A),
        extensions: Extensions::new(),
    }
}

/// What became of a channel, as it is told.
pub(crate) fn became(
    session: &str,
    app: &str,
    what: &str,
    reason: Option<&str>,
) -> DcMediaNotifyReq {
    let mut object = Map::from_iter([
        ("channel".to_owned(), Value::from(what)),
        ("dcAppId".to_owned(), Value::from(app)),
    ]);
    object.extend(reason.map(|reason| ("reason".to_owned(), Value::from(reason))));
    DcMediaNotifyReq {
        session_id: session.to_owned(),
        media_resource_info: Object(object),
        media_direction: None,
        extensions: Extensions::new(),
    }
}

/// The call is over, as it is told.
pub(crate) fn ended(session: &str, reason: &str) -> DcMediaNotifyReq {
    let object = Map::from_iter([
        ("call".to_owned(), Value::from("ENDED")),
        ("reason".to_owned(), Value::from(reason)),
    ]);
    DcMediaNotifyReq {
        session_id: session.to_owned(),
        media_resource_info: Object(object),
        media_direction: None,
        extensions: Extensions::new(),
    }
}

/// What an application says, as the UE hears it.
pub(crate) fn said(object: &Object) -> Vec<u8> {
    // A map of JSON values is always JSON.
    serde_json::to_vec(&object.0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn info(message: &ChannelMessage) -> Value {
        Value::Object(heard("s", message).media_resource_info.0)
    }

    #[test]
    fn messages_of_a_channel_as_objects() {
        let text = |text: &str| info(&ChannelMessage::Text(text.into()));
        assert_eq!(text(r#"{"choice":[1,null]}"#), json!({"choice": [1, null]}));
        assert_eq!(text("[1]"), json!({"text": "[1]"}));
        assert_eq!(text("hello"), json!({"text": "hello"}));
        assert_eq!(
            info(&ChannelMessage::Text(vec![0xff])),
            json!({"text": "\u{fffd}"})
        );
        let binary = ChannelMessage::Binary(vec![0, 1, 2]);
        assert_eq!(info(&binary), json!({"binary": "AAEC"}));
    }

    /// A UE may say `{"channel":"CLOSED"}`; only an event has no direction.
    #[test]
    fn events_are_no_messages() {
        let event = became("s", "a", "CLOSED", Some("by the UE"));
        assert_eq!(event.media_direction, None);
        let forged = heard(
            "s",
            &ChannelMessage::Text(br#"{"channel":"CLOSED"}"#.into()),
        );
        assert_eq!(forged.media_direction, Some(AdcType::P2A));
    }
}
