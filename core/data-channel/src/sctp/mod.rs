//! SCTP over DTLS (RFC 8261), as data channels need it (RFC 8831 §6.2): what an implementation must
//! do for us, and one that does.

mod crc32c;
mod discard;
mod engine;
mod horizon;
mod sctp_proto_engine;
mod window;

pub use engine::{SctpConfig, SctpEngine, SctpEvent, StreamRefused};
pub use sctp_proto_engine::SctpProto;
