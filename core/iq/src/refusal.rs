//! Why the gateway says no.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A request was not done. Nothing of it has taken effect.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Refusal {
    /// The eP-CSCF named a Context that is not there (any more).
    #[error("no such context")]
    UnknownContext,
    /// The eP-CSCF named a stream that its Context does not have.
    #[error("no such stream in the context")]
    UnknownStream,
    /// A stream was to be made twice.
    #[error("the stream exists already")]
    StreamExists,
    /// Ports, Contexts or memory are used up: 503 with Retry-After towards the caller.
    #[error("the gateway is full: {0}")]
    NoResources(String),
    /// The request cannot mean what it says: 500 towards the caller, and a fault of ours.
    #[error("the request is not valid: {0}")]
    Invalid(String),
    /// Too much waits to be sent in a data channel, or in all of its association.
    #[error("the data channel is full")]
    ChannelFull,
    /// There is no such data channel, or it is not in a state for that.
    #[error("no such data channel")]
    UnknownChannel,
    /// The gateway, or the way to it, is gone: 503 with Retry-After towards the caller.
    #[error("the gateway cannot be reached")]
    Unreachable,
}
