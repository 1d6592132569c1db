//! What `a=dcmap` says of a channel, as values.

use std::fmt::{self, Write as _};

use super::Dcmap;

/// RFC 8864 §5.1 — the parameters of a channel. `Display` writes them as the options of `a=dcmap`, those
/// that are not what they are by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelParameters {
    /// `label`, without escapes.
    pub label: String,
    /// `subprotocol`, without escapes.
    pub subprotocol: String,
    /// `ordered`.
    pub ordered: bool,
    /// `max-retr`: a message is sent again that often.
    pub max_retr: Option<u32>,
    /// `max-time`: a message is sent again for so many milliseconds.
    pub max_time: Option<u32>,
    /// `priority`.
    pub priority: u16,
}

impl Default for ChannelParameters {
    /// RFC 8864 §5.1.6, §5.1.7 — reliable, ordered, of normal priority.
    fn default() -> ChannelParameters {
        ChannelParameters {
            label: String::new(),
            subprotocol: String::new(),
            ordered: true,
            max_retr: None,
            max_time: None,
            priority: 256,
        }
    }
}

impl ChannelParameters {
    /// Reads the options of `a=dcmap`; nothing, where they contradict one another or have no such value.
    pub fn read(map: &Dcmap<'_>) -> Option<ChannelParameters> {
        let number = |name: &str| match map.option(name) {
            None => Some(None),
            Some(value) => value.parse::<u32>().ok().map(Some),
        };
        let (max_retr, max_time) = (number("max-retr")?, number("max-time")?);
        // RFC 8864 §5.1.5: one of them at most.
        if max_retr.is_some() && max_time.is_some() {
            return None;
        }
        let text = |name: &str| unescaped(map.option(name).unwrap_or_default());
        Some(ChannelParameters {
            label: text("label")?,
            subprotocol: text("subprotocol")?,
            ordered: match map.option("ordered") {
                None | Some("true") => true,
                Some("false") => false,
                Some(_) => return None,
            },
            max_retr,
            max_time,
            priority: match map.option("priority") {
                None => 256,
                Some(value) => value.parse().ok()?,
            },
        })
    }
}

impl fmt::Display for ChannelParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let mut option = |name: &str, value: &dyn fmt::Display| {
            let written = write!(f, "{separator}{name}={value}");
            separator = ";";
            written
        };
        if !self.ordered {
            option("ordered", &false)?;
        }
        for (name, text) in [("subprotocol", &self.subprotocol), ("label", &self.label)] {
            if !text.is_empty() {
                option(name, &format_args!("\"{}\"", Escaped(text)))?;
            }
        }
        if let Some(times) = self.max_retr {
            option("max-retr", &times)?;
        }
        if let Some(milliseconds) = self.max_time {
            option("max-time", &milliseconds)?;
        }
        if self.priority != 256 {
            option("priority", &self.priority)?;
        }
        Ok(())
    }
}

/// RFC 8864 §5.1 — text between quotes: what is neither visible nor a space, `"` and `%` are escaped.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bytes().try_for_each(|byte| match byte {
            b'"' | b'%' => write!(f, "%{byte:02X}"),
            b' '..=b'~' => f.write_char(char::from(byte)),
            _ => write!(f, "%{byte:02X}"),
        })
    }
}

/// RFC 8864 §5.1 — `%` and two digits stand for an octet of UTF-8.
fn unescaped(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            octets.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let digit = |digit: u8| char::from(digit).to_digit(16);
        let octet = 16 * digit(digits[0])? + digit(digits[1])?;
        octets.push(u8::try_from(octet).ok()?);
        rest = after;
    }
    String::from_utf8(octets).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Attribute as _;

    fn read(value: &str) -> Option<ChannelParameters> {
        ChannelParameters::read(&Dcmap::parse(value).expect("a dcmap"))
    }

    #[test]
    fn what_is_not_said_is_as_rfc_8864_has_it() {
        assert_eq!(read("1000"), Some(ChannelParameters::default()));
        assert_eq!(ChannelParameters::default().to_string(), "");
    }

    #[test]
    fn rfc_8864_examples() {
        let text = "subprotocol=\"bfcp\";label=\"a;b%22%25\";max-retr=5;priority=512";
        let read = read(&format!("2 {text}")).expect("a channel");
        assert_eq!(read.label, "a;b\"%");
        assert_eq!((read.max_retr, read.priority), (Some(5), 512));
        assert_eq!(read.to_string(), text);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for options in [
            "max-retr=1;max-time=1",
            "max-retr=-1",
            "max-time=x",
            "ordered=maybe",
            "priority=65536",
            "label=\"%\"",
            "label=\"%+f\"",
            "label=\"%ff\"",
        ] {
            assert_eq!(read(&format!("1 {options}")), None, "{options}");
        }
    }
}
