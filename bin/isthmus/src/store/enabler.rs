//! What the store has of the MMTel Enabler Server.

use api_mmtel_es::common::Uri;
use nf_mmtel_es::{Application, Change, Notice, StoredSession};

/// One thing to write down of the MMTel Enabler Server.
#[derive(Debug, Clone)]
pub enum EnablerChange {
    /// As the function gives it.
    Of(Change),
    /// A notification, with its number.
    Put(Put),
    /// A notification that is over, by its number; the next of its session is the head then.
    Over(u64),
    /// What is told about a session goes to another place.
    Moved {
        /// The session.
        session: String,
        /// Where it went.
        from: Uri,
        /// Where it goes.
        to: Uri,
        /// Scheme, host and port of that.
        origin: String,
    },
}

impl EnablerChange {
    /// What is told about a session goes to another place.
    pub fn moved(session: String, from: Uri, to: Uri) -> Self {
        let origin = origin(&to);
        Self::Moved {
            session,
            from,
            to,
            origin,
        }
    }
}

/// Scheme, host and port; what is no URL of that kind has none.
pub fn origin(target: &Uri) -> String {
    let url = url::Url::parse(target.as_str());
    url.map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
}

/// A notification that was written a moment ago.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Its number.
    pub id: u64,
    /// Its session.
    pub session: String,
    /// Where it goes.
    pub target: Uri,
    /// When it is too old (seconds since 1970).
    pub until: u64,
}

/// What the outbox hears from the store.
#[derive(Debug)]
pub enum Arrival {
    /// One was written.
    Put(Waiting),
    /// Some were, of which nothing was said: there were too many.
    Lost,
}

/// A notification out of the store.
#[derive(Debug, Clone)]
pub struct StoredHead {
    /// Its number.
    pub id: u64,
    /// Its session.
    pub session: String,
    /// Where it goes.
    pub target: Uri,
    /// When it is too old (seconds since 1970).
    pub until: u64,
    /// Whether its session has more.
    pub more: bool,
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
