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
    /// Its number, as whoever sends PRACK knows it.
    pub(crate) rseq: u32,
    /// The number that its sender gave it; none when the edge made it reliable.
    pub(crate) theirs: Option<u32>,
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
    /// The INVITE whose offer was answered in a reliable response, as whoever asked has seen it (RFC 3262 §5).
    pub(crate) settled: Option<ServerTransactionId>,
    /// The INVITE whose offer it has answered reliably.
    pub(crate) answered: Option<ServerTransactionId>,
    /// The INVITE whose answer came reliably and could not be served: a 2xx without SDP has none then.
    pub(crate) unserved: Option<ServerTransactionId>,
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

    /// RFC 3262 §4 — a reliable response to this INVITE came: the number that it goes on with, if it did not come before.
    /// It is the sender's own, unless the edge has put one of its own before it.
    pub(crate) fn note_reliable(
        &mut self,
        server: ServerTransactionId,
        invite: u32,
        theirs: u32,
    ) -> Option<u32> {
        let of_invite = || self.reliable.iter().filter(|one| one.server == server);
        if of_invite().filter_map(|one| one.theirs).max() >= Some(theirs) {
            return None;
        }
        let moved = of_invite().any(|one| one.theirs != Some(one.rseq));
        let last = of_invite().map(|one| one.rseq).max();
        let rseq = match last.filter(|_| moved) {
            Some(last) => last.saturating_add(1),
            None => theirs,
        };
        self.add_reliable(server, invite, rseq, Some(theirs));
        Some(rseq)
    }

    /// RFC 3262 §3 — the edge makes a response to this INVITE reliable: its number.
    pub(crate) fn promise(&mut self, server: ServerTransactionId, invite: u32) -> u32 {
        let of_invite = self.reliable.iter().filter(|one| one.server == server);
        let last = of_invite.map(|one| one.rseq).max();
        let rseq = last.map_or(1, |last| last.saturating_add(1));
        self.add_reliable(server, invite, rseq, None);
        rseq
    }

    fn add_reliable(
        &mut self,
        server: ServerTransactionId,
        invite: u32,
        rseq: u32,
        theirs: Option<u32>,
    ) {
        // Those of an earlier INVITE are over.
        self.reliable.retain(|one| one.server == server);
        if self.reliable.len() == MOST_RELIABLE {
            self.reliable.remove(0);
        }
        self.reliable.push(Reliable {
            server,
            invite,
            rseq,
            theirs,
            acknowledged: false,
        });
    }

    /// RFC 3262 §3 — the response that a PRACK is for; none when it was acknowledged or never was.
    pub(crate) fn acknowledge(&mut self, prack: &RAck) -> Option<&Reliable> {
        let found = self.reliable.iter_mut().find(|one| {
            one.rseq == prack.rseq && one.invite == prack.cseq.number && !one.acknowledged
        })?;
        found.acknowledged = true;
        Some(found)
    }

    /// What the sender of a reliable response calls it.
    pub(crate) fn theirs(&self, prack: &RAck) -> u32 {
        let found = self
            .reliable
            .iter()
            .find(|one| one.rseq == prack.rseq && one.invite == prack.cseq.number);
        found.and_then(|one| one.theirs).unwrap_or(prack.rseq)
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
            settled: None,
            answered: None,
            unserved: None,
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

    /// Of an INVITE that came.
    fn server() -> ServerTransactionId {
        let config = core_sip::TransactionConfig::new("edge.example");
        let mut transactions = core_sip::Transactions::new(config, [0; 32]);
        let source = core_sip::Source {
            transport: core_sip::Transport::Udp,
            local: "192.0.2.1:5060".parse().unwrap(),
            remote: "192.0.2.2:5060".parse().unwrap(),
            connection: None,
        };
        let text = "INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n\
             To: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
        let invite = Message::parse(text.into()).unwrap();
        let now = testbed::Clock::new().now();
        transactions.handle_message(now, source, invite);
        let Some(core_sip::Output::Request { id, .. }) = transactions.poll_output() else {
            panic!("the INVITE is a request");
        };
        id
    }

    #[test]
    fn a_reliable_response_behind_one_of_the_edges_own_is_moved() {
        let server = server();
        let mut dialog = dialog("a");
        assert_eq!(dialog.note_reliable(server, 1, 9), Some(9));
        assert_eq!(dialog.note_reliable(server, 1, 9), None, "it came again");
        assert_eq!(dialog.promise(server, 1), 10);
        assert_eq!(dialog.note_reliable(server, 1, 10), Some(11));
        let rack = |text: &str| <RAck as wire_sip::header::TypedHeader>::parse(text).unwrap();
        assert_eq!(dialog.theirs(&rack("11 1 INVITE")), 10);
        assert_eq!(
            dialog.acknowledge(&rack("10 1 INVITE")).unwrap().theirs,
            None
        );
        assert_eq!(dialog.acknowledge(&rack("10 1 INVITE")), None);
        assert!(dialog.acknowledge(&rack("11 1 INVITE")).is_some());
    }

    #[test]
    fn forks_are_bounded() {
        let mut dialogs = Dialogs::default();
        let added = (0..100).filter(|n| dialogs.add(dialog(&n.to_string())));
        assert_eq!(added.count(), MOST_DIALOGS);
    }
}
