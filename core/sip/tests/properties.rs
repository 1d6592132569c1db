//! Whatever comes, parsers and tables go on.
mod common;

use bytes::Bytes;
use common::*;
use core_sip::{
    Transport,
    address::{UriView, uri_of},
    dialog::{Dialog, DialogId},
    next_hop::NextHop,
    proxy::{check_request, forward, take_own_routes},
    token::{TokenKey, peek},
};
use proptest::prelude::*;
use testbed::Clock;
use wire_sip::Message;

/// The body of the fuzz target: any bytes that are a message.
fn fuzz(data: &[u8]) {
    let Ok(mut message) = Message::parse(Bytes::copy_from_slice(data)) else {
        return;
    };
    let clock = Clock::new();
    let mut b = transactions(bob(), 2);
    for transport in [Transport::Udp, Transport::Wss] {
        let source = from(transport, bob(), alice());
        b.handle_message(clock.now(), source, message.clone());
    }
    for output in drain(&mut b) {
        if let core_sip::Output::Request { id, message, .. } = output {
            b.respond(clock.now(), id, response(&message, 486));
        }
    }
    let _ = (
        DialogId::of_request(&message),
        DialogId::of_response(&message),
    );
    if message.is_request() {
        let _ = check_request(&message, &["h"], &[], &["sip"]);
        let answer = response(&message, 200);
        if let Some(mut dialog) = Dialog::from_request(&message, &answer) {
            let _ = dialog.handle_request(&message);
            let _ = dialog.request(wire_sip::Method::Bye).to_bytes();
        }
        take_own_routes(&mut message, |uri| uri.host == "h");
        let _ = NextHop::of_uri(&forward(&mut message));
        let _ = message.to_bytes();
    }
}

proptest! {
    #[test]
    fn any_bytes(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        fuzz(&data);
    }

    #[test]
    fn any_message(
        method in "INVITE|ACK|CANCEL|OPTIONS|SIP/2\\.0 200 OK|X",
        via in "SIP/2\\.0/(UDP|TCP|WSS) h(:[0-9]{1,6})?(;branch=(z9hG4bK)?[a-z]{0,2}|;rport|;[!-~]{1,9}){0,3}|[ -~]{0,20}",
        to in "<sip:b@h>(;tag=[a-z]{0,2})?|[ -~]{0,20}",
        routes in proptest::collection::vec("<sip:h(;lr)?>|[ -~]{0,20}", 0..3),
    ) {
        let start = if method.starts_with("SIP") { method.clone() } else { format!("{method} sip:h;lr SIP/2.0") };
        let named = if method.starts_with("SIP") { "INVITE" } else { &method };
        let mut text = format!(
            "{start}\r\nVia: {via}\r\nFrom: <sip:a@h>;tag=a\r\nTo: {to}\r\nCall-ID: 1\r\n\
             CSeq: 1 {named}\r\n"
        );
        for route in routes {
            text.push_str("Route: ");
            text.push_str(&route);
            text.push_str("\r\n");
        }
        text.push_str("Content-Length: 0\r\n\r\n");
        fuzz(text.as_bytes());
    }

    #[test]
    fn any_address(text in "(\"[ -~]{0,8}\")?[ -~]{0,30}|<?(sips?|tel):[!-~]{0,30}") {
        let uri = uri_of(&text).unwrap_or(&text);
        if let Some(view) = UriView::parse(uri) {
            prop_assert!(!view.host.is_empty());
            let _ = view.param("lr");
        }
        let _ = NextHop::of_uri(uri);
    }

    #[test]
    fn no_text_is_a_token_by_chance(text in "[A-Za-z0-9_-]{0,64}|[ -~]{0,64}") {
        prop_assert!(TokenKey::new(&[7; 32]).open(&text).is_err());
        let _ = peek(&text);
    }
}
