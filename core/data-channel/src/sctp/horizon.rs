use bytes::Bytes;

use super::crc32c::crc32c;

/// Holds a peer to so many chunks ahead of what was read.
///
/// The window counts bytes (RFC 9260 §6.2), and a chunk of one byte costs as much as one of two hundred: what fits a
/// megabyte so would be a quarter of a gigabyte. DATA beyond the horizon is taken out of its packet, as if the network
/// had lost it; the peer sends it again. With chunks of more than 64 bytes the window is shut before.
#[derive(Debug, Default)]
pub(super) struct Horizon {
    /// The TSN up to which all was read, at a moment when nothing waited.
    base: Option<u32>,
    /// Chunks read since.
    read: u32,
}

/// So many chunks may wait to be read.
const CHUNKS: u32 = 16 * 1024;
pub(super) const COMMON_HEADER: usize = 12;
pub(super) const DATA: u8 = 0;

impl Horizon {
    /// A SACK leaves. Nothing waits if it has no gaps and tells of all the room there is.
    pub(super) fn acknowledged(&mut self, tsn: u32, nothing_waits: bool) {
        if nothing_waits || self.base.is_none() {
            self.base = Some(tsn);
            self.read = 0;
        }
    }

    /// A message of so many chunks was read.
    pub(super) fn read(&mut self, chunks: usize) {
        let chunks = u32::try_from(chunks).unwrap_or(u32::MAX);
        self.read = self.read.saturating_add(chunks);
    }

    /// What of a packet goes to the engine; `None` if nothing is left.
    pub(super) fn admit(&self, packet: Bytes) -> Option<Bytes> {
        let Some(base) = self.base else {
            return Some(packet);
        };
        let most = self.read.saturating_add(CHUNKS);
        // RFC 1982: what is behind the base is far ahead of it, by half of all numbers and more.
        let is_beyond = |tsn: u32| (most..u32::MAX / 2).contains(&tsn.wrapping_sub(base));
        if !chunks(&packet).any(|chunk| tsn_of(chunk).is_some_and(is_beyond)) {
            return Some(packet);
        }
        let mut rest = packet.get(..COMMON_HEADER)?.to_vec();
        for chunk in chunks(&packet) {
            if !tsn_of(chunk).is_some_and(is_beyond) {
                rest.extend_from_slice(chunk);
            }
        }
        if rest.len() == COMMON_HEADER {
            return None;
        }
        rest[8..COMMON_HEADER].fill(0);
        let checksum = crc32c(&rest);
        rest[8..COMMON_HEADER].copy_from_slice(&checksum);
        Some(rest.into())
    }
}

/// RFC 9260 §3.2 — the chunks of a packet, each with its padding, as far as they can be read.
pub(super) fn chunks(packet: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = packet.get(COMMON_HEADER..).unwrap_or_default();
    std::iter::from_fn(move || {
        let [_, _, high, low] = *rest.first_chunk()?;
        let length = usize::from(u16::from_be_bytes([high, low])).max(4);
        let padded = length.next_multiple_of(4).min(rest.len());
        let (chunk, after) = rest.split_at(padded);
        rest = after;
        Some(chunk)
    })
}

fn tsn_of(chunk: &[u8]) -> Option<u32> {
    let [DATA, _, _, _, a, b, c, d] = *chunk.first_chunk()? else {
        return None;
    };
    Some(u32::from_be_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(tsn: u32) -> Vec<u8> {
        let mut chunk = vec![DATA, 3, 0, 17];
        chunk.extend(tsn.to_be_bytes());
        chunk.extend([0; 12]);
        chunk
    }

    fn packet(chunks: &[Vec<u8>]) -> Bytes {
        let mut packet = vec![7; COMMON_HEADER];
        packet.extend(chunks.concat());
        packet.into()
    }

    #[test]
    fn what_is_beyond_is_taken_out_and_the_rest_goes_on() {
        let mut horizon = Horizon::default();
        let far = packet(&[data(CHUNKS + 5)]);
        assert_eq!(horizon.admit(far.clone()), Some(far.clone()));
        horizon.acknowledged(4, false);
        assert_eq!(horizon.admit(far.clone()), None);
        let sack = vec![3, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        let both = packet(&[sack.clone(), data(CHUNKS + 3), data(CHUNKS + 4)]);
        let admitted = horizon.admit(both).expect("a packet");
        let left: Vec<&[u8]> = chunks(&admitted).collect();
        assert_eq!(left, [&sack[..], &data(CHUNKS + 3)]);
        let mut zeroed = admitted.to_vec();
        zeroed[8..12].fill(0);
        assert_eq!(admitted[8..12], crc32c(&zeroed));
        // Reading moves it on, and so does a moment when nothing waits.
        horizon.read(2);
        assert_eq!(horizon.admit(far.clone()), Some(far));
        horizon.acknowledged(u32::MAX, true);
        let around = packet(&[data(CHUNKS - 2)]);
        assert_eq!(horizon.admit(around.clone()), Some(around));
        assert_eq!(horizon.admit(packet(&[data(CHUNKS)])), None);
        // What was there before is acknowledged again.
        let old = packet(&[data(u32::MAX - 9)]);
        assert_eq!(horizon.admit(old.clone()), Some(old));
    }

    #[test]
    fn what_cannot_be_read_is_left_to_the_engine() {
        let mut horizon = Horizon::default();
        horizon.acknowledged(0, true);
        for bytes in [
            &[][..],
            &[0; 12],
            &[9; 13],
            &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 1],
        ] {
            let packet = Bytes::copy_from_slice(bytes);
            assert_eq!(horizon.admit(packet.clone()), Some(packet));
        }
    }
}
