//! RFC 3261 §25.1: lexical rules shared by every header.
//!
//! Folded lines keep their CRLF inside a value, so CR and LF count as white space here.

use std::borrow::Cow;

/// `token` characters.
pub const fn is_token_char(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9'
        | b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

/// Is it a `token`?
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_char)
}

/// Space, tab, and the CRLF of a folded line.
pub const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Without white space at both ends.
pub fn trim(text: &str) -> &str {
    let bytes = text.as_bytes();
    let Some(first) = bytes.iter().position(|&byte| !is_space(byte)) else {
        return "";
    };
    let last = bytes.iter().rposition(|&byte| !is_space(byte));
    &text[first..=last.unwrap_or(first)]
}

/// A folded value on one line (RFC 3261 §7.3.1: the fold is one space).
pub fn unfold(value: &str) -> Cow<'_, str> {
    if !value.bytes().any(|b| b == b'\n') {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    for (index, line) in value.split("\r\n").enumerate() {
        if index > 0 {
            out.push(' ');
            out.push_str(line.trim_start_matches([' ', '\t']));
        } else {
            out.push_str(line.trim_end_matches([' ', '\t']));
        }
    }
    Cow::Owned(out)
}

/// The elements of a comma-separated value; commas in quotes and in angle brackets do not separate.
pub fn split_commas(value: &str) -> Split<'_> {
    Split {
        rest: Some(value),
        separator: b',',
    }
}

/// The pieces between semicolons; those in quotes and in angle brackets do not separate.
pub fn split_semicolons(value: &str) -> Split<'_> {
    Split {
        rest: Some(value),
        separator: b';',
    }
}

/// See [`split_commas`]. Pieces are trimmed; empty ones are passed over.
#[derive(Debug, Clone)]
pub struct Split<'a> {
    rest: Option<&'a str>,
    separator: u8,
}

impl<'a> Split<'a> {
    /// What has not been split yet.
    pub fn rest(&self) -> &'a str {
        self.rest.unwrap_or("")
    }
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let rest = self.rest?;
            let piece = if let Some(at) = find_unquoted(rest, self.separator) {
                self.rest = Some(&rest[at + 1..]);
                &rest[..at]
            } else {
                self.rest = None;
                rest
            };
            let piece = trim(piece);
            if !piece.is_empty() {
                return Some(piece);
            }
        }
    }
}

/// The first `wanted` outside quotes and angle brackets.
pub fn find_unquoted(text: &str, wanted: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        at += memchr::memchr3(wanted, b'"', b'<', bytes.get(at..)?)?;
        match bytes[at] {
            byte if byte == wanted => return Some(at),
            b'"' => at = skip_quoted(bytes, at)?,
            _ => at += memchr::memchr(b'>', &bytes[at..])?,
        }
        at += 1;
    }
}

/// Given the index of an opening quote, that of the closing one.
pub(crate) fn skip_quoted(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return Some(at),
            b'\\' => at += 1,
            _ => {}
        }
        at += 1;
    }
    None
}

/// A quoted string's content, without its quotes and backslashes; text without quotes comes back as it is.
pub fn unquote(text: &str) -> Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else {
        return Cow::Borrowed(text);
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// As a quoted string.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Is it a whole quoted string?
pub fn is_quoted(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 2 && bytes[0] == b'"' && skip_quoted(bytes, 0) == Some(bytes.len() - 1)
}

/// A decimal number of at most ten digits, nothing else.
pub fn number(text: &str) -> Option<u32> {
    if text.is_empty() || text.len() > 10 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_quotes_and_brackets_do_not_separate() {
        let all: Vec<_> = split_commas(r#""a,b" <sip:x,y@z>;p=1 ,, <sip:q>"#).collect();
        assert_eq!(all, [r#""a,b" <sip:x,y@z>;p=1"#, "<sip:q>"]);
    }

    #[test]
    fn quotes_escape() {
        assert_eq!(unquote(r#""a\"b\\""#), r#"a"b\"#);
        assert_eq!(quote(r#"a"b\"#), r#""a\"b\\""#);
        assert!(is_quoted(r#""a\"""#));
        assert!(!is_quoted(r#""a\""#));
    }

    #[test]
    fn folds_become_one_space() {
        assert_eq!(unfold("a \r\n   b\r\n\tc"), "a b c");
    }

    #[test]
    fn numbers_are_digits_only() {
        assert_eq!(number("4294967295"), Some(u32::MAX));
        for bad in ["", "+1", "-1", "4294967296", "99999999999", "1 ", "0x1"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
