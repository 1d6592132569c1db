//! Descriptions on their way through: each side sees the gateway in the place of the other one, and the
//! m-line of applications is the subscriber's alone (RFC 3264, RFC 8841, RFC 8864).

use core_iq::{ChannelPlace, MediaKind, NegotiatedChannel, StreamId, StreamSettings};
use wire_sdp::attribute::{Direction, Setup};
use wire_sdp::{AddressFamily, Connection, Media, Origin as OriginLine, Session};

use super::super::asked::{self, Described};
use super::super::call::{self, Call, Stream};
use super::super::description::{self, Local, OurLine};
use super::{Anchor, Line, Offered, Side};

/// What belongs to the transport of an m-line, and is the gateway's own on each side.
const TRANSPORT: [&str; 14] = [
    "candidate",
    "end-of-candidates",
    "fingerprint",
    "ice-mismatch",
    "ice-options",
    "ice-pwd",
    "ice-ufrag",
    "max-message-size",
    "remote-candidates",
    "rtcp",
    "rtcp-mux",
    "sctp-port",
    "setup",
    "tls-id",
];

impl Anchor {
    /// The m-lines that an offer adds; those that need room at the gateway come out.
    pub(super) fn learn(
        &mut self,
        call: &mut Call,
        from: Side,
        offer: &Session,
        room: bool,
    ) -> Vec<StreamSettings> {
        let mut more = Vec::new();
        self.share(call, from, offer);
        for media in offer.medias().iter().skip(self.lines[from].len()) {
            let line = media.line();
            let kind = description::kind(&line).filter(|_| room && line.port != 0);
            let alone = self.is_to_servers(call, from, media);
            let streams = &mut call.streams;
            let mut data = streams.iter().enumerate();
            let known = data.find(|(_, stream)| stream.kind == MediaKind::Data);
            let known = known.map(|(index, _)| index);
            let known = known.filter(|known| {
                let line = Line::Ours(*known);
                !self.lines[from].contains(&line) && self.lines[1 - from].contains(&line)
            });
            let line = match (kind, known) {
                // One association for a UE: what is between the two joins what an application has.
                (Some(MediaKind::Data), Some(known)) => {
                    self.lines[from].push(Line::Ours(known));
                    continue;
                }
                (Some(kind), _) => {
                    let index = self.unused(streams, kind).unwrap_or(streams.len());
                    if index == streams.len() {
                        let id = StreamId(u16::try_from(index).unwrap_or(u16::MAX));
                        streams.push(Stream::new(id, kind, Vec::new()));
                    }
                    streams[index].refused = false;
                    if streams[index].local.is_empty() {
                        more.push(StreamSettings {
                            second: Some(Box::default()),
                            ..StreamSettings::new(streams[index].id, kind)
                        });
                    }
                    let line = Line::Ours(index);
                    if kind == MediaKind::Data && alone {
                        self.lines[from].push(line);
                        continue;
                    }
                    line
                }
                (None, _) => {
                    self.next_theirs += 1;
                    Line::Theirs(self.next_theirs)
                }
            };
            self.lines[0].push(line);
            self.lines[1].push(line);
        }
        more
    }

    /// A stream of which neither side has an m-line: what has room, and was refused, takes no more of it.
    fn unused(&self, streams: &[Stream], kind: MediaKind) -> Option<usize> {
        let mut all = streams.iter().enumerate();
        let known = |line: Line| self.lines.iter().any(|lines| lines.contains(&line));
        let found = all.find(|(index, one)| one.kind == kind && !known(Line::Ours(*index)));
        found.map(|(index, _)| index)
    }

    /// The m-line that the subscriber has alone gets channels with the other party.
    fn share(&mut self, call: &Call, from: Side, offer: &Session) {
        let lines = self.lines[from].iter().zip(offer.medias());
        let found = lines.filter(|(line, media)| {
            let data = matches!(line, Line::Ours(index) if call
                .streams
                .get(*index)
                .is_some_and(|stream| stream.kind == MediaKind::Data));
            let mut channels = asked::channels(media);
            data && media.line().port != 0
                && channels
                    .any(|(id, channel)| !self.ends_here(call, from, media, id, &channel.label))
        });
        let found: Vec<Line> = found.map(|(line, _)| *line).collect();
        for line in found {
            if !self.lines[1 - from].contains(&line) {
                self.lines[1 - from].push(line);
            }
        }
    }

