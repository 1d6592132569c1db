use std::net::SocketAddr;

use crate::attribute::{padded, read_xor_address, type_and_length};
use crate::crc::crc32;
use crate::header::{class_of, method_of};
use crate::integrity::DIGEST_LENGTH;
use crate::{
    Attributes, Check, Class, ErrorCode, HEADER_LENGTH, IntegrityKey, MAGIC_COOKIE, Malformed,
    TransactionId, kind,
};

/// RFC 8489 §14.7 — what the CRC is XORed with.
pub(crate) const FINGERPRINT_MASK: u32 = 0x5354_554e;

/// RFC 8489 §5 — a message whose framing is known to be right.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// RFC 8489 §6.3 — one datagram is one message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let malformed = |what, at| Err(Malformed { what, at });
        let Some(header) = bytes.first_chunk::<HEADER_LENGTH>() else {
            return malformed("a header that ends early", bytes.len());
        };
        if header[0] & 0xc0 != 0 {
            return malformed("a type that begins with ones", 0);
        }
        if header[4..8] != MAGIC_COOKIE.to_be_bytes() {
            return malformed("another cookie", 4);
        }
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if length % 4 != 0 || bytes.len() != HEADER_LENGTH + length {
            return malformed("a length that does not fit", 2);
        }
        let mut at = HEADER_LENGTH;
        while at < bytes.len() {
            let Some((kind, length)) = type_and_length(bytes, at) else {
                return malformed("an attribute that ends early", at);
            };
            let end = at + 4 + padded(length);
            if end > bytes.len() {
                return malformed("an attribute that ends early", at);
            }
            if kind == kind::FINGERPRINT && end != bytes.len() {
                return malformed("something behind FINGERPRINT", end);
            }
            at = end;
        }
        Ok(Self { bytes })
    }

    /// Request, indication, success or error.
    pub fn class(&self) -> Class {
        class_of(self.message_type())
    }

    /// [`BINDING`](crate::BINDING), or another.
    pub fn method(&self) -> u16 {
        method_of(self.message_type())
    }

    /// Joins a request and its response.
    pub fn transaction_id(&self) -> TransactionId {
        let mut id = [0; 12];
        id.copy_from_slice(&self.bytes[8..HEADER_LENGTH]);
        TransactionId(id)
    }

    /// All attributes that count.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes {
            bytes: self.bytes,
            at: HEADER_LENGTH,
            sealed: false,
        }
    }

    /// The value of the first attribute of a kind.
    pub fn attribute(&self, kind: u16) -> Option<&'a [u8]> {
        self.attributes()
            .find(|attribute| attribute.kind == kind)
            .map(|attribute| attribute.value)
    }

    /// RFC 8489 §6.3.1 — the attributes a request must be refused for, first come first.
    pub fn unknown(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.attributes()
            .map(|a| a.kind)
            .filter(|&kind| kind::is_comprehension_required(kind) && !kind::is_known(kind))
    }

    /// RFC 8489 §14.3, at most 508 bytes of UTF-8.
    pub fn username(&self) -> Option<&'a str> {
        let value = self.attribute(kind::USERNAME)?;
        if value.len() > 508 {
            return None;
        }
        std::str::from_utf8(value).ok()
    }

    /// RFC 8489 §14.14.
    pub fn software(&self) -> Option<&'a str> {
        std::str::from_utf8(self.attribute(kind::SOFTWARE)?).ok()
    }

    /// RFC 8445 §7.1.1 — the priority that the sender's candidate would have as peer reflexive.
    pub fn priority(&self) -> Option<u32> {
        let value = self.attribute(kind::PRIORITY)?;
        Some(u32::from_be_bytes(value.try_into().ok()?))
    }

    /// RFC 8445 §7.1.2 — the pair is nominated.
    pub fn use_candidate(&self) -> bool {
        self.attribute(kind::USE_CANDIDATE).is_some()
    }

    /// RFC 8445 §7.1.3 — the sender's tie-breaker, if it thinks that it controls.
    pub fn ice_controlling(&self) -> Option<u64> {
        let value = self.attribute(kind::ICE_CONTROLLING)?;
        Some(u64::from_be_bytes(value.try_into().ok()?))
    }

    /// RFC 8445 §7.1.3 — the sender's tie-breaker, if it thinks that it is controlled.
    pub fn ice_controlled(&self) -> Option<u64> {
        let value = self.attribute(kind::ICE_CONTROLLED)?;
        Some(u64::from_be_bytes(value.try_into().ok()?))
    }

    /// RFC 8489 §14.2 — whence the request came, as the answerer saw it.
    pub fn xor_mapped_address(&self) -> Option<SocketAddr> {
        let value = self.attribute(kind::XOR_MAPPED_ADDRESS)?;
        read_xor_address(value, self.transaction_id())
    }

    /// RFC 8489 §14.8.
    pub fn error_code(&self) -> Option<ErrorCode<'a>> {
        let value = self.attribute(kind::ERROR_CODE)?;
        let &[_, _, class, number] = value.first_chunk()?;
        let (class, number) = (class & 7, u16::from(number));
        if !(3..=6).contains(&class) || number > 99 {
            return None;
        }
        Some(ErrorCode {
            code: u16::from(class) * 100 + number,
            reason: std::str::from_utf8(&value[4..]).unwrap_or_default(),
        })
    }

    /// RFC 8489 §14.5.
    pub fn check_integrity(&self, key: &IntegrityKey) -> Check {
        let mut attributes = self.attributes();
        match attributes.find(|attribute| attribute.kind == kind::MESSAGE_INTEGRITY) {
            None => Check::Missing,
            Some(found) if found.value.len() != DIGEST_LENGTH => Check::Wrong,
            Some(found) => key.verify(&self.bytes[..found.at], found.value),
        }
    }

    /// RFC 8489 §14.7 — the last attribute, if it is there.
    pub fn check_fingerprint(&self) -> Check {
        let mut attributes = self.attributes();
        match attributes.find(|attribute| attribute.kind == kind::FINGERPRINT) {
            None => Check::Missing,
            Some(found) => {
                let expected = crc32([&self.bytes[..found.at], &[], &[]]) ^ FINGERPRINT_MASK;
                if found.value == expected.to_be_bytes() {
                    Check::Valid
                } else {
                    Check::Wrong
                }
            }
        }
    }

    fn message_type(&self) -> u16 {
        u16::from_be_bytes([self.bytes[0], self.bytes[1]])
    }
}

/// Reads everything that can be read of `data`; what it says of itself must fit together.
pub fn fuzz_message(data: &[u8]) {
    let Ok(message) = Message::parse(data) else {
        return;
    };
    let key = IntegrityKey::new("fuzz");
    let _ = (message.class(), message.method(), message.transaction_id());
    let _ = (message.username(), message.software(), message.priority());
    let _ = (message.ice_controlling(), message.ice_controlled());
    let _ = (message.xor_mapped_address(), message.error_code());
    let _ = (message.check_integrity(&key), message.check_fingerprint());
    let mut last = 0;
    for attribute in message.attributes() {
        assert!(attribute.at > last, "attributes come in order");
        last = attribute.at;
        assert!(attribute.at + 4 + attribute.value.len() <= data.len());
    }
    assert!(message.unknown().count() <= data.len() / 4);
}
