//! The server's certificate: the operator's files, or one of our own, made once and kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::{TlsConfig, read_certificates};
use crate::fault::Fault;
use crate::private_file;

/// TLS for our own listeners, and what others need to trust them.
pub(crate) struct ServerTls {
    /// For acceptors.
    pub(crate) config: Arc<ServerConfig>,
    /// The chain, the server's own certificate first.
    pub(crate) chain: Vec<CertificateDer<'static>>,
}

/// The names that a certificate of our own is good for.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Reads the configured files, or makes `certificate.pem` and `key.pem` in the data folder.
pub(crate) fn server_tls(config: &TlsConfig, data: &Path) -> Result<ServerTls, Fault> {
    let own = (data.join("certificate.pem"), data.join("key.pem"));
    let named = config.certificate.as_ref().zip(config.key.as_ref());
    if named.is_none() && (!own.0.exists() || !own.1.exists()) {
        make(&own.0, &own.1)?;
    }
    let (certificate, key) = named.unwrap_or((&own.0, &own.1));
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| Fault::at(certificate, None, format!("is no PEM certificate: {error}")))?;
    if chain.is_empty() {
        return Err(Fault::at(certificate, None, "holds no certificate"));
    }
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| Fault::at(key, None, format!("is no PEM private key: {error}")))?;
    let builder = ServerConfig::builder();
    let builder = match clients(&config.client_trust)? {
        Some(clients) => builder.with_client_cert_verifier(clients),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder
        .with_single_cert(chain.clone(), secret)
        .map_err(|error| {
            let why = format!("does not go with {}: {error}", key.display());
            Fault::at(certificate, None, why)
        })?;
    // HTTP/2 for pages and APIs. No RFC 8441: a WIC's WebSocket has a connection of HTTP/1.1 of its own
    // (one shard a WIC), and browsers ask for no other there.
    config.alpn_protocols = vec![H2.to_vec(), b"http/1.1".to_vec()];
    Ok(ServerTls {
        config: Arc::new(config),
        chain,
    })
}

/// RFC 9113 §3.2
pub(crate) const H2: &[u8] = b"h2";

/// Mutual TLS: who signs the certificates of those who may connect.
fn clients(files: &[PathBuf]) -> Result<Option<Arc<dyn ClientCertVerifier>>, Fault> {
    if files.is_empty() {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(files)? {
        roots
            .add(certificate)
            .map_err(|error| Fault::new(format!("tls.client_trust: {error}")))?;
    }
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build();
    let verifier = verifier.map_err(|error| Fault::new(format!("tls.client_trust: {error}")))?;
    Ok(Some(verifier))
}

fn make(certificate: &Path, key: &Path) -> Result<(), Fault> {
    let names = OWN_NAMES.map(str::to_owned).to_vec();
    let made = rcgen::generate_simple_self_signed(names)
        .map_err(|error| Fault::new(format!("cannot make a certificate: {error}")))?;
    private_file::write(key, made.signing_key.serialize_pem().as_bytes())?;
    private_file::write(certificate, made.cert.pem().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_kept() {
        let folder = std::env::temp_dir().join(format!("isthmus-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let first = server_tls(&TlsConfig::default(), &folder)
            .expect("made")
            .chain;
        let second = server_tls(&TlsConfig::default(), &folder)
            .expect("read")
            .chain;
        assert_eq!(first, second);
        std::fs::write(folder.join("key.pem"), "no key").expect("written");
        let fault = server_tls(&TlsConfig::default(), &folder)
            .err()
            .expect("no key")
            .to_string();
        assert!(fault.contains("key.pem"), "{fault}");
        std::fs::remove_dir_all(&folder).expect("it was made");
    }
}
