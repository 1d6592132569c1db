//! Headers of one word (or number, or star) followed by parameters.

use std::fmt;

use super::TypedHeader;
use crate::{HeaderName, Params, scan};

macro_rules! parameterised {
    ($($name:ident $list:literal $check:expr, $rfc:literal;)*) => {$(
        #[doc = $rfc]
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            /// What stands before the first semicolon.
            pub value: String,
            /// The parameters.
            pub params: Params,
        }

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$name;
            const LIST: bool = $list;

            fn parse(text: &str) -> Result<Self, &'static str> {
                let end = scan::find_unquoted(text, b';').unwrap_or(text.len());
                let value = scan::trim(&text[..end]);
                let check: fn(&str) -> bool = $check;
                if !check(value) {
                    return Err("first word");
                }
                let params = Params::parse(text.get(end + 1..).unwrap_or(""))?;
                Ok(Self { value: value.to_owned(), params })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", self.value, self.params)
            }
        }
    )*};
}

/// RFC 3261 §20.6: parameters separated by commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationInfo {
    /// `nextnonce`, `qop`, `rspauth`, `cnonce`, `nc`.
    pub params: Params,
}

impl TypedHeader for AuthenticationInfo {
    const NAME: HeaderName = HeaderName::AuthenticationInfo;

    fn parse(text: &str) -> Result<Self, &'static str> {
        Ok(Self {
            params: Params::parse_separated(text, b',')?,
        })
    }
}

/// Parameters from the start, without a word before them.
macro_rules! all_parameters {
    ($($name:ident $list:literal $rfc:literal;)*) => {$(
        #[doc = $rfc]
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct $name {
            /// The parameters.
            pub params: Params,
        }

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$name;
            const LIST: bool = $list;

            fn parse(text: &str) -> Result<Self, &'static str> {
                Ok(Self { params: Params::parse(text)? })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.params.to_string().trim_start_matches(';'))
            }
        }
    )*};
}

parameterised! {
    Event false scan::is_token, "RFC 6665 §8.2.1";
    SubscriptionState false scan::is_token, "RFC 6665 §8.2.3";
    SessionExpires false is_number, "RFC 4028 §4";
    MinSe false is_number, "RFC 4028 §5";
    RetryAfter false |v| is_number(v.split('(').next().unwrap_or("").trim()), "RFC 3261 §20.33";
    Reason true scan::is_token, "RFC 3326 §2";
    TargetDialog false |v| !v.is_empty(), "RFC 4538 §7";
    AcceptContact true |v| v == "*", "RFC 3841 §9.2";
    RejectContact true |v| v == "*", "RFC 3841 §9.2";
    FeatureCaps true |v| v == "*", "RFC 6809 §6.2";
    PAccessNetworkInfo true scan::is_token, "RFC 7315 §4.4";
    Accept true is_media_range, "RFC 3261 §20.1";
    AcceptEncoding true scan::is_token, "RFC 3261 §20.2";
    AcceptLanguage true scan::is_token, "RFC 3261 §20.3";
    AlertInfo true is_bracketed, "RFC 3261 §20.4";
    CallInfo true is_bracketed, "RFC 3261 §20.9";
    ErrorInfo true is_bracketed, "RFC 3261 §20.18";
    Geolocation true is_bracketed, "RFC 6442 §4.1";
    ContentDisposition false scan::is_token, "RFC 3261 §20.11";
    InfoPackage false scan::is_token, "RFC 6086 §8.1";
    RecvInfo true scan::is_token, "RFC 6086 §8.2";
    SecurityClient true scan::is_token, "RFC 3329 §2.2";
    SecurityServer true scan::is_token, "RFC 3329 §2.2";
    SecurityVerify true scan::is_token, "RFC 3329 §2.2";
    Timestamp false |v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b' ')), "RFC 3261 §20.38";
    PVisitedNetworkId true |v| scan::is_token(v) || scan::is_quoted(v), "RFC 7315 §4.3";
}

all_parameters! {
    PChargingVector false "RFC 7315 §4.6";
    PChargingFunctionAddresses true "RFC 7315 §4.5";
}

impl Event {
    /// RFC 6665 §8.2.1: packages compare octet by octet.
    pub fn is(&self, package: &str) -> bool {
        self.value == package
    }
}

impl SessionExpires {
    /// In seconds.
    pub fn seconds(&self) -> u32 {
        scan::number(&self.value).unwrap_or(u32::MAX)
    }
}

impl RetryAfter {
    /// In seconds.
    pub fn seconds(&self) -> u32 {
        scan::number(self.value.split('(').next().unwrap_or("").trim()).unwrap_or(u32::MAX)
    }
}

/// `type/subtype`, either of which may be a star.
fn is_media_range(text: &str) -> bool {
    text.split_once('/').is_some_and(|(main, sub)| {
        scan::is_token(scan::trim(main)) && scan::is_token(scan::trim(sub))
    })
}

/// A URI in angle brackets.
fn is_bracketed(text: &str) -> bool {
    text.strip_prefix('<')
        .and_then(|t| t.strip_suffix('>'))
        .is_some_and(|uri| crate::Uri::parse(uri).is_ok())
}

fn is_number(text: &str) -> bool {
    scan::number(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_parameters() {
        let reason = Reason::parse("SIP ;cause=503; text=\"Service; gone\"").unwrap();
        assert_eq!(reason.value, "SIP");
        assert_eq!(reason.params.unquoted("text").unwrap(), "Service; gone");
        let se = SessionExpires::parse("1800;refresher=uac").unwrap();
        assert_eq!(
            (se.seconds(), se.params.get("refresher")),
            (1800, Some("uac"))
        );
        let vector =
            PChargingVector::parse("icid-value=\"a1\";orig-ioi=\"Type 1home1.net\"").unwrap();
        assert_eq!(
            vector.params.unquoted("orig-ioi").unwrap(),
            "Type 1home1.net"
        );
        assert_eq!(
            vector.to_string(),
            "icid-value=\"a1\";orig-ioi=\"Type 1home1.net\""
        );
        let caps = FeatureCaps::parse("*;+g.3gpp.atcf=\"<sip:a@b>\"").unwrap();
        assert_eq!(caps.value, "*");
        assert_eq!(
            RetryAfter::parse("120 (maintenance);duration=60")
                .unwrap()
                .seconds(),
            120
        );
        assert!(SessionExpires::parse("x").is_err());
    }
}
