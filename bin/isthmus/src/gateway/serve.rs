//! The gateway's end of Iq over the network: each connection is one client.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::Context as _;
use core_iq::{Command, FromGateway, Refusal, SharedSecret, ToGateway};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::handle::{GatewayEvent, GatewayHandle};
use super::link::{IqConfig, Link, SILENCE, acceptor};

/// Connections at a time: a handful of eP-CSCF nodes, and their next tries.
const MOST_CONNECTIONS: usize = 64;

/// The listener, to be stopped at the end of the process.
pub struct IqServer {
    /// Where it listens.
    pub address: SocketAddr,
    stop: watch::Sender<()>,
    draining: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl std::fmt::Debug for IqServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IqServer")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl IqServer {
    /// No new Contexts: the process is about to end. Those that are go on.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Closes all connections; their Contexts are released.
    pub fn stop(self) {
        drop(self.stop);
        // It only waits for its own connections, which end now.
        let _ = self.thread.join();
    }
}

/// Listens, and lets eP-CSCF nodes that know the secret use this gateway.
pub fn serve(config: &IqConfig, gateway: GatewayHandle) -> anyhow::Result<IqServer> {
    let secret = config.secret()?;
    let address: SocketAddr = config
        .address
        .parse()
        .with_context(|| format!("iq.address {} is not an address and a port", config.address))?;
    config.check_plain(address.ip())?;
    let tls = if config.tls { Some(acceptor()?) } else { None };
    let listener = TcpListener::bind(address)
        .with_context(|| format!("iq.address {address} cannot be listened on"))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (stop, stopped) = watch::channel(());
    let draining = Arc::<AtomicBool>::default();
    let told = Arc::clone(&draining);
    let thread = std::thread::Builder::new()
        .name("iq".into())
        .spawn(move || {
            if let Err(error) =
                runtime.block_on(accept(listener, tls, secret, gateway, stopped, told))
            {
                tracing::error!(%error, "Iq is not served any more");
            }
        })?;
    Ok(IqServer {
        address,
        stop,
        draining,
        thread,
    })
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    secret: SharedSecret,
    gateway: GatewayHandle,
    mut stopped: watch::Receiver<()>,
    draining: Arc<AtomicBool>,
) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let places = Arc::new(tokio::sync::Semaphore::new(MOST_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => return Ok(()),
        };
        let tcp = match accepted {
            Ok((tcp, _)) => tcp,
            Err(error) => {
                tracing::warn!(%error, "an Iq connection was not accepted");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!("too many Iq connections; one more is refused");
            continue;
        };
        let (tls, secret, gateway) = (tls.clone(), secret.clone(), gateway.clone());
        let draining = Arc::clone(&draining);
        tokio::spawn(async move {
            if let Err(error) = attend(tcp, tls, secret, gateway, &draining).await {
                tracing::warn!(error = format!("{error:#}"), "an Iq connection ends");
            }
            drop(place);
        });
    }
}

async fn attend(
    tcp: TcpStream,
    tls: Option<TlsAcceptor>,
    secret: SharedSecret,
    gateway: GatewayHandle,
    draining: &AtomicBool,
) -> anyhow::Result<()> {
    let mut link = Link::answer(tcp, tls.as_ref(), secret).await?;
    tracing::info!("an eP-CSCF is connected on Iq");
    // Not bounded by itself: an end that does not read is let go by the limit on each write.
    let (sender, mut events) = mpsc::unbounded_channel();
    let client = gateway.register(move |event| {
        // Nobody listens any more when the connection is closing.
        let _ = sender.send(event);
    });
    loop {
        tokio::select! {
            frame = timeout(SILENCE, link.receive::<ToGateway>()) => {
                match frame.context("the eP-CSCF says nothing")?? {
                    ToGateway::Request { id, command: Command::Reserve { context: None, .. } }
                        if draining.load(Ordering::Relaxed) =>
                    {
                        let refusal = Refusal::NoResources("it is going down".to_owned());
                        link.send(&FromGateway::Reply { id, result: Err(refusal) }).await?;
                    }
                    ToGateway::Request { id, command } => client.send(id, command),
                    ToGateway::Ping => link.send(&FromGateway::Pong).await?,
                    ToGateway::Hello { .. } | ToGateway::Proof { .. } => {
                        anyhow::bail!("a greeting after the greeting");
                    }
                }
            }
            event = events.recv() => {
                let frame = match event.context("the gateway is gone")? {
                    GatewayEvent::Reply { id, result } => FromGateway::Reply { id, result },
                    GatewayEvent::Notification(notification) => {
                        FromGateway::Notification(notification)
                    }
                    GatewayEvent::WorkerLost(worker) => FromGateway::WorkerLost { worker },
                    GatewayEvent::Lost => anyhow::bail!("the gateway is gone"),
                    GatewayEvent::Restored => continue,
                };
                link.send(&frame).await?;
            }
        }
    }
}
