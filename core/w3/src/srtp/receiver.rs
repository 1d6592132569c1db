use wire_rtp::RtpPacket;

use super::cipher::Cipher;
use super::sender::rtcp_ssrc;
use super::sources::Sources;
use super::{MasterKey, Profile, SrtpError};

/// RFC 3711 §3.2.3 — lets in what is authentic and new, of any number of sources up to
/// [`MAX_SOURCES`](super::MAX_SOURCES).
#[derive(Debug)]
pub struct Receiver {
    profile: Profile,
    rtp: Cipher,
    rtcp: Cipher,
    rtp_sources: Sources,
    rtcp_sources: Sources,
}

impl Receiver {
    /// Expands the keys.
    pub fn new(profile: Profile, master: &MasterKey) -> Self {
        Self {
            profile,
            rtp: master.rtp(profile),
            rtcp: master.rtcp(profile),
            rtp_sources: Sources::default(),
            rtcp_sources: Sources::default(),
        }
    }

    /// How media are protected.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// RFC 3711 §3.3 — makes an RTP packet of an SRTP packet, and gives its length. After an error
    /// the bytes are of no use.
    pub fn unprotect_rtp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let header = RtpPacket::parse_header(packet).map_err(|_| SrtpError::Malformed)?;
        let (ssrc, sequence, clear) = (header.ssrc(), header.sequence(), header.header_length());
        let place = self.rtp_sources.rtp(ssrc, sequence)?;
        let length = self.rtp.open_rtp(packet, clear, ssrc, place.index)?;
        self.rtp_sources.commit(place);
        Ok(length)
    }

    /// RFC 3711 §3.4 — makes an RTCP compound of an SRTCP packet, and gives its length. After an
    /// error the bytes are of no use.
    // Deviates: RTCP that is authentic but in the clear is refused; no browser sends it.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let ssrc = rtcp_ssrc(packet).ok_or(SrtpError::Malformed)?;
        let (index, encrypted) = self.rtcp.rtcp_index(packet).ok_or(SrtpError::Malformed)?;
        if !encrypted {
            return Err(SrtpError::NotEncrypted);
        }
        let place = self.rtcp_sources.rtcp(ssrc, index)?;
        let length = self.rtcp.open_rtcp(packet, ssrc, index)?;
        self.rtcp_sources.commit(place);
        Ok(length)
    }
}
