//! What everything that leaves the shard keeps to, as the side that gets it sees it.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use wire_sip::header::{RAck, RSeq};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::agent::Side;
use crate::text::{Channels, Section, channels, origin, sections};

/// RFC 3261 §17.1.2.2 — then nobody waits for a response any more.
const TIMER_F: Duration = Duration::from_secs(32);

/// (side, Call-ID, the two tags in order).
type Dialog = (Side, String, String, String);

#[derive(Default)]
pub(crate) struct Rules {
    branches: HashSet<String>,
    /// The last number that went out.
    numbers: HashMap<Dialog, u32>,
    /// Numbers of INVITEs that went out.
    invites: HashSet<(Side, String, u32)>,
    /// Reliable responses that came in and wait for a PRACK.
    reliable: HashSet<(Dialog, u32, u32)>,
    /// Offers in requests that went out and wait for their final response, by branch, and since when.
    offers: HashMap<Dialog, (String, Instant)>,
    /// INVITEs with an offer that came in, and of those the ones that require reliable responses.
    asked: HashSet<(Side, String, u32)>,
    strict: HashSet<(Side, String, u32)>,
    /// The last reliable response that went out to one, and whether its PRACK has come in.
    promised: HashMap<(Dialog, u32), (u32, bool)>,
    /// Those that have had their answer, reliably.
    answered: HashSet<(Dialog, u32)>,
    /// Calls in which a BYE was seen: nothing is said of media any more.
    over: HashSet<String>,
    /// The last description that went out, by call.
    origins: HashMap<(Side, String), (String, u64, String)>,
    /// The data channels that a side said last, by call.
    channels: HashMap<(Side, String), Option<Channels>>,
}

fn dialog(side: Side, message: &Message) -> Dialog {
    let (from, to) = (
        message.from_tag().unwrap_or(""),
        message.to_tag().unwrap_or(""),
    );
    let (one, other) = if from < to { (from, to) } else { (to, from) };
    (
        side,
        message.call_id().to_owned(),
        one.to_owned(),
        other.to_owned(),
    )
}

impl Rules {
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// What was sent to the WIC on a WebSocket that is gone may not have been seen.
    pub(crate) fn lost_sight(&mut self) {
        self.origins.retain(|(side, _), _| *side != Side::Wic);
        self.offers.retain(|(side, ..), _| *side != Side::Wic);
    }

    /// Something came to the shard from this side.
    pub(crate) fn came(&mut self, side: Side, message: &Message) {
        let key = dialog(side, message);
        let (number, _) = message.cseq().expect("the model writes CSeq");
        self.note_end(message);
        let Some(status) = message.status() else {
            let name = (side, message.call_id().to_owned(), number);
            if message.method() == Method::Invite && !message.body().is_empty() {
                self.asked.insert(name.clone());
            }
            if message.method() == Method::Invite && message.lists(HeaderName::Require, "100rel") {
                self.strict.insert(name);
            }
            if let Ok(Some(RAck { rseq, cseq })) = message.typed::<RAck>()
                && let Some(promised) = self.promised.get_mut(&(key, cseq.number))
                && promised.0 == rseq
            {
                promised.1 = true;
            }
            return;
        };
        if status.is_provisional()
            && let Ok(Some(RSeq(rseq))) = message.typed::<RSeq>()
        {
            self.reliable.insert((key.clone(), rseq, number));
        }
        if status.is_final() {
            let branch = message.top_branch().unwrap_or_default();
            self.offers.retain(|_, (of, _)| of != branch);
        }
    }

