//! Whatever comes, limits hold and nothing panics.
#![allow(missing_docs, clippy::unwrap_used)]

use bytes::Bytes;
use core_data_channel::dcep::Message;
use core_data_channel::{
    Association, AssociationConfig, Channel, Priority, Reliability, Role, fuzz_association,
    fuzz_dcep,
};
use proptest::collection::vec;
use proptest::prelude::*;
use testbed::Clock;

fn channel() -> impl Strategy<Value = Channel> {
    let reliability = prop_oneof![
        Just(Reliability::Reliable),
        any::<u32>().prop_map(Reliability::MaxRetransmits),
        any::<u32>().prop_map(Reliability::MaxLifetime),
    ];
    (
        ".{0,40}",
        ".{0,40}",
        any::<bool>(),
        reliability,
        any::<u16>(),
    )
        .prop_map(
            |(label, protocol, ordered, reliability, priority)| Channel {
                label,
                protocol,
                ordered,
                reliability,
                priority: Priority(priority),
            },
        )
}

proptest! {
    /// RFC 8832 §5
    #[test]
    fn what_is_written_is_read(channel in channel()) {
        let open = Message::Open(channel);
        prop_assert_eq!(Message::parse(&open.to_bytes().unwrap()), Ok(open));
    }

    #[test]
    fn a_message_that_is_cut_is_refused(channel in channel(), cut in any::<prop::sample::Index>()) {
        let bytes = Message::Open(channel).to_bytes().unwrap();
        prop_assert!(Message::parse(&bytes[..cut.index(bytes.len())]).is_err());
    }

    #[test]
    fn garbage_does_no_harm(data in vec(any::<u8>(), 0..80)) {
        fuzz_dcep(&data);
        let mut open = vec![3, data.len() as u8 & 0x83];
        open.extend(data);
        fuzz_dcep(&open);
    }

    #[test]
    fn limits_hold_whatever_happens(data in vec(any::<u8>(), 0..400)) {
        fuzz_association(Clock::new().now(), &data);
    }

    #[test]
    fn packets_of_garbage_are_dropped(packets in vec(vec(any::<u8>(), 0..64), 0..16)) {
        let now = Clock::new().now();
        let config = AssociationConfig::new(Role::Server);
        let mut association = Association::new(now, config);
        for packet in packets {
            association.handle_packet(now, Bytes::from(packet));
            while association.poll_output().is_some() {}
        }
        prop_assert!(!association.is_connected());
    }
}
