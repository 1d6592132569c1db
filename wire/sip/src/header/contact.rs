//! RFC 3261 §20.10, RFC 5626, RFC 5627, RFC 3840.

use std::fmt;

use super::TypedHeader;
use crate::{HeaderName, NameAddr, scan};

/// A contact, or the star that means all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "read and dropped at once; a box would be one more allocation for each"
)]
pub enum Contact {
    /// RFC 3261 §10.2.2.
    Star,
    /// One address.
    Address(NameAddr),
}

impl Contact {
    /// The address, unless it is the star.
    pub fn address(&self) -> Option<&NameAddr> {
        match self {
            Self::Star => None,
            Self::Address(address) => Some(address),
        }
    }

    /// In seconds.
    pub fn expires(&self) -> Option<u32> {
        scan::number(self.address()?.params.get("expires")?)
    }

    /// RFC 5626 §4.1: `+sip.instance` without quotes and brackets.
    pub fn instance(&self) -> Option<String> {
        let value = self.address()?.params.unquoted("+sip.instance")?;
        Some(
            value
                .trim_start_matches('<')
                .trim_end_matches('>')
                .to_owned(),
        )
    }

    /// RFC 5626 §4.2.
    pub fn reg_id(&self) -> Option<u32> {
        scan::number(self.address()?.params.get("reg-id")?)
    }
}

impl TypedHeader for Contact {
    const NAME: HeaderName = HeaderName::Contact;
    const LIST: bool = true;

    fn parse(value: &str) -> Result<Self, &'static str> {
        if value == "*" {
            Ok(Self::Star)
        } else {
            NameAddr::parse(value).map(Self::Address)
        }
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Star => f.write_str("*"),
            Self::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outbound_parameters() {
        let contact = Contact::parse(
            "<sip:df7@x.invalid;transport=ws>;reg-id=1;expires=600;+sip.instance=\"<urn:uuid:f81d4fae-7dec>\"",
        )
        .unwrap();
        assert_eq!(contact.reg_id(), Some(1));
        assert_eq!(contact.expires(), Some(600));
        assert_eq!(contact.instance().unwrap(), "urn:uuid:f81d4fae-7dec");
        assert_eq!(Contact::parse("*").unwrap(), Contact::Star);
    }
}
