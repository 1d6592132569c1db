//! Which stream a datagram from the W3 side belongs to: by 5-tuple when its source is known, by
//! username fragment when it is new.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

use core_w3::Path;

/// A table keyed by where a datagram came from and by which socket.
pub(crate) type ByPath = HashMap<Path, u32, Keyed>;

/// A table keyed by the gateway's username fragments.
pub(crate) type ByUfrag = HashMap<Box<str>, u32, Keyed>;

/// Multiply-and-fold hashing under a key of our own: one lookup a packet must be cheap, and who
/// sends to us must not choose the collisions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keyed {
    key: [u64; 2],
}

impl Keyed {
    pub(crate) fn new(key: [u8; 16]) -> Self {
        let value = u128::from_le_bytes(key);
        Self {
            // Odd, so that the multiplication loses nothing.
            key: [value as u64, (value >> 64) as u64 | 1],
        }
    }
}

impl BuildHasher for Keyed {
    type Hasher = Folding;

    fn build_hasher(&self) -> Folding {
        Folding {
            state: self.key[0],
            factor: self.key[1],
        }
    }
}

pub(crate) struct Folding {
    state: u64,
    factor: u64,
}

impl Folding {
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.factor);
        self.state = (product as u64) ^ ((product >> 64) as u64) ^ self.factor.rotate_left(23);
    }
}

impl Hasher for Folding {
    fn finish(&self) -> u64 {
        self.state.wrapping_mul(self.factor) ^ (self.state >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.fold(u64::from_le_bytes(word));
        }
        self.fold(bytes.len() as u64);
    }

    fn write_u8(&mut self, value: u8) {
        self.fold(u64::from(value));
    }

    fn write_u16(&mut self, value: u16) {
        self.fold(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.fold(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.fold(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.fold(value as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_spread_and_the_key_decides_how() {
        let address = |port: u16| Path {
            local: 0,
            remote: ([198, 51, 100, 7], port).into(),
        };
        let one = Keyed::new([7; 16]);
        let other = Keyed::new([8; 16]);
        let mut buckets = [0u32; 256];
        let mut differ = 0;
        for port in 0..4096 {
            let hash = one.hash_one(address(port));
            buckets[(hash & 255) as usize] += 1;
            differ += u32::from(hash != other.hash_one(address(port)));
        }
        assert_eq!(differ, 4096);
        assert!(buckets.iter().all(|&n| n > 0 && n < 64), "{buckets:?}");
        let mut tops = [0u32; 128];
        for port in 0..4096 {
            tops[(one.hash_one(address(port)) >> 57) as usize] += 1;
        }
        assert!(tops.iter().all(|&n| n > 0 && n < 128), "{tops:?}");
    }
}
