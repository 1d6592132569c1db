//! The workers of this process.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::Context as _;
use core_iq::{Command, ContextId, Refusal, RequestId};
use core_w3::dtls::Certificate;
use isthmus_socket::Socket;
use nf_eims_agw::{Config, Gateway, Identity, Limits, SocketId, W3Socket};

use super::config::GatewayConfig;
use super::handle::{Backend, ClientId, Figures, GatewayEvent, GatewayHandle, Sink};
use super::worker::{ToWorker, Worker, WorkerHandle};

/// Room for what arrives on W3 while the worker is busy.
const W3_RECEIVE_BUFFER: usize = 4 << 20;

/// How often another port is tried when one address has it and the next does not.
const SAME_PORT_TRIES: usize = 16;

/// The workers, to be stopped at the end of the process.
pub struct Workers {
    shared: Arc<Local>,
    threads: Vec<JoinHandle<()>>,
    /// Where W3 is, a list a worker: what the log says at the start.
    pub w3: Vec<Vec<SocketAddr>>,
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workers")
            .field("w3", &self.w3)
            .finish_non_exhaustive()
    }
}

/// Opens the sockets and starts the threads.
pub fn start(config: &GatewayConfig) -> anyhow::Result<(GatewayHandle, Workers)> {
    config
        .check()
        .map_err(|(key, why)| anyhow::anyhow!("{key} {why}"))?;
    let addresses = config.w3_addresses();
    let count = config.worker_count();
    let identity = Identity::new(Certificate::generate()?)?;
    let (mut handles, mut threads, mut w3) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..count {
        let port = match config.port {
            0 => 0,
            first => first + number as u16,
        };
        let sockets = open(&addresses, port)?;
        let mut candidates = Vec::new();
        for (index, socket) in sockets.iter().enumerate() {
            let bound = socket.local_addr()?;
            let public = config.public_addresses.get(index).copied();
            candidates.push(W3Socket {
                socket: SocketId(index as u32),
                candidate: SocketAddr::new(public.unwrap_or_else(|| bound.ip()), bound.port()),
            });
        }
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).context("the system has no random bytes")?;
        w3.push(candidates.iter().map(|w3| w3.candidate).collect());
        let gateway = Gateway::new(
            Config {
                worker: number as u16,
                w3: candidates,
                core_address: config.core_address,
                core_public_address: config.core_public_address,
                core_ports: config
                    .core_ports
                    .and_then(|ports| ports.share(number, count)),
                symmetric_rtp: config.symmetric_rtp,
                silence: Config::SILENCE,
                limits: Limits {
                    contexts: config.max_contexts.div_ceil(count),
                    ..Limits::default()
                },
                seed,
            },
            identity.clone(),
        );
        let (worker, handle) = Worker::new(gateway, sockets)?;
        let thread = std::thread::Builder::new()
            .name(format!("media-{number}"))
            .spawn(move || worker.run())?;
        handles.push(handle);
        threads.push(thread);
    }
    let shared = Arc::new(Local {
        workers: handles,
        next_worker: AtomicUsize::new(0),
        next_client: AtomicU64::new(0),
        sinks: Mutex::default(),
    });
    let handle = GatewayHandle::new(Arc::clone(&shared) as Arc<dyn Backend>);
    Ok((
        handle,
        Workers {
            shared,
            threads,
            w3,
        },
    ))
}

impl Workers {
    /// Ends the threads, and with them all Contexts.
    pub fn stop(self) {
        for worker in &self.shared.workers {
            worker.tell(ToWorker::Stop);
        }
        for thread in self.threads {
            // A worker that panicked has said so.
            let _ = thread.join();
        }
    }
}

/// One socket an address, all on one port if that can be.
fn open(addresses: &[IpAddr], port: u16) -> anyhow::Result<Vec<Socket>> {
    let bind = |address: IpAddr, port| {
        Socket::bind(SocketAddr::new(address, port), Some(W3_RECEIVE_BUFFER)).with_context(|| {
            format!(
                "the media port {} cannot be opened",
                SocketAddr::new(address, port)
            )
        })
    };
    let (first, others) = addresses
        .split_first()
        .context("the gateway has no address")?;
    let mut last = None;
    for _ in 0..SAME_PORT_TRIES {
        let mut sockets = vec![bind(*first, port)?];
        let chosen = sockets[0].local_addr()?.port();
        let rest: anyhow::Result<Vec<Socket>> = others
            .iter()
            .map(|address| bind(*address, chosen))
            .collect();
        match rest {
            Ok(rest) => {
                sockets.extend(rest);
                return Ok(sockets);
            }
            Err(error) if port != 0 => return Err(error),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("the gateway has no address")))
}

/// Requests go to the worker that owns the Context, new ones to each in turn.
struct Local {
    workers: Vec<WorkerHandle>,
    next_worker: AtomicUsize,
    next_client: AtomicU64,
    sinks: Mutex<Vec<(ClientId, Sink)>>,
}

impl Local {
    fn worker_of(&self, command: &Command) -> Option<&WorkerHandle> {
        let named: Option<ContextId> = match command {
            Command::Reserve { context, .. } => *context,
            Command::Configure { context, .. }
            | Command::Subtract { context, .. }
            | Command::Channel { context, .. }
            | Command::Release { context } => Some(*context),
        };
        let index = match named {
            Some(context) => usize::from(context.worker()),
            None => self.next_worker.fetch_add(1, Ordering::Relaxed) % self.workers.len(),
        };
        // A name that no worker can have given is answered by the first: it is not there.
        self.workers.get(index).or_else(|| self.workers.first())
    }
}

impl Backend for Local {
    fn join(&self, sink: Sink) -> ClientId {
        let client = ClientId(self.next_client.fetch_add(1, Ordering::Relaxed));
        let mut sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        sinks.push((client, Arc::clone(&sink)));
        for worker in &self.workers {
            worker.tell(ToWorker::Join(client, Arc::clone(&sink)));
        }
        client
    }

    fn leave(&self, client: ClientId) {
        let mut sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        sinks.retain(|(id, _)| *id != client);
        for worker in &self.workers {
            worker.tell(ToWorker::Leave(client));
        }
    }

    fn send(&self, client: ClientId, id: RequestId, command: Command) {
        let told = self
            .worker_of(&command)
            .is_some_and(|worker| worker.tell(ToWorker::Request(client, id, command)));
        if told {
            return;
        }
        let sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        let sink = sinks.iter().find(|(known, _)| *known == client);
        if let Some((_, sink)) = sink.cloned() {
            drop(sinks);
            sink(GatewayEvent::Reply {
                id,
                result: Err(Refusal::Unreachable),
            });
        }
    }

    fn is_reachable(&self) -> bool {
        self.workers.iter().all(WorkerHandle::is_alive)
    }

    fn figures(&self) -> Figures {
        let mut sum = Figures::default();
        for worker in &self.workers {
            let figures = worker.figures();
            sum.contexts += figures.contexts;
            sum.counters.add(&figures.counters);
        }
        sum
    }
}