    /// What a description that came does to the data channels.
    pub(crate) fn data_came(&mut self, side: Side, message: &Message) -> Vec<&'static str> {
        let said = sections(message.body());
        if !said.iter().any(|one| matches!(one, Section::Data(_))) {
            return Vec::new();
        }
        let said = channels(&said);
        let key = (side, message.call_id().to_owned());
        let before = self.channels.insert(key, said).flatten();
        let at_wic = side == Side::Wic;
        let (line, maps) = if at_wic {
            (
                ["wic m-line added", "wic m-line removed"],
                ["wic dcmap added", "wic dcmap removed"],
            )
        } else {
            (
                ["core m-line added", "core m-line removed"],
                ["core dcmap added", "core dcmap removed"],
            )
        };
        match (before, said) {
            (None, Some(_)) => vec![line[0]],
            (_, None) => vec![line[1]],
            (Some(before), Some(now)) => {
                let added = before.lacks(now).then_some(maps[0]);
                let removed = now.lacks(before).then_some(maps[1]);
                added.into_iter().chain(removed).collect()
            }
        }
    }

    /// Something left for this side.
    pub(crate) fn left(&mut self, now: Instant, side: Side, message: &Message) {
        if message.method() == Method::Register || message.method() == Method::Subscribe {
            return;
        }
        self.check_origin(side, message);
        self.note_end(message);
        if !message.is_request() {
            self.check_reliability(side, message);
            return;
        }
        let key = dialog(side, message);
        let call = message.call_id().to_owned();
        let (number, _) = message.cseq().expect("the edge writes CSeq");
        let branch = message.top_branch().expect("the edge writes a branch");
        let method = message.method();
        if matches!(method, Method::Ack | Method::Cancel) {
            assert!(
                self.invites.contains(&(side, call, number)),
                "{method} {number} to {side:?} for no INVITE"
            );
            return;
        }
        if !self.branches.insert(branch.to_owned()) {
            return;
        }
        let initial = (
            side,
            call.clone(),
            String::new(),
            message.from_tag().unwrap_or("").to_owned(),
        );
        let last = self
            .numbers
            .get(&key)
            .or(self.numbers.get(&initial))
            .copied();
        assert!(
            last.is_none_or(|last| number > last),
            "{method} {number} to {side:?} after {last:?}"
        );
        self.numbers.insert(key.clone(), number);
        if method == Method::Invite {
            self.invites.insert((side, call, number));
        }
        if method == Method::Prack {
            let prack: RAck = message.require().expect("a RAck");
            let known = self
                .reliable
                .remove(&(key.clone(), prack.rseq, prack.cseq.number));
            assert!(known, "a PRACK for nothing to {side:?}: {prack}");
        }
        let offers = !message.body().is_empty() && method != Method::Prack;
        if offers && message.to_tag().is_some() {
            // RFC 4320 §4.2: of one that nobody answers nothing is said.
            let late = |sent: Instant| side == Side::Core && now >= sent + TIMER_F;
            let other = self.offers.insert(key, (branch.to_owned(), now));
            let other = other.filter(|(_, sent)| !late(*sent));
            assert!(other.is_none(), "two offers at a time to {side:?}");
        }
    }

    fn note_end(&mut self, message: &Message) {
        if message.is_request() && message.method() == Method::Bye {
            self.over.insert(message.call_id().to_owned());
        }
    }

    /// RFC 3262 §3, §5, RFC 3261 §13.2.1.
    fn check_reliability(&mut self, side: Side, message: &Message) {
        let status = message.status().unwrap_or(StatusCode::TRYING);
        if message.method() != Method::Invite || status == StatusCode::TRYING {
            return;
        }
        let (number, _) = message.cseq().expect("the edge writes CSeq");
        let name = (side, message.call_id().to_owned(), number);
        let key = (dialog(side, message), number);
        let rseq = message.typed::<RSeq>().ok().flatten();
        if status.is_provisional() {
            assert!(
                rseq.is_some() || !self.strict.contains(&name),
                "a plain {status} to {side:?}, which wants it reliable"
            );
            if let Some(RSeq(rseq)) = rseq {
                let last = self.promised.get(&key).copied();
                assert!(
                    last.is_none_or(|(last, kept)| rseq == last || (kept && rseq == last + 1)),
                    "RSeq {rseq} to {side:?} after {last:?}"
                );
                if last.is_none_or(|(last, _)| last != rseq) {
                    self.promised.insert(key.clone(), (rseq, false));
                }
            }
        }
        let reliably = rseq.is_some() || status.is_success();
        if reliably && !message.body().is_empty() {
            self.answered.insert(key.clone());
        }
        assert!(
            !status.is_success()
                || !self.asked.contains(&name)
                || self.answered.contains(&key)
                || self.over.contains(&name.1),
            "{status} to {side:?} without the answer that it owes"
        );
    }

    /// RFC 3264 §8.
    fn check_origin(&mut self, side: Side, message: &Message) {
        let failure = message.status().is_some_and(StatusCode::is_failure);
        if message.body().is_empty() || failure || message.header(HeaderName::ContentType).is_none()
        {
            return;
        }
        let said = origin(message.body());
        let key = (side, message.call_id().to_owned());
        if let Some((id, version, rest)) = self.origins.get(&key) {
            assert_eq!(*id, said.0, "the session has one o= towards {side:?}");
            // A description may come again, as it was.
            let expected = if *rest == said.2 {
                *version
            } else {
                version + 1
            };
            assert!(
                said.1 == expected || said.1 < *version,
                "o= version {} after {version} towards {side:?}",
                said.1
            );
            if said.1 < *version {
                return;
            }
        }
        self.origins.insert(key, said);
    }
}