    /// Whether the other party has no part in the channels of a new m-line.
    fn is_to_servers(&self, call: &Call, from: Side, media: &Media) -> bool {
        let mut channels = asked::channels(media).peekable();
        from == self.subscriber
            && channels.peek().is_some()
            && channels.all(|(id, one)| self.ends_here(call, from, media, id, &one.label))
    }

    /// Whether a channel in a side's description is no matter of the other side.
    fn ends_here(&self, call: &Call, from: Side, media: &Media, id: u16, label: &str) -> bool {
        if from == self.subscriber {
            call.ends_here(media, id, label)
        } else {
            asked::to_server(media, id)
        }
    }

    /// What the gateway has no room for passes as it is.
    pub(super) fn let_pass(&mut self, streams: &[Stream]) {
        let without = streams.iter().enumerate();
        for (index, _) in without.filter(|(_, stream)| stream.local.is_empty()) {
            let ours = |lines: &Vec<Line>| lines.contains(&Line::Ours(index));
            if !self.lines.iter().any(ours) {
                continue;
            }
            self.next_theirs += 1;
            let theirs = Line::Theirs(self.next_theirs);
            for lines in &mut self.lines {
                match lines.iter_mut().find(|line| **line == Line::Ours(index)) {
                    Some(line) => *line = theirs,
                    // It was to be one side's alone.
                    None => lines.push(theirs),
                }
            }
        }
    }

    /// An offer of `from`, as the other side gets it. `by` is the request that it is in, and `lines` how
    /// many m-lines there were before it.
    pub(super) fn pass_offer(
        &mut self,
        call: &mut Call,
        from: Side,
        by: Option<u64>,
        lines: [usize; 2],
        offer: &Session,
    ) -> Session {
        let data = self.data_line(call, from, offer);
        let data = data.filter(|_| from == self.subscriber);
        let end = call::end_of(self.subscriber);
        self.offered = Some(Offered {
            from,
            by,
            far: self.read(from, offer),
            lines,
            said: self.said[1 - from].clone(),
            asked: data.map_or_else(Vec::new, |media| call.asked(media, end, false)),
        });
        self.rewrite(call, from, offer, true)
    }

    /// The answer of `from`, as the other side gets it; the media are what both have said now.
    pub(super) fn pass_answer(&mut self, call: &mut Call, from: Side, answer: &Session) -> Session {
        let mut asked = None;
        if let Some(offered) = self.offered.take() {
            self.take(call, offered.from, offered.far);
            asked = Some(offered.asked).filter(|_| offered.from == self.subscriber);
        }
        let far = self.read(from, answer);
        self.take(call, from, far);
        if from == self.subscriber {
            self.keep_named(call, answer);
        }
        if let Some(asked) = asked {
            call.take_asked(asked);
        }
        let both = match self.data_line(call, from, answer) {
            Some(media) => {
                let stream = call.stream_of(MediaKind::Data);
                stream.map_or_else(Vec::new, |stream| common(stream, from, media))
            }
            None => Vec::new(),
        };
        if let Some(stream) = call.stream_of_mut(MediaKind::Data) {
            stream.negotiated.retain(|one| one.app.is_some());
            stream.negotiated.extend(both);
        }
        self.rewrite(call, from, answer, false)
    }

