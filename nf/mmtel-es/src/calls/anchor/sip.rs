//! Requests and responses on their way through (RFC 3261 §12, RFC 3262, RFC 3311, RFC 4028).

use std::time::Instant;

use core_iq::{Command, ContextId, Refusal, Reply, StreamSettings};
use core_sip::address::{UriView, uri_of};
use core_sip::dialog::{Dialog, DialogId};
use core_sip::proxy::LoopHash;
use smallvec::SmallVec;
use wire_sdp::Session;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::super::call::{Call, Leg, LegState, Stage};
use super::super::description::Origin;
use super::super::ending::Why;
use super::super::machine::{Calls, IqPurpose};
use super::super::observer::is_ours;
use super::super::sending::Errand;
use super::super::setup::settings;
use super::{Anchor, Held, Late, Offered, Side};

/// How many INVITEs of one dialog an ACK or a PRACK may still be for.
const MAX_INVITES: usize = 8;

impl Calls {
    /// A call of a subscriber whose calls applications may change begins.
    pub(in crate::calls) fn begin_anchored(
        &mut self,
        session: &str,
        providers: Vec<String>,
        request: &Message,
    ) {
        let called = request.header(HeaderName::PServedUser).is_some_and(|user| {
            user.split(';')
                .any(|param| param.trim().eq_ignore_ascii_case("sescase=term"))
        });
        let number = self.next_call;
        self.next_call += 1;
        let leg = |random: &mut core_sip::Random, header| Leg {
            party: request
                .header(header)
                .and_then(uri_of)
                .unwrap_or_default()
                .to_owned(),
            call_id: request.call_id().to_owned(),
            local_tag: String::new(),
            origin: Origin {
                session: random.u64() >> 2,
                version: 0,
            },
            state: LegState::Idle,
            acknowledged: false,
            changing: None,
            answering: None,
            refresh: None,
        };
        let legs = [
            leg(&mut self.random, HeaderName::From),
            leg(&mut self.random, HeaderName::To),
        ];
        let caller_tag = request.from_tag().unwrap_or_default().to_owned();
        let anchor = Anchor::new(usize::from(called), providers, caller_tag);
        self.by_session.insert(session.to_owned(), number);
        let call = Call {
            anchor: Some(Box::new(anchor)),
            written: true,
            ..Call::new(session.to_owned(), None, SmallVec::from(legs))
        };
        self.by_number.insert(number, call);
    }

    /// The number of the call of that session, when we are in its middle.
    pub(in crate::calls) fn anchored(&self, session: &str) -> Option<u64> {
        let number = *self.by_session.get(session)?;
        let call = self.by_number.get(&number)?;
        call.anchor.is_some().then_some(number)
    }

    /// Whether the subscriber asks.
    pub(in crate::calls) fn is_of_subscriber(&self, number: u64, request: &Message) -> bool {
        let call = self.by_number.get(&number);
        let anchor = call.and_then(|call| call.anchor.as_ref());
        anchor.is_some_and(|anchor| anchor.side_of(request.from_tag()) == anchor.subscriber)
    }

    /// A request goes on, as the other side is to see it.
    pub(in crate::calls) fn pass_request(
        &mut self,
        now: Instant,
        call: u64,
        number: u64,
        mut request: Message,
        next: &str,
        hash: LoopHash,
    ) {
        let room = self.gateway_there;
        let passes = self.in_anchored(call, |anchor, call| {
            anchor.pass_request(call, number, &mut request, room)
        });
        match passes {
            None => return,
            Some(Passes::Met) => {
                return self.forwarded_in_vain(now, number, None, StatusCode::REQUEST_PENDING);
            }
            Some(Passes::Later) => {
                let late = Box::new(Late {
                    number,
                    request,
                    next: next.to_owned(),
                    hash,
                });
                self.in_anchored(call, |anchor, _| anchor.late = Some(late));
                return;
            }
            Some(Passes::Waits {
                context,
                streams,
                lines,
            }) => {
                let held = Box::new(Held {
                    number,
                    request,
                    next: next.to_owned(),
                    hash,
                    lines,
                });
                self.in_anchored(call, |anchor, _| anchor.held = Some(held));
                let command = Command::Reserve { context, streams };
                return self.ask_gateway(IqPurpose::Anchor(call), command);
            }
            Some(Passes::Answers) => self.configure(call),
            Some(Passes::Goes) => {}
        }
        self.send(now, next, request, Errand::Forward(number, hash));
    }

