//! Who was registered until a moment ago. Both the eP-CSCF and the WIC watch a registration (TS 24.229
//! §5.1.1.3, §5.2.3), and the network's word that it is over may come here first: it still reaches the WIC,
//! which is told by it whether to come again, while its WebSocket is open (§5.1.1.7, §5.2.5.2).

use std::collections::HashMap;
use std::time::Instant;

use core_sip::proxy::{LoopHash, ResponseContext};
use core_sip::{ConnectionId, ServerTransactionId, Target, TimerSet};
use wire_sip::{Message, Method};

use crate::forward::{Forward, Purpose};
use crate::ims_alg::Leg;
use crate::{EpCscf, trust};

/// The last binding of each WebSocket that is open and carries none.
#[derive(Debug, Default)]
pub(crate) struct Departed {
    by_binding: HashMap<u64, ConnectionId>,
    by_flow: HashMap<ConnectionId, u64>,
}

impl Departed {
    /// This binding was there until now.
    pub(crate) fn insert(&mut self, binding: u64, connection: ConnectionId) {
        self.forget(connection);
        self.by_binding.insert(binding, connection);
        self.by_flow.insert(connection, binding);
    }

    /// The WebSocket is gone, or carries another registration.
    pub(crate) fn forget(&mut self, connection: ConnectionId) {
        if let Some(binding) = self.by_flow.remove(&connection) {
            self.by_binding.remove(&binding);
        }
    }

    pub(crate) fn contains(&self, binding: u64) -> bool {
        self.by_binding.contains_key(&binding)
    }
}

impl EpCscf {
    /// A NOTIFY of a dialog of this binding's, which is gone, goes on; whether it was one.
    pub(crate) fn last_word(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        binding: u64,
        before: Message,
        message: &Message,
        hash: LoopHash,
    ) -> bool {
        let connection = self.departed.by_binding.get(&binding).copied();
        let flow = connection.and_then(|id| Some((id, self.flows.get(&id)?)));
        let Some((connection, flow)) = flow.filter(|_| message.method() == Method::Notify) else {
            return false;
        };
        let target = Target::Connection {
            id: connection,
            transport: flow.transport(),
        };
        let mut message = message.clone();
        trust::to_wic(&mut message);
        let context = ResponseContext::new(id, before, self.random.tag());
        let forward = Forward::new(context, Leg::Core, Purpose::Standalone(None));
        self.forwards.insert(id, forward);
        let _ = core_sip::proxy::forward(&mut message);
        let timers = TimerSet::access();
        let branch = self
            .transactions
            .forward_request(now, target, message, timers, hash);
        self.add_branch(now, id, branch);
        true
    }
}
