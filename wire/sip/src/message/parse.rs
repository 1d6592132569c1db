//! From bytes to the index (RFC 3261 §7).

use bytes::Bytes;
use smallvec::SmallVec;

use super::{Line, Message, Span, Start};
use crate::error::{Fault, Malformed};
use crate::{HeaderName, Limits, Method, StatusCode, scan};

/// What no message may lack (RFC 3261 §8.1.1; Max-Forwards is the proxy's to miss).
const MANDATORY: [HeaderName; 5] = [
    HeaderName::Via,
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
];

impl Message {
    /// Parses one whole message: a datagram, or a WebSocket message (RFC 7118 §5).
    pub fn parse(buffer: Bytes) -> Result<Self, Malformed> {
        Self::parse_with(buffer, &Limits::default())
    }

    /// The same with limits of the caller's.
    pub fn parse_with(buffer: Bytes, limits: &Limits) -> Result<Self, Malformed> {
        if buffer.len() > limits.message {
            return Err(Malformed::new(Fault::MessageTooLarge, limits.message));
        }
        // RFC 3261 §7.5: empty lines before the start line are passed over.
        let begin = buffer
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        if begin == buffer.len() {
            return Err(Malformed::new(Fault::Empty, 0));
        }
        let (start, first_line) = start_line(&buffer, begin, limits)?;
        let mut message = Self {
            buffer,
            edited: Vec::new(),
            start,
            lines: SmallVec::new(),
            body: Bytes::new(),
        };
        let body_at = message.index(first_line, limits)?;
        message.check()?;
        message.take_body(body_at)?;
        Ok(message)
    }

    /// Indexes the header lines; gives where the body begins.
    fn index(&mut self, mut at: usize, limits: &Limits) -> Result<usize, Malformed> {
        loop {
            let bytes = &self.buffer[..];
            let end = line_end(bytes, at, limits)?;
            if end == at {
                return Ok(at + 2);
            }
            let mut whole = end;
            while matches!(bytes.get(whole + 2), Some(b' ' | b'\t')) {
                whole = line_end(bytes, whole + 2, limits)?;
                if whole - at > limits.line {
                    return Err(Malformed::new(Fault::LineTooLong, at));
                }
            }
            let line = header_line(bytes, at, whole, limits)?;
            if self.lines.len() == limits.headers {
                return Err(Malformed::new(Fault::TooManyHeaders, at));
            }
            if line.name.is_single() && self.lines.iter().any(|other| other.name == line.name) {
                return Err(Malformed::new(Fault::Repeated(line.name), at));
            }
            self.lines.push(line);
            at = whole + 2;
        }
    }

    fn check(&self) -> Result<(), Malformed> {
        for name in MANDATORY {
            let missing = Malformed::new(Fault::Missing(name), 0);
            let value = self.header(name).ok_or(missing)?;
            if value.is_empty() {
                return Err(Malformed::new(Fault::Header(name), 0));
            }
        }
        let cseq = self.header(HeaderName::CSeq).unwrap_or_default();
        let mut words = cseq
            .split([' ', '\t', '\r', '\n'])
            .filter(|word| !word.is_empty());
        let number = words.next().and_then(scan::number).filter(|n| *n < 1 << 31);
        let (Some(_), Some(method), None) = (number, words.next(), words.next()) else {
            return Err(Malformed::new(Fault::CSeq, 0));
        };
        if self.is_request() && self.method() != Method::parse(method) {
            return Err(Malformed::new(Fault::CSeqMethod, 0));
        }
        Ok(())
    }

    fn take_body(&mut self, at: usize) -> Result<(), Malformed> {
        let there = self.buffer.len() - at;
        let length = match self.header(HeaderName::ContentLength) {
            None => there,
            Some(text) => {
                scan::number(text).ok_or(Malformed::new(Fault::ContentLength, at))? as usize
            }
        };
        if length > there {
            return Err(Malformed::new(Fault::BodyTooShort, at));
        }
        // RFC 3261 §18.3: what lies behind the body in a datagram is discarded.
        self.body = self.buffer.slice(at..at + length);
        Ok(())
    }
}

