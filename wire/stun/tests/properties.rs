//! Whatever comes, reading does not panic; whatever is written, is read again.

use proptest::prelude::*;
use wire_stun::{Builder, Check, Class, IntegrityKey, Message, TransactionId, fuzz_message};

proptest! {
    #[test]
    fn any_bytes(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        fuzz_message(&data);
    }

    #[test]
    fn bytes_that_begin_well(mut data in proptest::collection::vec(any::<u8>(), 20..200)) {
        data.truncate(data.len() & !3);
        let length = (data.len() - 20) as u16;
        data[0] &= 0x3f;
        data[2..4].copy_from_slice(&length.to_be_bytes());
        data[4..8].copy_from_slice(&wire_stun::MAGIC_COOKIE.to_be_bytes());
        fuzz_message(&data);
    }

    #[test]
    fn a_request_comes_back(
        id in any::<[u8; 12]>(),
        username in "[a-zA-Z0-9+/]{4,32}:[a-zA-Z0-9+/]{4,32}",
        priority in any::<u32>(),
        tie_breaker in any::<u64>(),
        nominated in any::<bool>(),
        flip in any::<prop::sample::Index>(),
    ) {
        let key = IntegrityKey::new("a password of some length");
        let mut buffer = [0xa5; 512];
        let mut builder = Builder::new(&mut buffer, Class::Request, TransactionId(id))
            .username(&username)
            .priority(priority)
            .ice_controlling(tie_breaker);
        if nominated {
            builder = builder.use_candidate();
        }
        let length = builder.integrity(&key).fingerprint().finish().unwrap();
        let message = Message::parse(&buffer[..length]).unwrap();
        prop_assert_eq!(message.username(), Some(username.as_str()));
        prop_assert_eq!(message.priority(), Some(priority));
        prop_assert_eq!(message.ice_controlling(), Some(tie_breaker));
        prop_assert_eq!(message.use_candidate(), nominated);
        prop_assert_eq!(message.check_integrity(&key), Check::Valid);
        prop_assert_eq!(message.check_fingerprint(), Check::Valid);
        fuzz_message(&buffer[..length]);

        buffer[flip.index(length)] ^= 0x10;
        if let Ok(message) = Message::parse(&buffer[..length]) {
            prop_assert_ne!(message.check_fingerprint(), Check::Valid);
        }
    }
}
