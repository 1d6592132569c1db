//! What shards see of a gateway, wherever it is.

use std::sync::Arc;

use core_iq::{Command, Notification, Refusal, Reply, RequestId};
use nf_eims_agw::Counters;

/// What a gateway has to say to one of its clients.
#[derive(Clone, Debug)]
pub enum GatewayEvent {
    /// To a request of this client.
    Reply {
        /// Which one.
        id: RequestId,
        /// What was done, or why nothing.
        result: Result<Reply, Refusal>,
    },
    /// Something happened in a Context of this client.
    Notification(Notification),
    /// A worker has died, and with it the Contexts that name it. The others go on.
    WorkerLost(u16),
    /// The gateway is gone, and all Contexts with it. Requests are refused until it is back.
    Lost,
    /// The gateway is there again, or its worker, empty.
    Restored,
}

/// Where a client's events go. Called by the gateway's threads: it hands on, and never waits.
pub(super) type Sink = Arc<dyn Fn(GatewayEvent) + Send + Sync>;

/// A gateway of this process or another. Cheap to clone.
#[derive(Clone)]
pub struct GatewayHandle {
    backend: Arc<dyn Backend>,
}

impl std::fmt::Debug for GatewayHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GatewayHandle")
    }
}

/// One user of a gateway: a shard, or a connection of another machine. Its Contexts are released
/// when it is dropped.
pub struct GatewayClient {
    backend: Arc<dyn Backend>,
    id: ClientId,
}

impl std::fmt::Debug for GatewayClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("GatewayClient").field(&self.id.0).finish()
    }
}

/// Numbers a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ClientId(pub(super) u64);

/// How a gateway is reached.
pub(super) trait Backend: Send + Sync {
    /// Takes a client on.
    fn join(&self, sink: Sink) -> ClientId;
    /// Lets it go, with its Contexts.
    fn leave(&self, client: ClientId);
    /// Passes a request on. It is always answered.
    fn send(&self, client: ClientId, id: RequestId, command: Command);
    /// Whether a request would arrive.
    fn is_reachable(&self) -> bool;
    /// What the workers of this process have done. Of a gateway elsewhere nothing is known.
    fn figures(&self) -> Figures;
}

/// What is shown of the workers of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Contexts there are.
    pub contexts: usize,
    /// What was done since the start.
    pub counters: Counters,
}

impl GatewayHandle {
    pub(super) fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend }
    }

    /// Registers a client. `sink` is called from other threads and must not wait.
    pub fn register(&self, sink: impl Fn(GatewayEvent) + Send + Sync + 'static) -> GatewayClient {
        GatewayClient {
            backend: Arc::clone(&self.backend),
            id: self.backend.join(Arc::new(sink)),
        }
    }

    /// Whether a request would arrive: for the readiness of the process.
    pub fn is_reachable(&self) -> bool {
        self.backend.is_reachable()
    }

    /// For metrics.
    pub fn figures(&self) -> Figures {
        self.backend.figures()
    }
}

impl GatewayClient {
    /// Sends a request; the reply comes to the client's sink, also when the gateway is gone.
    pub fn send(&self, id: RequestId, command: Command) {
        self.backend.send(self.id, id, command);
    }
}

impl Drop for GatewayClient {
    fn drop(&mut self) {
        self.backend.leave(self.id);
    }
}
