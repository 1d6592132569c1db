//! Channels that a UE asks for in SDP, to the server of an application (RFC 8864 §6, TS 26.114 §6.2.10).
//!
//! As in band, one is taken that an application waits for, and it is told the same of it. Any other is not in the
//! answer.

use core_iq::{ChannelDescription, ChannelPlace, MediaKind, NegotiatedChannel, StreamEnd};
use wire_sdp::attribute::{AppEndpoint, AppEndpoints, ChannelParameters, Dcmap, Dcsa, ReqApp};
use wire_sdp::{Attribute as _, Line, Media};

use super::call::Call;
use super::channel::{AppChannel, ChannelState, FIRST_STREAM};

/// How many channels of one description are looked at.
const MAX_DESCRIBED: usize = 256;

/// A channel that SDP has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) one: NegotiatedChannel,
    /// Whose it is, of those that end here.
    pub(crate) app: Option<String>,
}

/// RFC 8864 §5.1 — the channels that an m-line names.
pub(crate) fn channels(media: &Media) -> impl Iterator<Item = (u16, ChannelDescription)> {
    let maps = media.attributes::<Dcmap<'_>>().filter_map(Result::ok);
    let read = maps.filter_map(|map| {
        let read = ChannelParameters::read(&map)?;
        Some((map.stream, read.into()))
    });
    read.take(MAX_DESCRIBED)
}

/// TS 26.114 §6.2.10 — whether an m-line says that the other end of a channel is a server.
pub(crate) fn to_server(media: &Media, stream: u16) -> bool {
    let of = ReqApp::of(media, stream);
    of.is_some_and(|(_, endpoint)| endpoint == AppEndpoint::Server)
}

/// Takes channels out of an m-line, with all that it says of them.
pub(crate) fn without(media: &mut Media, gone: impl Fn(u16) -> bool) {
    let ids: Vec<u16> = media
        .attributes::<Dcmap<'_>>()
        .filter_map(Result::ok)
        .map(|map| map.stream)
        .filter(|id| gone(*id))
        .collect();
    if ids.is_empty() {
        return;
    }
    media.edit(|line| {
        let of = |name| line.attribute_value(name);
        if let Some(map) = of(Dcmap::NAME).and_then(|map| Dcmap::parse(map).ok()) {
            return (!ids.contains(&map.stream)).then_some(line);
        }
        if let Some(more) = of(Dcsa::NAME).and_then(|more| Dcsa::parse(more).ok()) {
            return (!ids.contains(&more.stream)).then_some(line);
        }
        let Some(app) = of(ReqApp::NAME).and_then(|app| ReqApp::parse(app).ok()) else {
            return Some(line);
        };
        let named = app
            .endpoints()
            .filter_map(|(stream, end)| Some((stream?, end)));
        let (out, left): (Vec<_>, Vec<_>) = named.partition(|(stream, _)| ids.contains(stream));
        match (out.is_empty(), left.is_empty()) {
            (true, _) => Some(line),
            (false, true) => None,
            (false, false) => Some(Line::attribute(
                ReqApp::NAME,
                ReqApp {
                    application: app.application,
                    parameters: &AppEndpoints(&left).to_string(),
                },
            )),
        }
    });
}

impl Call {
    /// The channels of an m-line of the UE at this end that end here: those that are there and it still names, and
    /// those that an application waits for. `alone` is a call with nobody else whose channels they could be.
    pub(crate) fn asked(&self, media: &Media, end: StreamEnd, alone: bool) -> Vec<Described> {
        let stream = self.stream_of(MediaKind::Data);
        let Some(stream) = stream.filter(|_| media.line().port != 0) else {
            return Vec::new();
        };
        let mut found: Vec<Described> = Vec::new();
        for (id, channel) in channels(media) {
            if found.iter().any(|before| before.one.id == id) {
                continue;
            }
            if let Some(there) = stream.served().find(|there| there.one.id == id) {
                found.push(there.clone());
                continue;
            }
            if id < FIRST_STREAM {
                continue;
            }
            let taken = |app: &str| found.iter().any(|one| one.app.as_deref() == Some(app));
            let mut free = self
                .channels
                .iter()
                .filter(|one| one.is_free() && !taken(&one.app));
            let waits = match ReqApp::of(media, id) {
                Some((app, AppEndpoint::Server)) => free.find(|one| one.app == app),
                // As in band, which a gateway on the way may have made of it: by its label, or the only one that waits.
                None if !alone => free.find(|one| one.is_awaited(&channel.label)),
                None => {
                    let free: Vec<&AppChannel> = free.collect();
                    let named = free.iter().find(|one| one.app == channel.label);
                    let only = || free.first().filter(|_| self.channels.len() == 1);
                    named.or_else(only).copied()
                }
                Some((_, AppEndpoint::Ue)) => None,
            };
            let app = waits.map(|one| one.app.clone());
            found.extend(app.map(|app| served(id, channel, app, end)));
        }
        found
    }

    /// Whether a channel of the UE's description is an application's, and nobody else's: it is there already, or SDP
    /// says so, or one waits for that label.
    pub(crate) fn ends_here(&self, media: &Media, id: u16, label: &str) -> bool {
        let mut served = self.stream_of(MediaKind::Data).into_iter();
        let there = served.any(|stream| stream.served().any(|one| one.one.id == id));
        let waits = || self.channels.iter().any(|one| one.is_awaited(label));
        there
            || match ReqApp::of(media, id) {
                Some((_, endpoint)) => endpoint == AppEndpoint::Server,
                None => waits(),
            }
    }

    /// They are in an answer of ours, and open when SCTP is there.
    pub(crate) fn take_asked(&mut self, asked: Vec<Described>) {
        for channel in &mut self.channels {
            let of = |one: &&Described| one.app.as_deref() == Some(&channel.app);
            if let Some(one) = asked.iter().find(of)
                && channel.is_free()
            {
                channel.state = ChannelState::Negotiated(one.one.id);
                // It has its time from now on.
                channel.until = None;
            }
        }
        if let Some(stream) = self.stream_of_mut(MediaKind::Data) {
            stream.negotiated.retain(|one| one.app.is_none());
            stream.negotiated.extend(asked);
        }
    }
}

fn served(id: u16, channel: ChannelDescription, app: String, end: StreamEnd) -> Described {
    let place = ChannelPlace::At(end);
    let one = NegotiatedChannel { id, channel, place };
    Described {
        one,
        app: Some(app),
    }
}
