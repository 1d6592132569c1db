//! Requests between subscribers: who sends them, whom they are for, and the way there and back
//! (TS 24.229 §5.4.3, RFC 3261 §16).

use std::time::Instant;

use core_sip::{
    ClientTransactionId, ServerTransactionId, Source, TimerSet, Transport,
    address::{UriView, uri_of},
    dialog::DialogId,
    next_hop::NextHop,
    proxy::{Action, LoopHash, Refusal, ResponseContext, check_request, forward, take_own_routes},
    reply,
};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::{
    LabCore,
    filter::{Case, Chain},
    gruu::Gruu,
    identify::leave_trust_domain,
    lab_core::Purpose,
    location::{Contact, ContactEvent},
    sending::{Errand, Way, direct},
    users::UserId,
};

const SCHEMES: &[&str] = &["sip", "sips", "tel", "urn"];
const ALLOW: &str = "REGISTER, INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, \
                     SUBSCRIBE, NOTIFY, MESSAGE, PUBLISH";

/// A request that was forwarded.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) context: ResponseContext,
    /// As it goes on: identified, and without the routes that were ours.
    pub(crate) request: Message,
    pub(crate) hash: LoopHash,
    /// How it came.
    pub(crate) transport: Transport,
    /// Branches whose next hop is being looked up.
    pub(crate) waiting: usize,
}

impl LabCore {
    pub(crate) fn route_request(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        source: Source,
        message: &Message,
    ) {
        if message.method() == Method::Register {
            self.handle_register(now, id, source, message);
            return;
        }
        if let Err(refusal) = self.try_route(now, id, source, message) {
            self.refuse(now, id, message, &refusal);
        }
    }

    fn try_route(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        source: Source,
        original: &Message,
    ) -> Result<(), Refusal> {
        let ours = [Transport::Udp, Transport::Tls].map(|one| self.config.sent_by(one));
        let sent_by = [ours[0].as_str(), ours[1].as_str()];
        let hash = check_request(original, &sent_by, &[], SCHEMES)?;
        let mut request = original.clone();
        let config = &self.config;
        let own = take_own_routes(&mut request, |uri| config.is_us(uri.host, uri.port));

        let target = request.request_uri().unwrap_or("").to_owned();
        let to_us = UriView::parse(&target)
            .is_some_and(|uri| uri.user.is_none() && self.config.is_us(uri.host, uri.port));
        let in_dialog = DialogId::of_request(&request).is_some();
        let is_reg_event = request.method() == Method::Subscribe
            && request.header(HeaderName::Event).is_some_and(is_reg);

        if in_dialog {
            if request.method() == Method::Subscribe
                && self.refresh_subscription(now, id, &request)?
            {
                return Ok(());
            }
            // RFC 3261 §16.4: what is in a dialog comes by our Record-Route, or not to us.
            if own.is_empty() {
                return Err(Refusal::new(StatusCode::CALL_DOES_NOT_EXIST));
            }
            return self.forward_in_dialog(now, id, source, request, original, hash);
        }
        if to_us && request.method() == Method::Options {
            // RFC 3261 §11.2: phones ask this to keep their way through a NAT open.
            let tag = self.random.tag();
            let mut response = reply(original, StatusCode::OK, &tag);
            response.push_back(HeaderName::Allow, ALLOW);
            self.transactions.respond(now, id, response);
            return Ok(());
        }
        if self.is_application_server(&source, original) {
            let chain = self.chain_from_server(&own, &request)?;
            let call = self.begin_call(now, id, source, request, original, hash);
            return self.proceed_or_drop(now, call, chain);
        }
        let caller = self.identify(now, source, original, &mut request)?;
        if is_reg_event {
            let callee = self.callee(&request);
            let callee = callee.ok_or(Refusal::new(StatusCode::NOT_FOUND))?;
            // TS 24.229 §5.4.2.1.1: P-CSCFs and the user himself.
            if caller.is_some_and(|caller| caller != callee) {
                return Err(Refusal::new(StatusCode::FORBIDDEN));
            }
            return self.accept_subscription(now, id, source, callee, original);
        }
        let caller = caller.ok_or(Refusal::new(StatusCode::FORBIDDEN))?;
        let chain = Chain::begin(Case::Originating, caller);
        let call = self.begin_call(now, id, source, request, original, hash);
        self.proceed_or_drop(now, call, chain)
    }

