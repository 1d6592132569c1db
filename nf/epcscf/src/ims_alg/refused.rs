//! Why SDP is not served, by blame, with the SIP status that says so.

use core_iq::Refusal;
use thiserror::Error;
use wire_sdp::Malformed;

/// SDP that is not served. After a refused offer the [`Negotiation`](super::Negotiation) is as it was before;
/// after a refused answer the offer still waits for one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refused {
    /// The bytes are not SDP.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The peer broke a rule of offer and answer.
    #[error(transparent)]
    PeerMisbehaved(#[from] PeerMisbehaved),
    /// Good SDP for something that is not served.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The gateway said no.
    #[error("the gateway refused: {0}")]
    Gateway(#[from] Refusal),
    /// We called in the wrong order, or the gateway answered what was not asked.
    #[error("misuse: {0}")]
    Misuse(&'static str),
}

/// A rule of RFC 3264 or RFC 8842 that a peer broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PeerMisbehaved {
    /// RFC 3264 §4 — one offer at a time.
    #[error("an offer while another is not answered")]
    OfferWhileOffered,
    /// RFC 3311 §5.2, RFC 3261 §14.2 — nor a second one of the same side.
    #[error("a second offer of the side whose first is not answered")]
    SecondOffer,
    /// RFC 3264 §8 — another description has another version in its `o=` line.
    #[error("an offer that is new under the version of an old one")]
    VersionKept,
    /// RFC 3264 §4 — an answer belongs to an offer of the other side.
    #[error("an answer without an offer")]
    AnswerWithoutOffer,
    /// RFC 3261 §13.2.1 — an offer is answered, in the 2xx or before it, or in the ACK.
    #[error("no answer to an offer")]
    NoAnswer,
    /// RFC 3264 §6 — as many m-lines as the offer.
    #[error("an answer with another number of m-lines than its offer")]
    AnswerMediaCount,
    /// RFC 3264 §6 — of the same media types, in the same order.
    #[error("an answer with another media type in an m-line than its offer")]
    AnswerMediaType,
    /// RFC 3264 §8 — an m-line never goes away.
    #[error("an offer with fewer m-lines than before")]
    OfferLostMedia,
    /// RFC 8842 §5.3 — an answer chooses a role.
    #[error("an answer with a=setup:actpass")]
    AnswerActPass,
    /// RFC 5888 §4 — an identification names one m-line.
    #[error("an a=mid that names two m-lines")]
    DuplicateMid,
}

/// What an m-line asks for and does not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// TS 24.371 §7.2.2 — a WIC offers UDP/TLS/RTP/SAVPF.
    #[error("RTP without DTLS-SRTP is not served on W2")]
    PlainRtp,
    /// `a=crypto` in place of DTLS.
    #[error("SDES keys are not taken")]
    Sdes,
    /// Any other transport on W2.
    #[error("the transport is not UDP/TLS/RTP/SAVPF")]
    WicTransport,
    /// Any other transport on Mw.
    #[error("the transport is not RTP/AVP or RTP/AVPF")]
    CoreTransport,
    /// DTLS without the certificate's hash.
    #[error("there is no a=fingerprint")]
    NoFingerprint,
    /// W3 without ICE.
    #[error("there is no a=ice-ufrag and a=ice-pwd")]
    NoIce,
    /// W3 with a port of its own for RTCP.
    #[error("there is no a=rtcp-mux")]
    NoRtcpMux,
    /// TS 24.371 §7.4.2 — by policy, only what asks for it gets end-to-access-edge protection.
    #[error("there is no a=3ge2ae:requested")]
    NoEndToAccessEdge,
    /// TS 24.371 §7.4.2 — no bundled media.
    #[error("an m-line with a=bundle-only is not served")]
    BundleOnly,
    /// RFC 8841, RFC 8864 — an association without a port, or a channel that cannot be or is there twice.
    #[error("the data channels cannot be as they are described")]
    DataChannels,
    /// Neither audio nor video, nor data channels that are carried.
    #[error("the media type is not carried")]
    MediaType,
    /// No IP address to send to.
    #[error("there is no IP address in the c= line")]
    Address,
    /// Every format is one that does not cross the edge, or none was offered.
    #[error("no format of the m-line can be carried")]
    Formats,
    /// More m-lines than policy allows.
    #[error("too many m-lines")]
    TooMany,
    /// There is no m-line at all.
    #[error("there is no m-line")]
    NoMedia,
}

/// RFC 3261 §20.43 — the code and text of a Warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// `warn-code`.
    pub code: u16,
    /// `warn-text`, without its quotes.
    pub text: String,
}

impl Refused {
    /// The status of the response to the request that carried the offer.
    pub fn status(&self) -> u16 {
        match self {
            Refused::Malformed(_) => 400,
            Refused::PeerMisbehaved(PeerMisbehaved::OfferWhileOffered) => 491,
            Refused::PeerMisbehaved(PeerMisbehaved::SecondOffer) => 500,
            Refused::PeerMisbehaved(_) | Refused::Unsupported(_) => 488,
            Refused::Gateway(Refusal::NoResources(_) | Refusal::Unreachable) => 503,
            Refused::Gateway(_) | Refused::Misuse(_) => 500,
        }
    }

    /// RFC 3261 §21.4.26 — a 488 says in a Warning what the trouble is.
    pub fn warning(&self) -> Option<Warning> {
        let code = match self {
            Refused::Gateway(_) | Refused::Misuse(_) => return None,
            Refused::Malformed(_) | Refused::PeerMisbehaved(_) => 399,
            Refused::Unsupported(what) => what.warn_code(),
        };
        Some(Warning {
            code,
            text: self.to_string(),
        })
    }

    /// RFC 3261 §21.5.4 — seconds for a Retry-After, when the gateway is full or gone; RFC 3261 §14.2 has one for
    /// a second offer too.
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Refused::PeerMisbehaved(PeerMisbehaved::SecondOffer) => Some(5),
            _ => (self.status() == 503).then_some(10),
        }
    }
}

impl Unsupported {
    /// RFC 3261 §20.43 — 301 network address format, 302 transport protocol, 304 media type, 305 media format, 306 attribute.
    fn warn_code(self) -> u16 {
        match self {
            Unsupported::PlainRtp | Unsupported::WicTransport | Unsupported::CoreTransport => 302,
            Unsupported::Address => 301,
            Unsupported::MediaType | Unsupported::TooMany | Unsupported::NoMedia => 304,
            Unsupported::Formats => 305,
            Unsupported::Sdes
            | Unsupported::NoFingerprint
            | Unsupported::NoIce
            | Unsupported::NoRtcpMux
            | Unsupported::NoEndToAccessEdge
            | Unsupported::DataChannels
            | Unsupported::BundleOnly => 306,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_blame_has_its_status() {
        assert_eq!(Refused::from(Unsupported::PlainRtp).status(), 488);
        assert_eq!(
            Refused::from(Unsupported::PlainRtp)
                .warning()
                .map(|w| w.code),
            Some(302)
        );
        assert_eq!(
            Refused::from(PeerMisbehaved::OfferWhileOffered).status(),
            491
        );
        let second = Refused::from(PeerMisbehaved::SecondOffer);
        assert_eq!((second.status(), second.retry_after()), (500, Some(5)));
        let full = Refused::from(Refusal::NoResources("ports".into()));
        assert_eq!(
            (full.status(), full.retry_after(), full.warning()),
            (503, Some(10), None)
        );
        assert_eq!(Refused::from(Refusal::UnknownStream).status(), 500);
    }
}
