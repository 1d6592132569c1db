//! Headers that list tokens, one value an element.

use std::fmt;

use super::TypedHeader;
use crate::{HeaderName, scan};

macro_rules! tokens {
    ($($name:ident $id:ident $check:expr, $rfc:literal;)*) => {$(
        #[doc = $rfc]
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(pub String);

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$id;
            const LIST: bool = true;

            fn parse(value: &str) -> Result<Self, &'static str> {
                let check: fn(&str) -> bool = $check;
                if check(value) { Ok(Self(value.to_owned())) } else { Err("not a token") }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

tokens! {
    Allow Allow scan::is_token, "RFC 3261 §20.5";
    AllowEvents AllowEvents scan::is_token, "RFC 6665 §8.2.2";
    Require Require scan::is_token, "RFC 3261 §20.32";
    ProxyRequire ProxyRequire scan::is_token, "RFC 3261 §20.29";
    Supported Supported scan::is_token, "RFC 3261 §20.37";
    Unsupported Unsupported scan::is_token, "RFC 3261 §20.40";
    Priority Priority scan::is_token, "RFC 3261 §20.26";
    PEarlyMedia PEarlyMedia scan::is_token, "RFC 5009 §5";
    Privacy Privacy |v| v.split(';').all(|p| scan::is_token(scan::trim(p))), "RFC 3323 §4.2: values separated by semicolons";
    ResourcePriority ResourcePriority |v| scan::is_token(v) && v.contains('.'), "RFC 4412 §3.1";
    PAssertedService PAssertedService |v| v.starts_with("urn:"), "RFC 6050 §4.1";
    PPreferredService PPreferredService |v| v.starts_with("urn:"), "RFC 6050 §4.2";
    AcceptResourcePriority AcceptResourcePriority |v| scan::is_token(v) && v.contains('.'), "RFC 4412 §3.2";
    ContentEncoding ContentEncoding scan::is_token, "RFC 3261 §20.12";
    ContentLanguage ContentLanguage scan::is_token, "RFC 3261 §20.13";
    InReplyTo InReplyTo |v| !v.contains(' '), "RFC 3261 §20.21";
    MimeVersion MimeVersion |v| v.split('.').all(|n| scan::number(n).is_some()), "RFC 3261 §20.24";
    RequestDisposition RequestDisposition scan::is_token, "RFC 3841 §9.1";
    SipEtag SipEtag scan::is_token, "RFC 3903 §11.3.1";
    SipIfMatch SipIfMatch scan::is_token, "RFC 3903 §11.3.2";
}

impl Privacy {
    /// RFC 3323 §4.2: is that level asked for?
    pub fn asks(&self, level: &str) -> bool {
        self.0
            .split(';')
            .any(|p| scan::trim(p).eq_ignore_ascii_case(level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn privacy_levels() {
        let privacy = Privacy::parse("user; ID").unwrap();
        assert!(privacy.asks("id") && privacy.asks("user") && !privacy.asks("header"));
        assert!(Require::parse("a b").is_err());
        assert!(PPreferredService::parse("urn:urn-7:3gpp-service.ims.icsi.mmtel").is_ok());
    }
}
