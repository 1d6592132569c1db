//! SIP transactions, dialogs and proxy rules, without sockets or clocks (RFC 3261 sections 12, 16
//! and 17).
//!
//! | room | what it knows |
//! | --- | --- |
//! | [`Transactions`] | the four machines of RFC 3261 §17, with RFC 6026, RFC 4320 and RFC 3581 |
//! | [`proxy`] | what a proxy does to requests and responses: RFC 3261 §16, RFC 5658 |
//! | [`dialog`] | what a user agent keeps of a dialog: RFC 3261 §12 |
//! | [`address`] | URIs and name-addr values read without allocating |
//! | [`token`] | what our own URIs say in their user part, sealed |
//! | [`next_hop`] | where a request goes next, and a little of RFC 3263 |
//! | [`TimerSet`] | how long everything takes, on either side of a P-CSCF |
//! | [`Transport`], [`Source`], [`Target`] | where messages come from and go to |
//! | [`answer_malformed`] | what the sender of octets that are no message is told |
//! | [`Random`] | random bytes from a seed, so that a run can be repeated |
//!
//! Every machine here has one grammar: `handle_…` takes input with the time, `poll_output` is
//! drained after each input, `poll_timeout` says when to come back with `handle_timeout`.
#![forbid(unsafe_code)]

pub mod address;
pub mod dialog;
mod malformed;
pub mod next_hop;
pub mod proxy;
mod random;
mod reply;
mod timers;
pub mod token;
mod transaction;
mod transport;

pub use malformed::answer_malformed;
pub use random::Random;
pub use reply::{reply, retry_after};
pub use timers::TimerSet;
pub use transaction::{
    ClientTransactionId, Counters, Output, ServerTransactionId, TransactionConfig, Transactions,
};
pub use transport::{ConnectionId, Source, Target, Transport};
