//! TLS between the elements of the core (RFC 3261 §26.3, TS 33.310): one certificate of ours for both
//! directions, and whom we believe.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};
use tracing::{info, warn};

use crate::config::{Config, SipTlsConfig};
use crate::fault::{Fault, Port};

/// TCP and TLS must stand by then.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often it is looked whether the files are others.
pub(super) const LOOK: Duration = Duration::from_mins(1);

/// TLS of one element: it accepts and connects with the same certificate.
#[derive(Debug)]
pub(crate) struct SipTls {
    config: SipTlsConfig,
    port: Port,
    /// A peer that we connect to must be one of these.
    names: Vec<ServerName<'static>>,
    loaded: Mutex<(Stamps, Arc<Loaded>)>,
}

/// When each file was written.
type Stamps = Vec<Option<SystemTime>>;

/// What the files say.
#[derive(Debug)]
struct Loaded {
    own: Arc<SingleCertAndKey>,
    server: Arc<ServerConfig>,
    /// Whoever connects to a peer trusts by this; `None`: nobody.
    peers: Option<Arc<WebPkiServerVerifier>>,
}

/// What is wrong with a file: the key that names it, and why.
type Wrong = (&'static str, String);

impl SipTls {
    /// Reads the files of the section of `port`. Unless the configuration names others, peers that we connect to
    /// may be called `host`, which is where the operator sends us.
    pub(crate) fn open(
        config: &Config,
        port: Port,
        tls: &SipTlsConfig,
        host: Option<&str>,
    ) -> Result<Arc<Self>, Fault> {
        let fault = |(key, why): Wrong| config.fault(&format!("{}.{key}", port.section()), &why);
        let mut names = Vec::new();
        for name in &tls.peer_names {
            let name = ServerName::try_from(name.clone())
                .map_err(|_| fault(("peer_names", format!("`{name}` is no host name"))))?;
            names.push(name);
        }
        if tls.peer_names.is_empty() {
            names.extend(host.and_then(|host| ServerName::try_from(host.to_owned()).ok()));
        }
        let stamps = stamps(tls);
        let loaded = Arc::new(Loaded::read(tls).map_err(fault)?);
        Ok(Arc::new(Self {
            config: tls.clone(),
            port,
            names,
            loaded: Mutex::new((stamps, loaded)),
        }))
    }

    /// The same for every section that there is, and nothing is kept.
    pub(crate) fn check(config: &Config) -> Result<(), Fault> {
        let sections = [
            (Port::MW_TLS, &config.epcscf.mw_tls),
            (Port::CORE_TLS, &config.lab_core.tls),
        ];
        for (port, tls) in sections {
            if let Some(tls) = tls {
                Self::open(config, port, tls, None)?;
            }
        }
        Ok(())
    }

    /// For an operator whose port is taken.
    pub(super) fn port(&self) -> &Port {
        &self.port
    }

    /// Where TLS is listened for.
    pub(super) fn listen(&self) -> SocketAddr {
        self.config.listen
    }

    /// The peer's handshake, in time or not at all.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
    ) -> io::Result<server::TlsStream<TcpStream>> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.loaded().server));
        timeout(HANDSHAKE, acceptor.accept(stream)).await?
    }

    /// A connection to a peer whose certificate has one of the configured names; where none are
    /// configured, that of the next hop or the address that is connected to.
    pub(super) async fn connect(
        &self,
        addr: SocketAddr,
    ) -> io::Result<client::TlsStream<TcpStream>> {
        let address = ServerName::IpAddress(addr.ip().into());
        let name = self.names.first().unwrap_or(&address).clone();
        let mut names = self.names.clone();
        if self.config.peer_names.is_empty() {
            names.push(address);
        }
        let config = self.loaded().client(names)?;
        let connecting = async {
            let stream = TcpStream::connect(addr).await?;
            let _ = stream.set_nodelay(true);
            TlsConnector::from(Arc::new(config))
                .connect(name, stream)
                .await
        };
        timeout(HANDSHAKE, connecting).await?
    }

    /// Files that were renewed are read; if that fails, those from before stay.
    pub(super) fn look_again(&self) {
        let stamps = stamps(&self.config);
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if loaded.0 == stamps {
            return;
        }
        loaded.0 = stamps;
        match Loaded::read(&self.config) {
            Ok(renewed) => {
                loaded.1 = Arc::new(renewed);
                info!("SIP over TLS has its certificates anew");
            }
            Err((key, why)) => warn!(key, why, "SIP over TLS keeps the certificates it has"),
        }
    }

    fn loaded(&self) -> Arc<Loaded> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&loaded.1)
    }
}

