//! MMTel_CallControl: IMS sessions as resources, with calls behind them (TS 29.392 §5.5.2).
//!
//! ```text
//!   POST ──▶ the resource is there (201) ──▶ both are called ──▶ SESSION_ESTABLISHMENT_SUCCESS
//!                                                         └────▶ … FAILURE, and it is gone
//!   PUT, PATCH ──▶ both are offered what is wanted, one after the other ──▶ MEDIA_CHANGE_SUCCESS
//!                       └────▶ one refuses: as before, MEDIA_CHANGE_FAILURE
//!   DELETE, a UE hangs up ──▶ SESSION_TERMINATION, and it is gone
//! ```

use std::collections::HashSet;
use std::time::Instant;

use api_mmtel_es::call_control::ImsSession;
use api_mmtel_es::common::{SessionId, SupportedFeatures};
use api_mmtel_es::ims_session::{
    ImsSessionEventNotification, ImsSessionEventType, ImsSessionInfo, MediaType,
};
use api_mmtel_es::patch::Patch;
use api_mmtel_es::{Cause, Extensions, ProblemDetails, write};
use core_iq::{Command, MediaKind, StreamId, StreamSettings};
use smallvec::SmallVec;

use super::again::sameness;
use super::call::{Call, Stage, Stream};
use super::ending::{Why, notify};
use super::machine::{Calls, IqPurpose};
use super::output::{AskId, Told};
use super::sending::After;
use crate::{Applications, Change, Consumer};

type Problem = Box<ProblemDetails>;

/// A change of media that is under way.
#[derive(Debug)]
pub(crate) struct MediaChange {
    pub(super) ask: AskId,
    /// What the resource becomes.
    resource: Box<ImsSession>,
    /// What was refused, or not wanted, before, stream by stream.
    before: Vec<bool>,
    /// How many legs it was offered to.
    reached: usize,
}

impl MediaChange {
    /// The leg that it is offered to now.
    pub(super) fn next(&mut self) -> usize {
        self.reached += 1;
        self.reached - 1
    }

    /// Whether it is for this leg to answer.
    pub(super) fn is_at(&self, leg: usize) -> bool {
        self.reached == leg + 1
    }

    /// Whether a stream was in use before, for a leg that it was not offered to.
    pub(super) fn before(&self, leg: usize, stream: usize) -> Option<bool> {
        let used = || self.before.get(stream).is_some_and(|refused| !refused);
        (self.reached <= leg).then(used)
    }
}

impl Calls {
    /// TS 29.392 §5.5.2.2.2
    pub(super) fn create(
        &mut self,
        now: Instant,
        ask: AskId,
        consumer: &Consumer,
        mut resource: ImsSession,
        applications: &Applications,
    ) -> Result<(), Problem> {
        self.check_session(consumer, &resource, applications)?;
        let same = sameness(consumer, &write(&resource));
        if self.asked_again(now, ask, &same)? {
            return Ok(());
        }
        self.check_room(consumer)?;
        let kinds = kinds(&resource.ims_session_info)?;
        let parties = &resource.ims_session_info.session_info;
        let parties = [&parties.calling_id, &parties.called_id];
        let parties = parties.map(|party| party.as_str().to_owned());
        let session = self.random.identifier(15);
        resource.ims_session_info.session_id = SessionId::new(session.clone()).ok();
        // TS 29.392 defines no feature.
        if resource.supp_feat.is_some() {
            resource.supp_feat = SupportedFeatures::new("0").ok();
        }
        let target = resource.ims_session_info.notif_uri.clone();
        let number = self.begin(now, session, consumer, &parties, &kinds, target)?;
        self.remember_request(number, same);
        let Some(call) = self.by_number.get_mut(&number) else {
            return Ok(());
        };
        call.again_until = Some(now + self.config.same_within);
        call.resource = Some(Box::new(resource.clone()));
        let changes = vec![super::saved::put(call)];
        call.written = true;
        self.commit(
            changes,
            vec![After::Reply(ask, Ok(Told::Created(resource)))],
        );
        Ok(())
    }

    /// TS 29.392 §5.5.2.3.2, by PUT
    pub(super) fn replace(
        &mut self,
        now: Instant,
        ask: AskId,
        consumer: &Consumer,
        session: &str,
        resource: ImsSession,
        applications: &Applications,
    ) -> Result<(), Problem> {
        self.check_session(consumer, &resource, applications)?;
        let number = self.session_of(consumer, session)?;
        self.change_session(now, ask, number, resource)
    }

