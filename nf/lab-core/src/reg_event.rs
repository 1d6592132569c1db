//! The reg event package: RFC 3680 over RFC 6665, TS 24.229 §5.4.2.1.
//!
//! The NOTIFY that answers a SUBSCRIBE carries the full state, the others what has changed. One is under
//! way at a time: what changes meanwhile is told when its answer has come. Contacts that have GRUUs are
//! told with them (RFC 5628).

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use core_sip::{
    ClientTransactionId, ServerTransactionId, Source, Transport,
    dialog::{Dialog, DialogId},
    proxy::Refusal,
    reply,
};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::{LabCore, location::Change, reginfo::Document, users::UserId};

/// RFC 3680 §4.4: the default is as long as a registration usually is.
const DEFAULT_EXPIRES: Duration = Duration::from_secs(3761);
const MAX_EXPIRES: Duration = Duration::from_mins(10_000);
/// Watchers of one subscriber: its phones, their P-CSCFs, and somebody who looks on.
const MOST_WATCHERS: usize = 32;

/// Somebody who watches a registration.
#[derive(Debug)]
struct Subscription {
    user: UserId,
    dialog: Dialog,
    /// Ours in it.
    contact: String,
    /// Where a phone subscribed from that has no P-CSCF.
    phone: Option<Source>,
    expires: Instant,
    version: u32,
    /// The NOTIFY under way.
    under_way: bool,
    /// There is something to tell.
    pending: bool,
    /// And it is everything.
    full: bool,
    /// What changed since the last NOTIFY.
    changes: Vec<Change>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Active,
    /// The last NOTIFY is still to be sent, with this reason.
    Ending(&'static str),
    /// It was sent.
    Ended,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    list: HashMap<u64, Subscription>,
    by_dialog: HashMap<DialogId, u64>,
    by_user: HashMap<UserId, Vec<u64>>,
    expiries: BTreeSet<(Instant, u64)>,
    next: u64,
}

impl Subscriptions {
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.expiries.first().map(|first| first.0)
    }

    fn remove(&mut self, id: u64) {
        if let Some(gone) = self.list.remove(&id) {
            self.by_dialog.remove(gone.dialog.id());
            self.expiries.remove(&(gone.expires, id));
            if let Some(of_user) = self.by_user.get_mut(&gone.user) {
                of_user.retain(|other| *other != id);
            }
        }
    }
}

