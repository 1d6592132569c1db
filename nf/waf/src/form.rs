//! Request parameters (RFC 6749 §3.1, §3.2): from a query or a form body, each at most once.

use url::form_urlencoded;

/// Longest query or body that is read.
pub(crate) const MAX_LENGTH: usize = 16 * 1024;

/// Parameters by name. Those without a value count as absent (RFC 6749 §3.1).
#[derive(Default)]
pub(crate) struct Form(Vec<(String, String)>);

/// A parameter that occurs twice, or too much of everything.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl Form {
    pub(crate) fn parse(text: &str) -> Result<Self, Unreadable> {
        if text.len() > MAX_LENGTH {
            return Err(Unreadable);
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if value.is_empty() {
                continue;
            }
            if pairs.len() == 32 || pairs.iter().any(|(known, _)| *known == name) {
                return Err(Unreadable);
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_occurs_once_and_an_empty_one_not_at_all() {
        let form = Form::parse("a=1&b=&c=%C3%A9+x").unwrap();
        assert_eq!(form.value("a"), Some("1"));
        assert_eq!(form.value("b"), None);
        assert_eq!(form.value("c"), Some("é x"));
        assert!(Form::parse("a=1&a=2").is_err());
        assert!(Form::parse("a=1&a=1").is_err());
        assert!(Form::parse(&"a".repeat(MAX_LENGTH + 1)).is_err());
        let many: Vec<_> = (0..40).map(|i| format!("p{i}=1")).collect();
        assert!(Form::parse(&many.join("&")).is_err());
    }
}
