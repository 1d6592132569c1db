//! An offer that says again what was agreed on: a session refresh, most of all. Nothing in it is read, nothing is
//! written anew and the gateway is not asked: what each leg saw the last time, it sees again.
//!
//! ```text
//!            the same offer            the same answer
//!   Agreed ─────────────────▶ Repeated ───────────────▶ Agreed
//!                                │ another answer
//!                                └──▶ Offered, as if the offer had been read ─▶ …
//! ```

use bytes::Bytes;
use wire_sdp::Session;

use super::call::{Agreed, Answer, Offer, Phase};
use super::negotiation::{Finality, Negotiation, Next};
use super::{Leg, Refused};

impl Agreed {
    /// What is kept of an offer and its answer once nothing but another offer can follow.
    pub(super) fn of(offer: &Offer, answer: &Answer) -> Self {
        // What was refused, or is the edge's own word, is looked at anew.
        let whole = !offer.own
            && offer.kept.is_empty()
            && answer.given.is_none()
            && offer.streams.iter().all(Option::is_some)
            && answer.received.medias().iter().all(|m| m.line().port != 0);
        // What was written grew as it was: what is kept is as long as it is.
        let kept = |bytes: &Bytes| Bytes::copy_from_slice(bytes);
        Self {
            from: offer.from,
            offered: kept(&offer.received.to_bytes()),
            answered: kept(&answer.received.to_bytes()),
            sent: whole.then(|| (kept(&offer.written), kept(&answer.sent))),
        }
    }
}

impl Negotiation {
    /// Whether an offer is the last one again, but for the version in `o=`, which some count up each time, and what it
    /// was written as is the last that the other leg has seen.
    pub(super) fn said_again(&self, from: Leg, sdp: &[u8]) -> Option<Bytes> {
        let Phase::Agreed(agreed) = &self.call.phase else {
            return None;
        };
        let (offer, answer) = agreed.sent.as_ref()?;
        let same = agreed.from == from && is_same(&agreed.offered, sdp);
        let (to_offerer, to_answerer) = match from {
            Leg::Wic => (&self.to_wic, &self.to_core),
            Leg::Core => (&self.to_core, &self.to_wic),
        };
        let last = same && to_answerer.was_last(offer) && to_offerer.was_last(answer);
        last.then(|| offer.clone())
    }

    /// The answer to an offer that came again: `None` when it is another one than the last, and has to be read, and the
    /// offer with it.
    pub(super) fn answered_again(&mut self, sdp: &[u8], finality: Finality) -> Option<Next> {
        let Phase::Repeated(agreed, again) = &mut self.call.phase else {
            return None;
        };
        if finality != Finality::Final || !is_same(&agreed.answered, sdp) {
            return None;
        }
        agreed.offered = std::mem::take(again);
        agreed.answered = Bytes::copy_from_slice(sdp);
        let answer = agreed.sent.as_ref().map(|(_, answer)| answer.clone())?;
        self.call.phase = Phase::Agreed(agreed.clone());
        Some(Next::Forward(answer))
    }

    /// An offer that came again has another answer: it is read after all. It says what it said before, so that the other
    /// leg was sent what is written now.
    pub(super) fn read_after_all(&mut self) -> Result<(), Refused> {
        let Phase::Repeated(agreed, again) = &self.call.phase else {
            return Ok(());
        };
        let (from, received) = (agreed.from, Session::parse(again)?);
        self.forget_repetition();
        match self.take(from, received, false)? {
            Next::Forward(_) => Ok(()),
            _ => Err(Refused::Misuse("an offer that came again is a new one")),
        }
    }

    /// An offer that came again was refused, or not answered.
    pub(super) fn forget_repetition(&mut self) {
        if let Phase::Repeated(agreed, _) = &mut self.call.phase {
            self.call.phase = Phase::Agreed(agreed.clone());
        }
    }
}

/// Whether two descriptions are the same but for the version in `o=`.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let parts = |text| {
        let (before, rest) = version(text)?;
        let end = rest.iter().position(|octet| *octet == b' ')?;
        Some((before, &rest[end..]))
    };
    parts(one).is_some_and(|one: (&[u8], &[u8])| parts(other) == Some(one))
}

/// What is before the version in `o=`, the second line, and what begins with it.
fn version(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = text.iter().position(|octet| *octet == b'\n')? + 1;
    if !text[line..].starts_with(b"o=") {
        return None;
    }
    let mut spaces = (line..text.len()).filter(|at| text[*at] == b' ');
    let at = spaces.nth(1)? + 1;
    Some(text.split_at(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_may_differ() {
        let one = b"v=0\r\no=- 7 3 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
        let same = |text: &str| is_same(one, text.as_bytes());
        assert!(same("v=0\r\no=- 7 4 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"));
        assert!(same("v=0\r\no=- 7 30 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"));
        assert!(!same("v=0\r\no=- 8 3 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"));
        assert!(!same("v=0\r\no=- 7 3 IN IP4 127.0.0.2\r\ns=-\r\nt=0 0\r\n"));
        assert!(!same(
            "v=0\r\no=- 7 4 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=x\r\n"
        ));
        for nonsense in ["", "v=0", "v=0\r\no=", "v=0\r\no=- 7", "v=0\r\ns=-\r\n"] {
            assert!(!same(nonsense) && !is_same(nonsense.as_bytes(), nonsense.as_bytes()));
        }
    }
}