    /// TS 29.392 §5.5.2.3.2, by PATCH
    pub(super) fn patch(
        &mut self,
        now: Instant,
        ask: AskId,
        consumer: &Consumer,
        session: &str,
        patch: &Patch,
        applications: &Applications,
    ) -> Result<(), Problem> {
        let number = self.session_of(consumer, session)?;
        let call = self.by_number.get(&number);
        let Some(before) = call.and_then(|call| call.resource.as_deref()) else {
            return Err(unknown());
        };
        let patched = patch.apply(before);
        let resource = patched.map_err(|unpatched| Box::new(ProblemDetails::from(&unpatched)))?;
        self.check_session(consumer, &resource, applications)?;
        self.change_session(now, ask, number, resource)
    }

    /// TS 29.392 §5.5.2.4.2
    pub(super) fn delete(
        &mut self,
        now: Instant,
        ask: AskId,
        consumer: &Consumer,
        session: &str,
    ) -> Result<(), Problem> {
        let number = self.session_of(consumer, session)?;
        self.fail(now, number, &Why::Deleted);
        // After the end, which was queued before it.
        self.commit(Vec::new(), vec![After::Reply(ask, Ok(Told::Deleted))]);
        Ok(())
    }

    /// The session of that name, if it is this consumer's.
    fn session_of(&self, consumer: &Consumer, session: &str) -> Result<u64, Problem> {
        let number = self.by_session.get(session).copied();
        let number = number.ok_or_else(unknown)?;
        let call = self.by_number.get(&number);
        let own = call.filter(|call| call.resource.is_some());
        match own.and_then(|call| call.owner.as_ref()) {
            Some(owner) if owner == consumer => Ok(number),
            _ => Err(unknown()),
        }
    }

    fn check_session(
        &self,
        consumer: &Consumer,
        resource: &ImsSession,
        applications: &Applications,
    ) -> Result<(), Problem> {
        let settings = applications.settings();
        let may = settings.authorize(consumer, &resource.af_id, false, None);
        if may.is_err() {
            // TS 29.392 §6.4.7.3
            let problem = ProblemDetails::new(403).cause(&Cause::AfNotAuthorized);
            let reason = "is no application server that you speak for";
            return Err(Box::new(problem.param("/afId", reason)));
        }
        let info = &resource.ims_session_info;
        let mut names = HashSet::new();
        for (index, medium) in info.media_info_set.iter().enumerate() {
            if !names.insert(&medium.media_correction_id) {
                let pointer = format!("/imsSessionInfo/mediaInfoSet/{index}/mediaCorrectionId");
                return Err(wrong(&pointer, "is there twice"));
            }
        }
        kinds(info)?;
        if let Some(uri) = &info.notif_uri {
            let checked = self.config.targets.uri(uri);
            checked.map_err(|reason| wrong("/imsSessionInfo/notifUri", reason))?;
        }
        Ok(())
    }

