//! RTP and RTCP packets (RFC 3550, RFC 4585), and what else shares a port with them (RFC 7983).
//!
//! - [`Kind::of`] — by the first byte: STUN, DTLS, RTP or RTCP;
//! - [`RtpPacket`] — a view of an RTP packet; [`set_payload_type`] changes it in place;
//! - [`rtcp::Compound`] — the packets of an RTCP compound; `rtcp::write_*` builds small ones;
//! - [`fuzz_packet`] — what must hold of any bytes: the property tests run it.
//!
//! Nothing here allocates.
#![forbid(unsafe_code)]

mod error;
mod fuzz;
mod kind;
pub mod rtcp;
mod rtp;

pub use error::Malformed;
pub use fuzz::fuzz_packet;
pub use kind::{Kind, is_rtcp};
pub use rtp::{Extension, RtpPacket, set_payload_type};