impl LabCore {
    /// RFC 6665 §4.2.1: somebody wants to watch `user`.
    pub(crate) fn accept_subscription(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        source: Source,
        user: UserId,
        request: &Message,
    ) -> Result<(), Refusal> {
        let expires = expires(request)?;
        let watchers = self.subscriptions.by_user.get(&user).map_or(0, Vec::len);
        if watchers >= MOST_WATCHERS {
            return Err(
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE).with(HeaderName::RetryAfter, "60")
            );
        }
        let tag = self.random.tag();
        let contact = self.contact(&source);
        let response = subscribed(request, &contact, &tag, expires);
        let dialog = Dialog::from_request(request, &response)
            .ok_or(Refusal::new(StatusCode::BAD_REQUEST))?;
        let phone = !self.is_trusted(&source, request) && dialog.route_set().is_empty();
        let subscription = self.subscriptions.next;
        self.subscriptions.next += 1;
        let until = now + expires;
        self.subscriptions
            .by_dialog
            .insert(dialog.id().clone(), subscription);
        self.subscriptions
            .by_user
            .entry(user)
            .or_default()
            .push(subscription);
        self.subscriptions.expiries.insert((until, subscription));
        let state = if expires.is_zero() {
            State::Ending("timeout")
        } else {
            State::Active
        };
        self.subscriptions.list.insert(
            subscription,
            Subscription {
                user,
                dialog,
                contact,
                phone: phone.then_some(source),
                expires: until,
                version: 0,
                under_way: false,
                pending: true,
                full: true,
                changes: Vec::new(),
                state,
            },
        );
        self.transactions.respond(now, id, response);
        self.notify(now, subscription);
        Ok(())
    }

    /// RFC 6665 §4.2.1.4: true if this SUBSCRIBE was for us.
    pub(crate) fn refresh_subscription(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        request: &Message,
    ) -> Result<bool, Refusal> {
        let dialog = DialogId::of_request(request);
        let found = dialog.and_then(|dialog| self.subscriptions.by_dialog.get(&dialog).copied());
        let Some(subscription) = found else {
            return Ok(false);
        };
        let expires = expires(request)?;
        let Some(found) = self.subscriptions.list.get_mut(&subscription) else {
            return Ok(false);
        };
        found.dialog.handle_request(request).map_err(Refusal::new)?;
        self.subscriptions
            .expiries
            .remove(&(found.expires, subscription));
        found.expires = now + expires;
        self.subscriptions
            .expiries
            .insert((found.expires, subscription));
        (found.pending, found.full) = (true, true);
        if expires.is_zero() {
            found.state = State::Ending("timeout");
        }
        let tag = found.dialog.id().local_tag.clone();
        let response = subscribed(request, &found.contact, &tag, expires);
        self.transactions.respond(now, id, response);
        self.notify(now, subscription);
        Ok(true)
    }

    pub(crate) fn expire_subscriptions(&mut self, now: Instant) {
        while let Some(&(at, subscription)) = self.subscriptions.expiries.first() {
            if at > now {
                break;
            }
            self.subscriptions.expiries.pop_first();
            if let Some(found) = self.subscriptions.list.get_mut(&subscription)
                && found.state == State::Active
            {
                found.state = State::Ending("timeout");
                (found.pending, found.full) = (true, true);
                self.notify(now, subscription);
            }
        }
    }

    /// Contacts changed: whoever watches is told.
    pub(crate) fn report(&mut self, now: Instant, changes: Vec<Change>) {
        let mut told = Vec::new();
        for change in changes {
            let watchers = self.subscriptions.by_user.get(&change.user);
            for subscription in watchers.into_iter().flatten() {
                if let Some(found) = self.subscriptions.list.get_mut(subscription) {
                    found.pending = true;
                    found
                        .changes
                        .retain(|old| old.contact.id != change.contact.id);
                    found.changes.push(change.clone());
                    if !told.contains(subscription) {
                        told.push(*subscription);
                    }
                }
            }
        }
        for subscription in told {
            self.notify(now, subscription);
        }
    }

    /// A NOTIFY is under way.
    pub(crate) fn notifying(&mut self, subscription: u64, _id: ClientTransactionId) {
        if let Some(found) = self.subscriptions.list.get_mut(&subscription) {
            found.under_way = true;
        }
    }

    /// RFC 6665 §4.2.2: the answer to a NOTIFY. A watcher who is not there watches no longer.
    pub(crate) fn notified(&mut self, now: Instant, subscription: u64, status: StatusCode) {
        let Some(found) = self.subscriptions.list.get_mut(&subscription) else {
            return;
        };
        found.under_way = false;
        if !status.is_success() || found.state == State::Ended {
            self.subscriptions.remove(subscription);
            return;
        }
        self.notify(now, subscription);
    }

    fn contact(&self, source: &Source) -> String {
        match source.transport {
            Transport::Tls => {
                let address = self.config.sent_by(Transport::Tls);
                format!("<sip:{address};transport=tls>")
            }
            _ => format!("<sip:{}>", self.config.address),
        }
    }

    fn notify(&mut self, now: Instant, subscription: u64) {
        let Some(found) = self.subscriptions.list.get_mut(&subscription) else {
            return;
        };
        if found.under_way || !found.pending || found.state == State::Ended {
            return;
        }
        found.pending = false;
        let mut notify = found.dialog.request(Method::Notify);
        let left = found.expires.saturating_duration_since(now).as_secs();
        let state = match found.state {
            State::Ending(reason) => {
                found.state = State::Ended;
                format!("terminated;reason={reason}")
            }
            State::Active | State::Ended => format!("active;expires={left}"),
        };
        let user = self.users.get(found.user);
        let document = Document {
            now,
            config: &self.config,
            user,
            contacts: self.locations.of(found.user),
            changes: &std::mem::take(&mut found.changes),
            full: std::mem::take(&mut found.full),
        };
        let body = document.write(found.version);
        found.version += 1;
        found.under_way = true;
        let (phone, next) = (found.phone, found.dialog.next_hop().to_owned());
        notify.push_back(HeaderName::Contact, &found.contact);
        notify.push_back(HeaderName::Event, "reg");
        notify.push_back(HeaderName::SubscriptionState, state);
        notify.set_body(Some("application/reginfo+xml"), body.into_bytes());
        self.counters.notifications += 1;
        self.send_notify(now, subscription, phone, &next, notify);
    }
}

fn subscribed(request: &Message, contact: &str, tag: &str, expires: Duration) -> Message {
    let mut response = reply(request, StatusCode::OK, tag);
    response.push_back(HeaderName::Contact, contact);
    response.push_back(HeaderName::Expires, expires.as_secs());
    response
}

fn expires(request: &Message) -> Result<Duration, Refusal> {
    let Some(text) = request.header(HeaderName::Expires) else {
        return Ok(DEFAULT_EXPIRES);
    };
    let seconds: Result<u64, _> = text.trim().parse();
    let seconds = seconds.map_err(|_| Refusal::new(StatusCode::BAD_REQUEST))?;
    Ok(Duration::from_secs(seconds).min(MAX_EXPIRES))
}
