//! What a consumer asks for, checked before anything is done (TS 29.392 §5.3.2).

use std::collections::VecDeque;
use std::time::Instant;

use api_mmtel_es::common::Uri;
use api_mmtel_es::dc_app_call::{CallType, DcCallReq};
use api_mmtel_es::{Cause, ProblemDetails, write};
use core_iq::{ChannelPlace, Command, MediaKind, NegotiatedChannel, StreamId, StreamSettings};
use core_sip::address::UriView;
use smallvec::SmallVec;

use super::again::sameness;
use super::asked::Described;
use super::call::{Call, Leg, LegState, Stream};
use super::channel::{AppChannel, ChannelState, FIRST_STREAM, description};
use super::description::Origin;
use super::machine::{Calls, IqPurpose};
use super::output::{Ask, AskId};
use crate::{Applications, Consumer};

type Problem = Box<ProblemDetails>;

/// How many bytes a URI of a UE may have.
const MAX_IDENTITY: usize = 256;

impl Calls {
    /// A consumer asks. `clock` is the time in seconds since 1970. The answer comes as
    /// [`Output::Reply`](super::Output::Reply), which may take as long as a UE rings.
    pub fn handle_ask(
        &mut self,
        now: Instant,
        clock: u64,
        ask: AskId,
        consumer: &Consumer,
        asked: Ask,
        applications: &Applications,
    ) {
        let done = match asked {
            Ask::Call(request) => self.call(now, clock, ask, consumer, request, applications),
            Ask::UpdateMedia(request) => {
                self.update_media(now, clock, ask, consumer, &request, applications)
            }
            Ask::Create(resource) => self.create(now, ask, consumer, resource, applications),
            Ask::Replace(session, resource) => {
                self.replace(now, ask, consumer, &session, resource, applications)
            }
            Ask::Patch(session, patch) => {
                self.patch(now, ask, consumer, &session, &patch, applications)
            }
            Ask::Delete(session) => self.delete(now, ask, consumer, &session),
        };
        if let Err(problem) = done {
            self.reply(ask, Err(problem));
        }
        self.settle(now);
    }

    /// TS 29.392 §5.3.2.2.2
    fn call(
        &mut self,
        now: Instant,
        clock: u64,
        ask: AskId,
        consumer: &Consumer,
        request: DcCallReq,
        applications: &Applications,
    ) -> Result<(), Problem> {
        self.check_target(&request.notification_info)?;
        check_identity(&request.terminating_id, "/terminatingId")?;
        let called = request.terminating_id.as_str().to_owned();
        let parties: SmallVec<[String; 2]> = match (&request.call_type, &request.originating_id) {
            (CallType::A2P, _) => SmallVec::from_iter([called]),
            (CallType::P2P, Some(caller)) => {
                check_identity(caller, "/originatingId")?;
                SmallVec::from_iter([caller.as_str().to_owned(), called])
            }
            _ => {
                let problem = ProblemDetails::new(400).cause(&Cause::MandatoryIeIncorrect);
                let reason = "must be a type of call that there is here";
                return Err(Box::new(problem.param("/callType", reason)));
            }
        };
        let kinds = media(&request)?;
        let video = kinds.contains(&MediaKind::Video);
        let mut app = None;
        if let Some(profile) = &request.app_profile_requested {
            let call = crate::Call {
                established: false,
                video,
            };
            let pointer = "/appProfileRequested/appId";
            check_application(
                applications,
                consumer,
                &profile.app_id,
                call,
                clock,
                pointer,
            )?;
            app = Some(profile.app_id.clone()).filter(|_| request.dc_media_info());
        }
        let same = sameness(consumer, &write(&request));
        if self.asked_again(now, ask, &same)? {
            return Ok(());
        }
        self.check_room(consumer)?;
        let session = self.random.identifier(15);
        let target = Some(request.notification_info.clone());
        let number = self.begin(now, session, consumer, &parties, &kinds, target)?;
        self.remember_request(number, same);
        let Some(call) = self.by_number.get_mut(&number) else {
            return Ok(());
        };
        let place = ChannelPlace::At(call.app_end());
        if let Some(app) = app
            && let Some(stream) = call.stream_of_mut(MediaKind::Data)
        {
            stream.negotiated.push(Described {
                one: NegotiatedChannel {
                    id: FIRST_STREAM,
                    channel: description(&app),
                    place,
                },
                app: Some(app.clone()),
            });
            call.channels.push(AppChannel {
                app,
                target: request.notification_info.clone(),
                state: ChannelState::Negotiated(FIRST_STREAM),
                waiting: VecDeque::new(),
                askers: SmallVec::new(),
                sending: false,
                until: None,
            });
        }
        call.askers.push(ask);
        call.request = Some(Box::new(request));
        Ok(())
    }

