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
    /// CRLFCRLF: answer with one CRLF.
    Ping,
    /// CRLF alone.
    Pong,
}

/// The stream cannot be read on: close the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StreamError {
    /// RFC 3261 §20.14: over a stream Content-Length is mandatory.
    #[error("no Content-Length in a stream")]
    NoContentLength,
    /// What arrived is no message, and nobody knows where the next begins.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Cuts a stream into messages.
#[derive(Debug)]
pub struct StreamDecoder {
    pending: BytesMut,
    /// How far the end of the headers has been looked for, so that nothing is looked at twice.
    scanned: usize,
    /// The length of the message that is being waited for.
    whole: Option<usize>,
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
    pub fn next(&mut self) -> Result<Option<Frame>, StreamError> {
        if self.whole.is_none() {
            if let Some(keep_alive) = self.keep_alive() {
                return Ok(Some(keep_alive));
            }
            if matches!(&self.pending[..], [] | b"\r" | b"\r\n\r") {
                return Ok(None); // perhaps a keep-alive, when the rest has come
            }
            let Some(body_at) = self.end_of_headers()? else {
                return Ok(None);
            };
            let length = content_length(&self.pending[..body_at])?;
            let whole = body_at
                .checked_add(length)
                .filter(|whole| *whole <= self.limits.message);
            self.whole = Some(whole.ok_or(Malformed::new(Fault::MessageTooLarge, body_at))?);
        }
        let Some(whole) = self.whole.filter(|whole| self.pending.len() >= *whole) else {
            return Ok(None);
        };
        let bytes: Bytes = self.pending.split_to(whole).freeze();
        (self.whole, self.scanned) = (None, 0);
        let message = Message::parse_with(bytes, &self.limits)?;
        Ok(Some(Frame::Message(Box::new(message))))
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

    fn end_of_headers(&mut self) -> Result<Option<usize>, StreamError> {
        let from = self.scanned.saturating_sub(3);
        if let Some(at) = memchr::memmem::find(&self.pending[from..], b"\r\n\r\n") {
            return Ok(Some(from + at + 4));
        }
        self.scanned = self.pending.len();
        if self.pending.len() > self.limits.message {
            return Err(Malformed::new(Fault::MessageTooLarge, self.limits.message).into());
        }
        Ok(None)
    }
}

/// RFC 3261 §20.14, found without an index: what follows is only parsed when it is whole.
fn content_length(head: &[u8]) -> Result<usize, StreamError> {
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = line[..colon].trim_ascii_end();
        if HeaderName::parse_bytes(name) == HeaderName::ContentLength {
            let text = std::str::from_utf8(line[colon + 1..].trim_ascii()).unwrap_or_default();
            let length = scan::number(text).ok_or(Malformed::new(Fault::ContentLength, 0))?;
            return Ok(length as usize);
        }
    }
    Err(StreamError::NoContentLength)
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

    #[test]
    fn a_stream_without_content_length_ends() {
        let mut decoder = StreamDecoder::default();
        decoder.push(OPTIONS.replace("l: 4\r\n", "").as_bytes());
        assert_eq!(decoder.next().unwrap_err(), StreamError::NoContentLength);
    }

    #[test]
    fn a_length_that_wraps_is_too_large() {
        let mut decoder = StreamDecoder::default();
        decoder.push(OPTIONS.replace("l: 4", "l: 4294967295").as_bytes());
        assert!(matches!(decoder.next(), Err(StreamError::Malformed(_))));
    }
}
