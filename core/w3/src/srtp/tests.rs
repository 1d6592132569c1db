//! RFC 3711 appendix B and RFC 7714 §16 and §17, and what a pair of contexts must do.

use super::cipher::Cipher;
use super::kdf::{Label, cipher, counter_mode, derive};
use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] * 16 + pair[1]) as u8)
        .collect()
}

fn filled<const N: usize>(hex: &str) -> [u8; N] {
    let mut array = [0; N];
    let bytes = bytes(hex);
    array[..bytes.len()].copy_from_slice(&bytes);
    array
}

#[test]
fn rfc_3711_b_2_counter_mode() {
    let key = cipher(&bytes("2B7E151628AED2A6ABF7158809CF4F3C"));
    let mut stream = [0; 48];
    let counter = filled("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000");
    counter_mode(&key, counter, &mut stream);
    let expected = "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB
        41E95B3BB0A2E8DD477901E4FCA894C0";
    assert_eq!(stream.as_slice(), bytes(expected));
}

#[test]
fn rfc_3711_b_3_key_derivation() {
    let master = MasterKey::new(
        Profile::Aes128CmHmacSha1_80,
        &bytes("E1F97A0D3E018BE0D64FA32C06DE4139"),
        &bytes("0EC675AD498AFEEBB6960B3AABE6"),
    )
    .expect("lengths of the profile");
    let mut key = [0; 16];
    derive(&master, Label::RtpEncryption, &mut key);
    assert_eq!(key.as_slice(), bytes("C61E7A93744F39EE10734AFE3FF7A087"));
    let mut salt = [0; 14];
    derive(&master, Label::RtpSalt, &mut salt);
    assert_eq!(salt.as_slice(), bytes("30CBBC08863D8C85D49DB34A9AE1"));
    let mut tag_key = [0; 94];
    derive(&master, Label::RtpAuthentication, &mut tag_key);
    let expected = "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4 8F0A0ACF3C34E2359E6CDBCE
        E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
        6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2";
    assert_eq!(tag_key.as_slice(), bytes(expected));
}

const SALT: &str = "517569642070726f2071756f";
const KEY_128: &str = "000102030405060708090a0b0c0d0e0f";
const KEY_256: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const RTP: &str = "8040f17b8041f8d35501a0b2 47616c6c696120657374206f6d6e697320
    6469766973612069 6e2070617274657320 74726573";
const RTCP: &str = "81c8000d4d6172734e5450314e5450325254502000 00042a0000e9304c756e61
    deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";

#[test]
fn rfc_7714_16_rtp() {
    for (key, expected) in [
        (
            KEY_128,
            "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a
             51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce",
        ),
        (
            KEY_256,
            "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a02
             76ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13",
        ),
    ] {
        let cipher = Cipher::gcm(&bytes(key), filled(SALT));
        let plain = bytes(RTP);
        let mut packet = plain.clone();
        packet.resize(plain.len() + 16, 0);
        cipher.seal_rtp(&mut packet, 12, plain.len(), 0x5501_a0b2, 0xf17b);
        assert_eq!(packet, bytes(expected));
        let length = cipher.open_rtp(&mut packet, 12, 0x5501_a0b2, 0xf17b);
        assert_eq!(length, Ok(plain.len()));
        assert_eq!(packet[..plain.len()], plain);
    }
}

#[test]
fn rfc_7714_17_rtcp() {
    let cipher = Cipher::gcm(&bytes(KEY_128), filled(SALT));
    let plain = bytes(RTCP);
    let mut packet = plain.clone();
    packet.resize(plain.len() + 20, 0);
    cipher.seal_rtcp(&mut packet, plain.len(), 0x4d61_7273, 0x5d4);
    let expected = "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1
        730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4";
    assert_eq!(packet, bytes(expected));
    assert_eq!(cipher.rtcp_index(&packet), Some((0x5d4, true)));
    let length = cipher.open_rtcp(&mut packet, 0x4d61_7273, 0x5d4);
    assert_eq!(length, Ok(plain.len()));
    assert_eq!(packet[..plain.len()], plain);
}

const PROFILES: [Profile; 3] = [
    Profile::Aes128CmHmacSha1_80,
    Profile::AeadAes128Gcm,
    Profile::AeadAes256Gcm,
];

fn pair(profile: Profile) -> (Sender, Receiver) {
    let key: Vec<u8> = (0..profile.key_length() as u8).collect();
    let salt: Vec<u8> = (100..100 + profile.salt_length() as u8).collect();
    let master = MasterKey::new(profile, &key, &salt).expect("lengths of the profile");
    (
        Sender::new(profile, &master),
        Receiver::new(profile, &master),
    )
}

fn rtp(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x90, 96];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0, 1]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0xbe, 0xde, 0, 1, 0x10, 1, 0, 0]);
    packet.extend((0..160).map(|byte| byte as u8 ^ sequence as u8));
    packet
}

fn protect(sender: &mut Sender, packet: &[u8]) -> Vec<u8> {
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + 32, 0xee);
    let length = sender.protect_rtp(&mut buffer, packet.len()).expect("new");
    assert_eq!(length, packet.len() + sender.profile().rtp_overhead());
    buffer.truncate(length);
    buffer
}

