//! Messages that come: which transaction they belong to, and what is made of the others.

use std::time::Instant;

use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::{
    client,
    layer::Transactions,
    matching::{self, MAGIC_COOKIE, cseq, tag},
    schedule::Entry,
    server::{self, ServerTransaction},
    types::{Output, ServerTransactionId},
    via::{self, Listener, ViaView},
};
use crate::{Source, reply, retry_after};

impl Transactions {
    pub(super) fn handle_request(&mut self, now: Instant, source: Source, mut message: Message) {
        let stamped = message
            .values(HeaderName::Via)
            .next()
            .and_then(|via| via::stamped(via, source.remote));
        let Some(stamped) = stamped.filter(|_| is_complete(&message)) else {
            self.counters.dropped += 1;
            return;
        };
        message.replace_first_value(HeaderName::Via, stamped);

        match message.method() {
            Method::Ack => self.handle_ack(now, source, message),
            Method::Cancel => self.handle_cancel(now, source, &message),
            _ => self.handle_other_request(now, source, message),
        }
    }

    /// RFC 3261 §17.2.3: an ACK for 300-699 ends here, one for a 2xx is a request of its own.
    pub(super) fn handle_ack(&mut self, now: Instant, source: Source, message: Message) {
        if let Some(key) = self.find_server(&message, "INVITE") {
            let server = self.servers.get_mut(key).expect("keys name live machines");
            let ours = tag(&message, HeaderName::To) == server.to_tag.as_deref();
            if ours || has_cookie(&message) {
                let effects = server.handle(now, server::Input::Ack);
                self.apply_server(now, key, effects, None, Some(message));
            }
            return;
        }
        self.outputs.push_back(Output::Ack { source, message });
    }

    /// RFC 3261 §9.2, §16.10: a CANCEL is answered at once and by itself; the same answer to every
    /// copy of it needs no state.
    // Deviates: RFC 3261 §16.10 has a proxy forward a CANCEL that it knows nothing of; it gets 481
    // here, since every INVITE that we forward has its state here too.
    pub(super) fn handle_cancel(&mut self, now: Instant, source: Source, message: &Message) {
        let Some(key) = self.find_server(message, "INVITE") else {
            let tag = self.random.tag();
            let answer = reply(message, StatusCode::CALL_DOES_NOT_EXIST, &tag);
            self.respond_statelessly(&source, &answer);
            return;
        };
        let server = self.servers.get_mut(key).expect("keys name live machines");
        // RFC 3261 §9.2: the To tag of the 200 is that of the response to the INVITE.
        let tag = server
            .to_tag
            .get_or_insert_with(|| self.random.tag().into())
            .clone();
        let effects = server.handle(now, server::Input::Cancel);
        let answer = reply(message, StatusCode::OK, &tag);
        self.respond_statelessly(&source, &answer);
        self.apply_server(now, key, effects, None, Some(message.clone()));
    }

    pub(super) fn handle_other_request(&mut self, now: Instant, source: Source, message: Message) {
        let Some((_, method)) = cseq(&message) else {
            return;
        };
        let method = method.to_owned();
        if let Some(key) = self.find_server(&message, &method) {
            self.counters.absorbed += 1;
            let server = self.servers.get_mut(key).expect("keys name live machines");
            // RFC 3261 §18.2.2: the newest way is the best way back.
            if source.connection.is_some() && source.connection != server.source.connection {
                let old = server.source.connection;
                server.source = source;
                server.connected = true;
                self.unindex(old, Entry::Server(key));
                self.index(source.connection, Entry::Server(key));
            }
            let server = self.servers.get_mut(key).expect("keys name live machines");
            let effects = server.handle(now, server::Input::Request);
            self.apply_server(now, key, effects, None, None);
            return;
        }
        let key: Box<str> = self.key.as_str().into();

        let mut merge_key = None;
        if self.config.refuse_merged && tag(&message, HeaderName::To).is_none() {
            let mut text = String::new();
            if matching::merge_key(&mut text, &message).is_some() {
                if self.merge_keys.contains_key(text.as_str()) {
                    let tag = self.random.tag();
                    let answer = reply(&message, StatusCode::LOOP_DETECTED, &tag);
                    self.respond_statelessly(&source, &answer);
                    return;
                }
                merge_key = Some(text.into_boxed_str());
            }
        }
        if self.len() >= self.config.max_transactions {
            self.counters.refused += 1;
            let tag = self.random.tag();
            let answer = retry_after(&message, StatusCode::SERVICE_UNAVAILABLE, &tag, 10);
            self.respond_statelessly(&source, &answer);
            return;
        }

        let is_invite = method == "INVITE";
        let timers = self.config.timers(source.transport);
        let mut server = ServerTransaction::new(now, is_invite, timers, source, key.clone());
        server.listener = ViaView::top(&message).map(|via| Listener::of(&via));
        server.request = Some(Box::new(message.clone()));
        server.merge_key.clone_from(&merge_key);
        let slot = self.servers.insert(server);
        self.server_keys.insert(key, slot);
        if let Some(merge_key) = merge_key {
            self.merge_keys.insert(merge_key, slot);
        }
        self.index(source.connection, Entry::Server(slot));
        self.reschedule_server(slot);
        let id = ServerTransactionId(slot);
        self.outputs.push_back(Output::Request {
            id,
            source,
            message,
        });
    }

    /// Leaves the key in `self.key`.
    pub(super) fn find_server(&mut self, message: &Message, method: &str) -> Option<u64> {
        let via = ViaView::top(message)?;
        matching::server_key(&mut self.key, message, &via, method)?;
        self.server_keys.get(self.key.as_str()).copied()
    }

    // Responses that come.

    pub(super) fn handle_response(&mut self, now: Instant, source: Source, message: Message) {
        let Some(status) = message.status() else {
            return;
        };
        let Some((branch, (_, method))) = ViaView::top(&message)
            .and_then(|via| via.branch())
            .zip(cseq(&message))
        else {
            self.counters.dropped += 1;
            return;
        };
        matching::client_key(&mut self.key, branch, method);
        let found = self.client_keys.get(self.key.as_str()).copied();
        let found = found.filter(|key| {
            let client = self.clients.get(*key);
            client.is_some_and(|client| client.is_invite() == (method == "INVITE"))
        });
        let Some(key) = found else {
            // RFC 6026 §8.4, RFC 4320 §4.3: only a late 2xx for an INVITE is of use to anyone.
            if status.is_success() && method == "INVITE" {
                self.outputs
                    .push_back(Output::StrayResponse { source, message });
            } else {
                self.counters.stray += 1;
            }
            return;
        };
        let client = self.clients.get_mut(key).expect("keys name live machines");
        let effects = client.handle(now, client::Input::Response(status));
        self.apply_client(now, key, &effects, Some(message));
    }
}

/// RFC 3261 §8.1.1: what no request can do without.
fn is_complete(request: &Message) -> bool {
    let named = cseq(request).map(|(_, method)| method);
    named == Some(request.method().as_str())
        && request.header(HeaderName::CallId).is_some()
        && request.header(HeaderName::From).is_some()
        && request.header(HeaderName::To).is_some()
}

fn has_cookie(message: &Message) -> bool {
    ViaView::top(message)
        .and_then(|via| via.branch())
        .is_some_and(|branch| branch.starts_with(MAGIC_COOKIE))
}
