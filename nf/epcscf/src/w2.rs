//! W2: SIP over WebSocket as RFC 7118 says, and what a peer gets that does not speak it.

use std::time::Instant;

use bytes::Bytes;
use core_sip::ConnectionId;
use wire_sip::{HeaderName, Message, Method};

use crate::flow::MOST_GARBAGE;
use crate::register::binding_key;
use crate::timer::Timer;
use crate::{EpCscf, Output, place};

/// RFC 6455 §7.4.1 — data that does not fit its type: no SIP at all.
pub(crate) const CLOSE_BAD_DATA: u16 = 1007;
/// RFC 6455 §7.4.1 — policy.
pub(crate) const CLOSE_POLICY: u16 = 1008;

impl EpCscf {
    /// RFC 7118 §5 — one SIP message, or a keep-alive of RFC 5626 §3.5.1.
    pub(crate) fn receive_w2(&mut self, now: Instant, connection: ConnectionId, bytes: Bytes) {
        let Some(flow) = self.flows.get_mut(&connection) else {
            return;
        };
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            if bytes.len() >= 4 {
                let message = Bytes::from_static(b"\r\n");
                self.outputs.push_back(Output::W2Send {
                    connection,
                    message,
                });
            }
            return;
        }
        if !flow.allowance.take(now) {
            self.counters.flooded += 1;
            return;
        }
        let source = flow.source(connection);
        let message = match Message::parse(bytes.clone()) {
            Ok(message) => message,
            Err(error) => {
                self.counters.malformed += 1;
                flow.garbage = flow.garbage.saturating_add(1);
                tracing::debug!(connection = connection.0, %error, "no SIP on W2");
                if flow.garbage >= MOST_GARBAGE {
                    self.close(now, connection, CLOSE_BAD_DATA, "this is not SIP");
                }
                return;
            }
        };
        if let Some(shard) = self.other_shard(connection, &message) {
            let Some(flow) = self.flows.remove(&connection) else {
                return;
            };
            let peer = flow.peer;
            self.outputs.push_back(Output::HandOver {
                connection,
                peer,
                shard,
                message: bytes,
            });
            return;
        }
        self.transactions.handle_message(now, source, message);
    }

    /// Closes a WebSocket of our own accord.
    pub(crate) fn close(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        code: u16,
        reason: &'static str,
    ) {
        self.outputs.push_back(Output::W2Close {
            connection,
            code,
            reason,
        });
        self.transactions.handle_connection_closed(now, connection);
        self.lose_flow(now, connection);
    }

    /// The WebSocket is gone; its registration and its calls wait for another one.
    pub(crate) fn lose_flow(&mut self, now: Instant, connection: ConnectionId) {
        let Some(flow) = self.flows.remove(&connection) else {
            return;
        };
        let Some(id) = flow.binding else { return };
        let Some(binding) = self.bindings.get_mut(id) else {
            return;
        };
        if binding.flow == Some(connection) {
            binding.flow = None;
            self.timers
                .set(now + self.config.reconnect, Timer::WicGone(id));
        }
    }

    /// The shard that a REGISTER is for, when it is not this one. A flow is asked once.
    fn other_shard(&self, connection: ConnectionId, message: &Message) -> Option<u16> {
        if self.config.shards < 2 || !message.is_request() || message.method() != Method::Register {
            return None;
        }
        if self.flows.get(&connection)?.binding.is_some() {
            return None;
        }
        let contact = message.values(HeaderName::Contact).next()?;
        let key = binding_key(contact)?;
        let shard = place::of_binding(&key.instance, &key.reg_id, self.config.shards);
        (shard != self.config.shard).then_some(shard)
    }
}