    /// Puts a resource in the place of another one, with all that follows for the call.
    fn change_session(
        &mut self,
        now: Instant,
        ask: AskId,
        number: u64,
        mut resource: ImsSession,
    ) -> Result<(), Problem> {
        let wanted = kinds(&resource.ims_session_info)?;
        let Some(call) = self.by_number.get_mut(&number) else {
            return Err(unknown());
        };
        let Some(before) = &call.resource else {
            return Err(unknown());
        };
        let info = &resource.ims_session_info;
        if info.session_info != before.ims_session_info.session_info {
            let reason = "cannot change: it is another session then";
            return Err(conflict("/imsSessionInfo/sessionInfo", reason));
        }
        if resource.af_id != before.af_id {
            return Err(conflict("/afId", "cannot change"));
        }
        let session = call.session.clone();
        resource.ims_session_info.session_id = SessionId::new(session).ok();
        resource.supp_feat.clone_from(&before.supp_feat);
        let has = |kind: MediaKind| {
            let stream = call.streams.iter().find(|stream| stream.kind == kind);
            stream.is_some_and(|stream| !stream.refused)
        };
        let changing = call.legs.iter().any(|leg| leg.changing.is_some());
        let busy = call.adding || changing || call.media_change.is_some();
        let all = [MediaKind::Audio, MediaKind::Video, MediaKind::Data];
        // What is on its way may still be refused.
        let same = !busy && all.iter().all(|kind| has(*kind) == wanted.contains(kind));
        if same || kinds(&before.ims_session_info)? == wanted {
            // A change of media that is under way is of media alone from here on.
            if let Some(change) = &mut call.media_change {
                let media = std::mem::take(&mut change.resource.ims_session_info.media_info_set);
                *change.resource = resource.clone();
                change.resource.ims_session_info.media_info_set = media;
            }
            call.target.clone_from(&resource.ims_session_info.notif_uri);
            call.resource = Some(Box::new(resource.clone()));
            let changes = vec![super::saved::put(call)];
            let reply = After::Reply(ask, Ok(Told::Changed(resource)));
            self.commit(changes, vec![reply]);
            return Ok(());
        }
        if call.stage != Stage::Standing || busy {
            let reason = "cannot change while the session is being established, or changed";
            return Err(conflict("/imsSessionInfo/mediaInfoSet", reason));
        }
        let before = call.streams.iter().map(|stream| stream.refused).collect();
        call.media_change = Some(MediaChange {
            ask,
            resource: Box::new(resource),
            before,
            reached: 0,
        });
        let mut more = Vec::new();
        for kind in all {
            let is_wanted = wanted.contains(&kind);
            let formats = match kind {
                MediaKind::Audio => self.config.audio.clone(),
                MediaKind::Video => self.config.video.clone(),
                MediaKind::Data => Vec::new(),
            };
            if let Some(stream) = call.streams.iter_mut().find(|stream| stream.kind == kind) {
                if is_wanted && stream.refused {
                    stream.formats = formats;
                    stream.far = [None, None];
                }
                stream.refused = !is_wanted;
                // One that a UE has offered, and that there was no room for.
                if is_wanted && stream.local.is_empty() {
                    more.push(StreamSettings {
                        second: Some(Box::default()),
                        ..StreamSettings::new(stream.id, kind)
                    });
                }
            } else if is_wanted {
                let id = StreamId(u16::try_from(call.streams.len()).unwrap_or(u16::MAX));
                call.streams.push(Stream::new(id, kind, formats));
                more.push(StreamSettings {
                    second: Some(Box::default()),
                    ..StreamSettings::new(id, kind)
                });
            }
        }
        let context = call.context;
        if more.is_empty() {
            let leg = call.media_change.as_mut().map_or(0, MediaChange::next);
            self.re_invite(now, number, leg);
        } else if let Some(context) = context {
            call.adding = true;
            let command = Command::Reserve {
                context: Some(context),
                streams: more,
            };
            self.ask_gateway(IqPurpose::Add(number), command);
        }
        Ok(())
    }

    /// A leg has answered what a change of media offers it: the other one is next, or it is done.
    pub(super) fn media_change_taken(&mut self, now: Instant, number: u64, leg: usize) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        let Some(change) = &mut call.media_change else {
            return;
        };
        let wanted = kinds(&change.resource.ims_session_info).unwrap_or_default();
        // What is taken out stays out, whatever the other UE has offered since.
        for stream in &mut call.streams {
            stream.refused |= !wanted.contains(&stream.kind);
        }
        let missing = call
            .streams
            .iter()
            .any(|stream| stream.refused && wanted.contains(&stream.kind));
        if missing {
            return self.media_change_refused(now, number, "the UE did not take all media");
        }
        if leg == 0 {
            let other = change.next();
            return self.re_invite(now, number, other);
        }
        let Some(change) = call.media_change.take() else {
            return;
        };
        call.target
            .clone_from(&change.resource.ims_session_info.notif_uri);
        call.resource = Some(change.resource.clone());
        let mut changes = vec![super::saved::put(call)];
        changes.extend(event(call, ImsSessionEventType::MediaChangeSuccess, None));
        let narrowed = call.narrowed();
        let told = Told::Changed(*change.resource);
        let mut after = vec![After::Reply(change.ask, Ok(told))];
        if narrowed {
            after.push(After::Offer(number, 0));
        }
        self.commit(changes, after);
        self.data_after_change(now, number, None);
    }

    /// A leg has refused a change of media, or there is no room for it: all is as before, also at the other leg.
    pub(super) fn media_change_refused(&mut self, now: Instant, number: u64, words: &str) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        let Some(change) = call.media_change.take() else {
            return;
        };
        let wanted = kinds(&change.resource.ims_session_info).unwrap_or_default();
        let mut with_data = false;
        let before = change.before.iter().copied().chain(std::iter::repeat(true));
        for (stream, refused) in call.streams.iter_mut().zip(before) {
            stream.refused = refused;
            with_data |= stream.kind == MediaKind::Data && refused;
        }
        // An application that has waited fails with what was to bring its channels, and with nothing else.
        let failed = Some(words).filter(|_| with_data && wanted.contains(&MediaKind::Data));
        let mut problem = ProblemDetails::new(409).cause(&Cause::ModificationNotAllowed);
        problem = problem.param("/imsSessionInfo/mediaInfoSet", "was not taken by both");
        let problem = problem.detail(words);
        let told = event(call, ImsSessionEventType::MediaChangeFailure, Some(words));
        let reply = After::Reply(change.ask, Err(Box::new(problem)));
        self.commit(told.into_iter().collect(), vec![reply]);
        // Who has taken what the other one refused is offered what was before.
        for other in 0..change.reached {
            self.re_invite(now, number, other);
        }
        self.data_after_change(now, number, failed);
    }
}

