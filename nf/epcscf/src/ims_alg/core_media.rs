//! What is read from an m-line of the core (TS 24.371 §7.4.3; TS 23.334 §6.2.10.5).

use std::net::{IpAddr, SocketAddr};

use core_iq::MediaKind;
use wire_sdp::Session;
use wire_sdp::attribute::{Direction, Rtcp};

use super::wic_media::kind;
use super::{Refused, Unsupported};

/// The far end of one stream, as the core describes it.
#[derive(Debug, Clone)]
pub(super) struct CoreMedia {
    pub(super) kind: MediaKind,
    /// Where RTP goes; absent while the far end is held by `c=0.0.0.0`.
    pub(super) rtp: Option<SocketAddr>,
    pub(super) rtcp: Option<SocketAddr>,
    pub(super) direction: Direction,
}

impl CoreMedia {
    /// Reads an m-line of an offer or answer.
    pub(super) fn read(session: &Session, index: usize) -> Result<CoreMedia, Refused> {
        let Some(media) = session.media(index) else {
            return Err(Unsupported::NoMedia.into());
        };
        let line = media.line();
        let kind = kind(line.media)?;
        if !line.proto.eq_ignore_ascii_case("RTP/AVP")
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
        })
    }
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