    /// TS 24.229 §5.4.3.2, §5.4.3.3: what an application server sends goes on where it came from; what
    /// it begins is for the callee, or in the name of a subscriber when it asks for that by `orig`.
    fn chain_from_server(&self, own: &[String], request: &Message) -> Result<Chain, Refusal> {
        let callee = || self.callee(request).ok_or(StatusCode::NOT_FOUND);
        if let Some(chain) = own.iter().find_map(|own| self.chain_of(own)) {
            return match chain.case {
                // It has another callee now, whose services are run.
                Case::Terminating if callee() != Ok(chain.user) => {
                    let callee = callee().map_err(Refusal::new)?;
                    Ok(Chain::begin(Case::Terminating, callee))
                }
                _ => Ok(chain),
            };
        }
        let orig =
            |own: &String| UriView::parse(own).is_some_and(|uri| uri.param("orig").is_some());
        if own.iter().any(orig) {
            let served = [HeaderName::PServedUser, HeaderName::PAssertedIdentity];
            let mut served = served.into_iter().flat_map(|name| request.values(name));
            let user = served.find_map(|value| self.users.by_impu(&self.config, uri_of(value)?));
            let user = user.ok_or(Refusal::new(StatusCode::FORBIDDEN))?;
            return Ok(Chain::begin(Case::Originating, user));
        }
        let callee = callee().map_err(Refusal::new)?;
        Ok(Chain::begin(Case::Terminating, callee))
    }

    /// Whom a request is for.
    pub(crate) fn callee(&self, request: &Message) -> Option<UserId> {
        let target = request.request_uri().unwrap_or("");
        match Gruu::read(&self.config, &self.users, &self.locations, target) {
            Some(gruu) => Some(gruu.user()),
            None => self.users.by_impu(&self.config, target),
        }
    }

    fn proceed_or_drop(&mut self, now: Instant, call: u64, chain: Chain) -> Result<(), Refusal> {
        self.proceed(now, call, chain).map_err(|status| {
            self.drop_call(call);
            Refusal::new(status)
        })
    }

    /// TS 24.229 §5.4.3.3: to every contact of the callee at once.
    pub(crate) fn fork(
        &mut self,
        now: Instant,
        call: u64,
        callee: UserId,
    ) -> Result<(), StatusCode> {
        let Some(found) = self.calls.get(&call) else {
            return Ok(());
        };
        let (request, hash, transport) = (found.request.clone(), found.hash, found.transport);
        let target = request.request_uri().unwrap_or("");
        let gruu = Gruu::read(&self.config, &self.users, &self.locations, target);
        let gruu = gruu.as_ref();
        let meant = |contact: &&Contact| gruu.is_none_or(|gruu| gruu.means(contact));
        let contacts = self.locations.of(callee).iter().filter(meant);
        let contacts: Vec<Contact> = contacts.cloned().collect();
        if contacts.is_empty() {
            return Err(StatusCode::TEMPORARILY_UNAVAILABLE);
        }
        if request.method() == Method::Invite {
            self.counters.calls += 1;
        }
        let called = request.request_uri().unwrap_or("");
        let user = self.users.get(callee);
        let called = user.impu(&self.config, called).unwrap_or(called).to_owned();
        let records = matches!(
            request.method(),
            Method::Invite | Method::Subscribe | Method::Refer
        );
        let record = records.then_some(transport);
        for contact in contacts {
            let mut copy = request.clone();
            copy.set_request_uri(&contact.uri);
            // RFC 7315 §4.2: the callee learns which of its identities was meant.
            copy.set(HeaderName::PCalledPartyId, format_args!("<{called}>"));
            // RFC 5502 §3: it was for application servers.
            copy.remove(HeaderName::PServedUser);
            // RFC 3327 §5.3: the path is the route; what the caller asked for ended here.
            copy.remove(HeaderName::Route);
            for route in contact.path.iter().rev() {
                copy.push_front(HeaderName::Route, route);
            }
            if contact.path.is_empty() {
                leave_trust_domain(&mut copy);
            }
            let next = forward(&mut copy);
            let way = if contact.path.is_empty() {
                Some(direct(&contact.source, &contact.uri))
            } else {
                NextHop::of_uri(&next).map(Way::Hop)
            };
            let errand = Errand::Branch {
                call,
                contact: Some((callee, contact.id)),
                hash,
                record,
                server: None,
            };
            if let Some(way) = way {
                self.send_by(now, &way, errand, copy);
            }
        }
        self.give_up_without_branches(now, call);
        Ok(())
    }

