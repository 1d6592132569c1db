//! TS 24.371 §8.2.1 — WIC, data channels: "The WIC shall follow the general call establishment procedures in subclause 7."

use crate::data_calls::{call, data};
use crate::wic_calls::{answer_in, bearer, registered};
use crate::wire_calls::sdp;

/// Audio beside the channels is offered as ever, and the token is in each request.
#[test]
fn a_call_with_data_channels_is_a_call_as_any() {
    let (mut edge, mut wic) = registered(&["--channel", "chat"]);
    wic.types("call bob");
    let invite = edge.request("INVITE");
    assert_eq!(bearer(&invite).as_deref(), Some("Bearer a.b.c"));
    let offer = sdp(&invite);
    let audio = offer.media(0).expect("audio");
    assert_eq!(audio.line().proto, "UDP/TLS/RTP/SAVPF");
    assert_eq!(audio.value("3ge2ae"), Some("requested"));
    assert!(data(&offer).is_some());
    assert!(!offer.section().has("group"), "no bundle");
    let ack = answer_in(&mut edge, &mut call(true), &invite);
    assert_eq!(bearer(&ack).as_deref(), Some("Bearer a.b.c"));
    wic.says("answered");
}

/// §8.2.1 with §7.2.2: what the far end has not, the call does without.
#[test]
fn a_call_stands_without_its_data_channels() {
    let (mut edge, mut wic) = registered(&["--channel", "chat"]);
    wic.types("call bob");
    let invite = edge.request("INVITE");
    answer_in(&mut edge, &mut call(false), &invite);
    wic.says("answered");
    wic.types("hangup");
    let bye = edge.request("BYE");
    edge.answer(&bye, 200, "");
}