/// Where the line that begins at `at` ends: the index of its CR.
fn line_end(bytes: &[u8], at: usize, limits: &Limits) -> Result<usize, Malformed> {
    let rest = bytes.get(at..).unwrap_or_default();
    let newline = memchr::memchr(b'\n', rest).ok_or(Malformed::new(Fault::Truncated, at))?;
    if newline > limits.line {
        return Err(Malformed::new(Fault::LineTooLong, at));
    }
    let line = &rest[..newline];
    let Some((b'\r', content)) = line.split_last() else {
        return Err(Malformed::new(Fault::LineEnd, at + newline));
    };
    let control = |byte: u8| (byte < 0x20 && byte != b'\t') || byte == 0x7f;
    let mut bad = false;
    for byte in content {
        bad |= control(*byte);
    }
    if bad {
        return Err(Malformed::new(Fault::Control, at));
    }
    Ok(at + newline - 1)
}

fn header_line(bytes: &[u8], at: usize, end: usize, limits: &Limits) -> Result<Line, Malformed> {
    let fault = |what| Malformed::new(what, at);
    let line = &bytes[at..end];
    std::str::from_utf8(line).map_err(|_| fault(Fault::Utf8))?;
    let colon = memchr::memchr(b':', line).ok_or(fault(Fault::HeaderName))?;
    // RFC 3261 §7.3.1: white space may stand before the colon.
    let name = line[..colon].trim_ascii_end();
    if name.is_empty() || !name.iter().all(|byte| scan::is_token_char(*byte)) {
        return Err(fault(Fault::HeaderName));
    }
    let name_len = u8::try_from(name.len())
        .ok()
        .filter(|len| usize::from(*len) <= limits.name);
    let name_len = name_len.ok_or(fault(Fault::LineTooLong))?;
    let value = &line[colon + 1..];
    let before = value
        .iter()
        .take_while(|byte| scan::is_space(**byte))
        .count();
    let behind = value[before..]
        .iter()
        .rev()
        .take_while(|byte| scan::is_space(**byte))
        .count();
    Ok(Line {
        name: HeaderName::parse_bytes(name),
        edited: false,
        name_len,
        at: at as u32,
        value_at: (at + colon + 1 + before) as u32,
        value_len: (value.len() - before - behind) as u32,
        end: (end + 2) as u32,
    })
}

/// The start line, and where the first header line begins.
fn start_line(bytes: &[u8], at: usize, limits: &Limits) -> Result<(Start, usize), Malformed> {
    let end = line_end(bytes, at, limits)?;
    let fault = |what| Malformed::new(what, at);
    let line = std::str::from_utf8(&bytes[at..end]).map_err(|_| fault(Fault::Utf8))?;
    let span = |part: &str| {
        let offset = part.as_ptr() as usize - line.as_ptr() as usize;
        Span {
            at: (at + offset) as u32,
            len: part.len() as u32,
            edited: false,
        }
    };
    let start = if let Some(rest) = line.strip_prefix("SIP/") {
        // RFC 3261 §7.2.
        let (version, rest) = rest.split_once(' ').ok_or(fault(Fault::StartLine))?;
        if version != "2.0" {
            return Err(fault(Fault::Version));
        }
        let (code, reason) = rest.split_once(' ').unwrap_or((rest, &rest[rest.len()..]));
        let digits = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
        let status = code
            .parse()
            .ok()
            .filter(|_| digits)
            .and_then(StatusCode::new);
        Start::Response {
            status: status.ok_or(fault(Fault::StatusCode))?,
            reason: span(reason),
        }
    } else {
        // RFC 3261 §7.1: single spaces, and none at the end.
        let (method, rest) = line.split_once(' ').ok_or(fault(Fault::StartLine))?;
        let (uri, version) = rest.rsplit_once(' ').ok_or(fault(Fault::StartLine))?;
        if !version.eq_ignore_ascii_case("SIP/2.0") {
            let other = version.len() >= 4 && version[..4].eq_ignore_ascii_case("SIP/");
            return Err(fault(if other {
                Fault::Version
            } else {
                Fault::StartLine
            }));
        }
        if !scan::is_token(method) {
            return Err(fault(Fault::Method));
        }
        let wrong = |byte: u8| byte <= b' ' || matches!(byte, b'<' | b'>' | b'"');
        if uri.is_empty() || uri.bytes().any(wrong) || !uri.contains(':') {
            return Err(fault(Fault::RequestUri));
        }
        Start::Request {
            method: span(method),
            uri: span(uri),
        }
    };
    Ok((start, end + 2))
}
