//! The start line and the header section (RFC 9112 §2 to §5), which both kinds of message share.

use crate::error::Malformed;
use crate::limits::Limits;

/// A header section, its lines in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Headers(Vec<(String, String)>);

/// What precedes a body.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) start_line: String,
    pub(crate) headers: Headers,
    /// Bytes of all of it, the empty line included.
    pub(crate) length: usize,
}

impl Head {
    /// Reads one, if it is whole; `searched` bytes are known not to end one.
    pub(crate) fn read(
        bytes: &[u8],
        searched: &mut usize,
        limits: &Limits,
    ) -> Result<Option<Self>, Malformed> {
        const END: &[u8] = b"\r\n\r\n";
        // The end may have begun in what was looked at before.
        let from = searched.saturating_sub(END.len() - 1);
        let window = &bytes[from..bytes.len().min(limits.head)];
        let Some(at) = window.windows(END.len()).position(|four| four == END) else {
            *searched = from + window.len();
            return if bytes.len() >= limits.head {
                Err(Malformed::HeadTooLarge)
            } else {
                Ok(None)
            };
        };
        let length = from + at + END.len();
        let text = std::str::from_utf8(&bytes[..from + at]).map_err(|_| Malformed::Header)?;
        let mut lines = text.split("\r\n");
        let start_line = lines.next().unwrap_or_default().to_owned();
        if start_line.chars().any(char::is_control) {
            return Err(Malformed::StartLine);
        }
        let mut headers = Headers::default();
        for line in lines {
            if headers.0.len() == limits.headers {
                return Err(Malformed::HeadTooLarge);
            }
            // A folded line begins with a blank, which is in no name (RFC 9112 §5.2).
            let (name, value) = line.split_once(':').ok_or(Malformed::Header)?;
            let value = value.trim_matches([' ', '\t']);
            if !is_token(name) || !is_field_value(value) {
                return Err(Malformed::Header);
            }
            headers.0.push((name.to_owned(), value.to_owned()));
        }
        Ok(Some(Self {
            start_line,
            headers,
            length,
        }))
    }
}

impl Headers {
    /// Every value of that name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(its, _)| its.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn first(&self, name: &str) -> Option<String> {
        self.all(name).next().map(str::to_owned)
    }

    /// RFC 9112 §6.3 — how long the body is, if the message says so.
    pub(crate) fn content_length(&self) -> Result<Option<u64>, Malformed> {
        if self.all("Transfer-Encoding").next().is_some() {
            return Err(Malformed::TransferEncoding);
        }
        let mut length = None;
        // RFC 9110 §8.6: the same number may be there again, also in one line.
        for value in self.all("Content-Length").flat_map(|line| line.split(',')) {
            let value = value.trim_matches([' ', '\t']);
            if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(Malformed::ContentLength);
            }
            let value: u64 = value.parse().map_err(|_| Malformed::ContentLength)?;
            if length.is_some_and(|before| before != value) {
                return Err(Malformed::ContentLength);
            }
            length = Some(value);
        }
        Ok(length)
    }
}

/// RFC 9112 §2.3 — what a version is to us: HTTP/1, whichever.
pub(crate) fn check_version(version: &str, wrong: Malformed) -> Result<(), Malformed> {
    let digits = version.strip_prefix("HTTP/").ok_or(wrong)?;
    match digits.as_bytes() {
        [b'1', b'.', minor] if minor.is_ascii_digit() => Ok(()),
        [major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
            Err(Malformed::Version)
        }
        _ => Err(wrong),
    }
}

/// RFC 9110 §5.6.2
pub(crate) fn is_token(text: &str) -> bool {
    let is = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is)
}

/// RFC 9110 §5.5
pub(crate) fn is_field_value(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && c != '\t')
}
