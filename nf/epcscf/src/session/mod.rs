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

mod acknowledgement;
mod bootstrap;
pub(crate) mod data_channels;
pub(crate) mod description;
mod dialog;
mod dispatch;
mod numbering;
mod own;
mod promise;
mod queue;
mod refresh;
mod refuse;
mod retry;
mod table;

pub(crate) use acknowledgement::Unacknowledged;
pub use bootstrap::ApplicationsQuery;
pub(crate) use bootstrap::{Applications, FarEnd, Served};
pub(crate) use dialog::{Dialog, Dialogs, Party, Stage};
pub(crate) use numbering::Numbering;
pub(crate) use own::{Own, Plan};
pub(crate) use promise::Promise;
pub(crate) use queue::Item;
pub(crate) use refresh::Refresh;
pub(crate) use retry::Attempt;
pub(crate) use table::{SessionKey, Sessions};

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use core_iq::{RequestId, StreamId};
use core_sip::{ClientTransactionId, ServerTransactionId};
use smallvec::SmallVec;
use wire_sip::header::{RAck, RSeq};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::ims_alg::{Leg, Negotiation};

/// Requests of one session that may wait at a time.
pub(crate) const LONGEST_QUEUE: usize = 32;

/// One call.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) key: Arc<SessionKey>,
    pub(crate) binding: u64,
    /// Who sent the first INVITE.
    pub(crate) initiator: Leg,
    pub(crate) state: State,
    pub(crate) negotiation: Negotiation,
    /// The bootstrap channels that the edge ends, by stream and channel.
    pub(crate) served: BTreeMap<(StreamId, u16), Box<Served>>,
    pub(crate) far_end: FarEnd,
    pub(crate) queue: VecDeque<Item>,
    /// What waits for the gateway.
    pub(crate) waiting: Option<Waiting>,
    /// The first INVITE, until it is answered finally.
    pub(crate) invite: Option<ServerTransactionId>,
    /// The first INVITE, answered or not.
    pub(crate) first: ServerTransactionId,
    /// Who began, and whoever was called as far as it is known before it has answered.
    pub(crate) caller: Party,
    pub(crate) callee: Party,
    /// The numbers of whoever began, as every dialog to come continues them.
    pub(crate) calling: Numbering,
    pub(crate) dialogs: Dialogs,
    /// What carries the offer of the moment, so that its answer is known.
    pub(crate) exchange: Option<Exchange>,
    /// The last ACK that answered a late offer, by its number: it comes again when it was lost on the way.
    pub(crate) late_ack: Option<Box<(Leg, u32, Bytes)>>,
    /// Answers to INVITEs whose ACK is still to come.
    pub(crate) unacknowledged: Unacknowledged,
    /// A request that had nowhere to go.
    pub(crate) unsent: Option<ServerTransactionId>,
    /// The one before, which a failure puts back.
    pub(crate) previous: Option<Exchange>,
    /// The fork whose answer was the last to take effect, while none is confirmed.
    pub(crate) answered_by: Option<Box<str>>,
    /// The fork that has negotiated since the first answer, while none is confirmed.
    pub(crate) negotiated: Option<Box<str>>,
    /// The INVITE that is under way; there is one at a time (RFC 3261 §14).
    pub(crate) inviting: Option<Inviting>,
    /// The last INVITE of the WIC's, by its number, until its ACK has come.
    pub(crate) unheard: Option<(u32, ServerTransactionId)>,
    /// What the edge says in this call of its own accord.
    pub(crate) own: Own,
    pub(crate) refresh: Refresh,
    /// The first INVITE as it went out, for one more try while nothing but a refusal has come.
    pub(crate) attempt: Option<Box<Attempt>>,
    /// The WIC has said that it knows no reliable responses.
    pub(crate) unreliable: bool,
    /// What the edge has made reliable for it, until its PRACK comes.
    pub(crate) promise: Option<Box<Promise>>,
    /// What whoever asked was told of the media by a plain provisional response.
    pub(crate) preview: Option<(ServerTransactionId, Bytes)>,
    /// The identity that was called, as P-Called-Party-ID said.
    pub(crate) called: Option<Box<str>>,
    /// The same icid through the whole dialog (TS 24.229 §4.5).
    pub(crate) icid: Box<str>,
}

/// A message that waits for the gateway.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) request: RequestId,
    pub(crate) item: Box<Item>,
    pub(crate) deadline: Instant,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// No final response to the first INVITE.
    Early,
    /// A 2xx went back.
    Confirmed,
}

/// What carries an offer (RFC 3264 §4, RFC 3262 §5, RFC 6337 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// A request; the answer comes in a response to it.
    Request(ServerTransactionId),
    /// A response to this INVITE; the answer comes in PRACK or ACK.
    Response {
        server: ServerTransactionId,
        /// The INVITE's number, as its ACK has it.
        invite: u32,
    },
    /// A request of our own.
    Own,
}

/// An INVITE that is not answered finally.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inviting {
    /// It was passed on.
    Passed(Leg, ServerTransactionId),
    /// It is our own.
    Own(ClientTransactionId),
}

/// Takes away what we recorded at this leg: the last values, next to the WIC that called. Others of ours are those of
/// the other leg, where the called one is a WIC of this eP-CSCF too, and belong to the way.
pub(crate) fn leave_out_own(recorded: &mut Vec<&str>, is_own: impl Fn(&str) -> bool) {
    while recorded.last().is_some_and(|value| is_own(value)) {
        recorded.pop();
    }
}

