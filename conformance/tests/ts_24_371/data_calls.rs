//! Calls with data channels at the doors of the SDP.

use nf_epcscf::ims_alg::{DataChannels, Leg, Policy};
use wire_sdp::{Media, Session};

use crate::media_door::{BROWSER, Call};

/// A WIC's m-line of data channels, in the place after audio.
pub(crate) fn line(proto: &str, more: &str) -> String {
    format!(
        "m=application 9 {proto} webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:Qx7p\r\n\
         a=ice-pwd:kV0aZs81LrTq5oJmWc3dYb6e\r\na=fingerprint:sha-256 9B:0A:51:7C:D2:44:18:EE:03:6F:B7:2C:\
         A9:60:5D:F1:3E:88:07:C4:92:1B:DA:75:46:E0:2F:B3:6C:58:A1:D9\r\na=setup:actpass\r\na=mid:1\r\n\
         a=sctp-port:5000\r\na=max-message-size:262144\r\n{more}"
    )
}

/// A browser's offer of audio and data channels.
pub(crate) fn browser(proto: &str, more: &str) -> String {
    let audio = BROWSER.split("m=video").next().expect("audio is first");
    format!(
        "{}{}",
        audio.replace("BUNDLE 0 1", "BUNDLE 0"),
        line(proto, more)
    )
}

/// A call of a core that knows data channels, or of one that does not.
pub(crate) fn call(data_channels: bool) -> Call {
    Call::with(Policy {
        data_channels: if data_channels {
            DataChannels::Always
        } else {
            DataChannels::Never
        },
        ..Policy::default()
    })
}

/// Two accesses of ours, back to back: what leaves the first towards the core is what comes to the second.
pub(crate) struct BackToBack {
    pub(crate) near: Call,
    pub(crate) far: Call,
    /// Between the two, and what the second WIC is offered.
    pub(crate) offers: [Session; 2],
    /// Between the two, and what the first WIC is answered.
    pub(crate) answers: [Session; 2],
}

impl BackToBack {
    pub(crate) fn new(offer: &str, answer: &str) -> BackToBack {
        let (mut near, mut far) = (call(true), call(true));
        let between = near.offer(Leg::Wic, offer).expect("served");
        let offered = far.offer(Leg::Core, &text(&between)).expect("served");
        let back = far.answer(Leg::Wic, answer).expect("served");
        let answered = near.answer(Leg::Core, &text(&back)).expect("served");
        BackToBack {
            near,
            far,
            offers: [between, offered],
            answers: [back, answered],
        }
    }
}

pub(crate) fn text(session: &Session) -> String {
    String::from_utf8(session.to_bytes().to_vec()).expect("text")
}

/// The m-line of data channels.
pub(crate) fn data(session: &Session) -> Option<&Media> {
    let mut medias = session.medias().iter();
    medias.find(|media| media.line().media == "application")
}