    /// The m-line of data channels in a description of that side.
    fn data_line<'a>(&self, call: &Call, from: Side, of: &'a Session) -> Option<&'a Media> {
        let mut streams = call.streams.iter();
        let index = streams.position(|stream| stream.kind == MediaKind::Data)?;
        let mut lines = self.lines[from].iter();
        of.media(lines.position(|line| *line == Line::Ours(index))?)
    }

    /// RFC 8864 §6.6.1 — what the subscriber does not name in an answer is closed.
    fn keep_named(&self, call: &mut Call, answer: &Session) {
        let media = self.data_line(call, self.subscriber, answer);
        let named: Vec<u16> = media
            .into_iter()
            .flat_map(asked::channels)
            .map(|one| one.0)
            .collect();
        if let Some(stream) = call.stream_of_mut(MediaKind::Data) {
            stream
                .negotiated
                .retain(|one| one.app.is_none() || named.contains(&one.one.id));
        }
    }

    /// RFC 3264 §8: what was offered is not taken, and all is as it was.
    pub(super) fn roll_back(&mut self) {
        if let Some(offered) = self.offered.take() {
            for (lines, before) in self.lines.iter_mut().zip(offered.lines) {
                lines.truncate(before);
            }
            self.said[1 - offered.from] = offered.said;
        }
    }

    /// Whether a side has agreed on data channels at the gateway.
    pub(super) fn has_data(&self, call: &Call, side: Side) -> bool {
        let mut streams = call.streams.iter().enumerate();
        let data = streams.find(|(_, stream)| stream.kind == MediaKind::Data);
        data.is_some_and(|(index, stream)| {
            let told = self.lines[side].contains(&Line::Ours(index));
            told && !stream.refused && stream.far[side].is_some()
        })
    }

    /// Our own offer to a side: what it was told last, with data channels; and the line that is new in it.
    pub(super) fn own_offer(&self, call: &mut Call, to: Side) -> Option<Session> {
        let mut session = self.said[to].clone()?;
        let index = call
            .streams
            .iter()
            .position(|s| s.kind == MediaKind::Data)?;
        let media = self.own_line(&call.streams[index], to, None)?;
        call.streams[index].offered[to] = true;
        match self.lines[to]
            .iter()
            .position(|line| *line == Line::Ours(index))
        {
            Some(at) => {
                let mut before = session.media(at)?.clone();
                let both = |id: u16| {
                    let mut all = call.streams[index].negotiated.iter();
                    all.any(|one| one.one.id == id && one.app.is_none())
                };
                asked::without(&mut before, |id| !both(id));
                *session.media_mut(at)? = with_rest_of(media, &before);
            }
            None => session.push_media(media),
        }
        lite(&mut session);
        let leg = call.legs.get_mut(to)?;
        leg.origin.version += 1;
        stamp(&mut session, leg.origin, &call.streams, to);
        Some(session)
    }

    /// Our offer was taken: what the side says now, and what it was told.
    pub(super) fn own_answered(
        &mut self,
        call: &mut Call,
        side: Side,
        told: Option<Session>,
        answer: &Session,
    ) {
        let data = call.streams.iter().position(|s| s.kind == MediaKind::Data);
        if let Some(data) = data.filter(|data| !self.lines[side].contains(&Line::Ours(*data))) {
            self.lines[side].push(Line::Ours(data));
        }
        if let Some(told) = told {
            self.said[side] = Some(told);
        }
        let far = self.read(side, answer);
        self.take(call, side, far);
        self.keep_named(call, answer);
    }

    fn read(&self, from: Side, session: &Session) -> Vec<(usize, Option<super::Far>)> {
        let lines = self.lines[from].iter().enumerate();
        let ours = lines.filter_map(|(at, line)| match line {
            Line::Ours(index) => Some((*index, description::read(session, at).ok().flatten())),
            Line::Theirs(_) => None,
        });
        ours.collect()
    }

    fn take(&self, call: &mut Call, from: Side, far: Vec<(usize, Option<super::Far>)>) {
        for (index, far) in far {
            let Some(stream) = call.streams.get_mut(index) else {
                continue;
            };
            // What only one side has is refused by that one alone.
            let shared = self.lines[1 - from].contains(&Line::Ours(index));
            let data = stream.kind == MediaKind::Data;
            let mut far = far;
            if let Some(data) = far.as_mut().and_then(|far| far.data.as_mut()) {
                let before = stream.far[from].as_ref();
                data.settle(before.and_then(|before| before.data.as_ref()));
            }
            stream.far[from] = far;
            stream.refused = if shared && data {
                stream.far.iter().all(Option::is_none)
            } else {
                stream.far[from].is_none()
            };
        }
    }

    fn rewrite(&mut self, call: &mut Call, from: Side, of: &Session, offer: bool) -> Session {
        let to = 1 - from;
        let mut session = of.clone();
        session.retain_media(|_, _| false);
        for line in &self.lines[to] {
            let at = self.lines[from].iter().position(|other| other == line);
            let source = at.and_then(|at| of.media(at).map(|media| (at, media)));
            let media = match (line, source) {
                (Line::Theirs(_), source) => source.map(|(_, media)| media.clone()),
                (Line::Ours(index), Some((at, media))) => {
                    let stream = &call.streams[*index];
                    Some(match stream.kind {
                        MediaKind::Data => self.shown_data(stream, to, offer, media),
                        _ => shown(stream, to, of, at, media),
                    })
                }
                (Line::Ours(index), None) => {
                    let stream = &call.streams[*index];
                    let answering = (!offer).then_some(Direction::SendRecv);
                    self.own_line(stream, to, answering)
                }
            };
            if let Some(media) = media {
                session.push_media(media);
            }
        }
        tidy(&mut session, &self.lines[to]);
        let Some(leg) = call.legs.get_mut(to) else {
            return session;
        };
        // RFC 3264 §8: the version says whether something changed, for this side.
        stamp(&mut session, leg.origin, &call.streams, to);
        if self.said[to].as_ref() != Some(&session) {
            leg.origin.version += 1;
            stamp(&mut session, leg.origin, &call.streams, to);
        }
        self.said[to] = Some(session.clone());
        session
    }

    /// The m-line of data channels of the other side, with the gateway in its place.
    fn shown_data(&self, stream: &Stream, to: Side, offer: bool, media: &Media) -> Media {
        let answering = (!offer).then_some(Direction::SendRecv);
        let mut rest = media.clone();
        let refused = media.line().port == 0;
        if to == self.subscriber {
            // What an application has with the subscriber stands, whatever the other party takes.
            if refused && stream.served().next().is_some() {
                let own = self.own_line(stream, to, answering);
                return own.unwrap_or(rest);
            }
            asked::without(&mut rest, |id| stream.served().any(|one| one.one.id == id));
        } else {
            // Deviates: TS 23.228 Annex AC would have channels to servers of the other party's network pass.
            let offered = self.offered.iter().flat_map(|offered| &offered.asked);
            let own: Vec<u16> = stream
                .served()
                .chain(offered)
                .map(|one| one.one.id)
                .collect();
            asked::without(&mut rest, |id| {
                asked::to_server(media, id) || own.contains(&id)
            });
        }
        if refused || stream.local.get(to).is_none() {
            return rest;
        }
        let line = self.our_line(stream, to, answering, Some(media));
        let own = line.and_then(|line| line.to_media());
        own.map_or_else(|| rest.clone(), |own| with_rest_of(own, &rest))
    }

    /// The m-line of data channels that a side alone has.
    fn own_line(&self, stream: &Stream, to: Side, answering: Option<Direction>) -> Option<Media> {
        self.our_line(stream, to, answering, None)?.to_media()
    }

    fn our_line<'a>(
        &self,
        stream: &'a Stream,
        to: Side,
        answering: Option<Direction>,
        media: Option<&'a Media>,
    ) -> Option<OurLine<'a>> {
        let far = stream
            .far
            .get(to)?
            .as_ref()
            .and_then(|far| far.data.as_ref());
        let active = far.is_some_and(|far| far.setup == Setup::Active);
        Some(OurLine {
            kind: stream.kind,
            local: stream.local.get(to).filter(|_| !stream.refused),
            formats: &stream.formats,
            direction: Direction::SendRecv,
            channels: if to == self.subscriber {
                stream.served().collect()
            } else {
                Vec::new()
            },
            setup: match answering {
                None => Setup::ActPass,
                Some(_) if active => Setup::Passive,
                Some(_) => Setup::Active,
            },
            offer: media.map(Media::line),
            ice: answering.is_none() || far.is_some_and(|far| far.ice.is_some()),
        })
    }
}

