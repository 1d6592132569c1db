use bytes::Bytes;
use wire_sip::{HeaderName, Malformed, salvage};

use crate::{
    Source, Target,
    transaction::{Listener, ViaView, stamped, way_back},
};

/// RFC 3261 §8.2.6, §18.2.2 — what the sender of octets that are no message is told, and where: 400,
/// or what the fault asks for. `None` when they are no request, or say too little of themselves.
///
/// It is stateless, so that a retransmission gets a response of its own with another tag; nobody
/// makes a dialog of it.
pub fn answer_malformed(
    octets: &[u8],
    fault: &Malformed,
    source: &Source,
    to_tag: &str,
) -> Option<(Target, Bytes)> {
    let mut response = salvage::response(octets, fault)?;
    response.set_to_tag(to_tag);
    let via = ViaView::top(&response)?;
    let listener = Listener::of(&via);
    let top = response.values(HeaderName::Via).next()?;
    let stamped = stamped(top, source.remote)?;
    let target = way_back(source, Some(listener), source.connection.is_some())?;
    response.replace_first_value(HeaderName::Via, stamped);
    Some((target, response.to_bytes()))
}

#[cfg(test)]
mod tests {
    use wire_sip::{Message, StatusCode};

    use super::*;
    use crate::{ConnectionId, Transport};

    const REQUEST: &str = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h:5099;branch=z9hG4bK1\r\n\
        From: <sip:b@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\
        Max-Forwards: many\r\nContent-Length: 0\r\n\r\n";

    fn answer(request: &str, source: &Source) -> Option<(Target, Message)> {
        let octets = Bytes::copy_from_slice(request.as_bytes());
        let fault = Message::parse(octets.clone())
            .and_then(|message| message.check())
            .expect_err("it is malformed");
        let (target, bytes) = answer_malformed(&octets, &fault, source, "t")?;
        Some((target, Message::parse(bytes).expect("a message")))
    }

    #[test]
    fn it_goes_where_a_response_goes() {
        let mut source = Source {
            transport: Transport::Udp,
            local: "192.0.2.9:5060".parse().expect("an address"),
            remote: "192.0.2.1:9988".parse().expect("an address"),
            connection: None,
        };
        let (target, response) = answer(REQUEST, &source).expect("it can be answered");
        assert_eq!(response.status(), Some(StatusCode::BAD_REQUEST));
        assert_eq!(response.header(HeaderName::To), Some("<sip:a@b>;tag=t"));
        assert_eq!(
            response.values(HeaderName::Via).next(),
            Some("SIP/2.0/UDP h:5099;branch=z9hG4bK1;received=192.0.2.1")
        );
        let listener = Target::Address {
            transport: Transport::Udp,
            addr: "192.0.2.1:5099".parse().expect("an address"),
        };
        assert_eq!(target, listener);

        source.transport = Transport::Tls;
        source.connection = Some(ConnectionId(3));
        let (target, _) = answer(REQUEST, &source).expect("it can be answered");
        assert_eq!(target, source.back());
        let no_via = REQUEST.replace("Via:", "Vie:");
        assert!(answer(&no_via, &source).is_none());
    }
}
