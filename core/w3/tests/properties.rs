//! Whatever comes, a transport does not panic, and lets nothing in that is not protected.
#![allow(missing_docs)]

mod common;

use common::{Pair, any_version, peer_address};
use core_w3::dtls::Role;
use core_w3::transport::Received;
use proptest::prelude::*;
use testbed::LinkQuality;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_datagrams(
        datagrams in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 1..40),
        firsts in proptest::collection::vec(prop_oneof![Just(0u8), Just(22), Just(0x80), Just(0x90), any::<u8>()], 40),
        connected in any::<bool>(),
    ) {
        let mut pair = Pair::new(3, LinkQuality::good(), Role::Client, any_version()).signalled();
        if connected {
            pair.connect();
        }
        for (mut datagram, first) in datagrams.into_iter().zip(firsts) {
            if let Some(byte) = datagram.first_mut() {
                *byte = first;
            }
            let now = pair.clock.now();
            let received = pair.arrive(now, peer_address(), &datagram);
            let let_in = matches!(received, Received::Rtp { .. } | Received::Rtcp { .. });
            prop_assert!(!let_in);
        }
        prop_assert_eq!(pair.transport.is_ready(), connected);
    }
}
