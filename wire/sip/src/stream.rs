//! Messages in a stream (RFC 3261 §18.3): framed by Content-Length, with keep-alives between them
//! (RFC 5626 §3.5.1).

use bytes::{Buf as _, Bytes, BytesMut};
use thiserror::Error;

use crate::error::Fault;
use crate::{HeaderName, Limits, Malformed, Message, scan};

/// What a stream holds next.
#[derive(Debug)]
pub enum Frame {
    /// A message.
    Message(Box<Message>),
    /// No message; but where it ends, and the next begins, is not in doubt: answer it and read on.
    Broken(Broken),
    /// CRLFCRLF: answer with one CRLF.
    Ping,
    /// CRLF alone.
    Pong,
}

/// Octets that are no message, and why. As an error: nobody knows where the next message begins, so
/// the connection is closed, once this is answered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{fault}")]
pub struct Broken {
    /// What is wrong.
    pub fault: Malformed,
    /// What came, or as much of it as an answer needs (see [`salvage`](crate::salvage)).
    pub octets: Bytes,
}

/// A message that is too long is skipped when it has at most so many octets; the connection of one
/// that is longer is closed.
const LONGEST_SKIPPED: usize = 1 << 20;

/// Cuts a stream into messages.
#[derive(Debug)]
pub struct StreamDecoder {
    pending: BytesMut,
    /// How far the end of the headers has been looked for, so that nothing is looked at twice.
    scanned: usize,
    /// The length of the message that is being waited for.
    whole: Option<usize>,
    /// Octets of a message that is too long, still to come and to be thrown away.
    skipping: usize,
    limits: Limits,
}

impl Default for StreamDecoder {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl StreamDecoder {
    /// An empty stream.
    pub fn new(limits: Limits) -> Self {
        Self {
            pending: BytesMut::new(),
            scanned: 0,
            whole: None,
            skipping: 0,
            limits,
        }
    }

