//! SDP that keeps every line as it came, and typed views of those that are rewritten (RFC 8866).
//!
//! [`Session::parse`] cuts a description into lines without changing one of them. A [`Section`] (the
//! session level, or one [`Media`] description) gives typed views of its lines on demand and takes
//! edits; a line that was not edited leaves byte for byte as it came, with its own line ending.
//!
//! | what | where |
//! | --- | --- |
//! | the document, its sections and lines | [`Session`], [`Media`], [`Section`], [`Line`], [`Limits`] |
//! | lines other than `a=` | [`Origin`], [`Connection`], [`Bandwidth`], [`MediaLine`], [`Timing`] |
//! | `a=` lines, one type each | [`attribute`] |
//! | what a media description inherits | `Session::media_*` in `inherit.rs` |
//! | m-lines across renegotiation | [`OfferAnswer`], [`MediaIndex`] |
#![forbid(unsafe_code)]

pub mod attribute;

mod bandwidth;
mod connection;
mod error;
mod inherit;
mod limits;
mod line;
mod media;
mod media_index;
mod media_line;
mod offer_answer;
mod origin;
mod section;
mod session;
mod timing;

pub use attribute::Attribute;
pub use bandwidth::{Bandwidth, BandwidthKind};
pub use connection::{AddressFamily, Connection};
pub use error::Malformed;
pub use inherit::IceCredentials;
pub use limits::Limits;
pub use line::{Ending, Line};
pub use media::Media;
pub use media_index::MediaIndex;
pub use media_line::MediaLine;
pub use offer_answer::{OfferAnswer, OfferAnswerError, Side, State};
pub use origin::Origin;
pub use section::Section;
pub use session::Session;
pub use timing::Timing;