#[test]
fn rtp_comes_through_over_two_rounds_of_sequence_numbers() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        for step in (65_000..65_000 + 3 * 65_536u32).step_by(97) {
            let plain = rtp(7, step as u16);
            let mut packet = protect(&mut sender, &plain);
            assert_ne!(packet[20..plain.len()], plain[20..], "encrypted");
            assert_eq!(packet[..20], plain[..20], "the header is in the clear");
            let length = receiver.unprotect_rtp(&mut packet).expect("authentic");
            assert_eq!(packet[..length], plain, "{profile} {step}");
        }
    }
}

#[test]
fn late_packets_around_a_rollover_come_through_once() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let order = [65_533u16, 65_535, 1, 65_534, 0, 2, 65_532];
        let packets: Vec<_> = order
            .iter()
            .map(|&sequence| protect(&mut sender, &rtp(7, sequence)))
            .collect();
        for packet in &packets {
            assert!(receiver.unprotect_rtp(&mut packet.clone()).is_ok());
        }
        for packet in &packets {
            let again = receiver.unprotect_rtp(&mut packet.clone());
            assert_eq!(again, Err(SrtpError::Replayed));
        }
    }
}

#[test]
fn one_changed_bit_is_not_authentic_and_changes_nothing() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let packet = protect(&mut sender, &rtp(7, 1));
        for at in 12..packet.len() {
            // The length of the extension would make it malformed.
            if at == 14 || at == 15 {
                continue;
            }
            let mut changed = packet.clone();
            changed[at] ^= 1;
            let result = receiver.unprotect_rtp(&mut changed);
            assert_eq!(result, Err(SrtpError::NotAuthentic), "{profile} {at}");
        }
        assert!(receiver.unprotect_rtp(&mut packet.clone()).is_ok());
    }
}

#[test]
fn no_index_is_used_twice() {
    for profile in PROFILES {
        let (mut sender, _) = pair(profile);
        protect(&mut sender, &rtp(7, 1));
        let mut buffer = rtp(7, 1);
        let length = buffer.len();
        buffer.resize(length + 16, 0);
        let again = sender.protect_rtp(&mut buffer, length);
        assert_eq!(again, Err(SrtpError::Replayed));
        let tight = sender.protect_rtp(&mut rtp(7, 2), length);
        assert_eq!(tight, Err(SrtpError::NoRoom));
    }
}

#[test]
fn rtcp_comes_through_once_and_only_encrypted() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let plain = bytes(RTCP);
        let mut first = plain.clone();
        first.resize(plain.len() + 20, 0);
        let mut second = first.clone();
        let length = sender.protect_rtcp(&mut first, plain.len()).expect("new");
        first.truncate(length);
        let length = sender.protect_rtcp(&mut second, plain.len()).expect("new");
        second.truncate(length);
        assert_ne!(first, second, "each has its own index");
        for packet in [&second, &first] {
            let mut copy = packet.clone();
            let length = receiver.unprotect_rtcp(&mut copy).expect("authentic");
            assert_eq!(copy[..length], plain);
            let again = receiver.unprotect_rtcp(&mut packet.clone());
            assert_eq!(again, Err(SrtpError::Replayed));
        }
        let flag = match profile {
            Profile::Aes128CmHmacSha1_80 => first.len() - 14,
            _ => first.len() - 4,
        };
        first[flag] &= 0x7f;
        let clear = receiver.unprotect_rtcp(&mut first);
        assert_eq!(clear, Err(SrtpError::NotEncrypted));
    }
}

#[test]
fn an_rtcp_key_ends() {
    let (mut sender, _) = pair(Profile::AeadAes128Gcm);
    sender.rtcp_index = (1 << 31) - 1;
    let mut buffer = bytes(RTCP);
    let length = buffer.len();
    buffer.resize(length + 20, 0);
    assert!(sender.protect_rtcp(&mut buffer.clone(), length).is_ok());
    let next = sender.protect_rtcp(&mut buffer, length);
    assert_eq!(next, Err(SrtpError::KeyExhausted));
}

#[test]
fn short_packets_are_malformed() {
    for profile in PROFILES {
        let (_, mut receiver) = pair(profile);
        for length in 0..30 {
            let mut packet = vec![0x80; length];
            assert!(receiver.unprotect_rtp(&mut packet).is_err());
            assert!(receiver.unprotect_rtcp(&mut packet).is_err());
        }
    }
}

#[test]
fn exported_keys_come_in_the_order_of_rfc_5764() {
    let profile = Profile::Aes128CmHmacSha1_80;
    let material: Vec<u8> = (0..60).collect();
    let keys = KeyingMaterial::from_exported(profile, &material).expect("length of the profile");
    assert_eq!(keys.client.key(), &material[..16]);
    assert_eq!(keys.server.key(), &material[16..32]);
    assert_eq!(keys.client.salt, material[32..46]);
    assert_eq!(keys.server.salt, material[46..]);
    assert!(KeyingMaterial::from_exported(profile, &material[1..]).is_none());
    assert!(KeyingMaterial::from_exported(Profile::AeadAes128Gcm, &material).is_none());
}
