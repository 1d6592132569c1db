//! Notifications on their way: in order per session, at least once, until they are too old.
//!
//! ```text
//!  put ──▶ line of its session ──▶ target (scheme, host, port) ──▶ Deliver
//!                                    │ up: a window of deliveries at a time
//!                                    │ down: one at a time, later and later
//! ```
//!
//! Bodies are in the store, written in the transaction that caused them; here are identifiers alone, so
//! that many may wait. One input, then `poll_output` until there is none.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use api_mmtel_es::Cause;
use api_mmtel_es::common::Uri;
use url::Url;

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
        }
    }
}

/// How many redirections one notification follows (TS 29.122 §5.2.10 sets no bound).
const MAX_HOPS: u8 = 5;

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
}

/// How a notification ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was taken.
    Delivered,
    /// The other side does not want it, and would not want it again: a status, and a cause when there
    /// was one. After USER_NOT_FOUND and NOTIFICATION_URI_NOT_FOUND nothing more should be told there
    /// (TS 29.392 §6.3.7.3).
    Refused(u16, Option<Cause>),
    /// It may not go where it should, or was sent too far.
    Forbidden(&'static str),
    /// It became too old.
    TooOld,
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
    /// How many sessions wait for it.
    pub sessions: usize,
}

/// The notifications of all sessions.
#[derive(Debug)]
pub struct Outbox {
    settings: OutboxSettings,
    lines: HashMap<String, Line>,
    targets: HashMap<String, Target>,
    /// The session of each that is on its way.
    under_way: HashMap<u64, String>,
    /// Targets that have something to deliver, and could if others had less.
    starved: VecDeque<String>,
    outputs: VecDeque<Output>,
}

/// The notifications of one session, the first of which is on its way or waits for its target.
#[derive(Debug)]
struct Line {
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    id: u64,
    target: Uri,
    until: Instant,
    hops: u8,
}

#[derive(Debug, Default)]
struct Target {
    /// Sessions whose first notification goes there and is not on its way.
    ready: VecDeque<String>,
    under_way: usize,
    /// How many may be on their way.
    window: usize,
    down: Option<Pause>,
    starved: bool,
}

#[derive(Debug)]
struct Pause {
    since: Instant,
    tries: u32,
    until: Instant,
}

impl Outbox {
    /// An empty one. What the store has is put into it, in the order of its numbers.
    pub fn new(settings: OutboxSettings) -> Self {
        Self {
            settings,
            lines: HashMap::new(),
            targets: HashMap::new(),
            under_way: HashMap::new(),
            starved: VecDeque::new(),
            outputs: VecDeque::new(),
        }
    }

