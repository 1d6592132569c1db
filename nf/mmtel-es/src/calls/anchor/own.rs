//! Offers of ours to the subscriber: the data channels of applications (RFC 3261 §14.1).

use std::time::{Duration, Instant};

use wire_sip::{HeaderName, Message, Method};

use super::super::call::Call;
use super::super::change::Changing;
use super::super::machine::Calls;
use super::super::sending::{Errand, Purpose};
use super::sip::description_of;
use super::{Anchor, Side};

/// How long an offer of ours waits for those of the two.
const WAIT: Duration = Duration::from_millis(500);

impl Calls {
    /// RFC 3261 §14.1 — an offer of ours to the subscriber, which the other party does not notice.
    pub(in crate::calls) fn offer_in_anchored(&mut self, now: Instant, number: u64, side: Side) {
        let until = now + self.config.answer_within;
        let offer = self.in_anchored(number, |anchor, call| {
            if anchor.waits_for_room() || anchor.offered.is_some() || !anchor.open.is_empty() {
                let at = now + WAIT;
                call.legs[side].changing = Some(Changing::Again(at));
                return OwnOffer::Later(at);
            }
            if anchor.has_data(call, side) {
                // Theirs brought it meanwhile.
                call.legs[side].changing = None;
                return OwnOffer::Needless;
            }
            match anchor.offer(call, side, until) {
                Some((next, invite)) => OwnOffer::Goes(next, Box::new(invite)),
                None => OwnOffer::Cannot,
            }
        });
        match offer {
            None | Some(OwnOffer::Needless) => {}
            Some(OwnOffer::Later(at)) => {
                self.deadlines.insert((at, number));
            }
            Some(OwnOffer::Cannot) => {
                self.change_refused(number, "nothing is known of the media of the call");
            }
            Some(OwnOffer::Goes(next, invite)) => {
                self.deadlines.insert((until, number));
                let purpose = Purpose::ReInvite(number, side);
                self.send(now, &next, *invite, Errand::Request(purpose));
            }
        }
    }

    /// The subscriber has answered an offer of ours.
    pub(in crate::calls) fn own_offer_answered(
        &mut self,
        number: u64,
        side: Side,
        response: &Message,
    ) -> Result<(), &'static str> {
        let answer = description_of(response);
        let there = self.in_anchored(number, |anchor, call| {
            let told = anchor.own.take();
            anchor.hear_of(call, side, response);
            if let Some(answer) = &answer {
                anchor.own_answered(call, side, told, answer);
            }
        });
        if there.is_none() {
            return Ok(());
        }
        self.configure(number);
        answer.map(drop).ok_or("an answer without SDP")
    }
}

/// What becomes of an offer of ours.
enum OwnOffer {
    Goes(String, Box<Message>),
    /// Those of the two are waited for.
    Later(Instant),
    /// What it would say is agreed on.
    Needless,
    Cannot,
}

impl Anchor {
    /// An offer of ours to one side, and where it goes.
    fn offer(&mut self, call: &mut Call, side: Side, until: Instant) -> Option<(String, Message)> {
        let offer = self.own_offer(call, side)?;
        let leg = &mut call.legs[side];
        let dialog = leg.dialog()?;
        let mut invite = dialog.request(Method::Invite);
        let next = dialog.next_hop().to_owned();
        self.made[side] += 1;
        // The UE sends to the other party, not to us.
        if let Some(contact) = &self.contacts[1 - side] {
            invite.push_back(HeaderName::Contact, contact);
        }
        if let Some((seconds, by_subscriber)) = &self.interval {
            // RFC 4028 §7.4: as it was agreed on; an INVITE without it would end the refreshing.
            let refresher = if *by_subscriber { "uas" } else { "uac" };
            invite.push_back(HeaderName::Supported, "timer");
            let interval = format_args!("{seconds};refresher={refresher}");
            invite.push_back(HeaderName::SessionExpires, interval);
        }
        invite.set_body(Some("application/sdp"), offer.to_bytes());
        leg.changing = Some(Changing::Offered {
            until,
            client: None,
            cancelled: false,
            of_change: false,
            more: false,
        });
        self.own = Some(offer);
        Some((next, invite))
    }
}
