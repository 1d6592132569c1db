//! RTCP feedback across the edge (RFC 4585, RFC 5104).

use core_iq::Feedback;
use wire_sdp::attribute::RtcpFb;
use wire_sdp::{Attribute, Media};

/// What has a meaning on both sides; transport-cc, goog-remb and the like are of one RTP session only.
pub(super) const RELAYED: [&str; 3] = ["nack", "nack pli", "ccm fir"];
/// What the edge asks of a WIC for video whatever the far end can: the gateway itself wants key frames.
pub(super) const KEY_FRAMES: [&str; 2] = ["nack pli", "ccm fir"];

/// Removes the feedback that is not relayed, and what the test (payload type or all, feedback) refuses.
pub(super) fn retain(media: &mut Media, mut test: impl FnMut(Option<u8>, &str) -> bool) {
    media.retain(|line| {
        let Some(value) = line.attribute_value(RtcpFb::NAME) else {
            return true;
        };
        let Ok(fb) = RtcpFb::parse(value) else {
            return false;
        };
        RELAYED
            .iter()
            .any(|words| fb.is(words) && test(fb.payload, words))
    });
}

/// Whether an m-line takes this feedback for this payload type.
pub(super) fn takes(media: &Media, payload: u8, words: &str) -> bool {
    media.feedback(payload).any(|fb| fb.is(words))
}

/// Adds a feedback to a payload type that does not have it.
pub(super) fn add(media: &mut Media, payload: u8, words: &str) {
    if !takes(media, payload, words) {
        media.push_attribute(&RtcpFb {
            payload: Some(payload),
            feedback: words,
        });
    }
}

/// What the gateway may send to each side: what stands in both descriptions of that side.
pub(super) fn agreed(wic: &Media, core_peer: &Media) -> Feedback {
    let any = |media: &Media, words: &str| {
        media
            .line()
            .payload_types()
            .any(|payload| takes(media, payload, words))
    };
    Feedback {
        w3_nack: any(wic, "nack"),
        w3_pli: any(wic, "nack pli"),
        w3_fir: any(wic, "ccm fir"),
        core_nack: any(core_peer, "nack"),
        core_pli: any(core_peer, "nack pli"),
        core_fir: any(core_peer, "ccm fir"),
    }
}
