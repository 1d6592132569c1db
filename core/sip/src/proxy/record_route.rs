use std::fmt::Write as _;

use wire_sip::{HeaderName, Message};

use crate::Transport;

/// A URI of our own for Record-Route or Path: `sip:user@host:port;transport=tcp;lr`.
///
/// UDP is what no `transport` means, so it is not written.
pub fn own_uri(user: Option<&str>, host_port: &str, transport: Transport) -> String {
    let mut uri = String::from("sip:");
    if let Some(user) = user {
        uri.push_str(user);
        uri.push('@');
    }
    uri.push_str(host_port);
    if transport != Transport::Udp {
        let _ = write!(uri, ";transport={}", transport.uri_param());
    }
    uri.push_str(";lr");
    uri
}

/// RFC 3261 §16.6 item 4, RFC 5658 §5 — stays in the dialog: `incoming` is our URI on the side that
/// the request came from, `outgoing` that on the side where it goes. Where the two differ both are
/// recorded, so that each side comes back by its own transport.
pub fn record_route(request: &mut Message, incoming: &str, outgoing: &str) {
    if incoming != outgoing {
        request.push_front(HeaderName::RecordRoute, format_args!("<{incoming}>"));
    }
    request.push_front(HeaderName::RecordRoute, format_args!("<{outgoing}>"));
}
