//! An application uses its channel in a call that is there, which gets data channels if it has none
//! (TS 29.392 §5.3.2.3).

use std::collections::VecDeque;
use std::time::Instant;

use api_mmtel_es::dc_app_call::{AdcType, DcMediaUpdateReq, DcMediaUpdateResp};
use api_mmtel_es::dc_app_management::Status;
use api_mmtel_es::{Cause, Extensions, ProblemDetails};
use core_iq::{Command, MediaKind, Reserved, StreamId, StreamSettings};
use smallvec::SmallVec;

use super::asking::check_application;
use super::call::{Stage, Stream};
use super::channel::{AppChannel, ChannelState, MAX_CHANNELS, MAX_WAITING, said};
use super::ending::not_updated;
use super::machine::{Calls, IqPurpose};
use super::output::{AskId, Told};
use crate::{Applications, Consumer};

impl Calls {
    /// TS 29.392 §5.3.2.3.2 — an application uses its channel in a call that is there, and gets one if
    /// it has none.
    pub(super) fn update_media(
        &mut self,
        now: Instant,
        clock: u64,
        ask: AskId,
        consumer: &Consumer,
        request: &DcMediaUpdateReq,
        applications: &Applications,
    ) -> Result<(), Box<ProblemDetails>> {
        self.check_target(&request.notification_info)?;
        let number = self.by_session.get(&request.session_id).copied();
        let call = number.and_then(|number| self.by_number.get_mut(&number));
        let call = call.filter(|call| match &call.anchor {
            // Of a subscriber's own call: those whose applications may be in it.
            Some(anchor) => anchor.is_for(consumer, applications.settings()),
            None => call.owner.as_ref() == Some(consumer),
        });
        let Some((number, call)) = number.zip(call) else {
            let problem = ProblemDetails::new(404).detail("There is no such session of yours.");
            return Err(Box::new(
                problem.param("/sessionId", "is no session of yours"),
            ));
        };
        let video = call.stream_of(MediaKind::Video);
        let used = crate::Call {
            established: true,
            video: video.is_some_and(|stream| !stream.refused),
        };
        let app = &request.dc_app_id;
        check_application(applications, consumer, app, used, clock, "/dcAppId")?;
        if call.stage != Stage::Standing {
            let problem = ProblemDetails::new(409).cause(&Cause::ModificationNotAllowed);
            return Err(Box::new(problem.detail("The call is not established yet.")));
        }
        let message = request.media_resource_info.as_ref().map(said);
        let known = call.channels.iter().position(|channel| channel.app == *app);
        if let Some(known) = known {
            let channel = &mut call.channels[known];
            channel.target = request.notification_info.clone();
            let asked = channel.waiting.len().max(channel.askers.len());
            if asked >= MAX_WAITING {
                let words = "too much waits for the data channel already";
                self.reply(ask, Ok(not_updated(&request.session_id, words)));
                return Ok(());
            }
            channel.waiting.extend(message);
            if channel.state == ChannelState::Awaited {
                // As long as somebody waits for it, it is waited for.
                let until = now + self.config.ue_channel_within;
                channel.until = Some(until);
                self.deadlines.insert((until, number));
            }
            if matches!(channel.state, ChannelState::Open(_) | ChannelState::Full(_)) {
                self.reply(ask, Ok(updated(&request.session_id)));
            } else {
                channel.askers.push(ask);
            }
            self.flush(number, app);
            return Ok(());
        }
        if call.channels.len() >= MAX_CHANNELS {
            let problem =
                ProblemDetails::new(403).detail("The call has as many channels as it may.");
            return Err(Box::new(problem));
        }
        let awaited = request.media_direction == Some(AdcType::P2A);
        let within = if awaited {
            self.config.ue_channel_within
        } else {
            self.config.channel_within
        };
        let until = now + within;
        call.channels.push(AppChannel {
            app: app.clone(),
            target: request.notification_info.clone(),
            state: if awaited {
                ChannelState::Awaited
            } else {
                ChannelState::Wanted
            },
            waiting: VecDeque::from_iter(message),
            askers: SmallVec::from_iter([ask]),
            sending: false,
            until: Some(until),
        });
        self.deadlines.insert((until, number));
        if call.has_data() {
            if awaited {
                self.tell_awaited(number);
            } else {
                self.open_wanted(number);
            }
            return Ok(());
        }
        self.add_data(now, number);
        Ok(())
    }

