//! RFC 3891 §6.1 and RFC 3911 §7.1: a dialog named by Call-ID and tags.

use std::fmt;

use super::TypedHeader;
use crate::{HeaderName, Params};

macro_rules! dialogs {
    ($($name:ident $rfc:literal;)*) => {$(
        #[doc = $rfc]
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            /// Call-ID of the dialog.
            pub call_id: String,
            /// `to-tag`, `from-tag` and, in Replaces, `early-only`.
            pub params: Params,
        }

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$name;

            fn parse(value: &str) -> Result<Self, &'static str> {
                let (call_id, params) = value.split_once(';').ok_or("tags are missing")?;
                let params = Params::parse(params)?;
                if call_id.trim().is_empty() || !params.contains("to-tag") || !params.contains("from-tag") {
                    return Err("Call-ID or a tag is missing");
                }
                Ok(Self { call_id: call_id.trim().to_owned(), params })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", self.call_id, self.params)
            }
        }
    )*};
}

dialogs! {
    Replaces "RFC 3891 §6.1";
    Join "RFC 3911 §7.1";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_tags_are_needed() {
        let r =
            Replaces::parse("98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff;early-only")
                .unwrap();
        assert_eq!(
            (r.call_id.as_str(), r.params.get("to-tag")),
            ("98732@sip.example.com", Some("ff87ff"))
        );
        assert!(r.params.contains("early-only"));
        assert!(Replaces::parse("98732@sip.example.com;to-tag=1").is_err());
    }
}
