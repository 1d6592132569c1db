//! From bytes to the index. Nothing is allocated for a message of up to 32 header lines.

use bytes::{Buf, Bytes};
use smallvec::SmallVec;

use super::{Body, Entry, Message, Span, StartLine};
use crate::scan::{is_space, is_token_char, number, trim};
use crate::{Fault, HeaderName, Limits, Malformed, scan};

impl Message {
    /// One whole message, as a datagram or a WebSocket message holds it, within the default [`Limits`].
    ///
    /// Checked here: the start line, every header line's frame, the mandatory header fields (RFC 3261 §8.1.1 but for
    /// Max-Forwards, which a proxy may add), single occurrence, Content-Length and CSeq. See also [`Message::check`].
    pub fn parse(raw: Bytes) -> Result<Self, Malformed> {
        Self::parse_with(raw, &Limits::default())
    }

    /// The same with other limits.
    pub fn parse_with(mut raw: Bytes, limits: &Limits) -> Result<Self, Malformed> {
        // RFC 3261 §7.5: empty lines before the start line are ignored.
        while raw.starts_with(b"\r\n") {
            raw.advance(2);
        }
        let bytes = &raw[..];
        if bytes.is_empty() {
            return Err(Malformed::new(Fault::Empty, 0));
        }
        if bytes.len() > limits.message {
            return Err(Malformed::new(Fault::MessageTooLarge, limits.message));
        }
        let (start, mut at) = start_line(bytes, limits)?;
        let mut entries: SmallVec<[Entry; 32]> = SmallVec::new();
        let mut seen = Seen::default();
        let mut lines = 1;
        // Each turn reads one line; a line that begins with white space belongs to the entry before it.
        loop {
            let Some(newline) = memchr::memchr(b'\n', &bytes[at..]) else {
                return Err(Malformed::new(Fault::Truncated, bytes.len()));
            };
            lines += 1;
            let end = at + newline + 1;
            if newline == 0 || bytes[end - 2] != b'\r' {
                return Err(Malformed::new(Fault::LineEnd, end - 1));
            }
            if newline == 1 {
                at = end;
                break;
            }
            if matches!(bytes[at], b' ' | b'\t') {
                fold(&mut entries, bytes, at, end, limits)?;
                at = end;
                continue;
            }
            if entries.len() == limits.headers {
                return Err(Malformed::new(Fault::TooManyHeaders, at));
            }
            let entry = header_line(bytes, at, end, limits)?;
            if seen.again(entry.id) {
                return Err(Malformed::new(Fault::Repeated(entry.id), at));
            }
            entries.push(entry);
            at = end;
        }
        check_characters(&bytes[..at], lines)?;
        let mut message = Self {
            start,
            entries,
            side: String::new(),
            body: Body::Raw(at as u32),
            raw,
        };
        message.mandatory()?;
        message.cut_to_content_length(at)?;
        Ok(message)
    }

    /// RFC 3261 §8.1.1, §8.1.1.5.
    fn mandatory(&self) -> Result<(), Malformed> {
        for name in [
            HeaderName::Via,
            HeaderName::From,
            HeaderName::To,
            HeaderName::CallId,
            HeaderName::CSeq,
        ] {
            match self.entry(name) {
                None => return Err(Malformed::new(Fault::Missing(name), 0)),
                Some(entry) if entry.value_len == 0 => {
                    return Err(Malformed::new(Fault::Header(name), entry.start as usize));
                }
                Some(_) => {}
            }
        }
        let at = self
            .entry(HeaderName::CSeq)
            .map_or(0, |entry| entry.start as usize);
        let (_, method) = self.cseq_checked().ok_or(Malformed::new(Fault::CSeq, at))?;
        if let StartLine::Request {
            method: of_request, ..
        } = self.start
            && self.text(of_request) != method
        {
            return Err(Malformed::new(Fault::CSeqMethod, at));
        }
        Ok(())
    }

    /// RFC 3261 §18.3: octets beyond Content-Length are discarded, fewer are an error.
    fn cut_to_content_length(&mut self, body: usize) -> Result<(), Malformed> {
        let Some(entry) = self.entry(HeaderName::ContentLength).copied() else {
            return Ok(());
        };
        let at = entry.start as usize;
        let length = number(self.text(entry.value()))
            .ok_or(Malformed::new(Fault::ContentLength, at))? as usize;
        let there = self.raw.len() - body;
        if length > there {
            return Err(Malformed::new(Fault::BodyTooShort, self.raw.len()));
        }
        if length < there {
            self.raw.truncate(body + length);
        }
        Ok(())
    }
}

