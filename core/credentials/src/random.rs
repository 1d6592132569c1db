//! Randomness as an argument: the shell gives a seed, everything else follows from it.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A generator of unpredictable bytes from one unpredictable seed: HMAC-SHA-256 over a counter.
///
/// The same seed gives the same bytes, so that a test can say what comes out.
pub struct Random {
    key: hmac::Key,
    counter: u64,
}

impl Random {
    /// Starts from `seed`, which the shell takes from the operating system.
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &seed),
            counter: 0,
        }
    }

    /// `N` fresh bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        for chunk in out.chunks_mut(32) {
            let block = hmac::sign(&self.key, &self.counter.to_be_bytes());
            self.counter += 1;
            chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
        }
        out
    }

    /// A value nobody can guess, as 43 URL-safe characters (256 bits).
    pub fn token(&mut self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }

    /// A value that will not occur twice, as 22 URL-safe characters (126 bits at least): for public identifiers.
    /// People and scripts give them to programs, which take what begins with a hyphen for an option.
    pub fn identifier(&mut self) -> String {
        let mut identifier = URL_SAFE_NO_PAD.encode(self.bytes::<16>());
        if identifier.starts_with('-') {
            identifier.replace_range(..1, "A");
        }
        identifier
    }
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_from_the_seed_and_never_repeats() {
        let (mut a, mut b) = (Random::new([7; 32]), Random::new([7; 32]));
        let first = a.token();
        assert_eq!(first, b.token());
        assert_ne!(first, a.token());
        assert_ne!(Random::new([8; 32]).token(), first);
        assert_eq!(first.len(), 43);
        assert_eq!(a.identifier().len(), 22);
        assert_ne!(a.bytes::<40>()[..8], a.bytes::<40>()[32..]);
    }

    #[test]
    fn no_identifier_looks_like_an_option() {
        let mut random = Random::new([9; 32]);
        let all: Vec<String> = (0..2000).map(|_| random.identifier()).collect();
        assert!(
            all.iter()
                .all(|one| !one.starts_with('-') && one.len() == 22)
        );
        assert!(all.iter().any(|one| one.contains('-')));
    }
}
