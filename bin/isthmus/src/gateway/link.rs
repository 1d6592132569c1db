//! Iq on a connection: TLS, greeting, frames. The same on both ends.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use core_iq::{Called, Calling, Decoder, FromGateway, SharedSecret, Step, ToGateway, encode};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ConnectionCommon, DigitallySignedStruct, ServerConfig, SignatureScheme,
};
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// An end that is asked and says nothing for that long is gone.
pub(super) const SILENCE: Duration = Duration::from_secs(15);

/// How often an eP-CSCF asks whether the gateway is there.
pub(super) const PING: Duration = Duration::from_secs(5);

/// TLS and greeting must be done by then, and each write.
const PATIENCE: Duration = Duration::from_secs(10);

/// `[iq]`, of an eP-CSCF and of a gateway alike: how the two find and know each other.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IqConfig {
    /// The gateway: where it listens. The eP-CSCF: where the gateway is.
    pub address: String,
    /// What both know: at least 16 characters.
    pub secret: Option<Secret>,
    /// A file that holds it instead; white space at its end does not count.
    pub secret_file: Option<PathBuf>,
    /// TLS 1.3. Only loopback goes without.
    #[serde(default = "yes")]
    pub tls: bool,
}

fn yes() -> bool {
    true
}

/// Text that no log shows.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl IqConfig {
    /// Reads the secret, and says what is wrong with the rest.
    pub(super) fn secret(&self) -> anyhow::Result<SharedSecret> {
        let text = match (&self.secret, &self.secret_file) {
            (Some(secret), None) => secret.0.clone(),
            (None, Some(file)) => std::fs::read_to_string(file)
                .with_context(|| format!("iq.secret_file {} cannot be read", file.display()))?,
            _ => bail!("iq needs either `secret` or `secret_file`"),
        };
        SharedSecret::new(text.trim_end().as_bytes())
            .map_err(|error| anyhow::anyhow!("iq: {error}"))
    }

    /// What can be known to be wrong before anybody connects.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.secret()?;
        // A host name is looked up, and looked at, when the eP-CSCF connects.
        if let Ok(address) = self.address.parse::<SocketAddr>() {
            self.check_plain(address.ip())?;
        }
        Ok(())
    }

    /// Whether this may be used without TLS.
    pub(super) fn check_plain(&self, address: IpAddr) -> anyhow::Result<()> {
        if !self.tls && !address.is_loopback() {
            bail!("iq.tls = false is for loopback only, and {address} is not");
        }
        Ok(())
    }
}

/// What a connection runs over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection whose other end is known.
pub(super) struct Link {
    stream: Box<dyn Stream>,
    decoder: Decoder,
    received: Vec<u8>,
}

/// RFC 9266 §2 — what ties the greeting to this TLS connection.
const EXPORTER: &[u8] = b"EXPORTER-Channel-Binding";

impl Link {
    /// The eP-CSCF's end.
    pub(super) async fn call(
        tcp: TcpStream,
        tls: Option<&TlsConnector>,
        secret: SharedSecret,
    ) -> anyhow::Result<Self> {
        let nonce = random()?;
        let greeting = async {
            tcp.set_nodelay(true)?;
            let (stream, binding): (Box<dyn Stream>, _) = match tls {
                None => (Box::new(tcp), [0; 32]),
                Some(connector) => {
                    let name = ServerName::try_from("eims-agw").context("a fixed name")?;
                    let stream = connector.connect(name, tcp).await?;
                    let binding = binding(stream.get_ref().1)?;
                    (Box::new(stream), binding)
                }
            };
            let mut link = Self::over(stream);
            let (mut calling, hello) = Calling::new(secret, nonce, &binding);
            link.send(&hello).await?;
            loop {
                let frame = link.receive::<FromGateway>().await?;
                match calling.handle(frame)? {
                    Step::Send(frame) => link.send(&frame).await?,
                    Step::Last(frame) => {
                        link.send(&frame).await?;
                        break;
                    }
                    Step::Done => break,
                }
            }
            link.decoder.trust();
            anyhow::Ok(link)
        };
        tokio::time::timeout(PATIENCE, greeting)
            .await
            .context("the greeting takes too long")?
    }

