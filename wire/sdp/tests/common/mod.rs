//! Descriptions in the manner of two browsers and of an IMS phone, and the body that fuzzing drives.

use wire_sdp::attribute::{self, Attribute, Direction, Fingerprint};
use wire_sdp::{Limits, Session};

/// What an audio and video call of a Chromium looks like.
pub(crate) const CHROMIUM: &str = include_str!("../data/chromium.sdp");
/// What an audio and video call of a Firefox with `max-bundle` looks like.
pub(crate) const FIREFOX: &str = include_str!("../data/firefox.sdp");
/// What an IMS phone with preconditions offers, with bare LF.
pub(crate) const PHONE: &str = include_str!("../data/phone.sdp");

/// Any bytes at all: whatever parses is written as it came, and no view or edit panics.
pub(crate) fn fuzz(data: &[u8]) {
    let Ok(session) = Session::parse(data) else {
        return;
    };
    assert_eq!(
        &session.to_bytes()[..],
        data,
        "what is not edited leaves as it came"
    );
    look(&session);

    let mut edited = session.clone();
    for media in edited.medias_mut() {
        media.set_port(0);
        media.set_proto("RTP/AVP");
        let formats: Vec<String> = media.line().formats().map(str::to_owned).collect();
        media.set_formats(formats);
        media.set_direction(Direction::Inactive);
        media.remove_attribute("fingerprint");
        media.push_attribute(&attribute::RtcpMux);
    }
    let bytes = edited.to_bytes();
    let limits = Limits {
        bytes: usize::MAX,
        lines: usize::MAX,
        line: usize::MAX,
        ..Limits::default()
    };
    let again = Session::parse_with(&bytes, &limits).expect("what was edited is still SDP");
    assert_eq!(again.to_bytes(), bytes);
    for media in again.medias() {
        assert_eq!(media.line().port, 0);
        assert_eq!(media.direction(), Some(Direction::Inactive));
        assert!(!media.has("fingerprint"));
    }
}

fn look(session: &Session) {
    let _ = (session.origin(), session.name(), session.timing());
    for index in 0..=session.medias().len() {
        let _ = session
            .media_connection(index)
            .map(|c| c.map(|c| (c.ip(), c.is_unspecified())));
        let _ = (session.media_direction(index), session.media_ice(index));
        if let Ok(fingerprints) = session.media_fingerprints(index) {
            let _: Vec<Vec<u8>> = fingerprints.iter().map(Fingerprint::digest).collect();
        }
        let Some(media) = session.media(index) else {
            continue;
        };
        for (payload, _) in media.payloads() {
            let _ = media
                .fmtp(payload)
                .map(|f| f.parameter("apt").map(str::len));
            let _ = media.feedback(payload).count();
        }
        let _ = media
            .bandwidths()
            .map(|b| b.to_string())
            .collect::<String>();
    }
    for (_, line) in session.lines() {
        let Some(name) = line.attribute_name() else {
            continue;
        };
        let value = line.attribute_value(name).unwrap_or("");
        macro_rules! stable {
            ($($type:ident)*) => {$(
                if name == attribute::$type::NAME && let Ok(read) = attribute::$type::parse(value) {
                    let written = read.to_string();
                    let again = attribute::$type::parse(&written).expect("what was written is read");
                    assert_eq!(again.to_string(), written);
                }
            )*};
        }
        stable!(BundleOnly Candidate Crypto Dcmap Dcsa EndToAccessEdge Extmap Fingerprint Fmtp Group
            EndOfCandidates IceLite IceOptions IcePwd IceUfrag Mid Msid ConfirmStatus CurrentStatus
            DesiredStatus Maxptime Ptime Rtcp RtcpFb RtcpMux RtcpMuxOnly RtcpRsize Rtpmap MaxMessageSize
            SctpPort Setup Ssrc SsrcGroup TlsId ReqApp);
        if let Ok(map) = attribute::Dcmap::parse(value)
            && let Some(read) = attribute::ChannelParameters::read(&map)
        {
            let options = read.to_string();
            let map = attribute::Dcmap {
                stream: map.stream,
                options: &options,
            };
            let again = attribute::ChannelParameters::read(&map);
            assert_eq!(again, Some(read), "what was written is read");
        }
        if let Ok(candidate) = attribute::Candidate::parse(value) {
            let _ = (candidate.socket_address(), candidate.extension("tcptype"));
        }
    }
}
