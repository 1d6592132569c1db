//! Shards: threads that each own the WICs that live in them, with everything from the TLS of their
//! connections to the eP-CSCF's machine.
//!
//! ```text
//!   thread n:   accept ─▶ TLS ─▶ HTTP ─┬─▶ pages, sign-in        (the web router)
//!                                      └─▶ /w2 ─▶ WebSocket ─▶ EpCscf n ─▶ Mw, Iq, W2
//!   between:    ToShard: what another shard's machine, the gateway or the core has for this one
//! ```
//! A WIC is accepted by whichever thread the kernel picks. When its REGISTER says that it lives
//! elsewhere, the connection stays where it is and its messages cross one bounded queue.

mod accept;
mod applications;
mod drive;
mod gateway_events;
mod http;
mod leases;
mod mw;
mod outbox;
mod pages;
mod web_socket;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use core_credentials::jwk::JwkSet;
use core_sip::{ConnectionId, Source, Target};
use nf_epcscf::{Counters, W2Peer};
use tokio::sync::mpsc;
use wire_sip::Message;

use crate::config::Config;
use crate::fault::Fault;
use crate::gateway::GatewayHandle;
use crate::mes::Enabler;
use crate::sip::{SipAddresses, SipFigures};
use crate::web::Web;

/// Messages that wait for one shard.
const QUEUE: usize = 8192;
/// Connection numbers carry the shard that accepted them in the upper 16 bits.
const SHARD_SHIFT: u32 = 48;

/// What shards are made from.
pub(crate) struct Setup {
    /// The whole configuration.
    pub(crate) config: Config,
    /// For https and wss.
    pub(crate) tls: Arc<rustls::ServerConfig>,
    /// Where media goes.
    pub(crate) gateway: GatewayHandle,
    /// Pages and sign-in, when they live here.
    pub(crate) web: Option<Web>,
    /// The MMTel Enabler Server, when it lives here.
    pub(crate) enabler: Option<Enabler>,
    /// The listening sockets of every shard, bound before: https, http.
    pub(crate) listeners: Listeners,
    /// What the eP-CSCF asks for a token at, for its challenge.
    pub(crate) issuer: Option<String>,
    /// Who is registered with an identity of a pool.
    pub(crate) leases: Arc<Leases>,
}

pub(crate) use accept::Listeners;
pub(crate) use leases::Leases;
pub(crate) use pages::serve_pages;

/// Running shards.
pub(crate) struct Shards {
    senders: Vec<mpsc::Sender<ToShard>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    counters: Arc<Vec<Mutex<Counters>>>,
    /// What happened at the sockets of Mw.
    pub(crate) mw_figures: Arc<SipFigures>,
    /// Where Mw is.
    pub(crate) mw: SipAddresses,
}

