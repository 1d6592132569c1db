//! The dialogs of one call: one for each fork that has shown itself, of which one is confirmed.

use bytes::Bytes;
use core_sip::ServerTransactionId;
use core_sip::address::uri_of;
use smallvec::SmallVec;
use wire_sip::header::RAck;
use wire_sip::{HeaderName, Message};

use super::Numbering;
use crate::ims_alg::Leg;

/// Forks of a call that are told apart; what more there are is not let in.
const MOST_DIALOGS: usize = 8;
/// Reliable provisional responses of a dialog that wait for their PRACK.
const MOST_RELIABLE: usize = 4;

/// One side of a call, as the other side addresses it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Party {
    /// Its From or To value, tag included.
    pub(crate) address: Box<str>,
    /// Its Contact value.
    pub(crate) contact: Box<str>,
    /// Route towards it from here.
    pub(crate) route: SmallVec<[Box<str>; 1]>,
    /// RFC 3311 §4: it takes UPDATE.
    pub(crate) updates: bool,
}

impl Party {
    /// The URI of its Contact.
    pub(crate) fn target(&self) -> Option<&str> {
        uri_of(&self.contact)
    }

    /// A target refresh (RFC 3261 §12.2.1.2, §12.2.2).
    pub(crate) fn refresh(&mut self, message: &Message) {
        if let Some(contact) = message.values(HeaderName::Contact).next() {
            self.contact = contact.into();
        }
        if message.has(HeaderName::Allow) {
            self.updates = message.lists(HeaderName::Allow, "UPDATE");
        }
    }
}

/// How far a dialog is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Provisional responses made it.
    Early,
    /// A 2xx did.
    Confirmed,
    /// Another fork was confirmed.
    Released,
}

/// A provisional response that wants its PRACK (RFC 3262 §4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reliable {
    pub(crate) server: ServerTransactionId,
    /// The CSeq of its INVITE, as whoever sends PRACK knows it.
    pub(crate) invite: u32,
    pub(crate) rseq: u32,
    pub(crate) acknowledged: bool,
}

/// One dialog, named by the tag of whoever was called.
#[derive(Debug)]
pub(crate) struct Dialog {
    pub(crate) tag: Box<str>,
    pub(crate) stage: Stage,
    pub(crate) wic: Party,
    pub(crate) core: Party,
    /// Requests of the WIC's.
    pub(crate) from_wic: Numbering,
    /// Requests of the core's.
    pub(crate) from_core: Numbering,
    pub(crate) reliable: SmallVec<[Reliable; 1]>,
    /// What this fork answered in a reliable response, while none is confirmed.
    pub(crate) answer: Option<Bytes>,
}

impl Dialog {
    pub(crate) fn party(&self, leg: Leg) -> &Party {
        match leg {
            Leg::Wic => &self.wic,
            Leg::Core => &self.core,
        }
    }

    pub(crate) fn party_mut(&mut self, leg: Leg) -> &mut Party {
        match leg {
            Leg::Wic => &mut self.wic,
            Leg::Core => &mut self.core,
        }
    }

    /// The numbers of what this side sends.
    pub(crate) fn numbering(&mut self, from: Leg) -> &mut Numbering {
        match from {
            Leg::Wic => &mut self.from_wic,
            Leg::Core => &mut self.from_core,
        }
    }

    /// RFC 3262 §4 — a reliable response of this INVITE: whether it is one that did not come before.
    pub(crate) fn note_reliable(
        &mut self,
        server: ServerTransactionId,
        invite: u32,
        rseq: u32,
    ) -> bool {
        let of_invite = self.reliable.iter().filter(|one| one.server == server);
        if of_invite.map(|one| one.rseq).max() >= Some(rseq) {
            return false;
        }
        // Those of an earlier INVITE are over.
        self.reliable.retain(|one| one.server == server);
        if self.reliable.len() == MOST_RELIABLE {
            self.reliable.remove(0);
        }
        self.reliable.push(Reliable {
            server,
            invite,
            rseq,
            acknowledged: false,
        });
        true
    }

