//! What there is, to be shown to operators.

use super::call::{Call, Stage, Stream};
use super::channel::{AppChannel, ChannelState};
use super::machine::Calls;
use super::observer::Observed;

/// A session, to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSeen {
    /// Its identifier.
    pub session: String,
    /// The API that it belongs to.
    pub service: &'static str,
    /// Who calls; nobody when an application does.
    pub calling: Option<String>,
    /// Who is called.
    pub called: Option<String>,
    /// Which media it has.
    pub media: Vec<String>,
    /// How far it is.
    pub state: &'static str,
    /// The channels of applications: the application, and how far the channel is.
    pub channels: Vec<(String, &'static str)>,
}

impl Calls {
    /// All sessions, in the order of their identifiers.
    pub fn sessions(&self) -> Vec<SessionSeen> {
        let calls = self.by_number.values().map(seen);
        let observed = self.observed.iter();
        let observed = observed.map(|(session, observed)| observed.seen(session));
        let mut all: Vec<SessionSeen> = calls.chain(observed).collect();
        all.sort_by(|one, other| one.session.cmp(&other.session));
        all
    }
}

impl Observed {
    /// To be shown.
    pub(super) fn seen(&self, session: &str) -> SessionSeen {
        SessionSeen {
            session: session.to_owned(),
            service: "MMTel_CallEvent",
            calling: self.calling.clone(),
            called: self.called.clone(),
            media: self.media.iter().map(|one| one.to_lowercase()).collect(),
            state: if self.standing {
                "established"
            } else {
                "calling"
            },
            channels: Vec::new(),
        }
    }
}

fn seen(call: &Call) -> SessionSeen {
    let party = |index: usize| call.legs.get(index).map(|leg| leg.party.clone());
    let (calling, called) = match call.legs.len() {
        2 => (party(0), party(1)),
        _ => (None, party(0)),
    };
    let used = |stream: &&Stream| !stream.refused;
    let media = call.streams.iter().filter(used);
    let channels = call.channels.iter();
    SessionSeen {
        session: call.session.clone(),
        service: match call.resource {
            Some(_) => "MMTel_CallControl",
            None => "MMTel_DCAppCall",
        },
        calling,
        called,
        media: media
            .map(|stream| format!("{:?}", stream.kind).to_lowercase())
            .collect(),
        state: match call.stage {
            Stage::Reserving => "beginning",
            Stage::Calling(_) => "calling",
            Stage::Standing => "established",
            Stage::Ending => "ending",
        },
        channels: channels
            .map(|channel| (channel.app.clone(), how_far(channel)))
            .collect(),
    }
}

fn how_far(channel: &AppChannel) -> &'static str {
    match channel.state {
        ChannelState::Open(_) | ChannelState::Full(_) => "open",
        ChannelState::Awaited => "awaited",
        ChannelState::Negotiated(_)
        | ChannelState::Wanted
        | ChannelState::Asked
        | ChannelState::Opening(_) => "opening",
    }
}
