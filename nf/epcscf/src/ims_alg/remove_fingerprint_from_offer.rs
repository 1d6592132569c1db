//! Removes from a description what belongs to the access alone: the fingerprint and the rest of DTLS, ICE,
//! multiplexing and browser attributes (TS 24.371 §7.4.2 and §7.4.3; TS 23.334 §5.20.1).
//!
//! It runs over every description, offer or answer, in either direction, before anything is written into it.

use wire_sdp::{Line, Section, Session};

/// Names that never cross the edge.
const ACCESS_ONLY: &[&str] = &[
    // DTLS: the fingerprint of the WIC's certificate, roles, association (RFC 8122, RFC 8842).
    "fingerprint",
    "setup",
    "connection",
    "tls-id",
    // End-to-access-edge protection is asked for and applied on W2 only (TS 24.371 §7.4.2).
    "3ge2ae",
    // SDES keys, wherever they come from.
    "crypto",
    // Candidates; every `ice-` attribute goes by its prefix below.
    "candidate",
    "end-of-candidates",
    "remote-candidates",
    // One transport an m-line, RTP and RTCP apart (TS 24.371 §7.4.2; TS 23.228 U.1.3.4).
    "group",
    "bundle-only",
    "mid",
    "rtcp",
    "rtcp-mux",
    "rtcp-mux-only",
    "rtcp-rsize",
    // Tracks, sources, layers and header extensions: they are of one RTP session only.
    "msid",
    "msid-semantic",
    "extmap",
    "extmap-allow-mixed",
    "rid",
    "simulcast",
    // Preconditions end here (RFC 3312); our own answer to them is written by `precondition.rs`.
    "curr",
    "des",
    "conf",
    // Capability negotiation (RFC 5939): an alternative would carry the above past us.
    "csup",
    "creq",
    "acap",
    "tcap",
    "pcfg",
    "acfg",
];

/// Families of names: ICE (`ice-ufrag`, `ice-pwd`, `ice-lite`, …), sources (`ssrc`, `ssrc-group`), media plane
/// optimisation between two edges (TS 23.228 U.2.4), which would bypass this one.
const ACCESS_ONLY_PREFIXES: &[&str] = &["ice-", "ssrc", "remote-ssrc", "tra-"];

/// Removes the fingerprint, and all else that belongs to one side, from the whole description.
pub(super) fn remove_fingerprint_and_ice(session: &mut Session) {
    clean(session.section_mut());
    for media in session.medias_mut() {
        clean(media);
    }
}

/// Whether the line must not cross the edge.
pub(super) fn is_access_only(line: &Line) -> bool {
    // RFC 8866 §5.12: a key in the clear, which nobody should write any more.
    if line.kind() == 'k' {
        return true;
    }
    let Some(name) = line.attribute_name() else {
        return false;
    };
    // Names have case (RFC 8866 §5.13), but nothing is let through on account of its spelling.
    let name = name.trim().to_ascii_lowercase();
    ACCESS_ONLY.contains(&name.as_str())
        || ACCESS_ONLY_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

fn clean(section: &mut Section) {
    section.retain(|line| !is_access_only(line));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_goes_and_what_the_far_end_needs_stays() {
        let text = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-lite\r\na=fingerprint:sha-256 AA\r\n\
            m=audio 9 RTP/AVP 0\r\na=ptime:20\r\na=Fingerprint:sha-256 AA\r\na=ice-ufrag:abcd\r\n\
            a=content:main\r\na= setup:active\r\nk=clear:secret\r\na=ssrc-group:FID 1 2\r\n";
        let mut session = Session::parse(text.as_bytes()).expect("valid");
        remove_fingerprint_and_ice(&mut session);
        let expected = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=ptime:20\r\na=content:main\r\n";
        assert_eq!(&session.to_bytes()[..], expected.as_bytes());
    }
}