/// Which single header fields have been seen.
#[derive(Default)]
struct Seen(u32);

impl Seen {
    fn again(&mut self, id: HeaderName) -> bool {
        if !id.is_single() {
            return false;
        }
        let bit = 1
            << match id {
                HeaderName::CallId => 0,
                HeaderName::CSeq => 1,
                HeaderName::From => 2,
                HeaderName::To => 3,
                HeaderName::MaxForwards => 4,
                HeaderName::ContentLength => 5,
                HeaderName::ContentType => 6,
                HeaderName::Expires => 7,
                HeaderName::MinExpires => 8,
                HeaderName::Event => 9,
                HeaderName::RAck => 10,
                HeaderName::RSeq => 11,
                HeaderName::SessionExpires => 12,
                HeaderName::MinSe => 13,
                HeaderName::Replaces => 14,
                _ => 15,
            };
        let again = self.0 & bit != 0;
        self.0 |= bit;
        again
    }
}

/// RFC 3261 §25.1: `Method SP Request-URI SP SIP-Version` or `SIP-Version SP Status-Code SP Reason-Phrase`, single spaces.
fn start_line(bytes: &[u8], limits: &Limits) -> Result<(StartLine, usize), Malformed> {
    let newline =
        memchr::memchr(b'\n', bytes).ok_or(Malformed::new(Fault::Truncated, bytes.len()))?;
    if newline == 0 || bytes[newline - 1] != b'\r' {
        return Err(Malformed::new(Fault::LineEnd, newline));
    }
    if newline > limits.line {
        return Err(Malformed::new(Fault::LineTooLong, limits.line));
    }
    let text = &bytes[..newline - 1];
    let line = span(0, newline + 1);
    let first = memchr::memchr(b' ', text).ok_or(Malformed::new(Fault::StartLine, 0))?;
    if text.len() > 4 && text[..4].eq_ignore_ascii_case(b"SIP/") {
        if !text[..first].eq_ignore_ascii_case(b"SIP/2.0") {
            return Err(Malformed::new(Fault::Version, 0));
        }
        let code = &text[first + 1..];
        let digits = code.iter().take_while(|b| b.is_ascii_digit()).count();
        let at = first + 1;
        if digits != 3 || !matches!(code.first(), Some(b'1'..=b'6')) {
            return Err(Malformed::new(Fault::StatusCode, at));
        }
        let number = code[..3]
            .iter()
            .fold(0, |n, b| n * 10 + u16::from(b - b'0'));
        // Deviates: RFC 3261 §25.1 wants the space even before an empty reason; a line without it is common and clear.
        let reason = match code.get(3) {
            None => span(at + 3, 0),
            Some(b' ') => span(at + 4, code.len() - 4),
            Some(_) => return Err(Malformed::new(Fault::StatusCode, at)),
        };
        return Ok((
            StartLine::Status {
                line,
                code: number,
                reason,
            },
            newline + 1,
        ));
    }
    if first == 0 || !text[..first].iter().all(|b| is_token_char(*b)) {
        return Err(Malformed::new(Fault::Method, 0));
    }
    let last = memchr::memrchr(b' ', text)
        .filter(|last| *last > first)
        .ok_or(Malformed::new(Fault::StartLine, first))?;
    let uri = &text[first + 1..last];
    let version = &text[last + 1..];
    if version.len() < 5 || !version[..4].eq_ignore_ascii_case(b"SIP/") {
        return Err(Malformed::new(Fault::StartLine, last + 1));
    }
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        return Err(Malformed::new(Fault::Version, last + 1));
    }
    let scheme = memchr::memchr(b':', uri).unwrap_or(0);
    if scheme == 0
        || !uri[0].is_ascii_alphabetic()
        || uri
            .iter()
            .any(|b| *b <= b' ' || *b >= 0x7f || matches!(b, b'<' | b'>' | b'"'))
    {
        return Err(Malformed::new(Fault::RequestUri, first + 1));
    }
    let start = StartLine::Request {
        line,
        method: span(0, first),
        uri: span(first + 1, uri.len()),
    };
    Ok((start, newline + 1))
}