    /// The gateway has room for what an offer adds, or none; then it passes as it is.
    pub(in crate::calls) fn room_for_anchored(
        &mut self,
        now: Instant,
        number: u64,
        result: Result<Reply, Refusal>,
    ) {
        let Some(call) = self.by_number.get_mut(&number) else {
            if let Ok(Reply::Reserved(reserved)) = result {
                let context = reserved.context;
                self.ask_gateway(IqPurpose::Nothing, Command::Release { context });
            }
            return;
        };
        if let Ok(Reply::Reserved(reserved)) = result {
            call.context = Some(reserved.context);
            self.by_context.insert(reserved.context, number);
            call.has_room(reserved);
        }
        let held = self.in_anchored(number, |anchor, call| {
            anchor.let_pass(&call.streams);
            let mut held = anchor.held.take()?;
            let from = anchor.side_of(held.request.from_tag());
            if let Some(sdp) = description_of(&held.request) {
                let told = anchor.pass_offer(call, from, Some(held.number), held.lines, &sdp);
                set_description(&mut held.request, &told);
            }
            Some(held)
        });
        if let Some(Some(held)) = held {
            let errand = Errand::Forward(held.number, held.hash);
            self.send(now, &held.next, held.request, errand);
        }
        self.data_after_change(now, number, None);
    }

    /// The gateway has answered what an application wanted of it: an offer that has waited for that goes on.
    pub(in crate::calls) fn pass_late(&mut self, now: Instant, call: u64) {
        let late = self.in_anchored(call, |anchor, _| anchor.late.take());
        if let Some(late) = late.flatten() {
            let Late {
                number,
                request,
                next,
                hash,
            } = *late;
            self.pass_request(now, call, number, request, &next, hash);
        }
    }

    /// A response goes back, as the other side is to see it.
    pub(in crate::calls) fn pass_response(
        &mut self,
        number: u64,
        forwarded: u64,
        request: &Message,
        response: &mut Message,
    ) {
        let Some(status) = response.status() else {
            return;
        };
        if response.cseq() != request.cseq()
            && let Some(cseq) = request.header(HeaderName::CSeq)
        {
            response.set(HeaderName::CSeq, cseq);
        }
        let address = self.config.address;
        let agreed = self.in_anchored(number, |anchor, call| {
            let from = 1 - anchor.side_of(request.from_tag());
            let agreed = anchor.pass_description(call, from, request, response);
            if status.is_final() {
                anchor.closes(forwarded, status);
            }
            if status.is_success() {
                if request.method() == Method::Invite && call.stage != Stage::Standing {
                    call.stage = Stage::Standing;
                    stand(call, request, response, |uri| is_ours(uri, address));
                }
                anchor.hear_of(call, from, response);
                anchor.hear_interval(from, response);
            }
            agreed
        });
        if agreed == Some(true) {
            self.configure(number);
        }
    }

    /// An ACK goes on, perhaps with an answer.
    pub(in crate::calls) fn pass_ack(&mut self, number: u64, ack: &mut Message) {
        self.in_anchored(number, |anchor, call| {
            let from = anchor.side_of(ack.from_tag());
            anchor.renumber(call, 1 - from, ack);
            let offered = anchor.offered.as_ref().is_some_and(|one| one.from != from);
            if let Some(sdp) = description_of(ack).filter(|_| offered) {
                let told = anchor.pass_answer(call, from, &sdp);
                set_description(ack, &told);
            } else if offered {
                anchor.roll_back();
            }
        });
        self.configure(number);
    }

    /// What became of a request of the two that ends the call: it failed to begin, or it was a BYE.
    pub(in crate::calls) fn passed_its_end(&mut self, now: Instant, number: u64, words: &str) {
        if let Some(call) = self.by_number.get_mut(&number) {
            for leg in &mut call.legs {
                leg.state = LegState::Gone;
            }
        }
        self.fail(now, number, &Why::HungUp(words.to_owned()));
        self.forget_if_over(number);
    }

    /// We end it: requests on their way are taken back.
    pub(in crate::calls) fn take_back(&mut self, now: Instant, mut anchor: Anchor) {
        let held = anchor.held.take().map(|held| held.number);
        let late = anchor.late.take().map(|late| late.number);
        for number in held.into_iter().chain(late) {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            self.forwarded_in_vain(now, number, None, status);
        }
        for number in anchor.open {
            self.take_back_forwarded(now, number);
        }
    }

