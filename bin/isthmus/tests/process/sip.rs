//! A SIP peer by hand: a stream, or datagrams.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::{HOME, PATIENCE};

/// An OPTIONS for nobody, which everything answers with 200; `more` are header lines.
pub(crate) fn options(transport: &str, branch: &str, more: &str) -> String {
    format!(
        "OPTIONS sip:{HOME} SIP/2.0\r\n\
         Via: SIP/2.0/{transport} 127.0.0.1;branch=z9hG4bK{branch};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:core@{HOME}>;tag=1\r\nTo: <sip:{HOME}>\r\n\
         Call-ID: {branch}\r\nCSeq: 1 OPTIONS\r\n{more}Content-Length: 0\r\n\r\n"
    )
}

/// One connection.
pub(crate) struct Stream<S = TcpStream> {
    stream: S,
    received: String,
}

impl Stream {
    pub(crate) async fn open(address: &str) -> Self {
        Self::over(TcpStream::connect(address).await.expect("the port is open"))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self {
            stream,
            received: String::new(),
        }
    }

    /// It may be closed while it is still written to.
    pub(crate) async fn send(&mut self, text: &str) {
        let _ = self.stream.write_all(text.as_bytes()).await;
        let _ = self.stream.flush().await;
    }

    /// The next message without a body; nothing when the connection ends.
    pub(crate) async fn receive(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.received.find("\r\n\r\n") {
                let rest = self.received.split_off(at + 4);
                return Some(std::mem::replace(&mut self.received, rest));
            }
            let mut buffer = [0; 4096];
            let read = timeout(PATIENCE, self.stream.read(&mut buffer)).await;
            match read.expect("in time") {
                Ok(length @ 1..) => {
                    let text = std::str::from_utf8(&buffer[..length]).expect("text");
                    self.received.push_str(text);
                }
                Ok(_) | Err(_) => return None,
            }
        }
    }

    /// The status of the answer to a request.
    pub(crate) async fn ask(&mut self, request: &str) -> Option<u16> {
        self.send(request).await;
        self.receive().await.as_deref().map(status)
    }
}

/// Datagrams from one address.
pub(crate) struct Datagrams {
    socket: UdpSocket,
    to: SocketAddr,
}

impl Datagrams {
    pub(crate) async fn from(local: &str, to: &str) -> Self {
        Self {
            socket: UdpSocket::bind((local, 0)).await.expect("a free port"),
            to: to.parse().expect("an address"),
        }
    }

    pub(crate) async fn send(&self, text: &str) {
        let sent = self.socket.send_to(text.as_bytes(), self.to).await;
        sent.expect("sent");
    }

    /// The next message, when there is one within this time.
    pub(crate) async fn receive(&self, within: Duration) -> Option<String> {
        let mut buffer = [0; 4096];
        let received = timeout(within, self.socket.recv(&mut buffer)).await;
        let length = received.ok()?.expect("received");
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }

    pub(crate) async fn ask(&self, request: &str) -> u16 {
        self.send(request).await;
        status(&self.receive(PATIENCE).await.expect("an answer"))
    }
}

/// Of a response.
pub(crate) fn status(response: &str) -> u16 {
    let word = response.split(' ').nth(1);
    word.and_then(|word| word.parse().ok()).expect(response)
}
