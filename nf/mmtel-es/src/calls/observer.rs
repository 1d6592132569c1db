//! MMTel_CallEvent: the enabler in the way of its subscribers' calls, where the core puts it by initial
//! filter criteria, and a proxy that changes nothing (TS 29.392 §5.4, TS 24.229 §5.7.4).
//!
//! ```text
//!   INVITE, Route: <observer>, <core> ──▶ Record-Route: <session> ──▶ core
//!   2xx ──▶ SESSION_ESTABLISHMENT_SUCCESS      other ──▶ SESSION_ESTABLISHMENT_FAILURE
//!   INVITE or UPDATE with SDP within it ──▶ MEDIA_CHANGE_SUCCESS or MEDIA_CHANGE_FAILURE
//!   BYE ──▶ SESSION_TERMINATION
//! ```

use std::time::Instant;

use api_mmtel_es::common::{ImsPublicId, SessionId, Uri};
use api_mmtel_es::ims_session::{
    ImsSessionEventNotification, ImsSessionEventType, MediaInfoExternal, MediaType,
};
use api_mmtel_es::{Cause, Extensions, read_value};
use bytes::Bytes;
use core_sip::address::{UriView, uri_of};
use core_sip::proxy::{
    Action, ResponseContext, check_request, forward, record_route, take_own_routes,
};
use core_sip::{ClientTransactionId, ServerTransactionId, TimerSet};
use serde::{Deserialize, Serialize};
use wire_sdp::Session;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::ending::notify;
use super::machine::Calls;
use super::saved::SavedDialog;
use super::sending::Errand;
use crate::{Change, StoredSession};

/// The user part of the URI that criteria name.
pub const OBSERVER: &str = "observer";

/// Whose calls are told to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEvents {
    /// Public identities of subscribers, or `*` for all whose calls come by.
    pub subscribers: Vec<String>,
    /// Where they are told.
    pub target: Uri,
    /// Providers whose applications may use data channels in these calls, `*` for all: then the enabler
    /// is in their middle. Without any it only watches.
    pub applications: Vec<String>,
}

/// A call that is watched.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Observed {
    /// Where it is told; nowhere once that was refused.
    target: Option<String>,
    pub(super) calling: Option<String>,
    pub(super) called: Option<String>,
    pub(super) media: Vec<String>,
    pub(super) standing: bool,
    /// Of one that we are in the middle of: how both sides are reached.
    #[serde(default)]
    dialogs: Vec<SavedDialog>,
    /// RFC 4028: how many seconds it lives without being refreshed, and until when that is.
    #[serde(default)]
    pub(super) interval: Option<u64>,
    #[serde(skip)]
    pub(super) until: Option<Instant>,
}

/// A request that was forwarded, until its final response.
#[derive(Debug)]
pub(super) struct Forwarded {
    context: ResponseContext,
    server: ServerTransactionId,
    /// The call that it belongs to, when that is watched.
    session: Option<String>,
    /// RFC 6026 §8.4: a 2xx to an INVITE comes again until its ACK is there, and goes on each time.
    until: Option<Instant>,
}

