//! RFC 3261 §25.1 `generic-param`: `;name=value` lists.

use std::borrow::Cow;
use std::fmt;

use crate::limits::MAX_PARAMS;
use crate::scan;

/// Parameters in their order. Values keep their quotes; names compare without case.
///
/// All text is in one buffer: a REGISTER has dozens of parameters, and an allocation for each would
/// cost more than reading them.
#[derive(Clone, Default)]
pub struct Params {
    text: String,
    list: Vec<Param>,
}

/// Where one parameter is: its name, and its value right behind it.
#[derive(Debug, Clone, Copy)]
struct Param {
    start: u32,
    value: u32,
    end: u32,
    has_value: bool,
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
        let mut params = Self::new();
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
            if params.list.len() == MAX_PARAMS {
                return Err("too many parameters");
            }
            if params.text.capacity() == 0 {
                params.text.reserve_exact(text.len());
            }
            params.push(name, value.map(scan::unfold).as_deref());
        }
        Ok(params)
    }

    /// The value as written; `Some("")` when the parameter has no value.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(value.unwrap_or(""))
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
        let mut fresh = Self::new();
        let mut replaced = false;
        for (n, old) in self.iter() {
            let this = !replaced && n.eq_ignore_ascii_case(name);
            replaced |= this;
            fresh.push(n, if this { value } else { old });
        }
        if !replaced {
            fresh.push(name, value);
        }
        *self = fresh;
    }

    /// Takes it out.
    pub fn remove(&mut self, name: &str) {
        if !self.contains(name) {
            return;
        }
        let mut fresh = Self::new();
        for (n, value) in self.iter() {
            if !n.eq_ignore_ascii_case(name) {
                fresh.push(n, value);
            }
        }
        *self = fresh;
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.list.iter().map(|param| {
            let name = &self.text[param.start as usize..param.value as usize];
            let value = &self.text[param.value as usize..param.end as usize];
            (name, param.has_value.then_some(value))
        })
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// None there?
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Offsets fit: what is read from a message is shorter than its limit, and nobody sets more.
    fn push(&mut self, name: &str, value: Option<&str>) {
        let start = self.text.len() as u32;
        self.text.push_str(name);
        let middle = self.text.len() as u32;
        self.text.push_str(value.unwrap_or(""));
        self.list.push(Param {
            start,
            value: middle,
            end: self.text.len() as u32,
            has_value: value.is_some(),
        });
    }
}

impl PartialEq for Params {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Params {}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
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
    fn one_is_set_or_removed_in_its_place() {
        let mut p = Params::parse(";a=1;b;A=3").unwrap();
        p.set("A", Some("22"));
        p.set("c", None);
        assert_eq!(p.to_string(), ";a=22;b;A=3;c");
        p.set("b", Some("x"));
        p.remove("a");
        assert_eq!(p.to_string(), ";b=x;c");
        assert_eq!(p, Params::parse("b=x;c").unwrap());
        assert_ne!(p, Params::parse("b=xc").unwrap());
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
