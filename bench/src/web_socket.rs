//! The load: WebSocket clients that register, each in its turn.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

/// A connected WIC.
pub struct Wic {
    socket: WebSocketStream<TcpStream>,
    number: usize,
    sequence: u32,
    authorization: String,
}

impl Wic {
    /// Connects; `path` is `/w2` or what the peer wants.
    pub async fn connect(
        address: SocketAddr,
        path: &str,
        number: usize,
        authorization: String,
    ) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut request = format!("ws://{address}{path}").into_client_request()?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", "sip".parse()?);
        let (socket, _) = client_async(request, stream).await.context("WebSocket handshake")?;
        Ok(Self { socket, number, sequence: 0, authorization })
    }

    /// One REGISTER, and its final answer, which must be 200.
    pub async fn register(&mut self) -> Result<()> {
        self.sequence += 1;
        let request = self.request();
        self.socket.send(Message::text(request)).await?;
        loop {
            let next = tokio::time::timeout(Duration::from_secs(5), self.socket.next()).await;
            let message = next.context("no answer")?.context("closed")??;
            let bytes = message.into_data();
            if bytes.starts_with(b"SIP/2.0 1") || !bytes.starts_with(b"SIP/2.0 ") {
                continue;
            }
            if !bytes.starts_with(b"SIP/2.0 200") {
                let text = String::from_utf8_lossy(&bytes);
                bail!("answered: {}", text.lines().next().unwrap_or_default());
            }
            return Ok(());
        }
    }

    /// About 1.1 kB, as a browser's client writes it.
    fn request(&self) -> String {
        let Self { number, sequence, authorization, .. } = self;
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
             User-Agent: isthmus-bench\r\n\
             Expires: 600\r\n\
             Authorization: {authorization}\r\n\
             Content-Length: 0\r\n\r\n"
        )
    }
}
