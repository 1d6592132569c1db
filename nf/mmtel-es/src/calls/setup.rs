//! Setting a call up: room at the gateway, INVITE, answer (RFC 3261 §13, RFC 3725).

use std::collections::HashMap;
use std::time::Instant;

use api_mmtel_es::ims_session::ImsSessionEventType;
use core_iq::{
    Command, CoreSettings, DataSettings, DtlsRole, DtlsSettings, FarEnd, Gate, MediaKind,
    PayloadMap, Reserved, SecondSettings, StreamSettings,
};
use core_sip::ClientTransactionId;
use core_sip::dialog::Dialog;
use wire_sdp::Session;
use wire_sdp::attribute::Setup;
use wire_sip::scan::quote;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::again::established;
use super::call::{Call, Leg, LegState, Stage, Stream};
use super::channel::ChannelState;
use super::description::{self, Far, FarData, OurLine};
use super::ending::Why;
use super::machine::{Calls, IqPurpose};
use super::sending::{After, Errand, Purpose};
use super::session::event;

/// Methods that we answer.
pub(super) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE";
/// TS 24.173 §5.1: what an MMTel session is.
const MMTEL: &str = "urn:urn-7:3gpp-service.ims.icsi.mmtel";
const MMTEL_TAG: &str = "+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel\"";
const SDP: &str = "application/sdp";

impl Calls {
    pub(super) fn leg(&mut self, call: u64, leg: usize) -> Option<&mut Leg> {
        self.by_number.get_mut(&call)?.legs.get_mut(leg)
    }

    /// TS 29.392 §5.3.2.2.2 — there is room at the gateway: the first UE is called.
    pub(super) fn reserved(&mut self, now: Instant, number: u64, reserved: Reserved) {
        let context = reserved.context;
        let Some(call) = self.by_number.get_mut(&number) else {
            // It was given up meanwhile.
            let command = Command::Release { context };
            return self.ask_gateway(IqPurpose::Nothing, command);
        };
        if call.stage == Stage::Ending {
            let command = Command::Release { context };
            return self.ask_gateway(IqPurpose::Nothing, command);
        }
        call.context = Some(context);
        call.has_room(reserved);
        self.by_context.insert(context, number);
        self.invite(now, number, 0);
    }

