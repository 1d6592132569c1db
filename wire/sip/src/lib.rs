//! SIP messages: one buffer, an index of ranges, typed views on demand (RFC 3261).
//!
//! A [`Message`] holds the bytes as they came and an index of its header lines. Reading a header is a lookup; an edit
//! writes one new line into a side buffer and leaves every other line byte for byte as it was. Typed views
//! ([`header`], [`uri`], [`NameAddr`], [`Params`]) are parsed when they are asked for, never before.
//!
//! Contents, bottom up: [`scan`] (lexical rules), [`HeaderName`], [`Method`], [`StatusCode`], [`Params`], [`uri`],
//! [`NameAddr`], [`header`] (typed headers), [`Message`] (parse, read, edit, build), [`stream`] (TCP framing),
//! [`salvage`] (answering what could not be parsed), [`body`] (multipart).
#![forbid(unsafe_code)]

pub mod body;
mod error;
pub mod header;
mod header_name;
mod limits;
mod message;
mod method;
mod name_addr;
pub mod params;
pub mod salvage;
pub mod scan;
mod status;
pub mod stream;
pub mod uri;

pub use error::{Fault, HeaderError, Malformed};
pub use header::TypedHeader;
pub use header_name::HeaderName;
pub use limits::Limits;
pub use message::{Header, Message};
pub use method::Method;
pub use name_addr::NameAddr;
pub use params::Params;
pub use status::StatusCode;
pub use stream::{Broken, Frame, StreamDecoder};
pub use uri::Uri;
