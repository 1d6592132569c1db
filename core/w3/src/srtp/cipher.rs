use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::EncryptingKey;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use super::SrtpError;
use super::kdf::counter_mode;

/// The session keys of RTP or of RTCP in one direction, expanded.
pub(super) enum Cipher {
    /// Apart, because its expanded keys are fifty times as long as those of GCM.
    CounterMode(Box<CounterMode>),
    Gcm {
        key: LessSafeKey,
        salt: [u8; 12],
    },
}

pub(super) struct CounterMode {
    key: EncryptingKey,
    tag_key: hmac::Key,
    salt: [u8; 14],
}

const CM_TAG: usize = 10;
const GCM_TAG: usize = 16;

/// RFC 3711 §3.4 — the E flag, before the index of 31 bits.
const ENCRYPTED: u32 = 1 << 31;

/// What of RTCP stays in the clear: the first header and the sender's SSRC.
pub(super) const RTCP_CLEAR: usize = 8;

impl Cipher {
    pub(super) fn counter_mode(key: EncryptingKey, tag_key: &[u8; 20], salt: [u8; 14]) -> Self {
        Self::CounterMode(Box::new(CounterMode {
            key,
            tag_key: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, tag_key),
            salt,
        }))
    }

    pub(super) fn gcm(key: &[u8], salt: [u8; 14]) -> Self {
        let algorithm = if key.len() == 32 {
            &AES_256_GCM
        } else {
            &AES_128_GCM
        };
        let key = UnboundKey::new(algorithm, key).expect("profiles have keys of 16 or 32 bytes");
        let mut short = [0; 12];
        short.copy_from_slice(&salt[..12]);
        Self::Gcm {
            key: LessSafeKey::new(key),
            salt: short,
        }
    }

    pub(super) fn tag_length(&self) -> usize {
        match self {
            Self::CounterMode(_) => CM_TAG,
            Self::Gcm { .. } => GCM_TAG,
        }
    }

    /// RFC 3711 §3.3, RFC 7714 §8. The buffer has room for the tag behind `length`.
    pub(super) fn seal_rtp(
        &self,
        buffer: &mut [u8],
        clear: usize,
        length: usize,
        ssrc: u32,
        index: u64,
    ) {
        match self {
            Self::CounterMode(mode) => {
                let CounterMode { key, tag_key, salt } = &**mode;
                let (packet, tag) = buffer.split_at_mut(length);
                counter_mode(key, cm_counter(salt, ssrc, index), &mut packet[clear..]);
                let roc = ((index >> 16) as u32).to_be_bytes();
                tag[..CM_TAG].copy_from_slice(&cm_tag(tag_key, packet, roc));
            }
            Self::Gcm { key, salt } => {
                let (packet, tag) = buffer.split_at_mut(length);
                let (header, payload) = packet.split_at_mut(clear);
                let sealed = key
                    .seal_in_place_separate_tag(
                        gcm_rtp(salt, ssrc, index),
                        Aad::from(header),
                        payload,
                    )
                    .expect("a packet is shorter than GCM's limit");
                tag[..GCM_TAG].copy_from_slice(sealed.as_ref());
            }
        }
    }

    /// RFC 3711 §3.3, RFC 7714 §8. The packet ends with its tag; gives the length without.
    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        clear: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, SrtpError> {
        let length = (packet.len().checked_sub(self.tag_length()))
            .filter(|&length| length >= clear)
            .ok_or(SrtpError::Malformed)?;
        match self {
            Self::CounterMode(mode) => {
                let CounterMode { key, tag_key, salt } = &**mode;
                let (packet, tag) = packet.split_at_mut(length);
                let roc = ((index >> 16) as u32).to_be_bytes();
                verify_slices_are_equal(&cm_tag(tag_key, packet, roc), tag)
                    .map_err(|_| SrtpError::NotAuthentic)?;
                counter_mode(key, cm_counter(salt, ssrc, index), &mut packet[clear..]);
            }
            Self::Gcm { key, salt } => {
                let (header, sealed) = packet.split_at_mut(clear);
                key.open_in_place(gcm_rtp(salt, ssrc, index), Aad::from(header), sealed)
                    .map_err(|_| SrtpError::NotAuthentic)?;
            }
        }
        Ok(length)
    }

    /// RFC 3711 §3.4, RFC 7714 §9. The buffer has room for tag and index behind `length`.
    pub(super) fn seal_rtcp(&self, buffer: &mut [u8], length: usize, ssrc: u32, index: u32) {
        let word = (index | ENCRYPTED).to_be_bytes();
        match self {
            Self::CounterMode(mode) => {
                let CounterMode { key, tag_key, salt } = &**mode;
                let (packet, tail) = buffer.split_at_mut(length);
                let counter = cm_counter(salt, ssrc, u64::from(index));
                counter_mode(key, counter, &mut packet[RTCP_CLEAR..]);
                tail[..4].copy_from_slice(&word);
                tail[4..4 + CM_TAG].copy_from_slice(&cm_tag(tag_key, packet, word));
            }
            Self::Gcm { key, salt } => {
                let (packet, tail) = buffer.split_at_mut(length);
                let (header, payload) = packet.split_at_mut(RTCP_CLEAR);
                let aad = gcm_rtcp_aad(header, word);
                let sealed = key
                    .seal_in_place_separate_tag(
                        gcm_rtcp(salt, ssrc, index),
                        Aad::from(aad),
                        payload,
                    )
                    .expect("a packet is shorter than GCM's limit");
                tail[..GCM_TAG].copy_from_slice(sealed.as_ref());
                tail[GCM_TAG..GCM_TAG + 4].copy_from_slice(&word);
            }
        }
    }

    /// RFC 3711 §3.4, RFC 7714 §9 — where the index is, and whether the packet is encrypted.
    /// `None`: it is too short.
    pub(super) fn rtcp_index(&self, packet: &[u8]) -> Option<(u32, bool)> {
        let at = match self {
            Self::CounterMode(_) => packet.len().checked_sub(CM_TAG + 4)?,
            Self::Gcm { .. } => packet.len().checked_sub(4)?,
        };
        if packet.len() < RTCP_CLEAR + self.tag_length() + 4 {
            return None;
        }
        let word = u32::from_be_bytes(*packet[at..].first_chunk()?);
        Some((word & !ENCRYPTED, word & ENCRYPTED != 0))
    }

    /// The packet ends with index and tag; gives the length without.
    pub(super) fn open_rtcp(
        &self,
        packet: &mut [u8],
        ssrc: u32,
        index: u32,
    ) -> Result<usize, SrtpError> {
        let length = (packet.len().checked_sub(self.tag_length() + 4))
            .filter(|&length| length >= RTCP_CLEAR)
            .ok_or(SrtpError::Malformed)?;
        let word = (index | ENCRYPTED).to_be_bytes();
        match self {
            Self::CounterMode(mode) => {
                let CounterMode { key, tag_key, salt } = &**mode;
                let (packet, tail) = packet.split_at_mut(length);
                verify_slices_are_equal(&cm_tag(tag_key, packet, word), &tail[4..])
                    .map_err(|_| SrtpError::NotAuthentic)?;
                let counter = cm_counter(salt, ssrc, u64::from(index));
                counter_mode(key, counter, &mut packet[RTCP_CLEAR..]);
            }
            Self::Gcm { key, salt } => {
                let end = packet.len() - 4;
                let (header, sealed) = packet[..end].split_at_mut(RTCP_CLEAR);
                let aad = gcm_rtcp_aad(header, word);
                key.open_in_place(gcm_rtcp(salt, ssrc, index), Aad::from(aad), sealed)
                    .map_err(|_| SrtpError::NotAuthentic)?;
            }
        }
        Ok(length)
    }
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::CounterMode(_) => "CounterMode",
            Self::Gcm { .. } => "Gcm",
        })
    }
}