    /// RFC 3261 §13.2.1, TS 24.229 §5.7.3 — calls a UE, as an application server that calls of itself.
    pub(super) fn invite(&mut self, now: Instant, number: u64, index: usize) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        if call.stage == Stage::Ending {
            return;
        }
        call.stage = Stage::Calling(index);
        let body = offer(call, index);
        let service = format!("{} <{}>", quote(&self.config.name), self.config.identity);
        // RFC 3725 §4: each sees the other one. Only the caller has said yes when the other is called, so
        // what is asserted is the service alone.
        let other = call.legs.get(1 - index.min(1)).map(|leg| leg.party.clone());
        let from = match other.filter(|_| call.legs.len() == 2) {
            Some(other) => format!("<{other}>"),
            None => service.clone(),
        };
        let Some(leg) = call.legs.get_mut(index) else {
            return;
        };
        let mut invite = Message::request(Method::Invite, &leg.party);
        invite.push_back(HeaderName::MaxForwards, 70);
        invite.push_back(HeaderName::Route, format_args!("<{}>", self.config.core));
        let tag = &leg.local_tag;
        invite.push_back(HeaderName::From, format_args!("{from};tag={tag}"));
        invite.push_back(HeaderName::To, format_args!("<{}>", leg.party));
        invite.push_back(HeaderName::CallId, &leg.call_id);
        invite.push_back(HeaderName::CSeq, "1 INVITE");
        let address = self.config.address;
        invite.push_back(
            HeaderName::Contact,
            format_args!("<sip:mmtel-es@{address}>;{MMTEL_TAG}"),
        );
        // TS 24.229 §5.7.3: the identity of the service, asserted by the server itself.
        invite.push_back(HeaderName::PAssertedIdentity, &service);
        invite.push_back(HeaderName::PAssertedService, MMTEL);
        invite.push_back(HeaderName::Allow, ALLOW);
        invite.push_back(HeaderName::Supported, "timer");
        invite.push_back(HeaderName::SessionExpires, self.config.session_expires);
        invite.set_body(Some(SDP), body);
        leg.state = LegState::Inviting {
            client: None,
            invite: Box::new(invite.clone()),
            cancelled: false,
        };
        let core = self.config.core.clone();
        let errand = Errand::Request(Purpose::Invite(number, index));
        self.send(now, &core, invite, errand);
    }

    /// A response to a request of ours.
    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        id: ClientTransactionId,
        response: &Message,
    ) {
        let Some(status) = response.status() else {
            return;
        };
        let Some(purpose) = self.by_client.get(&id).copied() else {
            return self.handle_stray(now, response);
        };
        match purpose {
            Purpose::Invite(call, leg) => {
                if status.is_success() {
                    // RFC 6026 §7.2: it stays, for 2xx that come again and those of other forks.
                    self.answered(now, call, leg, response);
                } else if status.is_final() {
                    self.by_client.remove(&id);
                    self.refused(now, call, leg, response, status);
                }
            }
            Purpose::ReInvite(call, leg) => {
                if status.is_final() {
                    if !status.is_success() {
                        self.by_client.remove(&id);
                    }
                    self.changed(now, call, leg, id, response, status);
                }
            }
            Purpose::Refresh(call, leg) => {
                if status.is_final() {
                    self.by_client.remove(&id);
                    self.refreshed(now, call, leg, response, status);
                }
            }
            Purpose::Bye | Purpose::Forward(_) => {
                if status.is_final() {
                    self.by_client.remove(&id);
                }
            }
        }
    }

    /// RFC 3261 §8.1.3.1 — no response came: as if it had been this one.
    pub(super) fn handle_no_response(
        &mut self,
        now: Instant,
        id: ClientTransactionId,
        status: StatusCode,
    ) {
        match self.by_client.remove(&id) {
            Some(Purpose::Forward(number)) => {
                self.forwarded_in_vain(now, number, Some(id), status);
            }
            Some(purpose) => self.no_response(now, purpose, status),
            None => {}
        }
    }

    pub(super) fn no_response(&mut self, now: Instant, purpose: Purpose, status: StatusCode) {
        match purpose {
            Purpose::Invite(call, leg) => {
                if let Some(leg) = self.leg(call, leg) {
                    leg.state = LegState::Gone;
                }
                self.fail(now, call, &Why::NoResponse(status));
                self.forget_if_over(call);
            }
            Purpose::ReInvite(call, leg) | Purpose::Refresh(call, leg) => {
                // RFC 3261 §12.2.1.2: a dialog whose other side does not answer is over.
                self.hung_up(now, call, leg, "the UE does not answer any more");
            }
            Purpose::Bye | Purpose::Forward(_) => {}
        }
    }

    /// RFC 3261 §13.2.2.4 — a 2xx.
    fn answered(&mut self, now: Instant, number: u64, index: usize, response: &Message) {
        let tag = response.to_tag().unwrap_or_default().to_owned();
        let Some(leg) = self.leg(number, index) else {
            return self.handle_stray(now, response);
        };
        let (invite, cancelled) = match &leg.state {
            LegState::Inviting {
                invite, cancelled, ..
            } => (invite, *cancelled),
            // Again, or the answer of another fork.
            LegState::Standing(dialog) if dialog.id().remote_tag == tag => {
                // Before the first one is said, what is answered is not written down.
                if leg.acknowledged {
                    let sent = response.cseq().map(|(sent, _)| sent);
                    self.acknowledge(now, number, index, sent);
                }
                return;
            }
            LegState::Standing(_) | LegState::Gone | LegState::Idle => {
                return self.handle_stray(now, response);
            }
        };
        let dialog = Dialog::from_response(invite, response);
        if cancelled {
            // RFC 3261 §9.1: the CANCEL came too late.
            leg.state = LegState::Gone;
            self.handle_stray(now, response);
            return self.forget_if_over(number);
        }
        let Some(dialog) = dialog else {
            leg.state = LegState::Gone;
            self.handle_stray(now, response);
            return self.fail(
                now,
                number,
                &Why::Unusable("an answer that makes no dialog"),
            );
        };
        leg.state = LegState::Standing(Box::new(dialog));
        let session = Session::parse(response.body());
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        let taken = session
            .map_err(|_| "an answer without SDP")
            .and_then(|session| take_answer(call, index, &session));
        if let Err(reason) = taken {
            self.acknowledge(now, number, index, None);
            return self.fail(now, number, &Why::Unusable(reason));
        }
        self.refresh_later(now, number, index, response);
        let next = index + 1;
        if call_has(&self.by_number, number, next) {
            self.one_answered(now, number, index);
            self.invite(now, number, next);
        } else {
            self.all_answered(now, number);
        }
    }

    /// RFC 3725 §4.4 — the first one has answered and hears nothing yet: its media end at the gateway, so
    /// that it needs no other offer for the time being.
    fn one_answered(&mut self, now: Instant, number: u64, index: usize) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        if let Some(deadline) = call.deadline.take()
            && !call.is_due_at(deadline)
        {
            self.deadlines.remove(&(deadline, number));
        }
        let deadline = now + self.config.answer_within;
        call.deadline = Some(deadline);
        self.deadlines.insert((deadline, number));
        let changes = vec![super::saved::put(call)];
        call.written = true;
        self.commit(changes, vec![After::Ack(number, index)]);
    }

    /// Everybody has answered: the media flow, the consumer is told.
    fn all_answered(&mut self, now: Instant, number: u64) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        call.stage = Stage::Standing;
        if let Some(deadline) = call.deadline.take()
            && !call.is_due_at(deadline)
        {
            self.deadlines.remove(&(deadline, number));
        }
        self.counters.established += 1;
        let last = call.legs.len() - 1;
        let mut after = vec![After::Ack(number, last)];
        // RFC 3725 §4.4: the second may have chosen less than the first.
        let narrowed = last == 1 && call.narrowed();
        let askers = std::mem::take(&mut call.askers);
        for (ask, told) in askers.into_iter().zip(std::iter::repeat(established(call))) {
            after.extend(told.map(|told| After::Reply(ask, Ok(told))));
        }
        if call.resource.is_none() {
            call.again_until = Some(now + self.config.same_within);
        }
        if narrowed {
            after.push(After::Offer(number, 0));
        }
        let settings = settings(call);
        let context = call.context;
        let mut changes = vec![super::saved::put(call)];
        call.written = true;
        let established = ImsSessionEventType::SessionEstablishmentSuccess;
        changes.extend(event(call, established, None));
        changes.extend(self.channels_begin(now, number));
        self.commit(changes, after);
        if let Some(context) = context.filter(|_| !settings.is_empty()) {
            let command = Command::Configure {
                context,
                streams: settings,
            };
            self.ask_gateway(IqPurpose::Configure(number), command);
        }
    }

    /// RFC 3261 §13.2.2.4 — the ACK of the INVITE of this leg: of that number, or the last one.
    pub(super) fn acknowledge(
        &mut self,
        now: Instant,
        number: u64,
        index: usize,
        sent: Option<u32>,
    ) {
        let Some(leg) = self.leg(number, index) else {
            return;
        };
        let Some(dialog) = leg.dialog() else {
            return;
        };
        let ack = dialog.ack(sent.unwrap_or_else(|| dialog.local_cseq()));
        let next = dialog.next_hop().to_owned();
        self.send(now, &next, ack, Errand::Ack(Some((number, index))));
    }

    /// RFC 3261 §13.2.2.3 — a refusal. A redirection is one: who is served where is the core's to know.
    fn refused(
        &mut self,
        now: Instant,
        number: u64,
        index: usize,
        response: &Message,
        status: StatusCode,
    ) {
        let Some(leg) = self.leg(number, index) else {
            return;
        };
        if status == StatusCode::SESSION_INTERVAL_TOO_SMALL
            && let LegState::Inviting {
                invite,
                cancelled: false,
                ..
            } = &leg.state
            && let Some(again) = longer_session(invite, response)
        {
            // RFC 4028 §7.3: once more, with an interval that is long enough for all.
            leg.state = LegState::Inviting {
                client: None,
                invite: Box::new(again.clone()),
                cancelled: false,
            };
            let core = self.config.core.clone();
            let errand = Errand::Request(Purpose::Invite(number, index));
            return self.send(now, &core, again, errand);
        }
        leg.state = LegState::Gone;
        let words = response.reason_phrase().unwrap_or_default();
        self.fail(now, number, &Why::Refused(status, words.to_owned()));
        self.forget_if_over(number);
    }
}

