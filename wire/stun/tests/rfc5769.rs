//! RFC 5769 §2.1 to §2.3 — the test vectors with short-term credentials.

use wire_stun::{Builder, Check, Class, IntegrityKey, Message, TransactionId, kind};

const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";
const ID: TransactionId = TransactionId([
    0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
]);

const REQUEST: &str = "000100582112a442b7e7a701bc34d686fa87dfae
    802200105354554e207465737420636c69656e74 002400046e0001ff 80290008932ff9b151263b36
    000600096576746a3a68367659202020 000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
    80280004e57a3bcf";
const RESPONSE_V4: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae
    8022000b7465737420766563746f7220 002000080001a147e112a643
    000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004c07d4c96";
const RESPONSE_V6: &str = "010100482112a442b7e7a701bc34d686fa87dfae
    8022000b7465737420766563746f7220 002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9
    00080014a382954e4be67bf11784c97c8292c275bfe3ed41 80280004c8fb0b4c";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| {
            u8::from_str_radix(std::str::from_utf8(pair).expect("digits"), 16).expect("hex")
        })
        .collect()
}

#[test]
fn sample_request_is_read() {
    let request = bytes(REQUEST);
    let message = Message::parse(&request).unwrap();
    assert_eq!(message.class(), Class::Request);
    assert_eq!(message.transaction_id(), ID);
    assert_eq!(message.software(), Some("STUN test client"));
    assert_eq!(message.priority(), Some(0x6e00_01ff));
    assert_eq!(message.ice_controlled(), Some(0x932f_f9b1_5126_3b36));
    assert_eq!(message.username(), Some("evtj:h6vY"));
    let key = IntegrityKey::new(PASSWORD);
    assert_eq!(message.check_integrity(&key), Check::Valid);
    let other = IntegrityKey::new("another password");
    assert_eq!(message.check_integrity(&other), Check::Wrong);
    assert_eq!(message.check_fingerprint(), Check::Valid);
    assert_eq!(message.unknown().count(), 0);
}

#[test]
fn sample_responses_are_read() {
    let key = IntegrityKey::new(PASSWORD);
    for (hex, address) in [
        (RESPONSE_V4, "192.0.2.1:32853"),
        (RESPONSE_V6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
    ] {
        let response = bytes(hex);
        let message = Message::parse(&response).unwrap();
        assert_eq!(message.class(), Class::Success);
        assert_eq!(message.xor_mapped_address(), Some(address.parse().unwrap()));
        assert_eq!(message.check_integrity(&key), Check::Valid);
        assert_eq!(message.check_fingerprint(), Check::Valid);
    }
}

/// The vectors pad with spaces, we with zeros; but where nothing is padded, bytes are the same.
#[test]
fn what_is_built_is_read_again() {
    let key = IntegrityKey::new(PASSWORD);
    for address in ["192.0.2.1:32853", "[2001:db8::7]:1"] {
        let address = address.parse().unwrap();
        let mut buffer = [0xff; 256];
        let length = Builder::new(&mut buffer, Class::Success, ID)
            .software("ours")
            .xor_mapped_address(address)
            .integrity(&key)
            .fingerprint()
            .finish()
            .unwrap();
        let message = Message::parse(&buffer[..length]).unwrap();
        assert_eq!(message.xor_mapped_address(), Some(address));
        assert_eq!(message.check_integrity(&key), Check::Valid);
        assert_eq!(message.check_fingerprint(), Check::Valid);
    }
}

#[test]
fn one_changed_bit_breaks_fingerprint_and_integrity() {
    let key = IntegrityKey::new(PASSWORD);
    let request = bytes(REQUEST);
    for at in 24..40 {
        let mut changed = request.clone();
        changed[at] ^= 1;
        let message = Message::parse(&changed).unwrap();
        assert_eq!(message.check_integrity(&key), Check::Wrong);
        assert_eq!(message.check_fingerprint(), Check::Wrong);
    }
}

#[test]
fn what_stands_behind_the_integrity_does_not_count() {
    let key = IntegrityKey::new(PASSWORD);
    let mut buffer = [0; 256];
    let length = Builder::new(&mut buffer, Class::Request, ID)
        .username("a:b")
        .integrity(&key)
        .use_candidate()
        .attribute(0x7777, b"x")
        .fingerprint()
        .finish()
        .unwrap();
    let message = Message::parse(&buffer[..length]).unwrap();
    assert!(!message.use_candidate());
    assert_eq!(message.unknown().count(), 0);
    assert_eq!(message.check_integrity(&key), Check::Valid);
    assert_eq!(message.check_fingerprint(), Check::Valid);
}

#[test]
fn errors_name_what_is_unknown() {
    let mut buffer = [0; 256];
    let length = Builder::new(&mut buffer, Class::Error, ID)
        .error_code(420, "Unknown Attribute")
        .unknown_attributes(&[0x7777, 0x0030])
        .fingerprint()
        .finish()
        .unwrap();
    let message = Message::parse(&buffer[..length]).unwrap();
    let error = message.error_code().unwrap();
    assert_eq!((error.code, error.reason), (420, "Unknown Attribute"));
    assert_eq!(
        message.attribute(kind::UNKNOWN_ATTRIBUTES),
        Some(&[0x77, 0x77, 0x00, 0x30][..])
    );
}

#[test]
fn a_small_buffer_is_an_error_and_nothing_more() {
    let key = IntegrityKey::new(PASSWORD);
    let mut whole = [0; 256];
    let build = |buffer: &mut [u8]| {
        Builder::new(buffer, Class::Request, ID)
            .username("abcd:efgh")
            .integrity(&key)
            .fingerprint()
            .finish()
    };
    let length = build(&mut whole).unwrap();
    for short in 0..length {
        assert!(build(&mut whole[..short]).is_err());
    }
}
