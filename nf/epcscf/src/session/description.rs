//! Where a message carries its session description: as its body, or as one part of it (RFC 5621).

use bytes::Bytes;
use wire_sip::body::Multipart;
use wire_sip::{HeaderName, Message};

/// The session description that counts; `None` when there is none, or when it is for something else (an
/// early session of RFC 3959, say).
pub(crate) fn find(message: &Message) -> Option<Bytes> {
    if message.body().is_empty() {
        return None;
    }
    let kind = message.content_type()?;
    if is_sdp(kind) {
        let disposition = message.header(HeaderName::ContentDisposition);
        return counts(disposition).then(|| message.body_bytes());
    }
    let (parts, part) = part(message)?;
    Some(Bytes::copy_from_slice(parts.body(part)))
}

/// Puts another in its place; every other part stays byte for byte.
pub(crate) fn replace(message: &mut Message, sdp: Bytes) {
    match part(message) {
        Some((parts, part)) => message.set_body(None, parts.with_body(part, &sdp)),
        None => message.set_body(None, sdp),
    }
}

fn part(message: &Message) -> Option<(Multipart, usize)> {
    let parts = Multipart::parse(message.content_type()?, message.body_bytes()).ok()?;
    let part = (0..parts.len()).find(|part| {
        is_sdp(parts.content_type(*part))
            && counts(parts.header(*part, HeaderName::ContentDisposition))
    })?;
    Some((parts, part))
}

fn is_sdp(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/sdp")
}

/// RFC 3261 §20.11: SDP without a disposition is the session's.
fn counts(disposition: Option<&str>) -> bool {
    let kind = disposition.map(|text| text.split(';').next().unwrap_or_default().trim());
    kind.is_none_or(|kind| kind.eq_ignore_ascii_case("session"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(content_type: &str, body: &str) -> Message {
        let text = format!(
            "INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/WSS h;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n\
             To: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Type: {content_type}\r\n\r\n{body}"
        );
        Message::parse(text.into()).unwrap()
    }

    #[test]
    fn one_part_is_replaced_and_the_others_stay() {
        let body = "--b\r\nContent-Type: application/sdp\r\nContent-Disposition: early-session\r\n\r\nearly\r\n\
             --b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b\r\nContent-Type: text/xml\r\n\r\n<x/>\r\n--b--\r\n";
        let mut message = message("multipart/mixed;boundary=b", body);
        assert_eq!(find(&message).unwrap(), "v=0\r\n");
        replace(&mut message, Bytes::from_static(b"v=1\r\n"));
        assert_eq!(message.body(), body.replace("v=0", "v=1").as_bytes());
        assert_eq!(
            message.header(HeaderName::ContentLength).unwrap(),
            body.len().to_string()
        );
    }

    #[test]
    fn what_is_no_sdp_is_left_alone() {
        assert_eq!(find(&message("application/pidf+xml", "<x/>")), None);
        assert_eq!(
            find(&message("Application/SDP;charset=utf-8", "v=0")).unwrap(),
            "v=0"
        );
        assert_eq!(
            find(&message("multipart/mixed;boundary=b", "no boundary")),
            None
        );
    }
}