/// The m-line of a UE, with the gateway in its place.
fn shown(stream: &Stream, to: Side, of: &Session, at: usize, media: &Media) -> Media {
    let Some(local) = stream.local.get(to).filter(|_| media.line().port != 0) else {
        return media.clone();
    };
    let mut shown = media.clone();
    shown.retain(|line| {
        !TRANSPORT
            .iter()
            .any(|name| line.attribute_name() == Some(name))
    });
    shown.set_port(local.rtp.port());
    connect(&mut shown, local);
    if let Ok(Some(far)) = description::read(of, at)
        && far.rtp.is_none()
    {
        // RFC 3264 §8.4: 0.0.0.0 is the old way to hold; the gateway has an address all the same.
        shown.set_direction(far.direction);
    }
    shown.insert(wire_sdp::Line::attribute("rtcp", local.rtcp.port()));
    shown
}

fn connect(media: &mut Media, local: &Local) {
    let address = local.rtp.ip();
    media.set_connection(Some(&Connection {
        family: AddressFamily::of(address),
        address: &address.to_string(),
    }));
}

/// What is not of the transport stays as the UE wrote it.
fn with_rest_of(mut own: Media, media: &Media) -> Media {
    for line in media.section().lines() {
        let name = line.attribute_name();
        if line.kind() != 'c' && !TRANSPORT.iter().any(|transport| name == Some(transport)) {
            own.insert(line.clone());
        }
    }
    own
}

