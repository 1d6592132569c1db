//! RFC 3711 §4.3 — session keys out of a master key. The key derivation rate is always zero: DTLS
//! makes new keys long before that would matter.

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use super::MasterKey;

/// RFC 3711 §4.3.2 — what a session key is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// RFC 3711 §4.3.3, RFC 6188 §3 — AES in counter mode over zeros, with the salt and the label as
/// the counter's beginning. A salt of 96 bits is filled up with zeros (RFC 7714 §11).
pub(super) fn derive(master: &MasterKey, label: Label, output: &mut [u8]) {
    output.fill(0);
    let mut counter = [0; 16];
    counter[..14].copy_from_slice(&master.salt);
    counter[7] ^= label as u8;
    counter_mode(&cipher(master.key()), counter, output);
}

pub(super) fn cipher(key: &[u8]) -> EncryptingKey {
    let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
    UnboundCipherKey::new(algorithm, key)
        .and_then(EncryptingKey::ctr)
        .expect("profiles have keys of 16 or 32 bytes")
}

/// RFC 3711 §4.1.1.
pub(super) fn counter_mode(key: &EncryptingKey, counter: [u8; 16], data: &mut [u8]) {
    let counter = EncryptionContext::Iv128(FixedLength::from(counter));
    key.less_safe_encrypt(data, counter)
        .expect("counter mode takes a counter and any length");
}
