//! An offer of ours within a call (RFC 3261 §14.1, RFC 3264 §8).

use std::time::{Duration, Instant};

use core_iq::Command;
use core_sip::ClientTransactionId;
use wire_sdp::Session;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::call::Stage;
use super::ending::Why;
use super::machine::{Calls, IqPurpose};
use super::sending::{Errand, Purpose};
use super::setup::{ALLOW, offer, settings, take_answer};

/// RFC 3326 §2 — why an offer is cancelled.
const TOO_LATE: &str = "SIP;cause=408";

/// How far an offer of ours is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changing {
    /// It waits for an answer.
    Offered {
        /// When nobody waits any more.
        until: Instant,
        /// Its transaction, once it has left: what answers another one is no answer to it.
        client: Option<ClientTransactionId>,
        /// Whether it is cancelled.
        cancelled: bool,
        /// Whether it offers a change of media that a consumer asked for: any other is no answer to that.
        of_change: bool,
        /// Whether another one is wanted, which goes when this one has its answer.
        more: bool,
    },
    /// It met another one, and goes again then; or later, when the UE's own is done.
    Again(Instant),
}

impl Calls {
    /// Offers a leg the media as they are now.
    pub(super) fn re_invite(&mut self, now: Instant, number: u64, index: usize) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        if call.stage != Stage::Standing {
            return;
        }
        // RFC 3261 §14.1: one at a time.
        if let Some(Changing::Offered { more, .. }) = &mut call.legs[index].changing {
            *more = true;
            return;
        }
        if call.anchor.is_some() {
            return self.offer_in_anchored(now, number, index);
        }
        // RFC 3261 §14.1: not beside an offer of the UE. It goes when that one is answered, and acknowledged.
        if call.restarting.is_some() || call.legs[index].answering.is_some() {
            let waits = Changing::Again(now);
            call.legs[index].changing.get_or_insert(waits);
            return;
        }
        let body = offer(call, index);
        let change = call.media_change.as_ref();
        let of_change = change.is_some_and(|change| change.is_at(index));
        let leg = &mut call.legs[index];
        let until = now + self.config.answer_within;
        leg.changing = Some(Changing::Offered {
            until,
            client: None,
            cancelled: false,
            of_change,
            more: false,
        });
        self.deadlines.insert((until, number));
        let Some(dialog) = leg.dialog() else {
            return;
        };
        let mut invite = dialog.request(Method::Invite);
        let next = dialog.next_hop().to_owned();
        let address = self.config.address;
        invite.push_back(
            HeaderName::Contact,
            format_args!("<sip:mmtel-es@{address}>"),
        );
        invite.push_back(HeaderName::Allow, ALLOW);
        invite.push_back(HeaderName::Supported, "timer");
        let seconds = self.config.session_expires;
        invite.push_back(
            HeaderName::SessionExpires,
            format_args!("{seconds};refresher=uac"),
        );
        invite.set_body(Some("application/sdp"), body);
        let purpose = Purpose::ReInvite(number, index);
        self.send(now, &next, invite, Errand::Request(purpose));
    }

    /// An offer of ours has left.
    pub(super) fn offer_sent(
        &mut self,
        now: Instant,
        number: u64,
        index: usize,
        id: ClientTransactionId,
    ) {
        let leg = self.leg(number, index);
        let changing = leg.and_then(|leg| leg.changing.as_mut());
        let Some(Changing::Offered {
            until,
            client,
            cancelled,
            ..
        }) = changing
        else {
            return;
        };
        *client = Some(id);
        if *until <= now {
            *cancelled = true;
            self.transactions.cancel(now, id, Some(TOO_LATE));
        }
    }

    /// The answer to an offer of ours.
    pub(super) fn changed(
        &mut self,
        now: Instant,
        number: u64,
        index: usize,
        id: ClientTransactionId,
        response: &Message,
        status: StatusCode,
    ) {
        let Some(leg) = self.leg(number, index) else {
            return self.handle_stray(now, response);
        };
        let sent = response.cseq().map(|(sent, _)| sent);
        let (of_change, more) = match leg.changing {
            Some(Changing::Offered {
                client,
                of_change,
                more,
                ..
            }) if client == Some(id) => (of_change, more),
            _ if status.is_success() => {
                // A 2xx again, of this offer or of one before.
                return self.acknowledge(now, number, index, sent);
            }
            _ => return,
        };
        if !status.is_success() {
            if super::refresh::over(status) {
                let words = "the UE does not know the call any more";
                return self.hung_up(now, number, index, words);
            }
            if let Some(call) = self.by_number.get_mut(&number) {
                call.not_offered(index);
            }
            if status == StatusCode::REQUEST_PENDING {
                // RFC 3261 §14.1: who made the Call-ID waits 2.1 s to 4 s, in steps of 10 ms.
                let wait = Duration::from_millis(2100 + 10 * self.random.below(191));
                let at = now + wait;
                self.deadlines.insert((at, number));
                if let Some(leg) = self.leg(number, index) {
                    leg.changing = Some(Changing::Again(at));
                }
                return;
            }
            if let Some(leg) = self.leg(number, index) {
                leg.changing = None;
            }
            self.refresh_later(now, number, index, response);
            let words = format!("the UE refused: {} {}", status.as_u16(), status.reason());
            if of_change {
                self.media_change_refused(now, number, &words);
            } else if self.offered_data(number, index) {
                self.change_refused(number, &words);
            }
            return self.offer_more(now, number, index, more);
        }
        leg.changing = None;
        if let Some(dialog) = leg.dialog() {
            dialog.handle_response(response);
        }
        // Requests of others may have gone there since.
        self.acknowledge(now, number, index, sent);
        let call = self.by_number.get(&number);
        if call.is_some_and(|call| call.anchor.is_some()) {
            if let Err(what) = self.own_offer_answered(number, index, response) {
                return self.fail(now, number, &Why::Unusable(what));
            }
            self.change_taken(number, index);
            return self.offer_more(now, number, index, more);
        }
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        let session = Session::parse(response.body()).map_err(|_| "an answer without SDP");
        if let Err(what) = session.and_then(|session| take_answer(call, index, &session)) {
            return self.fail(now, number, &Why::Unusable(what));
        }
        let streams = settings(call);
        if let Some(context) = call.context.filter(|_| !streams.is_empty()) {
            let command = Command::Configure { context, streams };
            self.ask_gateway(IqPurpose::Configure(number), command);
        }
        self.refresh_later(now, number, index, response);
        if of_change {
            self.media_change_taken(now, number, index);
        } else {
            self.change_taken(number, index);
        }
        self.offer_more(now, number, index, more);
    }

    /// What was wanted while an offer of ours was out goes now, unless it goes already.
    fn offer_more(&mut self, now: Instant, number: u64, index: usize, more: bool) {
        let leg = self.leg(number, index).filter(|leg| !leg.offers());
        if leg.is_some() && more {
            self.re_invite(now, number, index);
        }
    }

    /// Offers that met others and are to go again, and those that nobody answers: a UE may say for ever that it
    /// is trying (RFC 3261 §17.1.1.2), so they are cancelled, which it answers as a refusal.
    pub(super) fn changes_due(&mut self, now: Instant, number: u64) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        for leg in &mut call.legs {
            if let Some(Changing::Offered {
                until,
                client: Some(client),
                cancelled: cancelled @ false,
                ..
            }) = &mut leg.changing
                && *until <= now
            {
                *cancelled = true;
                self.transactions.cancel(now, *client, Some(TOO_LATE));
            }
        }
        let due = |changing: Option<Changing>| match changing {
            Some(Changing::Again(at)) => at <= now,
            _ => false,
        };
        let legs = call.legs.iter().enumerate();
        let legs = legs.filter(|(_, leg)| due(leg.changing));
        let legs: Vec<usize> = legs.map(|(index, _)| index).collect();
        for index in legs {
            self.re_invite(now, number, index);
        }
    }
}
