//! What the network does to a registration of its own accord: an operator's hand in the laboratory.

use std::time::{Duration, Instant};

use crate::{
    LabCore,
    location::{Change, ContactEvent},
    users::UserId,
};

/// How the network ends a registration (RFC 3680 §5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Whoever was registered may come again at once.
    Deactivated,
    /// They may come again after so long.
    Probation(Duration),
    /// They are not to come again by themselves.
    Rejected,
}

impl LabCore {
    /// TS 24.229 §5.4.1.5 — ends what the subscriber with this private identity has registered, and tells
    /// whoever watches. Gives how many contacts there were, `None` if there is no such subscriber.
    pub fn end_registration(&mut self, now: Instant, impi: &str, ending: Ending) -> Option<usize> {
        let event = match ending {
            Ending::Deactivated => ContactEvent::Deactivated,
            Ending::Probation(again) => ContactEvent::Probation(again),
            Ending::Rejected => ContactEvent::Rejected,
        };
        self.change_contacts(now, impi, |core, user, id| {
            core.locations.remove(user, id, event)
        })
    }

    /// TS 24.229 §5.4.1.6 — registrations of this subscriber end within `left` unless they are refreshed,
    /// and whoever watches is told. Gives how many became shorter.
    pub fn shorten_registration(
        &mut self,
        now: Instant,
        impi: &str,
        left: Duration,
    ) -> Option<usize> {
        self.change_contacts(now, impi, |core, user, id| {
            core.locations.shorten(user, id, now + left)
        })
    }

    fn change_contacts(
        &mut self,
        now: Instant,
        impi: &str,
        change: impl Fn(&mut Self, UserId, u64) -> Option<Change>,
    ) -> Option<usize> {
        let user = self.users.by_impi(impi)?;
        let contacts = self.locations.of(user).iter();
        let ids: Vec<u64> = contacts.map(|contact| contact.id).collect();
        let changes: Vec<Change> = ids
            .into_iter()
            .filter_map(|id| change(self, user, id))
            .collect();
        let count = changes.len();
        self.report(now, changes);
        self.settle(now);
        Some(count)
    }
}
