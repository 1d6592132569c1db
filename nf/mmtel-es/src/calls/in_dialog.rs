//! What a UE asks within a call: to hang up, to change its media, to refresh the session.

use std::time::Instant;

use core_iq::{Command, MediaKind, Reply, StreamEnd, StreamId};
use core_sip::dialog::DialogId;
use core_sip::{ServerTransactionId, TimerSet, reply};
use wire_sdp::attribute::{Direction, IceUfrag, Setup};
use wire_sdp::{Attribute as _, MediaLine, Session};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use super::call::{Answering, Call, LegState, Restarting, Stage, Stream};
use super::config::Format;
use super::description::{self, OurLine};
use super::ending::Why;
use super::machine::{Calls, IqPurpose};
use super::setup::{ALLOW, settings};

const SDP: &str = "application/sdp";
/// How many m-lines a UE's offer may have.
const MAX_LINES: usize = 32;

impl Calls {
    /// A request came to us.
    pub(super) fn handle_request(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        request: &Message,
    ) {
        if self.observe(now, id, request) {
            return;
        }
        let dialog = DialogId::of_request(request);
        let leg = dialog.as_ref().and_then(|dialog| self.leg_of(dialog));
        let remote = dialog.map(|dialog| dialog.remote_tag);
        let standing = leg.filter(|(call, leg)| {
            let call = self.by_number.get_mut(call);
            let leg = call.and_then(|call| call.legs.get_mut(*leg));
            let dialog = leg.and_then(|leg| leg.dialog());
            dialog.is_some_and(|dialog| Some(&dialog.id().remote_tag) == remote.as_ref())
        });
        match (standing, request.method()) {
            (Some((call, leg)), method) => {
                let accepted = self
                    .leg(call, leg)
                    .and_then(|leg| leg.dialog())
                    .map_or(Ok(()), |dialog| dialog.handle_request(request));
                if let Err(status) = accepted {
                    return self.answer(now, id, request, status);
                }
                match method {
                    Method::Bye => {
                        self.answer(now, id, request, StatusCode::OK);
                        let reason = request.header(HeaderName::Reason);
                        let words = reason.and_then(reason_text);
                        let words = words.unwrap_or_else(|| "the UE hung up".to_owned());
                        self.hung_up(now, call, leg, &words);
                    }
                    Method::Invite | Method::Update => {
                        self.re_offered(now, id, call, leg, request);
                    }
                    _ => self.answer_other(now, id, request),
                }
            }
            (None, Method::Options) if remote.is_none() => {
                self.answer_other(now, id, request);
            }
            (None, Method::Ack) => {}
            // RFC 3261 §12.2.2; and what begins here is nobody's.
            (None, _) if remote.is_some() => {
                self.answer(now, id, request, StatusCode::CALL_DOES_NOT_EXIST);
            }
            (None, Method::Invite) => self.answer(now, id, request, StatusCode::NOT_FOUND),
            (None, _) => self.answer_other(now, id, request),
        }
    }

    /// RFC 3261 §11.2, §8.2.1.
    fn answer_other(&mut self, now: Instant, id: ServerTransactionId, request: &Message) {
        let status = if request.method() == Method::Options {
            StatusCode::OK
        } else {
            StatusCode::METHOD_NOT_ALLOWED
        };
        let mut response = reply(request, status, &self.random.tag());
        response.push_back(HeaderName::Allow, ALLOW);
        self.transactions.respond(now, id, response);
    }

    pub(super) fn answer(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        request: &Message,
        status: StatusCode,
    ) {
        let response = reply(request, status, &self.random.tag());
        self.transactions.respond(now, id, response);
    }

