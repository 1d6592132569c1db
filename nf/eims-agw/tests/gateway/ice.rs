//! Connectivity checks: who is let in, who fell silent, who moved, who restarted.

use std::time::Duration;

use core_iq::{Event, IceCredentials, MediaKind, StreamId, StreamSettings, W3Settings};

use crate::support::{self, Bed, Phone, Wic, rtp};

const A_MOMENT: Duration = Duration::from_millis(200);

fn audio() -> StreamSettings {
    StreamSettings::new(StreamId(0), MediaKind::Audio)
}

fn last(events: &[Event], count: usize) -> &[Event] {
    &events[events.len() - count..]
}

#[test]
fn a_wic_without_checks_for_thirty_seconds_is_reported_and_not_sent_to() {
    let mut bed = Bed::one();
    bed.audio_call();
    bed.run(Duration::from_mins(1));
    assert_eq!(bed.events(0).len(), 2, "checks every 2.5 s keep it alive");
    bed.wics[0].checking = false;
    bed.run(Duration::from_secs(27));
    assert_eq!(bed.events(0).len(), 2);
    bed.run(Duration::from_secs(4));
    assert_eq!(last(&bed.events(0), 1), [Event::WicSilent]);
    bed.phone_sends(0, &rtp(0, 1, 2));
    bed.run(A_MOMENT);
    assert!(bed.wics[0].received.is_empty());
    assert_eq!(bed.workers[0].gateway.counters().dropped_not_ready, 1);

    bed.wics[0].checking = true;
    bed.run(Duration::from_secs(1));
    assert_eq!(last(&bed.events(0), 1), [Event::WicBack]);
    bed.phone_sends(0, &rtp(0, 2, 2));
    bed.run(A_MOMENT);
    assert_eq!(bed.wics[0].received.len(), 1);
}

#[test]
fn an_ice_restart_gives_new_credentials_and_media_go_on() {
    let mut bed = Bed::one();
    let context = bed.audio_call();
    bed.wics[0].ice = IceCredentials {
        ufrag: "another".into(),
        pwd: "anotherPasswordOfTheWic".into(),
    };
    let mut settings = audio();
    settings.w3 = Some(W3Settings {
        remote_ice: Some(bed.wics[0].ice.clone()),
        ..W3Settings::default()
    });
    let told = bed.configure(0, context, settings.clone());
    assert_eq!(told.streams.len(), 1);
    // What the WIC has not heard of yet still works.
    bed.run(Duration::from_secs(3));
    bed.phone_sends(0, &rtp(0, 1, 2));
    bed.run(A_MOMENT);
    assert_eq!(bed.wics[0].received.len(), 1);

    // It moves to another address with the new credentials.
    bed.wics[0].address = "198.51.100.77:40000".parse().unwrap();
    let now = bed.now();
    bed.wics[0].accept(now, &told.streams[0]);
    bed.run(Duration::from_secs(1));
    bed.phone_sends(0, &rtp(0, 2, 2));
    bed.wics[0].send_rtp(&rtp(0, 1, 1));
    bed.run(A_MOMENT);
    assert_eq!(bed.wics[0].received.len(), 2);
    assert_eq!(bed.phones[0].received.len(), 1);
    // The same again is no restart.
    assert!(bed.configure(0, context, settings).streams.is_empty());
}

#[test]
fn who_has_no_password_gets_nothing_through() {
    let mut bed = Bed::one();
    bed.audio_call();
    let gateway = bed.wics[0].candidate();
    let mut stranger = Wic::new("192.0.2.66:6666");
    stranger.checking = false;
    let local = bed.wics[0].gateway().clone();
    stranger.accept_local(bed.now(), local);
    stranger.check(false);
    bed.wics.push(stranger);
    bed.run(A_MOMENT);
    assert!(!bed.wics[1].nominated);
    assert_eq!(bed.workers[0].gateway.counters().checks_refused, 1);
    // Neither media nor DTLS of his is looked at.
    let from = bed.wics[1].address;
    bed.net.send(bed.clock.now(), from, gateway, rtp(0, 1, 1));
    bed.net
        .send(bed.clock.now(), from, gateway, vec![22, 254, 253, 0, 0]);
    bed.run(A_MOMENT);
    assert!(bed.phones[0].received.is_empty());
    assert_eq!(bed.workers[0].gateway.counters().dropped_unknown_source, 2);
}

#[test]
fn a_port_that_another_wic_had_before_is_the_new_ones() {
    let mut bed = Bed::one();
    bed.audio_call();
    bed.wics[0].checking = false;
    let address = bed.wics[0].address.to_string();
    bed.wics[0].address = "192.0.2.1:9".parse().unwrap();
    bed.wics.push(Wic::new(&address));
    bed.phones.push(Phone::new("10.0.0.10:31000"));
    bed.call(0, 1, 1, audio());
    bed.phone_sends(0, &rtp(0, 1, 2));
    bed.phone_sends(1, &rtp(0, 1, 3));
    bed.wics[1].send_rtp(&rtp(0, 1, 4));
    bed.run(A_MOMENT);
    assert_eq!(bed.wics[1].received, [rtp(0, 1, 3)]);
    assert_eq!(bed.phones[1].received, [rtp(0, 1, 4)]);
    assert!(bed.phones[0].received.is_empty());
}

#[test]
fn every_candidate_is_told_and_works() {
    let mut configuration = support::config(0);
    configuration.w3.push(nf_eims_agw::W3Socket {
        socket: nf_eims_agw::SocketId(1),
        candidate: "127.0.0.1:7000".parse().unwrap(),
    });
    let mut bed = Bed::new(vec![configuration], 1, testbed::LinkQuality::good());
    bed.wics.push(Wic::new("127.0.0.1:50000"));
    bed.phones.push(Phone::new("10.0.0.9:30000"));
    bed.wics[0].prefers = 1;
    bed.call(0, 0, 0, audio());
    assert_eq!(bed.wics[0].candidate().to_string(), "127.0.0.1:7000");
    bed.phone_sends(0, &rtp(0, 1, 3));
    bed.run(A_MOMENT);
    assert_eq!(bed.wics[0].received.len(), 1);
}
