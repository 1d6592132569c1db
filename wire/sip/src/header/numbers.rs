//! Headers whose value is one number.

use std::fmt;

use super::TypedHeader;
use crate::{HeaderName, scan};

macro_rules! numbers {
    ($($name:ident $most:expr, $rfc:literal;)*) => {$(
        #[doc = $rfc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$name;

            fn parse(value: &str) -> Result<Self, &'static str> {
                scan::number(value).filter(|n| *n <= $most).map(Self).ok_or("not a number in its range")
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

numbers! {
    MaxForwards 255, "RFC 3261 §20.22";
    MaxBreadth u32::MAX, "RFC 5393 §5.3.2";
    ContentLength u32::MAX, "RFC 3261 §20.14";
    Expires u32::MAX, "RFC 3261 §20.19";
    MinExpires u32::MAX, "RFC 3261 §20.23";
    RSeq u32::MAX, "RFC 3262 §7.1";
    FlowTimer u32::MAX, "RFC 5626 §10";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_range() {
        assert_eq!(MaxForwards::parse("70"), Ok(MaxForwards(70)));
        assert!(MaxForwards::parse("300").is_err());
        assert!(Expires::parse("-1").is_err());
    }
}