    /// What both have agreed on is told to the gateway.
    pub(super) fn configure(&mut self, number: u64) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        let streams = settings(call);
        let Some((context, anchor)) = call.context.zip(call.anchor.as_mut()) else {
            return;
        };
        if streams.is_empty() || anchor.configured == streams {
            return;
        }
        anchor.configured.clone_from(&streams);
        let command = Command::Configure { context, streams };
        self.ask_gateway(IqPurpose::Configure(number), command);
    }
}

/// What becomes of a request on its way through.
enum Passes {
    /// It goes on.
    Goes,
    /// It goes on, and both have agreed on something.
    Answers,
    /// It waits for room at the gateway; there were that many m-lines at each side before it.
    Waits {
        context: Option<ContextId>,
        streams: Vec<StreamSettings>,
        lines: [usize; 2],
    },
    /// Another offer is in its way.
    Met,
    /// An application's room is being asked for, and what it adds needs some, too.
    Later,
}

impl Anchor {
    /// A request as the other side is to see it.
    fn pass_request(
        &mut self,
        call: &mut Call,
        number: u64,
        request: &mut Message,
        room: bool,
    ) -> Passes {
        let from = self.side_of(request.from_tag());
        let to = 1 - from;
        let sdp = description_of(request);
        let invite = request.method() == Method::Invite;
        let prack = request.method() == Method::Prack;
        let answers = prack && self.offered.as_ref().is_some_and(|one| one.from == to);
        let offers = (invite || sdp.is_some()) && !answers;
        let met = call.legs[to].offers()
            || self.waits_for_room()
            || sdp.is_some() && self.offered.is_some();
        if offers && request.to_tag().is_some() && met {
            // RFC 3261 §14.2, RFC 3311 §5.2.
            return Passes::Met;
        }
        let adds = |sdp: &Session| sdp.medias().len() > self.lines[from].len();
        if offers && call.adding && sdp.as_ref().is_some_and(adds) {
            return Passes::Later;
        }
        self.renumber(call, to, request);
        self.hear_of(call, from, request);
        if offers {
            self.open.push(number);
        }
        let Some(sdp) = sdp else {
            return Passes::Goes;
        };
        if answers {
            let told = self.pass_answer(call, from, &sdp);
            set_description(request, &told);
            return Passes::Answers;
        }
        let lines = [self.lines[0].len(), self.lines[1].len()];
        let streams = self.learn(call, from, &sdp, room && !prack);
        if !streams.is_empty() {
            return Passes::Waits {
                context: call.context,
                streams,
                lines,
            };
        }
        let told = self.pass_offer(call, from, Some(number), lines, &sdp);
        set_description(request, &told);
        Passes::Goes
    }

    /// A response's description, as the other side is to see it. Whether both agree on something now.
    fn pass_description(
        &mut self,
        call: &mut Call,
        from: Side,
        request: &Message,
        response: &mut Message,
    ) -> bool {
        let fails = response
            .status()
            .is_none_or(|status| status.as_u16() >= 300);
        let Some(sdp) = description_of(response).filter(|_| !fails) else {
            return false;
        };
        let answers = !request.body().is_empty();
        let told = if answers {
            self.pass_answer(call, from, &sdp)
        } else {
            let lines = [self.lines[0].len(), self.lines[1].len()];
            self.learn(call, from, &sdp, false);
            self.pass_offer(call, from, None, lines, &sdp)
        };
        set_description(response, &told);
        answers
    }

    /// A request that went through has its final response.
    fn closes(&mut self, forwarded: u64, status: StatusCode) {
        self.open.retain(|one| *one != forwarded);
        let its = |one: &Offered| one.by == Some(forwarded);
        if !status.is_success() && self.offered.as_ref().is_some_and(its) {
            self.roll_back();
        }
    }

    /// RFC 4028 §7.2 — how long the session lives, and who refreshes it.
    fn hear_interval(&mut self, from: Side, response: &Message) {
        let Some(interval) = response.header(HeaderName::SessionExpires) else {
            return;
        };
        let by_caller = interval.contains("refresher=uac");
        let refresher = if by_caller { 1 - from } else { from };
        let seconds = interval.split(';').next().unwrap_or("").trim().to_owned();
        self.interval = Some((seconds, refresher == self.subscriber));
    }

