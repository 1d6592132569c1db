//! The channels of applications in calls: opened, told of, written to (TS 29.392 §5.3.2.4).

use std::time::Instant;

use core_iq::{
    ChannelAction, ChannelAt, ChannelDescription, ChannelEnd, ChannelMessage, Command,
    DataSettings, Event, MediaKind, Refusal, Reply, StreamEnd, StreamSettings,
};

use super::adding::updated;
use super::asked::Described;
use super::call::Call;
use super::channel::{AppChannel, ChannelState, became, description, heard};
use super::ending::{not_updated, notify};
use super::machine::{Calls, IqPurpose};
use super::sending::After;
use crate::Change;

/// How many messages of a channel may be on their way to the store.
const CREDIT: u32 = 8;

impl Calls {
    /// The call stands: channels that can come are waited for, the others are told to be refused.
    pub(super) fn channels_begin(&mut self, now: Instant, number: u64) -> Vec<Change> {
        let within = self.config.channel_within;
        let Some(call) = self.by_number.get_mut(&number) else {
            return Vec::new();
        };
        let data = call.stream_of(MediaKind::Data);
        if data.is_some_and(|stream| stream.refused) {
            let session = call.session.clone();
            let refused = std::mem::take(&mut call.channels).into_iter();
            let words = "the UE took no data channels";
            let told = refused.map(|one| {
                let event = became(&session, &one.app, "REFUSED", Some(words));
                notify(&session, &one.target, &event)
            });
            return told.collect();
        }
        let until = now + within;
        for channel in &mut call.channels {
            channel.until = Some(until);
            self.deadlines.insert((until, number));
        }
        Vec::new()
    }

    /// What a UE asked for in SDP, and was taken, has its time to open.
    pub(super) fn channels_wait(&mut self, now: Instant, number: u64) {
        let until = now + self.config.channel_within;
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        for channel in &mut call.channels {
            let negotiated = matches!(channel.state, ChannelState::Negotiated(_));
            if negotiated && channel.until.is_none() {
                channel.until = Some(until);
                self.deadlines.insert((until, number));
            }
        }
    }

    /// What the gateway tells of a Context.
    pub(super) fn media_event(&mut self, now: Instant, number: u64, event: Event) {
        match event {
            Event::DataConnected { end } if self.app_end(number) == Some(end) => {
                self.open_wanted(number);
            }
            Event::DataEnded { end, reason } if self.app_end(number) == Some(end) => {
                self.data_ended(number, &reason);
            }
            Event::DtlsFailed { reason } => self.data_ended(number, &reason),
            Event::ChannelRequested { at, channel } => self.requested(number, at, &channel),
            Event::ChannelOpened { at } => self.opened(number, at),
            Event::ChannelClosed { at, end } => self.closed(now, number, at, &end),
            Event::ChannelMessage { at, message } => self.message(number, at, &message),
            Event::ChannelWritable { at } => self.writable(number, at),
            Event::DataConnected { .. }
            | Event::DataEnded { .. }
            | Event::IceConnected
            | Event::DtlsConnected { .. }
            | Event::WicSilent
            | Event::WicBack => {}
        }
    }

    fn app_end(&self, number: u64) -> Option<StreamEnd> {
        self.by_number.get(&number).map(Call::app_end)
    }

