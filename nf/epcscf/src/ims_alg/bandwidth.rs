//! `b=AS` towards the core (TS 24.229 §6.1.1: RTP audio and video state their bandwidth; browsers do not).

use core_iq::MediaKind;
use wire_sdp::attribute::Rtpmap;
use wire_sdp::{Bandwidth, BandwidthKind, Media};

use super::Policy;

/// Adds `b=AS` to an m-line that has neither it nor `b=TIAS`: enough for the largest of its codecs.
pub(super) fn insert(media: &mut Media, kind: MediaKind, ipv6: bool, policy: &Policy) {
    let stated = media
        .bandwidth(BandwidthKind::ApplicationSpecific)
        .is_some()
        || media
            .bandwidth(BandwidthKind::TransportIndependent)
            .is_some();
    if stated {
        return;
    }
    let value = match kind {
        MediaKind::Video => policy.video_bandwidth,
        // RTP alone has a rate that follows from its codec.
        MediaKind::Data => return,
        MediaKind::Audio => {
            // 50 packets a second, each with IP, UDP and RTP headers of 40 or 60 bytes.
            let headers = if ipv6 { 24 } else { 16 };
            let largest = media
                .payloads()
                .filter_map(|(_, map)| map.as_ref().map(audio_rate))
                .max();
            largest.unwrap_or(64) + headers
        }
    };
    media.set_bandwidth(&Bandwidth {
        kind: BandwidthKind::ApplicationSpecific,
        value,
    });
}

/// The rate of an audio codec at its usual top, in kbit/s.
fn audio_rate(map: &Rtpmap<'_>) -> u64 {
    match map.encoding.to_ascii_lowercase().as_str() {
        "amr" | "gsm" | "ilbc" => 13,
        "amr-wb" | "evs" => 24,
        "g729" | "g723" => 8,
        "telephone-event" | "cn" => 4,
        _ => 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire_sdp::MediaLine;

    fn audio(formats: &str) -> Media {
        let line = MediaLine {
            media: "audio",
            port: 9,
            ports: None,
            proto: "RTP/AVP",
            formats,
        };
        Media::new(&line).expect("valid")
    }

    #[test]
    fn the_largest_codec_decides_and_a_stated_value_stays() {
        let mut media = audio("18 0 13");
        insert(&mut media, MediaKind::Audio, false, &Policy::default());
        assert_eq!(
            media.bandwidth(BandwidthKind::ApplicationSpecific),
            Some(80)
        );
        insert(&mut media, MediaKind::Audio, true, &Policy::default());
        assert_eq!(
            media.bandwidth(BandwidthKind::ApplicationSpecific),
            Some(80)
        );
        let mut media = audio("18");
        insert(&mut media, MediaKind::Audio, true, &Policy::default());
        assert_eq!(
            media.bandwidth(BandwidthKind::ApplicationSpecific),
            Some(32)
        );
    }
}
