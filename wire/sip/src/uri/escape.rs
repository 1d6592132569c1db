//! RFC 3261 §19.1.2: `%` HEX HEX.

use std::borrow::Cow;

/// Escapes undone, octet by octet; a broken escape stays as it is. Octets that are not UTF-8 are replaced.
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(String::from_utf8_lossy(&unescape_bytes(text.as_bytes())).into_owned())
}

pub(super) fn unescape_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%'
            && let (Some(high), Some(low)) = (hex(bytes.get(at + 1)), hex(bytes.get(at + 2)))
        {
            out.push(high << 4 | low);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

/// Is every `%` followed by two hexadecimal digits?
pub(super) fn is_well_escaped(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(at, b)| {
        *b != b'%' || hex(bytes.get(at + 1)).is_some() && hex(bytes.get(at + 2)).is_some()
    })
}

/// RFC 3261 §19.1.4: an escaped character equals itself unless it is reserved; comparing after undoing every escape
/// of both sides would make `%3B` equal `;`, so reserved ones keep their escape.
pub(super) fn canonical(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%'
            && let (Some(high), Some(low)) = (hex(bytes.get(at + 1)), hex(bytes.get(at + 2)))
        {
            let byte = high << 4 | low;
            if byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')'
                )
            {
                out.push(byte);
            } else {
                out.push(b'%');
                out.push(bytes[at + 1].to_ascii_lowercase());
                out.push(bytes[at + 2].to_ascii_lowercase());
            }
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

fn hex(byte: Option<&u8>) -> Option<u8> {
    char::from(*byte?).to_digit(16).map(|d| d as u8)
}
