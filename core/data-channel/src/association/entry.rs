use std::collections::VecDeque;
use std::time::Instant;

use crate::{Channel, CloseReason, Message, Priority};

/// One channel, from the first that is known of it until its id is free again.
///
/// ```text
///   ours, in band      Waiting ─▶ Opening ─ ACK, or data ──────────────┐
///   ours, negotiated   Waiting ───────────────────────────────────────▶│
///   theirs, in band    OPEN ─▶ Requested ─ accept ────────────────────▶ Open
///   theirs, early      data ─▶ Early ─ negotiated ────────────────────▶│
///   all of them        ─ close, reset of the peer, a broken rule ─▶ Closing ─▶ Resetting
/// ```
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) phase: Phase,
    /// Bytes that wait to be sent; it may be fewer by now.
    pub(super) buffered: usize,
    /// The sizes of the messages that these bytes are of, the oldest first.
    pub(super) sizes: VecDeque<u32>,
    /// Whoever sends was told that there is no room.
    pub(super) blocked: bool,
    /// A message that was read to see what it is.
    pub(super) first: Option<Message>,
    pub(super) priority: Priority,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// The association does not stand yet, or the id is being reset. In band if that.
    Waiting { channel: Channel, in_band: bool },
    /// RFC 8832 §6 — the OPEN is under way; data may follow, in order.
    Opening { channel: Channel },
    /// RFC 8832 §6 — the peer's OPEN waits to be accepted.
    Requested { channel: Channel },
    /// RFC 8864 §6.6 — data of a negotiated channel came before the description of it.
    Early { until: Instant },
    /// In use.
    Open,
    /// Our direction is being reset, and the peer's is not yet.
    Closing { reason: CloseReason },
    /// Closed; the id is not yet free.
    Resetting,
}

impl Entry {
    pub(super) fn new(phase: Phase, priority: Priority) -> Self {
        Self {
            phase,
            buffered: 0,
            sizes: VecDeque::new(),
            blocked: false,
            first: None,
            priority,
        }
    }

    /// Whether what comes may be read.
    pub(super) fn is_readable(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Opening { .. })
    }

    pub(super) fn is_gone(&self) -> bool {
        matches!(self.phase, Phase::Closing { .. } | Phase::Resetting)
    }
}
