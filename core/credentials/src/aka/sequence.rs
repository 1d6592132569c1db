//! Sequence numbers, and how a home deals them out (TS 33.102 Annex C).

use super::{Amf, AuthenticationVector, Auts, Milenage, Rand};

/// TS 33.102 §C.1.1.1 — SQN: 48 bits, the last five of which say which part of the SIM's list it goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sqn(u64);

const INDEX_BITS: u32 = 5;
const MASK: u64 = (1 << 48) - 1;
/// When 2026 began, in seconds of Unix time.
const YEAR_2026: u64 = 1_767_225_600;

/// How many sequences run beside one another (TS 33.102 §C.3.1).
pub(super) const INDEXES: usize = 1 << INDEX_BITS;

impl Sqn {
    /// As it is sent.
    pub fn from_bytes(bytes: [u8; 6]) -> Self {
        Self(
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        )
    }

    /// As it is sent.
    pub fn to_bytes(self) -> [u8; 6] {
        std::array::from_fn(|i| (self.0 >> (40 - 8 * i)) as u8)
    }

    /// TS 33.102 §C.1.1.3 — where a home begins that keeps no sequence but has a clock: SEQ is the
    /// seconds since 2026 began. As long as nobody is challenged more than once a second on the
    /// average, each start is ahead of all that was dealt out before it; and a new SIM that bounds how
    /// far SEQ may jump (§C.2.1, Δ = 2^28) takes it until 2034.
    pub fn of_clock(unix_seconds: u64) -> Self {
        Self::from_number(unix_seconds.saturating_sub(YEAR_2026) << INDEX_BITS)
    }

    /// As a number, to be kept; what does not fit into 48 bits is cut off.
    pub fn from_number(number: u64) -> Self {
        Self(number & MASK)
    }

    /// As a number, to be kept.
    pub fn number(self) -> u64 {
        self.0
    }

    /// TS 33.102 §C.1.1.1 — SEQ.
    pub(super) fn sequence(self) -> u64 {
        self.0 >> INDEX_BITS
    }

    /// TS 33.102 §C.1.1.1 — IND.
    pub(super) fn index(self) -> usize {
        self.0 as usize % INDEXES
    }

    /// TS 33.102 §C.1.2 — the next one, without a clock: SEQ and IND go up by one.
    fn next(self) -> Self {
        let sequence = self.sequence() + 1;
        let index = (self.index() + 1) % INDEXES;
        Self::from_number(sequence << INDEX_BITS | index as u64)
    }
}

/// The home's side of one subscription: its SQN_HE, to be kept with the subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HomeSequence {
    last: Sqn,
}

impl HomeSequence {
    /// Goes on after the last that was dealt out.
    pub fn after(last: Sqn) -> Self {
        Self { last }
    }

    /// The last that was dealt out.
    pub fn last(&self) -> Sqn {
        self.last
    }

    /// TS 33.102 §6.3.2 — a fresh vector.
    pub fn vector(&mut self, milenage: &Milenage, rand: Rand, amf: Amf) -> AuthenticationVector {
        self.last = self.last.next();
        milenage.vector(rand, self.last, amf)
    }

    /// TS 33.102 §6.3.5 — takes over where the SIM stands; `false` if AUTS is not from that SIM for
    /// this RAND. The next vector is one that the SIM takes.
    pub fn resynchronise(&mut self, milenage: &Milenage, rand: &Rand, auts: &Auts) -> bool {
        let sqn = milenage.open_auts(rand, auts);
        if let Some(sqn) = sqn {
            self.last = self.last.max(sqn);
        }
        sqn.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_numbers_are_the_same() {
        let bytes = [0xff, 0x9b, 0xb4, 0xd0, 0xb6, 0x07];
        let sqn = Sqn::from_bytes(bytes);
        assert_eq!(sqn.number(), 0xff9b_b4d0_b607);
        assert_eq!(sqn.to_bytes(), bytes);
        assert_eq!((sqn.sequence(), sqn.index()), (0x07fc_dda6_85b0, 7));
        assert_eq!(Sqn::from_number(1 << 48), Sqn::default());
    }

    #[test]
    fn each_is_new_in_a_list_of_its_own() {
        let mut sqn = Sqn::default();
        for round in 1..100u64 {
            sqn = sqn.next();
            assert_eq!(sqn.sequence(), round);
            assert_eq!(sqn.index() as u64, round % 32);
        }
    }

    /// TS 33.102 §C.1.1.3
    #[test]
    fn a_clock_is_ahead_of_what_was_dealt_out_before() {
        let milenage = Milenage::new([1; 16], [2; 16]);
        let mut home = HomeSequence::after(Sqn::of_clock(1_800_000_000));
        for _ in 0..3600 {
            let _ = home.vector(&milenage, [9; 16], [0; 2]);
        }
        let later = Sqn::of_clock(1_800_003_601);
        assert!(home.last().sequence() < later.sequence());
        assert!(later.sequence() < 1 << 28);
        assert_eq!(Sqn::of_clock(0), Sqn::default());
    }

    #[test]
    fn only_the_sim_itself_moves_the_sequence() {
        let milenage = Milenage::new([1; 16], [2; 16]);
        let rand = [9; 16];
        let mut home = HomeSequence::default();
        let sim = Sqn::from_number(123 << 5);
        let auts = milenage.auts(&rand, sim);
        let stranger = Milenage::new([7; 16], [2; 16]);
        assert!(!home.resynchronise(&milenage, &rand, &stranger.auts(&rand, sim)));
        assert!(!home.resynchronise(&milenage, &[8; 16], &auts));
        assert_eq!(home, HomeSequence::default());
        assert!(home.resynchronise(&milenage, &rand, &auts));
        assert_eq!(home.last(), sim);
        // An old AUTS does not bring old numbers back.
        assert!(home.resynchronise(&milenage, &rand, &milenage.auts(&rand, Sqn::from_number(5))));
        assert_eq!(home.last(), sim);
    }
}
