//! What is read from an m-line of the WIC (TS 24.371 §7.2.2, §7.4.2).

use core_iq::{DtlsRole, Fingerprint, IceCredentials, MediaKind};
use wire_sdp::Attribute;
use wire_sdp::attribute::{BundleOnly, Crypto, EndToAccessEdge, RtcpMux, RtcpMuxOnly, Setup};
use wire_sdp::{MediaLine, Session};

use super::data::{DataMedia, Served, is_data};
use super::{Policy, Refused, Unsupported};

/// The WIC's end of one stream, as it describes it.
#[derive(Debug, Clone)]
pub(super) struct WicMedia {
    pub(super) kind: MediaKind,
    pub(super) ice: IceCredentials,
    pub(super) fingerprints: Vec<Fingerprint>,
    pub(super) setup: Setup,
    /// Of data channels.
    pub(super) data: Option<DataMedia>,
}

impl WicMedia {
    /// Reads an m-line of an offer. What is unsupported rejects this m-line; what is malformed the whole offer.
    pub(super) fn offered(
        session: &Session,
        index: usize,
        policy: &Policy,
    ) -> Result<WicMedia, Refused> {
        let Some(media) = session.media(index) else {
            return Err(Unsupported::NoMedia.into());
        };
        if media.has(BundleOnly::NAME) {
            return Err(Unsupported::BundleOnly.into());
        }
        let read = WicMedia::read(session, index, Setup::Active)?;
        if read.kind == MediaKind::Data {
            return Ok(read);
        }
        // TS 23.228 U.1.3.4: W3 has one port for both, and RFC 5761 §5.1.1 lets an answer say so only when
        // its offer does. Browsers always do.
        if !media.has(RtcpMux::NAME) && !media.has(RtcpMuxOnly::NAME) {
            return Err(Unsupported::NoRtcpMux.into());
        }
        // TS 24.371 §7.4.2: "or, if permitted by operator policy, without".
        let requested =
            media.attribute::<EndToAccessEdge<'_>>()? == Some(EndToAccessEdge::REQUESTED);
        if !requested && !policy.without_3ge2ae {
            return Err(Unsupported::NoEndToAccessEdge.into());
        }
        Ok(read)
    }

    /// Reads an m-line of an answer: the same without what only an offer asks for.
    // Deviates: RFC 8864 §6.4 lets an answer have no channel that its offer has not. A browser that answers cannot add an
    // m-line, and the core's offer knows nothing of bootstrap channels, so the WIC may say in its answer which it wants.
    pub(super) fn answered(
        session: &Session,
        index: usize,
        served: Served,
    ) -> Result<WicMedia, Refused> {
        let mut read = WicMedia::read(session, index, Setup::Passive)?;
        if let (Some(data), Some(media)) = (&mut read.data, session.media(index)) {
            data.take_bootstrap(served, media);
        }
        Ok(read)
    }

    /// RFC 4145 §4.1 — an offer without `a=setup` means active, an answer passive.
    fn read(session: &Session, index: usize, unsaid: Setup) -> Result<WicMedia, Refused> {
        let Some(media) = session.media(index) else {
            return Err(Unsupported::NoMedia.into());
        };
        let line = media.line();
        let kind = kind(&line)?;
        let proto = line.proto.to_ascii_uppercase();
        match proto.as_str() {
            // RFC 5764 §8; the profile without feedback is taken too, and answered in kind.
            "UDP/TLS/RTP/SAVPF" | "UDP/TLS/RTP/SAVP" => {}
            _ if kind == MediaKind::Data => {}
            "RTP/AVP" | "RTP/AVPF" => return Err(Unsupported::PlainRtp.into()),
            _ if media.has(Crypto::NAME) => return Err(Unsupported::Sdes.into()),
            _ => return Err(Unsupported::WicTransport.into()),
        }
        let fingerprints: Vec<Fingerprint> = session
            .media_fingerprints(index)?
            .iter()
            .map(|f| Fingerprint {
                algorithm: f.algorithm.to_ascii_lowercase(),
                digest: f.digest(),
            })
            .take(FINGERPRINTS)
            .collect();
        if fingerprints.is_empty() {
            return Err(Unsupported::NoFingerprint.into());
        }
        let ice = session.media_ice(index)?.ok_or(Unsupported::NoIce)?;
        Ok(WicMedia {
            kind,
            ice: IceCredentials {
                ufrag: ice.ufrag.to_owned(),
                pwd: ice.pwd.to_owned(),
            },
            fingerprints,
            setup: session.media_attribute::<Setup>(index)?.unwrap_or(unsaid),
            data: (kind == MediaKind::Data)
                .then(|| DataMedia::read(media))
                .transpose()?,
        })
    }

    /// The gateway's role (RFC 5763 §5): it waits for the browser, unless the WIC insists on waiting or it
    /// has been the client in this association before.
    pub(super) fn gateway_role(&self, before: Option<DtlsRole>) -> DtlsRole {
        match self.setup {
            Setup::Active | Setup::HoldConn => DtlsRole::Server,
            Setup::Passive => DtlsRole::Client,
            Setup::ActPass => before.unwrap_or(DtlsRole::Server),
        }
    }
}

/// One a hash function is enough (RFC 8122 §5.1); what comes after is not looked at.
pub(super) const FINGERPRINTS: usize = 8;

/// The media that a stream can carry.
pub(super) fn kind(line: &MediaLine<'_>) -> Result<MediaKind, Unsupported> {
    match line.media {
        "audio" => Ok(MediaKind::Audio),
        "video" => Ok(MediaKind::Video),
        _ if is_data(line) => Ok(MediaKind::Data),
        _ => Err(Unsupported::MediaType),
    }
}