    /// RFC 3261 §16.5: within a dialog the route, or the remote target, is the way.
    fn forward_in_dialog(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        source: Source,
        mut request: Message,
        original: &Message,
        hash: LoopHash,
    ) -> Result<(), Refusal> {
        let next = forward(&mut request);
        let way = self
            .way(&next)
            .ok_or(Refusal::new(StatusCode::CALL_DOES_NOT_EXIST))?;
        let call = self.begin_call(now, id, source, request.clone(), original, hash);
        let errand = Errand::Branch {
            call,
            contact: None,
            hash,
            record: None,
            server: None,
        };
        self.send_by(now, &way, errand, request);
        self.give_up_without_branches(now, call);
        Ok(())
    }

    pub(crate) fn route_ack(&mut self, now: Instant, mut ack: Message) {
        let config = &self.config;
        let own = take_own_routes(&mut ack, |uri| config.is_us(uri.host, uri.port));
        let hops = ack.header(HeaderName::MaxForwards).map(str::trim);
        if own.is_empty() || hops == Some("0") {
            return;
        }
        let next = forward(&mut ack);
        if let Some(way) = self.way(&next) {
            self.send_by(now, &way, Errand::Ack, ack);
        }
    }

    pub(crate) fn route_response(
        &mut self,
        now: Instant,
        id: ClientTransactionId,
        mut response: Message,
    ) {
        let is_final = response.status().is_some_and(StatusCode::is_final);
        match self.by_client.get(&id).copied() {
            Some(Purpose::Notify { subscription }) => {
                if let (true, Some(status)) = (is_final, response.status()) {
                    self.by_client.remove(&id);
                    self.notified(now, subscription, status);
                }
            }
            Some(Purpose::Branch {
                call,
                contact,
                server,
            }) => {
                let status = response.status();
                let failed = |status: StatusCode| status.as_u16() == 408 || status.class() == 5;
                if status.is_some_and(failed) {
                    self.without_server(now, call, server);
                }
                // RFC 5626 §5.3: that flow is gone, and so is its contact; to the caller the
                // callee is unavailable.
                if response.status() == Some(StatusCode::FLOW_FAILED)
                    && let Some((user, contact)) = contact
                {
                    let gone = self
                        .locations
                        .remove(user, contact, ContactEvent::Deactivated);
                    self.report(now, gone.into_iter().collect());
                    let via = response.values(HeaderName::Via).next().map(str::to_owned);
                    if let (Some(call), Some(via)) = (self.calls.get(&call), via) {
                        let tag = self.random.tag();
                        let unavailable = StatusCode::TEMPORARILY_UNAVAILABLE;
                        response = reply(call.context.request(), unavailable, &tag);
                        response.push_front(HeaderName::Via, via);
                    }
                }
                let Some(found) = self.calls.get_mut(&call) else {
                    return;
                };
                let actions = found.context.handle_response(now, id, response);
                self.act(now, call, actions);
            }
            None => self.route_stray(response),
        }
    }

    /// RFC 6026 §8.4: a 2xx that came late is the caller's to acknowledge and end.
    pub(crate) fn route_stray(&mut self, mut response: Message) {
        let is_invite = response
            .header(HeaderName::CSeq)
            .is_some_and(|cseq| cseq.ends_with("INVITE"));
        response.remove_first_value(HeaderName::Via);
        if is_invite && response.header(HeaderName::Via).is_some() {
            self.transactions.forward_response_statelessly(&response);
        }
    }

