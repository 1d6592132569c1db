//! Applications of a call: the list and the packages, over its bootstrap channels (TS 26.114 §6.2.10).

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use aws_lc_rs::digest::{SHA256, digest};
use core_bootstrap::stream::{SUBPROTOCOL, Source};
use core_bootstrap::{ApplicationList, Client, Limits, Request, Response, StatusCode};
use nf_wic::{
    Channel, ChannelId, DataChannelId, DataChannelInit, ImsDataChannel, Message, SendError,
};
use serde_json::json;

use super::driver::Driver;

/// Applications that are asked for at a time.
const PAGE: usize = 100;
/// A request is short: every peer takes as much.
const MESSAGE: usize = 16 * 1024;

/// One bootstrap channel.
#[derive(Debug)]
pub(super) struct Asker {
    client: Client,
    /// What the next answers are for.
    asked: VecDeque<Asked>,
}

/// What was asked.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// The list, from this position on.
    List(usize),
    /// A package, for that file.
    Package(String, PathBuf),
}

impl Asked {
    fn request(&self) -> Request {
        match self {
            Self::List(begin) => Request::list(*begin, PAGE),
            Self::Package(id, _) => Request::package(id, None),
        }
    }
}

impl Asker {
    pub(super) fn new() -> Self {
        Self {
            client: Client::new(Limits::default(), MESSAGE),
            asked: VecDeque::new(),
        }
    }

    /// What was asked and is not answered.
    pub(super) fn left(self) -> impl Iterator<Item = Asked> {
        self.asked.into_iter()
    }

    fn ask(&mut self, asked: Asked) -> Result<(), String> {
        let done = self.client.request(&asked.request());
        done.map_err(|reason| reason.to_string())?;
        self.asked.push_back(asked);
        Ok(())
    }
}

/// Whether a channel is a bootstrap channel, on which we ask and the network answers.
pub(super) fn is_bootstrap(channel: &ImsDataChannel) -> bool {
    let id = channel.stream.map(|stream| stream.0);
    channel.channel.protocol == SUBPROTOCOL && id.is_some_and(|id| Source::of(id).is_some())
}

/// The channel of a source.
pub(super) fn bootstrap(source: Source) -> DataChannelInit {
    DataChannelInit {
        channel: Channel {
            protocol: SUBPROTOCOL.to_owned(),
            ..Channel::new("")
        },
        stream: Some(ChannelId(source.id())),
        ..DataChannelInit::default()
    }
}

impl Driver {
    /// Asks for the list, or for a package, in the current call; opens the channel where there is none.
    pub(super) fn ask_applications(
        &mut self,
        now: Instant,
        source: Source,
        asked: Asked,
    ) -> Result<(), String> {
        let call = self.wic.current().ok_or("there is no call")?;
        let init = bootstrap(source);
        let is_it = |id: &DataChannelId| {
            let channel = self.wic.channel(*id);
            channel.is_some_and(|channel| channel.stream == init.stream)
        };
        let known = self.wic.channels(call).into_iter().find(is_it);
        let id = if let Some(id) = known {
            id
        } else {
            let opened = self.wic.open_channel(now, call, init);
            opened.map_err(|reason| reason.to_string())?
        };
        let asker = self.asker(now, id);
        asker
            .ok_or("the channel is for something else")?
            .ask(asked)?;
        self.pump(now, id);
        Ok(())
    }

    /// Asks and hears as much as can be.
    pub(super) fn pump_applications(
        &mut self,
        now: Instant,
        id: DataChannelId,
        asker: &mut Asker,
    ) -> Result<(), SendError> {
        while let Some(message) = self.wic.receive_message(now, id) {
            asker.client.handle_message(&message.data);
            while let Some(answer) = asker.client.poll_response() {
                let Some(asked) = asker.asked.pop_front() else {
                    continue;
                };
                match answer {
                    Ok(response) => self.answered(id, asker, &asked, &response),
                    Err(failed) => {
                        self.not_answered(id, &asked, &failed.to_string());
                        let _ = self.wic.close_channel(now, id);
                    }
                }
            }
        }
        while self.wic.has_room(id)
            && let Some(message) = asker.client.message()
        {
            self.wic.send_message(now, id, Message::binary(message))?;
            asker.client.sent();
        }
        Ok(())
    }

    fn answered(&self, id: DataChannelId, asker: &mut Asker, asked: &Asked, response: &Response) {
        if response.status != StatusCode::OK {
            let sentence = String::from_utf8_lossy(&response.body);
            let reason = format!("{} {sentence}", response.status.0);
            self.not_answered(id, asked, reason.trim());
            return;
        }
        match asked {
            Asked::List(begin) => {
                let Some(list) = ApplicationList::parse(&response.body) else {
                    self.not_answered(id, asked, "that is no list");
                    return;
                };
                let next = begin + list.applications.len();
                let more = next < list.total && !list.applications.is_empty();
                let event = json!({
                    "total": list.total, "begin": begin, "applications": list.applications,
                    "peer_has_data_channels": list.peer_has_data_channels,
                });
                self.say_of_channel(id, "applications", event);
                if more && let Err(reason) = asker.ask(Asked::List(next)) {
                    self.not_answered(id, asked, &reason);
                }
            }
            Asked::Package(application, file) => {
                if let Err(error) = keep(file, &response.body) {
                    self.not_answered(id, asked, &error.to_string());
                    return;
                }
                let event = json!({
                    "application": application, "file": file.display().to_string(),
                    "size": response.body.len(), "sha256": sha256(&response.body),
                });
                self.say_of_channel(id, "application", event);
            }
        }
    }

    pub(super) fn not_answered(&self, id: DataChannelId, asked: &Asked, reason: &str) {
        let more = match asked {
            Asked::List(_) => json!({ "reason": reason }),
            Asked::Package(application, _) => {
                json!({ "application": application, "reason": reason })
            }
        };
        self.say_of_channel(id, "no_applications", more);
    }
}

/// It is whole, or not there.
fn keep(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    std::fs::write(&part, bytes)?;
    std::fs::rename(&part, file)
}

fn sha256(bytes: &[u8]) -> String {
    let mut hex = String::new();
    for byte in digest(&SHA256, bytes).as_ref() {
        // Writing into a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