    /// RFC 3264 §8, RFC 4028 §9 — a UE changes its media, or only refreshes the session.
    fn re_offered(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        number: u64,
        index: usize,
        request: &Message,
    ) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        // RFC 3261 §14.1: who waits to offer again lets the other one go first.
        let busy = call.legs[index].offers() || call.restarting.is_some();
        if call.stage != Stage::Standing || busy {
            // RFC 3261 §14.2, RFC 3311 §5.2.
            return self.answer(now, id, request, StatusCode::REQUEST_PENDING);
        }
        if request.body().is_empty() {
            // RFC 3261 §14.2: an INVITE without an offer is answered with one; an UPDATE asks for none.
            let invite = request.method() == Method::Invite;
            let body = invite.then(|| super::setup::offer(call, index));
            return self.accept(now, id, number, index, request, body);
        }
        let offer = Session::parse(request.body()).map_err(|_| "an offer that is no SDP");
        let taken = offer.and_then(|offer| Ok((take_offer(call, index, &offer)?, offer)));
        let Ok(((chosen, restarts), offer)) = taken else {
            return self.answer(now, id, request, StatusCode::NOT_ACCEPTABLE_HERE);
        };
        if let Some(context) = call.context.filter(|_| restarts) {
            let end = if index == 0 {
                StreamEnd::Core
            } else {
                StreamEnd::W3
            };
            let mut streams = settings(call);
            for data in streams.iter_mut().filter_map(|one| one.data.as_mut()) {
                data.offered = Some(end);
            }
            call.restarting = Some(Box::new(Restarting {
                leg: index,
                id,
                request: request.clone(),
                offer,
                chosen,
            }));
            let command = Command::Configure { context, streams };
            return self.ask_gateway(IqPurpose::Restart(number), command);
        }
        match write_answer(call, index, &offer, &chosen) {
            Ok(body) => self.accept(now, id, number, index, request, Some(body)),
            Err(_) => self.answer(now, id, request, StatusCode::NOT_ACCEPTABLE_HERE),
        }
    }

    /// RFC 8839 §4.4.1.1.1, RFC 8842 §5.3 — what the gateway begins anew is in the answer.
    pub(super) fn restarted(&mut self, now: Instant, number: u64, reply: Reply) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        if let Reply::Configured(reserved) = reply {
            call.has_room(reserved);
        }
        let Some(restarting) = call.restarting.take() else {
            return;
        };
        let Restarting {
            leg,
            id,
            request,
            offer,
            chosen,
        } = *restarting;
        match write_answer(call, leg, &offer, &chosen) {
            Ok(body) => self.accept(now, id, number, leg, &request, Some(body)),
            Err(_) => self.answer(now, id, &request, StatusCode::NOT_ACCEPTABLE_HERE),
        }
        self.changes_due(now, number);
    }

    /// RFC 3261 §14.2 — the 2xx to a request that changes or refreshes the session.
    fn accept(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        number: u64,
        index: usize,
        request: &Message,
        body: Option<bytes::Bytes>,
    ) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        let mut response = reply(request, StatusCode::OK, "");
        let address = self.config.address;
        response.push_back(
            HeaderName::Contact,
            format_args!("<sip:mmtel-es@{address}>"),
        );
        response.push_back(HeaderName::Allow, ALLOW);
        response.push_back(HeaderName::Supported, "timer");
        if let Some(interval) = request.header(HeaderName::SessionExpires) {
            let interval = interval.split(';').next().unwrap_or(interval).trim();
            response.push_back(HeaderName::Require, "timer");
            response.push_back(
                HeaderName::SessionExpires,
                format_args!("{interval};refresher=uac"),
            );
        }
        let offered = request.body().is_empty();
        if let Some(body) = body {
            response.set_body(Some(SDP), body);
        }
        if request.method() == Method::Invite
            && let LegState::Standing(_) = call.legs[index].state
        {
            let timers = TimerSet::core();
            let at = now + timers.t1;
            self.deadlines.insert((at, number));
            call.legs[index].answering = Some(Box::new(Answering {
                id,
                response: response.clone(),
                offered,
                at,
                interval: timers.t1,
                until: now + timers.transaction(),
            }));
        }
        let configure = call
            .context
            .map(|context| (context, settings(call)))
            .filter(|_| !offered);
        self.transactions.respond(now, id, response.clone());
        self.channels_wait(now, number);
        self.refresh_later(now, number, index, &response);
        if let Some((context, streams)) = configure {
            let command = Command::Configure { context, streams };
            self.ask_gateway(IqPurpose::Configure(number), command);
        }
    }

    /// RFC 3261 §13.3.1.4 — the ACK of a 2xx of ours, perhaps with the answer to our offer.
    pub(super) fn handle_ack(&mut self, now: Instant, ack: &Message) {
        if self.observe_ack(now, ack) {
            return;
        }
        let leg = DialogId::of_request(ack).and_then(|dialog| self.leg_of(&dialog));
        let Some((number, index)) = leg else {
            return;
        };
        let Some(answering) = self.leg(number, index).and_then(|leg| leg.answering.take()) else {
            return;
        };
        self.transactions.acknowledged(answering.id);
        if answering.offered {
            self.answered_by_ack(now, number, index, ack);
        }
        // What waited for this.
        self.changes_due(now, number);
    }

    /// RFC 3261 §13.2.2.4 — the answer to an offer of a 2xx of ours.
    fn answered_by_ack(&mut self, now: Instant, number: u64, index: usize, ack: &Message) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        let answer = Session::parse(ack.body()).map_err(|_| "an ACK without an answer");
        match answer.and_then(|answer| super::setup::take_answer(call, index, &answer)) {
            Ok(()) => {
                let streams = settings(call);
                if let Some(context) = call.context {
                    let command = Command::Configure { context, streams };
                    self.ask_gateway(IqPurpose::Configure(number), command);
                }
            }
            Err(what) => self.fail(now, number, &Why::Unusable(what)),
        }
    }
}

