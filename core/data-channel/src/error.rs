use thiserror::Error;

use crate::dcep::Malformed;

/// A rule that the peer broke; its channel is closed for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Misbehaved {
    /// RFC 8832 §5 — a message that cannot be read.
    #[error("a DCEP message that cannot be read: {0}")]
    Dcep(Malformed),
    /// RFC 8832 §6 — an OPEN for a channel that is open.
    #[error("an OPEN for a channel that is in use")]
    OpenInUse,
    /// RFC 8832 §6 — an OPEN under an id that is ours to choose.
    #[error("an OPEN with an id of the other role")]
    OpenOfOtherRole,
    /// RFC 8832 §6 — an ACK that nobody asked for.
    #[error("an ACK without an OPEN")]
    UnexpectedAck,
    /// RFC 8832 §6 — data on a stream that nobody opened.
    #[error("data on a stream that nobody opened")]
    UnopenedStream,
    /// RFC 8831 §6.6 — neither string nor binary.
    #[error("a payload protocol that is none of data channels")]
    UnknownPayload,
    /// More channels than we hold.
    #[error("more channels than allowed")]
    TooManyChannels,
    /// A label or a protocol longer than we hold.
    #[error("a label or protocol longer than allowed")]
    NameTooLong,
}

/// Why a channel cannot be opened. It is our caller who asked for too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The association has ended.
    #[error("the association has ended")]
    Ended,
    /// There is such a channel.
    #[error("the id is in use")]
    InUse,
    /// There was such a channel: [`Event::Released`](crate::Event::Released) says when the id is free.
    #[error("the id is being reset")]
    Resetting,
    /// There cannot be such a channel.
    #[error("65,535 names no channel")]
    InvalidId,
    /// More channels than [`Limits`](crate::Limits) say.
    #[error("as many channels as allowed are open")]
    TooMany,
    /// A label or a protocol longer than [`Limits`](crate::Limits) say.
    #[error("the label or the protocol is too long")]
    NameTooLong,
}

/// Why a message cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum SendError {
    /// Not now: [`Event::Writable`](crate::Event::Writable) says when.
    #[error("as much as allowed waits to be sent")]
    Full,
    /// There is no such channel, or it is not open, or it is closing.
    #[error("the channel is not open")]
    NotOpen,
    /// RFC 8841 §6.1 — the peer takes no message of that size.
    #[error("the peer takes {0} bytes at most")]
    TooLarge(u32),
}

/// Why an association ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Ended {
    /// We ended it.
    #[error("ended by us")]
    ByUs,
    /// The peer ended it, or broke SCTP so that it could not go on.
    #[error("{0}")]
    Lost(String),
}