    /// How many wait or are on their way.
    pub fn len(&self) -> usize {
        self.lines.values().map(|line| line.waiting.len()).sum()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The targets that do not answer well.
    pub fn down(&self) -> Vec<Down> {
        let down = self.targets.iter().filter_map(|(origin, target)| {
            let pause = target.down.as_ref()?;
            Some(Down {
                origin: origin.clone(),
                since: pause.since,
                tries: pause.tries,
                sessions: target.ready.len() + target.under_way,
            })
        });
        down.collect()
    }

    /// Takes one that is in the store.
    pub fn put(&mut self, now: Instant, notification: Notification) {
        let Notification {
            id,
            session,
            target,
            until,
        } = notification;
        let line = self.lines.entry(session.clone()).or_insert_with(|| Line {
            waiting: VecDeque::new(),
        });
        line.waiting.push_back(Waiting {
            id,
            target,
            until,
            hops: 0,
        });
        if line.waiting.len() == 1
            && let Some(origin) = self.place(&session)
        {
            self.fill(now, origin);
        }
    }

    /// Takes what came of a delivery.
    pub fn handle_answer(&mut self, now: Instant, id: u64, answer: Answer) {
        let Some(session) = self.under_way.remove(&id) else {
            return;
        };
        let Some(first) = self
            .lines
            .get(&session)
            .and_then(|line| line.waiting.front())
        else {
            return;
        };
        let from = first.target.clone();
        let origin = self.origin(&from).unwrap_or_default();
        if let Some(target) = self.targets.get_mut(&origin) {
            target.under_way -= 1;
        }
        match answer {
            Answer::Response {
                status: 307 | 308,
                location: None,
                ..
            } => {
                self.up(&origin);
                self.over(
                    now,
                    &session,
                    End::Forbidden("a redirection without Location"),
                );
            }
            Answer::Response {
                status: status @ (307 | 308),
                location: Some(location),
                ..
            } => {
                self.up(&origin);
                self.redirect(now, &session, &from, &location, status == 308);
            }
            Answer::Response {
                status: 429 | 500 | 502 | 503 | 504,
                retry_after,
                ..
            } => self.again(now, &origin, session, retry_after),
            Answer::None => self.again(now, &origin, session, None),
            Answer::Response { status, cause, .. } => {
                self.up(&origin);
                let end = match status {
                    200..300 => End::Delivered,
                    _ => End::Refused(status, cause),
                };
                self.over(now, &session, end);
            }
        }
        self.fill(now, origin);
        self.feed(now);
    }

    /// To be called at the time that [`Outbox::poll_timeout`] gave.
    pub fn handle_timeout(&mut self, now: Instant) {
        let due = self.targets.iter().filter(|(_, target)| {
            let pause = target.down.as_ref();
            target.under_way == 0 && pause.is_some_and(|pause| pause.until <= now)
        });
        let due: Vec<String> = due.map(|(origin, _)| origin.clone()).collect();
        for origin in due {
            self.fill(now, origin);
        }
    }

    /// When to come back.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let targets = self.targets.values();
        // Who waits for others comes when these are over.
        let idle = |target: &&Target| target.under_way == 0 && !target.starved;
        let paused = targets.filter(|target| idle(target) && !target.ready.is_empty());
        paused
            .filter_map(|target| target.down.as_ref().map(|pause| pause.until))
            .min()
    }

