use wire_rtp::RtpPacket;

use super::cipher::{Cipher, RTCP_CLEAR};
use super::sources::Sources;
use super::{MasterKey, Profile, SrtpError};

/// RFC 3711 §3.2.3 — protects what is sent, of any number of sources up to
/// [`MAX_SOURCES`](super::MAX_SOURCES).
#[derive(Debug)]
pub struct Sender {
    profile: Profile,
    rtp: Cipher,
    rtcp: Cipher,
    sources: Sources,
    /// RFC 3711 §3.4 — the next index. One counter serves all sources: it only has to rise for each.
    pub(super) rtcp_index: u32,
}

impl Sender {
    /// Expands the keys.
    pub fn new(profile: Profile, master: &MasterKey) -> Self {
        Self {
            profile,
            rtp: master.rtp(profile),
            rtcp: master.rtcp(profile),
            sources: Sources::default(),
            rtcp_index: 1,
        }
    }

    /// How media are protected.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// RFC 3711 §3.3 — protects the RTP packet that is the first `length` bytes, and gives the new
    /// length. The buffer needs [`Profile::rtp_overhead`] more.
    ///
    /// A packet with a sequence number that was there before is refused: two packets with one index
    /// would give away both (RFC 3711 §9.1).
    pub fn protect_rtp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        let protected = length + self.profile.rtp_overhead();
        if protected > buffer.len() {
            return Err(SrtpError::NoRoom);
        }
        let packet =
            RtpPacket::parse_header(&buffer[..length]).map_err(|_| SrtpError::Malformed)?;
        let (ssrc, sequence, clear) = (packet.ssrc(), packet.sequence(), packet.header_length());
        let place = self.sources.rtp(ssrc, sequence)?;
        self.rtp.seal_rtp(buffer, clear, length, ssrc, place.index);
        self.sources.commit(place);
        Ok(protected)
    }

    /// RFC 3711 §3.4 — protects the RTCP compound that is the first `length` bytes, and gives the
    /// new length. The buffer needs [`Profile::rtcp_overhead`] more.
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        let protected = length + self.profile.rtcp_overhead();
        if protected > buffer.len() {
            return Err(SrtpError::NoRoom);
        }
        let ssrc = rtcp_ssrc(&buffer[..length]).ok_or(SrtpError::Malformed)?;
        if self.rtcp_index >> 31 != 0 {
            return Err(SrtpError::KeyExhausted);
        }
        self.rtcp.seal_rtcp(buffer, length, ssrc, self.rtcp_index);
        self.rtcp_index += 1;
        Ok(protected)
    }
}

/// The SSRC in the first header of a compound.
pub(super) fn rtcp_ssrc(packet: &[u8]) -> Option<u32> {
    let header = packet.first_chunk::<RTCP_CLEAR>()?;
    (header[0] >> 6 == 2).then(|| u32::from_be_bytes([header[4], header[5], header[6], header[7]]))
}
