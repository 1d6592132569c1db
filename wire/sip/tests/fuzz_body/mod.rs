//! What must hold of any bytes: the property tests run it, and the fuzz target.

use bytes::Bytes;
use wire_sip::body::Multipart;
use wire_sip::{Frame, HeaderName, Message, NameAddr, Params, StreamDecoder, Uri, header, salvage};

/// The body of the fuzz target for messages: it may look at anything.
pub(crate) fn fuzz(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    match Message::parse(bytes.clone()) {
        Ok(message) => {
            look(&message);
            let written = message.to_bytes();
            let again = Message::parse(written.clone()).expect("what was parsed parses again");
            assert_eq!(again.to_bytes(), written);
        }
        Err(fault) => {
            if let Some(answer) = salvage::response(data, &fault) {
                Message::parse(answer.to_bytes()).expect("an answer is a message");
            }
        }
    }
    let mut decoder = StreamDecoder::default();
    for chunk in data.chunks(7) {
        decoder.push(chunk);
    }
    let last = loop {
        match decoder.next() {
            Ok(Some(Frame::Message(message))) => look(&message),
            Ok(Some(Frame::Broken(broken))) => {
                let _ = salvage::response(&broken.octets, &broken.fault);
            }
            Ok(Some(Frame::Ping | Frame::Pong)) => {}
            Ok(None) => break decoder.end(),
            Err(broken) => break Some(broken),
        }
    };
    if let Some(broken) = last {
        let _ = salvage::response(&broken.octets, &broken.fault);
    }
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(uri) = Uri::parse(text) {
            let again = Uri::parse(&uri.to_string()).expect("a URI prints as a URI");
            assert!(again.equivalent(&uri));
            let _ = uri.address_of_record();
        }
        if let Ok(address) = NameAddr::parse(text) {
            NameAddr::parse(&address.to_string()).expect("an address prints as an address");
        }
        if let Ok(params) = Params::parse(text) {
            assert_eq!(
                Params::parse(&params.to_string()).expect("parameters print as such"),
                params
            );
        }
    }
    if let Ok(parts) = Multipart::parse("multipart/mixed;boundary=b", data.to_vec()) {
        for part in 0..parts.len() {
            assert_eq!(
                parts.with_body(part, parts.body(part)).is_empty(),
                data.is_empty()
            );
        }
    }
}

fn look(message: &Message) {
    let _ = message.check();
    let _ = message.typed::<header::Authorization>();
    let _ = message.typed::<header::CSeq>();
    let _ = message.typed::<header::SessionExpires>();
    let _ = message.typed::<header::PChargingVector>();
    let _ = message.all::<header::Reason>().count() + message.all::<header::Warning>().count();
    let _ = (
        message.top_branch(),
        message.to_tag(),
        message.max_forwards(),
        message.body().len(),
    );
    let mut edited = message.clone();
    edited.push_front(HeaderName::Via, "SIP/2.0/TCP edge;branch=z9hG4bKedge");
    edited.remove_first_value(HeaderName::Route);
    edited.set(HeaderName::MaxForwards, 69);
    edited.retain_values(HeaderName::Supported, |token| token != "outbound");
    let _ = edited.to_bytes();
}
