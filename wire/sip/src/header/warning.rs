//! RFC 3261 §20.43.

use std::fmt;

use super::TypedHeader;
use crate::{HeaderName, scan};

/// `code agent "text"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Three digits.
    pub code: u16,
    /// Host or pseudonym.
    pub agent: String,
    /// Without quotes.
    pub text: String,
}

impl TypedHeader for Warning {
    const NAME: HeaderName = HeaderName::Warning;
    const LIST: bool = true;

    fn parse(value: &str) -> Result<Self, &'static str> {
        let (code, rest) = value.split_once(' ').ok_or("agent is missing")?;
        let (agent, text) = rest.trim_start().split_once(' ').ok_or("text is missing")?;
        let text = scan::trim(text);
        if code.len() != 3 || !scan::is_quoted(text) {
            return Err("code or text");
        }
        let code = scan::number(code).ok_or("code")? as u16;
        Ok(Self {
            code,
            agent: agent.to_owned(),
            text: scan::unquote(text).into_owned(),
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:03} {} {}",
            self.code,
            self.agent,
            scan::quote(&self.text)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_agent_text() {
        let text = "304 edge.example \"Media type not available\"";
        assert_eq!(Warning::parse(text).unwrap().to_string(), text);
        assert!(Warning::parse("30 a \"b\"").is_err());
        assert!(Warning::parse("304 a b").is_err());
    }
}