impl Calls {
    /// Whether a request came by a Route of ours; then it is dealt with.
    pub(super) fn observe(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        original: &Message,
    ) -> bool {
        let mut request = original.clone();
        let address = self.config.address;
        let ours = |uri: &UriView<'_>| is_ours(uri, address);
        let own = take_own_routes(&mut request, ours);
        let Some(own) = own.first() else {
            return false;
        };
        let user = UriView::parse(own).and_then(|uri| uri.user);
        let user = user.unwrap_or_default().to_owned();
        let sent_by = address.to_string();
        let schemes = ["sip", "sips", "tel", "urn"];
        let hash = match check_request(original, &[sent_by.as_str()], &[], &schemes) {
            Ok(hash) => hash,
            Err(refusal) => {
                let tag = self.random.tag();
                self.transactions
                    .respond(now, id, refusal.answer(original, &tag));
                return true;
            }
        };
        let begins = user == OBSERVER && original.to_tag().is_none();
        let session = if begins && request.method() == Method::Invite {
            let session = self.begin_to_observe(&request);
            if let Some((session, providers)) = &session {
                if !providers.is_empty() {
                    self.begin_anchored(session, providers.clone(), original);
                }
                let uri = format!("sip:{session}@{address};lr");
                record_route(&mut request, &uri, &uri);
            }
            session.map(|(session, _)| session)
        } else {
            self.observed.contains_key(&user).then_some(user)
        };
        let next = forward(&mut request);
        let tag = self.random.tag();
        let number = self.next_call;
        self.next_call += 1;
        self.forwarded.insert(
            number,
            Forwarded {
                context: ResponseContext::new(id, original.clone(), tag),
                server: id,
                session: session.clone(),
                until: None,
            },
        );
        self.forwarded_by_server.insert(id, number);
        if let Some(call) = session.and_then(|session| self.anchored(&session)) {
            self.pass_request(now, call, number, request, &next, hash);
            return true;
        }
        let errand = Errand::Forward(number, hash);
        self.send(now, &next, request, errand);
        true
    }

    /// An ACK by a Route of ours goes on as it is. Whether it was one.
    pub(super) fn observe_ack(&mut self, now: Instant, ack: &Message) -> bool {
        let mut ack = ack.clone();
        let address = self.config.address;
        let own = take_own_routes(&mut ack, |uri| is_ours(uri, address));
        if own.is_empty() {
            return false;
        }
        let user = own.first().and_then(|own| UriView::parse(own)?.user);
        if let Some(call) = user.and_then(|session| self.anchored(session)) {
            self.pass_ack(call, &mut ack);
        }
        if ack.max_forwards() != Some(0) {
            let next = forward(&mut ack);
            self.send(now, &next, ack, Errand::Ack(None));
        }
        true
    }

    /// Who is told of this call, if anybody is.
    fn begin_to_observe(&mut self, request: &Message) -> Option<(String, Vec<String>)> {
        let served = request.header(HeaderName::PServedUser).and_then(uri_of)?;
        let mut events = self.config.call_events.iter();
        let events = events.find(|events| {
            let mut who = events.subscribers.iter();
            who.any(|who| who == served || who == "*")
        })?;
        let muted = self.muted.contains(&events.target);
        if self.observed.len() >= self.config.max_calls || muted && events.applications.is_empty() {
            return None;
        }
        let providers = events.applications.clone();
        let public = |uri: &str| ImsPublicId::new(uri).ok().map(|id| id.as_str().to_owned());
        let mut callers = request
            .values(HeaderName::PAssertedIdentity)
            .chain(request.header(HeaderName::From))
            .filter_map(uri_of);
        let called = [request.request_uri(), request.header(HeaderName::To)];
        let mut called = called.into_iter().flatten();
        let observed = Observed {
            target: (!muted).then(|| events.target.as_str().to_owned()),
            calling: callers.find_map(public),
            called: called.find_map(|value| public(uri_of(value).unwrap_or(value))),
            media: Vec::new(),
            standing: false,
            dialogs: Vec::new(),
            interval: None,
            until: None,
        };
        let session = self.random.identifier(15);
        self.observed.insert(session.clone(), observed);
        Some((session, providers))
    }

    /// A forwarded request has a branch now.
    pub(super) fn branch_sent(&mut self, now: Instant, number: u64, id: ClientTransactionId) {
        let Some(found) = self.forwarded.get_mut(&number) else {
            return;
        };
        found.context.add_branch(now, id);
        if found.context.is_cancelled() {
            self.transactions.cancel(now, id, None);
        }
        if let Some(at) = self.forwarded[&number].context.poll_timeout() {
            self.deadlines.insert((at, number));
        }
    }

    /// RFC 3261 §16.7
    pub(super) fn response_to_forwarded(
        &mut self,
        now: Instant,
        number: u64,
        id: ClientTransactionId,
        response: Message,
    ) {
        let Some(found) = self.forwarded.get_mut(&number) else {
            return self.forward_stray(response);
        };
        let actions = found.context.handle_response(now, id, response);
        self.act_for_forwarded(now, number, actions);
    }

