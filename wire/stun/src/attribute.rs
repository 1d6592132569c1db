use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::{MAGIC_COOKIE, TransactionId};

/// RFC 8489 §18.3, RFC 8445 §16.1 — the numbers of the attributes.
#[allow(missing_docs)]
pub mod kind {
    pub const MAPPED_ADDRESS: u16 = 0x0001;
    pub const USERNAME: u16 = 0x0006;
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    pub const REALM: u16 = 0x0014;
    pub const NONCE: u16 = 0x0015;
    pub const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub const PRIORITY: u16 = 0x0024;
    pub const USE_CANDIDATE: u16 = 0x0025;
    pub const SOFTWARE: u16 = 0x8022;
    pub const FINGERPRINT: u16 = 0x8028;
    pub const ICE_CONTROLLED: u16 = 0x8029;
    pub const ICE_CONTROLLING: u16 = 0x802a;

    /// RFC 8489 §14 — whether a receiver must know it or refuse the request.
    pub const fn is_comprehension_required(kind: u16) -> bool {
        kind < 0x8000
    }

    /// Whether an ICE agent knows it.
    pub const fn is_known(kind: u16) -> bool {
        matches!(
            kind,
            MAPPED_ADDRESS
                | USERNAME
                | MESSAGE_INTEGRITY
                | ERROR_CODE
                | UNKNOWN_ATTRIBUTES
                | REALM
                | NONCE
                | MESSAGE_INTEGRITY_SHA256
                | XOR_MAPPED_ADDRESS
                | PRIORITY
                | USE_CANDIDATE
                | SOFTWARE
                | FINGERPRINT
                | ICE_CONTROLLED
                | ICE_CONTROLLING
        )
    }
}

/// RFC 8489 §14 — one attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// One of [`kind`], or another.
    pub kind: u16,
    /// Without padding.
    pub value: &'a [u8],
    /// Where the attribute begins in the message.
    pub at: usize,
}

/// RFC 8489 §14.8 — why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode<'a> {
    /// 300 to 699.
    pub code: u16,
    /// In words; empty if they are not UTF-8.
    pub reason: &'a str,
}

/// The attributes of a message whose framing was checked. What stands behind MESSAGE-INTEGRITY is
/// left out, except another integrity and FINGERPRINT (RFC 8489 §14.5).
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
    pub(crate) sealed: bool,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        loop {
            let at = self.at;
            let (kind, length) = type_and_length(self.bytes, at)?;
            let value = self.bytes.get(at + 4..at + 4 + length)?;
            self.at = at + 4 + padded(length);
            let seal = matches!(
                kind,
                kind::MESSAGE_INTEGRITY | kind::MESSAGE_INTEGRITY_SHA256
            );
            if self.sealed && !seal && kind != kind::FINGERPRINT {
                continue;
            }
            self.sealed |= seal;
            return Some(Attribute { kind, value, at });
        }
    }
}

pub(crate) fn type_and_length(bytes: &[u8], at: usize) -> Option<(u16, usize)> {
    let &[a, b, c, d] = bytes.get(at..at + 4)? else {
        return None;
    };
    Some((
        u16::from_be_bytes([a, b]),
        usize::from(u16::from_be_bytes([c, d])),
    ))
}

/// RFC 8489 §14 — attributes begin at multiples of four.
pub(crate) const fn padded(length: usize) -> usize {
    (length + 3) & !3
}

/// RFC 8489 §14.2.
pub(crate) fn read_xor_address(value: &[u8], id: TransactionId) -> Option<SocketAddr> {
    let &[_, family, high, low] = value.first_chunk()?;
    let port = u16::from_be_bytes([high, low]) ^ (MAGIC_COOKIE >> 16) as u16;
    let ip = match family {
        1 => {
            let bytes: [u8; 4] = value[4..].try_into().ok()?;
            IpAddr::V4(Ipv4Addr::from(u32::from_be_bytes(bytes) ^ MAGIC_COOKIE))
        }
        2 => {
            let bytes: [u8; 16] = value[4..].try_into().ok()?;
            IpAddr::V6(Ipv6Addr::from(u128::from_be_bytes(bytes) ^ mask(id)))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// RFC 8489 §14.2. Gives the bytes and how many of them count.
pub(crate) fn write_xor_address(address: SocketAddr, id: TransactionId) -> ([u8; 20], usize) {
    let mut value = [0; 20];
    let port = address.port() ^ (MAGIC_COOKIE >> 16) as u16;
    value[2..4].copy_from_slice(&port.to_be_bytes());
    match address.ip() {
        IpAddr::V4(ip) => {
            value[1] = 1;
            value[4..8].copy_from_slice(&(u32::from(ip) ^ MAGIC_COOKIE).to_be_bytes());
            (value, 8)
        }
        IpAddr::V6(ip) => {
            value[1] = 2;
            value[4..].copy_from_slice(&(u128::from(ip) ^ mask(id)).to_be_bytes());
            (value, 20)
        }
    }
}

fn mask(id: TransactionId) -> u128 {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
    mask[4..].copy_from_slice(&id.0);
    u128::from_be_bytes(mask)
}
