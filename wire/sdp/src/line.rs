//! One line: a type letter, `=`, a value, and the ending it came with.

use std::fmt;

use bytes::Bytes;

/// How a line ends. RFC 8866 §5 — CRLF is written, and bare LF is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    /// `\r\n`.
    #[default]
    CrLf,
    /// `\n` alone.
    Lf,
    /// The last line of a description that ends without one.
    None,
    /// A line that was made here: it ends like the first line of the description it is put in.
    AsUsual,
}

impl Ending {
    /// The bytes of this ending, where it has its own.
    pub fn as_bytes(self) -> &'static [u8] {
        match self {
            Ending::CrLf => b"\r\n",
            Ending::Lf => b"\n",
            Ending::None | Ending::AsUsual => b"",
        }
    }
}

/// One line of a description, as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// Type letter, `=` and value; never shorter than two bytes and never with a CR, LF or NUL.
    pub(crate) raw: Bytes,
    pub(crate) ending: Ending,
}

impl Line {
    /// A new line. Bytes that would break the line (CR, LF, NUL) are left out of the value.
    pub fn new(kind: char, value: impl fmt::Display) -> Line {
        debug_assert!(
            kind.is_ascii_lowercase(),
            "a line type is one lower-case letter"
        );
        let mut text = format!("{kind}={value}");
        text.retain(|c| !matches!(c, '\r' | '\n' | '\0'));
        Line {
            raw: Bytes::from(text),
            ending: Ending::AsUsual,
        }
    }

    /// A new attribute line: `a=name` when the value is empty, else `a=name:value`.
    pub fn attribute(name: &str, value: impl fmt::Display) -> Line {
        let value = value.to_string();
        if value.is_empty() {
            Line::new('a', name)
        } else {
            Line::new('a', format_args!("{name}:{value}"))
        }
    }

    /// From bytes that the session's parser has checked.
    pub(crate) fn checked(raw: Bytes, ending: Ending) -> Line {
        Line { raw, ending }
    }

    /// The type letter.
    pub fn kind(&self) -> char {
        char::from(self.raw[0])
    }

    /// The value as text; empty when the bytes are not UTF-8 (free text in another character set).
    pub fn value(&self) -> &str {
        std::str::from_utf8(&self.raw[2..]).unwrap_or("")
    }

    /// The bytes of the line without its ending.
    pub fn as_bytes(&self) -> &[u8] {
        &self.raw
    }

    /// Of an `a=` line, the attribute's name, also when its value is not UTF-8.
    pub fn attribute_name(&self) -> Option<&str> {
        if self.raw[0] != b'a' {
            return None;
        }
        let rest = &self.raw[2..];
        let end = memchr::memchr(b':', rest).unwrap_or(rest.len());
        std::str::from_utf8(&rest[..end]).ok()
    }

    /// Of an `a=` line with this name, its value; empty for a property attribute (`a=rtcp-mux`).
    pub fn attribute_value(&self, name: &str) -> Option<&str> {
        if self.attribute_name()? != name {
            return None;
        }
        Some(self.value().get(name.len() + 1..).unwrap_or(""))
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.raw.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_line_cannot_carry_another() {
        let line = Line::attribute("mid", "0\r\na=crypto:1");
        assert_eq!(line.as_bytes(), b"a=mid:0a=crypto:1");
    }

    #[test]
    fn property_attributes_have_an_empty_value() {
        let line = Line::attribute("rtcp-mux", "");
        assert_eq!(line.as_bytes(), b"a=rtcp-mux");
        assert_eq!(line.attribute_value("rtcp-mux"), Some(""));
        assert_eq!(line.attribute_value("rtcp"), None);
    }
}
