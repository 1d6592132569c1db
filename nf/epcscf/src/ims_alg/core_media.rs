//! What is read from an m-line of the core (TS 24.371 §7.4.3; TS 23.334 §6.2.10.5).

use std::net::{IpAddr, SocketAddr};

use core_iq::{Fingerprint, IceCredentials, MediaKind};
use wire_sdp::Session;
use wire_sdp::attribute::{Direction, Rtcp, Setup};

use super::data::{CoreDtls, DataMedia};
use super::wic_media::{FINGERPRINTS, kind};
use super::{Refused, Unsupported};

/// The far end of one stream, as the core describes it.
#[derive(Debug, Clone)]
pub(super) struct CoreMedia {
    pub(super) kind: MediaKind,
    /// Where RTP goes; absent while the far end is held by `c=0.0.0.0`.
    pub(super) rtp: Option<SocketAddr>,
    pub(super) rtcp: Option<SocketAddr>,
    pub(super) direction: Direction,
    /// Of data channels, with the DTLS that they run over.
    pub(super) data: Option<(DataMedia, CoreDtls)>,
}

impl CoreMedia {
    /// Of an m-line of data channels in which the core has no part.
    pub(super) fn absent() -> CoreMedia {
        CoreMedia {
            kind: MediaKind::Data,
            rtp: None,
            rtcp: None,
            direction: Direction::Inactive,
            data: None,
        }
    }

    /// Reads an m-line of an offer.
    pub(super) fn offered(session: &Session, index: usize) -> Result<CoreMedia, Refused> {
        CoreMedia::read(session, index, Setup::Active)
    }

    /// Reads an m-line of an answer.
    pub(super) fn answered(session: &Session, index: usize) -> Result<CoreMedia, Refused> {
        CoreMedia::read(session, index, Setup::Passive)
    }

    /// RFC 4145 §4.1 — an offer without `a=setup` means active, an answer passive.
    fn read(session: &Session, index: usize, setup: Setup) -> Result<CoreMedia, Refused> {
        let Some(media) = session.media(index) else {
            return Err(Unsupported::NoMedia.into());
        };
        let line = media.line();
        let kind = kind(&line)?;
        let data = (kind == MediaKind::Data)
            .then(|| data(session, index, setup))
            .transpose()?;
        if data.is_none()
            && !line.proto.eq_ignore_ascii_case("RTP/AVP")
            && !line.proto.eq_ignore_ascii_case("RTP/AVPF")
        {
            return Err(Unsupported::CoreTransport.into());
        }
        let connection = session
            .media_connection(index)?
            .ok_or(Unsupported::Address)?;
        let ip = connection.ip().ok_or(Unsupported::Address)?;
        let stated = session.media_direction(index);
        if ip.is_unspecified() {
            // RFC 3264 §8.4: the old way to hold; nothing is to be sent there.
            let direction = Direction::new(stated.sends(), false);
            return Ok(CoreMedia {
                kind,
                rtp: None,
                rtcp: None,
                direction,
                data,
            });
        }
        if ip.is_multicast() {
            return Err(Unsupported::Address.into());
        }
        let rtcp = media.attribute::<Rtcp<'_>>()?;
        Ok(CoreMedia {
            kind,
            rtp: Some(SocketAddr::new(ip, line.port)),
            rtcp: rtcp_address(ip, line.port, rtcp),
            direction: stated,
            data,
        })
    }
}

/// RFC 8841 §9, RFC 8842 §5 — the far end's data channels, and how it speaks DTLS.
fn data(session: &Session, index: usize, unsaid: Setup) -> Result<(DataMedia, CoreDtls), Refused> {
    let media = session.media(index).ok_or(Unsupported::NoMedia)?;
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
    let ice = session.media_ice(index)?.map(|ice| IceCredentials {
        ufrag: ice.ufrag.to_owned(),
        pwd: ice.pwd.to_owned(),
    });
    let setup = session.media_attribute::<Setup>(index)?;
    let dtls = CoreDtls {
        ice,
        fingerprints,
        setup: setup.unwrap_or(unsaid),
    };
    Ok((DataMedia::read(media)?, dtls))
}

/// RFC 3605 §2.1, else RFC 3550 §11: the port after RTP's.
fn rtcp_address(ip: IpAddr, port: u16, rtcp: Option<Rtcp<'_>>) -> Option<SocketAddr> {
    match rtcp {
        Some(Rtcp { port: 0, .. }) => None,
        Some(Rtcp {
            port,
            connection: None,
        }) => Some(SocketAddr::new(ip, port)),
        Some(Rtcp {
            port,
            connection: Some(c),
        }) => Some(SocketAddr::new(
            c.ip().filter(|ip| !ip.is_unspecified()).unwrap_or(ip),
            port,
        )),
        None => port.checked_add(1).map(|port| SocketAddr::new(ip, port)),
    }
}