    /// More bytes have come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// Bytes that wait for the rest of their message.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// The next frame, when it is whole.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would end at the first wait"
    )]
    pub fn next(&mut self) -> Result<Option<Frame>, Broken> {
        if self.skipping > 0 {
            let skipped = self.skipping.min(self.pending.len());
            self.pending.advance(skipped);
            self.skipping -= skipped;
        }
        if self.whole.is_none() {
            if let Some(keep_alive) = self.keep_alive() {
                return Ok(Some(keep_alive));
            }
            if matches!(&self.pending[..], [] | b"\r" | b"\r\n\r") {
                return Ok(None); // perhaps a keep-alive, when the rest has come
            }
            let body_at = match self.end_of_headers() {
                Ok(Some(body_at)) => body_at,
                Ok(None) => return Ok(None),
                Err(fault) => return Err(self.broken(fault)),
            };
            let length = match content_length(&self.pending[..body_at]) {
                Ok(length) => length,
                Err(fault) => return Err(self.broken(fault)),
            };
            let whole = body_at.saturating_add(length);
            if whole > self.limits.message {
                return self.too_large(body_at, whole).map(Some);
            }
            self.whole = Some(whole);
        }
        let Some(whole) = self.whole.filter(|whole| self.pending.len() >= *whole) else {
            return Ok(None);
        };
        let octets: Bytes = self.pending.split_to(whole).freeze();
        (self.whole, self.scanned) = (None, 0);
        match Message::parse_with(octets.clone(), &self.limits) {
            Ok(message) => Ok(Some(Frame::Message(Box::new(message)))),
            Err(fault) if is_framed(&fault) => Ok(Some(Frame::Broken(Broken { fault, octets }))),
            Err(fault) => Err(Broken { fault, octets }),
        }
    }

    /// The stream has ended. RFC 3261 §18.3: what was not whole by then is no message.
    pub fn end(&mut self) -> Option<Broken> {
        let fault = if self.whole.is_some() {
            Fault::BodyTooShort
        } else {
            Fault::Truncated
        };
        let said = self.pending.iter().any(|byte| !byte.is_ascii_whitespace());
        (said && self.skipping == 0).then(|| self.broken(Malformed::new(fault, self.pending.len())))
    }

    /// RFC 3261 §18.3, §21.5.7: it is as long as it says, whether we want it or not.
    fn too_large(&mut self, body_at: usize, whole: usize) -> Result<Frame, Broken> {
        let fault = Malformed::new(Fault::MessageTooLarge, self.limits.message);
        if whole > LONGEST_SKIPPED {
            return Err(self.broken(fault));
        }
        let octets = self.pending.split_to(body_at).freeze();
        (self.skipping, self.scanned) = (whole - body_at, 0);
        Ok(Frame::Broken(Broken { fault, octets }))
    }

    fn broken(&mut self, fault: Malformed) -> Broken {
        let octets = std::mem::take(&mut self.pending).freeze();
        (self.whole, self.scanned) = (None, 0);
        Broken { fault, octets }
    }

    fn keep_alive(&mut self) -> Option<Frame> {
        if self.scanned > 0 || !self.pending.starts_with(b"\r\n") {
            return None;
        }
        if self.pending.starts_with(b"\r\n\r\n") {
            self.pending.advance(4);
            return Some(Frame::Ping);
        }
        if self.pending.len() == 3 && self.pending[2] == b'\r' {
            return None; // half of a ping
        }
        self.pending.advance(2);
        Some(Frame::Pong)
    }

    fn end_of_headers(&mut self) -> Result<Option<usize>, Malformed> {
        let from = self.scanned.saturating_sub(3);
        if let Some(at) = memchr::memmem::find(&self.pending[from..], b"\r\n\r\n") {
            return Ok(Some(from + at + 4));
        }
        self.scanned = self.pending.len();
        if self.pending.len() > self.limits.message {
            return Err(Malformed::new(Fault::MessageTooLarge, self.limits.message));
        }
        Ok(None)
    }
}

/// Whether what is wrong says nothing against Content-Length, by which the end was found.
fn is_framed(fault: &Malformed) -> bool {
    !matches!(
        fault.what,
        Fault::Empty
            | Fault::Truncated
            | Fault::StartLine
            | Fault::LineEnd
            | Fault::ContentLength
            | Fault::BodyTooShort
            | Fault::Repeated(HeaderName::ContentLength)
    )
}

