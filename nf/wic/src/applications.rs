//! TS 26.114 §6.2.10 — the applications that the network offers in a call, for Rust programs.
//!
//! ```text
//!   list_applications, fetch_application ──▶ bootstrap channel 0, 10, 100 or 110, opened when there is none
//!                        ◀── Event::Applications: Listed, Fetched, NotModified, Failed
//!   open_channel { application, .. } ──▶ an application's channel, to the other party's UE or to a server
//!   Event::Channel: Requested ──▶ answer_channel         the other end's; then Opened, Readable, Closed
//! ```
//! It is what `web/wic/ts66` has for a page. Messages of a channel on which something was asked are read here.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use core_bootstrap::stream::{SUBPROTOCOL, Source};
use core_bootstrap::{ApplicationList, Client, EntityTag, Limits, Request, Response, StatusCode};
use core_data_channel::{Channel, ChannelId, Message};

use crate::agent::Wic;
use crate::{CallId, ChannelEvent, DataChannelId, DataChannelInit, Event, NotDone};

/// Applications that are asked for at a time.
const PAGE: usize = 100;
/// A request is short: every peer takes as much.
const MESSAGE: usize = 16 * 1024;

/// What was asked of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplicationsAsked {
    /// The list, from this position on.
    List(usize),
    /// The package of an application.
    Package(String),
}

/// What came of it. Answers come in the order in which was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplicationsEvent {
    /// A page of the list; more follow until it has its `total`.
    Listed(ApplicationList),
    /// A package.
    Fetched {
        /// Of which application.
        application: String,
        /// Its version, for the next time.
        tag: Option<EntityTag>,
        /// A ZIP archive.
        package: Bytes,
    },
    /// The package is the one that is known.
    NotModified {
        /// Of which application.
        application: String,
    },
    /// There will be no answer, or there was one of these.
    Failed {
        /// What was asked.
        asked: ApplicationsAsked,
        /// In words.
        reason: String,
    },
}

/// Who asks on one bootstrap channel.
#[derive(Debug)]
pub(crate) struct Asker {
    client: Client,
    /// What the next answers are for.
    asked: VecDeque<ApplicationsAsked>,
}

impl Asker {
    fn new() -> Self {
        Self {
            client: Client::new(Limits::default(), MESSAGE),
            asked: VecDeque::new(),
        }
    }

    fn ask(&mut self, asked: ApplicationsAsked, request: &Request) -> Result<(), NotDone> {
        self.client.request(request)?;
        self.asked.push_back(asked);
        Ok(())
    }
}

impl Wic {
    /// Asks for the list of a bootstrap channel, all of it.
    pub fn list_applications(
        &mut self,
        now: Instant,
        call: CallId,
        source: Source,
    ) -> Result<DataChannelId, NotDone> {
        let asked = ApplicationsAsked::List(0);
        self.ask_network(now, call, source, asked, &Request::list(0, PAGE))
    }

    /// Asks for the package of an application, unless it is still the `known` one.
    pub fn fetch_application(
        &mut self,
        now: Instant,
        call: CallId,
        source: Source,
        application: &str,
        known: Option<&EntityTag>,
    ) -> Result<DataChannelId, NotDone> {
        let asked = ApplicationsAsked::Package(application.to_owned());
        let request = Request::package(application, known);
        self.ask_network(now, call, source, asked, &request)
    }

    fn ask_network(
        &mut self,
        now: Instant,
        call: CallId,
        source: Source,
        asked: ApplicationsAsked,
        request: &Request,
    ) -> Result<DataChannelId, NotDone> {
        let stream = Some(ChannelId(source.id()));
        let known = self.channels(call).into_iter().find(|id| {
            // One that is wanted has no stream yet.
            let there = self.channel(*id).and_then(|channel| channel.stream);
            there.or_else(|| self.wanted(*id)) == stream
        });
        let id = match known {
            Some(id) => id,
            None => self.open_channel(now, call, bootstrap(source))?,
        };
        let channel = self.channel(id).ok_or(NotDone::NoChannel)?;
        if channel.channel.protocol != SUBPROTOCOL {
            return Err(NotDone::Channel("that stream is for something else"));
        }
        let asker = self.askers.entry(id).or_insert_with(Asker::new);
        asker.ask(asked, request)?;
        self.pump_bootstrap(now, id);
        Ok(id)
    }

