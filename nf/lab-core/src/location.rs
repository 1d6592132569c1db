//! Where the subscribers are: their registered contacts (RFC 3261 §10, RFC 3327, RFC 5626).

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use core_sip::{ConnectionId, Source};

use crate::users::UserId;

/// Temporary GRUUs of one contact that are known at a time.
const MOST_GRUUS: usize = 16;

/// One registered contact.
#[derive(Debug, Clone)]
pub(crate) struct Contact {
    /// Its number, for reg event.
    pub(crate) id: u64,
    pub(crate) uri: String,
    /// Header parameters but `expires`, as the contact wrote them, each with its semicolon.
    pub(crate) params: String,
    /// RFC 5626 §6: `+sip.instance` and `reg-id`.
    pub(crate) outbound: Option<(String, u32)>,
    /// `+sip.instance`, without its quotes.
    pub(crate) instance: Option<String>,
    /// RFC 5627 §5.1: the temporary GRUUs that lead here, the newest last; none when it asked for none.
    pub(crate) gruus: Vec<String>,
    /// RFC 3327: the route to it, first hop first. Without one it is at `source`.
    pub(crate) path: Vec<String>,
    pub(crate) source: Source,
    pub(crate) call_id: String,
    pub(crate) cseq: u32,
    /// RFC 5628 §5.1: the number of the REGISTER that got the oldest of `gruus`.
    pub(crate) first_cseq: u32,
    pub(crate) expires: Instant,
}

/// Why a contact is in a notification (RFC 3680 §5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContactEvent {
    Registered,
    Refreshed,
    Shortened,
    Expired,
    Unregistered,
    Deactivated,
    /// It may come again after so long.
    Probation(Duration),
    Rejected,
}

/// Something changed about a contact.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) user: UserId,
    pub(crate) contact: Contact,
    pub(crate) event: ContactEvent,
}

/// The contacts of all subscribers.
#[derive(Debug)]
pub(crate) struct Locations {
    contacts: Vec<Vec<Contact>>,
    expiries: BTreeSet<(Instant, UserId, u64)>,
    /// Contacts without a path, by URI: requests within a dialog go to where they registered from.
    direct: HashMap<String, Source>,
    next_id: u64,
}

impl Locations {
    pub(crate) fn new(users: usize) -> Self {
        Self {
            contacts: vec![Vec::new(); users],
            expiries: BTreeSet::new(),
            direct: HashMap::new(),
            next_id: 1,
        }
    }

