//! Sessions: what is kept of a call, and its one ordered queue.
//!
//! ```text
//!   message ─▶ queue ─▶ SDP in it? ── no ──────────────────────────▶ on its way
//!                           │ yes                                      ▲
//!                           ▼                                          │
//!                       Negotiation ─▶ Iq command ─▶ (wait) ─▶ reply ──┘
//! ```
//! While the gateway is asked, later messages of the same session wait behind, so that a 200 never
//! overtakes the 183 before it.

pub(crate) mod description;
mod queue;
mod table;

pub(crate) use queue::Item;
pub(crate) use table::{SessionKey, Sessions};

use std::collections::VecDeque;
use std::time::Instant;

use core_iq::RequestId;
use core_sip::ServerTransactionId;
use core_sip::address::uri_of;
use wire_sip::{HeaderName, Message};

use crate::ims_alg::{Leg, Negotiation};

/// Messages of one session that may wait at a time.
pub(crate) const LONGEST_QUEUE: usize = 32;

/// One call.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) key: SessionKey,
    pub(crate) binding: u64,
    /// Who sent the first INVITE.
    pub(crate) initiator: Leg,
    pub(crate) state: State,
    pub(crate) negotiation: Negotiation,
    pub(crate) queue: VecDeque<Item>,
    /// What waits for the gateway.
    pub(crate) waiting: Option<(RequestId, Item, Instant)>,
    /// The first INVITE, until it is answered finally.
    pub(crate) invite: Option<ServerTransactionId>,
    /// What the two sides said of themselves, for a BYE of our own.
    pub(crate) wic: Party,
    pub(crate) core: Party,
    /// The identity that was called, as P-Called-Party-ID said.
    pub(crate) called: Option<String>,
    /// The same icid through the whole dialog (TS 24.229 §4.5).
    pub(crate) icid: String,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// No final response to the first INVITE.
    Early,
    /// A 2xx went back.
    Confirmed,
}

/// One side of a call, as the other side addresses it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Party {
    /// Its From or To value, tag included.
    pub(crate) address: String,
    /// The URI of its Contact.
    pub(crate) contact: String,
    /// Its last CSeq.
    pub(crate) cseq: u32,
    /// Route towards it from here.
    pub(crate) route: Vec<String>,
}

impl Session {
    pub(crate) fn party_mut(&mut self, leg: Leg) -> &mut Party {
        match leg {
            Leg::Wic => &mut self.wic,
            Leg::Core => &mut self.core,
        }
    }

    /// What a request says of its sender.
    pub(crate) fn note_request(&mut self, from: Leg, request: &Message) {
        let cseq = cseq(request);
        let address = request
            .header(HeaderName::From)
            .unwrap_or_default()
            .to_owned();
        let contact = contact(request);
        let party = self.party_mut(from);
        party.cseq = party.cseq.max(cseq);
        party.address = address;
        if let Some(contact) = contact {
            party.contact = contact;
        }
    }

    /// What a response says of its sender; `own` are the Record-Route values that are ours.
    pub(crate) fn note_response(
        &mut self,
        from: Leg,
        response: &Message,
        is_own: impl Fn(&str) -> bool,
    ) {
        let address = response
            .header(HeaderName::To)
            .unwrap_or_default()
            .to_owned();
        let contact = contact(response);
        let mut route: Vec<String> = response
            .values(HeaderName::RecordRoute)
            .filter(|value| !is_own(value))
            .map(str::to_owned)
            .collect();
        route.reverse();
        let initiator = self.initiator;
        let party = self.party_mut(from);
        party.address = address;
        if let Some(contact) = contact {
            party.contact = contact;
        }
        if from != initiator && self.state == State::Early && from == Leg::Core {
            self.core.route = route;
        }
    }
}

fn contact(message: &Message) -> Option<String> {
    message
        .values(HeaderName::Contact)
        .next()
        .and_then(uri_of)
        .map(str::to_owned)
}

/// The number of a message's CSeq.
pub(crate) fn cseq(message: &Message) -> u32 {
    let value = message.header(HeaderName::CSeq).unwrap_or_default();
    value
        .split_ascii_whitespace()
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}
