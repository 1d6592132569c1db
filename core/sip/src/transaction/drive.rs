//! What the machines want done, and the tables they are found by.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use bytes::Bytes;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::{
    build,
    client::{self, Cancel, ClientTransaction, Purpose},
    layer::Transactions,
    matching::{self, MAGIC_COOKIE},
    schedule::Entry,
    server,
    types::{ClientTransactionId, Output, ServerTransactionId},
    via,
};
use crate::{ConnectionId, Target, TimerSet, Transport, proxy::LoopHash};

/// How long we remember that a next hop takes no streams.
const REFUSAL_MEMORY: Duration = Duration::from_mins(10);

/// More than this is not the shell's scheduling, but a machine that slept.
const LATE: Duration = Duration::from_millis(100);

impl Transactions {
    pub(super) fn start_client(
        &mut self,
        now: Instant,
        target: Target,
        fallback: Option<Target>,
        mut message: Message,
        timers: TimerSet,
        hash: Option<LoopHash>,
    ) -> ClientTransactionId {
        let (via, branch) = self.fresh_via(target.transport(), hash);
        message.push_front(HeaderName::Via, via);
        let is_invite = message.method() == Method::Invite;
        let bytes = message.to_bytes();
        let key = self.add_client(
            now,
            target,
            &branch,
            is_invite,
            bytes,
            timers,
            Purpose::User,
        );
        if let Some(client) = self.clients.get_mut(key) {
            client.fallback = fallback;
        }
        ClientTransactionId(key)
    }

    #[allow(clippy::too_many_arguments)] // one caller for each purpose, and all of it is needed
    pub(super) fn add_client(
        &mut self,
        now: Instant,
        target: Target,
        key: &str,
        is_invite: bool,
        bytes: Bytes,
        timers: TimerSet,
        purpose: Purpose,
    ) -> u64 {
        let key: Box<str> = key.into();
        self.output_send(target, bytes.clone());
        let client =
            ClientTransaction::new(now, is_invite, timers, target, bytes, key.clone(), purpose);
        let slot = self.clients.insert(client);
        self.client_keys.insert(key, slot);
        if let Target::Connection { id, .. } = target {
            self.index(Some(id), Entry::Client(slot));
        }
        self.reschedule_client(slot);
        slot
    }

    /// RFC 3261 §9.1: the CANCEL is a transaction of its own on the branch of the INVITE.
    pub(super) fn send_cancel(&mut self, now: Instant, key: u64) {
        let Some(client) = self.clients.get_mut(key) else {
            return;
        };
        let Cancel::Wanted { reason } = client.cancel.clone() else {
            return;
        };
        client.cancel_sent(now);
        let (target, timers) = (client.target, client.timer_set());
        let cancel = build::cancel(&client.request, reason.as_deref());
        let mut text = String::new();
        matching::client_key(&mut text, &client.key, "CANCEL");
        self.reschedule_client(key);
        if let Some(cancel) = cancel {
            let bytes = cancel.to_bytes();
            self.add_client(now, target, &text, false, bytes, timers, Purpose::Cancel);
        }
    }

    pub(super) fn fail_client(&mut self, now: Instant, key: u64) {
        let Some(client) = self.clients.get_mut(key) else {
            return;
        };
        if let (true, Some(udp)) = (client.is_unanswered(), client.fallback.take()) {
            if let Target::Address { addr, .. } = udp {
                self.udp_only.retain(|_, until| now < *until);
                self.udp_only.insert(addr, now + REFUSAL_MEMORY);
            }
            let via = self.config.via(Transport::Udp, &client.key);
            if let Ok(mut request) = Message::parse(client.request.clone()) {
                request.replace_first_value(HeaderName::Via, via);
                let bytes = request.to_bytes();
                client.restart(now, udp, bytes.clone());
                self.output_send(udp, bytes);
                self.reschedule_client(key);
                return;
            }
        }
        let effects = client.handle(now, client::Input::TransportError);
        self.apply_client(now, key, &effects, None);
    }

    pub(super) fn fresh_via(
        &mut self,
        transport: Transport,
        hash: Option<LoopHash>,
    ) -> (String, String) {
        let label = &self.config.branch_label;
        let dot = if label.is_empty() { "" } else { "." };
        let mut branch = format!("{MAGIC_COOKIE}{label}{dot}{}", self.random.token(12));
        if let Some(hash) = hash {
            let _ = write!(branch, ".{hash}");
        }
        (self.config.via(transport, &branch), branch)
    }

    // What the machines want.

    pub(super) fn run_client_timers(&mut self, now: Instant, key: u64, at: Instant) {
        let Some(client) = self.clients.get_mut(key) else {
            return;
        };
        if client.timers.scheduled == Some(at) {
            client.timers.scheduled = None;
        }
        while let Some(client) = self.clients.get_mut(key) {
            let Some((timer, due)) = client.take_due(now) else {
                break;
            };
            let at = counted_from(now, due);
            let effects = client.handle(at, client::Input::Timer(timer));
            self.apply_client(at, key, &effects, None);
        }
        self.reschedule_client(key);
    }