/// RFC 4028 §7.3
fn longer_session(invite: &Message, response: &Message) -> Option<Message> {
    let number = |text: &str| text.split(';').next()?.trim().parse::<u32>().ok();
    let asked = invite.header(HeaderName::SessionExpires).and_then(number)?;
    let least = response.header(HeaderName::MinSe).and_then(number)?;
    // Asked again for no more than before, or for longer than a day, it is a loop or a joke.
    if least <= asked || least > 86_400 {
        return None;
    }
    let mut again = invite.clone();
    let number = invite.cseq()?.0 + 1;
    again.set(HeaderName::CSeq, format_args!("{number} INVITE"));
    again.set(HeaderName::SessionExpires, least);
    again.set(HeaderName::MinSe, least);
    Some(again)
}

/// The SDP of an offer to a leg.
pub(super) fn offer(call: &mut Call, index: usize) -> bytes::Bytes {
    let used = call.to_offer(index);
    let Call { streams, legs, .. } = call;
    let Some(leg) = legs.get_mut(index) else {
        return bytes::Bytes::new();
    };
    leg.origin.version += 1;
    for stream in streams.iter_mut() {
        stream.offered[index.min(1)] = false;
    }
    for (stream, used) in streams.iter_mut().zip(&used) {
        stream.told[index.min(1)] = true;
        stream.offered[index.min(1)] = *used && stream.local.get(index).is_some();
    }
    let lines = streams.iter().take(used.len());
    let lines: Vec<OurLine<'_>> = lines.map(|one| our_line(one, index)).collect();
    description::write(leg.origin, &lines)
}

