//! What was sent of late, so that a NACK (RFC 4585 §6.2.1) can be answered from here.
//!
//! A packet that was lost between gateway and receiver is repeated by the gateway, byte for byte:
//! the same SRTP index gives the same ciphertext, so nothing new is revealed (RFC 3711 §9.1). Only
//! what the gateway never had is asked of the sender. rtx is not offered, so a repetition has the
//! SSRC and sequence number of the first.

/// Room for about a second of video at 2 Mbit/s.
const ARENA: usize = 256 * 1024;

/// More packets than that are not kept, however small they are. A power of two.
const ENTRIES: usize = 512;

/// A packet is not repeated more often than that.
const REPETITIONS: u8 = 8;

/// The last packets of one direction of a stream. All room is taken at construction.
pub(crate) struct SentPackets {
    arena: Box<[u8]>,
    entries: Box<[Entry]>,
    /// Where the next packet goes, counted from the beginning of time.
    head: u64,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    ssrc: u32,
    sequence: u16,
    length: u16,
    position: u64,
    repeated: u8,
}

impl std::fmt::Debug for SentPackets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SentPackets").finish_non_exhaustive()
    }
}

impl SentPackets {
    pub(crate) fn new() -> Self {
        Self {
            arena: vec![0; ARENA].into(),
            entries: vec![Entry::default(); ENTRIES].into(),
            head: 0,
        }
    }

    /// Keeps a copy of what is sent.
    pub(crate) fn keep(&mut self, ssrc: u32, sequence: u16, packet: &[u8]) {
        let length = packet.len();
        if length == 0 || length > usize::from(u16::MAX) {
            return;
        }
        let mut start = (self.head % ARENA as u64) as usize;
        if start + length > ARENA {
            // Does not fit before the end: begin again at the front.
            self.head += (ARENA - start) as u64;
            start = 0;
        }
        self.arena[start..start + length].copy_from_slice(packet);
        self.entries[usize::from(sequence) % ENTRIES] = Entry {
            ssrc,
            sequence,
            length: length as u16,
            position: self.head,
            repeated: 0,
        };
        self.head += length as u64;
    }

    /// Whether a packet is still there and was not repeated too often.
    pub(crate) fn has(&self, ssrc: u32, sequence: u16) -> bool {
        let entry = &self.entries[usize::from(sequence) % ENTRIES];
        entry.length > 0
            && entry.ssrc == ssrc
            && entry.sequence == sequence
            && entry.repeated < REPETITIONS
            && self.head - entry.position <= ARENA as u64
    }

    /// Finds a packet that [is there](Self::has), and counts the repetition.
    pub(crate) fn repeat(&mut self, ssrc: u32, sequence: u16) -> Option<&[u8]> {
        if !self.has(ssrc, sequence) {
            return None;
        }
        let entry = &mut self.entries[usize::from(sequence) % ENTRIES];
        entry.repeated += 1;
        let start = (entry.position % ARENA as u64) as usize;
        Some(&self.arena[start..start + usize::from(entry.length)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_comes_back_a_few_times() {
        let mut sent = SentPackets::new();
        sent.keep(1, 65535, b"last");
        sent.keep(1, 0, b"first");
        assert_eq!(sent.repeat(1, 65535), Some(&b"last"[..]));
        assert_eq!(sent.repeat(2, 65535), None);
        assert_eq!(sent.repeat(1, 1), None);
        for _ in 0..REPETITIONS {
            assert_eq!(sent.repeat(1, 0), Some(&b"first"[..]));
        }
        assert_eq!(sent.repeat(1, 0), None);
    }

    #[test]
    fn old_packets_make_room_and_are_never_mixed_up() {
        let mut sent = SentPackets::new();
        for sequence in 0..5000u16 {
            let packet = [sequence as u8; 1201];
            sent.keep(9, sequence, &packet);
            if let Some(old) = sequence.checked_sub(150) {
                assert_eq!(sent.repeat(9, old), Some(&[old as u8; 1201][..]));
            }
            if let Some(older) = sequence.checked_sub(230) {
                assert_eq!(sent.repeat(9, older), None, "{older} was overwritten");
            }
        }
    }
}
