//! TS 24.371 §7.2.4 — WIC emergency call.

use bytes::Bytes;
use wire_sip::{Message, StatusCode};

use crate::wic_calls::registered;

/// "A WIC shall not attempt to establish a session when the WIC can detect that the number dialled is
/// an emergency number."
#[test]
fn an_emergency_number_is_not_called_and_the_user_is_told() {
    let (mut edge, mut wic) = registered(&[]);
    for number in [
        "tel:112",
        "tel:911",
        "urn:service:sos",
        "urn:service:sos.fire",
        "999",
    ] {
        wic.types(&format!("call {number}"));
        wic.says("not_done");
    }
    edge.hears_nothing();
    wic.types("call nobody");
    edge.request("INVITE");
    let said = wic.said();
    assert_eq!(said.matches("use another phone").count(), 5, "{said}");
}

/// 380 as TS 24.229 §5.2.10.4 has it.
fn alternative_service(request: &Message) -> Message {
    let status = StatusCode::new(380).expect("a status");
    let mut response = core_sip::reply(request, status, "edge");
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ims-3gpp version=\"1\">\
                <alternative-service><type>emergency</type><reason>Dial from a telephone</reason>\
                </alternative-service></ims-3gpp>";
    response.set_body(
        Some("application/3gpp-ims+xml"),
        Bytes::from_static(body.as_bytes()),
    );
    response
}

/// "1) indicate to the user that an attempt for an UE non detected emergency call has happened and was
/// not supported by the network; and 2) not retry the emergency call via W2 interface."
#[test]
fn a_call_that_the_network_knows_for_an_emergency_is_not_tried_again() {
    let (mut edge, mut wic) = registered(&[]);
    wic.types("call tel:123456");
    let invite = edge.request("INVITE");
    edge.send(&alternative_service(&invite));
    edge.request("ACK");
    wic.says("emergency_refused");
    wic.says("ended");
    assert!(
        wic.said().contains("Dial from a telephone"),
        "{}",
        wic.said()
    );
    edge.hears_nothing();
}

/// The same where it was told on its command line to call over and over.
#[test]
fn it_is_not_tried_again_by_who_calls_for_ever_either() {
    let mut edge = conformance::Edge::listen();
    let words = [
        "--token",
        "a.b.c",
        "--silence",
        "--call",
        "tel:123456",
        "--calls",
        "0",
    ];
    let wic = edge.wic(&words);
    let register = edge.request("REGISTER");
    edge.accept_registration(&register, 600);
    let invite = edge.request("INVITE");
    edge.send(&alternative_service(&invite));
    edge.request("ACK");
    wic.says("emergency_refused");
    // It says goodbye.
    edge.request("REGISTER");
}