    /// RFC 3261 §12.2.1.1, RFC 3262 §7.2: with numbers of ours among them, all later ones are higher.
    fn renumber(&mut self, call: &mut Call, to: Side, request: &mut Message) {
        let Some((number, method)) = request.cseq() else {
            return;
        };
        let method = method.to_string();
        let known = |invites: &[(u32, u32)], number: u32| {
            let mut known = invites.iter().rev();
            known.find(|one| one.0 == number).map(|one| one.1)
        };
        if method == "PRACK"
            && let Some(rack) = request.header(HeaderName::RAck)
        {
            let mut words = rack.split_whitespace();
            let (response, invite) = (words.next(), words.next().and_then(|n| n.parse().ok()));
            if let (Some(response), Some(invite)) = (response, invite)
                && let Some(mapped) = known(&self.invites[to], invite)
                && mapped != invite
            {
                let rack = format!("{response} {mapped} INVITE");
                request.set(HeaderName::RAck, rack);
            }
        }
        let mapped = match method.as_str() {
            "ACK" => known(&self.invites[to], number).unwrap_or(number),
            _ => number.saturating_add(self.made[to]),
        };
        if method == "INVITE" {
            if self.invites[to].len() >= MAX_INVITES {
                self.invites[to].remove(0);
            }
            self.invites[to].push((number, mapped));
        }
        if mapped != number {
            request.set(HeaderName::CSeq, format_args!("{mapped} {method}"));
        }
        if method != "ACK"
            && let Some(dialog) = call.legs[to].dialog()
        {
            dialog.follow(mapped);
        }
    }

    /// RFC 3261 §12.2 — where a side wants requests from now on.
    pub(super) fn hear_of(&mut self, call: &mut Call, side: Side, message: &Message) {
        let Some(contact) = message.header(HeaderName::Contact) else {
            return;
        };
        let refreshes = message
            .cseq()
            .is_some_and(|(_, method)| matches!(method, Method::Invite | Method::Update));
        if !refreshes {
            return;
        }
        self.contacts[side] = Some(contact.to_owned());
        if let Some(dialog) = call.legs[side].dialog() {
            dialog.refresh_target(message);
        }
    }
}

/// RFC 3261 §12.1 — the call stands: how each side is reached, as if the other one asked.
fn stand(
    call: &mut Call,
    request: &Message,
    response: &Message,
    ours: impl Fn(&UriView<'_>) -> bool,
) {
    let text = |message: &Message, name| message.header(name).unwrap_or_default().to_owned();
    let (from, to) = (
        text(request, HeaderName::From),
        text(response, HeaderName::To),
    );
    let tags = [request.from_tag(), response.to_tag()].map(|t| t.unwrap_or_default().to_owned());
    let target = |message: &Message| {
        let contact = message.values(HeaderName::Contact).next();
        contact.and_then(uri_of).unwrap_or_default().to_owned()
    };
    let routes = |message: &Message| -> Vec<String> {
        message
            .values(HeaderName::RecordRoute)
            .map(str::to_owned)
            .collect()
    };
    let [caller, called] = tags;
    let id = |local: &str, remote: &str| DialogId {
        call_id: request.call_id().to_owned(),
        local_tag: local.to_owned(),
        remote_tag: remote.to_owned(),
    };
    let first = id(&called, &caller);
    let mut dialog = Dialog::confirmed(first, to.clone(), from.clone(), target(request));
    dialog.set_route(routes(request), 0);
    call.legs[0].state = LegState::Standing(Box::new(dialog));
    // Those that the request met behind us are above ours in the response.
    let behind = routes(response).into_iter().take_while(|route| {
        !uri_of(route)
            .and_then(UriView::parse)
            .is_some_and(|uri| ours(&uri))
    });
    let mut behind: Vec<String> = behind.collect();
    behind.reverse();
    let mut dialog = Dialog::confirmed(id(&caller, &called), from, to, target(response));
    let number = request.cseq().map_or(1, |(number, _)| number);
    dialog.set_route(behind, number);
    call.legs[1].state = LegState::Standing(Box::new(dialog));
}

/// The description in a message, when it is its whole body.
pub(super) fn description_of(message: &Message) -> Option<Session> {
    let kind = message.content_type()?.split(';').next()?.trim();
    if !kind.eq_ignore_ascii_case("application/sdp") {
        return None;
    }
    Session::parse(message.body()).ok()
}

fn set_description(message: &mut Message, told: &Session) {
    let kind = message
        .content_type()
        .unwrap_or("application/sdp")
        .to_owned();
    message.set_body(Some(&kind), told.to_bytes());
}