/// What comes to a shard from other threads.
#[derive(Debug)]
pub(crate) enum ToShard {
    /// A message of the core's.
    Mw(Source, Box<Message>),
    /// Nothing could be sent there.
    MwFailed(Target),
    /// A connection of the core's is gone.
    MwClosed(ConnectionId),
    /// A WebSocket that another shard accepted lives here from now on.
    Adopt(ConnectionId, W2Peer, Bytes),
    /// A message on such a WebSocket.
    W2(ConnectionId, Bytes),
    /// Such a WebSocket is gone.
    W2Closed(ConnectionId),
    /// Send on a WebSocket that this shard accepted.
    W2Send(ConnectionId, Bytes),
    /// Close one.
    W2Close(ConnectionId, u16, &'static str),
    /// Send on the core's sockets, which are shard 0's.
    MwSend(Target, Bytes),
    /// An issuer's keys.
    Keys(String, Arc<JwkSet>),
    /// Nobody is registered by this lease of a pool's identity any more.
    LeaseEnded(Arc<leases::Ending>),
    /// How many calls are there?
    Calls(std::sync::mpsc::Sender<usize>),
    /// No new calls.
    Drain,
    /// Release every call.
    Shutdown,
    /// End the thread.
    Stop,
}

/// The shard that accepted a connection.
fn accepted_by(connection: ConnectionId) -> u16 {
    (connection.0 >> SHARD_SHIFT) as u16
}

impl Shards {
    /// Starts the threads. Mw is bound by the first of them.
    pub(crate) fn start(setup: Setup) -> Result<Self, Fault> {
        let count = shard_count(&setup.config);
        let (senders, mut receivers): (Vec<_>, Vec<_>) =
            (0..count).map(|_| mpsc::channel(QUEUE)).unzip();
        let counters = Arc::new((0..count).map(|_| Mutex::default()).collect::<Vec<_>>());
        let mw_tls = mw::tls(&setup.config)?;
        let mw_figures = Arc::new(SipFigures::default());
        let secrets = drive::Secrets::new(&setup.config)?;
        let setup = Arc::new(setup);
        let (bound, mw) = std::sync::mpsc::channel();
        let mut threads = Vec::new();
        // Each has its own; what is wrong with one is found before any thread runs.
        let repositories: Result<Vec<_>, Fault> =
            (0..count).map(|_| setup.config.repository()).collect();
        for (index, repository) in repositories?.into_iter().enumerate() {
            let thread = drive::Thread {
                index: index as u16,
                setup: Arc::clone(&setup),
                senders: senders.clone(),
                receiver: receivers.remove(0),
                counters: Arc::clone(&counters),
                mw_tls: mw_tls.clone(),
                mw_figures: Arc::clone(&mw_figures),
                secrets: secrets.clone(),
                repository,
                bound: bound.clone(),
            };
            let handle = std::thread::Builder::new()
                .name(format!("shard-{index}"))
                .spawn(move || thread.run())
                .map_err(|error| Fault::new(format!("cannot start a thread: {error}")))?;
            threads.push(handle);
            if index == 0 {
                // The others say in Via, Path and Record-Route where the first one listens.
                let address = mw
                    .recv()
                    .map_err(|_| Fault::new("the first shard ended"))??;
                secrets.mw.set(address).ok();
            }
        }
        let mw = *secrets
            .mw
            .get()
            .ok_or_else(|| Fault::new("Mw is not bound"))?;
        Ok(Self {
            senders,
            threads: Mutex::new(threads),
            counters,
            mw_figures,
            mw,
        })
    }

    /// An issuer's keys, for all of them.
    pub(crate) fn set_keys(&self, issuer: &str, keys: JwkSet) {
        let keys = Arc::new(keys);
        self.tell(|| ToShard::Keys(issuer.to_owned(), Arc::clone(&keys)));
    }

    /// No new calls and registrations.
    pub(crate) fn drain(&self) {
        self.tell(|| ToShard::Drain);
    }

    /// The sum of all shards' counters, as of a second ago.
    pub(crate) fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        for counters in self.counters.iter() {
            let one = *counters.lock().unwrap_or_else(PoisonError::into_inner);
            sum.flows += one.flows;
            sum.bindings += one.bindings;
            sum.sessions += one.sessions;
            sum.registered += one.registered;
            sum.registration_refused += one.registration_refused;
            sum.calls += one.calls;
            sum.answered += one.answered;
            sum.released += one.released;
            sum.malformed += one.malformed;
            sum.flooded += one.flooded;
            sum.tokens_refused += one.tokens_refused;
            sum.forged += one.forged;
            sum.emergency += one.emergency;
        }
        sum.malformed += self.mw_figures.malformed_total();
        sum.flooded += self.mw_figures.flooded_total();
        sum
    }

    /// Waits for the calls to end unless somebody is in a hurry, releases those that do not, and ends the threads.
    pub(crate) fn end(&self, patience: Duration, hurry: impl Fn() -> bool) {
        let deadline = Instant::now() + patience;
        while self.calls() > 0 && Instant::now() < deadline && !hurry() {
            std::thread::sleep(Duration::from_millis(100));
        }
        self.tell(|| ToShard::Shutdown);
        // An answer says that a shard has released its calls; the second one, that it has written
        // what the others released on its WebSockets.
        self.calls();
        self.calls();
        self.tell(|| ToShard::Stop);
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            let _ = thread.join();
        }
    }

    /// Calls that go on, as the shards know it now.
    fn calls(&self) -> usize {
        let (sender, answers) = std::sync::mpsc::channel();
        self.tell(|| ToShard::Calls(sender.clone()));
        drop(sender);
        std::iter::from_fn(|| answers.recv_timeout(Duration::from_secs(1)).ok()).sum()
    }

    fn tell(&self, what: impl Fn() -> ToShard) {
        for sender in &self.senders {
            // A shard whose queue is full has other worries, and is told again by its own timers.
            let _ = sender.blocking_send(what());
        }
    }
}

/// How many threads the configuration asks for.
pub(crate) fn shard_count(config: &Config) -> usize {
    match config.epcscf.shards {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    }
    .min(1024)
}
