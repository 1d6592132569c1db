//! RFC 3966: telephone numbers.

use std::fmt;

use crate::Params;

/// `tel:number;params`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelUri {
    /// As written, with visual separators.
    pub number: String,
    /// `phone-context`, `ext`, `isub` and others.
    pub params: Params,
}

impl TelUri {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (number, params) = match text.find(';') {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => (text, ""),
        };
        let digits = number.strip_prefix('+').unwrap_or(number);
        let global = digits.len() < number.len();
        let fits = |b: u8| {
            is_separator(b)
                || if global {
                    b.is_ascii_digit()
                } else {
                    b.is_ascii_hexdigit() || matches!(b, b'*' | b'#')
                }
        };
        if !digits.bytes().all(fits) || !digits.bytes().any(|b| !is_separator(b)) {
            return Err("telephone number");
        }
        Ok(Self {
            number: number.to_owned(),
            params: Params::parse(params)?,
        })
    }

    /// RFC 3966 §5.1.4: begins with `+`.
    pub fn is_global(&self) -> bool {
        self.number.starts_with('+')
    }

    /// Without visual separators.
    pub fn digits(&self) -> String {
        self.number
            .chars()
            .filter(|c| !c.is_ascii() || !is_separator(*c as u8))
            .collect::<String>()
            .to_ascii_lowercase()
    }

    /// RFC 3966 §4: both global or both local, same digits without visual separators, same parameters in any order.
    pub fn equivalent(&self, other: &Self) -> bool {
        self.is_global() == other.is_global()
            && self.digits() == other.digits()
            && self.params.len() == other.params.len()
            && self.params.iter().all(|(name, value)| {
                let Some(theirs) = other.params.get(name) else {
                    return false;
                };
                let mine = value.unwrap_or("");
                if ["phone-context", "ext"]
                    .iter()
                    .any(|n| name.eq_ignore_ascii_case(n))
                {
                    without_separators(mine).eq_ignore_ascii_case(&without_separators(theirs))
                } else {
                    mine.eq_ignore_ascii_case(theirs)
                }
            })
    }

    pub(super) fn address_of_record(&self) -> String {
        match self.params.get("phone-context") {
            Some(context) if !self.is_global() => format!(
                "tel:{};phone-context={}",
                self.digits(),
                context.to_ascii_lowercase()
            ),
            _ => format!("tel:{}", self.digits()),
        }
    }
}

impl std::hash::Hash for TelUri {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl fmt::Display for TelUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tel:{}{}", self.number, self.params)
    }
}

/// RFC 3966 §3 `visual-separator`.
const fn is_separator(byte: u8) -> bool {
    matches!(byte, b'-' | b'.' | b'(' | b')')
}

/// A domain's dots and hyphens are not visual separators; a number's are.
fn without_separators(text: &str) -> String {
    if text.bytes().any(|b| b.is_ascii_alphabetic()) {
        return text.to_owned();
    }
    text.chars()
        .filter(|c| !matches!(c, '-' | '.' | '(' | ')'))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::Uri;

    #[test]
    fn separators_do_not_matter() {
        let equal = |a: &str, b: &str| Uri::parse(a).unwrap().equivalent(&Uri::parse(b).unwrap());
        assert!(equal("tel:+1-201-555-0123", "tel:+1(201)555.0123"));
        assert!(equal(
            "tel:7042;phone-context=example.com",
            "TEL:70-42;PHONE-CONTEXT=EXAMPLE.com"
        ));
        assert!(!equal("tel:+12015550123", "tel:12015550123"));
        assert!(!equal(
            "tel:7042;phone-context=example.com",
            "tel:7042;phone-context=ex-ample.com"
        ));
        assert!(!equal("tel:+1555;ext=1", "tel:+1555"));
    }

    #[test]
    fn numbers_are_numbers() {
        for bad in [
            "tel:",
            "tel:+",
            "tel:--",
            "tel:+12x",
            "tel:alice",
            "tel:+1#2",
        ] {
            assert!(Uri::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            Uri::parse("tel:*21#;phone-context=+1").unwrap().to_string(),
            "tel:*21#;phone-context=+1"
        );
    }
}
