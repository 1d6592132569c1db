//! RFC 3261 §25.1 `generic-param`: `;name=value` lists.

use std::borrow::Cow;
use std::fmt;

use crate::limits::MAX_PARAMS;
use crate::scan;

/// Parameters in their order. Values keep their quotes; names compare without case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params {
    list: Vec<(String, Option<String>)>,
}

impl Params {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// From `;a=b;c` or `a=b;c`; an empty text gives none.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        Self::parse_separated(text, b';')
    }

    pub(crate) fn parse_separated(text: &str, separator: u8) -> Result<Self, &'static str> {
        let mut list = Vec::new();
        for (name, value) in iterate_separated(text, separator) {
            if !name.bytes().all(is_param_char) || name.is_empty() {
                return Err("parameter name");
            }
            if let Some(value) = value
                && !(scan::is_quoted(value)
                    || value.bytes().all(is_value_char) && !value.is_empty())
            {
                return Err("parameter value");
            }
            if list.len() == MAX_PARAMS {
                return Err("too many parameters");
            }
            list.push((name.to_owned(), value.map(|v| scan::unfold(v).into_owned())));
        }
        Ok(Self { list })
    }

    /// The value as written; `Some("")` when the parameter has no value.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self
            .list
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(value.as_deref().unwrap_or(""))
    }

    /// The value without quotes.
    pub fn unquoted(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).map(scan::unquote)
    }

    /// Is it there, with or without a value?
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Replaces or appends; `None` for a parameter without a value.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let value = value.map(str::to_owned);
        match self
            .list
            .iter_mut()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
        {
            Some((_, old)) => *old = value,
            None => self.list.push((name.to_owned(), value)),
        }
    }

    /// Takes it out.
    pub fn remove(&mut self, name: &str) {
        self.list.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.list.iter().map(|(n, v)| (n.as_str(), v.as_deref()))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// None there?
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.iter() {
            match value {
                Some(value) => write!(f, ";{name}={value}")?,
                None => write!(f, ";{name}")?,
            }
        }
        Ok(())
    }
}

/// The parameters of a text without allocating: `(name, value)` with quotes kept, white space trimmed.
pub fn iterate(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    iterate_separated(text, b';')
}

pub(crate) fn iterate_separated(
    text: &str,
    separator: u8,
) -> impl Iterator<Item = (&str, Option<&str>)> {
    let pieces = if separator == b',' {
        scan::split_commas(text)
    } else {
        scan::split_semicolons(text)
    };
    pieces.map(|piece| match piece.split_once('=') {
        Some((name, value)) => (scan::trim(name), Some(scan::trim(value))),
        None => (piece, None),
    })
}

/// One parameter of a header value such as `<sip:a@b>;tag=1` or `SIP/2.0/UDP h;branch=z`, without allocating.
pub fn find<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let start = scan::find_unquoted(value, b';')?;
    iterate(&value[start + 1..])
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.unwrap_or(""))
}

fn is_param_char(byte: u8) -> bool {
    scan::is_token_char(byte) || matches!(byte, b'[' | b']' | b'/' | b':' | b'&' | b'$')
}

/// `gen-value`: token, host (with IPv6 brackets), and what URI parameters and feature tags add.
fn is_value_char(byte: u8) -> bool {
    is_param_char(byte)
        || matches!(
            byte,
            b'=' | b'@' | b'<' | b'>' | b'#' | b'|' | b'(' | b')' | b'?' | b'{' | b'}'
        )
        || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_keeps_order_and_quotes() {
        let p = Params::parse(r#"; a = 1;b;c="x;y" "#).unwrap();
        assert_eq!(p.to_string(), r#";a=1;b;c="x;y""#);
        assert_eq!(p.unquoted("C").unwrap(), "x;y");
        assert_eq!(p.get("b"), Some(""));
        assert_eq!(p.get("d"), None);
    }

    #[test]
    fn one_parameter_without_allocating() {
        assert_eq!(
            find("\"a;tag=no\" <sip:a@b;tag=no>;TAG=yes", "tag"),
            Some("yes")
        );
        assert_eq!(find("<sip:a@b>", "tag"), None);
    }

    #[test]
    fn bad_values_are_refused() {
        assert!(Params::parse(";a=\"x").is_err());
        assert!(Params::parse(";=1").is_err());
        assert!(Params::parse(";a b=1").is_err());
        assert!(Params::parse(&";p".repeat(65)).is_err());
    }
}