    /// The gateway's end.
    pub(super) async fn answer(
        tcp: TcpStream,
        tls: Option<&TlsAcceptor>,
        secret: SharedSecret,
    ) -> anyhow::Result<Self> {
        let nonce = random()?;
        let greeting = async {
            tcp.set_nodelay(true)?;
            let (stream, binding): (Box<dyn Stream>, _) = match tls {
                None => (Box::new(tcp), [0; 32]),
                Some(acceptor) => {
                    let stream = acceptor.accept(tcp).await?;
                    let binding = binding(stream.get_ref().1)?;
                    (Box::new(stream), binding)
                }
            };
            let mut link = Self::over(stream);
            let mut called = Called::new(secret, nonce, &binding);
            loop {
                let frame = link.receive::<ToGateway>().await?;
                match called.handle(&frame) {
                    Ok(Step::Send(frame)) => link.send(&frame).await?,
                    Ok(Step::Last(frame)) => {
                        link.send(&frame).await?;
                        break;
                    }
                    Ok(Step::Done) => break,
                    Err(error) => {
                        let reason = error.to_string();
                        link.send(&FromGateway::Rejected { reason }).await?;
                        return Err(error.into());
                    }
                }
            }
            link.decoder.trust();
            anyhow::Ok(link)
        };
        tokio::time::timeout(PATIENCE, greeting)
            .await
            .context("the greeting takes too long")?
    }

    fn over(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            decoder: Decoder::new(),
            received: vec![0; 16 * 1024],
        }
    }

    /// Sends a frame whole, or not in time: then the connection is of no use.
    pub(super) async fn send<T: Serialize>(&mut self, frame: &T) -> anyhow::Result<()> {
        let mut bytes = Vec::new();
        encode(frame, &mut bytes)?;
        let write = async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        };
        tokio::time::timeout(PATIENCE, write)
            .await
            .context("the other end does not read")??;
        Ok(())
    }

    /// The next frame. May be dropped while it waits: nothing that came is lost.
    pub(super) async fn receive<T: DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        loop {
            if let Some(frame) = self.decoder.next_frame()? {
                return Ok(frame);
            }
            let length = self.stream.read(&mut self.received).await?;
            if length == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            self.decoder.push(&self.received[..length]);
        }
    }
}

/// What the greeting is tied to: the same on both ends of one TLS connection, and on no other.
fn binding<Data>(tls: &ConnectionCommon<Data>) -> Result<[u8; 32], rustls::Error> {
    tls.export_keying_material([0; 32], EXPORTER, Some(b""))
}

fn random() -> anyhow::Result<[u8; 32]> {
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).context("the system has no random bytes")?;
    Ok(nonce)
}

/// TLS for the gateway's end, with a certificate made for this run: the greeting proves who it is.
pub(super) fn acceptor() -> anyhow::Result<TlsAcceptor> {
    let made = rcgen::generate_simple_self_signed(vec!["eims-agw".to_owned()])?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// TLS for the eP-CSCF's end.
pub(super) fn connector() -> anyhow::Result<TlsConnector> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ProvedByGreeting(provider)))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Takes any certificate, since the greeting that follows proves the shared secret for exactly this
/// TLS connection: somebody in the middle has two connections, and two bindings.
#[derive(Debug)]
struct ProvedByGreeting(Arc<CryptoProvider>);

impl ServerCertVerifier for ProvedByGreeting {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.3 only".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Where a name or address leads: the first place that is told.
pub(super) async fn resolve(address: &str) -> anyhow::Result<SocketAddr> {
    tokio::net::lookup_host(address)
        .await
        .with_context(|| format!("the gateway's address {address} is not known"))?
        .next()
        .with_context(|| format!("the gateway's address {address} leads nowhere"))
}