    /// RFC 3262 §3 — the response that a PRACK is for; none when it was acknowledged or never was.
    pub(crate) fn acknowledge(&mut self, prack: &RAck) -> Option<ServerTransactionId> {
        let found = self.reliable.iter_mut().find(|one| {
            one.rseq == prack.rseq && one.invite == prack.cseq.number && !one.acknowledged
        })?;
        found.acknowledged = true;
        Some(found.server)
    }
}

/// All dialogs of a call.
#[derive(Debug, Default)]
pub(crate) struct Dialogs(SmallVec<[Box<Dialog>; 1]>);

impl Dialogs {
    pub(crate) fn get(&self, tag: &str) -> Option<&Dialog> {
        self.0.iter().find(|one| &*one.tag == tag).map(|one| &**one)
    }

    pub(crate) fn get_mut(&mut self, tag: &str) -> Option<&mut Dialog> {
        self.0
            .iter_mut()
            .find(|one| &*one.tag == tag)
            .map(|one| &mut **one)
    }

    /// The confirmed one; before there is one, that which showed itself last.
    pub(crate) fn current(&self) -> Option<&Dialog> {
        let confirmed = self.0.iter().find(|one| one.stage == Stage::Confirmed);
        confirmed.or(self.0.last()).map(|one| &**one)
    }

    pub(crate) fn current_mut(&mut self) -> Option<&mut Dialog> {
        let at = self.0.iter().position(|one| one.stage == Stage::Confirmed);
        let at = at.or(self.0.len().checked_sub(1))?;
        self.0.get_mut(at).map(|one| &mut **one)
    }

    /// A dialog that was not there; `false` when there are too many.
    pub(crate) fn add(&mut self, dialog: Dialog) -> bool {
        if self.0.len() == MOST_DIALOGS {
            return false;
        }
        self.0.push(Box::new(dialog));
        true
    }

    /// RFC 3261 §13.2.2.4 — a 2xx came: this one stays, the others go.
    pub(crate) fn confirm(&mut self, tag: &str) {
        for one in &mut self.0 {
            one.answer = None;
            one.stage = if &*one.tag == tag {
                Stage::Confirmed
            } else {
                Stage::Released
            };
        }
    }

    /// The next number towards whoever was called, in each.
    pub(crate) fn next_numbers(&mut self, caller: Leg) -> SmallVec<[(Box<str>, u32); 1]> {
        let dialogs = self.0.iter_mut();
        dialogs
            .map(|one| (one.tag.clone(), one.numbering(caller).own()))
            .collect()
    }

    /// Only the confirmed one is left.
    pub(crate) fn forget_released(&mut self) {
        self.0.retain(|one| one.stage != Stage::Released);
        self.0.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialog(tag: &str) -> Dialog {
        Dialog {
            tag: tag.into(),
            stage: Stage::Early,
            wic: Party::default(),
            core: Party::default(),
            from_wic: Numbering::default(),
            from_core: Numbering::default(),
            reliable: SmallVec::new(),
            answer: None,
        }
    }

    #[test]
    fn the_confirmed_fork_is_the_current_one() {
        let mut dialogs = Dialogs::default();
        for tag in ["a", "b", "c"] {
            assert!(dialogs.add(dialog(tag)));
        }
        assert_eq!(dialogs.current().map(|d| &*d.tag), Some("c"));
        dialogs.confirm("b");
        assert_eq!(dialogs.current().map(|d| &*d.tag), Some("b"));
        assert_eq!(dialogs.get("a").map(|d| d.stage), Some(Stage::Released));
        dialogs.forget_released();
        assert!(dialogs.get("a").is_none() && dialogs.get("b").is_some());
    }

    #[test]
    fn forks_are_bounded() {
        let mut dialogs = Dialogs::default();
        let added = (0..100).filter(|n| dialogs.add(dialog(&n.to_string())));
        assert_eq!(added.count(), MOST_DIALOGS);
    }
}
