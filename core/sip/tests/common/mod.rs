//! Transactions at both ends of a virtual network, and a log of who sent what when.
#![allow(dead_code)] // each test file uses its part

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use core_sip::{ConnectionId, Output, Source, Target, TransactionConfig, Transactions, Transport};
use testbed::Clock;
use wire_sip::{HeaderName, Message, Method};

pub(crate) fn alice() -> SocketAddr {
    "192.0.2.1:5060".parse().expect("an address")
}

pub(crate) fn bob() -> SocketAddr {
    "192.0.2.2:5060".parse().expect("an address")
}

pub(crate) fn udp(addr: SocketAddr) -> Target {
    Target::Address {
        transport: Transport::Udp,
        addr,
    }
}

pub(crate) fn from(transport: Transport, local: SocketAddr, remote: SocketAddr) -> Source {
    Source {
        transport,
        local,
        remote,
        connection: transport.is_reliable().then_some(ConnectionId(1)),
    }
}

pub(crate) fn transactions(at: SocketAddr, seed: u8) -> Transactions {
    Transactions::new(TransactionConfig::new(&at.to_string()), [seed; 32])
}

pub(crate) fn request(method: &str) -> Message {
    let mut request = Message::request(Method::parse(method), "sip:bob@192.0.2.2");
    request.push_back(HeaderName::MaxForwards, 70);
    request.push_back(HeaderName::From, "<sip:alice@example.com>;tag=a1");
    request.push_back(HeaderName::To, "<sip:bob@example.com>");
    request.push_back(HeaderName::CallId, "call-1");
    request.push_back(HeaderName::CSeq, format!("1 {method}"));
    request.set_body(None, Bytes::new());
    request
}

/// A request as it comes over the wire.
pub(crate) fn incoming(method: &str, transport: &str, branch: &str) -> Message {
    let mut message = request(method);
    message.push_front(
        HeaderName::Via,
        format!("SIP/2.0/{transport} 192.0.2.1:5060;branch={branch}"),
    );
    message
}

pub(crate) fn response(request: &Message, status: u16) -> Message {
    let status = wire_sip::StatusCode::new(status).expect("a status");
    core_sip::reply(request, status, "b1")
}

pub(crate) fn parse(bytes: &Bytes) -> Message {
    Message::parse(bytes.clone()).expect("we send what can be parsed")
}

/// `INVITE`, or `180 INVITE`.
pub(crate) fn name(message: &Message) -> String {
    let cseq = message.header(HeaderName::CSeq).expect("CSeq");
    let method = cseq.split_whitespace().nth(1).expect("method");
    match message.status() {
        Some(status) => format!("{} {method}", status.as_u16()),
        None => method.to_owned(),
    }
}

/// One line for each output.
pub(crate) fn describe(output: &Output) -> String {
    match output {
        Output::Send { message, .. } => format!("send {}", name(&parse(message))),
        Output::Request { message, .. } => format!("request {}", name(message)),
        Output::Ack { .. } => "ack".into(),
        Output::Response { message, .. } => format!("response {}", name(message)),
        Output::StrayResponse { message, .. } => format!("stray {}", name(message)),
        Output::Cancel { .. } => "cancel".into(),
        Output::Timeout { .. } => "timeout".into(),
        Output::TransportFailed { .. } => "failed".into(),
    }
}

pub(crate) fn drain(transactions: &mut Transactions) -> Vec<Output> {
    std::iter::from_fn(|| transactions.poll_output()).collect()
}

pub(crate) fn said(transactions: &mut Transactions) -> Vec<String> {
    drain(transactions).iter().map(describe).collect()
}

/// Lets time pass up to `until` and says what came out, with the milliseconds since the start.
pub(crate) fn run(
    transactions: &mut Transactions,
    clock: &mut Clock,
    until: Duration,
) -> Vec<(u64, String)> {
    let end: Instant = clock.now() + until.saturating_sub(clock.elapsed());
    let mut log = Vec::new();
    loop {
        for output in drain(transactions) {
            log.push((clock.elapsed().as_millis() as u64, describe(&output)));
        }
        match transactions.poll_timeout() {
            Some(at) if at <= end => {
                let now = clock.advance_to(at);
                transactions.handle_timeout(now);
            }
            _ => break,
        }
    }
    clock.advance_to(end);
    log
}

pub(crate) fn times(log: &[(u64, String)], what: &str) -> Vec<u64> {
    let wanted = log.iter().filter(|(_, said)| said == what);
    wanted.map(|(at, _)| *at).collect()
}
