use std::collections::VecDeque;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::check::{Good, Local, check};
use super::{Checked, IceCredentials};
use crate::Path;

/// An agent keeps no more paths than that; the one without checks for the longest time goes.
pub const MAX_PATHS: usize = 8;

/// A nomination of that age does not hold against a newer one of lower priority: the peer has moved.
const NOMINATION: Duration = Duration::from_millis(500);

/// RFC 8445 §2.5 — a lite agent for one component.
#[derive(Debug)]
pub struct IceLite {
    local: Local,
    /// RFC 8445 §9 — what was before the restart stays good until checks come with the new.
    previous: Option<Local>,
    remote: Option<IceCredentials>,
    state: State,
    paths: SmallVec<[Admitted; 2]>,
    silence: Duration,
    events: VecDeque<IceEvent>,
}

/// In the order of the protocol.
#[derive(Debug)]
enum State {
    /// No pair is nominated.
    Checking,
    /// Media go over the selected path.
    Connected { selected: Path },
    /// As before, but no check came for too long.
    Silent { selected: Path },
}

#[derive(Debug)]
struct Admitted {
    path: Path,
    priority: u32,
    last_check: Instant,
    nominated: Option<Instant>,
}

/// What the owner of the agent should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IceEvent {
    /// The first pair is nominated.
    Connected {
        /// Where media go.
        path: Path,
    },
    /// Another pair is nominated.
    Moved {
        /// Where media go from now on.
        path: Path,
    },
    /// A path is forgotten: what comes from there is no longer taken.
    Forgotten {
        /// Which one.
        path: Path,
    },
    /// RFC 7675 §5.1, seen from who only answers: no check for too long.
    Silent,
    /// Checks came again.
    Back,
}

impl IceLite {
    /// An agent that waits for checks. After `silence` without one it reports [`IceEvent::Silent`].
    pub fn new(local: IceCredentials, silence: Duration) -> Self {
        Self {
            local: Local::new(local),
            previous: None,
            remote: None,
            state: State::Checking,
            paths: SmallVec::new(),
            silence,
            events: VecDeque::new(),
        }
    }

    /// What the peer says in its SDP. A lite agent can do without.
    pub fn set_remote(&mut self, remote: IceCredentials) {
        self.remote = Some(remote);
    }

    /// What the peer said.
    pub fn remote(&self) -> Option<&IceCredentials> {
        self.remote.as_ref()
    }

    /// What we say in our SDP.
    pub fn local(&self) -> &IceCredentials {
        &self.local.credentials
    }

    /// What we said before the restart, as long as it is good.
    pub fn previous(&self) -> Option<&IceCredentials> {
        self.previous.as_ref().map(|local| &local.credentials)
    }

    /// RFC 8445 §9 — the peer restarts, and so do we. Media stay on the old path until a new one is
    /// nominated.
    pub fn restart(&mut self, local: IceCredentials, remote: IceCredentials) {
        let old = std::mem::replace(&mut self.local, Local::new(local));
        self.previous = Some(old);
        self.remote = Some(remote);
        for admitted in &mut self.paths {
            admitted.nominated = None;
        }
    }

    /// RFC 8445 §7.3 — a STUN message in the first `length` bytes of a buffer; the reply is written
    /// over it. A buffer of a datagram's size always has room.
    pub fn handle_message(
        &mut self,
        now: Instant,
        path: Path,
        buffer: &mut [u8],
        length: usize,
    ) -> Checked {
        let previous = self.previous.as_ref();
        match check(&self.local, previous, path.remote, buffer, length) {
            Ok(good) => {
                self.admit(now, path, good);
                Checked::Admitted { reply: good.reply }
            }
            Err(checked) => checked,
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Connected { .. } => self.last_check().map(|last| last + self.silence),
            State::Checking | State::Silent { .. } => None,
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let State::Connected { selected } = self.state
            && self.poll_timeout().is_some_and(|due| due <= now)
        {
            self.state = State::Silent { selected };
            self.events.push_back(IceEvent::Silent);
        }
    }

    /// What happened, one at a time.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<IceEvent> {
        self.events.pop_front()
    }

    /// Where to send to: nowhere before a nomination, and nowhere while the peer is silent.
    pub fn selected(&self) -> Option<Path> {
        match self.state {
            State::Connected { selected } => Some(selected),
            State::Checking | State::Silent { .. } => None,
        }
    }

    /// Whether a good check came over this path.
    pub fn is_admitted(&self, path: Path) -> bool {
        self.paths.iter().any(|admitted| admitted.path == path)
    }

    /// All paths over which good checks came.
    pub fn paths(&self) -> impl Iterator<Item = Path> + '_ {
        self.paths.iter().map(|admitted| admitted.path)
    }

    /// Another peer has this path now.
    pub fn forget(&mut self, path: Path) {
        self.paths.retain(|admitted| admitted.path != path);
        match self.state {
            State::Connected { selected } | State::Silent { selected } if selected == path => {
                self.state = State::Checking;
            }
            _ => {}
        }
    }

    /// When the last good check came, over any path.
    pub fn last_check(&self) -> Option<Instant> {
        self.paths.iter().map(|admitted| admitted.last_check).max()
    }

    fn admit(&mut self, now: Instant, path: Path, good: Good) {
        if !good.previous {
            self.previous = None;
        }
        let at = if let Some(at) = self.paths.iter().position(|a| a.path == path) {
            at
        } else {
            self.make_room();
            self.paths.push(Admitted {
                path,
                priority: good.priority,
                last_check: now,
                nominated: None,
            });
            self.paths.len() - 1
        };
        let admitted = &mut self.paths[at];
        admitted.priority = good.priority;
        admitted.last_check = now;
        if let State::Silent { selected } = self.state {
            self.state = State::Connected { selected };
            self.events.push_back(IceEvent::Back);
        }
        if good.nominated {
            self.paths[at].nominated = Some(now);
            self.nominate(now, at);
        }
    }

    /// RFC 8445 §7.3.1.5 — the peer nominates. Of several that it nominates at once (RFC 5245
    /// §8.1.1.2, and browsers before regular nomination) the highest priority wins.
    fn nominate(&mut self, now: Instant, at: usize) {
        let (path, priority) = (self.paths[at].path, self.paths[at].priority);
        match self.state {
            State::Checking => {
                self.state = State::Connected { selected: path };
                self.events.push_back(IceEvent::Connected { path });
            }
            State::Connected { selected } | State::Silent { selected } if selected == path => {}
            State::Connected { selected } | State::Silent { selected } => {
                let holds = self.paths.iter().any(|other| {
                    other.path == selected
                        && other.priority > priority
                        && other.nominated.is_some_and(|then| now < then + NOMINATION)
                });
                if !holds {
                    self.state = State::Connected { selected: path };
                    self.events.push_back(IceEvent::Moved { path });
                }
            }
        }
    }

    fn make_room(&mut self) {
        if self.paths.len() < MAX_PATHS {
            return;
        }
        // Also while the peer is silent: when it is back, media go on where they were.
        let selected = match self.state {
            State::Checking => None,
            State::Connected { selected } | State::Silent { selected } => Some(selected),
        };
        let oldest = self
            .paths
            .iter()
            .enumerate()
            .filter(|(_, admitted)| Some(admitted.path) != selected)
            .min_by_key(|(_, admitted)| admitted.last_check)
            .map(|(at, _)| at);
        if let Some(at) = oldest {
            let path = self.paths.remove(at).path;
            self.events.push_back(IceEvent::Forgotten { path });
        }
    }
}
