//! All channels of one SCTP association.

mod entry;
mod machine;
mod opening;
mod output;
mod room;

pub use machine::{Association, AssociationConfig};
pub use output::{CloseReason, Event, Output};