impl Session {
    /// The tag of whoever was called, in a message that this side sent.
    pub(crate) fn callee_tag<'a>(&self, from: Leg, message: &'a Message) -> Option<&'a str> {
        let tag = match (message.is_request(), from == self.initiator) {
            (true, true) | (false, false) => message.to_tag(),
            (true, false) | (false, true) => message.from_tag(),
        };
        tag.filter(|tag| !tag.is_empty())
    }

    /// RFC 3261 §12.2.2, RFC 3262 §3 — a request came in a dialog: what it is answered when it may not go on.
    pub(crate) fn arrives(&mut self, from: Leg, message: &Message) -> Result<(), StatusCode> {
        let tag = self.callee_tag(from, message).unwrap_or_default();
        let Some(dialog) = self.dialogs.get_mut(tag) else {
            return Err(StatusCode::CALL_DOES_NOT_EXIST);
        };
        if dialog.stage == Stage::Released {
            // We ended it ourselves: a BYE has what it wanted.
            return Err(match message.method() {
                Method::Bye => StatusCode::OK,
                _ => StatusCode::CALL_DOES_NOT_EXIST,
            });
        }
        if !dialog.numbering(from).arrive(cseq(message)) {
            return Err(StatusCode::SERVER_INTERNAL_ERROR);
        }
        if message.method() == Method::Prack {
            let prack = message.typed::<RAck>().ok().flatten();
            let known = prack.and_then(|prack| dialog.acknowledge(&prack));
            let Some(known) = known else {
                return Err(StatusCode::CALL_DOES_NOT_EXIST);
            };
            // RFC 3262 §3: it was the edge that made the response reliable. There was no SDP in it, so that an offer now
            // is a second one; and a PRACK that is for something gets its 2xx.
            if known.theirs.is_none() {
                return Err(StatusCode::OK);
            }
        }
        Ok(())
    }

    /// A request goes on: what it says of its sender is noted, and its numbers are those of the other side.
    pub(crate) fn note_request(&mut self, from: Leg, request: &mut Message) {
        let invite = request.method() == Method::Invite;
        let number = cseq(request);
        let tag = self.callee_tag(from, request).unwrap_or_default();
        let sent = if let Some(dialog) = self.dialogs.get_mut(tag) {
            let sent = dialog.numbering(from).pass(number, invite);
            if request.method() == Method::Prack
                && let Ok(Some(mut prack)) = request.typed::<RAck>()
                && let Some(invite) = dialog.numbering(from).of_invite(prack.cseq.number)
            {
                let theirs = dialog.theirs(&prack);
                if (invite, theirs) != (prack.cseq.number, prack.rseq) {
                    (prack.cseq.number, prack.rseq) = (invite, theirs);
                    request.set(HeaderName::RAck, prack);
                }
            }
            sent
        } else {
            self.caller.address = request.header(HeaderName::From).unwrap_or_default().into();
            self.caller.refresh(request);
            self.calling.pass(number, invite)
        };
        if sent != number {
            let method = request.method().as_str().to_owned();
            request.set(HeaderName::CSeq, format_args!("{sent} {method}"));
        }
    }

    /// RFC 3261 §12.1.2, §13.2.2.4 — a response to the first INVITE made a dialog, or came in one. `own` are the
    /// Record-Route values that are ours. `false` when there are too many forks.
    pub(crate) fn note_response(
        &mut self,
        from: Leg,
        response: &Message,
        is_own: impl Fn(&str) -> bool,
    ) -> bool {
        let Some(tag) = self.callee_tag(from, response) else {
            return true;
        };
        if self.dialogs.get(tag).is_none() {
            let mut callee = self.callee.clone();
            callee.address = response.header(HeaderName::To).unwrap_or_default().into();
            let caller = self.caller.clone();
            let (wic, core) = match from {
                Leg::Wic => (callee, caller),
                Leg::Core => (caller, callee),
            };
            let numbers = (self.calling.clone(), Numbering::default());
            let (from_wic, from_core) = match from {
                Leg::Wic => (numbers.1, numbers.0),
                Leg::Core => numbers,
            };
            let added = self.dialogs.add(Dialog {
                tag: tag.into(),
                stage: Stage::Early,
                wic,
                core,
                from_wic,
                from_core,
                reliable: SmallVec::new(),
                answer: None,
                settled: None,
                answered: None,
                unserved: None,
            });
            if !added {
                return false;
            }
        }
        let Some(dialog) = self.dialogs.get_mut(tag) else {
            return true;
        };
        let early = dialog.stage == Stage::Early;
        let party = dialog.party_mut(from);
        party.refresh(response);
        if from == Leg::Core && early && response.has(HeaderName::RecordRoute) {
            let mut recorded: Vec<&str> = response.values(HeaderName::RecordRoute).collect();
            leave_out_own(&mut recorded, is_own);
            party.route = recorded.into_iter().rev().map(Into::into).collect();
        }
        true
    }

    /// The dialog of a message from this side.
    pub(crate) fn dialog_of(&mut self, from: Leg, message: &Message) -> Option<&mut Dialog> {
        let tag = self.callee_tag(from, message)?;
        self.dialogs.get_mut(tag)
    }

    /// Nothing is being negotiated, and no INVITE is under way.
    pub(crate) fn is_settled(&self) -> bool {
        self.negotiation.offered_by().is_none() && self.inviting.is_none()
    }
}

/// The number of a message's CSeq.
pub(crate) fn cseq(message: &Message) -> u32 {
    message.cseq().map_or(0, |(number, _)| number)
}

/// RFC 3262 §4 — the number of a provisional response that wants a PRACK.
pub(crate) fn reliable(response: &Message) -> Option<u32> {
    let provisional = response.status().is_some_and(StatusCode::is_provisional);
    if !provisional || !response.lists(HeaderName::Require, "100rel") {
        return None;
    }
    response.typed::<RSeq>().ok().flatten().map(|rseq| rseq.0)
}
