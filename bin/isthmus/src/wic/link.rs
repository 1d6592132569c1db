//! The WebSocket of one phone (RFC 7118): a task that opens it, and carries messages both ways.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use url::Url;

use crate::credentials::in_words;

/// RFC 7118 §6 — often enough for any NAT.
const PING: Duration = Duration::from_secs(25);

/// Longer does nobody wait for a WebSocket.
const OPENING: Duration = Duration::from_secs(10);

/// Messages that wait to be sent.
const QUEUE: usize = 64;

/// Where the eP-CSCF is.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) url: Url,
    pub(super) origin: Option<String>,
    pub(super) tls: Arc<ClientConfig>,
}

/// What a link tells its phone. The number is that of the link.
#[derive(Debug)]
pub(super) enum FromLink {
    Opened(u64),
    Message(u64, Bytes),
    Closed(u64, String),
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Door {
    /// Opens a link; its messages go in by what is given back.
    pub(super) fn open(&self, number: u64, up: mpsc::Sender<FromLink>) -> mpsc::Sender<Bytes> {
        let (down, messages) = mpsc::channel(QUEUE);
        let door = self.clone();
        tokio::spawn(async move {
            let result = door.carry(number, &up, messages).await;
            let why = match result {
                Ok(()) => "closed".to_owned(),
                Err(error) => in_words(&error),
            };
            let _ = up.send(FromLink::Closed(number, why)).await;
        });
        down
    }

    async fn carry(
        &self,
        number: u64,
        up: &mpsc::Sender<FromLink>,
        mut messages: mpsc::Receiver<Bytes>,
    ) -> anyhow::Result<()> {
        let opening = tokio::time::timeout(OPENING, self.connect());
        let mut socket = opening
            .await
            .context("the WebSocket did not open in time")??;
        up.send(FromLink::Opened(number)).await?;
        let mut ping = tokio::time::interval_at(tokio::time::Instant::now() + PING, PING);
        let mut heard = true;
        loop {
            tokio::select! {
                message = messages.recv() => match message {
                    None => {
                        let _ = socket.close(None).await;
                        return Ok(());
                    }
                    Some(message) => match String::from_utf8(message.into()) {
                        Ok(text) => socket.send(Message::text(text)).await?,
                        Err(bytes) => socket.send(Message::binary(bytes.into_bytes())).await?,
                    },
                },
                frame = socket.next() => { heard = true; match frame {
                    Some(Ok(Message::Text(text))) => {
                        up.send(FromLink::Message(number, text.into())).await?;
                    }
                    Some(Ok(Message::Binary(bytes))) => {
                        up.send(FromLink::Message(number, bytes)).await?;
                    }
                    Some(Ok(Message::Close(frame))) => {
                        let why = frame.map(|frame| format!("{} {}", frame.code, frame.reason));
                        bail!("closed by the other end: {}", why.unwrap_or_default());
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                    None => return Ok(()),
                } }
                _ = ping.tick() => {
                    // RFC 6455 §5.5.3: not even the last ping was answered.
                    if !std::mem::take(&mut heard) {
                        bail!("the other end is silent");
                    }
                    socket.send(Message::Ping(Bytes::new())).await?;
                }
            }
        }
    }

    /// RFC 7118 §4 — subprotocol `sip`, in the handshake and in its answer.
    async fn connect(&self) -> anyhow::Result<WebSocketStream<Box<dyn Stream>>> {
        let host = self.url.host_str().context("the URL has no host")?;
        let port = self
            .url
            .port_or_known_default()
            .context("the URL has no port")?;
        let tcp = TcpStream::connect((host.trim_matches(['[', ']']), port))
            .await
            .with_context(|| format!("{host}:{port} is not reachable"))?;
        tcp.set_nodelay(true)?;
        let stream: Box<dyn Stream> = if self.url.scheme() == "wss" {
            let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;
            let connector = tokio_rustls::TlsConnector::from(Arc::clone(&self.tls));
            Box::new(connector.connect(name, tcp).await.context("TLS failed")?)
        } else {
            Box::new(tcp)
        };
        let mut request = self.url.as_str().into_client_request()?;
        let headers = request.headers_mut();
        headers.insert("Sec-WebSocket-Protocol", HeaderValue::from_static("sip"));
        if let Some(origin) = &self.origin {
            headers.insert("Origin", HeaderValue::from_str(origin)?);
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(4096)
            .write_buffer_size(0)
            .max_message_size(Some(64 * 1024));
        let handshake = tokio_tungstenite::client_async_with_config(request, stream, Some(config));
        let (socket, response) = Box::pin(handshake).await.context("no WebSocket there")?;
        let chosen = response.headers().get("Sec-WebSocket-Protocol");
        if chosen.is_none_or(|chosen| chosen != "sip") {
            bail!("the other end does not speak SIP over WebSocket");
        }
        Ok(socket)
    }
}
