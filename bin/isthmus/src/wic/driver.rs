//! One phone: its sockets, its clock, and what it was told to do.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use bytes::Bytes;
use core_sip::ConnectionId;
use nf_wic::media::{MediaPart, VideoSource};
use nf_wic::{CallId, Ended, Event, Output, Wic};
use serde_json::json;
use tokio::sync::mpsc;
use wire_sip::StatusCode;

use super::applications::Wanted;
use super::args::seconds;
use super::channels::Channels;
use super::link::{Door, FromLink};
use super::report::{Report, Words};
use super::setup::RENEW;
use super::sign_in::Session;
use super::sockets::Sockets;
use super::{Args, ivf, wav};
use crate::credentials::in_words;

/// Longer than a datagram.
const DATAGRAM: usize = 2048;

/// A phone and all that it needs.
pub(super) struct Driver {
    pub(super) index: u32,
    pub(super) args: Arc<Args>,
    pub(super) wic: Wic,
    /// Where its sockets are.
    pub(super) address: IpAddr,
    pub(super) sockets: Sockets,
    /// What it shows when video is added without more words.
    pub(super) shown: VideoSource,
    pub(super) channels: Channels,
    pub(super) wanted: Wanted,
    pub(super) door: Door,
    pub(super) session: Option<Session>,
    pub(super) report: Report,
    pub(super) links: mpsc::Receiver<FromLink>,
    pub(super) up: mpsc::Sender<FromLink>,
    /// Lines that somebody types.
    pub(super) commands: Option<mpsc::Receiver<String>>,
    pub(super) down: Option<mpsc::Sender<Bytes>>,
    pub(super) link: u64,
    pub(super) task: Task,
}

/// How far it is with what it was told to do.
#[derive(Debug, Default)]
pub(super) struct Task {
    pub(super) registered: bool,
    /// Calls that are not over.
    pub(super) open: BTreeMap<CallId, Open>,
    /// How many are over.
    calls: u32,
    pub(super) failed: bool,
    /// The goodbye waits for the end of the calls that were hung up.
    goodbye: bool,
    done: bool,
    /// The next thing to do, and when.
    pub(super) steps: Vec<(Instant, Step)>,
}

/// A call that is not over.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) called_at: Option<Instant>,
    answered: bool,
    ours: bool,
    /// The keys of the command line were pressed.
    pressed: bool,
    /// What was reported of it last.
    pub(super) reported: Words,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    GiveUp,
    GiveUpCall(CallId),
    /// There is a call, and no connection.
    Lost,
    Renew,
    Reject(CallId),
    Dtmf(CallId),
    Hold(CallId),
    Resume(CallId),
    HangUp(CallId),
    Leave,
    /// The registrar did not answer the goodbye.
    Gone,
}

impl Step {
    fn call(self) -> Option<CallId> {
        match self {
            Self::GiveUpCall(id)
            | Self::Reject(id)
            | Self::Dtmf(id)
            | Self::Hold(id)
            | Self::Resume(id)
            | Self::HangUp(id) => Some(id),
            _ => None,
        }
    }
}

