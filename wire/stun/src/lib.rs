//! STUN messages as ICE uses them (RFC 8489, RFC 8445).
//!
//! Nothing here allocates: a [`Message`] is a view of the bytes that came, and a [`Builder`] writes
//! into the bytes it is given.
//!
//! - [`Message`] — reading: framing is checked once, attributes on demand;
//! - [`Builder`] — writing: attributes in order, then integrity, then fingerprint;
//! - [`IntegrityKey`] — the key of MESSAGE-INTEGRITY, prepared once for each password;
//! - [`fuzz_message`] — what must hold of any bytes: the property tests run it.
#![forbid(unsafe_code)]

mod attribute;
mod builder;
mod crc;
mod error;
mod header;
mod integrity;
mod message;

pub use attribute::{Attribute, Attributes, ErrorCode, kind};
pub use builder::Builder;
pub use error::{BufferTooSmall, Malformed};
pub use header::{BINDING, Class, HEADER_LENGTH, MAGIC_COOKIE, TransactionId};
pub use integrity::{Check, IntegrityKey};
pub use message::{Message, fuzz_message};
