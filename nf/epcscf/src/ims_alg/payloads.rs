//! Payload types: which cross the edge, and which is which where the two sides differ (RFC 3264 §6.1).

use core_iq::{PayloadMap, PayloadMapping};
use wire_sdp::attribute::{Fmtp, RtcpFb, Rtpmap};
use wire_sdp::{Attribute, Line, Media};

use super::Leg;

/// Formats that repair or wrap others: they make sense within one RTP session only, and none of them
/// crosses from SAVPF to AVP.
const REPAIR: [&str; 7] = [
    "rtx",
    "red",
    "ulpfec",
    "flexfec",
    "flexfec-03",
    "parityfec",
    "1d-interleaved-parityfec",
];

/// RFC 5761 §4 — on one port with RTCP, as W3 has it, these would be taken for its packet types.
const LOOKS_LIKE_RTCP: std::ops::Range<u8> = 64..96;

/// The same format on both sides, by its two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) w3: u8,
    pub(super) core: u8,
}

/// The payload types of an m-line that can cross the edge, in its order.
pub(super) fn carried(media: &Media, leg: Leg) -> Vec<u8> {
    let mut seen = Vec::new();
    for (payload, map) in media.payloads() {
        let repairs = map.is_some_and(|map| REPAIR.iter().any(|name| map.is(name)));
        // A dynamic payload type that says nothing of itself is no format.
        let usable = leg == Leg::Core || !LOOKS_LIKE_RTCP.contains(&payload);
        if map.is_some() && !repairs && usable && !seen.contains(&payload) {
            seen.push(payload);
        }
    }
    seen
}

/// For each format of the answer that was offered: (offered number, answered number), in the answer's order.
pub(super) fn answered(offer: &Media, answer: &Media, leg: Leg) -> Vec<(u8, u8)> {
    let offered = carried(offer, leg);
    let mut pairs: Vec<(u8, u8)> = Vec::new();
    for payload in carried(answer, leg) {
        let free = |p: &&u8| !pairs.iter().any(|(taken, _)| taken == *p);
        let same = |p: &&u8| same_format(offer, **p, answer, payload);
        let close = |p: &&u8| same_encoding(offer, **p, answer, payload);
        // The same number first; then the same format under another; then one whose parameters differ a little.
        let found = offered
            .iter()
            .filter(free)
            .find(|p| **p == payload && close(p))
            .or_else(|| offered.iter().filter(free).find(same))
            .or_else(|| offered.iter().filter(free).find(close));
        if let Some(found) = found {
            pairs.push((*found, payload));
        }
    }
    pairs
}

/// The map that the gateway gets: only what differs.
pub(super) fn map(pairs: &[Pair]) -> PayloadMap {
    let differing = pairs.iter().filter(|pair| pair.w3 != pair.core);
    let mappings = differing.map(|pair| PayloadMapping {
        w3: pair.w3,
        core: pair.core,
    });
    PayloadMap(mappings.take(PayloadMap::MAX).collect())
}

/// Leaves only these formats, in this order, each under its new number: (old, new). Lines of the others go.
pub(super) fn renumber(media: &mut Media, numbers: &[(u8, u8)]) {
    let new = |old: u8| {
        numbers
            .iter()
            .find(|(from, _)| *from == old)
            .map(|(_, to)| *to)
    };
    media.edit(|line| match rewritten(&line, new) {
        Rewritten::Same => Some(line),
        Rewritten::Other(other) => Some(other),
        Rewritten::Gone => None,
    });
    media.set_formats(numbers.iter().map(|(_, to)| *to));
}

enum Rewritten {
    Same,
    Other(Line),
    Gone,
}

