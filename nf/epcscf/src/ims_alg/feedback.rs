//! RTCP feedback across the edge (RFC 4585, RFC 5104).

use core_iq::{Feedback, MediaKind};
use wire_sdp::attribute::RtcpFb;
use wire_sdp::{Attribute, Media};

/// What has a meaning on both sides; transport-cc, goog-remb and the like are of one RTP session only.
pub(super) const RELAYED: [&str; 3] = ["nack", "nack pli", "ccm fir"];

/// Writes the feedback of a description for one side, format by format: for video all that is relayed, since
/// the gateway repeats packets and asks for key frames itself; for audio what the far side takes too. The test
/// (payload type, feedback) says whether this side may get it.
pub(super) fn write(
    media: &mut Media,
    kind: MediaKind,
    far_side_takes: &[(u8, &str)],
    payloads: impl Iterator<Item = u8>,
    test: impl Fn(u8, &str) -> bool,
) {
    retain(media, |_, _| false);
    for payload in payloads {
        for words in RELAYED {
            let wanted = match kind {
                MediaKind::Video => true,
                MediaKind::Audio | MediaKind::Data => far_side_takes.contains(&(payload, words)),
            };
            if wanted && test(payload, words) {
                media.push_attribute(&RtcpFb {
                    payload: Some(payload),
                    feedback: words,
                });
            }
        }
    }
}

/// What an m-line takes, format by format, under the numbers of the other leg: (number here, number there).
pub(super) fn taken(media: &Media, numbers: &[(u8, u8)]) -> Vec<(u8, &'static str)> {
    let all = numbers
        .iter()
        .flat_map(|(here, there)| RELAYED.map(|words| (*here, *there, words)));
    all.filter(|(here, _, words)| takes(media, *here, words))
        .map(|(_, there, words)| (there, words))
        .collect()
}

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

/// What the gateway may send to each side: what that side takes, of what was written to it. There are no key
/// frames of audio.
pub(super) fn agreed(kind: MediaKind, wic: &Media, core_peer: &Media) -> Feedback {
    let any = |media: &Media, words: &str| {
        let key_frame = words != "nack";
        (kind == MediaKind::Video || !key_frame)
            && media
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
