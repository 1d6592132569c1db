//! TS 24.371 §8.1 — WIC and eP-CSCF and eIMS-AGW: "the procedures for negotiating usage of, and opening and closing of,
//! a WebRTC data channel", on the wire from end to end.

use conformance::{Setup, Subject};
use core_data_channel::{ChannelId, CloseReason, Event, Message};
use core_w3::dtls::Role;
use wire_sdp::Session;

use crate::data_calls::data;
use crate::data_door::{DataEnd, message, until};
use crate::wire_calls::{sdp, with_dialog};

const HEAD: &str = "v=0\r\no=- 5 5 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n";

/// Alice's WIC and a far end in the core, each with an association to the gateway between them.
fn connected() -> (Subject, [DataEnd; 2]) {
    let mut subject = Subject::with(&Setup {
        epcscf: "data_channels = \"always\"",
        waf: None,
    });
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let mut ends = [DataEnd::new(), DataEnd::new()];
    let offer = format!("{HEAD}{}", ends[0].line("actpass", true));
    let invite = wic.invite("sip:bob@ims.example.net", "", &offer);
    wic.send(&invite);
    let seen = core.request("INVITE");
    let towards_core = sdp(&seen);
    let gateway = |session: &Session| data(session).expect("an m-line").clone();
    // "realized using an SCTP association running on top of DTLS": over UDP, one that begins.
    let (setup, role) = match gateway(&towards_core).value("setup") {
        Some("active") => ("passive", Role::Server),
        _ => ("active", Role::Client),
    };
    let answer = format!("{HEAD}{}", ends[1].line(setup, false));
    ends[1].begin(&gateway(&towards_core), role);
    let tail = with_dialog(&core, &seen, "", &answer);
    core.answer(&seen, 200, &tail);
    let ok = wic.status(200);
    let ack = wic.in_dialog("ACK", &ok, "");
    wic.send(&ack);
    core.request("ACK");
    let towards_wic = gateway(&sdp(&ok));
    assert_eq!(towards_wic.value("setup"), Some("passive"));
    ends[0].begin(&towards_wic, Role::Client);
    let mut stand = [false, false];
    until(&mut ends, |ends| {
        for (at, end) in ends.iter_mut().enumerate() {
            stand[at] |= end.take(|event| *event == Event::Connected).is_some();
        }
        (stand == [true, true]).then_some(())
    });
    (subject, ends)
}

/// Opened by one in band, and accepted by the other: under which id each has it.
fn opened(ends: &mut [DataEnd; 2], by: usize, label: &str) -> (ChannelId, ChannelId) {
    let ours = ends[by].open(label);
    let theirs = until(ends, |ends| {
        let requested = |event: &Event| matches!(event, Event::Requested { .. });
        match ends[1 - by].take(requested)? {
            Event::Requested { id, channel } => {
                assert_eq!(channel.label, label);
                Some(id)
            }
            _ => None,
        }
    });
    assert!(
        ends[1 - by]
            .take(|event| *event == Event::Opened { id: theirs })
            .is_none()
    );
    ends[1 - by].with(|sctp, now| sctp.accept(now, theirs));
    until(ends, |ends| {
        ends[by].take(|event| *event == Event::Opened { id: ours })
    });
    (ours, theirs)
}

/// "use the Data Channel Establishment Protocol (DCEP) for opening and closing data channels".
#[test]
fn a_channel_is_opened_by_dcep_from_either_side_and_carries_messages_both_ways() {
    let (_subject, mut ends) = connected();
    for by in 0..2 {
        let (ours, theirs) = opened(&mut ends, by, "chat");
        for sent in [Message::text("Grüße"), Message::binary(vec![0; 20_000])] {
            ends[by].with(|sctp, now| sctp.send(now, ours, sent.clone()).expect("room"));
            assert_eq!(message(&mut ends, 1 - by, theirs), sent);
            ends[1 - by].with(|sctp, now| sctp.send(now, theirs, sent.clone()).expect("room"));
            assert_eq!(message(&mut ends, by, ours), sent);
        }
    }
}

/// RFC 8831 §6.7: closed by a reset of its stream, whose id is then free.
#[test]
fn a_channel_is_closed_from_either_side_and_opened_again() {
    let (_subject, mut ends) = connected();
    for closes in 0..2 {
        let (ours, theirs) = opened(&mut ends, 0, "chat");
        let ids = [ours, theirs];
        ends[closes].with(|sctp, now| sctp.close(now, ids[closes]));
        let (id, reason) = (ids[1 - closes], CloseReason::ByPeer);
        until(&mut ends, |ends| {
            ends[1 - closes].take(|event| *event == Event::Closed { id, reason })
        });
        until(&mut ends, |ends| {
            ends[0].take(|event| *event == Event::Released { id: ours })
        });
    }
}
