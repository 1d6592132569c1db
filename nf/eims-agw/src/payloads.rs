//! Payload types where the two sides of a stream differ.

use core_iq::{PayloadMap, Refusal};

/// A table a direction: one load a packet.
#[derive(Clone, Debug)]
pub(crate) struct PayloadTable {
    to_core: [u8; 128],
    to_w3: [u8; 128],
}

impl Default for PayloadTable {
    /// Everything passes as it is.
    fn default() -> Self {
        let same = std::array::from_fn(|n| n as u8);
        Self {
            to_core: same,
            to_w3: same,
        }
    }
}

impl PayloadTable {
    /// Checks and lays out a map.
    pub(crate) fn new(map: &PayloadMap) -> Result<Self, Refusal> {
        if map.0.len() > PayloadMap::MAX {
            return Err(Refusal::Invalid(format!(
                "{} payload mappings, at most {} are taken",
                map.0.len(),
                PayloadMap::MAX
            )));
        }
        let mut table = Self::default();
        for mapping in &map.0 {
            let (w3, core) = (mapping.w3, mapping.core);
            if w3 > 127 || core > 127 {
                return Err(Refusal::Invalid(format!(
                    "payload type {} is above 127",
                    w3.max(core)
                )));
            }
            // RFC 5761 §4: with RTP and RTCP on one port these would be taken for RTCP.
            if (64..=95).contains(&w3) {
                return Err(Refusal::Invalid(format!(
                    "payload type {w3} cannot be told from RTCP on a shared port"
                )));
            }
            table.to_core[usize::from(w3)] = core;
            table.to_w3[usize::from(core)] = w3;
        }
        Ok(table)
    }

    /// Rewrites the payload type of a packet on its way to the core; the marker stays.
    pub(crate) fn to_core(&self, packet: &mut [u8]) {
        Self::rewrite(&self.to_core, packet);
    }

    /// Rewrites the payload type of a packet on its way to the WIC; the marker stays.
    pub(crate) fn to_w3(&self, packet: &mut [u8]) {
        Self::rewrite(&self.to_w3, packet);
    }

    fn rewrite(table: &[u8; 128], packet: &mut [u8]) {
        if let Some(byte) = packet.get_mut(1) {
            *byte = (*byte & 0x80) | table[usize::from(*byte & 0x7f)];
        }
    }
}

#[cfg(test)]
mod tests {
    use core_iq::PayloadMapping;

    use super::*;

    const MARKER: u8 = 0x80;

    fn map(pairs: &[(u8, u8)]) -> PayloadMap {
        PayloadMap(
            pairs
                .iter()
                .map(|&(w3, core)| PayloadMapping { w3, core })
                .collect(),
        )
    }

    #[test]
    fn mapped_both_ways_and_the_marker_stays() {
        let table = PayloadTable::new(&map(&[(111, 96), (126, 101)])).unwrap();
        let mut packet = [0x80, MARKER + 126, 0, 1];
        table.to_core(&mut packet);
        assert_eq!(packet[1], MARKER + 101);
        table.to_w3(&mut packet);
        assert_eq!(packet[1], MARKER + 126);
        packet[1] = 8;
        table.to_core(&mut packet);
        assert_eq!(packet[1], 8);
        table.to_core(&mut []);
    }

    #[test]
    fn maps_that_cannot_be_are_refused() {
        assert!(PayloadTable::new(&map(&[(128, 0)])).is_err());
        assert!(PayloadTable::new(&map(&[(0, 200)])).is_err());
        assert!(PayloadTable::new(&map(&[(72, 96)])).is_err());
        assert!(PayloadTable::new(&map(&[(0, 0); 65])).is_err());
    }
}