    /// What to do next.
    #[must_use]
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Scheme, host and port of a target that may be told.
    fn origin(&self, target: &Uri) -> Result<String, &'static str> {
        let url = self.settings.targets.uri(target)?;
        Ok(url.origin().ascii_serialization())
    }

    /// Gives the first of a session to its target, and says which that is.
    fn place(&mut self, session: &str) -> Option<String> {
        while let Some(first) = self
            .lines
            .get(session)
            .and_then(|line| line.waiting.front())
        {
            match self.origin(&first.target) {
                Ok(origin) => {
                    let target = self.targets.entry(origin.clone());
                    let target = target.or_insert_with(|| Target {
                        window: 1,
                        ..Target::default()
                    });
                    target.ready.push_back(session.to_owned());
                    return Some(origin);
                }
                Err(reason) => self.pop(session, End::Forbidden(reason)),
            }
        }
        None
    }

    /// The first of a session is over.
    fn over(&mut self, now: Instant, session: &str, end: End) {
        self.pop(session, end);
        if let Some(origin) = self.place(session) {
            self.fill(now, origin);
        }
    }

    fn pop(&mut self, session: &str, end: End) {
        let Some(line) = self.lines.get_mut(session) else {
            return;
        };
        if let Some(first) = line.waiting.pop_front() {
            self.outputs.push_back(Output::Over {
                id: first.id,
                session: session.to_owned(),
                end,
            });
        }
        if line.waiting.is_empty() {
            self.lines.remove(session);
        }
    }

    /// The target answers: more at a time, up to its window's bound.
    fn up(&mut self, origin: &str) {
        let bound = self.settings.at_once_per_target;
        if let Some(target) = self.targets.get_mut(origin) {
            target.down = None;
            target.window = (target.window + 1).min(bound);
        }
    }

    /// The target does not answer well: it is left alone for a while, and the session goes first then.
    fn again(
        &mut self,
        now: Instant,
        origin: &str,
        session: String,
        retry_after: Option<Duration>,
    ) {
        let settings = &self.settings;
        let Some(target) = self.targets.get_mut(origin) else {
            return;
        };
        let down = target.down.get_or_insert(Pause {
            since: now,
            tries: 0,
            until: now,
        });
        // Those that were under way together fail together, and count once.
        if down.until <= now {
            let doubled = settings.first_pause.saturating_mul(1 << down.tries.min(16));
            down.tries += 1;
            down.until = now + doubled.min(settings.longest_pause);
        }
        if let Some(asked) = retry_after {
            down.until = down
                .until
                .max(now + asked.min(settings.longest_retry_after));
        }
        target.window = 1;
        target.ready.push_front(session);
    }

    /// TS 29.122 §5.2.10: 307 for this notification, 308 for all that follow, too.
    fn redirect(&mut self, now: Instant, session: &str, from: &Uri, to: &str, for_good: bool) {
        let to = Url::parse(from.as_str())
            .and_then(|from| from.join(to))
            .ok()
            .and_then(|to| Uri::new(to.to_string()).ok());
        let Some(to) = to else {
            return self.over(now, session, End::Forbidden("a redirection to nowhere"));
        };
        if from.scheme() == "https" && to.scheme() != "https" {
            return self.over(now, session, End::Forbidden("a redirection out of TLS"));
        }
        let Some(line) = self.lines.get_mut(session) else {
            return;
        };
        if let Some(first) = line.waiting.front_mut() {
            first.hops += 1;
            if first.hops > MAX_HOPS {
                return self.over(now, session, End::Forbidden("too many redirections"));
            }
            first.target = to.clone();
        }
        if for_good {
            for waiting in line
                .waiting
                .iter_mut()
                .filter(|waiting| waiting.target == *from)
            {
                waiting.target = to.clone();
            }
            self.outputs.push_back(Output::Moved {
                session: session.to_owned(),
                from: from.clone(),
                to,
            });
        }
        if let Some(origin) = self.place(session) {
            self.fill(now, origin);
        }
    }

    /// Lets a target have as many as it may, and those to which sessions turn from it.
    fn fill(&mut self, now: Instant, origin: String) {
        let mut origins = vec![origin];
        while let Some(origin) = origins.pop() {
            while let Some(session) = self.next_ready(now, &origin) {
                let line = self.lines.get(&session);
                let Some(first) = line.and_then(|line| line.waiting.front()) else {
                    continue;
                };
                if first.until <= now {
                    self.pop(&session, End::TooOld);
                    origins.extend(self.place(&session).filter(|other| *other != origin));
                    continue;
                }
                let (id, target) = (first.id, first.target.clone());
                if let Some(target) = self.targets.get_mut(&origin) {
                    target.under_way += 1;
                }
                self.outputs.push_back(Output::Deliver { id, target });
                self.under_way.insert(id, session);
            }
            if let Some(target) = self.targets.get(&origin)
                && target.ready.is_empty()
                && target.under_way == 0
            {
                self.targets.remove(&origin);
            }
        }
    }

    /// The session that goes next to a target, if one may.
    fn next_ready(&mut self, now: Instant, origin: &str) -> Option<String> {
        let target = self.targets.get_mut(origin)?;
        let paused = target.down.as_ref().is_some_and(|pause| pause.until > now);
        if paused || target.ready.is_empty() || target.under_way >= target.window {
            return None;
        }
        if self.under_way.len() >= self.settings.at_once {
            if !std::mem::replace(&mut target.starved, true) {
                self.starved.push_back(origin.to_owned());
            }
            return None;
        }
        target.ready.pop_front()
    }

    /// Lets those have their turn that waited for others.
    fn feed(&mut self, now: Instant) {
        while self.under_way.len() < self.settings.at_once {
            let Some(origin) = self.starved.pop_front() else {
                return;
            };
            if let Some(target) = self.targets.get_mut(&origin) {
                target.starved = false;
            }
            self.fill(now, origin);
        }
    }
}
