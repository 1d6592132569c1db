//! Bootstrap channels that the edge ends: requests come up from the gateway, are asked of the application repository, and
//! the answers go down (TS 26.114 §6.2.10, TS 23.228 §AC.7.1).
//!
//! ```text
//!   WIC ─ W3 ─▶ gateway ─ ChannelMessage ─▶ Server ─ request ─▶ Output::Applications ─▶ repository
//!                 ▲                           │ ▲                                          │
//!                 └── Send, one at a time ────┘ └───────── handle_applications ◀───────────┘
//! ```
//! One message more is taken when the answer before it has left: whoever asks faster waits in its own window.

use std::collections::HashMap;

use core_bootstrap::stream::Source;
use core_bootstrap::{Limits, Request, Response, Server};
use core_iq::{
    ChannelAction, ChannelAt, ChannelMessage, Command, Event, Refusal, Reply, RequestId, StreamEnd,
    StreamId,
};
use core_sip::address::{UriView, uri_of};
use wire_sip::{HeaderName, Message, StatusCode};

use super::State;
use super::data_channels::is_data_channel_client;
use crate::ims_alg::Leg;
use crate::{EpCscf, Output};

/// What a message holds at most: more would keep other channels waiting behind it.
const MESSAGE: u64 = 16 * 1024;

/// What a UE asks on a bootstrap channel, and what there is to know for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationsQuery {
    /// Which channel.
    pub source: Source,
    /// The public user identities of the user whose own applications the channel gives: the WIC's, or the far end's.
    pub user: Vec<String>,
    /// Whether the call is answered.
    pub established: bool,
    /// Whether it has video now.
    pub video: bool,
    /// Whether the other party has data channels, if that is known.
    pub peer_has_data_channels: Option<bool>,
    /// What is asked.
    pub request: Request,
}

/// Names a channel of a session.
type Key = (u64, StreamId, u16);

/// One channel.
#[derive(Debug)]
pub(crate) struct Served {
    server: Server,
    state: Waits,
}

/// What it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    Nothing,
    /// A message.
    Message,
    /// The repository.
    Answer(u64),
    /// The gateway, which is to take a message.
    Sent(RequestId),
    /// Room.
    Room,
}

/// All that is under way in this shard.
#[derive(Debug, Default)]
pub(crate) struct Applications {
    asked: HashMap<u64, Key>,
    sent: HashMap<RequestId, Key>,
    next: u64,
}

impl Applications {
    /// The gateway takes no message any more, and says so of none.
    pub(crate) fn gateway_lost(&mut self) {
        self.sent.clear();
    }
}

/// Who is at the far end.
#[derive(Debug, Default)]
pub(crate) struct FarEnd {
    /// Its public user identities, as far as the core says them and it does not hide them.
    identities: Vec<String>,
    /// It has said that it is a client with data channels.
    has_channels: bool,
}

impl EpCscf {
    /// TS 24.229 §5.7.1.4, TS 24.186 — a message of the core's says who is there: P-Asserted-Identity; for a start it is
    /// whoever the WIC calls.
    pub(crate) fn note_far_end(&mut self, id: u64, from: Leg, message: &Message) {
        let (Some(session), home) = (self.sessions.get_mut(id), &self.config.home_domain) else {
            return;
        };
        let asserted = message.values(HeaderName::PAssertedIdentity);
        let named: Vec<&str> = match from {
            Leg::Wic => message.request_uri().into_iter().collect(),
            Leg::Core => asserted.filter_map(uri_of).collect(),
        };
        session.far_end.has_channels |= from == Leg::Core && is_data_channel_client(message);
        if named.is_empty() {
            return;
        }
        let at_home = |uri: &&str| {
            UriView::parse(uri)
                .is_some_and(|uri| uri.is_sip() && uri.host.eq_ignore_ascii_case(home))
        };
        session
            .negotiation
            .far_end_is_ours(named.iter().any(at_home));
        // RFC 3325 §9.3: what is to be hidden is no name for a list either.
        let mut privacy = message.values(HeaderName::Privacy);
        let hidden = privacy.any(|value| value.split(';').any(|one| one.trim() == "id"));
        session.far_end.identities = if hidden {
            Vec::new()
        } else {
            named.into_iter().map(str::to_owned).collect()
        };
    }

