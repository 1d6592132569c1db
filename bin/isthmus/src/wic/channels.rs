//! What is done with data channels: lines, files, echo.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nf_wic::{CallId, ChannelEvent, DataChannelId, Kind, Message, SendError};
use serde_json::{Value, json};

use super::channel_words::{channel, chat, describe, for_files};
use super::driver::Driver;
use super::files::{self, Heard, Receiving, Sending};

/// How often a file that goes or comes is spoken of.
const OFTEN: Duration = Duration::from_secs(1);

/// Nobody asks for more files before the first is there.
const MAX_FILES: usize = 64;

/// The channels of a phone.
#[derive(Debug, Default)]
pub(super) struct Channels {
    flows: BTreeMap<DataChannelId, Flow>,
    /// Files that go into the next channel for files of a call.
    waiting: BTreeMap<CallId, VecDeque<PathBuf>>,
    /// Calls in which the lines of the command line were said.
    said: BTreeSet<CallId>,
}

/// One channel.
#[derive(Debug)]
struct Flow {
    what: What,
    told_at: Instant,
}

#[derive(Debug)]
enum What {
    /// What comes is printed.
    Lines,
    /// What comes goes back, when there is room.
    Echo(Option<Message>),
    Files(Box<Files>),
    /// A bootstrap channel: what is asked on it is told by itself.
    Applications,
}

#[derive(Debug)]
struct Files {
    sending: Option<Sending>,
    /// Short things that there was no room for.
    replies: VecDeque<Message>,
    receiving: Receiving,
}

impl Driver {
    /// A call is there: ours was offered with what the command line wants, the other end's was not.
    pub(super) fn begin_channels(&mut self, now: Instant, call: CallId, ours: bool) {
        let files = self.args.send_file.iter().cloned().collect();
        self.channels.waiting.insert(call, files);
        if ours {
            return;
        }
        for init in self.args.channels() {
            if let Err(reason) = self.wic.open_channel(now, call, init) {
                self.task.failed = true;
                self.not_done("channel", &reason);
            }
        }
    }

    /// A call is over: whether all that was to be said was said.
    pub(super) fn end_channels(&mut self, call: CallId) -> bool {
        self.channels.waiting.remove(&call);
        self.channels.said.remove(&call) || self.args.say.is_empty()
    }

    /// Opens a channel as a line says.
    pub(super) fn open_channel(&mut self, now: Instant, spec: &str) -> Result<(), String> {
        let init = channel(spec)?;
        let call = self.wic.current().ok_or("there is no call")?;
        let more = describe(&init.channel);
        let opened = self.wic.open_channel(now, call, init);
        let id = opened.map_err(|reason| reason.to_string())?;
        self.say_of_channel(id, "channel_opening", more);
        Ok(())
    }

    pub(super) fn close_channel(&mut self, now: Instant, number: u32) -> Result<(), String> {
        let id = self.channel(number)?;
        let closed = self.wic.close_channel(now, id);
        closed.map_err(|reason| reason.to_string())
    }

    /// Takes a channel that the other end asks for, or refuses it.
    pub(super) fn answer_channel(
        &mut self,
        now: Instant,
        number: u32,
        take: bool,
    ) -> Result<(), String> {
        let id = self.channel(number)?;
        let answered = self.wic.answer_channel(now, id, take);
        answered.map_err(|reason| reason.to_string())
    }

    /// A line for the other end.
    pub(super) fn say_line(
        &mut self,
        now: Instant,
        number: u32,
        line: String,
    ) -> Result<(), String> {
        let id = self.channel(number)?;
        let said = self.wic.send_message(now, id, Message::text(line));
        said.map_err(|reason| reason.to_string())
    }

