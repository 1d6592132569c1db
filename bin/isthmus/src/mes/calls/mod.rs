//! The enabler's calls on a thread of their own: SIP sockets, the gateway, time, and the machine.
//!
//! ```text
//!   routes ──▶ CallsHandle::ask ──▶ ┐                ┌ ──▶ SIP, towards the core
//!   SIP, the gateway, time ───────▶ │ Calls, outputs │ ──▶ the gateway (Iq)
//!   the store: it is written ─────▶ ┘                └ ──▶ the store, the answer
//! ```

mod config;
mod drive;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use api_mmtel_es::{Cause, ProblemDetails};
use nf_mmtel_es::calls::{Ask, Counters, SessionSeen, Told};
use nf_mmtel_es::{Consumer, StoredSession};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::LocalSet;
use tracing::error;

use super::Enabler;
use crate::fault::{Fault, Port};
use crate::gateway::GatewayHandle;
use crate::sip::{SipFigures, SipSetup, SipSockets};

pub(crate) use config::CallsConfig;

/// Requests that wait for the thread; who finds it full is told to come again.
const QUEUE: usize = 1024;

/// What the thread is told.
enum ToCalls {
    /// A request of a consumer.
    Asked(Box<Asked>),
    /// An operator looks.
    Looked(oneshot::Sender<Vec<SessionSeen>>),
    /// An application server does not want to hear of this session.
    Refused { session: String, cause: Cause },
}

/// A request of a consumer.
struct Asked {
    consumer: Consumer,
    ask: Ask,
    answer: oneshot::Sender<Result<Told, Box<ProblemDetails>>>,
}

/// The way to ask the calls.
#[derive(Clone)]
pub(crate) struct CallsHandle(mpsc::Sender<ToCalls>);

impl CallsHandle {
    /// Asks, and waits for the answer, which may take as long as a UE rings.
    pub(crate) async fn ask(
        &self,
        consumer: Consumer,
        ask: Ask,
    ) -> Result<Told, Box<ProblemDetails>> {
        let (answer, answered) = oneshot::channel();
        let asked = Box::new(Asked {
            consumer,
            ask,
            answer,
        });
        let busy = |detail: &str| Box::new(ProblemDetails::new(503).detail(detail));
        self.0
            .try_send(ToCalls::Asked(asked))
            .map_err(|_| busy("Too many requests wait."))?;
        let answered = answered.await;
        answered.map_err(|_| busy("The server is being stopped."))?
    }

    /// All sessions; `None` while it is too busy to say.
    pub(crate) async fn sessions(&self) -> Option<Vec<SessionSeen>> {
        let (answer, answered) = oneshot::channel();
        self.0.try_send(ToCalls::Looked(answer)).ok()?;
        answered.await.ok()
    }

    /// TS 29.392 §6.3.7.3 — an application server refused what it was told of a session. Where too much
    /// waits it is not passed on: it will refuse the next one too.
    pub(crate) fn refused(&self, session: String, cause: Cause) {
        let _ = self.0.try_send(ToCalls::Refused { session, cause });
    }
}

/// Calls that run.
pub(crate) struct RunningCalls {
    /// Where they speak SIP.
    pub(crate) address: SocketAddr,
    /// What happened.
    pub(crate) figures: CallsFigures,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// What happened, as other threads may read it.
#[derive(Clone)]
pub(crate) struct CallsFigures {
    sockets: Arc<SipFigures>,
    counters: watch::Receiver<Counters>,
}

impl CallsFigures {
    /// All of them by name.
    pub(crate) fn named(&self) -> Vec<(String, u64)> {
        let counters = *self.counters.borrow();
        let mut named = self.sockets.named("mmtel_es");
        let counted = [
            ("calls_asked_total", counters.asked),
            ("calls_established_total", counters.established),
            ("calls_failed_total", counters.failed),
            ("messages_heard_total", counters.heard),
        ];
        named.extend(counted.map(|(name, value)| (format!("mmtel_es_{name}"), value)));
        named
    }
}

/// What the calls are started from.
pub(crate) struct CallsSetup {
    /// What the operator says.
    pub(crate) config: CallsConfig,
    /// The way into the core.
    pub(crate) core: String,
    /// The domain of the service's own identity, when the operator names no other.
    pub(crate) home_domain: String,
    /// Where notifications may go.
    pub(crate) targets: nf_mmtel_es::Targets,
    /// Calls of the life before.
    pub(crate) sessions: Vec<StoredSession>,
    /// Whom the media are with.
    pub(crate) gateway: GatewayHandle,
}

/// Starts them, and opens their routes.
pub(crate) fn start(enabler: &Enabler, setup: CallsSetup) -> Result<RunningCalls, Fault> {
    let figures = Arc::new(SipFigures::default());
    let sip = SipSetup {
        port: Port::CALLS,
        address: setup.config.listen,
        tls: None,
        requests_per_second: 0,
        figures: Arc::clone(&figures),
        first: 1,
    };
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| Fault::new(format!("the system gives no random bytes: {error}")))?;
    let (bound, address) = std::sync::mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let (counting, counters) = watch::channel(Counters::default());
    let (asks, asked) = mpsc::channel(QUEUE);
    let for_thread = enabler.clone();
    let thread = std::thread::Builder::new()
        .name("calls".into())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => {
                    error!(%error, "the enabler's calls cannot run");
                    return;
                }
            };
            LocalSet::new().block_on(&runtime, async move {
                let sockets = match SipSockets::bind(sip) {
                    Ok(sockets) => sockets,
                    Err(fault) => {
                        let _ = bound.send(Err(fault));
                        return;
                    }
                };
                let address = sockets.addresses().plain;
                let _ = bound.send(Ok(address));
                let machine = drive::Parts {
                    enabler: for_thread,
                    setup,
                    address,
                    seed,
                    sockets,
                    counting,
                };
                machine.serve(asked, stopped).await;
            });
        })
        .map_err(|error| Fault::new(format!("cannot start a thread: {error}")))?;
    let address = address
        .recv()
        .map_err(|_| Fault::new("the enabler's calls ended"))??;
    enabler.serve_calls(CallsHandle(asks));
    Ok(RunningCalls {
        address,
        figures: CallsFigures {
            sockets: figures,
            counters,
        },
        stop,
        thread,
    })
}

impl RunningCalls {
    /// Ends them. What is written down of calls is ended at the next start.
    pub(crate) fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}
