//! What everything that leaves the shard keeps to, as the side that gets it sees it.

use std::collections::{HashMap, HashSet};

use wire_sip::header::{RAck, RSeq};
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::agent::Side;
use crate::text::origin;

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
    /// Offers in requests that went out and wait for their final response, by branch.
    offers: HashMap<Dialog, String>,
    /// The last description that went out, by call.
    origins: HashMap<(Side, String), (String, u64, String)>,
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
        let Some(status) = message.status() else {
            return;
        };
        let key = dialog(side, message);
        let (number, _) = message.cseq().expect("the model writes CSeq");
        if status.is_provisional()
            && let Ok(Some(RSeq(rseq))) = message.typed::<RSeq>()
        {
            self.reliable.insert((key.clone(), rseq, number));
        }
        if status.is_final() {
            let branch = message.top_branch().unwrap_or_default();
            self.offers.retain(|_, of| of != branch);
        }
    }

    /// Something left for this side.
    pub(crate) fn left(&mut self, side: Side, message: &Message) {
        if message.method() == Method::Register || message.method() == Method::Subscribe {
            return;
        }
        self.check_origin(side, message);
        if !message.is_request() {
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
            let other = self.offers.insert(key, branch.to_owned());
            assert!(other.is_none(), "two offers at a time to {side:?}");
        }
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