    /// A file for the other end, on a channel for files: one that there is, or a new one.
    pub(super) fn send_file(
        &mut self,
        now: Instant,
        call: CallId,
        file: PathBuf,
    ) -> Result<(), String> {
        // That it can be read is said now.
        Sending::open(&file).map_err(|error| format!("{error:#}"))?;
        let waiting = self.channels.waiting.entry(call).or_default();
        if waiting.len() >= MAX_FILES {
            return Err("too many files wait".into());
        }
        waiting.push_back(file);
        let is_for_files = |id: &DataChannelId| {
            let channel = self.wic.channel(*id);
            channel.is_some_and(|channel| channel.channel.protocol == files::PROTOCOL)
        };
        let known = self.wic.channels(call).into_iter().find(is_for_files);
        if let Some(id) = known {
            self.pump(now, id);
            return Ok(());
        }
        let opened = self.wic.open_channel(now, call, for_files());
        opened.map(|_| ()).map_err(|reason| reason.to_string())
    }

    /// Tells how each channel of the current call is.
    pub(super) fn list_channels(&mut self) {
        let Some(call) = self.wic.current() else {
            return;
        };
        for id in self.wic.channels(call) {
            let Some(channel) = self.wic.channel(id) else {
                continue;
            };
            let mut more = describe(&channel.channel);
            more["stream"] = json!(channel.stream.map(|stream| stream.0));
            more["state"] = json!(format!("{:?}", channel.state).to_ascii_lowercase());
            self.say_of_channel(id, "channel", more);
        }
    }

    pub(super) fn channel_event(&mut self, now: Instant, id: DataChannelId, event: ChannelEvent) {
        match event {
            ChannelEvent::Requested => self.tell_channel(id, "channel_requested"),
            ChannelEvent::Incoming | ChannelEvent::Opened => {
                let word = if event == ChannelEvent::Opened {
                    "channel_open"
                } else {
                    "channel_incoming"
                };
                self.tell_channel(id, word);
                self.begin_flow(now, id);
                if event == ChannelEvent::Opened {
                    self.say_lines(now, id);
                }
                self.pump(now, id);
            }
            ChannelEvent::Readable | ChannelEvent::Writable => self.pump(now, id),
            ChannelEvent::Closed(reason) => {
                let reason = reason.to_string();
                self.end_flow(id, &reason);
                self.say_of_channel(id, "channel_closed", json!({ "reason": reason }));
            }
        }
    }

    /// What the command line has to say, once in a call.
    fn say_lines(&mut self, now: Instant, id: DataChannelId) {
        let channel = self.wic.channel(id);
        let is_chat =
            channel.is_some_and(|channel| channel.ours && channel.channel == chat().channel);
        if !is_chat || self.args.say.is_empty() || !self.channels.said.insert(id.call) {
            return;
        }
        for line in self.args.say.clone() {
            if let Err(reason) = self.wic.send_message(now, id, Message::text(line)) {
                self.not_done("say", &reason);
            }
        }
    }

    fn tell_channel(&mut self, id: DataChannelId, word: &str) {
        let Some(channel) = self.wic.channel(id) else {
            return;
        };
        let mut more = describe(&channel.channel);
        more["stream"] = json!(channel.stream.map(|stream| stream.0));
        more["in_band"] = json!(channel.in_band);
        if !channel.attributes.is_empty() {
            more["attributes"] = json!(channel.attributes);
        }
        if let Some(application) = &channel.application {
            more["application"] = json!(application.id);
            more["endpoint"] = json!(application.endpoint.to_string().to_ascii_lowercase());
        }
        self.say_of_channel(id, word, more);
    }

    fn begin_flow(&mut self, now: Instant, id: DataChannelId) {
        let Some(channel) = self.wic.channel(id) else {
            return;
        };
        let what = if channel.channel.protocol == files::PROTOCOL {
            What::Files(Box::new(Files {
                sending: None,
                replies: VecDeque::new(),
                receiving: Receiving::new(self.args.save_files.clone()),
            }))
        } else if channel.is_bootstrap() {
            What::Applications
        } else if self.args.echo_channels {
            What::Echo(None)
        } else {
            What::Lines
        };
        let flow = Flow { what, told_at: now };
        self.channels.flows.entry(id).or_insert(flow);
    }

