//! Answering a request that could not be parsed: RFC 3261 §8.2.6 needs only Via, From, To, Call-ID and CSeq.

use std::fmt::Write;

use bytes::Bytes;

use crate::{HeaderName, Malformed, Message, Method, StatusCode, scan};

/// The response to a malformed request, with the status of `fault` and its words as reason; `None` when it was not a
/// request, was an ACK, or lacks what an answer needs.
pub fn response(octets: &[u8], fault: &Malformed) -> Option<Message> {
    response_with(octets, fault.status(), &format!("{}", fault.what))
}

/// The same with a status and a reason of the caller's.
pub fn response_with(octets: &[u8], status: StatusCode, reason: &str) -> Option<Message> {
    let text = String::from_utf8_lossy(&octets[..octets.len().min(MOST)]);
    let mut lines = text
        .trim_start_matches(['\r', '\n'])
        .split('\n')
        .map(|l| l.trim_end_matches('\r'));
    let start = lines.next()?;
    let method = start.split(' ').next()?;
    if !scan::is_token(method) || start.starts_with("SIP/") || Method::parse(method) == Method::Ack
    {
        return None;
    }
    let mut kept = [const { Vec::new() }; 5];
    let mut last: Option<usize> = None;
    for line in lines.take_while(|l| !l.is_empty()).take(256) {
        if line.starts_with([' ', '\t']) {
            if let Some(values) = last.and_then(|at| kept.get_mut(at)) {
                let value: &mut String = values.last_mut()?;
                value.push(' ');
                value.push_str(scan::trim(line));
            }
            continue;
        }
        last = None;
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let id = HeaderName::parse(scan::trim(name));
        if let Some(at) = NEEDED.iter().position(|n| *n == id) {
            kept[at].push(scan::trim(value).to_owned());
            last = Some(at);
        }
    }
    if kept
        .iter()
        .any(|values| values.first().is_none_or(String::is_empty))
    {
        return None;
    }
    let mut head = format!(
        "SIP/2.0 {status} {}\r\n",
        reason.replace(|c: char| c.is_ascii_control(), " ")
    );
    for (name, values) in NEEDED.iter().zip(&kept) {
        // A repeated single field is answered with its first.
        let most = if *name == HeaderName::Via {
            usize::MAX
        } else {
            1
        };
        for value in values.iter().take(most) {
            let value = value.replace(|c: char| c.is_ascii_control(), " ");
            let _ = write!(head, "{name}: {value}\r\n");
        }
    }
    head.push_str("Content-Length: 0\r\n\r\n");
    // What still does not parse (a CSeq that is none, say) cannot be matched by its sender either.
    Message::parse(Bytes::from(head)).ok()
}

const NEEDED: [HeaderName; 5] = [
    HeaderName::Via,
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
];
/// Header fields beyond this are not looked at.
const MOST: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_request_gets_its_answer() {
        let octets = b"INVITE sip:a@b SIP/2.0\r\nv: SIP/2.0/WS h\r\n ;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP q\r\nf: <sip:a@b>;tag=1\r\n\
            To: <sip:b@b>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 99\r\n\r\nshort";
        let fault = Message::parse(Bytes::from_static(octets)).unwrap_err();
        let answer = response(octets, &fault).unwrap();
        assert_eq!(answer.status(), Some(StatusCode::BAD_REQUEST));
        assert_eq!(answer.top_branch(), Some("z9hG4bK1"));
        assert_eq!(answer.lines(HeaderName::Via).count(), 2);
        assert_eq!(answer.cseq(), Some((1, Method::Invite)));
    }

    #[test]
    fn what_cannot_be_answered_is_not() {
        let fault = Malformed {
            what: crate::Fault::StartLine,
            at: 0,
        };
        for octets in [
            &b"ACK sip:a@b SIP/2.0\r\nVia: x\r\n\r\n"[..],
            b"SIP/2.0 200 OK\r\n\r\n",
            b"",
            b"\xff\xfe",
            b"INVITE\r\n\r\n",
        ] {
            assert!(response(octets, &fault).is_none());
        }
    }
}
