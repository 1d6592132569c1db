//! Client and server transactions: RFC 3261 §17 with RFC 6026, RFC 4320 and RFC 3581.
//!
//! [`Transactions`] owns them all ([`receive`]: what comes, [`drive`]: what goes); [`client`] and
//! [`server`] are the machines, one `match (state, input)` each; [`matching`] says which message
//! belongs to which; [`via`] reads the topmost Via and finds the way back for a response;
//! [`types`] are its words; [`build`] makes the messages that the machines send by themselves; [`schedule`] and [`slab`]
//! keep a hundred thousand of them cheap.

mod build;
mod client;
mod drive;
mod layer;
mod matching;
mod receive;
mod schedule;
mod server;
mod slab;
mod types;
mod via;

pub(crate) use matching::{cseq, tag};
pub(crate) use via::{Listener, ViaView, stamped, way_back};

pub use layer::Transactions;
pub use types::{ClientTransactionId, Counters, Output, ServerTransactionId, TransactionConfig};
