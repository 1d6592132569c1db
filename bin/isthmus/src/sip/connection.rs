//! One connection, TCP or TLS: read and framed on one side, written from a queue on the other.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use core_sip::{ConnectionId, Source, Transport};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::debug;
use wire_sip::{Broken, Frame, StreamDecoder};

use super::gate::{REQUEST, RESPONSE};
use super::{SipEvent, SipSockets};

/// A connection on which nothing was heard for so long is closed.
const IDLE: Duration = Duration::from_mins(30);
/// Who connects says something by then, and what is begun is whole by then.
const PROMPT: Duration = Duration::from_secs(32);
/// How long one message may take to be written.
const WRITE: Duration = Duration::from_secs(10);
/// How long a peer whose connection is closed may take to read why.
const FAREWELL: Duration = Duration::from_secs(2);
/// What is no SIP weighs less when it can be answered; at the most of it the connection is closed.
const ANSWERED: u8 = 1;
const UNANSWERED: u8 = 3;
const MOST_GARBAGE: u8 = 9;

/// A connection of the sockets': while it lives, it is in their books.
pub(super) struct Connection {
    pub(super) sockets: Rc<SipSockets>,
    pub(super) id: ConnectionId,
    pub(super) transport: Transport,
    pub(super) remote: SocketAddr,
    /// The peer opened it, and is counted for it.
    pub(super) accepted: bool,
    /// And has said nothing yet.
    pub(super) silent: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.sockets.forget(self.id);
        if self.accepted {
            let mut gate = self.sockets.gate.borrow_mut();
            gate.close(self.remote.ip(), self.silent);
        }
    }
}

impl Connection {
    /// Serves one that a peer opened, until either side ends it: TLS first, where that is what it is
    /// for.
    pub(super) async fn accepted(self, stream: TcpStream, queue: mpsc::Receiver<Bytes>) {
        let Ok(local) = stream.local_addr() else {
            return;
        };
        let _ = stream.set_nodelay(true);
        if self.transport != Transport::Tls {
            self.serve(local, stream, queue).await;
            return;
        }
        let Some(tls) = self.sockets.tls.clone() else {
            return;
        };
        match tls.accept(stream).await {
            Ok(stream) => self.serve(local, stream, queue).await,
            Err(error) => {
                self.sockets.figures.tls_failed();
                debug!(%error, "no TLS with one who connected");
            }
        }
    }

    /// Serves what stands.
    pub(super) async fn serve(
        mut self,
        local: SocketAddr,
        stream: impl AsyncRead + AsyncWrite,
        mut queue: mpsc::Receiver<Bytes>,
    ) {
        let source = Source {
            transport: self.transport,
            local,
            remote: self.remote,
            connection: Some(self.id),
        };
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut broken = false;
        tokio::select! {
            end = self.read(source, &mut reader) => broken = end.is_err(),
            () = write(&mut writer, &mut queue) => {}
        }
        if broken {
            // No more is taken; what is said already is still written, and read by a peer that reads.
            self.sockets.forget(self.id);
            let farewell = async {
                write(&mut writer, &mut queue).await;
                let _ = writer.shutdown().await;
                let mut rest = [0; 1024];
                while let Ok(1..) = reader.read(&mut rest).await {}
            };
            let _ = timeout(FAREWELL, farewell).await;
        }
    }

    /// Until the peer ends it, or it is of no more use, which is an error.
    async fn read(
        &mut self,
        source: Source,
        reader: &mut (impl AsyncRead + Unpin),
    ) -> Result<(), Useless> {
        let mut decoder = StreamDecoder::default();
        let mut buffer = vec![0; 8192];
        let mut garbage = 0_u8;
        let opened = Instant::now();
        // When the message began that is not whole yet.
        let mut begun: Option<Instant> = None;
        loop {
            let since = begun.or(self.silent.then_some(opened));
            let patience = since.map_or(IDLE, |since| PROMPT.saturating_sub(since.elapsed()));
            let length = match timeout(patience, reader.read(&mut buffer)).await {
                Ok(Ok(length @ 1..)) => length,
                Ok(Ok(_)) => {
                    return match decoder.end() {
                        Some(broken) => {
                            self.refuse(source, &broken).await;
                            Err(Useless)
                        }
                        None => Ok(()),
                    };
                }
                Ok(Err(_)) | Err(_) => return Ok(()),
            };
            decoder.push(&buffer[..length]);
            loop {
                let frame = match decoder.next() {
                    Ok(Some(frame)) => frame,
                    Ok(None) => break,
                    // Nobody knows where the next message begins (RFC 3261 §18.3).
                    Err(broken) => {
                        self.refuse(source, &broken).await;
                        return Err(Useless);
                    }
                };
                begun = None;
                let broken = match frame {
                    Frame::Message(message) => match message.check() {
                        Ok(()) => {
                            let request = message.is_request();
                            self.wait_for_leave(if request { REQUEST } else { RESPONSE })
                                .await;
                            self.speaks();
                            garbage = garbage.saturating_sub(1);
                            self.sockets.emit(SipEvent::Message(source, message));
                            continue;
                        }
                        Err(fault) => Broken {
                            fault,
                            octets: message.to_bytes(),
                        },
                    },
                    Frame::Broken(broken) => broken,
                    // RFC 5626 §3.5.1: a ping is answered with a pong.
                    Frame::Ping => {
                        self.wait_for_leave(RESPONSE).await;
                        self.speaks();
                        self.sockets.say_on(self.id, Bytes::from_static(b"\r\n"));
                        continue;
                    }
                    Frame::Pong => continue,
                };
                let answered = self.refuse(source, &broken).await;
                garbage = garbage.saturating_add(if answered { ANSWERED } else { UNANSWERED });
                if garbage >= MOST_GARBAGE {
                    return Err(Useless);
                }
            }
            if decoder.pending() > 0 && begun.is_none() {
                begun = Some(Instant::now());
            }
        }
    }

    async fn refuse(&mut self, source: Source, broken: &Broken) -> bool {
        self.wait_for_leave(REQUEST).await;
        self.sockets.refuse(source, &broken.octets, &broken.fault)
    }

    /// A peer that says more than it may is read no faster than it may speak.
    async fn wait_for_leave(&self, cost: f64) {
        let ip = self.remote.ip();
        let take = || {
            let mut gate = self.sockets.gate.borrow_mut();
            gate.take(Instant::now(), ip, cost)
        };
        while let Err(wait) = take() {
            tokio::time::sleep(wait).await;
        }
    }

    fn speaks(&mut self) {
        if std::mem::take(&mut self.silent) {
            self.sockets.gate.borrow_mut().speaks(self.remote.ip());
        }
    }
}

/// It cannot be read on.
struct Useless;

/// Writes what is said until nobody can say more, or nobody reads.
async fn write(writer: &mut (impl AsyncWrite + Unpin), queue: &mut mpsc::Receiver<Bytes>) {
    while let Some(bytes) = queue.recv().await {
        let written = async {
            writer.write_all(&bytes).await?;
            writer.flush().await
        };
        if !matches!(timeout(WRITE, written).await, Ok(Ok(()))) {
            return;
        }
    }
}
