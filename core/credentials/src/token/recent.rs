//! Tokens that passed a moment ago: a WIC shows the same one in every request (TS 24.371 §7.2.1).

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};

use super::Claims;

/// Tokens in one generation; there are two, and a claim has some 500 bytes.
const GENERATION: usize = 4096;

/// What a token is remembered by: nothing that could be shown again.
pub(super) type Fingerprint = [u8; 32];

/// The tokens that passed most recently. When one generation is full it becomes the old one, and the
/// old one is forgotten; what is asked for in the old one moves to the new.
#[derive(Default)]
pub(super) struct Recent {
    new: HashMap<Fingerprint, Remembered>,
    old: HashMap<Fingerprint, Remembered>,
}

/// What a token says, and until when that need not be asked again.
pub(super) struct Remembered {
    pub(super) claims: Claims,
    pub(super) until: u64,
}

impl Recent {
    pub(super) fn fingerprint(token: &str) -> Fingerprint {
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        fingerprint
    }

    pub(super) fn claims(&mut self, fingerprint: &Fingerprint, now: u64) -> Option<&Claims> {
        if let Some(old) = self.old.remove(fingerprint) {
            self.remember(*fingerprint, old.claims, old.until);
        }
        let known = self.new.get(fingerprint)?;
        (now < known.until).then_some(&known.claims)
    }

    pub(super) fn remember(&mut self, fingerprint: Fingerprint, claims: Claims, until: u64) {
        if self.new.len() >= GENERATION {
            self.old = std::mem::take(&mut self.new);
        }
        self.new.insert(fingerprint, Remembered { claims, until });
    }

    pub(super) fn forget_all(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(number: usize) -> Fingerprint {
        Recent::fingerprint(&number.to_string())
    }

    #[test]
    fn memory_is_bounded_and_keeps_what_is_asked_for() {
        let mut recent = Recent::default();
        let favourite = fingerprint(0);
        for number in 0..10 * GENERATION {
            recent.remember(fingerprint(number), Claims::default(), 2);
            assert!(recent.claims(&favourite, 1).is_some(), "{number}");
            assert!(recent.new.len() + recent.old.len() <= 2 * GENERATION + 1);
        }
        assert!(recent.claims(&fingerprint(1), 1).is_none());
        let last = fingerprint(10 * GENERATION - 1);
        assert!(recent.claims(&last, 1).is_some());
        assert!(recent.claims(&last, 2).is_none(), "it is to be asked again");
        recent.forget_all();
        assert!(recent.claims(&favourite, 1).is_none());
    }
}