impl Calls {
    /// RFC 3261 §13.3.1.4 — a 2xx goes again until its ACK has come, and then not for ever.
    pub(super) fn answers_due(&mut self, now: Instant, number: u64) {
        let Some(call) = self.by_number.get_mut(&number) else {
            return;
        };
        let timers = TimerSet::core();
        let mut again = Vec::new();
        let mut lost = false;
        for leg in &mut call.legs {
            let Some(answering) = leg.answering.as_mut().filter(|one| one.at <= now) else {
                continue;
            };
            if answering.until <= now {
                lost = true;
                continue;
            }
            answering.interval = timers.next_interval(answering.interval);
            answering.at = (now + answering.interval).min(answering.until);
            self.deadlines.insert((answering.at, number));
            again.push((answering.id, answering.response.clone()));
        }
        for (id, response) in again {
            self.transactions.respond(now, id, response);
        }
        if lost {
            let words = "the UE does not answer any more".to_owned();
            self.fail(now, number, &Why::HungUp(words));
        }
    }
}

/// RFC 3264 §6 — the answer to a UE's offer. What a call has is for the application to say: lines that a UE adds are
/// refused each for itself, but for data channels when there is room for them.
///
/// What is chosen of each m-line, and whether something begins anew. An offer that is refused has not been
/// (RFC 3261 §14.2).
fn take_offer(
    call: &mut Call,
    leg: usize,
    offer: &Session,
) -> Result<(Vec<Vec<Format>>, bool), &'static str> {
    let before = call.streams.clone();
    let taken = take_lines(call, leg, offer).inspect_err(|_| call.streams = before)?;
    let data = call.streams.iter().position(|s| s.kind == MediaKind::Data);
    let data = data.filter(|_| leg == call.app_leg());
    if let Some((index, media)) = data.and_then(|index| Some((index, offer.media(index)?))) {
        // RFC 8864 §6.6: with two UEs they have channels of their own.
        let taken = call.streams[index].far[leg.min(1)].is_some();
        let asked = || call.asked(media, call.app_end(), call.legs.len() == 1);
        let asked = if taken { asked() } else { Vec::new() };
        call.take_asked(asked);
    }
    Ok(taken)
}

