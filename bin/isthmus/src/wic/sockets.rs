//! The sockets for media of one phone.

use std::net::{IpAddr, SocketAddr};
use std::task::Poll;

use anyhow::Context as _;
use tokio::io::ReadBuf;
use tokio::net::{UdpSocket, lookup_host};
use url::Url;

/// A window of SCTP, with room to spare.
const BUFFER: usize = 4 << 20;

/// Those that are open, each with its address.
#[derive(Debug, Default)]
pub(super) struct Sockets(Vec<(SocketAddr, UdpSocket)>);

impl Sockets {
    /// Opens one on an address.
    pub(super) async fn open(&mut self, address: IpAddr) -> anyhow::Result<SocketAddr> {
        let socket = UdpSocket::bind(SocketAddr::new(address, 0))
            .await
            .with_context(|| format!("no media socket on {address}"))?;
        // Data channels come faster than they are read; where that is not allowed, as before.
        let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(BUFFER);
        let local = socket.local_addr()?;
        self.0.push((local, socket));
        Ok(local)
    }

    pub(super) fn close(&mut self, local: SocketAddr) {
        self.0.retain(|(address, _)| *address != local);
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.0.iter().map(|(address, _)| *address).collect()
    }

    pub(super) async fn send(&self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        if let Some((_, socket)) = self.0.iter().find(|(address, _)| *address == from) {
            // An address that cannot be reached from here is one candidate of several.
            let _ = socket.send_to(bytes, to).await;
        }
    }

    /// The next datagram: where it came, its length, and whence.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> (SocketAddr, usize, SocketAddr) {
        std::future::poll_fn(|context| {
            for (local, socket) in &self.0 {
                let mut into = ReadBuf::new(buffer);
                match socket.poll_recv_from(context, &mut into) {
                    Poll::Ready(Ok(from)) => {
                        return Poll::Ready((*local, into.filled().len(), from));
                    }
                    // A refused datagram (ICMP) is the other end's way to say that it is gone.
                    Poll::Ready(Err(_)) => context.waker().wake_by_ref(),
                    Poll::Pending => {}
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Our address on the way to the eP-CSCF: its gateway is not far from it.
pub(super) async fn way_to(url: &Url) -> anyhow::Result<IpAddr> {
    let host = url.host_str().context("the URL has no host")?;
    let port = url.port_or_known_default().unwrap_or(443);
    let found: Vec<SocketAddr> = lookup_host((host.trim_matches(['[', ']']), port))
        .await
        .with_context(|| format!("{host} has no address"))?
        .collect();
    // IPv4 first: the laboratory's gateway has nothing else.
    let there = found
        .iter()
        .find(|address| address.is_ipv4())
        .or(found.first())
        .with_context(|| format!("{host} has no address"))?;
    let any: IpAddr = if there.is_ipv4() {
        std::net::Ipv4Addr::UNSPECIFIED.into()
    } else {
        std::net::Ipv6Addr::UNSPECIFIED.into()
    };
    let probe = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
    probe.connect(there).await?;
    Ok(probe.local_addr()?.ip())
}
