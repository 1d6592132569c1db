//! RFC 6455 §5.4 — a message in fragments is one message.

use conformance::Subject;
use tungstenite::Message as Frame;
use tungstenite::protocol::frame::Frame as Piece;
use tungstenite::protocol::frame::coding::{Data, OpCode};

#[test]
fn fragments_make_one_sip_message_with_a_ping_in_between() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let bytes = wic.register_by_digest().to_bytes();
    let (first, rest) = bytes.split_at(40);
    let (second, third) = rest.split_at(100);
    let pieces = [
        (first, Data::Text, false),
        (second, Data::Continue, false),
        (third, Data::Continue, true),
    ];
    for (data, kind, last) in pieces {
        let piece = Piece::message(data.to_vec(), OpCode::Data(kind), last);
        wic.send_frame(Frame::Frame(piece));
        wic.send_frame(Frame::Ping("between".into()));
    }
    let seen = core.request("REGISTER");
    core.accept(&seen, "<sip:alice@ims.example.net>");
    wic.status(200);
}