/// What an offer says of each m-line, as far as it can be taken.
fn take_lines(
    call: &mut Call,
    leg: usize,
    offer: &Session,
) -> Result<(Vec<Vec<Format>>, bool), &'static str> {
    let told = call.streams.iter().filter(|stream| stream.told[leg.min(1)]);
    let told = told.count();
    let lines = offer.medias();
    // RFC 3264 §8: a line never goes away.
    if lines.len() < told {
        return Err("an offer with fewer m-lines than before");
    }
    if lines.len() > MAX_LINES {
        return Err("an offer with too many m-lines");
    }
    for (index, media) in lines.iter().enumerate().skip(told) {
        let kind = kind_of(&media.line());
        if call.streams.len() <= index {
            let id = StreamId(u16::try_from(index).unwrap_or(u16::MAX));
            let mut stream = Stream::new(id, kind, Vec::new());
            stream.refused = true;
            call.streams.push(stream);
        }
        call.streams[index].told[leg.min(1)] = true;
    }
    let media = call.resource.as_deref();
    let media = media.and_then(|one| super::session::kinds(&one.ims_session_info).ok());
    // An application's data channels may be beside those that the session's consumer wants.
    let wanted =
        |kind| kind == MediaKind::Data || media.as_ref().is_none_or(|all| all.contains(&kind));
    let waited = !call.channels.is_empty() && leg == call.app_leg();
    let mut chosen: Vec<Vec<Format>> = Vec::new();
    let mut restarts = false;
    for (index, stream) in call.streams.iter_mut().take(lines.len()).enumerate() {
        let new = index >= told;
        // What we were about to offer may come from the UE first.
        let own = || stream.kind == MediaKind::Data && kind_of(&lines[index].line()) == stream.kind;
        let mine = if new {
            waited && own()
        } else {
            wanted(stream.kind)
        };
        let room = stream.local.get(leg).is_some() && mine;
        let mut far = match description::read(offer, index) {
            Ok(far) if room => far,
            Err(what) if room && !new => return Err(what),
            _ => None,
        };
        if let Some(data) = far.as_mut().and_then(|far| far.data.as_mut()) {
            let before = stream
                .far
                .get(leg)
                .and_then(|far| far.as_ref()?.data.as_ref());
            restarts |= before.is_some_and(|before| data.restarts(before));
            data.settle(before);
        }
        // What the UE adds in vain is still to be offered.
        if far.is_some() || !new || stream.local.is_empty() {
            stream.refused = far.is_none();
        }
        let mut formats = Vec::new();
        if let Some(far) = &far
            && far.data.is_none()
        {
            let known = far.formats.iter();
            let known = known.filter(|one| stream.formats.iter().any(|other| other.is_like(one)));
            formats.extend(known.cloned());
            if !stream.agree(far, leg) {
                return Err("an offer without a format that is known");
            }
        }
        chosen.push(formats);
        stream.agreed[leg.min(1)] = true;
        if let Some(slot) = stream.far.get_mut(leg) {
            *slot = far;
        }
    }
    Ok((chosen, restarts))
}

/// What a line of a UE would be for us. In the place of one that is not in use there may be any other later
/// (RFC 3264 §8.1), so it does not matter what one is of a kind that we do not have.
fn kind_of(line: &MediaLine<'_>) -> MediaKind {
    match line.media {
        "application" => MediaKind::Data,
        "video" => MediaKind::Video,
        _ => MediaKind::Audio,
    }
}

/// RFC 3264 §6 — the answer to an offer that was taken.
fn write_answer(
    call: &mut Call,
    leg: usize,
    offer: &Session,
    chosen: &[Vec<Format>],
) -> Result<bytes::Bytes, &'static str> {
    let app_leg = call.app_leg();
    let Call { streams, legs, .. } = call;
    let lines = offer.medias().iter().enumerate();
    let lines: Vec<OurLine<'_>> = lines
        .map(|(index, media)| {
            let stream = streams.get(index);
            let far = stream.and_then(|stream| stream.far.get(leg)?.as_ref());
            let local = stream.and_then(|stream| stream.local.get(leg));
            OurLine {
                kind: stream.map_or(MediaKind::Audio, |stream| stream.kind),
                local: local.filter(|_| far.is_some()),
                formats: chosen.get(index).map_or(&[], Vec::as_slice),
                direction: far.map_or(Direction::Inactive, |far| far.direction.reversed()),
                channels: stream
                    .filter(|_| leg == app_leg)
                    .map_or_else(Vec::new, |stream| stream.served().collect()),
                setup: match far.and_then(|far| far.data.as_ref()) {
                    Some(data) if data.setup == Setup::Active => Setup::Passive,
                    _ => Setup::Active,
                },
                offer: Some(media.line()),
                ice: media.has(IceUfrag::NAME) || offer.section().has(IceUfrag::NAME),
            }
        })
        .collect();
    let leg = legs.get_mut(leg).ok_or("no such leg")?;
    leg.origin.version += 1;
    Ok(description::write(leg.origin, &lines))
}

/// RFC 3326 §2 — the words of a Reason.
fn reason_text(reason: &str) -> Option<String> {
    let (_, text) = reason.split_once("text=\"")?;
    let (text, _) = text.split_once('"')?;
    (!text.is_empty()).then(|| format!("the UE hung up: {text}"))
}
