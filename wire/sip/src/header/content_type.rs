//! RFC 3261 §20.15.

use std::fmt;

use super::TypedHeader;
use crate::{HeaderName, Params, scan};

/// `type/subtype;params`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentType {
    /// As written.
    pub main: String,
    /// As written.
    pub sub: String,
    /// `boundary`, `charset` and others.
    pub params: Params,
}

impl ContentType {
    /// Compares type and subtype without case.
    pub fn is(&self, main: &str, sub: &str) -> bool {
        self.main.eq_ignore_ascii_case(main) && self.sub.eq_ignore_ascii_case(sub)
    }
}

impl TypedHeader for ContentType {
    const NAME: HeaderName = HeaderName::ContentType;

    fn parse(value: &str) -> Result<Self, &'static str> {
        let (media, params) = value.split_once(';').unwrap_or((value, ""));
        let (main, sub) = media.split_once('/').ok_or("subtype is missing")?;
        let (main, sub) = (scan::trim(main), scan::trim(sub));
        if !scan::is_token(main) || !scan::is_token(sub) {
            return Err("type or subtype");
        }
        Ok(Self {
            main: main.to_owned(),
            sub: sub.to_owned(),
            params: Params::parse(params)?,
        })
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.main, self.sub, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types() {
        let t = ContentType::parse("multipart / Mixed ;boundary=\"a b\"").unwrap();
        assert!(t.is("multipart", "mixed"));
        assert_eq!(t.params.unquoted("boundary").unwrap(), "a b");
        assert!(ContentType::parse("text").is_err());
    }
}
