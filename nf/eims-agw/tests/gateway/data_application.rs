//! Channels that the gateway ends for somebody who speaks Iq: an application's server.

use std::time::Duration;

use core_data_channel::{Channel, ChannelId, Event as ChannelEvent, Message};
use core_iq::{ChannelAction, ChannelAt, ChannelMessage, Event, FarEnd, Refusal, Reply, StreamEnd};

use crate::support::{Bed, Call, negotiated};

const SECOND: Duration = Duration::from_secs(1);

/// TS 24.371 §8.4.1: the gateway is the endpoint, here for somebody who speaks Iq.
#[test]
fn an_application_accepts_reads_by_credit_writes_and_closes() {
    let mut call = Call::new(FarEnd::Application);
    call.bed.run(SECOND);
    let id = call.open(0, Channel::new("app"));
    call.send(0, id, Message::text("one"));
    call.send(0, id, Message::text("two"));
    call.bed.run(SECOND);
    let at = ChannelAt {
        end: StreamEnd::W3,
        id: id.0,
    };
    assert_eq!(
        call.act(0, ChannelAction::Accept(at)),
        Ok(Reply::ChannelDone)
    );
    let again = call.act(0, ChannelAction::Accept(at));
    assert_eq!(again, Err(Refusal::UnknownChannel));
    assert!(call.told(0).contains(&ChannelEvent::Opened { id }));
    assert_eq!(messages(&call.bed), [], "no credit, no message");
    call.act(0, ChannelAction::Credit(at, 1)).unwrap();
    let one = ChannelMessage::Text(b"one".to_vec());
    assert_eq!(messages(&call.bed), std::slice::from_ref(&one));
    call.act(0, ChannelAction::Credit(at, 5)).unwrap();
    let two = ChannelMessage::Text(b"two".to_vec());
    assert_eq!(messages(&call.bed), [one, two]);

    let large = || ChannelAction::Send(at, ChannelMessage::Binary(vec![1; 200_000]));
    let mut full = false;
    for _ in 0..10 {
        match call.act(0, large()) {
            Ok(_) => {}
            Err(Refusal::ChannelFull) => full = true,
            other => panic!("{other:?}"),
        }
    }
    assert!(full);
    call.bed.run(SECOND * 3);
    assert!(call.read(0, id).is_some());
    let writable = Event::ChannelWritable { at };
    assert!(call.bed.events(0).contains(&writable));

    call.act(0, ChannelAction::Close(at)).unwrap();
    while call.read(0, id).is_some() {}
    call.bed.run(SECOND);
    while call.read(0, id).is_some() {}
    assert!(call.told(0).contains(&ChannelEvent::Released { id }));

    let opened = ChannelAction::Open {
        end: StreamEnd::W3,
        channel: negotiated(&[0])[0].channel.clone(),
    };
    let Ok(Reply::ChannelOpening { id }) = call.act(0, opened) else {
        panic!("no channel");
    };
    let requested = ChannelEvent::Requested {
        id: ChannelId(id),
        channel: Channel::new("dc"),
    };
    assert_eq!(call.told(0), [requested]);
}

/// A message that found no room is refused before it is told that there is room again: whoever is told waits for nothing.
/// Here the acknowledgements of what fills the channel have come, and have not been worked through.
#[test]
fn room_is_told_after_the_message_that_found_none() {
    let mut call = Call::new(FarEnd::Application);
    call.bed.run(SECOND);
    let id = call.open(0, Channel::new("app"));
    call.bed.run(SECOND);
    let at = ChannelAt {
        end: StreamEnd::W3,
        id: id.0,
    };
    call.act(0, ChannelAction::Accept(at)).unwrap();
    let mut refused = 0;
    for _ in 0..200 {
        let message = ChannelMessage::Binary(vec![1; 16_384]);
        let before = call.bed.events(0).len();
        match call.act(0, ChannelAction::Send(at, message)) {
            Ok(_) => {}
            Err(Refusal::ChannelFull) => {
                refused += 1;
                let told_first = call.bed.workers[0].refused_after - before;
                assert_eq!(told_first, 0, "room is told, and then that there is none");
            }
            Err(other) => panic!("{other:?}"),
        }
        // Everything arrives, and the gateway has not looked at it when the next message is sent.
        call.bed.workers[0].waits = true;
        call.bed.run(Duration::from_millis(5));
        while call.read(0, id).is_some() {}
        call.bed.run(Duration::from_millis(5));
        call.bed.workers[0].waits = false;
    }
    assert!(refused > 0, "never full");
    call.bed.run(SECOND * 3);
    let last = call.bed.workers[0].refused_after;
    let after = call.bed.events(0).split_off(last);
    assert!(after.contains(&Event::ChannelWritable { at }), "{after:?}");
}

/// Whoever opens and closes without end is not asked about without end: what is told waits at the eP-CSCF.
#[test]
fn who_opens_and_closes_without_end_is_told_of_at_a_rate() {
    let mut call = Call::new(FarEnd::Application);
    call.bed.run(SECOND);
    let requests = |call: &Call| {
        let told = call.bed.events(0).into_iter();
        told.filter(|event| matches!(event, Event::ChannelRequested { .. }))
            .count()
    };
    let begin = call.bed.now();
    for _ in 0..60 {
        let open: Vec<ChannelId> = (0..100).map(|_| call.open(0, Channel::new("x"))).collect();
        call.bed.run(Duration::from_millis(50));
        for id in open {
            call.close(0, id);
        }
        call.bed.run(Duration::from_millis(50));
    }
    let most = 512 + (call.bed.now() - begin).as_millis() / 20 + 1;
    let told = requests(&call);
    assert!(told > 512 && told as u128 <= most, "{told} of {most}");
    let reset = call.bed.workers[0].gateway.counters().channels_too_fast;
    assert_eq!(told as u64 + reset, 6000);
    // Another time it is asked again.
    call.bed.run(SECOND);
    call.open(0, Channel::new("y"));
    call.bed.run(SECOND);
    assert_eq!(requests(&call), told + 1);
}

fn messages(bed: &Bed) -> Vec<ChannelMessage> {
    let told = bed.events(0).into_iter();
    told.filter_map(|event| match event {
        Event::ChannelMessage { message, .. } => Some(message),
        _ => None,
    })
    .collect()
}
