use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};

use super::{DtlsError, Fingerprint};

/// Who we are in DTLS: a certificate that signs itself, and its key.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    private_key: Vec<u8>,
    fingerprint: Fingerprint,
}

impl Certificate {
    /// Makes a new one: P-256, a random serial number. The shell does so once; key and number come
    /// from the system's random source.
    pub fn generate() -> Result<Self, DtlsError> {
        let made = || -> Result<(Vec<u8>, Vec<u8>), rcgen::Error> {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
            let mut params = CertificateParams::new(Vec::new())?;
            let mut name = DistinguishedName::new();
            name.push(DnType::CommonName, "WebRTC");
            params.distinguished_name = name;
            // RFC 8122 §6.2: nobody looks at the dates, the fingerprint alone is trusted.
            params.not_before = rcgen::date_time_ymd(2025, 1, 1);
            params.not_after = rcgen::date_time_ymd(2099, 1, 1);
            let certificate = params.self_signed(&key)?;
            Ok((certificate.der().to_vec(), key.serialize_der()))
        };
        let (certificate, private_key) =
            made().map_err(|error| DtlsError::Certificate(error.to_string()))?;
        Ok(Self::from_der(certificate, private_key))
    }

    /// One that was made before: X.509 and PKCS #8.
    pub fn from_der(der: Vec<u8>, private_key: Vec<u8>) -> Self {
        Self {
            fingerprint: Fingerprint::sha256(&der),
            der,
            private_key,
        }
    }

    /// For `a=fingerprint`.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    pub(super) fn to_dimpl(&self) -> dimpl::DtlsCertificate {
        dimpl::DtlsCertificate {
            certificate: self.der.clone(),
            private_key: self.private_key.clone(),
        }
    }
}

/// The key stays out of logs.
impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.fingerprint.fmt(f)
    }
}
