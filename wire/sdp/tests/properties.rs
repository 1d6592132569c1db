//! What holds for every input.

mod common;

use common::{CHROMIUM, FIREFOX, PHONE, fuzz};
use proptest::prelude::*;
use wire_sdp::Session;
use wire_sdp::attribute::{Fingerprint, Rtpmap};

/// Lines that look like something, so that the views behind the parser are reached.
fn line() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "candidate",
        "crypto",
        "dcmap",
        "dcsa",
        "3ge2ae",
        "extmap",
        "fingerprint",
        "fmtp",
        "group",
        "ice-pwd",
        "ice-ufrag",
        "ice-options",
        "mid",
        "msid",
        "curr",
        "des",
        "conf",
        "ptime",
        "rtcp",
        "rtcp-fb",
        "rtpmap",
        "sctp-port",
        "setup",
        "ssrc",
        "ssrc-group",
        "tls-id",
        "sendrecv",
    ]);
    prop_oneof![
        (name, "[ -~é]{0,60}").prop_map(|(name, value)| format!("a={name}:{value}")),
        "m=(audio|video|application) [0-9]{1,6} (RTP/AVP|UDP/TLS/RTP/SAVPF) [0-9 ]{1,12}",
        "(c|b|t|a|o|z|m)=[ -~]{0,40}",
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_kept(data in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz(&data);
    }

    #[test]
    fn any_lines_are_refused_or_kept(lines in prop::collection::vec(line(), 0..30), crlf: bool) {
        let ending = if crlf { "\r\n" } else { "\n" };
        let head = ["v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "t=0 0"];
        let mut text = String::new();
        for line in head.into_iter().map(str::to_owned).chain(lines) {
            text.extend([&line, ending]);
        }
        fuzz(text.as_bytes());
    }

    #[test]
    fn a_damaged_description_never_panics(
        which in 0..3usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..12),
    ) {
        let mut data = [CHROMIUM, FIREFOX, PHONE][which].as_bytes().to_vec();
        for (at, byte, how) in damage {
            let at = at.index(data.len());
            match how {
                0 => data[at] = byte,
                1 => data.insert(at, byte),
                _ => drop(data.remove(at)),
            }
        }
        fuzz(&data);
    }

    #[test]
    fn removing_one_line_leaves_the_others(at in any::<prop::sample::Index>()) {
        let mut session = Session::parse(CHROMIUM.as_bytes()).expect("valid");
        let section = session.media_mut(1).expect("video");
        let victim = section.lines()[at.index(section.lines().len())].clone();
        let mut removed = 0;
        section.retain(|line| {
            let keep = *line != victim;
            removed += usize::from(!keep);
            keep
        });
        let mut left = Vec::new();
        let mut in_video = false;
        for line in CHROMIUM.split_inclusive("\r\n") {
            in_video |= line.starts_with("m=video");
            if !in_video || line.trim_end().as_bytes() != victim.as_bytes() {
                left.extend_from_slice(line.as_bytes());
            }
        }
        prop_assert!(removed > 0);
        prop_assert_eq!(&session.to_bytes()[..], &left[..]);
    }
}

#[test]
fn browsers_and_phones_are_read_whole() {
    for text in [CHROMIUM, FIREFOX, PHONE] {
        fuzz(text.as_bytes());
        let session = Session::parse(text.as_bytes()).expect("valid");
        for (_, line) in session.lines() {
            if line.attribute_name() == Some("rtpmap") {
                let value = line.attribute_value("rtpmap").expect("named so");
                assert!(
                    wire_sdp::Attribute::parse(value)
                        .map(|_: Rtpmap<'_>| ())
                        .is_ok(),
                    "{value}"
                );
            }
        }
    }
    let session = Session::parse(FIREFOX.as_bytes()).expect("valid");
    let inherited: Vec<Fingerprint<'_>> = session.media_fingerprints(0).expect("valid");
    assert_eq!(
        inherited.len(),
        1,
        "Firefox writes its fingerprint at the session level"
    );
    assert!(session.media(1).expect("video").has("bundle-only"));
}