/// RFC 3711 §4.1.1 — salt, SSRC and index, each in its place.
fn cm_counter(salt: &[u8; 14], ssrc: u32, index: u64) -> [u8; 16] {
    let mut counter = [0; 16];
    counter[..14].copy_from_slice(salt);
    xor(&mut counter[4..8], &ssrc.to_be_bytes());
    xor(&mut counter[8..14], &index.to_be_bytes()[2..]);
    counter
}

/// RFC 3711 §4.2.1.
fn cm_tag(key: &hmac::Key, packet: &[u8], tail: [u8; 4]) -> [u8; CM_TAG] {
    let mut context = hmac::Context::with_key(key);
    context.update(packet);
    context.update(&tail);
    let mut tag = [0; CM_TAG];
    tag.copy_from_slice(&context.sign().as_ref()[..CM_TAG]);
    tag
}

/// RFC 7714 §8.1.
fn gcm_rtp(salt: &[u8; 12], ssrc: u32, index: u64) -> Nonce {
    let mut nonce = *salt;
    xor(&mut nonce[2..6], &ssrc.to_be_bytes());
    xor(&mut nonce[6..], &index.to_be_bytes()[2..]);
    Nonce::assume_unique_for_key(nonce)
}

/// RFC 7714 §9.1.
fn gcm_rtcp(salt: &[u8; 12], ssrc: u32, index: u32) -> Nonce {
    let mut nonce = *salt;
    xor(&mut nonce[2..6], &ssrc.to_be_bytes());
    xor(&mut nonce[8..], &index.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

/// RFC 7714 §9.2 — the clear header, and the word with E flag and index.
fn gcm_rtcp_aad(header: &[u8], word: [u8; 4]) -> [u8; RTCP_CLEAR + 4] {
    let mut aad = [0; RTCP_CLEAR + 4];
    aad[..RTCP_CLEAR].copy_from_slice(header);
    aad[RTCP_CLEAR..].copy_from_slice(&word);
    aad
}

fn xor(place: &mut [u8], with: &[u8]) {
    for (place, with) in place.iter_mut().zip(with) {
        *place ^= with;
    }
}
