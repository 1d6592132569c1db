//! The end of a call: who is hung up on, what is released, who is told.

use std::collections::hash_map::Entry;
use std::time::Instant;

use api_mmtel_es::dc_app_call::{DcCallResp, DcMediaUpdateResp};
use api_mmtel_es::dc_app_management::Status;
use api_mmtel_es::ims_session::ImsSessionEventType;
use api_mmtel_es::{Cause, Extensions, ProblemDetails, write};
use bytes::Bytes;
use core_iq::{Command, Refusal};
use core_sip::dialog::Dialog;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::call::{Call, LegState, Stage};
use super::channel::{self, became};
use super::machine::{Calls, IqPurpose};
use super::output::Told;
use super::sending::{After, Errand, Purpose};
use super::session::event;
use crate::{Change, Notice};

/// Why a call ends, before or after it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// A UE said no.
    Refused(StatusCode, String),
    /// A UE did not say anything.
    NoResponse(StatusCode),
    /// Nobody picked up.
    NoAnswer,
    /// A UE's answer is of no use.
    Unusable(&'static str),
    /// The gateway.
    Gateway(Refusal),
    /// The store: nobody would find the call again.
    Store,
    /// The consumer ends it.
    Deleted,
    /// A UE hung up.
    HungUp(String),
}

impl Why {
    /// In words, for the consumer: no identities.
    fn words(&self) -> String {
        match self {
            Self::Refused(status, words) if words.is_empty() => status.as_u16().to_string(),
            Self::Refused(status, words) => format!("{} {words}", status.as_u16()),
            Self::NoResponse(StatusCode::REQUEST_TIMEOUT) => {
                "408 Request Timeout: the network does not answer".into()
            }
            Self::NoResponse(_) => "503 Service Unavailable: the network cannot be reached".into(),
            Self::NoAnswer => "the UE did not answer in time".into(),
            Self::Unusable(what) => format!("the UE gave {what}"),
            Self::Gateway(refusal) => format!("the media gateway failed: {refusal}"),
            Self::Store => "the call could not be written down".into(),
            Self::Deleted => "the application server ended it".into(),
            Self::HungUp(words) => words.clone(),
        }
    }

    /// RFC 3326 — for the other UE.
    fn reason(&self) -> String {
        match self {
            Self::Refused(status, _) | Self::NoResponse(status) => {
                format!("SIP;cause={}", status.as_u16())
            }
            Self::NoAnswer => "SIP;cause=408".into(),
            Self::Unusable(_) => "SIP;cause=488".into(),
            Self::Gateway(_) | Self::Store => "SIP;cause=503".into(),
            Self::HungUp(_) | Self::Deleted => "SIP;cause=200".into(),
        }
    }
}