    /// The stream that one of ours is to have.
    fn wanted(&self, id: DataChannelId) -> Option<ChannelId> {
        self.calls.seen(id.call)?.channels.asked(id)
    }

    /// Something happened to a bootstrap channel on which something was asked.
    pub(crate) fn bootstrap_event(&mut self, now: Instant, id: DataChannelId, event: ChannelEvent) {
        let ChannelEvent::Closed(reason) = event else {
            return self.pump_bootstrap(now, id);
        };
        let Some(asker) = self.askers.remove(&id) else {
            return;
        };
        for asked in asker.asked {
            let reason = reason.to_string();
            self.tell_applications(id, ApplicationsEvent::Failed { asked, reason });
        }
    }

    /// Asks and hears as much as can be.
    fn pump_bootstrap(&mut self, now: Instant, id: DataChannelId) {
        let Some(mut asker) = self.askers.remove(&id) else {
            return;
        };
        let mut over = false;
        while let Some(message) = self.receive_message(now, id) {
            asker.client.handle_message(&message.data);
            while let Some(answer) = asker.client.poll_response() {
                let Some(asked) = asker.asked.pop_front() else {
                    continue;
                };
                match answer {
                    Ok(response) => self.answered(id, &mut asker, asked, response),
                    Err(failed) => {
                        over = true;
                        let reason = failed.to_string();
                        self.tell_applications(id, ApplicationsEvent::Failed { asked, reason });
                    }
                }
            }
        }
        while self.has_room(id)
            && let Some(message) = asker.client.message()
            && self.send_message(now, id, Message::binary(message)).is_ok()
        {
            asker.client.sent();
        }
        self.askers.insert(id, asker);
        if over {
            // It may be closed already.
            let _ = self.close_channel(now, id);
        }
    }

    fn answered(
        &mut self,
        id: DataChannelId,
        asker: &mut Asker,
        asked: ApplicationsAsked,
        response: Response,
    ) {
        let failed = |asked, reason: String| ApplicationsEvent::Failed { asked, reason };
        let event = match (asked, response.status) {
            (ApplicationsAsked::List(begin), StatusCode::OK) => {
                match ApplicationList::parse(&response.body) {
                    Some(list) => {
                        let next = begin + list.applications.len();
                        if next < list.total && !list.applications.is_empty() {
                            let more = ApplicationsAsked::List(next);
                            let asks = asker.ask(more, &Request::list(next, PAGE));
                            if let Err(reason) = asks {
                                let more = ApplicationsAsked::List(next);
                                self.tell_applications(id, failed(more, reason.to_string()));
                            }
                        }
                        ApplicationsEvent::Listed(list)
                    }
                    None => failed(ApplicationsAsked::List(begin), "that is no list".into()),
                }
            }
            (ApplicationsAsked::Package(application), StatusCode::OK) => {
                ApplicationsEvent::Fetched {
                    application,
                    tag: response.etag,
                    package: response.body,
                }
            }
            (ApplicationsAsked::Package(application), StatusCode::NOT_MODIFIED) => {
                ApplicationsEvent::NotModified { application }
            }
            (asked, status) => {
                let sentence = String::from_utf8_lossy(&response.body);
                let reason = format!("{} {sentence}", status.0);
                failed(asked, reason.trim().to_owned())
            }
        };
        self.tell_applications(id, event);
    }

    fn tell_applications(&mut self, channel: DataChannelId, event: ApplicationsEvent) {
        self.call_event(channel.call, Event::Applications { channel, event });
    }
}

/// TS 26.114 §6.2.10.1 — the channel of a source.
fn bootstrap(source: Source) -> DataChannelInit {
    DataChannelInit {
        channel: Channel {
            protocol: SUBPROTOCOL.to_owned(),
            ..Channel::new("")
        },
        stream: Some(ChannelId(source.id())),
        ..DataChannelInit::default()
    }
}