/// An m-line of an offer of ours.
fn our_line(stream: &Stream, leg: usize) -> OurLine<'_> {
    OurLine {
        kind: stream.kind,
        local: stream.local.get(leg).filter(|_| stream.offered[leg.min(1)]),
        formats: &stream.formats,
        direction: wire_sdp::attribute::Direction::SendRecv,
        // What SDP says of channels is of the last leg's.
        channels: if leg + 1 == stream.local.len() {
            stream.served().collect()
        } else {
            Vec::new()
        },
        setup: Setup::ActPass,
        offer: None,
        ice: true,
    }
}

/// RFC 3264 §7 — what an answer says of each stream.
pub(super) fn take_answer(
    call: &mut Call,
    leg: usize,
    session: &Session,
) -> Result<(), &'static str> {
    for (index, stream) in call.streams.iter_mut().enumerate() {
        if !stream.told[leg.min(1)] {
            continue;
        }
        stream.agreed[leg.min(1)] = true;
        // What was not offered is not refused.
        let offered = stream.offered[leg.min(1)];
        let far = description::read(session, index)?.filter(|_| offered);
        match &far {
            None => stream.refused |= offered,
            Some(far) if far.data.is_none() => {
                if !stream.agree(far, leg) {
                    return Err("an answer without a format of the offer");
                }
            }
            Some(_) => {}
        }
        if let Some(slot) = stream.far.get_mut(leg) {
            *slot = far;
        }
    }
    if call.streams.iter().all(|stream| stream.refused) {
        return Err("an answer that takes no medium");
    }
    let data = call.stream_of(MediaKind::Data);
    let app_leg = call.app_leg();
    let far = data.filter(|_| leg == app_leg);
    let far = far.and_then(|stream| stream.far.get(leg)?.as_ref()?.data.clone());
    if let Some(far) = far {
        // RFC 8864 §5.2.2: what is not in the answer is not agreed on. A UE that does not know `dcmap` is
        // asked in band.
        let agreed = |id: u16| far.streams.contains(&id);
        for channel in &mut call.channels {
            if let ChannelState::Negotiated(id) = channel.state
                && !agreed(id)
            {
                channel.state = ChannelState::Wanted;
            }
        }
        if let Some(stream) = call.stream_of_mut(MediaKind::Data) {
            stream.negotiated.retain(|one| agreed(one.one.id));
        }
    }
    Ok(())
}

