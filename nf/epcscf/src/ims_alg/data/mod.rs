//! Data channels: m-lines of `webrtc-datachannel`, anchored at the gateway on both legs (TS 24.371 §8.4.2,
//! §8.4.3; RFC 8841, RFC 8842, RFC 8864).
//!
//! What says what the channels are (`dcmap`, `dcsa`, and 3GPP's `3gpp-req-app`, `3gpp-bdc-used-by` and
//! `3gpp-qos-hint`) passes byte for byte; what belongs to the transport is the gateway's on each leg.
//!
//! - `read.rs` what an m-line says; `write.rs` the m-lines that either leg sees;
//! - `announce.rs` channels that a client opened in band, and that the core hears of in SDP;
//! - `bootstrap.rs` those that the edge ends itself;
//! - `parameters.rs` one channel, as `a=dcmap` and as Iq have it.

mod announce;
pub(super) mod bootstrap;
mod read;
mod write;

pub(super) use announce::Announcements;
pub(super) use bootstrap::Served;
pub(super) use read::{CoreDtls, DataMedia, is_data};
pub(super) use write::{to_core, to_wic};

use core_iq::{ChannelPlace, DataSettings, DtlsRole, DtlsSettings, FarEnd, StreamEnd, StreamId};
use wire_sdp::attribute::Setup;

use super::Leg;
use super::stream::Agreement;

/// RFC 8841 §4.3 — the protocol and format of an m-line that we write.
const PROTO: &str = "UDP/DTLS/SCTP";
const FORMAT: &str = "webrtc-datachannel";
/// The old form, understood and answered in kind: `m=application 9 DTLS/SCTP 5000`, `a=sctpmap:5000 …`.
const OLD_PROTO: &str = "DTLS/SCTP";
const SCTPMAP: &str = "sctpmap";

/// RFC 8842 §5 — the gateway's role towards the core: it begins where it may.
pub(super) fn core_role(setup: Setup, before: Option<DtlsRole>) -> DtlsRole {
    match setup {
        Setup::Active | Setup::HoldConn => DtlsRole::Server,
        Setup::Passive => DtlsRole::Client,
        Setup::ActPass => before.unwrap_or(DtlsRole::Client),
    }
}

/// What the gateway is told when an answer has settled the channels: those that both sides have, and those of the
/// core that stand for one that the WIC opened in band.
pub(super) fn settings(
    id: StreamId,
    agreed: &Agreement,
    role: DtlsRole,
    offered: Leg,
    announcements: &Announcements,
) -> Option<DataSettings> {
    let (wic, core) = (agreed.wic.data.as_ref()?, agreed.core.data.as_ref()?);
    let (core, dtls) = core;
    let both = wic.channels.iter().filter(|one| core.has(one.id));
    let announced = announcements.of(id).filter(|one| core.has(one.id));
    let channels = both
        .chain(&wic.bootstrap)
        .cloned()
        .chain(announced.map(announce::Announced::as_negotiated))
        .collect();
    Some(DataSettings {
        w3: Some(wic.sctp),
        w3_tls_id: wic.tls_id.clone(),
        core: Some(core.sctp),
        core_dtls: Some(DtlsSettings {
            remote_ice: dtls.ice.clone(),
            remote_fingerprints: Some(dtls.fingerprints.clone()),
            remote_tls_id: core.tls_id.clone(),
            dtls_role: Some(role),
        }),
        offered: Some(end(offered)),
        channels: Some(channels),
        far_end: Some(FarEnd::Relay {
            announce: announcements.core_reads_sdp,
        }),
        ..DataSettings::default()
    })
}

/// The same where the core has no part in the m-line: bootstrap channels, and no others.
pub(super) fn settings_alone(agreed: &Agreement, offered: Leg) -> Option<DataSettings> {
    let wic = agreed.wic.data.as_ref()?;
    Some(DataSettings {
        w3: Some(wic.sctp),
        w3_tls_id: wic.tls_id.clone(),
        offered: Some(end(offered)),
        channels: Some(wic.bootstrap.clone()),
        far_end: Some(FarEnd::Nobody),
        ..DataSettings::default()
    })
}

fn end(leg: Leg) -> StreamEnd {
    match leg {
        Leg::Wic => StreamEnd::W3,
        Leg::Core => StreamEnd::Core,
    }
}

/// The channels of an answer as it is passed on to a leg: what was settled but for what the gateway cannot do.
pub(super) fn settled(settings: &DataSettings, refused: &[u16], to: Leg) -> Vec<u16> {
    let channels = settings.channels.iter().flatten();
    let theirs = channels.filter(|one| {
        let known = match one.place {
            ChannelPlace::Both => true,
            ChannelPlace::At(_) => to == Leg::Wic,
            ChannelPlace::For(_) => to == Leg::Core,
        };
        known && !refused.contains(&one.id)
    });
    theirs.map(|one| one.id).collect()
}