    pub(crate) fn of(&self, user: UserId) -> &[Contact] {
        self.contacts.get(user).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn is_registered(&self, user: UserId) -> bool {
        !self.of(user).is_empty()
    }

    /// The contact that a REGISTER with this contact updates: RFC 5626 §6 by instance and reg-id,
    /// else RFC 3261 §10.3 by URI.
    pub(crate) fn find(
        &self,
        user: UserId,
        uri: &str,
        outbound: Option<&(String, u32)>,
    ) -> Option<&Contact> {
        self.of(user).iter().find(|contact| match outbound {
            Some(outbound) => contact.outbound.as_ref() == Some(outbound),
            None => contact.outbound.is_none() && contact.uri == uri,
        })
    }

    /// Adds or updates; the oldest contact makes room when there are too many.
    pub(crate) fn store(&mut self, user: UserId, mut contact: Contact, most: usize) -> Vec<Change> {
        let mut changes = Vec::new();
        let old = self.find(user, &contact.uri, contact.outbound.as_ref());
        let old = old.map(|old| (old.id, old.expires));
        let event = if let Some((id, expires)) = old {
            // RFC 5627 §5.2: those of before stay good, unless the WIC began anew.
            if let Some(old) = self.take(user, id)
                && old.call_id == contact.call_id
                && !contact.gruus.is_empty()
            {
                contact.first_cseq = old.first_cseq;
                let newest = std::mem::replace(&mut contact.gruus, old.gruus);
                contact.gruus.extend(newest);
                let most = contact.gruus.len().saturating_sub(MOST_GRUUS);
                contact.gruus.drain(..most);
            }
            contact.id = id;
            if contact.expires < expires {
                ContactEvent::Shortened
            } else {
                ContactEvent::Refreshed
            }
        } else {
            contact.id = self.next_id;
            self.next_id += 1;
            ContactEvent::Registered
        };
        if self.of(user).len() >= most
            && let Some(oldest) = self.of(user).first().map(|contact| contact.id)
        {
            changes.extend(self.remove(user, oldest, ContactEvent::Deactivated));
        }
        self.expiries.insert((contact.expires, user, contact.id));
        if contact.path.is_empty() {
            self.direct.insert(contact.uri.clone(), contact.source);
        }
        self.contacts[user].push(contact.clone());
        changes.push(Change {
            user,
            contact,
            event,
        });
        changes
    }

    pub(crate) fn remove(&mut self, user: UserId, id: u64, event: ContactEvent) -> Option<Change> {
        let contact = self.take(user, id)?;
        Some(Change {
            user,
            contact,
            event,
        })
    }

    /// The contact ends at `until`, unless it ends sooner anyway.
    pub(crate) fn shorten(&mut self, user: UserId, id: u64, until: Instant) -> Option<Change> {
        let contacts = self.contacts.get_mut(user)?;
        let contact = contacts.iter_mut().find(|contact| contact.id == id)?;
        if contact.expires <= until {
            return None;
        }
        self.expiries.remove(&(contact.expires, user, id));
        contact.expires = until;
        self.expiries.insert((until, user, id));
        Some(Change {
            user,
            contact: contact.clone(),
            event: ContactEvent::Shortened,
        })
    }

    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Change> {
        let mut changes = Vec::new();
        while let Some(&(at, user, id)) = self.expiries.first() {
            if at > now {
                break;
            }
            match self.remove(user, id, ContactEvent::Expired) {
                Some(change) => changes.push(change),
                None => {
                    self.expiries.pop_first();
                }
            }
        }
        changes
    }

    /// RFC 5627 §5.3: whose contact a temporary GRUU is.
    pub(crate) fn of_gruu(&self, gruu: &str) -> Option<UserId> {
        let is_it = |contact: &Contact| contact.gruus.iter().any(|own| own == gruu);
        self.contacts
            .iter()
            .position(|contacts| contacts.iter().any(is_it))
    }

    /// Where the phone is that registered this contact by itself.
    pub(crate) fn direct(&self, uri: &str) -> Option<&Source> {
        self.direct.get(uri)
    }

    /// The subscriber who registered from there, by himself.
    pub(crate) fn at(&self, source: &Source) -> Option<UserId> {
        self.contacts
            .iter()
            .position(|contacts| contacts.iter().any(|contact| contact.is_at(source)))
    }

    /// A connection is gone: what registered over it is found by its address, if at all.
    pub(crate) fn forget_connection(&mut self, connection: ConnectionId) {
        let sources = self.contacts.iter_mut().flatten().map(|c| &mut c.source);
        for source in sources.chain(self.direct.values_mut()) {
            if source.connection == Some(connection) {
                source.connection = None;
            }
        }
    }

    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.expiries.first().map(|first| first.0)
    }

    fn take(&mut self, user: UserId, id: u64) -> Option<Contact> {
        let contacts = self.contacts.get_mut(user)?;
        let at = contacts.iter().position(|contact| contact.id == id)?;
        let contact = contacts.remove(at);
        self.expiries.remove(&(contact.expires, user, id));
        self.direct.remove(&contact.uri);
        Some(contact)
    }
}

impl Contact {
    /// Whole seconds that are left, rounded up so that a fresh one has all it was given.
    pub(crate) fn seconds_left(&self, now: Instant) -> u64 {
        let left = self.expires.saturating_duration_since(now);
        left.as_secs() + u64::from(left > Duration::from_secs(left.as_secs()))
    }

    /// Whether a message from `source` is from here.
    pub(crate) fn is_at(&self, source: &Source) -> bool {
        self.path.is_empty()
            && (self.source.remote == source.remote
                || source.connection.is_some() && self.source.connection == source.connection)
    }

    /// RFC 3261 §10.3 item 8, as in the 200 to REGISTER.
    pub(crate) fn value(&self, now: Instant) -> String {
        let Self { uri, params, .. } = self;
        format!("<{uri}>{params};expires={}", self.seconds_left(now))
    }
}

impl ContactEvent {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Refreshed => "refreshed",
            Self::Shortened => "shortened",
            Self::Expired => "expired",
            Self::Unregistered => "unregistered",
            Self::Deactivated => "deactivated",
            Self::Probation(_) => "probation",
            Self::Rejected => "rejected",
        }
    }

    pub(crate) fn is_end(self) -> bool {
        !matches!(self, Self::Registered | Self::Refreshed | Self::Shortened)
    }
}
