//! The `a=` lines that are rewritten, one type each; every other attribute stays a line of text.

use std::fmt;

use crate::Malformed;

mod bundle_only;
mod candidate;
mod channel;
mod crypto;
mod dcmap;
mod dcsa;
mod direction;
mod end_to_access_edge;
mod extmap;
mod fingerprint;
mod fmtp;
mod group;
mod ice;
mod mid;
mod msid;
mod precondition;
mod ptime;
mod req_app;
mod rtcp;
mod rtcp_fb;
mod rtcp_mux;
mod rtpmap;
mod sctp;
mod setup;
mod ssrc;
mod tls_id;

pub use bundle_only::BundleOnly;
pub use candidate::{Candidate, CandidateType};
pub use channel::ChannelParameters;
pub use crypto::Crypto;
pub use dcmap::Dcmap;
pub use dcsa::Dcsa;
pub use direction::Direction;
pub use end_to_access_edge::EndToAccessEdge;
pub use extmap::Extmap;
pub use fingerprint::Fingerprint;
pub use fmtp::Fmtp;
pub use group::Group;
pub use ice::{EndOfCandidates, IceLite, IceOptions, IcePwd, IceUfrag};
pub use mid::Mid;
pub use msid::Msid;
pub use precondition::{ConfirmStatus, CurrentStatus, DesiredStatus, StatusType, Strength};
pub use ptime::{Maxptime, Ptime};
pub use req_app::{AppEndpoint, AppEndpoints, ReqApp};
pub use rtcp::Rtcp;
pub use rtcp_fb::RtcpFb;
pub use rtcp_mux::{RtcpMux, RtcpMuxOnly, RtcpRsize};
pub use rtpmap::Rtpmap;
pub use sctp::{MaxMessageSize, SctpPort};
pub use setup::Setup;
pub use ssrc::{Ssrc, SsrcGroup};
pub use tls_id::TlsId;

/// An attribute as a type. `Display` writes its value; an empty value is a property attribute (`a=rtcp-mux`).
pub trait Attribute<'a>: Sized + fmt::Display {
    /// The name between `a=` and the colon.
    const NAME: &'static str;

    /// Reads the value behind the colon.
    fn parse(value: &'a str) -> Result<Self, Malformed>;
}

/// A property attribute: a name without a value.
macro_rules! property {
    ($(#[$doc:meta])* $type:ident, $name:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct $type;

        impl crate::Attribute<'_> for $type {
            const NAME: &'static str = $name;

            fn parse(_: &str) -> Result<$type, crate::Malformed> {
                Ok($type)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                Ok(())
            }
        }
    };
}

/// An attribute whose value is one number.
macro_rules! number {
    ($(#[$doc:meta])* $type:ident($number:ty), $name:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $type(pub $number);

        impl crate::Attribute<'_> for $type {
            const NAME: &'static str = $name;

            fn parse(value: &str) -> Result<$type, crate::Malformed> {
                let bad = || crate::Malformed::value(concat!("a=", $name, " is a number"));
                value.trim().parse().map($type).map_err(|_| bad())
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

/// An attribute whose value is one word, of a length and an alphabet.
macro_rules! word {
    ($(#[$doc:meta])* $type:ident, $name:literal, $length:expr, $alphabet:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $type<'a>(pub &'a str);

        impl<'a> crate::Attribute<'a> for $type<'a> {
            const NAME: &'static str = $name;

            fn parse(value: &'a str) -> Result<$type<'a>, crate::Malformed> {
                let word = value.trim();
                if $length.contains(&word.len()) && word.bytes().all($alphabet) {
                    Ok($type(word))
                } else {
                    Err(crate::Malformed::value(concat!("a=", $name, " is a word of its length and letters")))
                }
            }
        }

        impl std::fmt::Display for $type<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.0)
            }
        }
    };
}

/// RFC 8866 §9 — `token-char`.
fn is_token(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x27 | 0x2A | 0x2B | 0x2D | 0x2E | 0x30..=0x39 | 0x41..=0x5A | 0x5E..=0x7E)
}

use {number, property, word};
