//! RFC 4475 §3.4: backward compatibility.

use wire_sip::HeaderName;

use crate::door::{Door, status};

/// RFC 4475 §3.4.1: no tag in From, no branch, no Max-Forwards; it is forwarded all the same, and
/// its copy is recognised.
#[test]
fn an_invite_with_rfc_2543_syntax_is_forwarded_once() {
    let mut door = Door::new();
    let text = "INVITE sip:bob@ims.example.com SIP/2.0\r\n\
                Via: SIP/2.0/UDP 192.0.2.10:5062\r\n\
                From: <sip:alice@ims.example.com>\r\nTo: <sip:bob@ims.example.com>\r\n\
                Call-ID: inv2543\r\nCSeq: 56 INVITE\r\nContent-Length: 0\r\n\r\n";
    let sent = door.phone_sends(text);
    assert_eq!(sent.len(), 1);
    let invite = &sent[0].message;
    assert_eq!(invite.header(HeaderName::MaxForwards), Some("70"));
    let copies = door.phone_sends(text);
    assert_eq!(copies.len(), 1);
    assert_eq!(status(&copies[0].message), 100);

    // Its CANCEL and ACK have nothing but those fields to go by either.
    let ringing = core_sip::reply(invite, wire_sip::StatusCode::RINGING, "b");
    let ringing = String::from_utf8(ringing.to_bytes().to_vec()).expect("text");
    let passed = door.edge_sends(&ringing);
    assert_eq!(status(&passed[0].message), 180);
    let cancel = text.replace("INVITE", "CANCEL");
    let sent = door.phone_sends(&cancel);
    assert_eq!(status(&sent[0].message), 200);
    assert_eq!(sent[1].message.header(HeaderName::CSeq), Some("56 CANCEL"));
}