/// What the gateway is told of the UEs.
pub(super) fn settings(call: &Call) -> Vec<StreamSettings> {
    let two = call.legs.len() == 2;
    let used = call.streams.iter().filter(|stream| !stream.refused);
    let all = used.filter_map(|stream| {
        let [first, second] = &stream.far;
        if first.is_none() && second.is_none() {
            return None;
        }
        let mut settings = StreamSettings::new(stream.id, stream.kind);
        settings.core = first.as_ref().map(core_settings);
        if two {
            settings.second = second.as_ref().map(|far| {
                let dtls = far.data.as_ref().map(dtls_settings);
                let core = core_settings(far);
                Box::new(SecondSettings { core, dtls })
            });
            settings.payloads = Some(PayloadMap(stream.renamed.clone()));
        }
        if stream.kind == MediaKind::Data {
            settings.data = Some(Box::new(DataSettings {
                awaited: two.then(|| call.awaited()),
                ..data_settings(stream, two)
            }));
        }
        Some(settings)
    });
    all.collect()
}

fn core_settings(far: &Far) -> CoreSettings {
    CoreSettings {
        remote_rtp: far.rtp,
        remote_rtcp: far.rtcp,
        gate: Some(Gate {
            receive: far.direction.sends(),
            send: far.direction.receives(),
        }),
    }
}

fn data_settings(stream: &Stream, two: bool) -> DataSettings {
    let data = |leg: usize| stream.far.get(leg)?.as_ref()?.data.as_ref();
    DataSettings {
        core: data(0).map(|data| data.sctp),
        core_dtls: data(0).map(dtls_settings),
        w3: data(1).map(|data| data.sctp),
        channels: Some(
            stream
                .negotiated
                .iter()
                .map(|one| one.one.clone())
                .collect(),
        ),
        // Between two UEs their own channels are joined.
        far_end: Some(if two && data(0).is_some() && data(1).is_some() {
            FarEnd::Relay { announce: false }
        } else {
            FarEnd::Application
        }),
        ..DataSettings::default()
    }
}

fn dtls_settings(data: &FarData) -> DtlsSettings {
    DtlsSettings {
        remote_ice: data.ice.clone(),
        remote_fingerprints: Some(data.fingerprints.clone()),
        remote_tls_id: data.tls_id.clone(),
        dtls_role: Some(dtls_role(data.setup)),
    }
}

fn call_has(calls: &HashMap<u64, Call>, number: u64, leg: usize) -> bool {
    calls.get(&number).is_some_and(|call| leg < call.legs.len())
}

/// RFC 8842 §5.3 — whose turn it is in DTLS, when a UE has answered with this.
pub(super) fn dtls_role(setup: Setup) -> DtlsRole {
    match setup {
        Setup::Active | Setup::HoldConn => DtlsRole::Server,
        Setup::Passive | Setup::ActPass => DtlsRole::Client,
    }
}
