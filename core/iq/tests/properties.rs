//! Whatever is said comes out as it went in; whatever else comes is refused without harm.
#![allow(missing_docs, clippy::unwrap_used)]

mod fuzz_body;

use std::net::{IpAddr, SocketAddr};

use core_iq::{
    AwaitedChannel, ChannelAction, ChannelAt, ChannelDescription, ChannelMessage, ChannelPlace,
    ChannelReliability, Command, ContextId, CoreSettings, DataSettings, Decoder, DtlsRole,
    DtlsSettings, FarEnd, Feedback, Fingerprint, FrameError, FromGateway, Gate, IceCredentials,
    MAX_GREETING, MediaKind, NegotiatedChannel, PayloadMap, PayloadMapping, Refusal, RequestId,
    SctpSettings, SecondSettings, StreamEnd, StreamId, StreamSettings, ToGateway, W3Settings,
    encode,
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
    let core = || {
        (
            option::of(address()),
            option::of(address()),
            option::of(gate()),
        )
            .prop_map(|(remote_rtp, remote_rtcp, gate)| CoreSettings {
                remote_rtp,
                remote_rtcp,
                gate,
            })
    };
    let second =
        (core(), option::of(dtls())).prop_map(|(core, dtls)| SecondSettings { core, dtls });
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
        option::of(core()),
        option::of(payloads),
        option::of(feedback),
        option::of(data()),
        option::of(second),
    )
        .prop_map(
            |(stream, video, w3, core, payloads, feedback, data, second)| StreamSettings {
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
                data: data.map(Box::new),
                second: second.map(Box::new),
            },
        )
}

fn description() -> impl Strategy<Value = ChannelDescription> {
    let reliability = prop_oneof![
        Just(ChannelReliability::Reliable),
        any::<u32>().prop_map(ChannelReliability::MaxRetransmits),
        any::<u32>().prop_map(ChannelReliability::MaxLifetime),
    ];
    (
        any::<String>(),
        any::<String>(),
        any::<bool>(),
        reliability,
        any::<u16>(),
    )
        .prop_map(
            |(label, protocol, ordered, reliability, priority)| ChannelDescription {
                label,
                protocol,
                ordered,
                reliability,
                priority,
            },
        )
}

fn data() -> impl Strategy<Value = DataSettings> {
    let sctp = || {
        (any::<u16>(), option::of(any::<u64>())).prop_map(|(port, max_message_size)| SctpSettings {
            port,
            max_message_size,
        })
    };
    let end = || prop_oneof![Just(StreamEnd::W3), Just(StreamEnd::Core)];
    let place = prop_oneof![
        Just(ChannelPlace::Both),
        end().prop_map(ChannelPlace::At),
        (end(), any::<u16>()).prop_map(|(end, id)| ChannelPlace::For(ChannelAt { end, id })),
    ];
    let channel = (any::<u16>(), description(), place)
        .prop_map(|(id, channel, place)| NegotiatedChannel { id, channel, place });
    let far_end = prop_oneof![
        Just(FarEnd::Nobody),
        any::<bool>().prop_map(|announce| FarEnd::Relay { announce }),
        Just(FarEnd::Application),
    ];
    let awaited = (end(), any::<String>()).prop_map(|(end, label)| AwaitedChannel { end, label });
    (
        option::of(sctp()),
        option::of(sctp()),
        option::of(any::<String>()),
        option::of(dtls()),
        option::of(end()),
        option::of(vec(channel, 0..3)),
        option::of(far_end),
        option::of(vec(awaited, 0..3)),
    )
        .prop_map(
            |(w3, core, w3_tls_id, core_dtls, offered, channels, far_end, awaited)| DataSettings {
                w3,
                w3_tls_id,
                core,
                core_dtls,
                offered,
                channels,
                far_end,
                awaited,
            },
        )
}

fn dtls() -> impl Strategy<Value = DtlsSettings> {
    (w3(), option::of(any::<String>())).prop_map(|(w3, remote_tls_id)| DtlsSettings {
        remote_ice: w3.remote_ice,
        remote_fingerprints: w3.remote_fingerprints,
        remote_tls_id,
        dtls_role: w3.dtls_role,
    })
}

fn action() -> impl Strategy<Value = ChannelAction> {
    let end = || prop_oneof![Just(StreamEnd::W3), Just(StreamEnd::Core)];
    let at = move || (end(), any::<u16>()).prop_map(|(end, id)| ChannelAt { end, id });
    let message = prop_oneof![
        vec(any::<u8>(), 0..40).prop_map(ChannelMessage::Text),
        vec(any::<u8>(), 0..40).prop_map(ChannelMessage::Binary),
    ];
    prop_oneof![
        (end(), description()).prop_map(|(end, channel)| ChannelAction::Open { end, channel }),
        at().prop_map(ChannelAction::Accept),
        at().prop_map(ChannelAction::Close),
        (at(), message).prop_map(|(at, message)| ChannelAction::Send(at, message)),
        (at(), any::<u32>()).prop_map(|(at, more)| ChannelAction::Credit(at, more)),
    ]
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
        (context.clone(), any::<u16>(), action()).prop_map(|(context, stream, action)| {
            Command::Channel {
                context,
                stream: StreamId(stream),
                action,
            }
        }),
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
fn a_message_of_the_largest_size_fits_a_frame() {
    let at = ChannelAt {
        end: StreamEnd::W3,
        id: 1000,
    };
    let message = ChannelMessage::Binary(vec![0xff; 256 * 1024]);
    let frame = ToGateway::Request {
        id: RequestId(1),
        command: Command::Channel {
            context: ContextId(1),
            stream: StreamId(1),
            action: ChannelAction::Send(at, message),
        },
    };
    let mut bytes = Vec::new();
    encode(&frame, &mut bytes).unwrap();
    let mut decoder = Decoder::new();
    decoder.trust();
    decoder.push(&bytes);
    assert_eq!(decoder.next_frame(), Ok(Some(frame)));
}

#[test]
fn a_reply_too_long_to_be_taken_is_not_written() {
    let reason = "x".repeat(600 * 1024);
    let frame = FromGateway::Reply {
        id: RequestId(1),
        result: Err(Refusal::Invalid(reason)),
    };
    let mut bytes = vec![7];
    assert!(encode(&frame, &mut bytes).is_err());
    assert_eq!(bytes, [7]);
}
