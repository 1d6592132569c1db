//! A WebSocket of W2, by hand.

use futures_util::{SinkExt as _, StreamExt as _};
use http::HeaderValue;
use http::header::{ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::PATIENCE;

/// An open WebSocket.
pub(crate) struct W2(WebSocketStream<TcpStream>);

/// Opens one, or says with which status it was refused.
pub(crate) async fn open(
    address: &str,
    protocol: Option<&str>,
    origin: Option<&str>,
) -> Result<W2, u16> {
    let mut request = format!("ws://{address}/w2")
        .into_client_request()
        .expect("a URL");
    for (name, value) in [(SEC_WEBSOCKET_PROTOCOL, protocol), (ORIGIN, origin)] {
        if let Some(value) = value {
            request
                .headers_mut()
                .insert(name, HeaderValue::from_str(value).expect("a value"));
        }
    }
    let stream = TcpStream::connect(address).await.expect("the port is open");
    match tokio_tungstenite::client_async(request, stream).await {
        Ok((socket, _)) => Ok(W2(socket)),
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("neither opened nor refused: {error}"),
    }
}

impl W2 {
    pub(crate) async fn send(&mut self, message: Message) {
        self.0.send(message).await.expect("it is open");
    }

    /// The next SIP message.
    pub(crate) async fn text(&mut self) -> String {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("in time") {
                Some(Ok(Message::Text(text))) => return text.to_string(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no message: {other:?}"),
            }
        }
    }

    /// Waits for its end, and says with which code the other side closed it.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("in time") {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Keeps on sending garbage until the other side has had enough.
    pub(crate) async fn send_garbage(&mut self) {
        for _ in 0..16 {
            if self
                .0
                .send(Message::text("this is no SIP\r\n\r\n"))
                .await
                .is_err()
            {
                return;
            }
        }
    }
}
