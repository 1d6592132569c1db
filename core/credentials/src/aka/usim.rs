//! A SIM in software (TS 33.102 §6.3.3): for the laboratory, where no card is at hand.

use super::sequence::INDEXES;
use super::{Autn, Auts, Milenage, Rand, Sqn};

/// The secrets and the memory of one SIM.
#[derive(Debug, Clone)]
pub struct Usim {
    milenage: Milenage,
    /// TS 33.102 §C.2.2 — the highest SEQ that was taken, for each IND.
    taken: [u64; INDEXES],
    /// The highest SQN that was taken.
    highest: Sqn,
}

/// What a SIM makes of a challenge.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// The network is the home network, and this is the answer.
    Response {
        /// RES: as many bytes as the algorithm makes, 4 to 16.
        res: Vec<u8>,
        /// CK, for [`Version::password`](super::Version::password) and nobody else.
        ck: [u8; 16],
        /// IK, likewise.
        ik: [u8; 16],
    },
    /// The network's SQN was used before: AUTS says where the SIM stands.
    SyncFailure {
        /// To be sent as `auts`.
        auts: Auts,
    },
    /// Not from the home network.
    MacFailure,
}

impl Usim {
    /// A SIM that has taken nothing yet.
    pub fn new(milenage: Milenage) -> Self {
        Self::with_sequence(milenage, Sqn::default())
    }

    /// A SIM that has taken `highest`, and takes nothing older in any list.
    pub fn with_sequence(milenage: Milenage, highest: Sqn) -> Self {
        Self {
            milenage,
            taken: [highest.sequence(); INDEXES],
            highest,
        }
    }

    /// The highest SQN that was taken, to be kept for [`Self::with_sequence`].
    pub fn sequence(&self) -> Sqn {
        self.highest
    }

    /// TS 33.102 §6.3.3 — first whether it is the home network, then whether it is fresh.
    pub fn respond(&mut self, rand: &Rand, autn: &Autn) -> Answer {
        let Some((sqn, _)) = self.milenage.open_autn(rand, autn) else {
            return Answer::MacFailure;
        };
        let taken = &mut self.taken[sqn.index()];
        if sqn.sequence() <= *taken {
            let auts = self.milenage.auts(rand, self.highest);
            return Answer::SyncFailure { auts };
        }
        *taken = sqn.sequence();
        self.highest = self.highest.max(sqn);
        Answer::Response {
            res: self.milenage.f2(rand).to_vec(),
            ck: self.milenage.f3(rand),
            ik: self.milenage.f4(rand),
        }
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Response { .. } => "Response(..)",
            Self::SyncFailure { .. } => "SyncFailure(..)",
            Self::MacFailure => "MacFailure",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aka::HomeSequence;

    const AMF: [u8; 2] = [0x80, 0];

    fn pair() -> (Milenage, Usim) {
        let milenage = Milenage::new([1; 16], [2; 16]);
        (milenage.clone(), Usim::new(milenage))
    }

    #[test]
    fn a_fresh_challenge_is_answered_once() {
        let (milenage, mut usim) = pair();
        let mut home = HomeSequence::default();
        let vector = home.vector(&milenage, [3; 16], AMF);
        let Answer::Response { res, ck, ik } = usim.respond(&vector.rand, &vector.autn) else {
            panic!("it is fresh");
        };
        assert_eq!(
            (res.as_slice(), ck, ik),
            (&vector.xres[..], vector.ck, vector.ik)
        );
        let again = usim.respond(&vector.rand, &vector.autn);
        assert!(matches!(again, Answer::SyncFailure { .. }));
    }

    /// TS 33.102 §C.3.2 — vectors that overtook one another are good, each in its own list.
    #[test]
    fn vectors_may_overtake_one_another() {
        let (milenage, mut usim) = pair();
        let mut home = HomeSequence::default();
        let first = home.vector(&milenage, [3; 16], AMF);
        let second = home.vector(&milenage, [4; 16], AMF);
        for vector in [second, first] {
            let answer = usim.respond(&vector.rand, &vector.autn);
            assert!(matches!(answer, Answer::Response { .. }));
        }
    }

    #[test]
    fn a_home_that_is_behind_catches_up() {
        let (milenage, _) = pair();
        let mut usim = Usim::with_sequence(milenage.clone(), Sqn::from_number(900 << 5 | 7));
        let mut home = HomeSequence::default();
        let vector = home.vector(&milenage, [3; 16], AMF);
        let Answer::SyncFailure { auts } = usim.respond(&vector.rand, &vector.autn) else {
            panic!("it is old");
        };
        assert!(home.resynchronise(&milenage, &vector.rand, &auts));
        let vector = home.vector(&milenage, [4; 16], AMF);
        let answer = usim.respond(&vector.rand, &vector.autn);
        assert!(matches!(answer, Answer::Response { .. }));
        assert_eq!(usim.sequence(), home.last());
    }

    #[test]
    fn another_network_gets_no_answer() {
        let (_, mut usim) = pair();
        let other = Milenage::new([5; 16], [2; 16]);
        let vector = HomeSequence::default().vector(&other, [3; 16], AMF);
        let answer = usim.respond(&vector.rand, &vector.autn);
        assert_eq!(answer, Answer::MacFailure);
        assert_eq!(usim.sequence(), Sqn::default());
    }
}
