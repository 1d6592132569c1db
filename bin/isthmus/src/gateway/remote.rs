//! A gateway on another machine: one connection, kept up, for all shards of this process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use core_iq::{
    Command, ContextId, FromGateway, Refusal, Reply, RequestId, SharedSecret, ToGateway,
};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_rustls::TlsConnector;

use super::handle::{Backend, ClientId, Figures, GatewayEvent, GatewayHandle, Sink};
use super::link::{IqConfig, Link, PING, SILENCE, connector, resolve};

/// The first pause before another try, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Connects, and connects again for as long as the process runs. Until the first time requests are
/// refused; each loss and each return is told to every client.
pub fn connect(config: &IqConfig) -> anyhow::Result<GatewayHandle> {
    let secret = config.secret()?;
    let tls = if config.tls { Some(connector()?) } else { None };
    let (sender, inbox) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared {
        sender,
        reachable: AtomicBool::new(false),
        next_client: AtomicU64::new(0),
        sinks: Mutex::default(),
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let keeper = Keeper {
        config: config.clone(),
        secret,
        tls,
        shared: Arc::clone(&shared),
        inbox,
        asked: HashMap::new(),
        next: 0,
        owners: HashMap::new(),
    };
    std::thread::Builder::new()
        .name("iq".into())
        .spawn(move || runtime.block_on(keeper.keep()))?;
    Ok(GatewayHandle::new(shared))
}

enum ToKeeper {
    Request(ClientId, RequestId, Command),
    Leave(ClientId),
}

struct Shared {
    sender: mpsc::UnboundedSender<ToKeeper>,
    reachable: AtomicBool,
    next_client: AtomicU64,
    sinks: Mutex<HashMap<ClientId, Sink>>,
}

impl Shared {
    fn tell(&self, client: ClientId, event: GatewayEvent) {
        let sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        let sink = sinks.get(&client).cloned();
        drop(sinks);
        if let Some(sink) = sink {
            sink(event);
        }
    }

    fn tell_all(&self, event: &GatewayEvent) {
        let sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        let all: Vec<Sink> = sinks.values().cloned().collect();
        drop(sinks);
        for sink in all {
            sink(event.clone());
        }
    }
}

impl Backend for Shared {
    fn join(&self, sink: Sink) -> ClientId {
        let client = ClientId(self.next_client.fetch_add(1, Ordering::Relaxed));
        let mut sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        sinks.insert(client, sink);
        client
    }

    fn leave(&self, client: ClientId) {
        let mut sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        sinks.remove(&client);
        drop(sinks);
        // The thread lives as long as the process.
        let _ = self.sender.send(ToKeeper::Leave(client));
    }

    fn send(&self, client: ClientId, id: RequestId, command: Command) {
        let sent = self.is_reachable()
            && self
                .sender
                .send(ToKeeper::Request(client, id, command))
                .is_ok();
        if !sent {
            self.tell(
                client,
                GatewayEvent::Reply {
                    id,
                    result: Err(Refusal::Unreachable),
                },
            );
        }
    }

    fn is_reachable(&self) -> bool {
        self.reachable.load(Ordering::Acquire)
    }

    fn figures(&self) -> Figures {
        Figures::default()
    }
}

/// The thread's own.
struct Keeper {
    config: IqConfig,
    secret: SharedSecret,
    tls: Option<TlsConnector>,
    shared: Arc<Shared>,
    inbox: mpsc::UnboundedReceiver<ToKeeper>,
    /// Requests on the connection have numbers of their own. Without a client: nobody waits.
    asked: HashMap<RequestId, (Option<ClientId>, RequestId)>,
    next: u64,
    owners: HashMap<ContextId, ClientId>,
}

impl Keeper {
    async fn keep(mut self) {
        let mut pause = PAUSES.0;
        loop {
            let (config, secret, tls) = (&self.config, &self.secret, self.tls.as_ref());
            let establish = establish(config, secret.clone(), tls);
            match refuse_until(&mut self.inbox, &self.shared, establish).await {
                Ok(link) => {
                    tracing::info!(
                        gateway = self.config.address,
                        "the media gateway is connected"
                    );
                    pause = PAUSES.0;
                    self.shared.reachable.store(true, Ordering::Release);
                    self.shared.tell_all(&GatewayEvent::Restored);
                    let end = self.converse(link).await;
                    if let Err(error) = end {
                        tracing::error!(error = format!("{error:#}"), "the media gateway is lost");
                    }
                    self.lose();
                }
                Err(error) => {
                    tracing::warn!(
                        gateway = self.config.address,
                        error = format!("{error:#}"),
                        "the media gateway is not reached"
                    );
                }
            }
            refuse_until(&mut self.inbox, &self.shared, sleep(pause)).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn converse(&mut self, mut link: Link) -> anyhow::Result<()> {
        let mut ping = interval_at(Instant::now() + PING, PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                frame = link.receive::<FromGateway>() => {
                    heard = Instant::now();
                    if let Some(context) = self.hear(frame?) {
                        let frame = self.number(None, RequestId(0), Command::Release { context });
                        link.send(&frame).await?;
                    }
                }
                message = self.inbox.recv() => {
                    match message.context("the process ends")? {
                        ToKeeper::Request(client, id, command) => {
                            let frame = self.number(Some(client), id, command);
                            link.send(&frame).await?;
                        }
                        ToKeeper::Leave(client) => {
                            for context in self.held(client) {
                                let release = Command::Release { context };
                                let frame = self.number(None, RequestId(0), release);
                                link.send(&frame).await?;
                            }
                        }
                    }
                }
                _ = ping.tick() => {
                    anyhow::ensure!(heard.elapsed() < SILENCE, "it says nothing");
                    link.send(&ToGateway::Ping).await?;
                }
            }
        }
    }

    fn number(&mut self, client: Option<ClientId>, id: RequestId, command: Command) -> ToGateway {
        if let Command::Release { context } = &command {
            self.owners.remove(context);
        }
        let own = RequestId(self.next);
        self.next += 1;
        self.asked.insert(own, (client, id));
        ToGateway::Request { id: own, command }
    }

    fn held(&mut self, client: ClientId) -> Vec<ContextId> {
        let held = self.owners.iter().filter(|(_, owner)| **owner == client);
        held.map(|(context, _)| *context).collect()
    }

    /// Passes on what the gateway said. Gives a Context whose client is gone by now.
    fn hear(&mut self, frame: FromGateway) -> Option<ContextId> {
        match frame {
            FromGateway::Reply { id, result } => {
                let (client, id) = self.asked.remove(&id)?;
                let client = client?;
                if let Ok(Reply::Reserved(reserved)) = &result {
                    let sinks = &self.shared.sinks;
                    let sinks = sinks.lock().unwrap_or_else(PoisonError::into_inner);
                    if !sinks.contains_key(&client) {
                        return Some(reserved.context);
                    }
                    self.owners.insert(reserved.context, client);
                }
                self.shared.tell(client, GatewayEvent::Reply { id, result });
            }
            FromGateway::Notification(notification) => {
                if let Some(client) = self.owners.get(&notification.context) {
                    let event = GatewayEvent::Notification(notification);
                    self.shared.tell(*client, event);
                }
            }
            FromGateway::WorkerLost { worker } => {
                self.owners.retain(|context, _| context.worker() != worker);
                self.shared.tell_all(&GatewayEvent::WorkerLost(worker));
            }
            FromGateway::Pong
            | FromGateway::Welcome
            | FromGateway::Challenge { .. }
            | FromGateway::Rejected { .. } => {}
        }
        None
    }

    /// All that was there is gone: every open request is answered, every client is told.
    fn lose(&mut self) {
        self.shared.reachable.store(false, Ordering::Release);
        self.owners.clear();
        while let Ok(message) = self.inbox.try_recv() {
            if let ToKeeper::Request(client, id, _) = message {
                self.asked.insert(RequestId(self.next), (Some(client), id));
                self.next += 1;
            }
        }
        for (_, (client, id)) in self.asked.drain() {
            if let Some(client) = client {
                self.shared.tell(
                    client,
                    GatewayEvent::Reply {
                        id,
                        result: Err(Refusal::Unreachable),
                    },
                );
            }
        }
        self.shared.tell_all(&GatewayEvent::Lost);
    }
}

async fn establish(
    config: &IqConfig,
    secret: SharedSecret,
    tls: Option<&TlsConnector>,
) -> anyhow::Result<Link> {
    let address = resolve(&config.address).await?;
    config.check_plain(address.ip())?;
    let tcp = timeout(PAUSES.1, TcpStream::connect(address))
        .await
        .context("it does not answer")??;
    Link::call(tcp, tls, secret).await
}

/// While there is no connection, requests that slipped in are refused at once.
async fn refuse_until<T>(
    inbox: &mut mpsc::UnboundedReceiver<ToKeeper>,
    shared: &Shared,
    done: impl Future<Output = T>,
) -> T {
    let mut done = std::pin::pin!(done);
    loop {
        tokio::select! {
            result = &mut done => return result,
            Some(message) = inbox.recv() => {
                if let ToKeeper::Request(client, id, _) = message {
                    let result = Err(Refusal::Unreachable);
                    shared.tell(client, GatewayEvent::Reply { id, result });
                }
            }
        }
    }
}
