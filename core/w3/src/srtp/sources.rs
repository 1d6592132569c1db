//! RFC 3711 §3.3.1 and §3.3.2 — for each SSRC, how far it is and what was there.

use super::SrtpError;

/// A context keeps no more sources than that. To forget one would be to use its indices again.
pub const MAX_SOURCES: usize = 256;

/// In packets. Video that is repeated after a NACK comes hundreds of packets late.
const WINDOW: u64 = 1024;

/// The sources of one direction.
#[derive(Debug, Default)]
pub(super) struct Sources {
    sources: Vec<Source>,
    last: usize,
}

/// Where a packet of a source stands. Nothing is changed until it is [committed](Sources::commit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    source: Option<usize>,
    ssrc: u32,
    pub(super) index: u64,
}

#[derive(Debug)]
struct Source {
    ssrc: u32,
    highest: u64,
    /// A ring of bits, one for each of the last indices.
    seen: [u64; (WINDOW / 64) as usize],
}

impl Sources {
    /// The index of an RTP packet, out of its sequence number. Replayed packets have none.
    pub(super) fn rtp(&mut self, ssrc: u32, sequence: u16) -> Result<Place, SrtpError> {
        self.place(ssrc, |source| match source {
            None => Some(u64::from(sequence)),
            Some(source) => estimate(source.highest, sequence),
        })
    }

    /// The place of an RTCP packet, which says its index itself.
    pub(super) fn rtcp(&mut self, ssrc: u32, index: u32) -> Result<Place, SrtpError> {
        self.place(ssrc, |_| Some(u64::from(index)))
    }

    /// The packet is authentic: it was there.
    pub(super) fn commit(&mut self, place: Place) {
        let index = place.index;
        if let Some(source) = place.source.and_then(|at| self.sources.get_mut(at)) {
            source.note(index);
            return;
        }
        let mut source = Source {
            ssrc: place.ssrc,
            highest: index,
            seen: [0; (WINDOW / 64) as usize],
        };
        source.note(index);
        self.last = self.sources.len();
        self.sources.push(source);
    }

    fn place(
        &mut self,
        ssrc: u32,
        index: impl FnOnce(Option<&Source>) -> Option<u64>,
    ) -> Result<Place, SrtpError> {
        let at = self.find(ssrc);
        let source = at.and_then(|at| self.sources.get(at));
        let index = index(source).ok_or(SrtpError::Replayed)?;
        match source {
            None if self.sources.len() >= MAX_SOURCES => return Err(SrtpError::TooManySources),
            Some(source) if source.has(index) => return Err(SrtpError::Replayed),
            _ => {}
        }
        if index >> 48 != 0 {
            return Err(SrtpError::KeyExhausted);
        }
        Ok(Place {
            source: at,
            ssrc,
            index,
        })
    }

    fn find(&mut self, ssrc: u32) -> Option<usize> {
        if self.sources.get(self.last).is_some_and(|s| s.ssrc == ssrc) {
            return Some(self.last);
        }
        let at = self.sources.iter().position(|s| s.ssrc == ssrc)?;
        self.last = at;
        Some(at)
    }
}

impl Source {
    fn has(&self, index: u64) -> bool {
        if index > self.highest {
            return false;
        }
        if self.highest - index >= WINDOW {
            return true;
        }
        let (word, bit) = bit_of(index);
        self.seen[word] & bit != 0
    }

    fn note(&mut self, index: u64) {
        if index > self.highest {
            if index - self.highest >= WINDOW {
                self.seen.fill(0);
            } else {
                for skipped in self.highest + 1..index {
                    let (word, bit) = bit_of(skipped);
                    self.seen[word] &= !bit;
                }
            }
            self.highest = index;
        }
        let (word, bit) = bit_of(index);
        self.seen[word] |= bit;
    }
}

fn bit_of(index: u64) -> (usize, u64) {
    (((index % WINDOW) / 64) as usize, 1 << (index % 64))
}

/// RFC 3711 §3.3.1, appendix A — the index nearest to the highest that has this sequence number.
/// `None`: it would be before the beginning.
fn estimate(highest: u64, sequence: u16) -> Option<u64> {
    let (rollover, last) = (highest >> 16, highest as u16);
    let rollover = if last < 0x8000 {
        if sequence > last && sequence - last > 0x8000 {
            rollover.checked_sub(1)?
        } else {
            rollover
        }
    } else if last - 0x8000 > sequence {
        rollover + 1
    } else {
        rollover
    };
    Some(rollover << 16 | u64::from(sequence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_is_the_nearest() {
        assert_eq!(estimate(10, 11), Some(11));
        assert_eq!(estimate(0xffff, 0), Some(0x1_0000));
        assert_eq!(estimate(0x1_0000, 0xffff), Some(0xffff));
        assert_eq!(estimate(0x1_ffff, 3), Some(0x2_0003));
        assert_eq!(estimate(5, 0xfff0), None, "before the beginning");
        assert_eq!(estimate(0x7fff, 0xffff), Some(0xffff));
    }

    #[test]
    fn each_index_is_taken_once() {
        let mut sources = Sources::default();
        for sequence in [1100, 1101, 1099, 1700, 1300, 65535] {
            let place = sources.rtp(1, sequence);
            if sequence == 65535 {
                // 1700 less a whole round is before the beginning.
                assert_eq!(place, Err(SrtpError::Replayed));
                continue;
            }
            sources.commit(place.expect("new"));
            assert_eq!(sources.rtp(1, sequence), Err(SrtpError::Replayed));
        }
        let old = sources.rtp(1, 1700 - WINDOW as u16);
        assert_eq!(old, Err(SrtpError::Replayed), "older than the window");
        assert!(sources.rtp(1, 1701 - WINDOW as u16).is_ok());
        assert!(sources.rtp(2, 1700).is_ok(), "another source");
    }

    #[test]
    fn a_wrapped_ring_remembers_only_what_was_there() {
        let mut sources = Sources::default();
        let mut sent = std::collections::BTreeSet::new();
        let mut sequence = 0u64;
        for step in 0..4000u64 {
            sequence += 1 + (step * 7) % 5;
            let place = sources.rtp(9, sequence as u16).expect("new");
            assert_eq!(place.index, sequence);
            sources.commit(place);
            sent.insert(sequence);
            for back in (0..WINDOW).step_by(37) {
                let Some(index) = sequence.checked_sub(back) else {
                    break;
                };
                let known = sources.rtp(9, index as u16).is_err();
                assert_eq!(known, sent.contains(&index), "{index} at {sequence}");
            }
        }
    }

    #[test]
    fn there_is_an_end_to_sources() {
        let mut sources = Sources::default();
        for ssrc in 0..MAX_SOURCES as u32 {
            let place = sources.rtp(ssrc, 1).expect("room");
            sources.commit(place);
        }
        let more = sources.rtp(MAX_SOURCES as u32, 1);
        assert_eq!(more, Err(SrtpError::TooManySources));
        assert!(sources.rtp(0, 2).is_ok());
    }
}
