//! Notifications on their way: in order per session, at least once, until they are too old.
//!
//! ```text
//!  put ──▶ line of its session ──▶ target (scheme, host, port) ──▶ Deliver
//!                                    │ up: a window of deliveries at a time
//!                                    │ down: one at a time, later and later
//! ```
//!
//! All of them are in the store, written in the transaction that caused them, with their bodies. Here
//! are a few at a time, without bodies (`stored.rs`): any number may wait. The first of a session is its
//! *head*; the store knows which these are, and for which target. One input, then `poll_output` until
//! there is none.

mod stored;
mod words;

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use api_mmtel_es::common::Uri;
use url::Url;

use stored::Stored;
pub use words::{Answer, Down, End, Head, Notification, OutboxSettings, Output};

/// How many redirections one notification follows (TS 29.122 §5.2.10 sets no bound).
const MAX_HOPS: u8 = 5;

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
    /// Targets of which the store has heads that are not here, as far as we know.
    partial: HashSet<String>,
    /// Those of them that found no room here.
    hungry: VecDeque<String>,
    /// The targets themselves are being asked for.
    starting: bool,
    /// How many questions about heads are not answered.
    asked: usize,
    /// What ended since they were asked.
    ended: HashSet<u64>,
    outputs: VecDeque<Output>,
}

/// The notifications of one session, the first of which is on its way or waits for its target.
#[derive(Debug)]
struct Line {
    waiting: VecDeque<Waiting>,
    /// The last number that was here.
    last: u64,
    stored: Stored,
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
    hungry: bool,
    /// Up to which number heads were asked for.
    after: u64,
    stored: Stored,
}

#[derive(Debug)]
struct Pause {
    since: Instant,
    tries: u32,
    until: Instant,
}

impl Outbox {
    /// One that knows nothing yet of what the store has, and asks.
    pub fn new(settings: OutboxSettings) -> Self {
        let mut outbox = Self {
            settings,
            lines: HashMap::new(),
            targets: HashMap::new(),
            under_way: HashMap::new(),
            starved: VecDeque::new(),
            partial: HashSet::new(),
            hungry: VecDeque::new(),
            starting: false,
            asked: 0,
            ended: HashSet::new(),
            outputs: VecDeque::new(),
        };
        outbox.look_again();
        outbox
    }

    /// How many of those that wait or are on their way are here.
    pub fn len(&self) -> usize {
        self.lines.values().map(|line| line.waiting.len()).sum()
    }

    /// Whether none waits, here or in the store.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.partial.is_empty() && !self.starting
    }

    /// The targets that do not answer well.
    pub fn down(&self) -> Vec<Down> {
        let down = self.targets.iter().filter_map(|(origin, target)| {
            let pause = target.down.as_ref()?;
            Some(Down {
                origin: origin.clone(),
                since: pause.since,
                tries: pause.tries,
                until: pause.until,
                sessions: target.ready.len() + target.under_way,
            })
        });
        down.collect()
    }

    /// Takes one that was just written to the store.
    pub fn put(&mut self, now: Instant, notification: Notification) {
        let most = self.settings.of_session;
        if let Some(line) = self.lines.get_mut(&notification.session) {
            if line.stored.more || line.waiting.len() >= most {
                line.stored.miss();
            } else if line.last < notification.id {
                line.push(notification);
            }
            return;
        }
        let origin = match self.origin(&notification.target) {
            Ok(origin) => origin,
            Err(reason) => {
                return self.end(
                    notification.id,
                    notification.session,
                    End::Forbidden(reason),
                );
            }
        };
        // Of a session that is not here the store may have an earlier one, unless all of it is here.
        let all_here = self.partial.is_empty() && !self.starting;
        let target = self.target(&origin);
        let room = target.down.is_none() && target.ready.len() < 2 * self.settings.page;
        if !all_here || !room || self.lines.len() >= self.settings.sessions {
            self.target(&origin).stored.miss();
            self.partial.insert(origin.clone());
            return self.load(&origin);
        }
        let target = self.target(&origin);
        target.after = target.after.max(notification.id);
        let session = notification.session.clone();
        self.lines
            .insert(session.clone(), Line::new(notification, false));
        if let Some(origin) = self.place(&session) {
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
        self.feed(now);
    }

    /// An operator says that a target answers again: it is tried at once, whatever it asked for. Whether
    /// it was down.
    pub fn release(&mut self, now: Instant, origin: &str) -> bool {
        let target = self.targets.get_mut(origin);
        let Some(pause) = target.and_then(|target| target.down.as_mut()) else {
            return false;
        };
        pause.until = now;
        self.handle_timeout(now);
        true
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

    fn target(&mut self, origin: &str) -> &mut Target {
        let target = self.targets.entry(origin.to_owned());
        target.or_insert_with(|| Target {
            window: 1,
            ..Target::default()
        })
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
                    self.target(&origin).ready.push_back(session.to_owned());
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
        let first = line.waiting.pop_front();
        if let Some(first) = first {
            self.end(first.id, session.to_owned(), end);
        }
        self.load_session(session);
    }

    fn end(&mut self, id: u64, session: String, end: End) {
        if self.asked > 0 {
            self.ended.insert(id);
        }
        self.outputs.push_back(Output::Over { id, session, end });
    }

    /// The target answers: more at a time, up to its window's bound.
    fn up(&mut self, origin: &str) {
        let bound = self.settings.at_once_per_target;
        if let Some(target) = self.targets.get_mut(origin) {
            target.down = None;
            target.window = (target.window + 1).min(bound);
        }
    }

    /// The target does not answer well: it is left alone for a while.
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
        // Another one goes first then: what is wrong may be with this one alone.
        target.ready.push_back(session);
        self.let_go(origin);
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
            self.load(&origin);
            if let Some(target) = self.targets.get(&origin)
                && target.ready.is_empty()
                && target.under_way == 0
                && !target.stored.is_of_interest()
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
        self.feed_hungry();
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

impl Line {
    fn new(first: Notification, more: bool) -> Self {
        let mut line = Self {
            waiting: VecDeque::new(),
            last: 0,
            stored: Stored::new(more),
        };
        line.push(first);
        line
    }

    fn push(&mut self, notification: Notification) {
        self.last = notification.id;
        self.waiting.push_back(Waiting {
            id: notification.id,
            target: notification.target,
            until: notification.until,
            hops: 0,
        });
    }
}