    /// A call without data channels gets some: room for them, and an offer to the UE.
    fn add_data(&mut self, now: Instant, number: u64) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        let held = call.anchor.as_ref().is_some_and(|one| one.waits_for_room());
        if held || call.media_change.is_some() {
            // It may bring them, and goes before.
            call.data_wanted = true;
            return;
        }
        if call.adding {
            // The answer to who asked first is for all.
            return;
        }
        let data = call.stream_of(MediaKind::Data);
        if call.anchor.is_some()
            && data.is_some_and(|stream| !stream.refused && stream.local.is_empty())
        {
            let words = "the gateway had no room for the data channels of the call";
            return self.data_refused(number, words);
        }
        let second = (call.legs.len() == 2).then(Box::default);
        let next = StreamId(u16::try_from(call.streams.len()).unwrap_or(u16::MAX));
        let id = match call.stream_of_mut(MediaKind::Data) {
            // One that a UE had refused is asked for again, where it was.
            Some(stream) if !stream.local.is_empty() => {
                stream.refused = false;
                let leg = call.app_leg();
                return self.re_invite(now, number, leg);
            }
            // One that a UE has offered, and that there was no room for.
            Some(stream) => stream.id,
            None => {
                let mut stream = Stream::new(next, MediaKind::Data, Vec::new());
                stream.refused = true;
                call.streams.push(stream);
                next
            }
        };
        call.adding = true;
        let command = Command::Reserve {
            context: call.context,
            streams: vec![StreamSettings {
                second,
                ..StreamSettings::new(id, MediaKind::Data)
            }],
        };
        self.ask_gateway(IqPurpose::Add(number), command);
    }

    /// There is room for the data channels of a call that had none.
    pub(super) fn added(&mut self, now: Instant, number: u64, reserved: Reserved) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        call.adding = false;
        let context = reserved.context;
        call.context = Some(context);
        call.has_room(reserved);
        for stream in &mut call.streams {
            let new = stream.far.iter().all(Option::is_none) && !stream.local.is_empty();
            stream.refused &= !new;
        }
        self.by_context.insert(context, number);
        self.pass_late(now, number);
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        // What a consumer changes is for both, a channel for one.
        let leg = match &mut call.media_change {
            Some(change) => change.next(),
            None => call.app_leg(),
        };
        self.re_invite(now, number, leg);
    }

    /// There is none.
    pub(super) fn not_added(&mut self, now: Instant, number: u64, words: &str) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        call.adding = false;
        if call.media_change.is_some() {
            self.media_change_refused(now, number, words);
        } else {
            self.change_refused(number, words);
        }
        self.pass_late(now, number);
    }

    /// A change of media is over, for these words if it is not made: who has waited for it gets data channels
    /// now, or hears that there are none.
    pub(super) fn data_after_change(&mut self, now: Instant, number: u64, failed: Option<&str>) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        if !std::mem::take(&mut call.data_wanted) || call.has_data() {
            return;
        }
        let waits =
            |one: &AppChannel| matches!(one.state, ChannelState::Wanted | ChannelState::Awaited);
        match failed {
            Some(words) => self.data_refused(number, words),
            None if call.channels.iter().any(waits) => self.add_data(now, number),
            // It has had its time.
            None => {}
        }
    }

    /// Whether the last offer of ours to this leg had data channels.
    pub(super) fn offered_data(&self, number: u64, leg: usize) -> bool {
        let call = self.by_number.get(&number);
        let data = call.and_then(|call| call.stream_of(MediaKind::Data));
        data.is_some_and(|stream| stream.offered[leg.min(1)])
    }

    /// A UE has answered an offer of ours.
    pub(super) fn change_taken(&mut self, number: u64, leg: usize) {
        let data = self.by_number.get(&number);
        let data = data.and_then(|call| call.stream_of(MediaKind::Data));
        if data.is_some_and(|stream| stream.refused) && self.offered_data(number, leg) {
            self.data_refused(number, "the UE took no data channels");
        }
    }

    /// There are no data channels: what was to be new is not there.
    pub(super) fn change_refused(&mut self, number: u64, words: &str) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        if let Some(stream) = call.stream_of_mut(MediaKind::Data)
            && stream.far.iter().all(Option::is_none)
        {
            stream.refused = true;
            self.data_refused(number, words);
        }
    }

    fn data_refused(&mut self, number: u64, words: &str) {
        let call = self.by_number.get(&number);
        let channels = call.into_iter().flat_map(|call| &call.channels);
        let apps: Vec<String> = channels.map(|channel| channel.app.clone()).collect();
        for app in apps {
            self.drop_channel(number, &app, words);
        }
    }
}

pub(super) fn updated(session: &str) -> Told {
    Told::MediaUpdated(DcMediaUpdateResp {
        session_id: session.to_owned(),
        result: Status::Success,
        cause: None,
        extensions: Extensions::new(),
    })
}