    /// RFC 3261 §16.9: no response, or no way.
    pub(super) fn forwarded_in_vain(
        &mut self,
        now: Instant,
        number: u64,
        id: Option<ClientTransactionId>,
        status: StatusCode,
    ) {
        let Some(found) = self.forwarded.get_mut(&number) else {
            return;
        };
        let actions = match id {
            Some(id) if status == StatusCode::REQUEST_TIMEOUT => {
                found.context.handle_branch_timeout(id)
            }
            Some(id) => found.context.handle_branch_failed(id),
            None => {
                let tag = self.random.tag();
                let made = core_sip::reply(found.context.request(), status, &tag);
                vec![Action::Forward(made)]
            }
        };
        self.act_for_forwarded(now, number, actions);
        if id.is_none() {
            self.forget_forwarded(number);
        }
    }

    /// RFC 3261 §16.10
    pub(super) fn cancel_forwarded(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        cancel: &Message,
    ) {
        let number = self.forwarded_by_server.get(&id).copied();
        let found = number.and_then(|number| self.forwarded.get_mut(&number));
        let Some(found) = found else {
            return;
        };
        let reason = cancel.header(HeaderName::Reason);
        for action in found.context.handle_cancel() {
            if let Action::Cancel(branch) = action {
                self.transactions.cancel(now, branch, reason);
            }
        }
    }

    /// RFC 3261 §16.8. Whether the number is that of a forwarded request.
    pub(super) fn forwarded_due(&mut self, now: Instant, number: u64) -> bool {
        let Some(found) = self.forwarded.get_mut(&number) else {
            return false;
        };
        if found.until.is_some_and(|until| until <= now) {
            self.forget_forwarded(number);
            return true;
        }
        let actions = found.context.handle_timeout(now);
        if let Some(at) = found.context.poll_timeout() {
            self.deadlines.insert((at, number));
        }
        self.act_for_forwarded(now, number, actions);
        true
    }

    /// RFC 3261 §16.7 item 9, RFC 6026 §8.4.
    pub(super) fn forward_stray(&mut self, mut response: Message) {
        response.remove_first_value(HeaderName::Via);
        if response.has(HeaderName::Via) {
            self.transactions.forward_response_statelessly(&response);
        }
    }

    fn act_for_forwarded(&mut self, now: Instant, number: u64, actions: Vec<Action>) {
        for action in actions {
            let Some(found) = self.forwarded.get(&number) else {
                return;
            };
            match action {
                Action::Forward(mut response) => {
                    let server = found.server;
                    let session = found.session.clone();
                    let request = found.context.request().clone();
                    let call = session.as_ref().and_then(|session| self.anchored(session));
                    // What the two have between them, without what an application has with one.
                    let mut seen = None;
                    if let Some(call) = call {
                        seen = self
                            .is_of_subscriber(call, &request)
                            .then(|| response.clone());
                        self.pass_response(call, number, &request, &mut response);
                        self.channels_wait(now, call);
                    }
                    let status = response.status();
                    if let Some((session, status)) = session.zip(status) {
                        let seen = seen.as_ref().unwrap_or(&response);
                        self.lives_on(now, &session, &request, seen);
                        self.seen(&session, &request, seen, status);
                    }
                    self.transactions.respond(now, server, response);
                    if let Some((call, status)) = call.zip(status) {
                        self.seen_by_anchor(now, call, &request, status);
                    }
                }
                Action::Cancel(branch) => self.transactions.cancel(now, branch, None),
            }
        }
        let Some(found) = self.forwarded.get_mut(&number) else {
            return;
        };
        if !found.context.is_done() {
            return;
        }
        if found.context.request().method() != Method::Invite {
            return self.forget_forwarded(number);
        }
        if found.until.is_none() {
            let until = now + TimerSet::core().transaction();
            found.until = Some(until);
            self.deadlines.insert((until, number));
        }
    }

