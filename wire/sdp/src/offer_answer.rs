//! RFC 3264: whose turn it is on one leg, and the rules between one description and the next.

use crate::{Media, Session};

/// The two parties of one leg, seen from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// We wrote it.
    Local,
    /// The peer wrote it.
    Remote,
}

/// Where one leg stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum State {
    /// Nothing has been agreed on yet.
    #[default]
    Initial,
    /// An offer of this side waits for its answer.
    Offered(Side),
    /// The last offer was answered.
    Stable,
}

/// RFC 3264 on one leg: the last two descriptions, and the rules between one and the next.
#[derive(Debug, Clone, Default)]
pub struct OfferAnswer {
    state: State,
    local: Option<Session>,
    remote: Option<Session>,
    /// What stood on the offering side before an offer that is not yet answered.
    before: Option<(Side, Option<Session>, State)>,
}

/// A peer that breaks a rule of RFC 3264.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OfferAnswerError {
    /// RFC 3264 §4 — one offer at a time.
    #[error("an offer while another is not answered (RFC 3264 section 4)")]
    OfferWhileOffered,
    /// RFC 3264 §4 — an answer belongs to an offer of the other side.
    #[error("an answer without an offer (RFC 3264 section 4)")]
    AnswerWithoutOffer,
    /// RFC 3264 §6 — as many m-lines as the offer.
    #[error("an answer with another number of m-lines than its offer (RFC 3264 section 6)")]
    AnswerMediaCount,
    /// RFC 3264 §6 — of the same media types, in the same order.
    #[error("an answer with another media type in an m-line than its offer (RFC 3264 section 6)")]
    AnswerMediaType,
    /// RFC 3264 §8 — an m-line never goes away; its port becomes 0.
    #[error("an offer with fewer m-lines than before (RFC 3264 section 8)")]
    OfferLostMedia,
}

impl OfferAnswer {
    /// Takes an offer of this side.
    pub fn offer(&mut self, side: Side, offer: Session) -> Result<(), OfferAnswerError> {
        if matches!(self.state, State::Offered(_)) {
            return Err(OfferAnswerError::OfferWhileOffered);
        }
        let known = self
            .local
            .iter()
            .chain(&self.remote)
            .map(|s| s.medias().len())
            .max();
        if offer.medias().len() < known.unwrap_or(0) {
            return Err(OfferAnswerError::OfferLostMedia);
        }
        let slot = self.slot(side);
        let before = slot.replace(offer);
        self.before = Some((side, before, self.state));
        self.state = State::Offered(side);
        Ok(())
    }

    /// Takes the answer of this side to the offer of the other.
    pub fn answer(&mut self, side: Side, answer: Session) -> Result<(), OfferAnswerError> {
        let offerer = match side {
            Side::Local => Side::Remote,
            Side::Remote => Side::Local,
        };
        if self.state != State::Offered(offerer) {
            return Err(OfferAnswerError::AnswerWithoutOffer);
        }
        let offer = self.description(offerer).map_or(&[][..], Session::medias);
        if offer.len() != answer.medias().len() {
            return Err(OfferAnswerError::AnswerMediaCount);
        }
        let same = |(a, b): (&Media, &Media)| a.line().media == b.line().media;
        if !offer.iter().zip(answer.medias()).all(same) {
            return Err(OfferAnswerError::AnswerMediaType);
        }
        *self.slot(side) = Some(answer);
        self.before = None;
        self.state = State::Stable;
        Ok(())
    }

    /// The offer was refused (RFC 3261 §14.1, RFC 3311 §5.2): what was agreed on before holds.
    pub fn rollback(&mut self) {
        if let Some((side, description, state)) = self.before.take() {
            *self.slot(side) = description;
            self.state = state;
        }
    }

    /// Where the leg stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// The last description of this side.
    pub fn description(&self, side: Side) -> Option<&Session> {
        match side {
            Side::Local => self.local.as_ref(),
            Side::Remote => self.remote.as_ref(),
        }
    }

    fn slot(&mut self, side: Side) -> &mut Option<Session> {
        match side {
            Side::Local => &mut self.local,
            Side::Remote => &mut self.remote,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(media: &[&str]) -> Session {
        let mut text = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n".to_owned();
        for kind in media {
            text.extend(["m=", kind, " 49170 RTP/AVP 96\r\n"]);
        }
        Session::parse(text.as_bytes()).expect("a test's own text")
    }

    #[test]
    fn an_offer_is_answered_with_the_same_m_lines() {
        let mut leg = OfferAnswer::default();
        leg.offer(Side::Remote, session(&["audio", "video"]))
            .expect("first offer");
        assert_eq!(
            leg.answer(Side::Local, session(&["audio"])),
            Err(OfferAnswerError::AnswerMediaCount)
        );
        assert_eq!(
            leg.answer(Side::Local, session(&["video", "audio"])),
            Err(OfferAnswerError::AnswerMediaType)
        );
        leg.answer(Side::Local, session(&["audio", "video"]))
            .expect("its answer");
        assert_eq!(leg.state(), State::Stable);
    }

    #[test]
    fn offers_do_not_cross_and_never_shrink() {
        let mut leg = OfferAnswer::default();
        assert_eq!(
            leg.answer(Side::Remote, session(&["audio"])),
            Err(OfferAnswerError::AnswerWithoutOffer)
        );
        leg.offer(Side::Local, session(&["audio", "video"]))
            .expect("first offer");
        assert_eq!(
            leg.offer(Side::Remote, session(&["audio"])),
            Err(OfferAnswerError::OfferWhileOffered)
        );
        leg.answer(Side::Remote, session(&["audio", "video"]))
            .expect("its answer");
        assert_eq!(
            leg.offer(Side::Remote, session(&["audio"])),
            Err(OfferAnswerError::OfferLostMedia)
        );
    }

    #[test]
    fn a_refused_offer_leaves_what_was_agreed_on() {
        let mut leg = OfferAnswer::default();
        leg.offer(Side::Local, session(&["audio"]))
            .expect("first offer");
        leg.answer(Side::Remote, session(&["audio"]))
            .expect("its answer");
        leg.offer(Side::Remote, session(&["audio", "video"]))
            .expect("second offer");
        leg.rollback();
        assert_eq!(leg.state(), State::Stable);
        assert_eq!(leg.description(Side::Remote), Some(&session(&["audio"])));
    }
}
