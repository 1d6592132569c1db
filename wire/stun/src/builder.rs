use std::net::SocketAddr;

use crate::attribute::{padded, write_xor_address};
use crate::crc::crc32;
use crate::header::message_type;
use crate::message::FINGERPRINT_MASK;
use crate::{
    BINDING, BufferTooSmall, Class, HEADER_LENGTH, IntegrityKey, MAGIC_COOKIE, TransactionId, kind,
};

/// Writes a Binding message. Attributes stand in the order of the calls; [`integrity`] and
/// [`fingerprint`] come last, in this order.
///
/// [`integrity`]: Builder::integrity
/// [`fingerprint`]: Builder::fingerprint
#[derive(Debug)]
pub struct Builder<'b> {
    buffer: &'b mut [u8],
    id: TransactionId,
    length: usize,
    overflown: bool,
}

impl<'b> Builder<'b> {
    /// RFC 8489 §6.1 — begins with the header.
    pub fn new(buffer: &'b mut [u8], class: Class, id: TransactionId) -> Self {
        let mut header = [0; HEADER_LENGTH];
        header[..2].copy_from_slice(&message_type(class, BINDING).to_be_bytes());
        header[4..8].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
        header[8..].copy_from_slice(&id.0);
        let overflown = match buffer.get_mut(..HEADER_LENGTH) {
            Some(place) => {
                place.copy_from_slice(&header);
                false
            }
            None => true,
        };
        Self {
            buffer,
            id,
            length: HEADER_LENGTH,
            overflown,
        }
    }

    /// Any attribute (RFC 8489 §14).
    #[must_use]
    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        let end = self.length + 4 + padded(value.len());
        let fits = u16::try_from(end - HEADER_LENGTH).is_ok();
        let Some(place) = self.buffer.get_mut(self.length..end).filter(|_| fits) else {
            self.overflown = true;
            return self;
        };
        place[..2].copy_from_slice(&kind.to_be_bytes());
        place[2..4].copy_from_slice(&(value.len() as u16).to_be_bytes());
        place[4..4 + value.len()].copy_from_slice(value);
        place[4 + value.len()..].fill(0);
        self.length = end;
        self
    }

    /// RFC 8489 §14.3.
    #[must_use]
    pub fn username(self, username: &str) -> Self {
        self.attribute(kind::USERNAME, username.as_bytes())
    }

    /// RFC 8489 §14.14.
    #[must_use]
    pub fn software(self, software: &str) -> Self {
        self.attribute(kind::SOFTWARE, software.as_bytes())
    }

    /// RFC 8445 §7.1.1.
    #[must_use]
    pub fn priority(self, priority: u32) -> Self {
        self.attribute(kind::PRIORITY, &priority.to_be_bytes())
    }

    /// RFC 8445 §7.1.2.
    #[must_use]
    pub fn use_candidate(self) -> Self {
        self.attribute(kind::USE_CANDIDATE, &[])
    }

    /// RFC 8445 §7.1.3.
    #[must_use]
    pub fn ice_controlling(self, tie_breaker: u64) -> Self {
        self.attribute(kind::ICE_CONTROLLING, &tie_breaker.to_be_bytes())
    }

    /// RFC 8445 §7.1.3.
    #[must_use]
    pub fn ice_controlled(self, tie_breaker: u64) -> Self {
        self.attribute(kind::ICE_CONTROLLED, &tie_breaker.to_be_bytes())
    }

    /// RFC 8489 §14.2.
    #[must_use]
    pub fn xor_mapped_address(self, address: SocketAddr) -> Self {
        let (value, length) = write_xor_address(address, self.id);
        self.attribute(kind::XOR_MAPPED_ADDRESS, &value[..length])
    }

    /// RFC 8489 §14.8. A reason of more than 128 bytes is cut.
    #[must_use]
    pub fn error_code(self, code: u16, reason: &str) -> Self {
        let mut value = [0; 4 + 128];
        value[2] = (code / 100) as u8;
        value[3] = (code % 100) as u8;
        let mut length = reason.len().min(128);
        while !reason.is_char_boundary(length) {
            length -= 1;
        }
        value[4..4 + length].copy_from_slice(&reason.as_bytes()[..length]);
        self.attribute(kind::ERROR_CODE, &value[..4 + length])
    }

    /// RFC 8489 §14.9. At most sixteen are named.
    #[must_use]
    pub fn unknown_attributes(self, kinds: &[u16]) -> Self {
        let mut value = [0; 32];
        let kinds = &kinds[..kinds.len().min(16)];
        for (place, kind) in value.chunks_exact_mut(2).zip(kinds) {
            place.copy_from_slice(&kind.to_be_bytes());
        }
        self.attribute(kind::UNKNOWN_ATTRIBUTES, &value[..2 * kinds.len()])
    }

    /// RFC 8489 §14.5.
    #[must_use]
    pub fn integrity(self, key: &IntegrityKey) -> Self {
        if self.overflown {
            return self;
        }
        let digest = key.sign(&self.buffer[..self.length]);
        self.attribute(kind::MESSAGE_INTEGRITY, &digest)
    }

    /// RFC 8489 §14.7 — the CRC over all that comes before, with a length that counts it in.
    #[must_use]
    pub fn fingerprint(self) -> Self {
        if self.overflown {
            return self;
        }
        let length = (self.length - HEADER_LENGTH + 8) as u16;
        let before = &self.buffer[..self.length];
        let crc = crc32([&before[..2], &length.to_be_bytes(), &before[4..]]) ^ FINGERPRINT_MASK;
        self.attribute(kind::FINGERPRINT, &crc.to_be_bytes())
    }

    /// How many bytes were written.
    pub fn finish(self) -> Result<usize, BufferTooSmall> {
        if self.overflown {
            return Err(BufferTooSmall);
        }
        let length = (self.length - HEADER_LENGTH) as u16;
        self.buffer[2..4].copy_from_slice(&length.to_be_bytes());
        Ok(self.length)
    }
}