    /// A request that we gave on is wanted no more.
    pub(super) fn take_back_forwarded(&mut self, now: Instant, number: u64) {
        let Some(found) = self.forwarded.get_mut(&number) else {
            return;
        };
        if found.context.request().method() == Method::Invite {
            let actions = found.context.handle_cancel();
            self.act_for_forwarded(now, number, actions);
        }
    }

    /// What ends a call that we are in the middle of.
    fn seen_by_anchor(&mut self, now: Instant, call: u64, request: &Message, status: StatusCode) {
        let begins = request.to_tag().is_none() && request.method() == Method::Invite;
        if status.is_final() && begins && !status.is_success() {
            self.passed_its_end(now, call, "it was refused");
        } else if status.is_final() && request.method() == Method::Bye {
            self.passed_its_end(now, call, "one of the two hung up");
        }
    }

    /// We ended a call that we were in the middle of.
    pub(super) fn ended_anchored(&mut self, session: &str, stood: bool, words: &str) {
        if stood {
            self.tell(session, ImsSessionEventType::SessionTermination, None);
        } else {
            let failed = ImsSessionEventType::SessionEstablishmentFailure;
            self.tell(session, failed, Some(words));
        }
    }

    fn forget_forwarded(&mut self, number: u64) {
        if let Some(gone) = self.forwarded.remove(&number) {
            self.forwarded_by_server.remove(&gone.server);
            for branch in gone.context.branches() {
                self.by_client.remove(&branch);
            }
        }
    }

    /// What a response says about the session.
    fn seen(&mut self, session: &str, request: &Message, response: &Message, status: StatusCode) {
        let dialogs = self.dialogs_of(session);
        let Some(observed) = self.observed.get_mut(session) else {
            return;
        };
        if status.is_provisional() {
            return;
        }
        let begins = request.to_tag().is_none();
        let words = format!(
            "{} {}",
            status.as_u16(),
            response.reason_phrase().unwrap_or_default()
        );
        let with_media = !request.body().is_empty() || !response.body().is_empty();
        match request.method() {
            Method::Invite if begins && status.is_success() => {
                if observed.standing {
                    return; // another fork
                }
                observed.standing = true;
                observed.dialogs = dialogs;
                observed.media = media(response).or(media(request)).unwrap_or_default();
                self.tell(
                    session,
                    ImsSessionEventType::SessionEstablishmentSuccess,
                    None,
                );
            }
            Method::Invite if begins => {
                let failed = ImsSessionEventType::SessionEstablishmentFailure;
                self.tell(session, failed, Some(&words));
            }
            Method::Invite | Method::Update if with_media && status.is_success() => {
                let media = media(response).or(media(request)).unwrap_or_default();
                if media != observed.media {
                    observed.media = media;
                    self.tell(session, ImsSessionEventType::MediaChangeSuccess, None);
                }
            }
            // RFC 3261 §14.1: it is tried again.
            Method::Invite | Method::Update if status == StatusCode::REQUEST_PENDING => {}
            Method::Invite | Method::Update if !request.body().is_empty() => {
                let failed = ImsSessionEventType::MediaChangeFailure;
                self.tell(session, failed, Some(&words));
            }
            Method::Bye => self.tell(session, ImsSessionEventType::SessionTermination, None),
            _ => {}
        }
    }

    /// TS 29.392 §5.4.2.2.2
    pub(super) fn tell(&mut self, session: &str, what: ImsSessionEventType, reason: Option<&str>) {
        let Some(observed) = self.observed.get(session) else {
            return;
        };
        let over = matches!(
            what,
            ImsSessionEventType::SessionTermination
                | ImsSessionEventType::SessionEstablishmentFailure
        );
        let mut changes = Vec::new();
        if let Some(target) = observed
            .target
            .as_ref()
            .and_then(|uri| Uri::new(uri.clone()).ok())
            && let Some(told) = notification(session, observed, what, reason)
        {
            changes.push(notify(session, &target, &told));
        }
        if over {
            changes.push(Change::RemoveSession(session.to_owned()));
            self.forget_observed(session);
        } else {
            changes.push(put(session, observed));
        }
        self.commit(changes, Vec::new());
    }