/// RFC 8864 §5.2.2 — the channels that both sides name, under one id.
fn common(stream: &Stream, from: Side, media: &Media) -> Vec<Described> {
    let other = stream.far[1 - from]
        .as_ref()
        .and_then(|far| far.data.as_ref());
    let theirs = |id: &u16| other.is_some_and(|other| other.streams.contains(id));
    let own = |id: &u16| stream.served().any(|one| one.one.id == *id);
    let both = asked::channels(media).filter(|(id, _)| theirs(id) && !own(id));
    let place = ChannelPlace::Both;
    let both = both.map(|(id, channel)| Described {
        one: NegotiatedChannel { id, channel, place },
        app: None,
    });
    both.collect()
}

/// What a session says for m-lines that are no longer the UE's.
fn tidy(session: &mut Session, lines: &[Line]) {
    // RFC 9143: nobody bundles what is in no group.
    session.section_mut().retain(|line| {
        line.attribute_value("group")
            .is_none_or(|group| !group.starts_with("BUNDLE"))
    });
    if lines.iter().all(|line| matches!(line, Line::Ours(_))) {
        session.section_mut().retain(|line| {
            let name = line.attribute_name();
            name != Some("ice-lite") && !TRANSPORT.iter().any(|one| name == Some(one))
        });
        let mut connections = session.medias().iter().filter_map(|m| m.connection().ok()?);
        let first = connections
            .next()
            .map(|one| (one.family, one.address.to_owned()));
        if let Some((family, address)) = first {
            session.section_mut().set_connection(Some(&Connection {
                family,
                address: &address,
            }));
        }
    }
    lite(session);
}

/// RFC 8839 §5.3 — the gateway is a lite agent.
fn lite(session: &mut Session) {
    let ice = session.medias().iter().any(|media| {
        media.line().media == "application" && media.line().port != 0 && media.has("ice-ufrag")
    });
    if ice && !session.section().has("ice-lite") {
        session
            .section_mut()
            .insert(wire_sdp::Line::attribute("ice-lite", ""));
    }
}

/// RFC 8866 §5.2 — whose description it is.
fn stamp(session: &mut Session, origin: description::Origin, streams: &[Stream], to: Side) {
    let mut locals = streams.iter().filter_map(|stream| stream.local.get(to));
    let before = session.origin();
    let (family, address) = match locals.next() {
        Some(local) => {
            let ip = local.rtp.ip();
            (AddressFamily::of(ip), ip.to_string())
        }
        None => (before.family, before.address.to_owned()),
    };
    session.set_origin(&OriginLine {
        username: "-",
        session_id: &origin.session.to_string(),
        version: origin.version,
        family,
        address: &address,
    });
}
