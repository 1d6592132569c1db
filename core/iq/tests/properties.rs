//! Whatever is said comes out as it went in; whatever else comes is refused without harm.
#![allow(missing_docs, clippy::unwrap_used)]

mod fuzz_body;

use std::net::{IpAddr, SocketAddr};

use core_iq::{
    Command, ContextId, CoreSettings, Decoder, DtlsRole, Feedback, Fingerprint, FrameError,
    FromGateway, Gate, IceCredentials, MAX_GREETING, MediaKind, PayloadMap, PayloadMapping,
    Refusal, RequestId, StreamId, StreamSettings, ToGateway, W3Settings, encode,
};
use fuzz_body::fuzz;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn address() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), any::<u16>()).prop_map(SocketAddr::from)
}

fn gate() -> impl Strategy<Value = Gate> {
    (any::<bool>(), any::<bool>()).prop_map(|(receive, send)| Gate { receive, send })
}

fn w3() -> impl Strategy<Value = W3Settings> {
    let ice =
        (any::<String>(), any::<String>()).prop_map(|(ufrag, pwd)| IceCredentials { ufrag, pwd });
    let fingerprint = ("[a-z0-9-]{1,8}", vec(any::<u8>(), 0..64))
        .prop_map(|(algorithm, digest)| Fingerprint { algorithm, digest });
    let role = prop_oneof![Just(DtlsRole::Server), Just(DtlsRole::Client)];
    (
        option::of(ice),
        option::of(vec(fingerprint, 0..3)),
        option::of(role),
        option::of(gate()),
    )
        .prop_map(
            |(remote_ice, remote_fingerprints, dtls_role, gate)| W3Settings {
                remote_ice,
                remote_fingerprints,
                dtls_role,
                gate,
            },
        )
}

fn stream() -> impl Strategy<Value = StreamSettings> {
    let core = (
        option::of(address()),
        option::of(address()),
        option::of(gate()),
    )
        .prop_map(|(remote_rtp, remote_rtcp, gate)| CoreSettings {
            remote_rtp,
            remote_rtcp,
            gate,
        });
    let payloads = vec((any::<u8>(), any::<u8>()), 0..5).prop_map(|pairs| {
        PayloadMap(
            pairs
                .into_iter()
                .map(|(w3, core)| PayloadMapping { w3, core })
                .collect(),
        )
    });
    let feedback = any::<[bool; 6]>().prop_map(|[a, b, c, d, e, f]| Feedback {
        w3_nack: a,
        w3_pli: b,
        w3_fir: c,
        core_nack: d,
        core_pli: e,
        core_fir: f,
    });
    (
        any::<u16>(),
        any::<bool>(),
        option::of(w3()),
        option::of(core),
        option::of(payloads),
        option::of(feedback),
    )
        .prop_map(
            |(stream, video, w3, core, payloads, feedback)| StreamSettings {
                stream: StreamId(stream),
                media: if video {
                    MediaKind::Video
                } else {
                    MediaKind::Audio
                },
                w3,
                core,
                payloads,
                feedback,
            },
        )
}

fn command() -> impl Strategy<Value = Command> {
    let context = any::<u64>().prop_map(ContextId);
    prop_oneof![
        (option::of(context.clone()), vec(stream(), 0..3))
            .prop_map(|(context, streams)| Command::Reserve { context, streams }),
        (context.clone(), vec(stream(), 0..3))
            .prop_map(|(context, streams)| Command::Configure { context, streams }),
        (context.clone(), vec(any::<u16>().prop_map(StreamId), 0..3))
            .prop_map(|(context, streams)| Command::Subtract { context, streams }),
        context.prop_map(|context| Command::Release { context }),
    ]
}

proptest! {
    #[test]
    fn requests_come_out_as_they_went_in_however_they_are_cut(
        commands in vec(command(), 1..4),
        cut in 1..200usize,
    ) {
        let mut bytes = Vec::new();
        for (id, command) in commands.iter().enumerate() {
            let id = RequestId(id as u64);
            encode(&ToGateway::Request { id, command: command.clone() }, &mut bytes).unwrap();
        }
        let mut decoder = Decoder::new();
        decoder.trust();
        let mut got = Vec::new();
        for chunk in bytes.chunks(cut) {
            decoder.push(chunk);
            while let Some(frame) = decoder.next_frame::<ToGateway>().unwrap() {
                let ToGateway::Request { command, .. } = frame else { panic!("{frame:?}") };
                got.push(command);
            }
        }
        prop_assert_eq!(got, commands);
    }

    #[test]
    fn anything_at_all_is_taken_without_harm(data in vec(any::<u8>(), 0..300)) {
        fuzz(&data);
    }

    #[test]
    fn almost_frames_are_taken_without_harm(
        command in command(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = Vec::new();
        encode(&ToGateway::Request { id: RequestId(1), command }, &mut bytes).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        fuzz(&bytes);
    }
}

#[test]
fn a_stranger_is_held_to_little_and_nothing_is_kept_for_a_long_frame() {
    let mut decoder = Decoder::new();
    decoder.push(&(MAX_GREETING as u32 + 1).to_be_bytes());
    assert_eq!(
        decoder.next_frame::<ToGateway>(),
        Err(FrameError::TooLong {
            length: MAX_GREETING + 1,
            limit: MAX_GREETING
        })
    );
    decoder.trust();
    assert_eq!(decoder.next_frame::<ToGateway>(), Ok(None));
}

#[test]
fn a_reply_too_long_to_be_taken_is_not_written() {
    let reason = "x".repeat(300 * 1024);
    let frame = FromGateway::Reply {
        id: RequestId(1),
        result: Err(Refusal::Invalid(reason)),
    };
    let mut bytes = vec![7];
    assert!(encode(&frame, &mut bytes).is_err());
    assert_eq!(bytes, [7]);
}
