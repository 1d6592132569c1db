//! Calls of the enabler on virtual time: consumers on one side, UEs and a gateway on the other.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may end")]

mod again;
mod anchor;
mod asked;
mod bed;
mod channels;
mod dc_call;
mod expiry;
mod in_dialog;
mod observer;
mod refresh;
mod restart;
mod room;
mod session;
mod steps;
mod third_party;
