//! One WebSocket of W2: a task that reads messages into the machine and writes what it says.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use nf_epcscf::W2Peer;
use tokio::io::AsyncReadExt as _;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::drive::Shard;
use super::outbox::{Waiting, outbox};

/// The longest SIP message (design: 64 KiB).
const LONGEST: usize = 64 * 1024;
/// What is read at a time. Most of what a WIC says fits, and ten thousand silent ones keep it.
const READ: usize = 1024;
/// How often a silent client is asked whether it is there.
const PING: Duration = Duration::from_secs(30);
/// How much of a broken peer is read for the sake of the close frame.
const DISCARDED: u64 = 1024 * 1024;
/// How long one message may take to be written.
const WRITE: Duration = Duration::from_secs(10);

/// What is written on a WebSocket.
#[derive(Debug)]
pub(super) enum ToWebSocket {
    Send(Bytes),
    Close(u16, &'static str),
}

/// Serves it until either side ends it.
pub(super) async fn serve(
    shard: Rc<Shard>,
    stream: TokioIo<Upgraded>,
    peer: W2Peer,
    guard: Rc<Box<dyn std::any::Any>>,
) {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * LONGEST)
        .max_message_size(Some(LONGEST))
        .max_frame_size(Some(LONGEST));
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    let (queue, waiting) = outbox();
    let connection = shard.open(peer, queue);
    run(&shard, connection, &mut socket, waiting).await;
    shard.closed(connection);
    let _ = tokio::time::timeout(Duration::from_secs(2), socket.close(None)).await;
    drop(guard);
}

async fn run(
    shard: &Rc<Shard>,
    connection: core_sip::ConnectionId,
    socket: &mut WebSocketStream<TokioIo<Upgraded>>,
    mut waiting: Waiting,
) {
    let mut unanswered = 0;
    loop {
        tokio::select! {
            received = socket.next() => {
                unanswered = 0;
                let message = match received {
                    Some(Ok(Message::Text(text))) => Bytes::from(text),
                    Some(Ok(Message::Binary(data))) => data,
                    Some(Ok(Message::Close(_))) | None => return,
                    Some(Ok(_)) => continue,
                    Some(Err(error)) => {
                        if let Some((code, words)) = blame(&error) {
                            close(socket, code, words).await;
                        }
                        return;
                    }
                };
                shard.received(connection, message);
            }
            said = waiting.next() => {
                let sent = match said {
                    Some(ToWebSocket::Send(bytes)) => send(socket, bytes).await,
                    Some(ToWebSocket::Close(code, reason)) => {
                        close(socket, code.into(), reason).await;
                        return;
                    }
                    None => return,
                };
                if sent.is_err() {
                    return;
                }
            }
            () = tokio::time::sleep(PING) => {
                unanswered += 1;
                if unanswered > 2 || socket.send(Message::Ping(Bytes::new())).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Text when it is text, as browsers like it (RFC 7118 §5).
async fn send(socket: &mut WebSocketStream<TokioIo<Upgraded>>, bytes: Bytes) -> Result<(), Error> {
    let message = match Utf8Bytes::try_from(bytes.clone()) {
        Ok(text) => Message::Text(text),
        Err(_) => Message::Binary(bytes),
    };
    // A peer that takes nothing for so long is gone, and its queue fills meanwhile.
    match tokio::time::timeout(WRITE, socket.send(message)).await {
        Ok(sent) => sent,
        Err(_) => Err(Error::ConnectionClosed),
    }
}

async fn close(
    socket: &mut WebSocketStream<TokioIo<Upgraded>>,
    code: CloseCode,
    reason: &'static str,
) {
    let frame = CloseFrame {
        code,
        reason: Utf8Bytes::from_static(reason),
    };
    let closing = async {
        if socket.close(Some(frame)).await.is_ok() {
            // RFC 6455 §7.1.1: the peer's close frame, or its patience, ends it.
            while let Some(Ok(_)) = socket.next().await {}
            // What was not read when the connection goes takes the close frame with it: the peer's
            // TCP is reset. So what a broken peer is still sending is read, and forgotten.
            let mut rest = socket.get_mut().take(DISCARDED);
            let _ = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(2), closing).await;
}

/// RFC 6455 §7.4.1 — what a broken peer is told.
fn blame(error: &Error) -> Option<(CloseCode, &'static str)> {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            Some((CloseCode::Size, "a SIP message has 64 KiB at most"))
        }
        Error::Utf8(_) => Some((CloseCode::Invalid, "text is UTF-8")),
        Error::Protocol(_) => Some((CloseCode::Protocol, "this is not WebSocket")),
        _ => None,
    }
}