fn stamps(tls: &SipTlsConfig) -> Stamps {
    let files = [&tls.certificate, &tls.key].into_iter().chain(&tls.trust);
    files
        .map(|file| {
            std::fs::metadata(file)
                .and_then(|meta| meta.modified())
                .ok()
        })
        .collect()
}

impl Loaded {
    fn read(tls: &SipTlsConfig) -> Result<Self, Wrong> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let chain = certificates("certificate", &tls.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&tls.key)
            .map_err(|error| wrong("key", &tls.key, &format!("no PEM private key: {error}")))?;
        let own = CertifiedKey::from_der(chain, key, &provider).map_err(|error| {
            let why = format!("not the key of {}: {error}", tls.certificate.display());
            wrong("key", &tls.key, &why)
        })?;
        let own = Arc::new(SingleCertAndKey::from(own));

        let mut roots = RootCertStore::empty();
        for file in &tls.trust {
            for certificate in certificates("trust", file)? {
                roots
                    .add(certificate)
                    .map_err(|error| wrong("trust", file, &format!("no authority: {error}")))?;
            }
        }
        let trusted = (!roots.is_empty()).then(|| Arc::new(roots));
        let cannot = |error: &dyn std::fmt::Display| ("trust", error.to_string());
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| cannot(&error))?;
        let server = match trusted.clone().filter(|_| tls.mutual) {
            Some(roots) => {
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
                        .build()
                        .map_err(|error| cannot(&error))?;
                server.with_client_cert_verifier(verifier)
            }
            None => server.with_no_client_auth(),
        };
        let peers = match trusted {
            Some(roots) => Some(
                WebPkiServerVerifier::builder_with_provider(roots, provider)
                    .build()
                    .map_err(|error| cannot(&error))?,
            ),
            None => None,
        };
        Ok(Self {
            server: Arc::new(server.with_cert_resolver(own.clone())),
            own,
            peers,
        })
    }

    fn client(&self, names: Vec<ServerName<'static>>) -> io::Result<ClientConfig> {
        let inner = self
            .peers
            .clone()
            .ok_or_else(|| io::Error::other("nobody is trusted"))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(OneOf { inner, names }))
            .with_client_cert_resolver(self.own.clone());
        // A session that is taken up again was verified under other names, perhaps.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(config)
    }
}

fn certificates(key: &'static str, file: &PathBuf) -> Result<Vec<CertificateDer<'static>>, Wrong> {
    let read = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(key, file, &format!("no PEM certificate: {error}")))?;
    if read.is_empty() {
        return Err(wrong(key, file, "no PEM certificate"));
    }
    Ok(read)
}

fn wrong(key: &'static str, file: &Path, why: &str) -> Wrong {
    (key, format!("{} is {why}", file.display()))
}

/// RFC 5922 §7 — a certificate that an authority of ours signed, and that names whom we mean: by name,
/// or by address where all that is known of the peer is that.
#[derive(Debug)]
struct OneOf {
    inner: Arc<WebPkiServerVerifier>,
    names: Vec<ServerName<'static>>,
}

impl ServerCertVerifier for OneOf {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut last = rustls::Error::General("nobody is meant".to_owned());
        for name in &self.names {
            match self
                .inner
                .verify_server_cert(end_entity, intermediates, name, ocsp_response, now)
            {
                Ok(verified) => return Ok(verified),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