    fn end_flow(&mut self, id: DataChannelId, reason: &str) {
        let flow = self.channels.flows.remove(&id);
        let what = flow.map(|flow| flow.what);
        if let Some(What::Files(mut files)) = what {
            if let Some(sending) = files.sending.take() {
                self.file_failed(id, &sending.name, reason);
            }
            if let Some(name) = files.receiving.close() {
                self.file_failed(id, &name, reason);
            }
        }
        // What waited for a channel that did not come, or that is gone, goes nowhere.
        let left = self.wic.channels(id.call);
        let is_left = |other: &DataChannelId| {
            let channel = self.wic.channel(*other);
            channel.is_some_and(|channel| channel.channel.protocol == files::PROTOCOL)
        };
        if !left.iter().any(is_left)
            && let Some(waiting) = self.channels.waiting.remove(&id.call)
        {
            for file in waiting {
                let name = file.display().to_string();
                self.file_failed(id, &name, reason);
            }
        }
    }

    fn file_failed(&mut self, id: DataChannelId, name: &str, reason: &str) {
        self.task.failed |= !self.args.commands;
        let more = json!({ "name": name, "reason": reason });
        self.say_of_channel(id, "file_failed", more);
        self.hang_up_after_files(id.call);
    }

    /// Sends and reads as much as can be.
    pub(super) fn pump(&mut self, now: Instant, id: DataChannelId) {
        let Some(mut flow) = self.channels.flows.remove(&id) else {
            return;
        };
        let result = match &mut flow.what {
            What::Lines => {
                while let Some(message) = self.wic.receive_message(now, id) {
                    self.print(id, &message);
                }
                Ok(())
            }
            What::Echo(held) => self.echo(now, id, held),
            What::Files(files) => self.pump_files(now, id, files, &mut flow.told_at),
            What::Applications => Ok(()),
        };
        match result {
            Ok(()) | Err(SendError::Full | SendError::NotOpen) => {}
            Err(reason) => self.not_done("send", &reason),
        }
        // A closed one has said so.
        if self.wic.channel(id).is_some() {
            self.channels.flows.insert(id, flow);
        }
    }

    fn print(&self, id: DataChannelId, message: &Message) {
        match message.kind {
            Kind::Text => {
                let text = String::from_utf8_lossy(&message.data);
                self.say_of_channel(id, "line", json!({ "text": text }));
            }
            Kind::Binary => {
                self.say_of_channel(id, "bytes", json!({ "size": message.data.len() }));
            }
        }
    }

    fn echo(
        &mut self,
        now: Instant,
        id: DataChannelId,
        held: &mut Option<Message>,
    ) -> Result<(), SendError> {
        loop {
            let message = held.take().or_else(|| self.wic.receive_message(now, id));
            let Some(message) = message else {
                return Ok(());
            };
            if !self.wic.has_room(id) {
                *held = Some(message);
                return Ok(());
            }
            self.wic.send_message(now, id, message)?;
        }
    }

    fn pump_files(
        &mut self,
        now: Instant,
        id: DataChannelId,
        files: &mut Files,
        told_at: &mut Instant,
    ) -> Result<(), SendError> {
        while let Some(message) = self.wic.receive_message(now, id) {
            let heard = files.receiving.hear(&message);
            self.heard(now, id, files, heard);
            // The next file is announced only after our reply: there are few.
            while self.wic.has_room(id)
                && let Some(reply) = files.replies.pop_front()
            {
                self.wic.send_message(now, id, reply)?;
            }
        }
        loop {
            if files.sending.is_none() {
                self.next_file(id, files);
            }
            if !self.wic.has_room(id) {
                break;
            }
            let message = if let Some(reply) = files.replies.pop_front() {
                reply
            } else {
                let Some(sending) = &mut files.sending else {
                    break;
                };
                match sending.next() {
                    Ok(Some(message)) => message,
                    Ok(None) => break,
                    Err(error) => {
                        let (name, reason) = (sending.name.clone(), format!("{error:#}"));
                        files.sending = None;
                        self.file_failed(id, &name, &reason);
                        files::abort(&reason)
                    }
                }
            };
            self.wic.send_message(now, id, message)?;
        }
        if now.duration_since(*told_at) >= OFTEN {
            *told_at = now;
            self.tell_progress(id, files);
        }
        Ok(())
    }

