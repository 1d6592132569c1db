//! CSeq across the edge. As long as the edge only passes requests on, a number goes out as it came in.
//! Once it has put a request of its own into a dialog, every later number of that direction is moved:
//!
//! ```text
//!   WIC      1 INVITE   2 UPDATE              3 BYE
//!   edge                          own: 3
//!   core     1 INVITE   2 UPDATE  3 UPDATE    4 BYE
//! ```
//! A response and a CANCEL carry the number of their request on either side, ACK and RAck that of an INVITE.

use smallvec::SmallVec;

/// INVITEs of one direction whose ACK or PRACK may still come.
const MOST_INVITES: usize = 4;

/// The numbers of the requests that one side sends in a dialog (RFC 3261 §12.2.1.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Numbering {
    /// The last number that came.
    arrived: Option<u32>,
    /// The last number that came and was passed on.
    seen: Option<u32>,
    /// The last number that went out, be it the sender's or our own.
    sent: Option<u32>,
    /// What is added to a number that comes.
    offset: u32,
    /// (as it came, as it went out) of the last INVITEs.
    invites: SmallVec<[(u32, u32); 1]>,
}

impl Numbering {
    /// RFC 3261 §12.2.2 — a request came; numbers only go up, whatever becomes of it.
    pub(crate) fn arrive(&mut self, number: u32) -> bool {
        let higher = self.arrived.is_none_or(|last| number > last);
        if higher {
            self.arrived = Some(number);
        }
        higher
    }

    /// A request goes on: the number that it goes on with.
    pub(crate) fn pass(&mut self, number: u32, invite: bool) -> u32 {
        let sent = number.saturating_add(self.offset);
        self.arrived = self.arrived.max(Some(number));
        self.seen = self.seen.max(Some(number));
        self.sent = self.sent.max(Some(sent));
        if invite {
            if self.invites.len() == MOST_INVITES {
                self.invites.remove(0);
            }
            self.invites.push((number, sent));
        }
        sent
    }

    /// A request of our own, in the sender's name.
    pub(crate) fn own(&mut self) -> u32 {
        let number = self.sent.map_or(1, |last| last.saturating_add(1));
        self.sent = Some(number);
        self.offset = match self.seen {
            Some(seen) => number.saturating_sub(seen),
            // RFC 3261 §8.1.1.5: the sender may begin anywhere, with 0 too.
            None => number.saturating_add(1),
        };
        number
    }

    /// The same INVITE goes out once more (RFC 3261 §8.1.3.5); its ACK and RAck are for the last one.
    pub(crate) fn again(&mut self, number: u32) -> u32 {
        let sent = self.own();
        for invite in &mut self.invites {
            if invite.0 == number {
                invite.1 = sent;
            }
        }
        sent
    }

    /// What ACK and RAck call an INVITE on the other side; `None` for one that never was.
    pub(crate) fn of_invite(&self, number: u32) -> Option<u32> {
        let found = self.invites.iter().rev().find(|(came, _)| *came == number);
        found.map(|(_, sent)| *sent)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_only_passed_on_keeps_its_number() {
        let mut numbering = Numbering::default();
        assert_eq!(numbering.pass(7, true), 7);
        assert_eq!(numbering.pass(9, false), 9);
        assert_eq!(numbering.of_invite(7), Some(7));
        assert_eq!(numbering.of_invite(9), None);
    }

    #[test]
    fn an_ack_keeps_the_number_of_its_invite_after_a_request_of_our_own() {
        let mut numbering = Numbering::default();
        numbering.pass(1, true);
        assert_eq!(numbering.own(), 2);
        assert_eq!(numbering.of_invite(1), Some(1));
        assert_eq!(numbering.pass(2, true), 3);
        assert_eq!(numbering.of_invite(2), Some(3));
    }

    #[test]
    fn a_side_that_has_said_nothing_may_still_begin_with_0() {
        let mut numbering = Numbering::default();
        let own = numbering.own();
        assert!(numbering.pass(0, false) > own);
    }

    #[test]
    fn an_invite_that_goes_out_again_is_acknowledged_by_its_new_number() {
        let mut numbering = Numbering::default();
        numbering.pass(5, true);
        assert_eq!(numbering.again(5), 6);
        assert_eq!(numbering.of_invite(5), Some(6));
        assert_eq!(numbering.pass(6, false), 7);
    }

    #[test]
    fn a_number_that_came_does_not_come_again() {
        let mut numbering = Numbering::default();
        assert!(numbering.arrive(4));
        assert!(!numbering.arrive(4));
        assert!(!numbering.arrive(3));
        assert!(numbering.arrive(6));
    }

    proptest! {
        /// RFC 3261 §12.2.1.1: whatever is mixed in, the other side sees numbers that only go up.
        #[test]
        fn the_other_side_sees_numbers_that_go_up(first in 0_u32..1000, steps in proptest::collection::vec(0_u32..4, 1..60)) {
            let mut numbering = Numbering::default();
            let (mut number, mut last) = (first, None);
            for step in steps {
                let sent = match step {
                    0 => numbering.own(),
                    skip => {
                        let sent = numbering.pass(number, skip == 1);
                        number += skip;
                        sent
                    }
                };
                prop_assert!(last.is_none_or(|last| sent > last));
                last = Some(sent);
            }
        }
    }
}
