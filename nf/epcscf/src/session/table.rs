//! All sessions of a shard, found by what every message of theirs has.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use core_iq::ContextId;
use wire_sip::{HeaderName, Message, params};

use super::Session;
use crate::ims_alg::Leg;

/// What names a session: the binding, who began, Call-ID and the tag of whoever began. The last two are the
/// same for all forks, and the same on both halves of a call between two WICs of one shard (or of one
/// WIC with itself), which the first two tell apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey {
    pub(crate) binding: u64,
    pub(crate) initiator: Leg,
    pub(crate) call_id: String,
    pub(crate) tag: String,
}

impl SessionKey {
    /// Of the request that begins a session.
    pub(crate) fn of_initial(binding: u64, initiator: Leg, request: &Message) -> Self {
        Self {
            binding,
            initiator,
            call_id: request
                .header(HeaderName::CallId)
                .unwrap_or_default()
                .to_owned(),
            tag: tag(request, HeaderName::From),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_id: HashMap<u64, Box<Session>>,
    by_key: HashMap<Arc<SessionKey>, u64>,
    by_context: HashMap<ContextId, u64>,
    next: u64,
    /// Those that we ended ourselves a moment ago: a BYE of theirs may be under way.
    released: VecDeque<(Instant, Arc<SessionKey>)>,
}

/// As long as a BYE may be under way (RFC 3261 §17.1.2.2, Timer F of the core).
const CROSSING: Duration = Duration::from_secs(32);
/// More than so many are not remembered; what crosses then is answered 481, as is anything unknown.
const MOST_RELEASED: usize = 4096;

impl Sessions {
    pub(crate) fn insert(&mut self, session: Session) -> u64 {
        let id = self.next;
        self.next += 1;
        self.by_key.insert(session.key.clone(), id);
        self.by_id.insert(id, Box::new(session));
        id
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Session> {
        self.by_id.get(&id).map(|session| &**session)
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Session> {
        self.by_id.get_mut(&id).map(|session| &mut **session)
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<Session> {
        let session = self.by_id.remove(&id)?;
        if self.by_key.get(&session.key) == Some(&id) {
            self.by_key.remove(&session.key);
        }
        if let Some(context) = session.negotiation.context() {
            self.by_context.remove(&context);
        }
        Some(*session)
    }

    /// We ended this one ourselves.
    pub(crate) fn note_released(&mut self, now: Instant, id: u64) {
        while let Some((at, _)) = self.released.front()
            && (*at + CROSSING <= now || self.released.len() >= MOST_RELEASED)
        {
            self.released.pop_front();
        }
        if let Some(session) = self.by_id.get(&id) {
            self.released.push_back((now, session.key.clone()));
        }
    }

    /// Whether a request crossed a BYE of our own.
    pub(crate) fn was_released(
        &self,
        now: Instant,
        binding: u64,
        from: Leg,
        message: &Message,
    ) -> bool {
        let call_id = message.header(HeaderName::CallId).unwrap_or_default();
        let names = [(HeaderName::From, from), (HeaderName::To, from.other())];
        self.released.iter().any(|(at, key)| {
            *at + CROSSING > now
                && key.binding == binding
                && key.call_id == call_id
                && names
                    .iter()
                    .any(|(name, by)| key.initiator == *by && key.tag == tag(message, *name))
        })
    }

    /// The session of a request in a dialog that came from this side: its own tag is the first one
    /// when it began, the other side's when that did.
    pub(crate) fn find(&self, binding: u64, from: Leg, message: &Message) -> Option<u64> {
        let call_id = message.header(HeaderName::CallId).unwrap_or_default();
        [(HeaderName::From, from), (HeaderName::To, from.other())]
            .into_iter()
            .find_map(|(name, initiator)| {
                let key = SessionKey {
                    binding,
                    initiator,
                    call_id: call_id.to_owned(),
                    tag: tag(message, name),
                };
                self.by_key.get(&key).copied()
            })
    }

    pub(crate) fn contains(&self, key: &SessionKey) -> bool {
        self.by_key.contains_key(key)
    }

    /// The gateway has answered: a session may have its Context now.
    pub(crate) fn note_context(&mut self, id: u64) {
        let session = self.by_id.get(&id);
        if let Some(context) = session.and_then(|session| session.negotiation.context()) {
            self.by_context.insert(context, id);
        }
    }

    pub(crate) fn by_context(&self, context: ContextId) -> Option<u64> {
        self.by_context.get(&context).copied()
    }

    /// Those whose media this worker of the gateway carried.
    pub(crate) fn of_worker(&self, worker: u16) -> Vec<u64> {
        let of_it = self.by_context.iter();
        let of_it = of_it.filter(|(context, _)| context.worker() == worker);
        of_it.map(|(_, id)| *id).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn ids(&self) -> Vec<u64> {
        self.by_id.keys().copied().collect()
    }
}

fn tag(message: &Message, name: HeaderName) -> String {
    let value = message.header(name).unwrap_or_default();
    params::find(value, "tag").unwrap_or_default().to_owned()
}
