//! IMS-AKA: the secret of a SIM answers a Digest challenge (TS 33.203 §6.1, RFC 3310, RFC 4169).
//!
//! ```text
//!   Usim                          S-CSCF                            HSS: HomeSequence + Milenage
//!     │                              │ ◀── AuthenticationVector ──── vector(rand, sqn, amf)
//!     │ ◀─ 401, Challenge: nonce = base64(RAND || AUTN)
//!     respond(rand, autn)
//!     │ Answer::Response      ── digest with [`Version::password`] ─▶ verify with that of XRES
//!     │ Answer::SyncFailure   ── auts="…", empty password ──────────▶ HomeSequence::resynchronise, 401 anew
//!     │ Answer::MacFailure    ── empty response ────────────────────▶ 401 anew, or the end
//! ```
//!
//! [`Milenage`] is the example algorithm set of TS 35.206, which most SIMs have. All of this is of
//! fixed size: a value is 16 bytes, or it is none.

mod milenage;
mod password;
mod sequence;
mod usim;

pub use milenage::{AuthenticationVector, Milenage};
pub use password::{Version, nonce, read_nonce};
pub use sequence::{HomeSequence, Sqn};
pub use usim::{Answer, Usim};

/// TS 33.102 §6.3.2 — the network's random challenge.
pub type Rand = [u8; 16];
/// TS 33.102 §6.3.2 — `(SQN xor AK) || AMF || MAC-A`: the network proves itself.
pub type Autn = [u8; 16];
/// TS 33.102 §6.3.3 — `(SQN_MS xor AK*) || MAC-S`: where the SIM's sequence stands.
pub type Auts = [u8; 14];
/// TS 33.102 §6.3.2 — the authentication management field.
pub type Amf = [u8; 2];

/// A key as operators write it: 32 hexadecimal digits.
pub fn read_key(hex: &str) -> Option<[u8; 16]> {
    let digits = hex.trim().as_bytes();
    if digits.len() != 32 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut key = [0; 16];
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let value = |digit: u8| (digit as char).to_digit(16);
        *byte = (value(pair[0])? << 4 | value(pair[1])?) as u8;
    }
    Some(key)
}

#[cfg(test)]
pub(crate) fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    assert_eq!(hex.len(), 2 * N);
    std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_digits_and_nothing_else() {
        let key = read_key(" 465b5ce8b199b49faa5f0a2ee238A6BC\n").unwrap();
        assert_eq!(key, bytes::<16>("465b5ce8b199b49faa5f0a2ee238a6bc"));
        for wrong in [
            "",
            "465b5ce8b199b49faa5f0a2ee238a6b",
            "465b5ce8b199b49faa5f0a2ee238a6bg",
            "+65b5ce8b199b49faa5f0a2ee238a6bc",
            "éééééééééééééééé",
        ] {
            assert_eq!(read_key(wrong), None, "{wrong}");
        }
    }
}
