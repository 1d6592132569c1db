//! What holds whatever the two sides say.

use nf_epcscf::ims_alg::{Finality, Leg, Negotiation, Next, Policy};
use proptest::prelude::*;
use wire_sdp::{OfferAnswer, Session, Side};

use crate::edge::{
    CHROMIUM, Edge, FIREFOX_MAX_BUNDLE, Gateway, PHONE, assert_nothing_of_the_access, phone,
};

/// Any bytes as an offer of either side, and again as the answer to a good one.
pub(crate) fn fuzz(data: &[u8]) {
    for from in [Leg::Wic, Leg::Core] {
        let mut gateway = Gateway::default();
        let mut negotiation = Negotiation::new(Policy::default(), 1, 2);
        let offer = negotiation.offer(from, data);
        if let Some(sdp) = drive(&mut negotiation, &mut gateway, offer) {
            check(from.other(), &sdp);
            let echo = negotiation.answer(from.other(), &sdp, Finality::Final);
            if let Some(answer) = drive(&mut negotiation, &mut gateway, echo) {
                check(from, &answer);
            }
        }
        let _ = negotiation
            .refusing_answer(from, data)
            .map(|sdp| check(from, &sdp));

        let mut gateway = Gateway::default();
        let mut negotiation = Negotiation::new(Policy::default(), 1, 2);
        let good = if from == Leg::Wic { PHONE } else { CHROMIUM };
        let offer = negotiation.offer(from.other(), good.as_bytes());
        drive(&mut negotiation, &mut gateway, offer).expect("a good offer is served");
        for finality in [Finality::Provisional, Finality::Final] {
            let answer = negotiation.answer(from, data, finality);
            if let Some(sdp) = drive(&mut negotiation, &mut gateway, answer) {
                check(from.other(), &sdp);
            }
        }
    }
}

fn drive(
    negotiation: &mut Negotiation,
    gateway: &mut Gateway,
    next: Result<Next, nf_epcscf::ims_alg::Refused>,
) -> Option<bytes::Bytes> {
    let mut next = next.ok()?;
    loop {
        match next {
            Next::Gateway(command) => next = negotiation.replied(gateway.handle(&command)).ok()?,
            Next::Forward(sdp) => return Some(sdp),
            Next::Settled => return None,
        }
    }
}

fn check(to: Leg, sdp: &[u8]) {
    let session = Session::parse(sdp).expect("what we write is SDP");
    match to {
        Leg::Core => assert_nothing_of_the_access(&session),
        Leg::Wic => {
            for media in session.medias().iter().filter(|m| m.line().port != 0) {
                assert!(media.has("fingerprint") && media.has("rtcp-mux") && !media.has("crypto"));
                assert!(!media.has("curr") && !media.has("des"));
            }
            assert!(!session.section().has("group"));
        }
    }
}

/// What happens next in a call.
#[derive(Debug, Clone)]
enum Event {
    /// This side offers these m-lines, in these directions (4 is port 0), and the other takes those that are set;
    /// forks that are previewed before take others.
    Change {
        from: Leg,
        lines: Vec<u8>,
        previews: Vec<Vec<bool>>,
        taken: Vec<bool>,
    },
    /// This side offers, and the other refuses.
    Refused { from: Leg, lines: Vec<u8> },
}

fn event() -> impl Strategy<Value = Event> {
    let leg = prop_oneof![Just(Leg::Wic), Just(Leg::Core)];
    let lines = prop::collection::vec(0..5u8, 1..4);
    let taken = prop::collection::vec(any::<bool>(), 8);
    prop_oneof![
        4 => (leg.clone(), lines.clone(), prop::collection::vec(taken.clone(), 0..3), taken)
            .prop_map(|(from, lines, previews, taken)| Event::Change { from, lines, previews, taken }),
        1 => (leg, lines).prop_map(|(from, lines)| Event::Refused { from, lines }),
    ]
}

const DIRECTIONS: [&str; 4] = ["sendrecv", "sendonly", "recvonly", "inactive"];

/// A description with as many m-lines as this side knows already, or more. Even m-lines are audio, odd ones
/// video, unless the other side made them.
fn description(leg: Leg, known: &[String], lines: &[u8]) -> String {
    let mut text = phone(1, "");
    for at in 0..known.len().max(lines.len()) {
        let kind = known
            .get(at)
            .map_or(if at % 2 == 0 { "audio" } else { "video" }, String::as_str);
        let way = lines.get(at).copied().unwrap_or(0);
        let port = if way == 4 { 0 } else { 50000 + at * 2 };
        let direction = DIRECTIONS.get(usize::from(way)).unwrap_or(&"inactive");
        text.push_str(&media(leg, kind, port, direction, at));
    }
    text
}

fn media(leg: Leg, kind: &str, port: usize, direction: &str, mid: usize) -> String {
    let (format, map) = if kind == "audio" {
        (0, "PCMU/8000")
    } else {
        (96, "VP8/90000")
    };
    match leg {
        Leg::Core => format!(
            "m={kind} {port} RTP/AVP {format}\r\na=rtpmap:{format} {map}\r\na={direction}\r\n"
        ),
        Leg::Wic => format!(
            "m={kind} {port} UDP/TLS/RTP/SAVPF {format}\r\na=rtpmap:{format} {map}\r\na={direction}\r\na=mid:{mid}\r\n\
             a=rtcp-mux\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:active\r\n\
             a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\r\n"
        ),
    }
}