fn rewritten(line: &Line, new: impl Fn(u8) -> Option<u8>) -> Rewritten {
    fn number<T>(
        read: Option<(u8, T)>,
        new: impl Fn(u8) -> Option<u8>,
        write: impl Fn(T, u8) -> Line,
    ) -> Rewritten {
        match read.map(|(old, value)| (old, new(old), value)) {
            Some((old, Some(to), _)) if old == to => Rewritten::Same,
            Some((_, Some(to), value)) => Rewritten::Other(write(value, to)),
            _ => Rewritten::Gone,
        }
    }
    if let Some(value) = line.attribute_value(Rtpmap::NAME) {
        let read = Rtpmap::parse(value).ok().map(|map| (map.payload, map));
        return number(read, new, |map, payload| {
            Line::attribute(Rtpmap::NAME, Rtpmap { payload, ..map })
        });
    }
    if let Some(value) = line.attribute_value(Fmtp::NAME) {
        let read = Fmtp::parse(value)
            .ok()
            .and_then(|fmtp| Some((fmtp.payload()?, fmtp)));
        return number(read, new, |fmtp, payload| {
            let format = payload.to_string();
            Line::attribute(
                Fmtp::NAME,
                Fmtp {
                    format: &format,
                    ..fmtp
                },
            )
        });
    }
    if let Some(value) = line.attribute_value(RtcpFb::NAME) {
        let Ok(fb) = RtcpFb::parse(value) else {
            return Rewritten::Gone;
        };
        let Some(payload) = fb.payload else {
            return Rewritten::Same;
        };
        return number(Some((payload, fb)), new, |fb, payload| {
            Line::attribute(
                RtcpFb::NAME,
                RtcpFb {
                    payload: Some(payload),
                    ..fb
                },
            )
        });
    }
    Rewritten::Same
}

/// The numbers under which an offer goes on to the other leg: as agreed on before where it was, else its
/// own, else a free dynamic one.
pub(super) fn for_other_leg(
    media: &Media,
    to: Leg,
    known: impl Fn(u8) -> Option<u8>,
) -> Vec<(u8, u8)> {
    let payloads = carried(media, to.other());
    let mut numbers: Vec<(u8, u8)> = Vec::with_capacity(payloads.len());
    let mut taken = [false; 128];
    if to == Leg::Wic {
        let range = usize::from(LOOKS_LIKE_RTCP.start)..usize::from(LOOKS_LIKE_RTCP.end);
        taken[range].fill(true);
    }
    enum Choice {
        Agreed,
        Own,
        Free,
    }
    for choice in [Choice::Agreed, Choice::Own, Choice::Free] {
        for payload in &payloads {
            if numbers.iter().any(|(from, _)| from == payload) {
                continue;
            }
            let is_free = |to: &u8| *to < 128 && !taken[usize::from(*to)];
            let to = match choice {
                Choice::Agreed => known(*payload),
                Choice::Own => Some(*payload),
                Choice::Free => (96..128).chain(35..64).find(is_free),
            };
            if let Some(to) = to.filter(is_free) {
                taken[usize::from(to)] = true;
                numbers.push((*payload, to));
            }
        }
    }
    numbers.sort_by_key(|(from, _)| payloads.iter().position(|p| p == from));
    numbers
}

fn same_encoding(a: &Media, pa: u8, b: &Media, pb: u8) -> bool {
    match (a.rtpmap(pa), b.rtpmap(pb)) {
        (Some(x), Some(y)) => x.same_format(&y),
        _ => false,
    }
}

/// The parameters that make two formats of one codec different ones.
fn same_format(a: &Media, pa: u8, b: &Media, pb: u8) -> bool {
    let Some(map) = a.rtpmap(pa) else {
        return false;
    };
    let parameters: &[(&str, &str)] = if map.is("H264") {
        // RFC 6184 §8.2.2; the level may differ, the profile (its first four digits) not.
        &[("packetization-mode", "0"), ("profile-level-id", "420010")]
    } else if map.is("VP9") {
        &[("profile-id", "0")]
    } else if map.is("AV1") {
        &[("profile", "0")]
    } else if map.is("AMR") || map.is("AMR-WB") {
        // RFC 4867 §8.3.1: the packing is another format.
        &[("octet-align", "0")]
    } else {
        &[]
    };
    let value = |media: &Media, payload: u8, name: &str, default: &str| {
        let value = media
            .fmtp(payload)
            .and_then(|f| f.parameter(name))
            .unwrap_or(default);
        let length = if name == "profile-level-id" {
            4
        } else {
            value.len()
        };
        value.get(..length).unwrap_or(value).to_ascii_lowercase()
    };
    same_encoding(a, pa, b, pb)
        && parameters
            .iter()
            .all(|(name, default)| value(a, pa, name, default) == value(b, pb, name, default))
}

