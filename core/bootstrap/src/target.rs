//! What a request is for: a path and parameters (RFC 9112 §3.2.1, RFC 3986 §3.3, §3.4).

use std::borrow::Cow;

/// A request's target, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// The path, as it was written.
    pub path: &'a str,
    query: &'a str,
}

impl<'a> Target<'a> {
    /// Takes a target apart. One in absolute form is taken for what it means: clients that are made
    /// for proxies write it so (RFC 9112 §3.2.2).
    pub fn parse(target: &'a str) -> Option<Self> {
        let origin = match target.strip_prefix("http://") {
            Some(rest) => rest.find('/').map_or("/", |slash| &rest[slash..]),
            None => target,
        };
        if !origin.starts_with('/') || origin.contains('#') {
            return None;
        }
        let (path, query) = origin.split_once('?').unwrap_or((origin, ""));
        Some(Self { path, query })
    }

    /// The first parameter of that name, decoded; none, if it cannot be decoded.
    pub fn parameter(&self, name: &str) -> Option<Cow<'a, str>> {
        parameter(self.query, name)
    }
}

pub(crate) fn parameter<'a>(pairs: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let mut pairs = pairs.split('&').map(|pair| pair.split_once('='));
    pairs.find_map(|pair| {
        let (its, value) = pair?;
        (its == name).then(|| decoded(value)).flatten()
    })
}

/// RFC 3986 §2.1
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
        out.push(match byte {
            b'%' => (digit()? * 16 + digit()?) as u8,
            other => other,
        });
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

/// What a parameter's value is written as.
pub(crate) fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_its_parameters() {
        let target = Target::parse("/applications?appid=a%20b%2F&sdkVersion=1.2&empty=").unwrap();
        assert_eq!(target.path, "/applications");
        assert_eq!(target.parameter("appid").unwrap(), "a b/");
        assert_eq!(target.parameter("sdkVersion").unwrap(), "1.2");
        assert_eq!(target.parameter("empty").unwrap(), "");
        assert_eq!(target.parameter("app"), None);
    }

    #[test]
    fn absolute_is_origin() {
        assert_eq!(Target::parse("http://dc/x?a=b"), Target::parse("/x?a=b"));
        assert_eq!(Target::parse("http://dc").unwrap().path, "/");
    }

    #[test]
    fn what_is_no_target() {
        for bad in ["", "*", "x", "host:80", "/a#b", "https://dc/x"] {
            assert_eq!(Target::parse(bad), None, "{bad}");
        }
        let target = Target::parse("/x?a=%G1&b=%4&c=%ff").unwrap();
        for name in ["a", "b", "c"] {
            assert_eq!(target.parameter(name), None, "{name}");
        }
    }
}
