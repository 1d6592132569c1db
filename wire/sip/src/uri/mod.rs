//! RFC 3261 §19.1, RFC 3966, RFC 8141: `sip:`, `sips:`, `tel:` and `urn:` URIs, and how they compare.

mod escape;
mod sip;
mod tel;
mod urn;

use std::fmt;

pub use escape::unescape;
pub(crate) use sip::host_port;
pub use sip::{SipUri, parameter};
pub use tel::TelUri;
pub use urn::Urn;

/// A URI as SIP uses it. It prints as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Uri {
    /// `sip:` or `sips:`.
    Sip(SipUri),
    /// `tel:`.
    Tel(TelUri),
    /// `urn:`.
    Urn(Urn),
    /// Any other absolute URI, as written.
    Other(String),
}

impl Uri {
    /// RFC 3261 §25.1 `Request-URI`; `Err` names the rule that was broken.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once(':').ok_or("URI without a scheme")?;
        if !is_scheme(scheme) {
            return Err("URI scheme");
        }
        if text
            .bytes()
            .any(|b| b <= b' ' || b == 0x7f || matches!(b, b'<' | b'>' | b'"'))
        {
            return Err("character that a URI may not have");
        }
        if scheme.eq_ignore_ascii_case("sip") {
            SipUri::parse(rest, false).map(Self::Sip)
        } else if scheme.eq_ignore_ascii_case("sips") {
            SipUri::parse(rest, true).map(Self::Sip)
        } else if scheme.eq_ignore_ascii_case("tel") {
            TelUri::parse(rest).map(Self::Tel)
        } else if scheme.eq_ignore_ascii_case("urn") {
            Urn::parse(rest).map(Self::Urn)
        } else if rest.is_empty() {
            Err("URI without a body")
        } else {
            Ok(Self::Other(text.to_owned()))
        }
    }

    /// In lower case.
    pub fn scheme(&self) -> String {
        match self {
            Self::Sip(uri) => if uri.secure { "sips" } else { "sip" }.to_owned(),
            Self::Tel(_) => "tel".to_owned(),
            Self::Urn(_) => "urn".to_owned(),
            Self::Other(text) => text.split(':').next().unwrap_or("").to_ascii_lowercase(),
        }
    }

    /// The SIP or SIPS URI in it.
    pub fn as_sip(&self) -> Option<&SipUri> {
        match self {
            Self::Sip(uri) => Some(uri),
            _ => None,
        }
    }

    /// The tel URI in it.
    pub fn as_tel(&self) -> Option<&TelUri> {
        match self {
            Self::Tel(uri) => Some(uri),
            _ => None,
        }
    }

    /// Do both name the same resource? RFC 3261 §19.1.4, RFC 3966 §4, RFC 8141 §3.1; others octet by octet.
    pub fn equivalent(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sip(a), Self::Sip(b)) => a.equivalent(b),
            (Self::Tel(a), Self::Tel(b)) => a.equivalent(b),
            (Self::Urn(a), Self::Urn(b)) => a.equivalent(b),
            (Self::Other(a), Self::Other(b)) => a == b,
            _ => false,
        }
    }

    /// An address of record for lookup: scheme, user and host (or number) in canonical form, nothing else.
    /// RFC 3261 §10.3: parameters are removed and escapes undone.
    pub fn address_of_record(&self) -> String {
        match self {
            Self::Sip(uri) => uri.address_of_record(),
            Self::Tel(uri) => uri.address_of_record(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sip(uri) => uri.fmt(f),
            Self::Tel(uri) => uri.fmt(f),
            Self::Urn(uri) => uri.fmt(f),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl std::str::FromStr for Uri {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl From<SipUri> for Uri {
    fn from(uri: SipUri) -> Self {
        Self::Sip(uri)
    }
}

/// RFC 3986 §3.1.
pub(crate) fn is_scheme(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}
