//! What the store has of the MMTel Enabler Server.

use nf_mmtel_es::{Application, Change, Notice, StoredSession};

/// One thing to write down of the MMTel Enabler Server.
#[derive(Debug, Clone)]
pub enum EnablerChange {
    /// As the function gives it.
    Of(Change),
    /// A notification, with its number.
    Put(Put),
}

/// A notification that waits, or will.
#[derive(Debug, Clone)]
pub struct Put {
    /// Its number: those of a session are told in this order.
    pub id: u64,
    /// What is told where.
    pub notice: Notice,
    /// Scheme, host and port of its target.
    pub origin: String,
    /// When it is too old (seconds since 1970).
    pub until: u64,
}

/// What was written down before.
#[derive(Debug, Default)]
pub struct EnablerLoaded {
    /// Applications, without the bytes of their packages.
    pub applications: Vec<Application>,
    /// Sessions.
    pub sessions: Vec<StoredSession>,
    /// The highest number that a waiting notification has.
    pub last_notification: u64,
    /// How many notifications wait.
    pub pending: u64,
}
