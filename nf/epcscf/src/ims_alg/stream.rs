//! One stream of the call: what the gateway told of it, and what was agreed on.

use core_iq::{
    CoreLocal, CoreSettings, DataLocal, DataSettings, DtlsRole, Feedback, Gate, IceCredentials,
    MediaKind, ReservedStream, StreamId, StreamSettings, W3Local, W3Settings,
};
use wire_sdp::attribute::Direction;

use super::Leg;
use super::core_media::CoreMedia;
use super::data::{self, Announcements};
use super::payloads::{self, Pair};
use super::wic_media::WicMedia;

/// A stream that the gateway has.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    /// What the WIC is told.
    pub(super) w3: W3Local,
    /// What the core is told.
    pub(super) core: CoreLocal,
    /// The gateway's role in DTLS, once it is known.
    pub(super) role: Option<DtlsRole>,
    /// What both are told of data channels.
    pub(super) data: Option<Box<DataLocal>>,
    /// The gateway's role in DTLS towards the core, once it is known.
    pub(super) core_role: Option<DtlsRole>,
    /// The WIC's credentials, once they are known: other ones are an ICE restart.
    pub(super) remote_ice: Option<IceCredentials>,
    /// The formats of the last answer, by their numbers on both sides.
    pub(super) pairs: Vec<Pair>,
    /// What the gateway was last told, to tell it again when a change fails.
    pub(super) settings: Option<StreamSettings>,
}

impl Stream {
    pub(super) fn new(reserved: &ReservedStream) -> Stream {
        Stream {
            w3: reserved.w3.clone(),
            core: reserved.core,
            role: None,
            data: reserved.data.clone().map(Box::new),
            core_role: None,
            remote_ice: None,
            pairs: Vec::new(),
            settings: None,
        }
    }

    /// What the gateway was last told of data channels.
    pub(super) fn data_settings(&self) -> Option<&DataSettings> {
        self.settings.as_ref()?.data.as_deref()
    }

    pub(super) fn told(&mut self, reserved: &ReservedStream) {
        self.w3 = reserved.w3.clone();
        self.core = reserved.core;
        if let Some(data) = &reserved.data {
            self.data = Some(Box::new(data.clone()));
        }
    }
}

/// TS 23.334 §6.2.10.5 — a Reserve with what the offer said, gates closed until there is an answer.
pub(super) fn reserve(
    id: StreamId,
    wic: Option<&WicMedia>,
    core: Option<&CoreMedia>,
) -> Option<StreamSettings> {
    let kind = wic.map(|w| w.kind).or_else(|| core.map(|c| c.kind))?;
    let mut settings = StreamSettings::new(id, kind);
    settings.w3 = Some(W3Settings {
        remote_ice: wic.map(|w| w.ice.clone()),
        remote_fingerprints: wic.map(|w| w.fingerprints.clone()),
        dtls_role: wic.map(|w| w.gateway_role(None)),
        gate: Some(Gate::CLOSED),
    });
    settings.core = Some(CoreSettings {
        remote_rtp: core.and_then(|c| c.rtp),
        remote_rtcp: core.and_then(|c| c.rtcp),
        gate: Some(Gate::CLOSED),
    });
    Some(settings)
}

/// What an answer settled for one stream.
#[derive(Debug, Clone)]
pub(super) struct Agreement {
    pub(super) wic: WicMedia,
    pub(super) core: CoreMedia,
    /// Which way media flows, seen from the WIC.
    pub(super) direction: Direction,
    pub(super) pairs: Vec<Pair>,
    pub(super) feedback: Feedback,
}

impl Agreement {
    /// Of an m-line whose bootstrap channels the edge ends itself, and in which the core has no part.
    pub(super) fn alone(wic: WicMedia) -> Option<Agreement> {
        let there = wic.data.as_ref().is_some_and(|d| !d.bootstrap.is_empty());
        there.then(|| Agreement {
            wic,
            core: CoreMedia::absent(),
            direction: Direction::SendRecv,
            pairs: Vec::new(),
            feedback: Feedback::default(),
        })
    }
}

/// TS 23.334 §6.2.10.5 — a Configure with what the answer said, gates by direction.
pub(super) fn configure(
    id: StreamId,
    stream: &mut Stream,
    agreed: &Agreement,
    offered: Leg,
    announcements: &Announcements,
) -> StreamSettings {
    let mut settings = StreamSettings::new(id, agreed.wic.kind);
    let role = agreed.wic.gateway_role(stream.role);
    stream.role = Some(role);
    // RFC 8839 §4.4.1.1.1: only an offer restarts ICE. Other credentials in an answer are no restart, and
    // passing them on would change the gateway's own behind the WIC's back.
    if offered == Leg::Wic || stream.remote_ice.is_none() {
        stream.remote_ice = Some(agreed.wic.ice.clone());
    }
    settings.w3 = Some(W3Settings {
        remote_ice: stream.remote_ice.clone(),
        remote_fingerprints: Some(agreed.wic.fingerprints.clone()),
        dtls_role: Some(role),
        gate: Some(Gate {
            receive: agreed.direction.sends(),
            send: agreed.direction.receives(),
        }),
    });
    settings.core = Some(CoreSettings {
        remote_rtp: agreed.core.rtp,
        remote_rtcp: agreed.core.rtcp,
        gate: Some(Gate {
            receive: agreed.direction.receives(),
            send: agreed.direction.sends(),
        }),
    });
    if let Some((_, dtls)) = &agreed.core.data {
        let role = data::core_role(dtls.setup, stream.core_role);
        stream.core_role = Some(role);
        settings.data = data::settings(id, agreed, role, offered, announcements).map(Box::new);
    } else if agreed.wic.kind == MediaKind::Data {
        settings.data = data::settings_alone(agreed, offered).map(Box::new);
    } else {
        settings.payloads = Some(payloads::map(&agreed.pairs));
        settings.feedback = Some(agreed.feedback);
    }
    stream.pairs.clone_from(&agreed.pairs);
    stream.settings = Some(settings.clone());
    settings
}

/// Both gates closed and the rest as it is: a fork refused the stream, and another may still take it.
pub(super) fn close(id: StreamId, kind: MediaKind) -> StreamSettings {
    let mut settings = StreamSettings::new(id, kind);
    settings.w3 = Some(W3Settings {
        gate: Some(Gate::CLOSED),
        ..W3Settings::default()
    });
    settings.core = Some(CoreSettings {
        gate: Some(Gate::CLOSED),
        ..CoreSettings::default()
    });
    settings
}
