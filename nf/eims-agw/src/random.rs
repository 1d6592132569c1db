//! Unpredictable values from the seed that the gateway was made with.

use aws_lc_rs::hmac;

/// HMAC-SHA-256 in counter mode under the seed.
pub(crate) struct Random {
    key: hmac::Key,
    counter: u64,
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}

impl Random {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &seed),
            counter: 0,
        }
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(32) {
            let block = hmac::sign(&self.key, &self.counter.to_be_bytes());
            self.counter += 1;
            chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_the_same_twice_and_the_seed_decides() {
        let mut random = Random::new([1; 32]);
        let first = random.bytes::<24>();
        assert_ne!(first, random.bytes::<24>());
        assert_eq!(first, Random::new([1; 32]).bytes::<24>());
        assert_ne!(first, Random::new([2; 32]).bytes::<24>());
        assert_ne!(random.bytes::<40>()[..8], random.bytes::<40>()[32..]);
    }
}