    pub(super) fn run_server_timers(&mut self, now: Instant, key: u64, at: Instant) {
        let Some(server) = self.servers.get_mut(key) else {
            return;
        };
        if server.timers.scheduled == Some(at) {
            server.timers.scheduled = None;
        }
        while let Some(server) = self.servers.get_mut(key) {
            let Some((timer, due)) = server.take_due(now) else {
                break;
            };
            let at = counted_from(now, due);
            let effects = server.handle(at, server::Input::Timer(timer));
            self.apply_server(at, key, effects, None, None);
        }
        self.reschedule_server(key);
    }

    pub(super) fn apply_client(
        &mut self,
        now: Instant,
        key: u64,
        effects: &client::Effects,
        mut response: Option<Message>,
    ) {
        use client::Effect;
        let id = ClientTransactionId(key);
        for effect in effects {
            let Some(client) = self.clients.get(key) else {
                return;
            };
            let told = client.purpose == Purpose::User;
            match effect {
                Effect::Retransmit => {
                    let (target, request) = (client.target, client.request.clone());
                    self.counters.retransmitted += 1;
                    self.output_send(target, request);
                }
                Effect::Ack => {
                    let target = client.target;
                    let ack = response
                        .as_ref()
                        .and_then(|response| build::ack(&client.request, response));
                    if let Some(ack) = ack {
                        self.output_send(target, ack);
                    }
                }
                Effect::PassUp => {
                    if let Some(message) = response.take().filter(|_| told) {
                        self.outputs.push_back(Output::Response { id, message });
                    }
                }
                Effect::SendCancel => self.send_cancel(now, key),
                Effect::TimedOut if told => self.outputs.push_back(Output::Timeout { id }),
                Effect::Failed if told => self.outputs.push_back(Output::TransportFailed { id }),
                Effect::TimedOut | Effect::Failed => {}
                Effect::End => self.remove_client(key),
            }
        }
        self.reschedule_client(key);
    }

    pub(super) fn apply_server(
        &mut self,
        _now: Instant,
        key: u64,
        effects: server::Effects,
        response: Option<Message>,
        request: Option<Message>,
    ) {
        use server::Effect;
        let id = ServerTransactionId(key);
        let (mut response, mut request) = (response, request);
        for effect in effects {
            let Some(server) = self.servers.get_mut(key) else {
                return;
            };
            match effect {
                Effect::Respond => {
                    server.request = None;
                    server.response = response.take().map(|response| response.to_bytes());
                    self.send_kept_response(key);
                }
                Effect::Retransmit => {
                    self.counters.retransmitted += 1;
                    self.send_kept_response(key);
                }
                Effect::Trying => {
                    let request = server.request.take();
                    server.response = request.map(|request| {
                        Message::response_to(&request, StatusCode::TRYING, None).to_bytes()
                    });
                    self.send_kept_response(key);
                }
                Effect::PassAck => {
                    if let Some(message) = request.take() {
                        let source = server.source;
                        self.outputs.push_back(Output::Ack { source, message });
                    }
                }
                Effect::PassCancel => {
                    if let Some(message) = request.take() {
                        self.outputs.push_back(Output::Cancel { id, message });
                    }
                }
                Effect::Drop => self.counters.unsent += 1,
                Effect::End => self.remove_server(key),
            }
        }
        self.reschedule_server(key);
    }

    pub(super) fn send_kept_response(&mut self, key: u64) {
        let Some(server) = self.servers.get(key) else {
            return;
        };
        let target = via::way_back(&server.source, server.listener, server.connected);
        match (target, server.response.clone()) {
            (Some(target), Some(response)) => self.output_send(target, response),
            _ => self.counters.unsent += 1,
        }
    }

    pub(super) fn output_send(&mut self, target: Target, message: Bytes) {
        self.outputs.push_back(Output::Send { target, message });
    }

    // Tables.

    pub(super) fn remove_client(&mut self, key: u64) {
        let Some(client) = self.clients.remove(key) else {
            return;
        };
        self.client_keys.remove(&client.key);
        if let Target::Connection { id, .. } = client.target {
            self.unindex(Some(id), Entry::Client(key));
        }
    }

    pub(super) fn remove_server(&mut self, key: u64) {
        let Some(server) = self.servers.remove(key) else {
            return;
        };
        self.server_keys.remove(&server.key);
        if let Some(merge_key) = server.merge_key {
            self.merge_keys.remove(&merge_key);
        }
        self.unindex(server.source.connection, Entry::Server(key));
    }

    pub(super) fn index(&mut self, connection: Option<ConnectionId>, entry: Entry) {
        if let Some(connection) = connection {
            self.by_connection.insert((connection, entry));
        }
    }

    pub(super) fn unindex(&mut self, connection: Option<ConnectionId>, entry: Entry) {
        if let Some(connection) = connection {
            self.by_connection.remove(&(connection, entry));
        }
    }

    pub(super) fn reschedule_client(&mut self, key: u64) {
        if let Some(client) = self.clients.get_mut(key) {
            self.schedule.update(Entry::Client(key), &mut client.timers);
        }
    }

    pub(super) fn reschedule_server(&mut self, key: u64) {
        if let Some(server) = self.servers.get_mut(key) {
            self.schedule.update(Entry::Server(key), &mut server.timers);
        }
    }
}

/// A little late is not later: intervals count from when a timer was due. After a long sleep they
/// count from now, so that what was missed is not sent all at once.
fn counted_from(now: Instant, due: Instant) -> Instant {
    if now.saturating_duration_since(due) > LATE {
        now
    } else {
        due
    }
}
