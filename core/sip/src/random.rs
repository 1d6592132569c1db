use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Random bytes from a seed: HMAC-SHA256 of a counter.
///
/// The shell seeds it from the operating system; a test seeds it with a constant and gets the same
/// branches, tags and Call-IDs on every run.
#[derive(Clone)]
pub struct Random {
    key: hmac::Key,
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl Random {
    /// One seed gives one sequence.
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &seed),
            counter: 0,
            block: [0; 32],
            used: 32,
        }
    }

    /// A seed for another machine, so that two of them never share a sequence.
    pub fn seed(&mut self) -> [u8; 32] {
        self.bytes()
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// 64 random bits.
    pub fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.bytes())
    }

    /// A number below `bound`, or 0 when `bound` is 0. The bias is below 2^-32 for bounds that fit
    /// in 32 bits.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.u64() % bound }
    }

    /// A `token` of RFC 3261 §25.1 made of `bytes` random bytes (and a third more characters).
    pub fn token(&mut self, bytes: usize) -> String {
        let mut raw = vec![0; bytes];
        self.fill(&mut raw);
        URL_SAFE_NO_PAD.encode(raw)
    }

    /// The same, for people and scripts too: programs take what begins with a hyphen for an option.
    pub fn identifier(&mut self, bytes: usize) -> String {
        let mut token = self.token(bytes);
        if token.starts_with('-') {
            token.replace_range(..1, "A");
        }
        token
    }

    /// A tag for From or To: RFC 3261 §19.3 asks for 32 bits at least, we give 72.
    pub fn tag(&mut self) -> String {
        self.token(9)
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.used == self.block.len() {
                let block = hmac::sign(&self.key, &self.counter.to_be_bytes());
                self.block.copy_from_slice(block.as_ref());
                self.counter += 1;
                self.used = 0;
            }
            *byte = self.block[self.used];
            self.used += 1;
        }
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_one_sequence() {
        let (mut a, mut b, mut c) = (
            Random::new([1; 32]),
            Random::new([1; 32]),
            Random::new([2; 32]),
        );
        let from_a: Vec<u64> = (0..100).map(|_| a.u64()).collect();
        let from_b: Vec<u64> = (0..100).map(|_| b.u64()).collect();
        assert_eq!(from_a, from_b);
        assert_ne!(from_a[0], c.u64());
        let mut distinct = from_a.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), from_a.len());
    }

    #[test]
    fn tokens_are_tokens() {
        let mut random = Random::new([3; 32]);
        let tag = random.tag();
        assert_eq!(tag.len(), 12);
        assert!(wire_sip::scan::is_token(&tag), "{tag}");
    }

    #[test]
    fn no_identifier_looks_like_an_option() {
        let mut random = Random::new([4; 32]);
        let all: Vec<String> = (0..2000).map(|_| random.identifier(15)).collect();
        assert!(
            all.iter()
                .all(|one| !one.starts_with('-') && one.len() == 20)
        );
        assert!(all.iter().any(|one| one.contains('-')));
    }
}
