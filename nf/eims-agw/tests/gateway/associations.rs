//! DTLS associations of data channels: their names, their ends, and those that come after them (RFC 8842).

use std::time::Duration;

use core_data_channel::{Channel, ChannelId, CloseReason, Event as ChannelEvent, Message};
use core_iq::{
    DataLocal, DataSettings, DtlsSettings, Event, IceCredentials, MediaKind, Reserved, StreamEnd,
    StreamSettings,
};

use crate::support::{Call, STREAM, negotiated};

const SECOND: Duration = Duration::from_secs(1);

/// Gateway 0 is told this.
fn tell(call: &mut Call, data: DataSettings) -> Reserved {
    let mut change = StreamSettings::new(STREAM, MediaKind::Data);
    change.data = Some(Box::new(data));
    call.bed.configure(0, call.reserved[0].context, change)
}

fn local(reserved: &Reserved) -> DataLocal {
    reserved.streams[0].data.clone().expect("data channels")
}

/// The WIC offers so.
fn named(of: &str) -> DataSettings {
    DataSettings {
        w3_tls_id: Some(format!("{of:0>20}")),
        offered: Some(StreamEnd::W3),
        ..DataSettings::default()
    }
}

#[test]
fn another_name_is_another_association_and_its_channels_are_new() {
    let mut call = Call::joined();
    assert_eq!(tell(&mut call, named("a")).streams, []);
    let (_, far) = call.channel(&Channel::new("old"));
    call.negotiate(&negotiated(&[1000]));
    let (now, id) = (call.bed.now(), ChannelId(1000));
    for wic in &mut call.bed.wics {
        wic.with_channels(|channels| channels.negotiate(now, id, Channel::new("dc")).unwrap());
    }
    call.bed.run(SECOND);
    // The same name again is nothing new.
    assert_eq!(tell(&mut call, named("a")).streams, []);
    call.bed.run(SECOND);
    call.told(1);

    let before = local(&call.reserved[0]);
    let after = local(&tell(&mut call, named("b")));
    assert_ne!(after.w3_tls_id, before.w3_tls_id);
    assert_eq!(after.core_tls_id, before.core_tls_id);
    let end = StreamEnd::W3;
    let ended = |event: &&Event| matches!(event, Event::DataEnded { end: at, .. } if *at == end);
    assert_eq!(call.bed.events(0).iter().filter(ended).count(), 1);
    let now = call.bed.now();
    call.bed.wics[0].begin_anew(now);
    call.bed.run(SECOND * 3);
    assert_eq!(call.told(0), [ChannelEvent::Connected]);
    let told = call.told(1);
    for id in [far, ChannelId(1000)] {
        let reason = CloseReason::ByPeer;
        assert!(
            told.contains(&ChannelEvent::Closed { id, reason }),
            "{told:?}"
        );
    }
    call.told(0);
    assert_eq!(
        call.bed.wics[0].with_channels(|channels| channels.channels()),
        0
    );

    // What SDP still has can be used again, and what is opened now too.
    call.negotiate(&negotiated(&[1000]));
    let now = call.bed.now();
    for wic in &mut call.bed.wics {
        wic.with_channels(|channels| channels.negotiate(now, id, Channel::new("dc")).unwrap());
    }
    call.send(0, id, Message::text("again"));
    call.bed.run(SECOND);
    assert_eq!(call.read(1, id), Some(Message::text("again")));
    call.told(1);
    let (near, far) = call.channel(&Channel::new("new"));
    call.send(1, far, Message::text("back"));
    call.bed.run(SECOND);
    assert_eq!(call.read(0, near), Some(Message::text("back")));
}

/// RFC 8839 §4.4.1.1.1: the far end's offer restarts ICE on its own leg; DTLS goes on.
#[test]
fn a_restart_of_ice_in_the_core_gets_new_credentials_and_the_same_association() {
    let mut call = Call::joined();
    let (near, far) = call.channel(&Channel::new("a"));
    let ice = IceCredentials {
        ufrag: "restarted".into(),
        pwd: "anotherPasswordOfTheFarEnd".into(),
    };
    let settings = |offered| DataSettings {
        core_dtls: Some(DtlsSettings {
            remote_ice: Some(ice.clone()),
            ..DtlsSettings::default()
        }),
        offered: Some(offered),
        ..DataSettings::default()
    };
    let before = local(&call.reserved[0]);
    let after = local(&tell(&mut call, settings(StreamEnd::Core)));
    assert_ne!(after.core_ice, before.core_ice);
    assert_eq!(after.core_tls_id, before.core_tls_id);
    assert_eq!(after.w3_tls_id, before.w3_tls_id);
    call.send(0, near, Message::text("on"));
    call.bed.run(SECOND);
    assert_eq!(call.read(1, far), Some(Message::text("on")));
    // In an answer to ours it is another far end, that has our credentials already.
    let other = DataSettings {
        core_dtls: Some(DtlsSettings {
            remote_ice: Some(IceCredentials {
                ufrag: "another".into(),
                pwd: "yetAnotherPasswordOfAFarEnd".into(),
            }),
            ..DtlsSettings::default()
        }),
        offered: Some(StreamEnd::W3),
        ..DataSettings::default()
    };
    assert_eq!(tell(&mut call, other).streams, []);
}

/// An id that is in use in band cannot be another channel too.
#[test]
fn a_dcmap_for_a_channel_in_use_is_refused_and_the_channel_lives() {
    let mut call = Call::joined();
    let (near, far) = call.channel(&Channel::new("a"));
    let channels = DataSettings {
        channels: Some(negotiated(&[near.0, 1000])),
        ..DataSettings::default()
    };
    assert_eq!(local(&tell(&mut call, channels)).refused, [near.0]);
    call.send(0, near, Message::text("still"));
    call.bed.run(SECOND);
    assert_eq!(call.read(1, far), Some(Message::text("still")));
    let channels = DataSettings {
        channels: Some(negotiated(&[1000])),
        ..DataSettings::default()
    };
    assert_eq!(tell(&mut call, channels).streams, []);
}

#[test]
fn what_is_dropped_towards_the_core_is_counted_for_what_it_is() {
    let mut call = Call::joined();
    let before = *call.bed.workers[0].gateway.counters();
    let to = call.reserved[0].streams[0].core.rtp;
    let from = call.reserved[1].streams[0].core.rtp;
    let stranger = "10.0.0.66:4000".parse().unwrap();
    let now = call.bed.now();
    let dtls = vec![23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, 1, 0];
    call.bed.net.send(now, stranger, to, dtls);
    let mut check = vec![0, 1, 0, 0];
    check.extend(0x2112_a442_u32.to_be_bytes());
    check.extend([7; 12]);
    call.bed.net.send(now, from, to, check);
    call.bed.run(SECOND);
    let after = call.bed.workers[0].gateway.counters();
    assert_eq!(after.dropped_wrong_source, before.dropped_wrong_source + 1);
    assert_eq!(after.checks_refused, before.checks_refused + 1);
}