/// TS 29.392 §5.5.2.5.2, §5.4.2.2.2 — something happened to a session, for whoever is to be told.
pub(super) fn event(
    call: &Call,
    what: ImsSessionEventType,
    reason: Option<&str>,
) -> Option<Change> {
    let resource = call.resource.as_deref()?;
    let target = call.target.as_ref()?;
    let told = notification(&call.session, resource, what, reason)?;
    Some(notify(&call.session, target, &told))
}

/// The same for a resource that was written down.
pub(super) fn notification(
    session: &str,
    resource: &ImsSession,
    what: ImsSessionEventType,
    reason: Option<&str>,
) -> Option<ImsSessionEventNotification> {
    let info = &resource.ims_session_info;
    // The attribute is mandatory, and the consumer need not have given one.
    let correlation = info.notif_correlation_id.clone();
    Some(ImsSessionEventNotification {
        session_id: SessionId::new(session).ok()?,
        event_type: what,
        notif_correlation_id: correlation.unwrap_or_else(|| session.to_owned()),
        media_info_set: Some(info.media_info_set.clone()),
        calling_identity: Some(info.session_info.calling_id.clone()),
        called_identity: Some(info.session_info.called_id.clone()),
        failure_reason: reason.map(str::to_owned),
        extensions: Extensions::new(),
    })
}

/// The media of a session, in the order of m-lines.
pub(super) fn kinds(info: &ImsSessionInfo) -> Result<SmallVec<[MediaKind; 3]>, Problem> {
    let mut kinds: SmallVec<[MediaKind; 3]> = SmallVec::new();
    for (index, medium) in info.media_info_set.iter().enumerate() {
        let kind = match &medium.media_type {
            MediaType::Audio => MediaKind::Audio,
            MediaType::Video => MediaKind::Video,
            MediaType::Dc => MediaKind::Data,
            MediaType::Other(_) => {
                let pointer = format!("/imsSessionInfo/mediaInfoSet/{index}/mediaType");
                return Err(wrong(&pointer, "must be AUDIO, VIDEO or DC"));
            }
        };
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds.sort_by_key(|kind| match kind {
        MediaKind::Audio => 0,
        MediaKind::Video => 1,
        MediaKind::Data => 2,
    });
    Ok(kinds)
}

fn unknown() -> Problem {
    let problem = ProblemDetails::new(404).detail("There is no such session of yours.");
    Box::new(problem.param("{sessionId}", "is no session of yours"))
}

fn wrong(pointer: &str, reason: &str) -> Problem {
    let problem = ProblemDetails::new(400).cause(&Cause::MandatoryIeIncorrect);
    Box::new(problem.param(pointer, reason))
}

fn conflict(pointer: &str, reason: &str) -> Problem {
    let problem = ProblemDetails::new(409).cause(&Cause::ModificationNotAllowed);
    Box::new(problem.param(pointer, reason))
}
