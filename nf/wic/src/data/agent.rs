//! What the owner of a WIC does with channels.

use std::time::Instant;

use core_bootstrap::is_qos_hint;
use core_data_channel::{Event as SctpEvent, Message, SendError};
use wire_sdp::Attribute as _;
use wire_sdp::attribute::ReqApp;

use super::table::FIRST_STREAM;
use super::{
    ChannelClosed, ChannelEvent, DataChannelId, DataChannelInit, DataOutput, DataTransport,
    ImsDataChannel,
};
use crate::agent::Wic;
use crate::call::{Call, CallId};
use crate::change::Change;
use crate::media::MediaPart;
use crate::{Event, NotDone, Output};

/// How long the name of an application may be.
const MAX_APPLICATION: usize = 128;

impl Wic {
    /// Opens a channel in a call: at once if it is in band and there is an association; else our next
    /// offer has it, the INVITE that has not left or a re-INVITE that follows.
    pub fn open_channel(
        &mut self,
        now: Instant,
        call: CallId,
        init: DataChannelInit,
    ) -> Result<DataChannelId, NotDone> {
        let found = self.calls.find(call).ok_or(NotDone::NoCall)?;
        check(&init).map_err(NotDone::Channel)?;
        let id = found.channels.want(init);
        if found.data.as_ref().is_some_and(|data| !data.is_over()) {
            found.channels.line_is_there();
        }
        self.drain_data(now);
        Ok(id)
    }

    /// TS 26.114 §6.2.10.3 — takes a channel that the other end asks for, or refuses it, after
    /// [`ChannelEvent::Requested`]. With the last one of an offer the offer is answered.
    pub fn answer_channel(
        &mut self,
        now: Instant,
        id: DataChannelId,
        take: bool,
    ) -> Result<(), NotDone> {
        let call = self.calls.find(id.call).ok_or(NotDone::NoCall)?;
        if !call.channels.is_requested(id) {
            return Err(NotDone::NoChannel);
        }
        let in_band = call.channels.decide(id, take);
        if let (Some(stream), Some(data)) = (in_band, &mut call.data) {
            if let Some(association) = data.association() {
                if take {
                    association.accept(now, stream);
                } else {
                    association.close(now, stream);
                }
            }
            data.drain(now);
        } else if !call.channels.is_asking() {
            self.answer_asked(now, id.call);
        }
        self.drain_data(now);
        Ok(())
    }

    /// Closes a channel: what was sent on it arrives.
    pub fn close_channel(&mut self, now: Instant, id: DataChannelId) -> Result<(), NotDone> {
        let call = self.calls.find(id.call).ok_or(NotDone::NoCall)?;
        call.channels.get(id).ok_or(NotDone::NoChannel)?;
        if call.channels.is_requested(id) {
            return self.answer_channel(now, id, false);
        }
        let stream = call.channels.close(id);
        if let (Some(stream), Some(data)) = (stream, &mut call.data) {
            if let Some(association) = data.association() {
                association.close(now, stream);
            }
            data.drain(now);
        }
        self.drain_data(now);
        Ok(())
    }

    /// Sends a message, if there is room: after [`SendError::Full`] [`ChannelEvent::Writable`] says when.
    pub fn send_message(
        &mut self,
        now: Instant,
        id: DataChannelId,
        message: Message,
    ) -> Result<(), SendError> {
        let call = self.calls.find(id.call).ok_or(SendError::NotOpen)?;
        let channel = call.channels.get(id).ok_or(SendError::NotOpen)?;
        let stream = channel.stream.ok_or(SendError::NotOpen)?;
        let data = call.data.as_mut().ok_or(SendError::NotOpen)?;
        let association = data.association().ok_or(SendError::NotOpen)?;
        association.send(now, stream, message)?;
        data.drain(now);
        self.drain_data(now);
        Ok(())
    }

    /// Whether a message can be sent now; if not, [`ChannelEvent::Writable`] or
    /// [`ChannelEvent::Opened`] says when.
    pub fn has_room(&mut self, id: DataChannelId) -> bool {
        let Some(call) = self.calls.find(id.call) else {
            return false;
        };
        let stream = call.channels.get(id).and_then(|channel| channel.stream);
        let association = call.data.as_mut().and_then(DataTransport::association);
        let both = association.zip(stream);
        both.is_some_and(|(association, stream)| association.has_room(stream))
    }

    /// The next message of a channel. What is not read makes the other end wait.
    pub fn receive_message(&mut self, now: Instant, id: DataChannelId) -> Option<Message> {
        let call = self.calls.find(id.call)?;
        let stream = call.channels.get(id)?.stream?;
        let data = call.data.as_mut()?;
        let message = data.association()?.read(now, stream)?;
        data.drain(now);
        self.drain_data(now);
        Some(message)
    }

    /// A channel as it is.
    pub fn channel(&self, id: DataChannelId) -> Option<&ImsDataChannel> {
        self.calls.seen(id.call)?.channels.get(id)
    }

    /// The channels of a call that are not closed.
    pub fn channels(&self, call: CallId) -> Vec<DataChannelId> {
        let call = self.calls.seen(call);
        call.map(|call| call.channels.ids()).unwrap_or_default()
    }

    /// Whether there is an m-line for data channels in a call.
    pub fn has_data(&self, id: CallId) -> bool {
        self.calls.seen(id).is_some_and(|call| call.data.is_some())
    }

    /// Does what channels want, and tells what happened to them.
    pub(crate) fn drain_data(&mut self, now: Instant) {
        for id in self.calls.ids() {
            self.drain_data_of(now, id);
        }
    }

