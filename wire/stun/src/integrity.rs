use aws_lc_rs::hmac;

/// RFC 8489 §9.1.1 — the key of MESSAGE-INTEGRITY with short-term credentials: the password.
#[derive(Clone)]
pub struct IntegrityKey(hmac::Key);

/// What looking at MESSAGE-INTEGRITY or FINGERPRINT showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The message has none.
    Missing,
    /// It fits.
    Valid,
    /// It does not fit.
    Wrong,
}

pub(crate) const DIGEST_LENGTH: usize = 20;

impl IntegrityKey {
    /// Prepares the key. ICE passwords are plain characters, which OpaqueString leaves as they are.
    pub fn new(password: &str) -> Self {
        Self(hmac::Key::new(
            hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            password.as_bytes(),
        ))
    }

    /// RFC 8489 §14.5 — the hash over all that comes before the attribute, with a length that
    /// counts the attribute in.
    pub(crate) fn sign(&self, before: &[u8]) -> [u8; DIGEST_LENGTH] {
        let length = (before.len() - crate::HEADER_LENGTH + 4 + DIGEST_LENGTH) as u16;
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&before[..2]);
        context.update(&length.to_be_bytes());
        context.update(&before[4..]);
        let mut digest = [0; DIGEST_LENGTH];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    pub(crate) fn verify(&self, before: &[u8], digest: &[u8]) -> Check {
        let expected = self.sign(before);
        match aws_lc_rs::constant_time::verify_slices_are_equal(&expected, digest) {
            Ok(()) => Check::Valid,
            Err(_) => Check::Wrong,
        }
    }
}

impl std::fmt::Debug for IntegrityKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IntegrityKey")
    }
}
