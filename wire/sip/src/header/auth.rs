//! RFC 3261 §20.7, §20.27, §20.28, §20.44, RFC 7616, RFC 8898: credentials and challenges.

use std::fmt;

use super::TypedHeader;
use crate::{HeaderName, Params, scan};

/// `Scheme name=value, ...` or `Scheme token68`.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    /// As written.
    pub scheme: String,
    /// The bare token of `Bearer <b64token>`.
    pub token: Option<String>,
    /// Values keep their quotes.
    pub params: Params,
}

impl Challenge {
    /// `Digest` with these parameters, and so on.
    pub fn new(scheme: &str) -> Self {
        Self {
            scheme: scheme.to_owned(),
            token: None,
            params: Params::new(),
        }
    }

    /// Compares the scheme without case.
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// A parameter without its quotes.
    pub fn get(&self, name: &str) -> Option<String> {
        self.params.unquoted(name).map(std::borrow::Cow::into_owned)
    }

    fn parse(value: &str) -> Result<Self, &'static str> {
        let value = scan::trim(value);
        let (scheme, rest) = value.split_once([' ', '\t', '\r']).unwrap_or((value, ""));
        if !scan::is_token(scheme) {
            return Err("scheme");
        }
        let rest = scan::trim(rest);
        // RFC 6750 §2.1 `b64token`: no = but at its end.
        let body = rest.trim_end_matches('=');
        let bare = !body.is_empty()
            && body.bytes().all(|b| {
                b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
            });
        if bare {
            return Ok(Self {
                scheme: scheme.to_owned(),
                token: Some(rest.to_owned()),
                params: Params::new(),
            });
        }
        let params = Params::parse_separated(rest, b',')?;
        Ok(Self {
            scheme: scheme.to_owned(),
            token: None,
            params,
        })
    }
}

impl fmt::Debug for Challenge {
    /// Credentials stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ..", self.scheme)
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scheme)?;
        if let Some(token) = &self.token {
            return write!(f, " {token}");
        }
        for (index, (name, value)) in self.params.iter().enumerate() {
            f.write_str(if index == 0 { " " } else { ", " })?;
            match value {
                Some(value) => write!(f, "{name}={value}")?,
                None => f.write_str(name)?,
            }
        }
        Ok(())
    }
}

macro_rules! auth {
    ($($name:ident $rfc:literal;)*) => {$(
        #[doc = $rfc]
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(pub Challenge);

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$name;

            fn parse(value: &str) -> Result<Self, &'static str> {
                Challenge::parse(value).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

auth! {
    Authorization "RFC 3261 §20.7";
    ProxyAuthorization "RFC 3261 §20.28";
    WwwAuthenticate "RFC 3261 §20.44";
    ProxyAuthenticate "RFC 3261 §20.27";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_and_bearer() {
        let text =
            "Digest username=\"bob\", realm=\"a, b\", nonce=\"x\\\"\", nc=00000001, algorithm=MD5";
        let a = Authorization::parse(text).unwrap().0;
        assert!(a.is("digest"));
        assert_eq!(a.get("realm").unwrap(), "a, b");
        assert_eq!(a.get("nc").unwrap(), "00000001");
        assert_eq!(a.to_string(), text);
        let b = Authorization::parse("Bearer eyJ.a-b_c/+~==").unwrap().0;
        assert_eq!(b.token.as_deref(), Some("eyJ.a-b_c/+~=="));
        let c = Authorization::parse("Bearer access_token=\"eyJ.x\"")
            .unwrap()
            .0;
        assert_eq!(c.get("access_token").unwrap(), "eyJ.x");
        assert!(Authorization::parse("Digest username=\"x").is_err());
        assert!(!format!("{b:?}").contains("eyJ"));
    }
}
