//! One TCP connection: read and framed on one side, written from a queue on the other.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use core_sip::{ConnectionId, Source, Transport};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use wire_sip::{Frame, StreamDecoder};

use super::{SipEvent, SipSockets};

/// A connection on which nothing was heard for so long is closed.
const IDLE: Duration = Duration::from_mins(30);

/// Serves it until either side ends it.
pub(super) async fn serve(
    sockets: Rc<SipSockets>,
    id: ConnectionId,
    stream: TcpStream,
    mut queue: mpsc::Receiver<Bytes>,
) {
    if let (Ok(local), Ok(remote)) = (stream.local_addr(), stream.peer_addr()) {
        let _ = stream.set_nodelay(true);
        let source = Source {
            transport: Transport::Tcp,
            local,
            remote,
            connection: Some(id),
        };
        let (mut reader, mut writer) = stream.into_split();
        let reading = read(&sockets, source, &mut reader, id);
        let writing = async {
            while let Some(bytes) = queue.recv().await {
                if writer.write_all(&bytes).await.is_err() {
                    break;
                }
            }
        };
        tokio::select! {
            () = reading => {}
            () = writing => {}
        }
    }
    sockets.forget(id);
    sockets.emit(SipEvent::Closed(id));
}

async fn read(
    sockets: &Rc<SipSockets>,
    source: Source,
    reader: &mut tokio::net::tcp::OwnedReadHalf,
    id: ConnectionId,
) {
    let mut decoder = StreamDecoder::default();
    let mut buffer = vec![0; 8192];
    loop {
        let received = tokio::time::timeout(IDLE, reader.read(&mut buffer)).await;
        let Ok(Ok(length @ 1..)) = received else {
            return;
        };
        decoder.push(&buffer[..length]);
        loop {
            match decoder.next() {
                Ok(Some(Frame::Message(message))) => {
                    sockets.emit(SipEvent::Message(source, message));
                }
                // RFC 5626 §3.5.1: a ping is answered with a pong.
                Ok(Some(Frame::Ping)) => {
                    let connections = sockets.connections.borrow();
                    if let Some(connection) = connections.get(&id) {
                        let _ = connection.queue.try_send(Bytes::from_static(b"\r\n"));
                    }
                }
                Ok(Some(Frame::Pong)) => {}
                Ok(None) => break,
                // Nobody knows where the next message begins: the connection is of no more use.
                Err(error) => {
                    sockets.count_malformed(&error);
                    return;
                }
            }
        }
    }
}