    /// The next file that waits begins.
    fn next_file(&mut self, id: DataChannelId, files: &mut Files) {
        while let Some(waiting) = self.channels.waiting.get_mut(&id.call)
            && let Some(path) = waiting.pop_front()
        {
            match Sending::open(&path) {
                Ok(sending) => {
                    let more = json!({ "name": sending.name, "size": sending.size });
                    self.say_of_channel(id, "file_sending", more);
                    files.sending = Some(sending);
                    return;
                }
                Err(error) => {
                    let name = path.display().to_string();
                    self.file_failed(id, &name, &format!("{error:#}"));
                }
            }
        }
    }

    fn tell_progress(&self, id: DataChannelId, files: &Files) {
        let sending = files.sending.as_ref();
        let sending = sending.map(|file| (&file.name, file.size, file.sent));
        let coming = files.receiving.coming();
        let coming = coming.map(|file| (&file.name, file.size, file.came));
        for (name, size, done) in sending.into_iter().chain(coming) {
            let more = json!({ "name": name, "size": size, "done": done });
            self.say_of_channel(id, "file_progress", more);
        }
    }

    /// What the other end said about files.
    fn heard(&mut self, now: Instant, id: DataChannelId, files: &mut Files, heard: Heard) {
        match heard {
            Heard::Nothing | Heard::More => {}
            Heard::Begun { name, size } => {
                let more = json!({ "name": name, "size": size });
                self.say_of_channel(id, "file_coming", more);
            }
            Heard::Kept {
                name,
                size,
                sha256,
                file,
                since,
            } => {
                files.replies.push_back(files::received(&sha256));
                let more = json!({
                    "name": name, "size": size, "sha256": sha256,
                    "file": file.display().to_string(), "seconds": took(now, since),
                });
                self.say_of_channel(id, "file_received", more);
            }
            Heard::Lost { name, reason, say } => {
                if say {
                    files.replies.push_back(files::refused(&reason));
                }
                self.file_failed(id, &name, &reason);
            }
            Heard::Received(theirs) => {
                // Of a file that was given up.
                let Some(sending) = files.sending.take() else {
                    return;
                };
                if sending.sha256() == Some(theirs.as_str()) {
                    let more = json!({
                        "name": sending.name, "size": sending.size, "sha256": theirs,
                        "seconds": took(now, sending.since),
                    });
                    self.say_of_channel(id, "file_sent", more);
                    self.hang_up_after_files(id.call);
                } else {
                    let reason = "the other end has another SHA-256";
                    self.file_failed(id, &sending.name, reason);
                }
            }
            Heard::Refused(reason) => {
                let Some(sending) = files.sending.take() else {
                    return;
                };
                if sending.sha256().is_none() {
                    files.replies.push_back(files::abort("refused"));
                }
                let reason = format!("refused: {reason}");
                self.file_failed(id, &sending.name, &reason);
            }
        }
    }

    /// With --send-file: the last one is there, or will never be.
    fn hang_up_after_files(&mut self, call: CallId) {
        let waiting = self.channels.waiting.get(&call);
        let more = waiting.is_some_and(|waiting| !waiting.is_empty());
        if !self.args.send_file.is_empty() && !self.args.commands && !more {
            // It is there, or over already.
            let _ = self.wic.hang_up_call(Instant::now(), call);
        }
    }

    fn channel(&self, number: u32) -> Result<DataChannelId, String> {
        let call = self.wic.current().ok_or("there is no call")?;
        Ok(DataChannelId { call, number })
    }

    pub(super) fn say_of_channel(&self, id: DataChannelId, word: &str, more: Value) {
        let mut line = json!({ "channel": id.number });
        if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
            line.extend(more);
        }
        self.report.say_of(id.call, word, line);
    }
}

fn took(now: Instant, since: Instant) -> f64 {
    (now.duration_since(since).as_secs_f64() * 1000.0).round() / 1000.0
}