    /// SCTP is there: what is to be opened in band is asked for.
    pub(super) fn open_wanted(&mut self, number: u64) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        let mut commands = Vec::new();
        let end = call.app_end();
        for channel in &mut call.channels {
            if channel.state == ChannelState::Wanted {
                channel.state = ChannelState::Asked;
                let action = ChannelAction::Open {
                    end,
                    channel: description(&channel.app),
                };
                commands.push((channel.app.clone(), action));
            }
        }
        for (app, action) in commands {
            self.act(number, IqPurpose::Open(number, app), action);
        }
    }

    /// Between two UEs, the gateway hears which channels of the one are not for the other.
    pub(super) fn tell_awaited(&mut self, number: u64) {
        let call = self.by_number.get(&number);
        let Some(call) = call.filter(|call| call.legs.len() == 2) else {
            return;
        };
        let Some((context, stream)) = call.context.zip(call.stream_of(MediaKind::Data)) else {
            return;
        };
        // What is not said stays as it is.
        let mut settings = StreamSettings::new(stream.id, MediaKind::Data);
        settings.data = Some(Box::new(DataSettings {
            awaited: Some(call.awaited()),
            ..DataSettings::default()
        }));
        let command = Command::Configure {
            context,
            streams: vec![settings],
        };
        self.ask_gateway(IqPurpose::Configure(number), command);
    }

    /// The gateway was asked to open one in band.
    pub(super) fn opening(
        &mut self,
        _now: Instant,
        number: u64,
        app: &str,
        result: Result<Reply, Refusal>,
    ) {
        let end = self.app_end(number).unwrap_or(StreamEnd::Core);
        let Some(channel) = self.channel(number, app) else {
            return;
        };
        match result {
            Ok(Reply::ChannelOpening { id }) => {
                channel.state = ChannelState::Opening(ChannelAt { end, id });
            }
            // SCTP is not there yet: it is asked for when it is.
            Err(Refusal::UnknownChannel) => channel.state = ChannelState::Wanted,
            Ok(_) => {}
            Err(refusal) => self.drop_channel(number, app, &refusal.to_string()),
        }
    }

    /// RFC 8832 §6 — the UE opens one: that of the application of that name, or of the only one that
    /// waits for one. Any other is refused.
    fn requested(&mut self, number: u64, at: ChannelAt, asked: &ChannelDescription) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        let free = |channel: &AppChannel| channel.at().is_none();
        let named = |channel: &AppChannel| channel.app == asked.label;
        let channels = &call.channels;
        let found = match channels.iter().position(|one| free(one) && named(one)) {
            Some(index) => Some(index),
            None if channels.len() == 1 && free(&channels[0]) => Some(0),
            None => None,
        };
        let found = found.and_then(|index| call.channels.get_mut(index));
        let action = match found {
            Some(channel) => {
                channel.state = ChannelState::Opening(at);
                ChannelAction::Accept(at)
            }
            None => ChannelAction::Close(at),
        };
        let accepted = matches!(action, ChannelAction::Accept(_));
        self.act(number, IqPurpose::Nothing, action);
        if accepted {
            self.tell_awaited(number);
            self.opened(number, at);
        }
    }

    /// One is open: who waits for it hears so, and what waits goes out.
    fn opened(&mut self, number: u64, at: ChannelAt) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        let (session, end) = (call.session.clone(), call.app_end());
        let at_it = |channel: &&mut AppChannel| match channel.state {
            ChannelState::Negotiated(id) => at.end == end && id == at.id,
            ChannelState::Opening(opening) => opening == at,
            _ => false,
        };
        let Some(channel) = call.channels.iter_mut().find(at_it) else {
            return;
        };
        channel.state = ChannelState::Open(at);
        let app = channel.app.clone();
        let event = became(&session, &app, "OPENED", None);
        let told = notify(&session, &channel.target, &event);
        let askers = std::mem::take(&mut channel.askers).into_iter();
        let after = askers.map(|ask| After::Reply(ask, Ok(updated(&session))));
        self.commit(vec![told], after.collect());
        self.act(
            number,
            IqPurpose::Nothing,
            ChannelAction::Credit(at, CREDIT),
        );
        self.flush(number, &app);
    }

    fn closed(&mut self, _now: Instant, number: u64, at: ChannelAt, end: &ChannelEnd) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        let at_it = |channel: &AppChannel| {
            channel.at() == Some(at) || channel.state == ChannelState::Negotiated(at.id)
        };
        let Some(channel) = call.channels.iter().find(|channel| at_it(channel)) else {
            return;
        };
        let app = channel.app.clone();
        let words = match end {
            ChannelEnd::ByUs => "it was closed here",
            ChannelEnd::ByPeer => "the UE closed it",
            ChannelEnd::Failed(words) => words,
        };
        self.drop_channel(number, &app, words);
    }

    /// SCTP, or DTLS, is gone, and all channels with it.
    fn data_ended(&mut self, number: u64, reason: &str) {
        let channels = self.by_number.get(&number).map(|call| &call.channels);
        let apps: Vec<String> = channels
            .into_iter()
            .flatten()
            .map(|channel| channel.app.clone())
            .collect();
        for app in apps {
            self.drop_channel(number, &app, reason);
        }
    }

    /// A channel is no more, or will never be: its application is told which.
    pub(super) fn drop_channel(&mut self, number: u64, app: &str, words: &str) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        let Some(index) = call.channels.iter().position(|channel| channel.app == app) else {
            return;
        };
        let channel = call.channels.remove(index);
        let awaited = channel.state == ChannelState::Awaited;
        if let Some(stream) = call.stream_of_mut(MediaKind::Data) {
            // RFC 8864 §6.6.1: it is in no description of ours any more.
            let of = |one: &Described| one.app.as_deref() == Some(app);
            stream.negotiated.retain(|one| !of(one));
        }
        let what = channel.ends_as();
        let session = call.session.clone();
        let event = became(&session, app, what, Some(words));
        let told = notify(&session, &channel.target, &event);
        let askers = channel.askers.into_iter();
        let after = askers.map(|ask| After::Reply(ask, Ok(not_updated(&session, words))));
        self.commit(vec![told], after.collect());
        if awaited {
            self.tell_awaited(number);
        }
    }

    /// Channels that have had their time to open.
    pub(super) fn channels_due(&mut self, now: Instant, number: u64) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        let late = call.channels.iter().filter(|channel| channel.is_late(now));
        let late = late.map(|channel| {
            let words = match channel.state {
                ChannelState::Awaited => "the UE did not open it in time",
                _ => "it did not open in time",
            };
            (channel.app.clone(), channel.at(), words)
        });
        let late: Vec<(String, Option<ChannelAt>, &str)> = late.collect();
        for (app, at, words) in late {
            if let Some(at) = at {
                self.act(number, IqPurpose::Nothing, ChannelAction::Close(at));
            }
            self.drop_channel(number, &app, words);
        }
    }

    /// TS 29.392 §5.3.2.4.2 — a message of the UE: told, and written down before the next one is taken.
    fn message(&mut self, number: u64, at: ChannelAt, message: &ChannelMessage) {
        let Some(call) = self.by_number.get(&number) else {
            return;
        };
        let Some(channel) = call.channels.iter().find(|one| one.at() == Some(at)) else {
            return;
        };
        let body = heard(&call.session, message);
        let told = notify(&call.session, &channel.target, &body);
        let stream = call.stream_of(MediaKind::Data).map(|stream| stream.id);
        let after = stream.map(|stream| After::Credit(number, stream, at));
        self.counters.heard += 1;
        self.commit(vec![told], after.into_iter().collect());
    }

    fn writable(&mut self, number: u64, at: ChannelAt) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        let mut channels = call.channels.iter_mut();
        let Some(channel) = channels.find(|channel| channel.state == ChannelState::Full(at)) else {
            return;
        };
        channel.state = ChannelState::Open(at);
        let app = channel.app.clone();
        self.flush(number, &app);
    }

    /// The gateway took the last message no more.
    pub(super) fn channel_full(&mut self, number: u64, app: &str) {
        if let Some(channel) = self.channel(number, app)
            && let ChannelState::Open(at) = channel.state
        {
            channel.state = ChannelState::Full(at);
        }
    }

    /// The gateway has answered a message: the next one goes, or the same again.
    pub(super) fn sent(&mut self, number: u64, app: &str, result: &Result<Reply, Refusal>) {
        match result {
            Err(Refusal::ChannelFull) => self.channel_full(number, app),
            Err(refusal) => {
                let words = refusal.to_string();
                self.drop_channel(number, app, &words);
            }
            Ok(_) => {
                if let Some(channel) = self.channel(number, app) {
                    channel.waiting.pop_front();
                    channel.sending = false;
                }
                return self.flush(number, app);
            }
        }
        if let Some(channel) = self.channel(number, app) {
            channel.sending = false;
        }
    }

    /// Sends the first of what waits, one at a time.
    pub(super) fn flush(&mut self, number: u64, app: &str) {
        let Some(channel) = self.channel(number, app) else {
            return;
        };
        let ChannelState::Open(at) = channel.state else {
            return;
        };
        if channel.sending {
            return;
        }
        let Some(first) = channel.waiting.front().cloned() else {
            return;
        };
        channel.sending = true;
        let action = ChannelAction::Send(at, ChannelMessage::Text(first));
        self.act(number, IqPurpose::Send(number, app.to_owned()), action);
    }

    fn channel(&mut self, number: u64, app: &str) -> Option<&mut AppChannel> {
        let call = self.by_number.get_mut(&number)?;
        call.channels.iter_mut().find(|channel| channel.app == app)
    }

    fn act(&mut self, number: u64, purpose: IqPurpose, action: ChannelAction) {
        let place = |call: &Call| Some((call.context?, call.stream_of(MediaKind::Data)?.id));
        if let Some((context, stream)) = self.by_number.get(&number).and_then(place) {
            let command = Command::Channel {
                context,
                stream,
                action,
            };
            self.ask_gateway(purpose, command);
        }
    }
}