/// The answer of this side that takes the m-lines that are set.
fn answer_to(offer: &Session, from: Leg, taken: &[bool]) -> String {
    let mut text = phone(1, "");
    for (at, m) in offer.medias().iter().enumerate() {
        let line = m.line();
        let port = if line.port == 0 || !taken[at % taken.len()] {
            0
        } else {
            51000 + at * 2
        };
        let direction = offer.media_direction(at).reversed().to_string();
        text.push_str(&media(from, line.media, port, &direction, at));
    }
    text
}

/// One side of the call as that side sees it: RFC 3264, our versions, the media types of its m-lines.
#[derive(Default)]
struct Peer {
    leg: OfferAnswer,
    version: u64,
    last: Option<Session>,
}

impl Peer {
    fn known(&self) -> Vec<String> {
        let both = [
            self.leg.description(Side::Local),
            self.leg.description(Side::Remote),
        ];
        let longest = both.into_iter().flatten().max_by_key(|s| s.medias().len());
        longest.map_or_else(Vec::new, |s| {
            s.medias()
                .iter()
                .map(|m| m.line().media.to_owned())
                .collect()
        })
    }

    /// RFC 3264 §8: the version goes up by one when anything else changed, and stays when nothing did.
    fn sees(&mut self, session: &Session) {
        let version = session.origin().version;
        let mut body = session.clone();
        body.section_mut().retain(|line| line.kind() != 'o');
        let expected = match &self.last {
            None => 1,
            Some(last) if *last == body => self.version,
            Some(_) => self.version + 1,
        };
        assert_eq!(version, expected);
        self.version = version;
        self.last = Some(body);
    }
}

proptest! {
    #[test]
    fn a_damaged_offer_never_panics_and_never_leaks(
        which in 0..3usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 0..8),
    ) {
        let mut data = [CHROMIUM, FIREFOX_MAX_BUNDLE, PHONE][which].as_bytes().to_vec();
        for (at, byte, how) in damage {
            let at = at.index(data.len());
            match how {
                0 => data[at] = byte,
                1 => data.insert(at, byte),
                2 => drop(data.remove(at)),
                // A whole line goes, or comes twice.
                _ => {
                    let end = data[at..].iter().position(|b| *b == b'\n').map_or(data.len(), |n| at + n + 1);
                    let line: Vec<u8> = data[at..end].to_vec();
                    if byte % 2 == 0 { drop(data.drain(at..end)) } else { drop(data.splice(end..end, line)) }
                }
            }
            if data.is_empty() {
                break;
            }
        }
        fuzz(&data);
    }

    #[test]
    fn both_sides_see_a_call_that_keeps_rfc_3264(events in prop::collection::vec(event(), 1..12)) {
        let mut edge = Edge::new();
        let (mut wic, mut core) = (Peer::default(), Peer::default());
        let mut forked = false;
        for event in events {
            let (from, lines) = match &event {
                Event::Change { from, lines, .. } | Event::Refused { from, lines } => (*from, lines.clone()),
            };
            let (offerer, answerer) = match from {
                Leg::Wic => (&mut wic, &mut core),
                Leg::Core => (&mut core, &mut wic),
            };
            let text = description(from, &offerer.known(), &lines);
            let Ok(forwarded) = edge.offer(from, &text) else { continue };
            let offer = Session::parse(text.as_bytes()).expect("a test's own text");
            offerer.leg.offer(Side::Remote, offer).expect("the peer keeps the rules");
            answerer.leg.offer(Side::Local, forwarded.clone()).expect("we keep the rules");
            answerer.sees(&forwarded);
            let Event::Change { taken, previews, .. } = event else {
                edge.rollback();
                offerer.leg.rollback();
                answerer.leg.rollback();
                continue;
            };
            let mut given: Option<Session> = None;
            // Only the core forks.
            let forks = previews.iter().filter(|_| from == Leg::Wic).map(|taken| (taken, Finality::Provisional));
            for (taken, finality) in forks.chain([(&taken, Finality::Final)]) {
                let text = answer_to(&forwarded, from.other(), taken);
                let answer = edge.answer_with(from.other(), &text, finality).expect("a good answer is taken");
                if finality == Finality::Final {
                    let said = Session::parse(text.as_bytes()).expect("a test's own text");
                    answerer.leg.answer(Side::Remote, said).expect("the peer keeps the rules");
                }
                match &given {
                    None => {
                        offerer.leg.answer(Side::Local, answer.clone()).expect("we keep the rules");
                        offerer.sees(&answer);
                        given = Some(answer);
                    }
                    Some(given) => prop_assert_eq!(given, &answer, "an offer is answered once"),
                }
            }
            if edge.negotiation.diverged() {
                let offer = edge.reoffer(Leg::Wic).expect("what was confirmed can be offered");
                wic.leg.offer(Side::Local, offer.clone()).expect("we keep the rules");
                wic.sees(&offer);
                let text = answer_to(&offer, Leg::Wic, &[true]);
                edge.settle(Leg::Wic, &text).expect("the WIC follows");
                let said = Session::parse(text.as_bytes()).expect("a test's own text");
                wic.leg.answer(Side::Remote, said).expect("the peer keeps the rules");
            }
            // The gateway has a stream for each m-line that is up at the WIC, and for each at the core.
            let live = |peer: &Peer| {
                let both = [Side::Local, Side::Remote].map(|side| peer.leg.description(side));
                let [Some(ours), Some(theirs)] = both else { return 0 };
                let lines = ours.medias().iter().zip(theirs.medias());
                lines.filter(|(a, b)| a.line().port != 0 && b.line().port != 0).count()
            };
            let streams = edge.gateway.streams().len();
            prop_assert_eq!(live(&wic), streams);
            // What every fork refused stays up at the WIC, inactive.
            forked |= !previews.is_empty();
            prop_assert!(live(&core) == streams || forked && live(&core) < streams);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_served(data in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz(&data);
    }
}
