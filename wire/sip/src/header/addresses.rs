//! Headers whose value is an address: `name-addr` or `addr-spec` with parameters (RFC 3261 §20.10 and others).

use std::fmt;

use super::TypedHeader;
use crate::{HeaderName, NameAddr, Uri};

macro_rules! addresses {
    ($($name:ident $list:literal $rfc:literal;)*) => {$(
        #[doc = $rfc]
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(pub NameAddr);

        impl $name {
            /// An address alone.
            pub fn new(uri: Uri) -> Self {
                Self(NameAddr::new(uri))
            }

            /// Its URI.
            pub fn uri(&self) -> &Uri {
                &self.0.uri
            }

            /// Its tag, where it may have one.
            pub fn tag(&self) -> Option<&str> {
                self.0.tag()
            }
        }

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$name;
            const LIST: bool = $list;

            fn parse(value: &str) -> Result<Self, &'static str> {
                NameAddr::parse(value).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

addresses! {
    From false "RFC 3261 §20.20";
    To false "RFC 3261 §20.39";
    ReplyTo false "RFC 3261 §20.31";
    Route true "RFC 3261 §20.34";
    RecordRoute true "RFC 3261 §20.30";
    Path true "RFC 3327 §4";
    ServiceRoute true "RFC 3608 §5";
    ReferTo false "RFC 3515 §2.1";
    ReferredBy false "RFC 3892 §3";
    HistoryInfo true "RFC 7044 §5";
    PAssertedIdentity true "RFC 3325 §9.1";
    PPreferredIdentity true "RFC 3325 §9.2";
    PAssociatedUri true "RFC 7315 §4.1";
    PCalledPartyId false "RFC 7315 §4.2";
    PServedUser false "RFC 5502 §4";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_an_address() {
        let route = Route::parse("<sip:token@pcscf.example;lr;ob>;x=1").unwrap();
        assert!(route.uri().as_sip().unwrap().is_loose_router());
        assert_eq!(route.to_string(), "<sip:token@pcscf.example;lr;ob>;x=1");
    }
}
