//! Whatever comes, reading does not panic.

use proptest::prelude::*;
use wire_rtp::{RtpPacket, fuzz_packet, set_payload_type};

proptest! {
    #[test]
    fn any_bytes(data in proptest::collection::vec(any::<u8>(), 0..120)) {
        fuzz_packet(&data);
    }

    #[test]
    fn rtp_that_begins_well(mut data in proptest::collection::vec(any::<u8>(), 12..120)) {
        data[0] = 0x80 | (data[0] & 0x3f);
        fuzz_packet(&data);
    }

    #[test]
    fn rtcp_that_begins_well(
        parts in proptest::collection::vec((any::<u8>(), 198..=208u8, proptest::collection::vec(any::<u32>(), 0..9)), 1..5),
    ) {
        let mut data = Vec::new();
        for (index, (first, kind, words)) in parts.iter().enumerate() {
            let padding = if index + 1 == parts.len() { 0x3f } else { 0x1f };
            data.extend([0x80 | (first & padding), *kind, 0, words.len() as u8]);
            data.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        }
        prop_assert!(wire_rtp::rtcp::Compound::parse(&data).is_ok());
        fuzz_packet(&data);
    }

    #[test]
    fn payload_type_alone_changes(
        mut data in proptest::collection::vec(any::<u8>(), 12..40),
        payload_type in 0..128u8,
    ) {
        data[0] = 0x80;
        let before = data.clone();
        set_payload_type(&mut data, payload_type);
        let packet = RtpPacket::parse(&data).unwrap();
        prop_assert_eq!(packet.payload_type(), payload_type);
        prop_assert_eq!(packet.marker(), before[1] & 0x80 != 0);
        prop_assert_eq!(&data[2..], &before[2..]);
        prop_assert_eq!(data[0], before[0]);
    }
}
