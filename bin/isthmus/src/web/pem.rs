//! Keys and certificates in PEM files, as `openssl` writes them.

use std::path::Path;

use core_credentials::jwk::Jwk;
use core_credentials::token::{Algorithm, SigningKey};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};

use super::WebError;

/// A client's public key: `openssl pkey -pubout`.
pub(super) fn public_key(file: &Path) -> Result<Jwk, WebError> {
    let spki = SubjectPublicKeyInfoDer::from_pem_slice(&read(file)?);
    let jwk = spki.ok().and_then(|spki| Jwk::from_spki(&spki));
    jwk.ok_or_else(|| WebError::key(file, "a public key, P-256 or RSA of 2048 bits at least"))
}

/// A private key: `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`.
pub(super) fn signing_key(file: &Path) -> Result<SigningKey, WebError> {
    let pkcs8 = PrivatePkcs8KeyDer::from_pem_slice(&read(file)?).ok();
    let key = pkcs8.and_then(|key| {
        let of = |algorithm| SigningKey::from_pkcs8(algorithm, key.secret_pkcs8_der());
        of(Algorithm::ES256).or_else(|| of(Algorithm::RS256))
    });
    key.ok_or_else(|| WebError::key(file, "a private key in PKCS #8, P-256 or RSA"))
}

/// Certificates to trust.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, WebError> {
    CertificateDer::pem_slice_iter(&read(file)?)
        .map(|certificate| certificate.map_err(|_| WebError::key(file, "PEM certificates")))
        .collect()
}

fn read(file: &Path) -> Result<Vec<u8>, WebError> {
    std::fs::read(file).map_err(|source| WebError::Certificate {
        path: file.display().to_string(),
        source,
    })
}