impl Calls {
    /// A call ends, whatever has become of it so far.
    pub(super) fn fail(&mut self, now: Instant, number: u64, why: &Why) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        if call.stage == Stage::Ending {
            return;
        }
        let stood = std::mem::replace(&mut call.stage, Stage::Ending) == Stage::Standing;
        if let Some(deadline) = call.deadline.take()
            && !call.is_due_at(deadline)
        {
            self.deadlines.remove(&(deadline, number));
        }
        let anchor = call.anchor.take();
        let restarting = call.restarting.take();
        if !stood && anchor.is_none() {
            self.counters.failed += 1;
        }
        let words = why.words();
        let mut after = Vec::new();
        for ask in std::mem::take(&mut call.askers) {
            after.push(After::Reply(ask, refusal(call, why, &words)));
        }
        let session = call.session.clone();
        let mut changes = Vec::new();
        for channel in std::mem::take(&mut call.channels) {
            for ask in &channel.askers {
                after.push(After::Reply(*ask, Ok(not_updated(&session, &words))));
            }
            if stood {
                let event = became(&session, &channel.app, channel.ends_as(), Some(&words));
                changes.push(notify(&session, &channel.target, &event));
            }
        }
        if let Some(change) = call.media_change.take() {
            after.push(After::Reply(change.ask, Err(gone(&words))));
        }
        if call.resource.is_some() {
            let told = if stood {
                event(call, ImsSessionEventType::SessionTermination, None)
            } else {
                let failed = ImsSessionEventType::SessionEstablishmentFailure;
                event(call, failed, Some(&words))
            };
            changes.extend(told);
        } else if let Some(target) = call.target.as_ref().filter(|_| stood) {
            changes.push(notify(&session, target, &channel::ended(&session, &words)));
        }
        changes.push(Change::RemoveSession(session.clone()));
        let context = call.context.take();
        let written = call.written;
        self.forget_request(number);
        self.by_session.remove(&session);
        if written {
            self.commit(changes, after);
        } else {
            // Nothing of it was written down.
            for after in after {
                self.after(now, after);
            }
        }
        if let Some(context) = context {
            self.by_context.remove(&context);
            self.ask_gateway(IqPurpose::Nothing, Command::Release { context });
        }
        if let Some(one) = restarting {
            self.answer(now, one.id, &one.request, StatusCode::SERVICE_UNAVAILABLE);
        }
        self.release_legs(now, number, &why.reason());
        if let Some(anchor) = anchor {
            self.take_back(now, *anchor);
            self.ended_anchored(&session, stood, &words);
        }
        self.forget_if_over(number);
    }

    /// BYE to those that have answered, CANCEL to those that ring.
    fn release_legs(&mut self, now: Instant, number: u64, reason: &str) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        let mut byes = Vec::new();
        let mut cancels = Vec::new();
        for leg in &mut call.legs {
            match &mut leg.state {
                LegState::Standing(dialog) => {
                    byes.push(bye(dialog, Some(reason)));
                    leg.state = LegState::Gone;
                }
                LegState::Inviting {
                    client, cancelled, ..
                } => {
                    *cancelled = true;
                    cancels.extend(*client);
                }
                LegState::Idle => leg.state = LegState::Gone,
                LegState::Gone => {}
            }
        }
        for (next, bye) in byes {
            self.send(now, &next, bye, Errand::Request(Purpose::Bye));
        }
        for client in cancels {
            self.transactions.cancel(now, client, Some(reason));
        }
    }

    /// A UE has hung up, or is lost: the dialog of this leg is over.
    pub(super) fn hung_up(&mut self, now: Instant, number: u64, index: usize, words: &str) {
        if let Some(leg) = self.leg(number, index) {
            leg.state = LegState::Gone;
        }
        self.fail(now, number, &Why::HungUp(words.to_owned()));
        self.forget_if_over(number);
    }

    /// A call of which nothing is to be heard any more is forgotten.
    pub(super) fn forget_if_over(&mut self, number: u64) {
        let Some(call) = self.by_number.get(&number) else {
            return;
        };
        if call.stage != Stage::Ending || call.legs.iter().any(super::call::Leg::is_open) {
            return;
        }
        if let Some(call) = self.by_number.remove(&number) {
            if let Some(Entry::Occupied(mut owned)) =
                call.owner.map(|owner| self.owned.entry(owner))
            {
                *owned.get_mut() -= 1;
                if *owned.get() == 0 {
                    owned.remove();
                }
            }
            for (_, id) in call.invites {
                self.by_client.remove(&id);
            }
            for leg in call.legs {
                self.by_dialog.remove(&(leg.call_id, leg.local_tag));
            }
        }
    }

    /// RFC 3261 §13.2.2.4, RFC 6026 §8.4 — a 2xx that nobody wants (any more): it is acknowledged, and
    /// what it began is ended.
    pub(super) fn handle_stray(&mut self, now: Instant, response: &Message) {
        let invite = response
            .cseq()
            .is_some_and(|(_, method)| method == Method::Invite);
        let success = response.status().is_some_and(StatusCode::is_success);
        if !invite || !success {
            return;
        }
        // All that a dialog is made of is in the response.
        let Some((number, _)) = response.cseq() else {
            return;
        };
        let mut request = Message::request(Method::Invite, "sip:unknown");
        for name in [HeaderName::From, HeaderName::CallId, HeaderName::CSeq] {
            if let Some(value) = response.header(name) {
                request.push_back(name, value);
            }
        }
        let Some(mut dialog) = Dialog::from_response(&request, response) else {
            return;
        };
        let next = dialog.next_hop().to_owned();
        let ack = dialog.ack(number);
        self.send(now, &next, ack, Errand::Ack(None));
        let (next, bye) = bye(&mut dialog, None);
        self.send(now, &next, bye, Errand::Request(Purpose::Bye));
    }

    /// The time of a call has come.
    pub(super) fn due(&mut self, now: Instant, number: u64) {
        if self.forwarded_due(now, number) {
            return;
        }
        let Some(call) = self.by_number.get(&number) else {
            return;
        };
        if call.deadline.is_some_and(|at| at <= now) {
            return self.fail(now, number, &Why::NoAnswer);
        }
        self.channels_due(now, number);
        self.answers_due(now, number);
        self.changes_due(now, number);
        self.sessions_due(now, number);
    }
}

/// RFC 3261 §15.1.1
pub(super) fn bye(dialog: &mut Dialog, reason: Option<&str>) -> (String, Message) {
    let mut bye = dialog.request(Method::Bye);
    if let Some(reason) = reason {
        bye.push_back(HeaderName::Reason, reason);
    }
    (dialog.next_hop().to_owned(), bye)
}

/// What the consumer that waits for the call is told. When it was for us to make the call, and we could
/// not, that is no answer of a UE.
fn refusal(call: &Call, why: &Why, words: &str) -> Result<Told, Box<ProblemDetails>> {
    match why {
        Why::Gateway(_) | Why::Store | Why::NoResponse(StatusCode::SERVICE_UNAVAILABLE) => {
            let problem = ProblemDetails::new(503).cause(&Cause::InsufficientResources);
            Err(Box::new(problem.detail(words)))
        }
        _ => match &call.request {
            Some(request) => Ok(Told::Call(DcCallResp::failed(request, words))),
            None => Err(gone(words)),
        },
    }
}

/// What a consumer is told whose session ends while it waits for something else.
fn gone(words: &str) -> Box<ProblemDetails> {
    Box::new(ProblemDetails::new(404).detail(words))
}

pub(super) fn not_updated(session: &str, words: &str) -> Told {
    Told::MediaUpdated(DcMediaUpdateResp {
        session_id: session.to_owned(),
        result: Status::Failed,
        cause: Some(words.to_owned()),
        extensions: Extensions::new(),
    })
}

/// A notification, to be written down with what caused it.
pub(super) fn notify<T: api_mmtel_es::Attribute>(
    session: &str,
    target: &api_mmtel_es::common::Uri,
    body: &T,
) -> Change {
    Change::Notify(Notice {
        session: session.to_owned(),
        target: target.clone(),
        body: Bytes::from(write(body)),
    })
}
