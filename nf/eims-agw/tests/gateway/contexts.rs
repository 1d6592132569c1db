//! Iq: what is made, changed, refused and released.

use std::time::Duration;

use core_iq::{
    Command, ContextId, CoreSettings, Feedback, Fingerprint, Gate, IceCredentials, MediaKind,
    PayloadMap, PayloadMapping, Refusal, Reply, StreamId, StreamSettings, W3Settings,
};
use testbed::LinkQuality;

use crate::support::{self, Bed, Phone, Wic, rtp};

fn audio(stream: u16) -> StreamSettings {
    StreamSettings::new(StreamId(stream), MediaKind::Audio)
}

fn refused(result: Result<Reply, Refusal>) -> String {
    result.expect_err("refused").to_string()
}

#[test]
fn a_reserve_gives_addresses_and_credentials_of_each_stream() {
    let mut bed = Bed::one();
    let video = StreamSettings::new(StreamId(1), MediaKind::Video);
    let reserved = bed.reserve(0, vec![audio(0), video]);
    let [one, two] = reserved.streams.as_slice() else {
        panic!("{reserved:?}");
    };
    assert_eq!((one.stream, two.stream), (StreamId(0), StreamId(1)));
    assert_ne!(one.w3.ice, two.w3.ice);
    assert_eq!(one.w3.candidates, two.w3.candidates);
    assert_eq!(one.w3.fingerprint.digest.len(), 32);
    assert_eq!(one.core.rtp.to_string(), "10.0.0.1:40000");
    assert_eq!(two.core.rtcp.to_string(), "10.0.0.1:40003");
    assert_eq!(bed.workers[0].open_ports(), 4);
    let other = bed.reserve(0, vec![audio(0)]);
    assert_ne!(other.context, reserved.context);
    assert_eq!(other.context.worker(), 0);
}

