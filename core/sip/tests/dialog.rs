//! RFC 3261 §12: dialogs at both ends agree.
mod common;

use common::*;
use core_sip::dialog::{Dialog, DialogId, DialogState};
use wire_sip::{HeaderName, Message, Method, StatusCode};

fn invite() -> Message {
    let mut invite = request("INVITE");
    invite.push_back(HeaderName::Contact, "<sip:alice@192.0.2.1:5062>");
    invite.push_back(
        HeaderName::RecordRoute,
        "<sip:p2.example.com;lr>, <sip:p1.example.com;lr>",
    );
    invite
}

fn answer(status: u16, contact: &str) -> Message {
    let mut answer = response(&invite(), status);
    answer.push_back(HeaderName::Contact, format!("<{contact}>"));
    answer
}

fn ends(status: u16) -> (Dialog, Dialog) {
    let answer = answer(status, "sip:bob@192.0.2.2");
    (
        Dialog::from_response(&invite(), &answer).expect("the caller's"),
        Dialog::from_request(&invite(), &answer).expect("the callee's"),
    )
}

#[test]
fn both_ends_name_it_and_route_it_alike() {
    let (mut caller, mut callee) = ends(200);
    assert_eq!(caller.id().local_tag, "a1");
    assert_eq!(callee.id().remote_tag, "a1");
    assert_eq!(caller.id().remote_tag, callee.id().local_tag);

    let bye = caller.request(Method::Bye);
    assert_eq!(bye.request_uri(), Some("sip:bob@192.0.2.2"));
    let routes: Vec<_> = bye.values(HeaderName::Route).collect();
    assert_eq!(
        routes,
        ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]
    );
    assert_eq!(caller.next_hop(), "sip:p1.example.com;lr");
    assert_eq!(bye.header(HeaderName::CSeq), Some("2 BYE"));
    assert_eq!(DialogId::of_request(&bye).as_ref(), Some(callee.id()));
    assert_eq!(callee.handle_request(&bye), Ok(()));
    assert_eq!(
        DialogId::of_response(&response(&bye, 200)).as_ref(),
        Some(caller.id())
    );

    let info = callee.request(Method::Info);
    assert_eq!(info.request_uri(), Some("sip:alice@192.0.2.1:5062"));
    let routes: Vec<_> = info.values(HeaderName::Route).collect();
    assert_eq!(
        routes,
        ["<sip:p2.example.com;lr>", "<sip:p1.example.com;lr>"]
    );
    assert_eq!(DialogId::of_request(&info).as_ref(), Some(caller.id()));
}

#[test]
fn the_ack_has_the_number_of_its_invite() {
    let (caller, _) = ends(200);
    let ack = caller.ack(1);
    assert_eq!(ack.header(HeaderName::CSeq), Some("1 ACK"));
    assert_eq!(ack.request_uri(), Some("sip:bob@192.0.2.2"));
    assert_eq!(caller.local_cseq(), 1);
}

/// RFC 3261 §12.2.2.
#[test]
fn requests_out_of_order_get_500() {
    let (mut caller, mut callee) = ends(200);
    let first = caller.request(Method::Info);
    let second = caller.request(Method::Info);
    assert_eq!(callee.handle_request(&second), Ok(()));
    let late = callee.handle_request(&first);
    assert_eq!(late, Err(StatusCode::SERVER_INTERNAL_ERROR));
    assert_eq!(callee.handle_request(&caller.ack(1)), Ok(()));
}

#[test]
fn a_target_refresh_moves_the_target() {
    let (mut caller, mut callee) = ends(200);
    let mut update = caller.request(Method::Update);
    update.push_back(HeaderName::Contact, "<sip:alice@192.0.2.77>");
    callee.handle_request(&update).unwrap();
    assert_eq!(callee.remote_target(), "sip:alice@192.0.2.77");
    let mut answer = response(&update, 200);
    answer.push_back(HeaderName::Contact, "<sip:bob@192.0.2.88>");
    caller.handle_response(&answer);
    assert_eq!(caller.remote_target(), "sip:bob@192.0.2.88");

    let mut info = caller.request(Method::Info);
    info.push_back(HeaderName::Contact, "<sip:alice@192.0.2.99>");
    callee.handle_request(&info).unwrap();
    assert_eq!(
        callee.remote_target(),
        "sip:alice@192.0.2.77",
        "INFO refreshes nothing"
    );
}

/// RFC 3261 §13.2.2.4: the 2xx settles the route set of an early dialog.
#[test]
fn a_2xx_confirms_an_early_dialog() {
    let (mut caller, _) = ends(180);
    assert_eq!(caller.state(), DialogState::Early);
    let mut ok = response(&invite(), 200);
    ok.push_back(HeaderName::Contact, "<sip:bob@192.0.2.5>");
    ok.remove(HeaderName::RecordRoute);
    ok.push_back(HeaderName::RecordRoute, "<sip:p1.example.com;lr>");
    caller.handle_response(&ok);
    assert_eq!(caller.state(), DialogState::Confirmed);
    assert_eq!(caller.route_set(), ["<sip:p1.example.com;lr>"]);
    assert_eq!(caller.remote_target(), "sip:bob@192.0.2.5");
}

/// RFC 3261 §12.2.1.1.
#[test]
fn a_strict_router_is_put_into_the_request_uri() {
    let mut answer = response(&invite(), 200);
    answer.push_back(HeaderName::Contact, "<sip:bob@192.0.2.2>");
    answer.remove(HeaderName::RecordRoute);
    answer.push_back(
        HeaderName::RecordRoute,
        "<sip:loose.example.com;lr>, <sip:strict.example.com>",
    );
    let mut caller = Dialog::from_response(&invite(), &answer).unwrap();
    let bye = caller.request(Method::Bye);
    assert_eq!(bye.request_uri(), Some("sip:strict.example.com"));
    let routes: Vec<_> = bye.values(HeaderName::Route).collect();
    assert_eq!(
        routes,
        ["<sip:loose.example.com;lr>", "<sip:bob@192.0.2.2>"]
    );
}

#[test]
fn what_makes_no_dialog() {
    assert!(Dialog::from_response(&invite(), &answer(100, "sip:bob@192.0.2.2")).is_none());
    assert!(Dialog::from_response(&invite(), &answer(486, "sip:bob@192.0.2.2")).is_none());
    assert!(Dialog::from_response(&invite(), &response(&invite(), 200)).is_none());
}

/// In the middle of a dialog of two others, what they say to one another is heard.
#[test]
fn a_target_and_a_number_are_heard_of_in_passing() {
    let (mut caller, _) = ends(200);
    let mut moved = response(&invite(), 200);
    moved.push_back(HeaderName::Contact, "\"Bob\" <sip:bob@192.0.2.9>;expires=5");
    caller.refresh_target(&moved);
    assert_eq!(caller.remote_target(), "sip:bob@192.0.2.9");
    caller.refresh_target(&response(&invite(), 200)); // no Contact
    let mut bye = caller.request(Method::Bye);
    bye.push_back(HeaderName::Contact, "<sip:bob@192.0.2.10>"); // refreshes nothing
    caller.refresh_target(&bye);
    assert_eq!(caller.remote_target(), "sip:bob@192.0.2.9");

    caller.follow(7);
    caller.follow(3);
    let info = caller.request(Method::Info);
    assert_eq!(info.header(HeaderName::CSeq), Some("8 INFO"));
}