    fn drain_data_of(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.calls.find(id) else {
            return;
        };
        call.begin_channels(now);
        while let Some(output) = call.data.as_mut().and_then(DataTransport::poll) {
            match output {
                DataOutput::Transmit { to, bytes } => {
                    let Some(data) = &call.data else { continue };
                    let from = data.local();
                    self.outputs.push_back(Output::Transmit { from, to, bytes });
                }
                DataOutput::Found => {
                    let event = Event::MediaConnected(MediaPart::Data);
                    let call = Some(id);
                    self.outputs.push_back(Output::Event { event, call });
                }
                DataOutput::Channel(event) => {
                    if event == SctpEvent::Connected {
                        let event = Event::MediaConnected(MediaPart::Data);
                        let call = Some(id);
                        self.outputs.push_back(Output::Event { event, call });
                    }
                    call.channel_event(now, event);
                    call.begin_channels(now);
                }
                DataOutput::Over(reason) => {
                    call.channels.lose_begun(&ChannelClosed::Lost(reason));
                }
            }
        }
        let mut bootstrap = Vec::new();
        while let Some((channel, event)) = call.channels.poll_event() {
            if self.askers.contains_key(&channel) {
                let messages = matches!(event, ChannelEvent::Readable | ChannelEvent::Writable);
                bootstrap.push((channel, event.clone()));
                if messages {
                    continue;
                }
            }
            let event = Event::Channel { channel, event };
            let call = Some(id);
            self.outputs.push_back(Output::Event { event, call });
        }
        let asked = call
            .changes
            .iter()
            .skip(usize::from(call.changing.is_some()));
        let asked = asked
            .into_iter()
            .any(|change| matches!(change, Change::Channels));
        if !asked && call.needs_channels() && call.is_begun() {
            // With too many changes waiting it is asked for when the next of them is done.
            let _ = self.ask(now, id, Change::Channels);
        }
        for (channel, event) in bootstrap {
            self.bootstrap_event(now, channel, event);
        }
    }
}

impl Call {
    /// Whether the descriptions have to be made anew for channels.
    pub(crate) fn needs_channels(&self) -> bool {
        let line = self.data.as_ref().is_some_and(|data| !data.is_over());
        self.channels.needs_offer(line)
    }

    /// Tells SCTP of the channels that both ends agreed on.
    fn begin_channels(&mut self, now: Instant) {
        let Some(data) = &mut self.data else { return };
        let Some(association) = data.association() else {
            return;
        };
        let to_begin = self.channels.to_begin();
        if to_begin.is_empty() {
            return;
        }
        for (id, wanted) in to_begin {
            let begun = match wanted.stream.filter(|_| !wanted.in_band) {
                Some(stream) => association
                    .negotiate(now, stream, wanted.channel)
                    .map(|()| stream),
                None => association.open(now, wanted.channel),
            };
            match begun {
                Ok(stream) => self.channels.begun(id, stream),
                Err(error) => self.channels.not_begun(id, error.to_string()),
            }
        }
        data.drain(now);
    }

    /// What SCTP says.
    fn channel_event(&mut self, now: Instant, event: SctpEvent) {
        match event {
            SctpEvent::Connected => {}
            SctpEvent::Requested { id, channel } => {
                let taken = self.channels.requested(id, channel);
                let Some(data) = &mut self.data else { return };
                match (data.association(), taken) {
                    (Some(association), Some(true)) => drop(association.accept(now, id)),
                    (Some(association), Some(false)) => association.close(now, id),
                    _ => {}
                }
                data.drain(now);
            }
            SctpEvent::Opened { id } => self.channels.opened(id),
            SctpEvent::Readable { id } => self.channels.tell(id, ChannelEvent::Readable),
            SctpEvent::Writable { id } => self.channels.tell(id, ChannelEvent::Writable),
            SctpEvent::Closed { id, reason } => self.channels.closed(id, reason.into()),
            SctpEvent::Released { id } => self.channels.released(id),
            SctpEvent::Ended(reason) => {
                if let Some(data) = &mut self.data {
                    data.end(reason.to_string());
                }
            }
        }
    }
}

/// What can be in a description, and in an OPEN.
fn check(init: &DataChannelInit) -> Result<(), &'static str> {
    let breaks = |text: &String| text.chars().any(char::is_control);
    if init.attributes.iter().any(breaks) {
        return Err("an attribute of a channel is one line");
    }
    let most = core_data_channel::Limits::default().name;
    let names = [&init.channel.label, &init.channel.protocol];
    if names.iter().any(|name| name.len() > most) {
        return Err("the label or the subprotocol is too long");
    }
    if init.stream.is_some_and(|stream| !stream.is_valid()) {
        return Err("65535 is no stream of a channel");
    }
    let said = !init.attributes.is_empty() || init.application.is_some() || init.qos_hint.is_some();
    if init.in_band && (init.stream.is_some() || said) {
        return Err("a channel that is opened in band has neither stream nor attributes of ours");
    }
    if let Some(application) = &init.application {
        let token = |id: &str| ReqApp::parse(id).is_ok_and(|app| app.application == id);
        if application.id.len() > MAX_APPLICATION || !token(&application.id) {
            return Err("that is no identifier of an application");
        }
        if init.stream.is_some_and(|stream| stream.0 < FIRST_STREAM) {
            return Err("streams below 1000 are not for applications");
        }
    }
    if init
        .qos_hint
        .as_ref()
        .is_some_and(|hint| !is_qos_hint(hint))
    {
        return Err("that is no hint about quality of service");
    }
    Ok(())
}
