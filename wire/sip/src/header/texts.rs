//! Headers of free text (RFC 3261 §25.1 `TEXT-UTF8-TRIM` and product lists): any value that parsed is good.

use std::fmt;

use super::TypedHeader;
use crate::{HeaderName, scan};

macro_rules! texts {
    ($($name:ident $rfc:literal;)*) => {$(
        #[doc = $rfc]
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(pub String);

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$name;

            fn parse(value: &str) -> Result<Self, &'static str> {
                Ok(Self(scan::unfold(value).into_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

texts! {
    CallId "RFC 3261 §20.8";
    Organization "RFC 3261 §20.25";
    Server "RFC 3261 §20.35";
    SessionId "RFC 7989 §5";
    Subject "RFC 3261 §20.36";
    UserAgent "RFC 3261 §20.41";
    UserToUser "RFC 7433 §4.1";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_text_is_one_line() {
        assert_eq!(
            Subject::parse("I know\r\n  you're there").unwrap().0,
            "I know you're there"
        );
    }
}
