//! RFC 3261 §20.10: `name-addr` and `addr-spec` with header parameters.

use std::borrow::Cow;
use std::fmt;

use crate::{Params, Uri, scan};

/// `"Display" <uri>;params`, as in From, To, Contact, Route and their kin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAddr {
    /// As written, with quotes if it had them.
    pub display: Option<String>,
    /// The address.
    pub uri: Uri,
    /// Header parameters, which stand outside the angle brackets.
    pub params: Params,
}

impl NameAddr {
    /// An address alone.
    pub fn new(uri: Uri) -> Self {
        Self {
            display: None,
            uri,
            params: Params::new(),
        }
    }

    /// One value. Without angle brackets every parameter is the header's (RFC 3261 §20.10).
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = scan::trim(text);
        let Parts {
            display,
            uri,
            params,
        } = split(text)?;
        if display.is_none() && !text.starts_with('<') && uri.contains(['?', ',']) {
            return Err("a URI with ? or , needs angle brackets");
        }
        Ok(Self {
            display: display.map(|d| scan::unfold(d).into_owned()),
            uri: Uri::parse(uri).map_err(|_| "URI")?,
            params: Params::parse(params)?,
        })
    }

    /// The URI of a value, without allocating or checking it.
    pub fn uri_of(value: &str) -> Option<&str> {
        split(scan::trim(value)).ok().map(|parts| parts.uri)
    }

    /// The display name without quotes.
    pub fn display_name(&self) -> Option<Cow<'_, str>> {
        self.display.as_deref().map(scan::unquote)
    }

    /// RFC 3261 §19.3.
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag")
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write!(f, "{display} ")?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

/// A value cut in three, nothing parsed further and nothing allocated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) display: Option<&'a str>,
    pub(crate) uri: &'a str,
    /// With or without the leading semicolon.
    pub(crate) params: &'a str,
}

pub(crate) fn split(text: &str) -> Result<Parts<'_>, &'static str> {
    let bytes = text.as_bytes();
    let (display, rest) = if bytes.first() == Some(&b'"') {
        let end = scan::skip_quoted(bytes, 0).ok_or("quoted string does not end")?;
        let rest = scan::trim(&text[end + 1..]);
        if !rest.starts_with('<') {
            return Err("display name without angle brackets");
        }
        (Some(&text[..=end]), rest)
    } else if let Some(open) = memchr::memchr(b'<', bytes) {
        let display = scan::trim(&text[..open]);
        if !display
            .bytes()
            .all(|b| scan::is_token_char(b) || scan::is_space(b) || b >= 0x80)
        {
            return Err("display name is neither tokens nor quoted");
        }
        ((!display.is_empty()).then_some(display), &text[open..])
    } else {
        let end = memchr::memchr(b';', bytes).unwrap_or(bytes.len());
        return Ok(Parts {
            display: None,
            uri: scan::trim(&text[..end]),
            params: &text[end..],
        });
    };
    let close = memchr::memchr(b'>', rest.as_bytes()).ok_or("angle bracket does not close")?;
    let params = scan::trim(&rest[close + 1..]);
    if !params.is_empty() && !params.starts_with(';') {
        return Err("text after the address");
    }
    Ok(Parts {
        display,
        uri: &rest[1..close],
        params,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_an_address() {
        let a = NameAddr::parse(r#""A, \"B\"" <sip:a@b;x=1>;tag=9"#).unwrap();
        assert_eq!(a.display_name().unwrap(), r#"A, "B""#);
        assert_eq!(a.tag(), Some("9"));
        assert_eq!(a.to_string(), r#""A, \"B\"" <sip:a@b;x=1>;tag=9"#);
        let b = NameAddr::parse("sip:a@b;tag=9").unwrap();
        assert_eq!(b.tag(), Some("9"));
        assert_eq!(b.uri.to_string(), "sip:a@b");
        let c = NameAddr::parse("Anna Bell <tel:+1>").unwrap();
        assert_eq!(c.display.as_deref(), Some("Anna Bell"));
    }

    #[test]
    fn bad_addresses_are_refused() {
        for bad in [
            "\"a <sip:a@b>",
            "<sip:a@b",
            "<sip:a@b> x",
            "a,b <sip:a@b>",
            "sip:a@b?x=1",
            "",
            "<>",
            "\"a\" sip:a@b",
        ] {
            assert!(NameAddr::parse(bad).is_err(), "{bad}");
        }
    }
}
