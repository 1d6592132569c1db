use std::collections::BTreeSet;

use bytes::Bytes;

use super::crc32c::crc32c;
use super::horizon::{COMMON_HEADER, DATA, chunks};

/// What comes in a channel that we have closed, until the peer has closed it too.
///
/// RFC 8831 §6.7 has the peer reset its own direction, behind all that it sent; nobody reads that. The engine
/// would keep it in the window, which is one for all channels, and end the association once that is full. So
/// DATA of such a stream is given to the engine as of another, that no channel has (RFC 8832 §5.1), each chunk
/// a message, and read there at once.
#[derive(Debug, Default)]
pub(super) struct Discard {
    streams: BTreeSet<u16>,
    /// Whether there ever was one.
    began: bool,
}

/// Where it goes.
pub(super) const NOWHERE: u16 = u16::MAX;

const STREAM: std::ops::Range<usize> = 8..10;
/// U, B and E: out of order, and a whole message.
const WHOLE: u8 = 0b111;

impl Discard {
    /// We closed it.
    pub(super) fn begin(&mut self, stream: u16) {
        self.streams.insert(stream);
        self.began = true;
    }

    /// Whether it is read here, and nobody is told.
    pub(super) fn takes(&self, stream: u16) -> bool {
        self.began && stream == NOWHERE
    }

    /// The peer closed it.
    pub(super) fn end(&mut self, stream: u16) {
        self.streams.remove(&stream);
    }

    /// The packet, as the engine is to see it.
    pub(super) fn divert(&self, packet: Bytes) -> Bytes {
        let is_closed = |chunk: &[u8]| match (chunk.first(), chunk.get(STREAM)) {
            (Some(&DATA), Some(&[high, low])) => {
                self.streams.contains(&u16::from_be_bytes([high, low]))
            }
            _ => false,
        };
        if self.streams.is_empty() || !chunks(&packet).any(is_closed) {
            return packet;
        }
        let mut diverted = packet.to_vec();
        // What was damaged stays so.
        let sum = std::mem::take(diverted[8..].first_chunk_mut().unwrap_or(&mut [0; 4]));
        if crc32c(&diverted) != sum {
            return packet;
        }
        let mut at = COMMON_HEADER;
        for chunk in chunks(&packet) {
            if is_closed(chunk) {
                diverted[at + 1] |= WHOLE;
                diverted[at..][STREAM].copy_from_slice(&NOWHERE.to_be_bytes());
            }
            at += chunk.len();
        }
        let sum = crc32c(&diverted);
        diverted[8..COMMON_HEADER].copy_from_slice(&sum);
        diverted.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(streams: &[u16]) -> Bytes {
        let mut packet = vec![7; COMMON_HEADER];
        packet[8..].fill(0);
        for stream in streams {
            packet.extend([DATA, 0b1010, 0, 17, 0, 0, 0, 1]);
            packet.extend(stream.to_be_bytes());
            packet.extend([0, 5, 0, 0, 0, 51, 9, 0, 0, 0]);
        }
        let sum = crc32c(&packet);
        packet[8..COMMON_HEADER].copy_from_slice(&sum);
        packet.into()
    }

    #[test]
    fn only_what_is_closed_goes_elsewhere() {
        let mut discard = Discard::default();
        let both = packet(&[4, 6]);
        assert_eq!(discard.divert(both.clone()), both);
        discard.begin(6);
        let diverted = discard.divert(both.clone());
        let [open, closed] = chunks(&diverted).collect::<Vec<_>>()[..] else {
            panic!("{diverted:?}");
        };
        assert_eq!(Some(&open), chunks(&both).collect::<Vec<_>>().first());
        assert_eq!(closed[STREAM], NOWHERE.to_be_bytes());
        assert_eq!((closed[1], closed.len()), (0b1111, 20));
        let mut zeroed = diverted.to_vec();
        zeroed[8..COMMON_HEADER].fill(0);
        assert_eq!(diverted[8..COMMON_HEADER], crc32c(&zeroed));
        discard.end(6);
        assert_eq!(discard.divert(both.clone()), both);
    }

    #[test]
    fn what_is_damaged_or_cut_stays_as_it_is() {
        let mut discard = Discard::default();
        discard.begin(6);
        let whole = packet(&[6]);
        let mut damaged = whole.to_vec();
        damaged[30] ^= 1;
        for bytes in [&damaged[..], &whole[..21], &whole[..13], &[]] {
            let packet = Bytes::copy_from_slice(bytes);
            assert_eq!(discard.divert(packet.clone()), packet);
        }
    }
}