    /// A call begins: the gateway is asked for room.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        session: String,
        consumer: &Consumer,
        parties: &[String],
        kinds: &[MediaKind],
        target: Option<Uri>,
    ) -> Result<u64, Problem> {
        if !self.gateway_there {
            let problem = ProblemDetails::new(503).cause(&Cause::InsufficientResources);
            return Err(Box::new(problem.detail("The media gateway is gone.")));
        }
        let number = self.next_call;
        self.next_call += 1;
        self.counters.asked += 1;
        let legs = parties.iter().map(|party| Leg {
            party: party.clone(),
            call_id: self.random.token(18),
            local_tag: self.random.tag(),
            origin: Origin {
                session: self.random.u64() >> 2,
                version: 0,
            },
            state: LegState::Idle,
            acknowledged: false,
            changing: None,
            answering: None,
            refresh: None,
        });
        let legs: SmallVec<[Leg; 2]> = legs.collect();
        for (index, leg) in legs.iter().enumerate() {
            let key = (leg.call_id.clone(), leg.local_tag.clone());
            self.by_dialog.insert(key, (number, index));
        }
        let streams = kinds.iter().zip(0..).map(|(kind, id)| {
            let formats = match kind {
                MediaKind::Audio => self.config.audio.clone(),
                MediaKind::Video => self.config.video.clone(),
                MediaKind::Data => Vec::new(),
            };
            Stream::new(StreamId(id), *kind, formats)
        });
        let streams: Vec<Stream> = streams.collect();
        let two = legs.len() == 2;
        let wanted = streams.iter().map(|stream| {
            let mut settings = StreamSettings::new(stream.id, stream.kind);
            settings.second = two.then(Box::default);
            settings
        });
        let command = Command::Reserve {
            context: None,
            streams: wanted.collect(),
        };
        let deadline = now + self.config.answer_within;
        self.deadlines.insert((deadline, number));
        self.by_session.insert(session.clone(), number);
        *self.owned.entry(consumer.clone()).or_default() += 1;
        let call = Call {
            target,
            streams,
            deadline: Some(deadline),
            ..Call::new(session, Some(consumer.clone()), legs)
        };
        self.by_number.insert(number, call);
        self.ask_gateway(IqPurpose::Reserve(number), command);
        Ok(number)
    }

    /// Whether notifications may go there.
    pub(super) fn check_target(&self, target: &Uri) -> Result<(), Problem> {
        let checked = self.config.targets.uri(target);
        checked.map(drop).map_err(|reason| {
            let problem = ProblemDetails::new(400).cause(&Cause::MandatoryIeIncorrect);
            Box::new(problem.param("/notificationInfo", reason))
        })
    }

    /// Bounds of all, and of one consumer.
    pub(super) fn check_room(&self, consumer: &Consumer) -> Result<(), Problem> {
        if self.by_number.len() >= self.config.max_calls {
            let problem = ProblemDetails::new(503).cause(&Cause::InsufficientResources);
            return Err(Box::new(
                problem.detail("There are as many calls as may be."),
            ));
        }
        let own = self.owned.get(consumer).copied().unwrap_or(0);
        if own >= self.config.max_calls_of_consumer {
            let problem = ProblemDetails::new(429).cause(&Cause::NfCongestion);
            return Err(Box::new(
                problem.detail("You have as many calls as you may."),
            ));
        }
        Ok(())
    }
}