impl Driver {
    /// Runs until what was asked for is done; says whether it was.
    pub(super) async fn run(mut self) -> anyhow::Result<bool> {
        let mut buffer = vec![0; DATAGRAM];
        self.wic.start();
        let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
        let mut interrupted = false;
        while !self.task.done {
            self.drain().await;
            if self.task.done {
                break;
            }
            let steps = self.task.steps.iter().map(|(at, _)| *at);
            let next = steps.chain(self.wic.poll_timeout()).min();
            let sleep = async {
                match next {
                    Some(next) => tokio::time::sleep_until(next.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(event) = self.links.recv() => self.handle_link(event),
                (local, length, from) = self.sockets.receive(&mut buffer) => {
                    let bytes = &buffer[..length];
                    self.wic.handle_media(Instant::now(), local, from, bytes);
                }
                () = sleep => {
                    let now = Instant::now();
                    self.wic.handle_timeout(now);
                    self.steps(now).await;
                }
                line = next_line(&mut self.commands) => {
                    if let Some(line) = line {
                        self.command(&line).await;
                    } else {
                        self.commands = None;
                        self.leave(Instant::now());
                    }
                }
                _ = &mut interrupt, if !interrupted => {
                    interrupted = true;
                    self.leave(Instant::now());
                }
            }
        }
        self.drain().await;
        Ok(!self.task.failed)
    }

    fn handle_link(&mut self, event: FromLink) {
        let now = Instant::now();
        match event {
            FromLink::Opened(number) if number == self.link => {
                self.wic.handle_connected(now, ConnectionId(number));
            }
            FromLink::Message(number, message) if number == self.link => {
                self.wic.handle_message(now, message);
            }
            FromLink::Closed(number, reason) if number == self.link => {
                self.report
                    .say("websocket_closed", json!({ "reason": reason }));
                self.down = None;
                self.wic.handle_closed(now);
            }
            // Of a link before this one.
            _ => {}
        }
    }

    async fn drain(&mut self) {
        while let Some(output) = self.wic.poll_output() {
            match output {
                Output::Connect => {
                    self.link += 1;
                    self.down = Some(self.door.open(self.link, self.up.clone()));
                }
                Output::Disconnect => {
                    // What it still says is of a link before.
                    self.link += 1;
                    self.down = None;
                }
                Output::Send(message) => {
                    if let Some(down) = &self.down
                        && down.try_send(message).is_err()
                    {
                        // It cannot keep up: a new one is better.
                        self.down = None;
                        self.wic.handle_closed(Instant::now());
                    }
                }
                Output::Transmit { from, to, bytes } => self.sockets.send(from, to, &bytes).await,
                Output::Close(local) => self.sockets.close(local),
                Output::Event { event, call } => self.event(event, call).await,
            }
        }
    }

    async fn event(&mut self, event: Event, call: Option<CallId>) {
        let now = Instant::now();
        if let Some(id) = call {
            self.call_event(now, id, event);
            return;
        }
        self.report.event(&event);
        match event {
            Event::Registered { .. } if !self.task.registered => {
                self.task.registered = true;
                self.forget(Step::GiveUp);
                if self.args.call.is_some() {
                    self.call(now);
                } else if !self.args.answer && self.args.reject.is_none() && !self.args.commands {
                    let stay = now + seconds(self.args.stay);
                    self.task.steps.push((stay, Step::Leave));
                }
            }
            Event::Registered { .. } => self.forget(Step::Lost),
            Event::RegistrationFailed { .. } if !self.task.registered => self.give_up(),
            // The registrar will not have our goodbye: there is nothing to wait for.
            Event::RegistrationFailed { .. } if self.leaving() => self.task.done = true,
            Event::ConnectionLost if self.wic.in_call() && !self.leaving() => {
                let limit = now + seconds(self.args.timeout);
                self.forget(Step::Lost);
                self.task.steps.push((limit, Step::Lost));
            }
            Event::TokenRefused => match self.renew(true).await {
                Ok(()) => {}
                Err(error) => {
                    self.report
                        .say("no_token", json!({ "reason": in_words(&error) }));
                    self.give_up();
                }
            },
            Event::Unregistered => self.task.done = true,
            _ => {}
        }
    }

    fn call_event(&mut self, now: Instant, id: CallId, event: Event) {
        if let Event::Channel { channel, event } = event {
            return self.channel_event(now, channel, event);
        }
        if let Event::Applications { channel, event } = event {
            return self.applications_event(channel, event);
        }
        let open = self.task.open.entry(id).or_default();
        if event == Event::Answered {
            let setup = open.called_at.take();
            let setup = setup.map(|at| (at.elapsed().as_secs_f64() * 1e5).round() / 100.0);
            let more = json!({ "setup_ms": setup });
            self.report.say_of(id, "answered", more);
        } else {
            self.report.event_of(id, &event);
        }
        let args = &self.args;
        match event {
            Event::Calling { .. } => {
                open.called_at = Some(now);
                open.ours = true;
                let limit = now + seconds(args.timeout);
                self.task.steps.push((limit, Step::GiveUpCall(id)));
            }
            Event::Incoming { .. } if args.reject.is_some() => {
                let at = now + seconds(args.ring);
                self.task.steps.push((at, Step::Reject(id)));
            }
            Event::Answered => {
                open.answered = true;
                let ours = open.ours;
                self.begin_channels(now, id, ours);
                self.forget(Step::GiveUpCall(id));
                let args = &self.args;
                let hold = args.hold.map(|after| (after, Step::Hold(id)));
                let resume = args.resume.map(|after| (after, Step::Resume(id)));
                let duration = args.duration();
                let hang_up = (duration > 0.0).then_some((duration, Step::HangUp(id)));
                for (after, step) in [hold, resume, hang_up].into_iter().flatten() {
                    self.task.steps.push((now + seconds(after), step));
                }
            }
            Event::MediaConnected(MediaPart::Audio) if args.dtmf.is_some() => {
                // Once: it comes again after a restart.
                let step = Step::Dtmf(id);
                if !std::mem::replace(&mut open.pressed, true) {
                    self.task.steps.push((now + seconds(1.0), step));
                }
            }
            Event::Ended(ended) => self.ended(now, id, &ended),
            _ => {}
        }
    }

    fn call(&mut self, now: Instant) {
        let Some(target) = self.args.call.as_ref() else {
            return;
        };
        let target = self.args.target(target, self.index);
        if let Err(reason) = self.wic.call(now, &target) {
            self.not_done("call", &reason);
            self.give_up();
        }
    }

    /// Says why a command came to nothing.
    pub(super) fn not_done(&self, command: &str, reason: &dyn std::fmt::Display) {
        let more = json!({ "command": command, "reason": reason.to_string() });
        self.report.say("not_done", more);
    }

    fn ended(&mut self, now: Instant, id: CallId, ended: &Ended) {
        self.task.steps.retain(|(_, step)| step.call() != Some(id));
        if !self.wic.in_call() {
            self.forget(Step::Lost);
        }
        self.task.calls += 1;
        let answered = self.task.open.remove(&id).is_some_and(|open| open.answered);
        let said = self.end_channels(id);
        let heard = ended.media.as_ref().is_some_and(|media| media.packets > 0);
        // Who only waits for calls is not to blame for one that was given up; who types sees it.
        let good = answered && ended.status == 200 && heard && said;
        let blamed = answered || self.args.call.is_some();
        self.task.failed |= !good && blamed && !self.args.commands;
        if let (Some(file), Some(media)) = (&self.args.record, &ended.media) {
            let file = wav::name(file, self.index, self.task.calls);
            if let Err(error) = wav::write(&file, &media.recording) {
                self.report
                    .say("not_recorded", json!({ "reason": format!("{error:#}") }));
                self.task.failed = true;
            }
        }
        if let (Some(file), Some(video)) = (&self.args.record_video, &ended.video) {
            let file = wav::name(file, self.index, self.task.calls);
            if let Err(error) = ivf::write(&file, &video.recording) {
                self.report
                    .say("not_recorded", json!({ "reason": format!("{error:#}") }));
                self.task.failed = true;
            }
        }
        if self.task.goodbye && !self.wic.in_call() {
            self.task.goodbye = false;
            self.wic.stop(now);
        }
        if self.args.commands || self.leaving() {
            return;
        }
        // TS 24.371 §7.2.4: an emergency call is not tried again.
        let over = ended.status == 380;
        if over || self.args.calls > 0 && self.task.calls >= self.args.calls {
            self.leave(now);
        } else if self.args.call.is_some() {
            self.call(now);
        }
    }

    async fn steps(&mut self, now: Instant) {
        let due: Vec<Step> = self
            .task
            .steps
            .iter()
            .filter(|(at, _)| *at <= now)
            .map(|(_, step)| *step)
            .collect();
        self.task.steps.retain(|(at, _)| *at > now);
        for step in due {
            self.step(now, step).await;
        }
    }

    async fn step(&mut self, now: Instant, step: Step) {
        let current = step.call().is_none() || step.call() == self.wic.current();
        let done = match step {
            Step::GiveUp | Step::Lost => {
                self.report.say("gave_up", json!({}));
                self.give_up();
                Ok(())
            }
            Step::GiveUpCall(id) => {
                self.report.say_of(id, "gave_up", json!({}));
                if self.args.commands {
                    self.wic.hang_up_call(now, id)
                } else {
                    self.give_up();
                    Ok(())
                }
            }
            Step::Renew => {
                if let Err(error) = self.renew(false).await {
                    self.report
                        .say("no_token", json!({ "reason": in_words(&error) }));
                }
                Ok(())
            }
            Step::Reject(_) => {
                let status = self.args.reject.and_then(StatusCode::new);
                let status = status.unwrap_or(StatusCode::BUSY_HERE);
                self.wic.reject(now, status)
            }
            Step::Dtmf(_) if current => {
                let digits = self.args.dtmf.clone().unwrap_or_default();
                self.wic.send_dtmf(&digits)
            }
            Step::Hold(_) if current => self.wic.hold(now, true),
            Step::Resume(_) if current => self.wic.hold(now, false),
            Step::Dtmf(_) | Step::Hold(_) | Step::Resume(_) => Ok(()),
            Step::HangUp(id) => self.wic.hang_up_call(now, id),
            Step::Leave => {
                self.leave(now);
                Ok(())
            }
            Step::Gone => {
                self.task.done = true;
                Ok(())
            }
        };
        if let Err(reason) = done {
            let word = format!("{step:?}").to_ascii_lowercase();
            let word = word.split('(').next().unwrap_or_default();
            self.not_done(word, &reason);
        }
    }

    fn give_up(&mut self) {
        self.task.failed = true;
        self.leave(Instant::now());
    }

    /// Hangs up, says goodbye to the registrar, and waits a little for its answer.
    pub(super) fn leave(&mut self, now: Instant) {
        if self.leaving() {
            return;
        }
        let gone = now + seconds(3.0);
        self.task.steps = vec![(gone, Step::Gone)];
        for id in self.wic.calls() {
            // It is there: nothing can be in its way.
            let _ = self.wic.hang_up_call(now, id);
        }
        // Nobody is there to hear it.
        if !self.wic.is_registered() || !self.wic.is_connected() {
            self.task.done = true;
            return;
        }
        // A call that still rings ends with what the other side answers to its CANCEL, and the network ends
        // it otherwise when its registration goes first.
        if self.wic.in_call() {
            self.task.goodbye = true;
        } else {
            self.wic.stop(now);
        }
    }

    fn leaving(&self) -> bool {
        self.task.steps.iter().any(|(_, step)| *step == Step::Gone)
    }

    fn forget(&mut self, step: Step) {
        self.task.steps.retain(|(_, other)| *other != step);
    }

    async fn renew(&mut self, refused: bool) -> anyhow::Result<()> {
        let session = self
            .session
            .as_mut()
            .context("there is no session to renew it")?;
        let grant = session.token(refused).await?;
        let now = Instant::now();
        self.wic.set_token(now, grant.access_token);
        let renew = grant.expires_in.saturating_sub(RENEW).max(1);
        let at = now + std::time::Duration::from_secs(renew);
        self.forget(Step::Renew);
        self.task.steps.push((at, Step::Renew));
        Ok(())
    }
}

/// The next line that is typed: never one where nobody can type; `None` at the end.
async fn next_line(commands: &mut Option<mpsc::Receiver<String>>) -> Option<String> {
    match commands {
        Some(commands) => commands.recv().await,
        None => std::future::pending().await,
    }
}
