//! The load: WebSocket clients that register, each in its turn.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

/// A connected WIC.
pub struct Wic {
    socket: WebSocketStream<Box<dyn Stream>>,
    number: usize,
    sequence: u32,
    authorization: String,
}

impl Wic {
    /// Connects over `ws`; `path` is `/w2` or what the peer wants.
    pub async fn connect(
        address: SocketAddr,
        path: &str,
        number: usize,
        authorization: String,
    ) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://{address}{path}");
        Self::over(Box::new(stream), &url, number, authorization).await
    }

    /// Connects over `wss`, and takes whatever certificate comes.
    pub async fn connect_secure(
        address: SocketAddr,
        path: &str,
        number: usize,
        authorization: String,
    ) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody))
            .with_no_client_auth();
        let name = ServerName::try_from("localhost")?;
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await?;
        let url = format!("wss://localhost:{}{path}", address.port());
        Self::over(Box::new(stream), &url, number, authorization).await
    }

    async fn over(
        stream: Box<dyn Stream>,
        url: &str,
        number: usize,
        authorization: String,
    ) -> Result<Self> {
        let mut request = url.into_client_request()?;
        request
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", "sip".parse()?);
        let (socket, _) = client_async(request, stream)
            .await
            .context("WebSocket handshake")?;
        Ok(Self {
            socket,
            number,
            sequence: 0,
            authorization,
        })
    }

    /// One REGISTER, and its final answer, which must be 200.
    pub async fn register(&mut self) -> Result<()> {
        match self.ask(Duration::from_secs(5)).await? {
            Answer::Registered => Ok(()),
            Answer::Later(after) => bail!("told to come back in {after:?}"),
        }
    }

    /// One REGISTER, and its final answer: 200, or 503 with Retry-After.
    pub async fn ask(&mut self, patience: Duration) -> Result<Answer> {
        self.sequence += 1;
        let request = register_text(self.number, self.sequence, &self.authorization);
        self.socket.send(Message::text(request)).await?;
        loop {
            let next = tokio::time::timeout(patience, self.socket.next()).await;
            let message = next.context("no answer")?.context("closed")??;
            let bytes = message.into_data();
            if bytes.starts_with(b"SIP/2.0 1") || !bytes.starts_with(b"SIP/2.0 ") {
                continue;
            }
            if bytes.starts_with(b"SIP/2.0 200") {
                return Ok(Answer::Registered);
            }
            let text = String::from_utf8_lossy(&bytes);
            let after = text
                .lines()
                .find_map(|line| line.strip_prefix("Retry-After:"));
            let seconds = after.and_then(|after| after.trim().parse().ok());
            let Some(seconds) = seconds.filter(|_| bytes.starts_with(b"SIP/2.0 503")) else {
                bail!("answered: {}", text.lines().next().unwrap_or_default());
            };
            return Ok(Answer::Later(Duration::from_secs(seconds)));
        }
    }
}

/// What a REGISTER was answered.
pub enum Answer {
    /// 200.
    Registered,
    /// 503 with Retry-After.
    Later(Duration),
}

/// About 1.1 kB, as a browser's client writes it.
pub fn register_text(number: usize, sequence: u32, authorization: &str) -> String {
    format!(
        "REGISTER sip:ims.example SIP/2.0\r\n\
             Via: SIP/2.0/WS df7jal{number}ls0d.invalid;branch=z9hG4bK56sdasks{number}x{sequence};rport\r\n\
             Max-Forwards: 70\r\n\
             To: <sip:user{number}@ims.example>\r\n\
             From: <sip:user{number}@ims.example>;tag=asdyka{number}\r\n\
             Call-ID: 3d1b3f{number}-76a1-4c7c-a1e0-{number}@df7jal23ls0d.invalid\r\n\
             CSeq: {sequence} REGISTER\r\n\
             Contact: <sip:user{number}@df7jal{number}ls0d.invalid;transport=ws>;reg-id=1;\
             +sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-{number:012}>\";\
             +g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel\";audio;video;expires=600\r\n\
             Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,PRACK,UPDATE,INFO,REFER,SUBSCRIBE,NOTIFY,MESSAGE\r\n\
             Supported: path,gruu,outbound\r\n\
             P-Access-Network-Info: IEEE-802.11;i-wlan-node-id=ffeeddccbbaa;network-provided\r\n\
             User-Agent: isthmus-bench/0.1 (a browser's words are longer than one would think)\r\n\
             Expires: 600\r\n\
             Authorization: {authorization}\r\n\
             Content-Length: 0\r\n\r\n"
    )
}

/// Its credentials, as long as a browser's.
pub fn digest(number: usize) -> String {
    format!(
        "Digest username=\"user{number}@ims.example\", realm=\"ims.example\", \
         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"sip:ims.example\", qop=auth, \
         nc=00000001, cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\", \
         opaque=\"5ccc069c403ebaf9f0171e9517f40e41\", algorithm=MD5"
    )
}

/// What a WebSocket runs over.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Believes every certificate: the edge under measurement has made its own.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = aws_lc_rs::default_provider();
        provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
