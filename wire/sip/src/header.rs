//! Typed headers: parsed when they are asked for.

use crate::{HeaderName, NameAddr, Params, scan};

/// A header that has a type.
pub trait TypedHeader: Sized {
    /// Its name.
    const NAME: HeaderName;
    /// Does its value hold a comma-separated list?
    const LIST: bool;

    /// From one value, or one element of a list; otherwise the rule that was broken.
    fn parse(value: &str) -> Result<Self, &'static str>;
}

/// RFC 3261 §20.42.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// `UDP`, `TCP`, `WSS` and their like.
    pub transport: String,
    /// Host and port.
    pub sent_by: String,
    /// branch, received, rport and the rest.
    pub params: Params,
}

impl TypedHeader for Via {
    const NAME: HeaderName = HeaderName::Via;
    const LIST: bool = true;

    fn parse(value: &str) -> Result<Self, &'static str> {
        let (head, params) = match scan::find_unquoted(value, b';') {
            Some(at) => (&value[..at], &value[at..]),
            None => (value, ""),
        };
        let mut parts = head.splitn(3, '/').map(scan::trim);
        let (name, version) = (parts.next(), parts.next());
        if !name.is_some_and(|name| name.eq_ignore_ascii_case("SIP")) || version != Some("2.0") {
            return Err("sent-protocol");
        }
        let rest = parts.next().ok_or("transport")?;
        let (transport, sent_by) = rest.split_once(scan_space).ok_or("sent-by")?;
        let sent_by = scan::trim(sent_by);
        if !scan::is_token(transport) || sent_by.is_empty() || sent_by.contains(scan_space) {
            return Err("sent-by");
        }
        Ok(Self {
            transport: transport.to_owned(),
            sent_by: sent_by.to_owned(),
            params: Params::parse(params)?,
        })
    }
}

/// RFC 3261 §20.10.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contact {
    /// `*`, in a REGISTER that removes everything.
    Star,
    /// An address with its parameters.
    Address(NameAddr),
}

impl TypedHeader for Contact {
    const NAME: HeaderName = HeaderName::Contact;
    const LIST: bool = true;

    fn parse(value: &str) -> Result<Self, &'static str> {
        if scan::trim(value) == "*" {
            return Ok(Self::Star);
        }
        NameAddr::parse(value).map(Self::Address)
    }
}

/// RFC 3261 §20.15.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentType {
    /// `application/sdp`, in lower case.
    pub essence: String,
    /// `boundary` and the rest.
    pub params: Params,
}

impl TypedHeader for ContentType {
    const NAME: HeaderName = HeaderName::ContentType;
    const LIST: bool = false;

    fn parse(value: &str) -> Result<Self, &'static str> {
        let (essence, params) = match scan::find_unquoted(value, b';') {
            Some(at) => (&value[..at], &value[at..]),
            None => (value, ""),
        };
        let (kind, subkind) = essence.split_once('/').ok_or("media type")?;
        let (kind, subkind) = (scan::trim(kind), scan::trim(subkind));
        if !scan::is_token(kind) || !scan::is_token(subkind) {
            return Err("media type");
        }
        let essence = format!("{kind}/{subkind}").to_ascii_lowercase();
        Ok(Self {
            essence,
            params: Params::parse(params)?,
        })
    }
}

fn scan_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}
