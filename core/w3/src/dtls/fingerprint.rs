use aws_lc_rs::digest;

use super::DtlsError;

/// RFC 8122 §5 — the hash of a certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// The hash function as SDP names it, in lower case: `sha-256`.
    pub algorithm: String,
    /// The hash itself.
    pub digest: Vec<u8>,
}

/// RFC 8122 §5.1 — the functions that we trust, the weakest first. SHA-1 and MD5 are not among them.
const TRUSTED: [(&str, &digest::Algorithm); 3] = [
    ("sha-256", &digest::SHA256),
    ("sha-384", &digest::SHA384),
    ("sha-512", &digest::SHA512),
];

impl Fingerprint {
    /// The SHA-256 of a certificate.
    pub fn sha256(certificate: &[u8]) -> Self {
        Self {
            algorithm: "sha-256".into(),
            digest: digest::digest(&digest::SHA256, certificate).as_ref().into(),
        }
    }

    /// RFC 8122 §5.1 — of the fingerprints with the best function, one must be the certificate's.
    pub fn verify(announced: &[Self], certificate: &[u8]) -> Result<(), DtlsError> {
        for (name, algorithm) in TRUSTED.iter().rev() {
            let mut same = announced
                .iter()
                .filter(|fingerprint| fingerprint.algorithm.eq_ignore_ascii_case(name))
                .peekable();
            if same.peek().is_none() {
                continue;
            }
            let actual = digest::digest(algorithm, certificate);
            return if same.any(|fingerprint| fingerprint.digest == actual.as_ref()) {
                Ok(())
            } else {
                Err(DtlsError::WrongFingerprint)
            };
        }
        Err(DtlsError::NoUsableFingerprint)
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ", self.algorithm)?;
        self.digest.iter().try_for_each(|b| write!(f, "{b:02X}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, algorithm: &'static digest::Algorithm, certificate: &[u8]) -> Fingerprint {
        Fingerprint {
            algorithm: name.into(),
            digest: digest::digest(algorithm, certificate).as_ref().into(),
        }
    }

    #[test]
    fn the_best_function_decides() {
        let good = Fingerprint::sha256(b"certificate");
        let other = Fingerprint::sha256(b"other");
        let better = of("SHA-512", &digest::SHA512, b"certificate");
        let bad = of("sha-512", &digest::SHA512, b"other");
        let old = of("sha-1", &digest::SHA1_FOR_LEGACY_USE_ONLY, b"certificate");
        let verify = |announced: &[&Fingerprint]| {
            let announced: Vec<_> = announced.iter().copied().cloned().collect();
            Fingerprint::verify(&announced, b"certificate")
        };
        assert_eq!(verify(&[&good]), Ok(()));
        assert_eq!(verify(&[&other, &good]), Ok(()));
        assert_eq!(verify(&[&other, &better]), Ok(()));
        assert_eq!(verify(&[&good, &bad]), Err(DtlsError::WrongFingerprint));
        assert_eq!(verify(&[&old]), Err(DtlsError::NoUsableFingerprint));
        assert_eq!(verify(&[]), Err(DtlsError::NoUsableFingerprint));
    }
}