#[cfg(test)]
mod tests {
    use wire_sdp::Session;

    use super::*;

    fn media(lines: &str) -> Media {
        let text = format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n{lines}");
        let session = Session::parse(text.as_bytes()).expect("a test's own text");
        session.media(0).expect("one m-line").clone()
    }

    #[test]
    fn repair_formats_and_nameless_ones_are_not_carried() {
        let offer = media(
            "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100 96\r\na=rtpmap:96 VP8/90000\r\n\
             a=rtpmap:97 RTX/90000\r\na=rtpmap:98 red/90000\r\na=rtpmap:99 ulpfec/90000\r\n",
        );
        assert_eq!(carried(&offer, Leg::Wic), [96]);
    }

    #[test]
    fn h264_is_matched_by_profile_and_packetization_mode() {
        let offer = media(
            "m=video 9 RTP/AVP 102 104 108\r\na=rtpmap:102 H264/90000\r\na=rtpmap:104 H264/90000\r\n\
             a=rtpmap:108 H264/90000\r\na=fmtp:102 packetization-mode=1;profile-level-id=42001f\r\n\
             a=fmtp:104 packetization-mode=0;profile-level-id=42e01f\r\n\
             a=fmtp:108 packetization-mode=1;profile-level-id=42e01f\r\n",
        );
        let answer = media(
            "m=video 9 RTP/AVP 97\r\na=rtpmap:97 h264/90000\r\n\
             a=fmtp:97 profile-level-id=42E015; packetization-mode=1\r\n",
        );
        assert_eq!(answered(&offer, &answer, Leg::Core), [(108, 97)]);
    }

    #[test]
    fn the_same_number_is_the_same_format_when_only_parameters_differ() {
        let offer = media(
            "m=video 9 RTP/AVP 102 108\r\na=rtpmap:102 H264/90000\r\na=rtpmap:108 H264/90000\r\n\
             a=fmtp:102 profile-level-id=42001f\r\na=fmtp:108 profile-level-id=42e01f\r\n",
        );
        let answer = media("m=video 9 RTP/AVP 108\r\na=rtpmap:108 H264/90000\r\n");
        assert_eq!(answered(&offer, &answer, Leg::Core), [(108, 108)]);
    }

    #[test]
    fn a_number_that_means_something_else_is_not_taken_for_the_same() {
        let offer = media(
            "m=audio 9 RTP/AVP 96 97\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:97 AMR/8000\r\n",
        );
        let answer = media("m=audio 9 RTP/AVP 96\r\na=rtpmap:96 AMR/8000/1\r\n");
        assert_eq!(answered(&offer, &answer, Leg::Core), [(97, 96)]);
        let foreign = media("m=audio 9 RTP/AVP 18\r\n");
        assert_eq!(answered(&offer, &foreign, Leg::Core), []);
    }

    #[test]
    fn renumbering_moves_every_line_of_a_format_and_leaves_the_rest() {
        let mut media = media(
            "m=audio 9 RTP/AVP 111 0 126\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n\
             a=rtcp-fb:111 nack\r\na=rtcp-fb:* nack\r\na=rtpmap:126 telephone-event/8000\r\na=ptime:20\r\n",
        );
        renumber(&mut media, &[(126, 101), (111, 96)]);
        assert_eq!(media.line().formats, "101 96");
        assert_eq!(
            media.section().to_string(),
            "a=rtpmap:96 opus/48000/2\na=fmtp:96 useinbandfec=1\na=rtcp-fb:96 nack\na=rtcp-fb:* nack\n\
             a=rtpmap:101 telephone-event/8000\na=ptime:20\n"
        );
    }
}
