//! A gateway, WICs and phones on a network of virtual time.
#![allow(unreachable_pub, unused_imports, dead_code, clippy::unwrap_used)]

mod bed;
mod call;
mod packets;
mod phone;
mod wic;

pub use bed::{Bed, config, hairpin};
pub use call::{Call, RELAY, SCTP, STREAM, negotiated};
pub use packets::{nack, pli, receiver_report, rtp, rtp_of, sequence_of, video};
pub use phone::Phone;
pub use wic::Wic;