    /// TS 29.392 §6.3.7.3 — the application server refused what it was told of a session: after
    /// USER_NOT_FOUND it hears no more of this call, after NOTIFICATION_URI_NOT_FOUND of none.
    pub fn handle_refused(&mut self, session: &str, cause: &Cause) {
        let Some(observed) = self.observed.get_mut(session) else {
            return;
        };
        let target = match cause {
            Cause::UserNotFound => {
                observed.target = None;
                return;
            }
            Cause::NotificationUriNotFound => observed.target.take(),
            _ => return,
        };
        let Some(target) = target.and_then(|target| Uri::new(target).ok()) else {
            return;
        };
        for other in self.observed.values_mut() {
            if other.target.as_deref() == Some(target.as_str()) {
                other.target = None;
            }
        }
        self.muted.insert(target);
    }

    /// A call that was watched in the life before is watched on. Whether it was one.
    pub(super) fn resume_observed(&mut self, now: Instant, session: &StoredSession) -> bool {
        let Ok(Kept { mut observed }) = serde_json::from_slice(&session.state) else {
            return false;
        };
        let dialogs = std::mem::take(&mut observed.dialogs);
        if !dialogs.is_empty() {
            // Its media went with the Context.
            self.observed.insert(session.id.clone(), observed);
            self.tell(&session.id, ImsSessionEventType::SessionTermination, None);
            self.hang_up_saved(now, dialogs);
            return true;
        }
        self.observed.insert(session.id.clone(), observed);
        self.expires_later(now, &session.id);
        true
    }
}

/// How it is written down.
#[derive(Serialize, Deserialize)]
struct Kept {
    observed: Observed,
}

pub(super) fn put(session: &str, observed: &Observed) -> Change {
    let kept = Kept {
        observed: observed.clone(),
    };
    Change::PutSession(StoredSession {
        id: session.to_owned(),
        // Strings are always JSON.
        state: Bytes::from(serde_json::to_vec(&kept).unwrap_or_default()),
    })
}

fn notification(
    session: &str,
    observed: &Observed,
    what: ImsSessionEventType,
    reason: Option<&str>,
) -> Option<ImsSessionEventNotification> {
    let public = |id: &Option<String>| ImsPublicId::new(id.clone()?).ok();
    let media = observed.media.iter().enumerate();
    let media: Vec<MediaInfoExternal> = media
        .filter_map(|(index, kind)| {
            Some(MediaInfoExternal {
                media_type: read_value::<MediaType>(kind.as_str().into()).ok()?,
                media_correction_id: index.to_string(),
                dc_media_paras: None,
                extensions: Extensions::new(),
            })
        })
        .collect();
    Some(ImsSessionEventNotification {
        session_id: SessionId::new(session).ok()?,
        event_type: what,
        // Nobody gave one: there is no subscription.
        notif_correlation_id: session.to_owned(),
        media_info_set: (!media.is_empty()).then_some(media),
        calling_identity: public(&observed.calling),
        called_identity: public(&observed.called),
        failure_reason: reason.map(str::to_owned),
        extensions: Extensions::new(),
    })
}

/// The media of a description that are in use.
fn media(message: &Message) -> Option<Vec<String>> {
    let session = Session::parse(message.body()).ok()?;
    let used = session
        .medias()
        .iter()
        .filter(|media| media.line().port != 0);
    let names = used.filter_map(|media| match media.line().media {
        "audio" => Some(MediaType::Audio),
        "video" => Some(MediaType::Video),
        "application" => Some(MediaType::Dc),
        _ => None,
    });
    let names: Vec<String> = names.map(|kind| kind.as_str().to_owned()).collect();
    (!session.medias().is_empty()).then_some(names)
}

pub(super) fn is_ours(uri: &UriView<'_>, address: std::net::SocketAddr) -> bool {
    let ip = uri
        .host
        .trim_matches(['[', ']'])
        .parse::<std::net::IpAddr>();
    ip == Ok(address.ip()) && uri.port.unwrap_or(5060) == address.port()
}
