//! W2: SIP over WebSocket as RFC 7118 says, and what a peer gets that does not speak it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use core_sip::ConnectionId;
use wire_sip::{HeaderName, Malformed, Message, Method, salvage};

use crate::flow::{Flow, MOST_GARBAGE};
use crate::register::binding_key;
use crate::timer::Timer;
use crate::{EpCscf, Output, place};

/// RFC 6455 §7.4.1 — data that does not fit its type: no SIP at all.
pub(crate) const CLOSE_BAD_DATA: u16 = 1007;
/// RFC 6455 §7.4.1 — the purpose is fulfilled.
pub(crate) const CLOSE_NORMAL: u16 = 1000;
/// How long a WebSocket may stay without a registration.
const UNREGISTERED: Duration = Duration::from_mins(2);
/// What a malformed message weighs that can be answered, and one that cannot.
const ANSWERED: u8 = 1;
const UNANSWERED: u8 = 3;
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
        let address = flow.peer.remote.ip();
        if !flow.allowance.take(now) || !self.addresses.take(now, address) {
            self.counters.flooded += 1;
            return;
        }
        let source = flow.source(connection);
        let parsed = Message::parse(bytes.clone());
        let message = match parsed.and_then(|message| message.check().map(|()| message)) {
            Ok(message) => {
                flow.garbage = flow.garbage.saturating_sub(1);
                message
            }
            Err(fault) => {
                self.refuse_malformed(now, connection, &bytes, &fault);
                return;
            }
        };
        if let Some(shard) = self.other_shard(connection, &message) {
            self.departed.forget(connection);
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

    /// What is no SIP: answered when it says enough of itself (RFC 3261 §8.2.6), dropped otherwise, and
    /// either way counted against its sender.
    fn refuse_malformed(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        bytes: &[u8],
        fault: &Malformed,
    ) {
        self.counters.malformed += 1;
        tracing::debug!(connection = connection.0, %fault, "malformed on W2");
        let answer = salvage::response(bytes, fault);
        let Some(flow) = self.flows.get_mut(&connection) else {
            return;
        };
        let weight = if answer.is_some() {
            ANSWERED
        } else {
            UNANSWERED
        };
        flow.garbage = flow.garbage.saturating_add(weight);
        let enough = flow.garbage >= MOST_GARBAGE;
        if let Some(mut answer) = answer {
            answer.set_to_tag(&self.random.tag());
            self.outputs.push_back(Output::W2Send {
                connection,
                message: answer.to_bytes(),
            });
        }
        if enough {
            self.close(now, connection, CLOSE_BAD_DATA, "this is not SIP");
        }
    }

    /// A WebSocket that carries no registration, and has not for a while, goes: whoever means to
    /// register has done it by then (TS 24.371 §6A.2: after deregistration the WIC closes it).
    pub(crate) fn idle_flow(&mut self, now: Instant, connection: ConnectionId) {
        let Some(flow) = self.flows.get(&connection) else {
            return;
        };
        let patience = self.patience(flow);
        if flow.binding.is_none() && flow.unregistered_since + patience <= now {
            self.close(now, connection, CLOSE_NORMAL, "not registered");
        }
    }

    /// TS 24.371 §6A.2 — when the last public user identity is gone the WebSocket goes too, once what is
    /// under way has reached the WIC.
    fn patience(&self, flow: &Flow) -> Duration {
        if flow.was_registered {
            self.config.linger
        } else {
            UNREGISTERED
        }
    }

    /// From now on this WebSocket carries no registration.
    pub(crate) fn unregistered(&mut self, now: Instant, connection: ConnectionId) {
        if let Some(flow) = self.flows.get_mut(&connection) {
            flow.binding = None;
            flow.unregistered_since = now;
            let patience = self.flows.get(&connection).map(|flow| self.patience(flow));
            self.timers.set(
                now + patience.unwrap_or_default(),
                Timer::Unregistered(connection),
            );
        }
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
        self.departed.forget(connection);
        let Some(flow) = self.flows.remove(&connection) else {
            return;
        };
        let Some(id) = flow.binding else { return };
        let Some(binding) = self.bindings.get_mut(id) else {
            return;
        };
        if binding.flow == Some(connection) {
            binding.flow = None;
            binding.lost = Some(connection);
            binding.away_since = now;
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