#[test]
fn streams_are_added_and_taken_away() {
    let mut bed = Bed::one();
    let context = bed.audio_call();
    let add = |stream| Command::Reserve {
        context: Some(context),
        streams: vec![stream],
    };
    let video = StreamSettings::new(StreamId(1), MediaKind::Video);
    match bed.ask(0, add(video.clone())) {
        Ok(Reply::Reserved(reserved)) => {
            assert_eq!(reserved.context, context);
            assert_eq!(reserved.streams.len(), 1);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(bed.ask(0, add(video)), Err(Refusal::StreamExists));
    let subtract = |stream| Command::Subtract {
        context,
        streams: vec![StreamId(stream)],
    };
    assert_eq!(bed.ask(0, subtract(7)), Err(Refusal::UnknownStream));
    assert!(bed.ask(0, subtract(1)).is_ok());
    assert_eq!(bed.workers[0].open_ports(), 2);
    // The other stream has not noticed.
    bed.wics[0].send_rtp(&rtp(0, 1, 1));
    bed.run(Duration::from_millis(200));
    assert_eq!(bed.phones[0].received.len(), 1);
}

#[test]
fn what_cannot_be_is_refused_whole_and_with_a_reason() {
    let mut bed = Bed::one();
    let context = bed.audio_call();
    let good = Some(bed.wics[0].settings(Gate::OPEN));
    let gone = ContextId(context.0 + (1 << 24));
    let configure = |settings| Command::Configure {
        context,
        streams: vec![settings],
    };
    let reserve = |streams| Command::Reserve {
        context: None,
        streams,
    };
    let w3 = |w3| StreamSettings {
        w3: Some(w3),
        ..audio(0)
    };
    let map = |w3, core| StreamSettings {
        payloads: Some(PayloadMap(vec![PayloadMapping { w3, core }])),
        ..audio(0)
    };
    let long = IceCredentials {
        ufrag: "x".repeat(300),
        pwd: "y".repeat(24),
    };
    let many = vec![
        Fingerprint {
            algorithm: "sha-256".into(),
            digest: vec![0; 32]
        };
        17
    ];
    let key_frames = Feedback {
        core_pli: true,
        ..Feedback::default()
    };
    let cases = [
        (reserve(Vec::new()), "without streams"),
        (reserve(vec![audio(0), audio(0)]), "exists already"),
        (reserve((0..17).map(audio).collect()), "more than 16"),
        (
            Command::Reserve {
                context: Some(gone),
                streams: vec![audio(1)],
            },
            "no such context",
        ),
        (
            Command::Configure {
                context: gone,
                streams: Vec::new(),
            },
            "no such context",
        ),
        (
            Command::Subtract {
                context: gone,
                streams: Vec::new(),
            },
            "no such context",
        ),
        (configure(audio(3)), "no such stream"),
        (
            configure(StreamSettings::new(StreamId(0), MediaKind::Video)),
            "is not Video",
        ),
        (configure(map(128, 0)), "above 127"),
        (configure(map(70, 96)), "RTCP"),
        (
            configure(w3(W3Settings {
                remote_ice: Some(long),
                ..W3Settings::default()
            })),
            "ICE",
        ),
        (
            configure(w3(W3Settings {
                remote_fingerprints: Some(Vec::new()),
                ..W3Settings::default()
            })),
            "without a fingerprint",
        ),
        (
            configure(w3(W3Settings {
                remote_fingerprints: Some(many),
                ..W3Settings::default()
            })),
            "too many",
        ),
        (
            configure(StreamSettings {
                feedback: Some(key_frames),
                ..audio(0)
            }),
            "key frames",
        ),
        // The first part would do: nothing of it is done.
        (
            Command::Configure {
                context,
                streams: vec![
                    StreamSettings {
                        core: Some(CoreSettings {
                            gate: Some(Gate::CLOSED),
                            ..CoreSettings::default()
                        }),
                        w3: good,
                        ..audio(0)
                    },
                    audio(9),
                ],
            },
            "no such stream",
        ),
    ];
    let count = cases.len() as u64;
    for (command, reason) in cases {
        let answer = refused(bed.ask(0, command.clone()));
        assert!(answer.contains(reason), "{answer} for {command:?}");
    }
    assert_eq!(bed.workers[0].gateway.counters().refused, count);
    assert_eq!(bed.workers[0].gateway.contexts(), 1);
    assert_eq!(bed.workers[0].open_ports(), 2);
    bed.wics[0].send_rtp(&rtp(0, 1, 1));
    bed.run(Duration::from_millis(200));
    assert_eq!(bed.phones[0].received.len(), 1, "gates are as they were");
}

#[test]
fn a_port_that_somebody_has_is_passed_over() {
    let mut bed = Bed::one();
    bed.taken = vec![40000, 40002];
    let reserved = bed.reserve(0, vec![audio(0)]);
    assert_eq!(reserved.streams[0].core.rtp.port(), 40004);
}

#[test]
fn without_ports_a_reserve_is_refused_and_nothing_remains() {
    let mut configuration = support::config(0);
    configuration.core_ports = Some(40000..=40003);
    let mut bed = Bed::new(vec![configuration], 1, LinkQuality::good());
    let reserved = bed.reserve(0, vec![audio(0)]);
    let streams = vec![audio(0), audio(1)];
    let answer = refused(bed.ask(
        0,
        Command::Reserve {
            context: None,
            streams,
        },
    ));
    assert!(answer.contains("no port"), "{answer}");
    assert_eq!(
        (
            bed.workers[0].open_ports(),
            bed.workers[0].gateway.contexts()
        ),
        (2, 1)
    );
    assert_eq!(
        bed.ask(
            0,
            Command::Release {
                context: reserved.context
            }
        ),
        Ok(Reply::Released)
    );
    for _ in 0..5 {
        let again = bed.reserve(0, vec![audio(0), audio(1)]);
        let release = Command::Release {
            context: again.context,
        };
        assert_eq!(bed.ask(0, release), Ok(Reply::Released));
    }

    bed.taken = (40000..=40003).collect();
    let answer = refused(bed.ask(
        0,
        Command::Reserve {
            context: None,
            streams: vec![audio(0)],
        },
    ));
    assert!(answer.contains("somebody has it"), "{answer}");
    assert_eq!(
        (
            bed.workers[0].open_ports(),
            bed.workers[0].gateway.contexts()
        ),
        (0, 0)
    );
}

#[test]
fn a_full_worker_says_so() {
    let mut configuration = support::config(0);
    configuration.limits.contexts = 2;
    let mut bed = Bed::new(vec![configuration], 1, LinkQuality::good());
    bed.reserve(0, vec![audio(0)]);
    let second = bed.reserve(0, vec![audio(0)]);
    let another = Command::Reserve {
        context: None,
        streams: vec![audio(0)],
    };
    assert!(refused(bed.ask(0, another.clone())).contains("full"));
    bed.ask(
        0,
        Command::Release {
            context: second.context,
        },
    )
    .unwrap();
    assert!(bed.ask(0, another).is_ok());
}

#[test]
fn a_release_does_not_wait_for_ports() {
    let mut bed = Bed::one();
    let first = Command::Reserve {
        context: None,
        streams: vec![audio(0)],
    };
    let Ok(Reply::Reserved(reserved)) = bed.ask(0, first) else {
        panic!("a Context");
    };
    let context = reserved.context;
    bed.workers[0].bind = false;
    let waiting = bed.ask_only(
        0,
        Command::Reserve {
            context: Some(context),
            streams: vec![audio(1)],
        },
    );
    assert!(bed.workers[0].replies.is_empty());
    assert_eq!(
        bed.ask(0, Command::Release { context }),
        Ok(Reply::Released)
    );
    let answer = bed.workers[0].replies.remove(&waiting).unwrap();
    assert_eq!(answer, Err(Refusal::UnknownContext));
    // The ports come after all: they are closed again.
    bed.fulfil(0);
    assert_eq!(bed.workers[0].open_ports(), 0);
    assert_eq!(bed.workers[0].gateway.contexts(), 0);
}

#[test]
fn calls_of_many_wics_do_not_touch_one_another() {
    let mut bed = Bed::one();
    for n in 0..20u16 {
        bed.wics
            .push(Wic::new(&format!("198.51.100.{n}:{}", 50000 + n)));
        bed.phones.push(Phone::new(&format!("10.0.1.{n}:30000")));
        bed.call(0, usize::from(n), usize::from(n), audio(0));
    }
    for n in 0..20u16 {
        bed.wics[usize::from(n)].send_rtp(&rtp(0, n, 1));
        bed.phone_sends(usize::from(n), &rtp(0, n, 2));
    }
    bed.run(Duration::from_millis(200));
    for n in 0..20u16 {
        assert_eq!(bed.wics[usize::from(n)].received, [rtp(0, n, 2)]);
        assert_eq!(bed.phones[usize::from(n)].received, [rtp(0, n, 1)]);
    }
}