    pub(crate) fn route_cancel(&mut self, now: Instant, id: ServerTransactionId, cancel: &Message) {
        let Some(call) = self.by_server.get(&id).copied() else {
            return;
        };
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        // RFC 3326 §2: why goes along.
        let reason = cancel.header(HeaderName::Reason);
        for action in found.context.handle_cancel() {
            if let Action::Cancel(branch) = action {
                self.transactions.cancel(now, branch, reason);
            }
        }
        let nowhere_yet = found.context.branches().next().is_none();
        if nowhere_yet {
            let request = found.context.request().clone();
            self.drop_call(call);
            self.refuse(
                now,
                id,
                &request,
                &Refusal::new(StatusCode::REQUEST_TERMINATED),
            );
        }
    }

    /// A request of ours ended without an answer.
    pub(crate) fn end_branch(&mut self, now: Instant, id: ClientTransactionId, status: StatusCode) {
        match self.by_client.get(&id).copied() {
            Some(Purpose::Notify { subscription }) => {
                self.by_client.remove(&id);
                self.notified(now, subscription, status);
            }
            Some(Purpose::Branch { call, server, .. }) => {
                self.without_server(now, call, server);
                let Some(found) = self.calls.get_mut(&call) else {
                    return;
                };
                let actions = if status == StatusCode::REQUEST_TIMEOUT {
                    found.context.handle_branch_timeout(id)
                } else {
                    found.context.handle_branch_failed(id)
                };
                self.act(now, call, actions);
            }
            None => {}
        }
    }

    /// TS 23.218 §5.2.2: the server has failed, and the request goes on without it where that is what is
    /// wanted: one more branch.
    fn without_server(&mut self, now: Instant, call: u64, server: Option<(Chain, bool)>) {
        let waits = |found: &Call| !found.context.is_cancelled();
        if let Some((behind, true)) = server
            && self.calls.get(&call).is_some_and(waits)
        {
            // When there is nobody behind it, its own answer is what the caller gets.
            let _ = self.proceed(now, call, behind);
        }
    }

    /// RFC 3261 §16.8.
    pub(crate) fn run_timer_c(&mut self, now: Instant) {
        while let Some(&(at, call)) = self.timer_c.first() {
            if at > now {
                break;
            }
            self.timer_c.pop_first();
            let Some(found) = self.calls.get_mut(&call) else {
                continue;
            };
            let actions = found.context.handle_timeout(now);
            if let Some(next) = found.context.poll_timeout() {
                self.timer_c.insert((next, call));
            }
            self.act(now, call, actions);
        }
    }

    fn begin_call(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        source: Source,
        request: Message,
        original: &Message,
        hash: LoopHash,
    ) -> u64 {
        let call = self.next_call;
        self.next_call += 1;
        let tag = self.random.tag();
        let context = ResponseContext::new(id, original.clone(), tag);
        self.calls.insert(
            call,
            Call {
                context,
                request,
                hash,
                transport: source.transport,
                waiting: 0,
            },
        );
        self.by_server.insert(id, call);
        if original.method() == Method::Invite {
            self.timer_c.insert((now + TimerSet::TIMER_C, call));
        }
        call
    }

    /// When no branch could be sent and none is waiting, nobody else will answer.
    pub(crate) fn give_up_without_branches(&mut self, now: Instant, call: u64) {
        let Some(found) = self.calls.get(&call) else {
            return;
        };
        if found.waiting == 0 && found.context.branches().next().is_none() {
            let (id, request) = (found.context.server(), found.context.request().clone());
            self.drop_call(call);
            self.refuse(
                now,
                id,
                &request,
                &Refusal::new(StatusCode::TEMPORARILY_UNAVAILABLE),
            );
        }
    }

    fn act(&mut self, now: Instant, call: u64, actions: Vec<Action>) {
        let Some(found) = self.calls.get(&call) else {
            return;
        };
        let (server, done) = (found.context.server(), found.context.is_done());
        for action in actions {
            match action {
                Action::Forward(response) => self.transactions.respond(now, server, response),
                Action::Cancel(branch) => self.transactions.cancel(now, branch, None),
            }
        }
        if done {
            self.drop_call(call);
        }
    }

    fn drop_call(&mut self, call: u64) {
        if let Some(gone) = self.calls.remove(&call) {
            self.by_server.remove(&gone.context.server());
            for branch in gone.context.branches() {
                self.by_client.remove(&branch);
            }
        }
    }
}

fn is_reg(event: &str) -> bool {
    let package = event.split(';').next().unwrap_or("");
    package.trim().eq_ignore_ascii_case("reg")
}