/// An application that this consumer may use in such a call.
pub(super) fn check_application(
    applications: &Applications,
    consumer: &Consumer,
    app: &str,
    call: crate::Call,
    clock: u64,
    pointer: &str,
) -> Result<(), Problem> {
    let settings = applications.settings();
    let found = applications.get(app).filter(|application| {
        let provider = &application.provider;
        settings.authorize(consumer, provider, false, None).is_ok()
    });
    let usable = found
        .ok_or("is no application of yours")
        .and_then(|application| application.usable(call, clock));
    usable.map_err(|reason| {
        let problem = ProblemDetails::new(400).cause(&Cause::OptionalIeIncorrect);
        Box::new(problem.param(pointer, reason))
    })
}

/// Whether SIP can call it.
pub(super) fn check_identity(identity: &Uri, pointer: &str) -> Result<(), Problem> {
    let text = identity.as_str();
    let reason = match UriView::parse(text) {
        _ if text.len() > MAX_IDENTITY => "must be shorter",
        // RFC 3261 §19.1.1: header fields of a URI would become header fields of ours.
        _ if text.contains(['?', '#']) => "must be without header fields",
        Some(uri) if uri.is_sip() && uri.user.is_some_and(|user| !user.is_empty()) => return Ok(()),
        Some(uri) if uri.scheme.eq_ignore_ascii_case("tel") => {
            // RFC 3966 §5.1: a global number, or a local one with its context.
            let digits = uri.host.strip_prefix('+').unwrap_or(uri.host);
            let global = uri.host.starts_with('+') || uri.param("phone-context").is_some();
            let number = |b: u8| b.is_ascii_digit() || b"-.()".contains(&b);
            if global && !digits.is_empty() && digits.bytes().all(number) {
                return Ok(());
            }
            "must be a telephone number with its country"
        }
        _ => "must be a sip: or tel: URI of somebody",
    };
    let problem = ProblemDetails::new(400).cause(&Cause::MandatoryIeIncorrect);
    Err(Box::new(problem.param(pointer, reason)))
}

/// The media of a call, in the order of its m-lines.
fn media(request: &DcCallReq) -> Result<SmallVec<[MediaKind; 3]>, Problem> {
    let mut kinds: SmallVec<[MediaKind; 3]> = SmallVec::new();
    for (index, name) in request.media_info.0.iter().enumerate() {
        let kind = match name.to_ascii_lowercase().as_str() {
            "audio" => MediaKind::Audio,
            "video" => MediaKind::Video,
            _ => {
                let problem = ProblemDetails::new(400).cause(&Cause::OptionalIeIncorrect);
                let pointer = format!("/mediaInfo/{index}");
                return Err(Box::new(problem.param(pointer, "must be audio or video")));
            }
        };
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds.sort_by_key(|kind| *kind == MediaKind::Video);
    if request.dc_media_info() {
        kinds.push(MediaKind::Data);
    }
    if kinds.is_empty() {
        let problem = ProblemDetails::new(400).cause(&Cause::OptionalIeIncorrect);
        let reason = "must name a medium, or dcMediaInfo must be true";
        return Err(Box::new(problem.param("/mediaInfo", reason)));
    }
    Ok(kinds)
}

/// As a consumer knows them.
pub(super) fn media_names(call: &Call) -> Vec<String> {
    let used = call.streams.iter().filter(|stream| !stream.refused);
    let names = used.filter_map(|stream| match stream.kind {
        MediaKind::Audio => Some("audio".to_owned()),
        MediaKind::Video => Some("video".to_owned()),
        MediaKind::Data => None,
    });
    names.collect()
}
