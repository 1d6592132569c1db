use bytes::Bytes;

use super::crc32c::crc32c;

/// Tells the peer that our window opened again.
///
/// RFC 9260 §6.2 lets a receiver say so by a SACK of its own accord. Without, a sender that filled the
/// window looks again only when its retransmission timer fires: a fast sender would rest for 400 ms
/// after each megabyte. The engine has no way to ask for a SACK, but answers DATA that it has already:
/// so it is given a chunk once more, the one that it acknowledged last.
#[derive(Debug)]
pub(super) struct Window {
    buffer: u32,
    /// Ports and verification tag of the packets that come.
    header: Option<[u8; 8]>,
    /// What the last SACK that left said: the highest TSN in sequence, and the room.
    told: Option<(u32, u32)>,
    /// Bytes read since.
    read: u32,
}

const SACK: u8 = 3;
const COMMON_HEADER: usize = 12;

impl Window {
    pub(super) fn new(buffer: u32) -> Self {
        Self {
            buffer,
            header: None,
            told: None,
            read: 0,
        }
    }

    /// A packet came for the association that stands.
    pub(super) fn came(&mut self, packet: &[u8]) {
        if self.header.is_none() {
            self.header = packet.first_chunk().copied();
        }
    }

    /// A packet leaves. When it acknowledges: up to where, and whether nothing waits.
    pub(super) fn leaves(&mut self, packet: &[u8]) -> Option<(u32, bool)> {
        let sack = packet.get(COMMON_HEADER..)?.first_chunk()?;
        let [SACK, _, _, _, t0, t1, t2, t3, r0, r1, r2, r3, g0, g1] = *sack else {
            return None;
        };
        let tsn = u32::from_be_bytes([t0, t1, t2, t3]);
        let room = u32::from_be_bytes([r0, r1, r2, r3]);
        self.told = Some((tsn, room));
        self.read = 0;
        Some((tsn, room >= self.buffer && (g0, g1) == (0, 0)))
    }

    /// So much was read. A packet for the engine, if it should say so.
    pub(super) fn read(&mut self, bytes: usize) -> Option<Bytes> {
        self.read = self
            .read
            .saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        let (tsn, room) = self.told?;
        let shut = room < self.buffer / 4;
        if !shut || room.saturating_add(self.read) < self.buffer / 2 {
            return None;
        }
        self.told = None;
        Some(duplicate(self.header?, tsn))
    }
}

impl Window {
    /// All was read, and the peer has been told of less room: a packet for the engine, to say so.
    pub(super) fn nudge(&self) -> Option<Bytes> {
        let (tsn, room) = self.told?;
        let nothing_waits = room.saturating_add(self.read) >= self.buffer;
        nothing_waits.then_some(duplicate(self.header?, tsn))
    }
}

/// RFC 9260 §3.3.1 — a packet with one DATA chunk of one byte, sent in one piece.
fn duplicate(header: [u8; 8], tsn: u32) -> Bytes {
    const FLAGS: u8 = 0b1011; // I: acknowledge at once (RFC 7053); B and E: all of a message
    let mut packet = Vec::with_capacity(32);
    packet.extend(header);
    packet.extend([0; 4]);
    packet.extend([0, FLAGS, 0, 17]);
    packet.extend(tsn.to_be_bytes());
    packet.extend([0; 8]); // stream, sequence number, payload protocol
    packet.extend([0; 4]); // the byte, and padding
    let checksum = crc32c(&packet);
    packet[8..COMMON_HEADER].copy_from_slice(&checksum);
    packet.into()
}