/// RFC 3261 §20.14, found without an index: what follows is only parsed when it is whole. Over a
/// stream it is mandatory, and two that differ are none.
fn content_length(head: &[u8]) -> Result<usize, Malformed> {
    let mut found = None;
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = line[..colon].trim_ascii_end();
        if HeaderName::parse_bytes(name) == HeaderName::ContentLength {
            let text = std::str::from_utf8(line[colon + 1..].trim_ascii()).unwrap_or_default();
            let length = scan::number(text).ok_or(Malformed::new(Fault::ContentLength, 0))?;
            if found.is_some_and(|found| found != length) {
                let twice = Fault::Repeated(HeaderName::ContentLength);
                return Err(Malformed::new(twice, 0));
            }
            found = Some(length);
        }
    }
    let missing = Fault::Missing(HeaderName::ContentLength);
    found
        .map(|length| length as usize)
        .ok_or(Malformed::new(missing, head.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n\
        From: <sip:b>;tag=1\r\nTo: <sip:a>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nl: 4\r\n\r\nbody";

    #[test]
    fn messages_come_out_whole_however_they_came_in() {
        let stream = format!("{OPTIONS}\r\n\r\n{OPTIONS}\r\n");
        for step in [1, 2, 3, 7, 50, 1000] {
            let mut decoder = StreamDecoder::default();
            let mut seen = String::new();
            for chunk in stream.as_bytes().chunks(step) {
                decoder.push(chunk);
                while let Some(frame) = decoder.next().unwrap() {
                    seen.push(match frame {
                        Frame::Message(message) => {
                            assert_eq!(message.body(), b"body");
                            'm'
                        }
                        Frame::Ping => 'p',
                        Frame::Pong => 'q',
                        Frame::Broken(broken) => panic!("{broken}"),
                    });
                }
            }
            // A ping that came in halves cannot be told from two pongs.
            let messages = seen.matches('m').count();
            assert!(
                messages == 2 && seen.starts_with('m'),
                "{seen} in steps of {step}"
            );
        }
    }

    fn fault(stream: &str) -> Fault {
        let mut decoder = StreamDecoder::default();
        decoder.push(stream.as_bytes());
        let broken = decoder.next().expect_err("nobody knows where it ends");
        assert!(broken.octets.starts_with(b"OPTIONS"), "it can be answered");
        broken.fault.what
    }

    #[test]
    fn a_stream_without_a_certain_content_length_ends() {
        let missing = Fault::Missing(HeaderName::ContentLength);
        assert_eq!(fault(&OPTIONS.replace("l: 4\r\n", "")), missing);
        let twice = Fault::Repeated(HeaderName::ContentLength);
        let two = "l: 4\r\nContent-Length: 5";
        assert_eq!(fault(&OPTIONS.replace("l: 4", two)), twice);
        assert_eq!(
            fault(&OPTIONS.replace("l: 4", "l: four")),
            Fault::ContentLength
        );
        let wraps = OPTIONS.replace("l: 4", "l: 4294967295");
        assert_eq!(fault(&wraps), Fault::MessageTooLarge);
        let bare = OPTIONS.replace("Call-ID: c\r\n", "Call-ID: c\n");
        assert_eq!(fault(&bare), Fault::LineEnd);
    }

    #[test]
    fn what_is_wrong_elsewhere_leaves_the_next_message_alone() {
        let broken = OPTIONS.replace("CSeq: 1", "CSeq: one");
        let long = OPTIONS.replace("l: 4", "l: 70000");
        let rest = "x".repeat(70_000 - 4);
        for (first, status) in [(broken, 400), (format!("{long}{rest}"), 513)] {
            for step in [7, 1000, 100_000] {
                let (mut decoder, mut statuses) = (StreamDecoder::default(), Vec::new());
                for chunk in format!("{first}{OPTIONS}").as_bytes().chunks(step) {
                    decoder.push(chunk);
                    while let Some(frame) = decoder.next().expect("the stream goes on") {
                        statuses.push(match frame {
                            Frame::Message(_) => 200,
                            Frame::Broken(Broken { fault, octets }) => {
                                let answer = crate::salvage::response(&octets, &fault);
                                assert_eq!(answer.is_some(), status == 513);
                                fault.status().as_u16()
                            }
                            Frame::Ping | Frame::Pong => 0,
                        });
                    }
                }
                assert_eq!(statuses, [status, 200], "in steps of {step}");
                assert!(decoder.end().is_none());
            }
        }
    }

    #[test]
    fn a_stream_that_ends_too_early_says_what_was_left() {
        let mut decoder = StreamDecoder::default();
        decoder.push(&OPTIONS.as_bytes()[..OPTIONS.len() - 1]);
        assert!(decoder.next().expect("it may still come").is_none());
        assert_eq!(
            decoder.end().map(|broken| broken.fault.what),
            Some(Fault::BodyTooShort)
        );
        decoder.push(b"\r\n");
        assert_eq!(decoder.end(), None);
        decoder.push(b"OPTIONS sip:");
        assert!(matches!(decoder.next(), Ok(Some(Frame::Pong))));
        assert!(matches!(decoder.next(), Ok(None)));
        assert_eq!(
            decoder.end().map(|broken| broken.fault.what),
            Some(Fault::Truncated)
        );
    }
}
