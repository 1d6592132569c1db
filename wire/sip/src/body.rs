//! RFC 5621 and RFC 2046 §5.1: multipart bodies, read and edited part by part.

use bytes::Bytes;
use memchr::memmem;

use crate::header::{ContentType, TypedHeader};
use crate::{HeaderName, scan};

/// Parts one body may have.
const MAX_PARTS: usize = 32;

/// A multipart body by ranges: an edit replaces one part's content and leaves the rest as it was.
#[derive(Debug, Clone)]
pub struct Multipart {
    raw: Bytes,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy)]
struct Part {
    head: (usize, usize),
    body: (usize, usize),
}

impl Multipart {
    /// `content_type` is the message's; `Err` names what is wrong.
    pub fn parse(content_type: &str, raw: impl Into<Bytes>) -> Result<Self, &'static str> {
        let raw = raw.into();
        let content_type = ContentType::parse(content_type)?;
        if !content_type.main.eq_ignore_ascii_case("multipart") {
            return Err("not multipart");
        }
        let boundary = content_type
            .params
            .unquoted("boundary")
            .ok_or("boundary is missing")?;
        if boundary.is_empty() || boundary.len() > 70 {
            return Err("boundary");
        }
        let dashes = format!("--{boundary}");
        let mut parts = Vec::new();
        let (mut at, mut last) = delimiter(&raw, 0, dashes.as_bytes())
            .map(|d| (d.next, d.last))
            .ok_or("no part")?;
        while !last {
            let next = delimiter(&raw, at, dashes.as_bytes()).ok_or("last boundary is missing")?;
            let content = at..next.start;
            let body = if raw[content.clone()].starts_with(b"\r\n") {
                at + 2
            } else {
                at + memmem::find(&raw[content.clone()], b"\r\n\r\n")
                    .ok_or("part without a blank line")?
                    + 4
            };
            if parts.len() == MAX_PARTS {
                return Err("too many parts");
            }
            parts.push(Part {
                head: (at, body),
                body: (body.min(next.start), next.start),
            });
            (at, last) = (next.next, next.last);
        }
        if parts.is_empty() {
            return Err("no part");
        }
        Ok(Self { raw, parts })
    }

    /// How many parts.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Never: a multipart body has a part.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// A header field of a part.
    pub fn header(&self, part: usize, name: HeaderName) -> Option<&str> {
        let Part {
            head: (start, end), ..
        } = *self.parts.get(part)?;
        let head = std::str::from_utf8(&self.raw[start..end]).ok()?;
        head.split("\r\n").find_map(|line| {
            let (n, value) = line.split_once(':')?;
            (HeaderName::parse(n.trim()) == name).then(|| scan::trim(value))
        })
    }

    /// RFC 2046 §5.1: text/plain when absent.
    pub fn content_type(&self, part: usize) -> &str {
        self.header(part, HeaderName::ContentType)
            .unwrap_or("text/plain")
    }

    /// A part's content.
    pub fn body(&self, part: usize) -> &[u8] {
        self.parts
            .get(part)
            .map_or(&[], |p| &self.raw[p.body.0..p.body.1])
    }

    /// The first part of that type.
    pub fn find(&self, main: &str, sub: &str) -> Option<usize> {
        (0..self.len()).find(|part| {
            ContentType::parse(self.content_type(*part)).is_ok_and(|t| t.is(main, sub))
        })
    }

    /// The whole body with one part's content replaced (and its Content-Length, when it has one).
    pub fn with_body(&self, part: usize, content: &[u8]) -> Vec<u8> {
        let Some(p) = self.parts.get(part) else {
            return self.raw.to_vec();
        };
        let mut out = Vec::with_capacity(self.raw.len() + content.len());
        out.extend_from_slice(&self.raw[..p.head.0]);
        let head = &self.raw[p.head.0..p.head.1];
        for line in head.split_inclusive(|b| *b == b'\n') {
            let name = line.split(|b| *b == b':').next().unwrap_or(&[]);
            let is_length = std::str::from_utf8(name).is_ok_and(|n| {
                line.len() > n.len() && HeaderName::parse(n.trim()) == HeaderName::ContentLength
            });
            if is_length {
                out.extend_from_slice(format!("Content-Length: {}\r\n", content.len()).as_bytes());
            } else {
                out.extend_from_slice(line);
            }
        }
        out.extend_from_slice(content);
        out.extend_from_slice(&self.raw[p.body.1..]);
        out
    }
}

struct Delimiter {
    /// Where the part before ends (before the CRLF that belongs to the delimiter).
    start: usize,
    /// Where the next part begins.
    next: usize,
    last: bool,
}

/// The next `CRLF--boundary[--] CRLF` from `from`.
fn delimiter(raw: &[u8], from: usize, dashes: &[u8]) -> Option<Delimiter> {
    let mut at = from;
    loop {
        let found = at + memmem::find(&raw[at..], dashes)?;
        let after = found + dashes.len();
        let at_line_start = found == 0 || found >= 2 && &raw[found - 2..found] == b"\r\n";
        let rest = &raw[after..];
        let last = rest.starts_with(b"--");
        let rest = if last { &rest[2..] } else { rest };
        let blank = rest
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
        let line_end = rest[blank..].starts_with(b"\r\n");
        if at_line_start && (last || line_end) {
            let next = raw.len() - rest.len() + blank + if line_end { 2 } else { 0 };
            return Some(Delimiter {
                start: found.saturating_sub(2).max(from),
                next,
                last,
            });
        }
        at = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"preamble\r\n--b1\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n\r\n--b1 \r\n\
        \r\nplain\r\n--b1--\r\nepilogue";

    #[test]
    fn parts_and_an_edit() {
        let m = Multipart::parse("multipart/mixed;boundary=b1", BODY).unwrap();
        assert_eq!(m.len(), 2);
        assert_eq!(m.find("application", "sdp"), Some(0));
        assert_eq!(m.body(0), b"v=0\r\n");
        assert_eq!(
            (m.content_type(1), m.body(1)),
            ("text/plain", &b"plain"[..])
        );
        let edited = m.with_body(0, b"v=0\r\ns=-\r\n");
        let text = String::from_utf8(edited.clone()).unwrap();
        assert_eq!(
            text,
            String::from_utf8_lossy(BODY)
                .replace("v=0\r\n", "v=0\r\ns=-\r\n")
                .replace("Content-Length: 5", "Content-Length: 10")
        );
        assert_eq!(
            Multipart::parse("multipart/mixed;boundary=\"b1\"", edited)
                .unwrap()
                .body(1),
            b"plain"
        );
    }

    #[test]
    fn bad_bodies_are_refused() {
        for (t, body) in [
            ("text/plain", "x"),
            ("multipart/mixed", "x"),
            ("multipart/mixed;boundary=b", "--b\r\n\r\nx"),
            ("multipart/mixed;boundary=b", "--b--"),
            ("multipart/mixed;boundary=b", "--b\r\nno blank\r\n--b--"),
        ] {
            assert!(
                Multipart::parse(t, body.as_bytes().to_vec()).is_err(),
                "{body}"
            );
        }
    }
}
