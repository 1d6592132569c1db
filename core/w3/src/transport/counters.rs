/// What a transport has done, and what it dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Good checks.
    pub checks_admitted: u64,
    /// Checks that were refused.
    pub checks_refused: u64,
    /// DTLS or media from where no good check came.
    pub wrong_source: u64,
    /// Media before the keys were there.
    pub early: u64,
    /// Media that were not authentic.
    pub not_authentic: u64,
    /// Media that were there before.
    pub replayed: u64,
    /// Everything else that came and was of no use.
    pub malformed: u64,
    /// Media packets that came in well.
    pub received: u64,
    /// Media packets that were protected.
    pub sent: u64,
}
