//! Whatever comes, the core goes on.
mod common;

use bytes::Bytes;
use common::{Lab, edge, phone};
use proptest::prelude::*;
use wire_sip::Message;

/// The body of the fuzz target: any bytes that are a message, from anywhere.
fn fuzz(data: &[u8]) {
    let Ok(message) = Message::parse(Bytes::copy_from_slice(data)) else {
        return;
    };
    let mut lab = Lab::new();
    lab.register("alice", phone("127.0.0.1:5091"));
    for source in [phone("127.0.0.1:5091"), phone("127.0.0.2:5091"), edge()] {
        let now = lab.clock.now();
        lab.core.handle_message(now, source, message.clone());
        while lab.core.poll_output().is_some() {}
    }
    lab.core.handle_timeout(lab.clock.now());
}

const METHODS: &str = "REGISTER|INVITE|ACK|CANCEL|BYE|OPTIONS|SUBSCRIBE|MESSAGE|PUBLISH|X";
const URIS: &str = "sip:alice@ims\\.example\\.com|sip:ims\\.example\\.com|tel:\\+15550100|\
                    sip:127\\.0\\.0\\.1;lr|sip:x@y;transport=[a-z]{0,4}|urn:service:sos|[!-~]{1,12}";
const LINES: &str = "Contact: (\\*|<sip:a@b>(;expires=[0-9]{1,12}|;reg-id=[0-9]{1,3}|\
                     ;\\+sip\\.instance=\"<u>\"){0,3})|Expires: [0-9]{1,12}|Event: reg|\
                     Route: <sip:127\\.0\\.0\\.1(;lr)?>|Path: <[!-~]{0,12}>|\
                     Authorization: Digest username=\"alice@ims\\.example\\.com\", [!-~]{0,20}|\
                     P-Asserted-Identity: <[!-~]{0,20}>|Require: [a-z]{1,6}|[!-~]{1,10}: [ -~]{0,20}";

proptest! {
    #[test]
    fn any_bytes(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        fuzz(&data);
    }

    #[test]
    fn any_message(
        method in METHODS,
        uri in URIS,
        to in URIS,
        tag in "(;tag=[a-z]{1,3})?",
        lines in proptest::collection::vec(LINES, 0..6),
    ) {
        let mut text = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5091;branch=z9hG4bK1\r\n\
             From: <sip:alice@ims.example.com>;tag=a\r\nTo: <{to}>{tag}\r\nCall-ID: 1\r\n\
             CSeq: 1 {method}\r\nMax-Forwards: 70\r\n"
        );
        for line in lines {
            text.push_str(&line);
            text.push_str("\r\n");
        }
        text.push_str("Content-Length: 0\r\n\r\n");
        fuzz(text.as_bytes());
    }
}