fn header_line(bytes: &[u8], at: usize, end: usize, limits: &Limits) -> Result<Entry, Malformed> {
    if end - at > limits.line {
        return Err(Malformed::new(Fault::LineTooLong, at + limits.line));
    }
    let line = &bytes[at..end];
    let name_len = line.iter().take_while(|b| is_token_char(**b)).count();
    if name_len == 0 || name_len > limits.name.min(255) {
        return Err(Malformed::new(Fault::HeaderName, at));
    }
    let mut value_at = name_len;
    while matches!(line[value_at], b' ' | b'\t') {
        value_at += 1;
    }
    if line[value_at] != b':' {
        return Err(Malformed::new(Fault::HeaderName, at));
    }
    value_at += 1;
    let mut value_end = line.len() - 2;
    while value_at < value_end && matches!(line[value_at], b' ' | b'\t') {
        value_at += 1;
    }
    while value_end > value_at && is_space(line[value_end - 1]) {
        value_end -= 1;
    }
    Ok(Entry {
        start: at as u32,
        line_len: line.len() as u32,
        value_len: (value_end - value_at) as u32,
        value_at: u16::try_from(value_at).map_err(|_| Malformed::new(Fault::LineTooLong, at))?,
        name_len: name_len as u8,
        id: HeaderName::parse_bytes(&line[..name_len]),
    })
}

/// RFC 3261 §7.3.1: a line that begins with white space continues the one before.
fn fold(
    entries: &mut [Entry],
    bytes: &[u8],
    at: usize,
    end: usize,
    limits: &Limits,
) -> Result<(), Malformed> {
    let last = entries
        .last_mut()
        .ok_or(Malformed::new(Fault::HeaderName, at))?;
    let start = last.start as usize;
    if end - start > limits.line {
        return Err(Malformed::new(Fault::LineTooLong, start + limits.line));
    }
    last.line_len = (end - start) as u32;
    let mut value_at = start + usize::from(last.value_at);
    let mut value_end = end;
    while value_end > value_at && is_space(bytes[value_end - 1]) {
        value_end -= 1;
    }
    if last.value_len == 0 {
        while value_at < value_end && is_space(bytes[value_at]) {
            value_at += 1;
        }
        last.value_at = u16::try_from(value_at - start)
            .map_err(|_| Malformed::new(Fault::LineTooLong, start))?;
    }
    last.value_len = (value_end - value_at) as u32;
    Ok(())
}

/// No control characters but tab and the CRLF of each line, and UTF-8 throughout. A backslash in a quoted string may
/// escape one (RFC 3261 §25.1 `quoted-pair`), but never CR or LF.
fn check_characters(head: &[u8], lines: usize) -> Result<(), Malformed> {
    let mut control = 0_usize;
    let mut returns = 0_usize;
    // Counted in short runs of octets, which the compiler turns into vector instructions.
    for run in head.chunks(128) {
        let (mut c, mut r) = (0_u8, 0_u8);
        for byte in run {
            c += u8::from(*byte < 0x20 || *byte == 0x7f);
            r += u8::from(*byte == b'\r');
        }
        control += usize::from(c);
        returns += usize::from(r);
    }
    if control != 2 * lines || returns != lines {
        find_control(head)?;
    }
    match std::str::from_utf8(head) {
        Ok(_) => Ok(()),
        Err(error) => Err(Malformed::new(Fault::Utf8, error.valid_up_to())),
    }
}

#[cold]
fn find_control(head: &[u8]) -> Result<(), Malformed> {
    let mut quoted = false;
    let mut at = 0;
    while at < head.len() {
        match head[at] {
            b'\r' if head.get(at + 1) != Some(&b'\n') => {
                return Err(Malformed::new(Fault::LineEnd, at));
            }
            b'"' => quoted = !quoted,
            b'\\' if quoted && !matches!(head.get(at + 1), Some(b'\r' | b'\n')) => at += 1,
            // A quoted string does not run on past its line, unless that is folded.
            b'\n' if !matches!(head.get(at + 1), Some(b' ' | b'\t')) => quoted = false,
            b'\r' | b'\n' | b'\t' => {}
            0..0x20 | 0x7f => return Err(Malformed::new(Fault::Control, at)),
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

fn span(start: usize, len: usize) -> Span {
    Span {
        start: start as u32,
        len: len as u32,
    }
}

impl Message {
    fn cseq_checked(&self) -> Option<(u32, &str)> {
        let value = self.header(HeaderName::CSeq)?;
        let digits = value.bytes().take_while(u8::is_ascii_digit).count();
        let (sequence, method) = value.split_at(digits);
        let sequence = number(sequence).filter(|n| *n < 1 << 31)?;
        let trimmed = trim(method);
        (trimmed.len() < method.len() && scan::is_token(trimmed)).then_some((sequence, trimmed))
    }

    /// CSeq's number and method.
    pub fn cseq(&self) -> Option<(u32, crate::Method<'_>)> {
        self.cseq_checked()
            .map(|(number, method)| (number, crate::Method::parse(method)))
    }
}
