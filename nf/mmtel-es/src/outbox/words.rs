//! The words of the outbox.

use std::time::{Duration, Instant};

use api_mmtel_es::Cause;
use api_mmtel_es::common::Uri;

use crate::target::Targets;

/// What is the same for all.
#[derive(Clone, Debug)]
pub struct OutboxSettings {
    /// Where notifications may go.
    pub targets: Targets,
    /// How many are on their way at a time, to all targets.
    pub at_once: usize,
    /// How many are on their way at a time, to one target.
    pub at_once_per_target: usize,
    /// The first pause after a failure; each that follows is twice as long.
    pub first_pause: Duration,
    /// The longest pause, unless the target asks for more.
    pub longest_pause: Duration,
    /// The longest pause that a target may ask for.
    pub longest_retry_after: Duration,
    /// How many sessions are here at a time; more are in the store.
    pub sessions: usize,
    /// How many sessions of one target are asked of the store at a time.
    pub page: usize,
    /// How many notifications of one session are here at a time.
    pub of_session: usize,
}

impl Default for OutboxSettings {
    fn default() -> Self {
        Self {
            targets: Targets::default(),
            at_once: 256,
            at_once_per_target: 64,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
            longest_retry_after: Duration::from_hours(1),
            sessions: 16_384,
            page: 256,
            of_session: 64,
        }
    }
}

/// A notification that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its number in the store.
    pub id: u64,
    /// The session whose order it keeps.
    pub session: String,
    /// Where it goes.
    pub target: Uri,
    /// When it is too old.
    pub until: Instant,
}

/// How the other side answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A response: its status, its Location, its Retry-After from now, the cause of its problem.
    Response {
        /// The status.
        status: u16,
        /// The Location of a redirection.
        location: Option<String>,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
        /// The cause in its ProblemDetails.
        cause: Option<Cause>,
    },
    /// No response: no connection, one that broke, or something that is no HTTP.
    None,
}

/// A head out of the store: the first notification of its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The notification.
    pub notification: Notification,
    /// Whether its session has more.
    pub more: bool,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send the notification there, and say how it was answered.
    Deliver {
        /// Its number in the store.
        id: u64,
        /// Where it goes now, which a redirection may have changed.
        target: Uri,
    },
    /// It is over: take it out of the store.
    Over {
        /// Its number in the store.
        id: u64,
        /// Its session.
        session: String,
        /// How it ended.
        end: End,
    },
    /// A 308: what is told about this session from now on goes there.
    Moved {
        /// The session.
        session: String,
        /// Where it went.
        from: Uri,
        /// Where it goes.
        to: Uri,
    },
    /// Look for the targets that heads in the store go to, and say which they are by
    /// [`super::Outbox::handle_targets`]. What was asked to be written or taken out before this is
    /// done is done then; so it is with the two that follow.
    LoadTargets,
    /// Look for heads that go to a target: the first `most` of those with a higher number.
    LoadHeads {
        /// Scheme, host and port, as the store has it.
        origin: String,
        /// Their numbers are higher.
        after: u64,
        /// How many at most.
        most: usize,
    },
    /// Look for the notifications of a session: the first `most` of those with a higher number.
    LoadSession {
        /// The session.
        session: String,
        /// Their numbers are higher.
        after: u64,
        /// How many at most.
        most: usize,
    },
}

/// How a notification ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was taken.
    Delivered,
    /// The other side does not want it, and would not want it again: a status, and a cause when there
    /// was one.
    Refused(u16, Option<Cause>),
    /// It may not go where it should, or was sent too far.
    Forbidden(&'static str),
    /// It became too old.
    TooOld,
}

impl End {
    /// TS 29.392 §6.3.7.3 — why nothing more should be told there: the two application errors, which are of a 404.
    pub fn unwanted(&self) -> Option<&Cause> {
        match self {
            Self::Refused(
                404,
                Some(cause @ (Cause::UserNotFound | Cause::NotificationUriNotFound)),
            ) => Some(cause),
            _ => None,
        }
    }
}

/// A target that does not answer well, to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Down {
    /// Scheme, host and port.
    pub origin: String,
    /// Since when.
    pub since: Instant,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again.
    pub until: Instant,
    /// How many sessions wait for it.
    pub sessions: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TS 29.392 §6.3.7.3: table 6.3.7.3-1 has both with 404, and no other.
    #[test]
    fn a_cause_counts_with_its_status() {
        for cause in [Cause::UserNotFound, Cause::NotificationUriNotFound] {
            for status in [400, 403, 404, 410, 501] {
                let end = End::Refused(status, Some(cause.clone()));
                let counts = (status == 404).then_some(&cause);
                assert_eq!(end.unwanted(), counts, "{status}");
            }
        }
        let other = Cause::ResourceUriStructureNotFound;
        assert_eq!(End::Refused(404, Some(other)).unwanted(), None);
        assert_eq!(End::Refused(404, None).unwanted(), None);
        assert_eq!(End::Delivered.unwanted(), None);
    }
}