    /// What the gateway tells of a channel that we end; `false` if it is none of these.
    pub(super) fn served_notified(&mut self, id: u64, stream: StreamId, event: &Event) -> bool {
        let at = match event {
            Event::ChannelOpened { at }
            | Event::ChannelClosed { at, .. }
            | Event::ChannelWritable { at }
            | Event::ChannelMessage { at, .. } => *at,
            Event::DataEnded { end, .. } => {
                if let Some(session) = self.sessions.get_mut(id) {
                    session
                        .served
                        .retain(|(of, _), _| *end != StreamEnd::W3 || *of != stream);
                }
                return false;
            }
            _ => return false,
        };
        let Some(session) = self.sessions.get_mut(id) else {
            return false;
        };
        let place = (stream, at.id);
        if at.end != StreamEnd::W3 {
            return false;
        }
        match event {
            Event::ChannelOpened { .. } => {
                let Some(most) = session.negotiation.serves(stream, at.id) else {
                    return false;
                };
                let served = Served {
                    server: Server::new(Limits::default(), most.min(MESSAGE) as usize),
                    state: Waits::Nothing,
                };
                session.served.insert(place, Box::new(served));
            }
            Event::ChannelClosed { .. } => return session.served.remove(&place).is_some(),
            Event::ChannelWritable { .. } => match session.served.get_mut(&place) {
                Some(served) if served.state == Waits::Room => served.state = Waits::Nothing,
                Some(_) => {}
                None => return false,
            },
            Event::ChannelMessage { message, .. } => {
                let Some(served) = session.served.get_mut(&place) else {
                    return false;
                };
                let (ChannelMessage::Text(octets) | ChannelMessage::Binary(octets)) = message;
                served.server.handle_message(octets);
                if served.state == Waits::Message {
                    served.state = Waits::Nothing;
                }
            }
            _ => {}
        }
        self.serve((id, stream, at.id));
        true
    }

    /// As far as it goes without waiting.
    fn serve(&mut self, key: Key) {
        let (id, stream, channel) = key;
        let at = ChannelAt {
            end: StreamEnd::W3,
            id: channel,
        };
        loop {
            let Some(session) = self.sessions.get_mut(id) else {
                return;
            };
            let Some(context) = session.negotiation.context() else {
                return;
            };
            let Some(served) = session.served.get_mut(&(stream, channel)) else {
                return;
            };
            if served.state != Waits::Nothing {
                return;
            }
            let command = |action| Command::Channel {
                context,
                stream,
                action,
            };
            if let Some(message) = served.server.message() {
                let message = ChannelMessage::Binary(message.to_vec());
                let request = RequestId(self.next_iq);
                served.state = Waits::Sent(request);
                self.applications.sent.insert(request, key);
                self.tell_gateway(command(ChannelAction::Send(at, message)));
                return;
            }
            if served.server.has_ended() {
                session.served.remove(&(stream, channel));
                self.tell_gateway(command(ChannelAction::Close(at)));
                return;
            }
            if let Some(request) = served.server.poll_request() {
                let question = self.applications.next;
                self.applications.next += 1;
                served.state = Waits::Answer(question);
                let Some(query) = self.query(id, channel, request) else {
                    return;
                };
                self.applications.asked.insert(question, key);
                let query = Box::new(query);
                let id = question;
                self.outputs.push_back(Output::Applications { id, query });
                return;
            }
            // What was no request has its answer now, or its end.
            if served.server.message().is_none() && !served.server.has_ended() {
                served.state = Waits::Message;
                self.tell_gateway(command(ChannelAction::Credit(at, 1)));
                return;
            }
        }
    }

    /// TS 26.114 §6.2.10.1 — whose list it is, and in what call, at this moment.
    fn query(&self, id: u64, channel: u16, request: Request) -> Option<ApplicationsQuery> {
        let session = self.sessions.get(id)?;
        let source = Source::of(channel)?;
        let established = session.state == State::Confirmed;
        let far = &session.far_end;
        let channels = far.has_channels || session.negotiation.has_far_channels();
        Some(ApplicationsQuery {
            source,
            user: if source.is_remote() {
                far.identities.clone()
            } else {
                self.bindings.get(session.binding)?.identities.clone()
            },
            established,
            video: session.negotiation.has_video(),
            // Who has answered and said nothing of data channels has none.
            peer_has_data_channels: (established || channels).then_some(channels),
            request,
        })
    }

    /// The repository has answered.
    pub(crate) fn applications_answered(&mut self, question: u64, answer: &Response) {
        let Some(key) = self.applications.asked.remove(&question) else {
            return;
        };
        let (id, stream, channel) = key;
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let served = session.served.get_mut(&(stream, channel));
        let Some(served) = served.filter(|served| served.state == Waits::Answer(question)) else {
            return;
        };
        served.server.respond(answer);
        served.state = Waits::Nothing;
        self.serve(key);
    }

    /// The gateway has taken a message, or has not; `false` if the reply is to something else.
    pub(super) fn served_replied(
        &mut self,
        request: RequestId,
        result: &Result<Reply, Refusal>,
    ) -> bool {
        let Some(key) = self.applications.sent.remove(&request) else {
            return false;
        };
        let (id, stream, channel) = key;
        let Some(session) = self.sessions.get_mut(id) else {
            return true;
        };
        let place = (stream, channel);
        let Some(served) = session.served.get_mut(&place) else {
            return true;
        };
        if served.state != Waits::Sent(request) {
            return true;
        }
        match result {
            Ok(_) => {
                served.server.sent();
                served.state = Waits::Nothing;
                self.serve(key);
            }
            Err(Refusal::ChannelFull) => served.state = Waits::Room,
            // It is closed, or its gateway is gone.
            Err(_) => drop(session.served.remove(&place)),
        }
        true
    }
}

/// Whether a response says who has answered, or will.
pub(super) fn says_who(message: &Message) -> bool {
    message
        .status()
        .is_none_or(|status| !status.is_failure() && status != StatusCode::TRYING)
}
