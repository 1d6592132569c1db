//! Listening sockets, one set a shard on the same ports, and the connections on them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::sync::Mutex;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tracing::debug;

use super::drive::Shard;
use super::http;
use crate::certificate::H2;
use crate::config::Config;
use crate::fault::{Fault, Port};
use crate::sip::tcp_listener;

/// TLS must stand by then.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The sockets of all shards, bound before any thread starts, so that a port that is taken is found
/// at once.
pub(crate) struct Listeners {
    /// Where https is.
    pub(crate) https: SocketAddr,
    /// Where plain http is, when it is.
    pub(crate) http: Option<SocketAddr>,
    sockets: Mutex<Vec<(StdListener, Option<StdListener>)>>,
}

impl Listeners {
    /// Binds one set for each shard; port 0 is one free port for all of them.
    pub(crate) fn bind(config: &Config, count: usize) -> Result<Self, Fault> {
        let bind = |port: Port, address| {
            tcp_listener(address, true).map_err(|error| Fault::bind(&port, address, &error))
        };
        // Without SO_REUSEPORT first: two programs would share a port and not know it.
        let probe = |port: Port, address: SocketAddr| -> Result<(), Fault> {
            if address.port() == 0 {
                return Ok(());
            }
            tcp_listener(address, false)
                .map(drop)
                .map_err(|error| Fault::bind(&port, address, &error))
        };
        probe(Port::HTTPS, config.http.listen)?;
        if let Some(address) = config.http.plain_listen {
            probe(Port::HTTP, address)?;
        }
        let (mut https, mut http) = (config.http.listen, config.http.plain_listen);
        let mut sockets = Vec::new();
        for _ in 0..count {
            let secure = bind(Port::HTTPS, https)?;
            https = secure
                .local_addr()
                .map_err(|error| Fault::bind(&Port::HTTPS, https, &error))?;
            let plain = http.map(|address| bind(Port::HTTP, address)).transpose()?;
            if let Some(plain) = &plain {
                http = plain.local_addr().ok();
            }
            sockets.push((secure, plain));
        }
        Ok(Self {
            https,
            http,
            sockets: Mutex::new(sockets),
        })
    }

    /// One shard's set.
    pub(super) fn take(&self) -> Option<(StdListener, Option<StdListener>)> {
        self.sockets.lock().ok()?.pop()
    }
}

/// Connections of each address, counted on this thread.
#[derive(Default)]
pub(super) struct PerAddress(RefCell<HashMap<IpAddr, usize>>);

struct Counted {
    all: Rc<Shard>,
    address: IpAddr,
}

impl Counted {
    fn new(shard: &Rc<Shard>, address: IpAddr, most: usize) -> Option<Self> {
        let mut counts = shard.per_address.0.borrow_mut();
        let count = counts.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Self {
            all: Rc::clone(shard),
            address,
        })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.all.per_address.0.borrow_mut();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// Begins to accept on this shard's sockets.
pub(super) fn start(shard: &Rc<Shard>, tls: Option<TlsAcceptor>, listener: StdListener) {
    let shard = Rc::clone(shard);
    tokio::task::spawn_local(async move {
        let Ok(listener) = TcpListener::from_std(listener) else {
            return;
        };
        loop {
            let Ok((stream, remote)) = listener.accept().await else {
                // Out of descriptors, most likely: others may end meanwhile.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let most = shard.setup.config.http.connections_per_address;
            let Some(counted) = Counted::new(&shard, remote.ip(), most) else {
                continue;
            };
            let _ = stream.set_nodelay(true);
            let shard = Rc::clone(&shard);
            let tls = tls.clone();
            tokio::task::spawn_local(async move {
                // Boxed apart: what the handshakes need is gone before the connection is long-lived.
                Box::pin(serve(&shard, tls, stream, remote, counted)).await;
            });
        }
    });
}

async fn serve(
    shard: &Rc<Shard>,
    tls: Option<TlsAcceptor>,
    stream: TcpStream,
    remote: SocketAddr,
    counted: Counted,
) {
    let Ok(local) = stream.local_addr() else {
        return;
    };
    let secure = tls.is_some();
    let guard: Box<dyn std::any::Any> = Box::new(counted);
    match tls {
        Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(H2) => {
                http::serve_h2(shard, stream, remote, local, guard).await;
            }
            Ok(Ok(stream)) => http::serve(shard, stream, remote, local, secure, guard).await,
            Ok(Err(error)) => debug!(%error, "no TLS"),
            Err(_) => debug!("no TLS in time"),
        },
        None => http::serve(shard, stream, remote, local, secure, guard).await,
    }
}
