//! The workers of this process.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use core_iq::{Command, ContextId, Refusal, RequestId};
use core_w3::dtls::Certificate;
use nf_eims_agw::{Config, Identity, Limits};

use super::config::GatewayConfig;
use super::handle::{Backend, ClientId, Figures, GatewayEvent, GatewayHandle, Sink};
use super::seat::Seat;
use super::worker::{ToWorker, WorkerHandle};

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
    let (mut handles, mut opened) = (Vec::new(), Vec::new());
    for number in 0..count {
        let mut seat = Seat {
            number,
            addresses: addresses.clone(),
            public_addresses: config.public_addresses.clone(),
            port: match config.port {
                0 => 0,
                first => first + number as u16,
            },
            config: Config {
                worker: number as u16,
                w3: Vec::new(),
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
                seed: [0; 32],
            },
            identity: identity.clone(),
        };
        let (worker, handle) = seat.open()?;
        handles.push(RwLock::new(handle));
        opened.push((seat, worker));
    }
    let shared = Arc::new(Local {
        workers: handles,
        next_worker: AtomicUsize::new(0),
        next_client: AtomicU64::new(0),
        sinks: Mutex::default(),
        stopping: AtomicBool::new(false),
    });
    let (mut threads, mut w3) = (Vec::new(), Vec::new());
    for (seat, worker) in opened {
        w3.push(seat.w3());
        let shared = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name(format!("media-{}", seat.number))
            .spawn(move || seat.keep(worker, &shared))?;
        threads.push(thread);
    }
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
        self.shared.stopping.store(true, Ordering::Relaxed);
        for worker in self.shared.workers() {
            worker.tell(ToWorker::Stop);
        }
        for thread in self.threads {
            // A worker that panicked has said so.
            let _ = thread.join();
        }
    }

    /// Lets a worker panic.
    #[cfg(test)]
    pub(super) fn kill(&self, worker: usize) {
        self.shared.worker(worker).tell(ToWorker::Panic);
    }
}

/// Requests go to the worker that owns the Context, new ones to each in turn.
pub(super) struct Local {
    /// The worker of each seat, or the last that it had.
    workers: Vec<RwLock<WorkerHandle>>,
    next_worker: AtomicUsize,
    next_client: AtomicU64,
    sinks: Mutex<Vec<(ClientId, Sink)>>,
    /// The process ends.
    pub(super) stopping: AtomicBool,
}

impl Local {
    /// A worker takes a seat whose last one has died: every client is there as before, and is told.
    pub(super) fn seat(&self, number: usize, handle: WorkerHandle) {
        let sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        for (client, sink) in sinks.iter() {
            handle.tell(ToWorker::Join(*client, Arc::clone(sink)));
        }
        if let Some(seat) = self.workers.get(number) {
            *seat.write().unwrap_or_else(PoisonError::into_inner) = handle;
        }
        for (_, sink) in sinks.iter() {
            sink(GatewayEvent::Restored);
        }
    }

    fn worker(&self, index: usize) -> WorkerHandle {
        let seat = &self.workers[index];
        seat.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn workers(&self) -> impl Iterator<Item = WorkerHandle> {
        (0..self.workers.len()).map(|index| self.worker(index))
    }

    fn worker_of(&self, command: &Command) -> Option<WorkerHandle> {
        let named: Option<ContextId> = match command {
            Command::Reserve { context, .. } => *context,
            Command::Configure { context, .. }
            | Command::Subtract { context, .. }
            | Command::Channel { context, .. }
            | Command::Release { context } => Some(*context),
        };
        let Some(context) = named else {
            let first = self.next_worker.fetch_add(1, Ordering::Relaxed);
            let count = self.workers.len();
            return (0..count)
                .map(|step| self.worker((first.wrapping_add(step)) % count))
                .find(WorkerHandle::is_alive);
        };
        // A name that no worker can have given is answered by the first: it is not there.
        let index = usize::from(context.worker());
        let index = if index < self.workers.len() { index } else { 0 };
        (!self.workers.is_empty()).then(|| self.worker(index))
    }
}

impl Backend for Local {
    fn join(&self, sink: Sink) -> ClientId {
        let client = ClientId(self.next_client.fetch_add(1, Ordering::Relaxed));
        let mut sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        sinks.push((client, Arc::clone(&sink)));
        for worker in self.workers() {
            worker.tell(ToWorker::Join(client, Arc::clone(&sink)));
        }
        client
    }

    fn leave(&self, client: ClientId) {
        let mut sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        sinks.retain(|(id, _)| *id != client);
        for worker in self.workers() {
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
        self.workers().all(|worker| worker.is_alive())
    }

    fn figures(&self) -> Figures {
        let mut sum = Figures::default();
        for worker in self.workers() {
            let figures = worker.figures();
            sum.contexts += figures.contexts;
            sum.counters.add(&figures.counters);
        }
        sum
    }
}
