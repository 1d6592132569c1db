//! The door Mw: the core, as a test plays it.

use std::collections::{HashMap, HashSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Instant;

use bytes::Bytes;
use wire_sip::{Frame, HeaderName, Limits, Message, StatusCode, StreamDecoder};

use crate::{PATIENCE, SILENCE};

/// How a message came.
enum Way {
    Udp,
    Tcp(TcpStream),
}

/// The I-CSCF and S-CSCF of the test: one port, UDP and TCP.
pub struct Core {
    socket: UdpSocket,
    incoming: Receiver<(Message, Way)>,
    subject: SocketAddr,
    /// Requests by branch: how their answers go back.
    ways: HashMap<String, Way>,
    /// What was seen, so that what UDP sends again is seen once.
    seen: HashSet<Bytes>,
    /// The last transport that a request came by.
    transport: &'static str,
    /// Requests of its own.
    said: u32,
}

impl Core {
    /// On a port that is free for both.
    pub(crate) fn listen() -> Self {
        let (socket, listener) = loop {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
            let address = socket.local_addr().expect("it is bound");
            if let Ok(listener) = TcpListener::bind(address) {
                break (socket, listener);
            }
        };
        let (sender, incoming) = channel();
        let datagrams = socket.try_clone().expect("one more handle");
        let tell = sender.clone();
        std::thread::spawn(move || receive_datagrams(&datagrams, &tell));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tell = sender.clone();
                std::thread::spawn(move || receive_stream(stream, &tell));
            }
        });
        let subject = socket.local_addr().expect("it is bound");
        Self {
            socket,
            incoming,
            subject,
            ways: HashMap::new(),
            seen: HashSet::new(),
            transport: "",
            said: 0,
        }
    }

    pub(crate) fn subject_is_at(&mut self, address: SocketAddr) {
        self.subject = address;
    }

    /// Where the core listens.
    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("it is bound")
    }

    /// Where the subject listens on Mw.
    pub fn subject(&self) -> SocketAddr {
        self.subject
    }

    /// What the last request came by: `UDP` or `TCP`.
    pub fn transport(&self) -> &str {
        self.transport
    }

    /// The next request with this method. A SUBSCRIBE of the eP-CSCF's own is answered 200 on the way,
    /// unless it is what the test waits for; responses are passed over.
    #[track_caller]
    pub fn request(&mut self, method: &str) -> Message {
        loop {
            let message = self.receive();
            if !message.is_request() {
                continue;
            }
            let is = message.method().as_str().to_owned();
            if is == method {
                return message;
            }
            assert_eq!(is, "SUBSCRIBE", "{method} was to come, and there came {is}");
            self.answer(&message, 200, "Expires: 600000\r\n");
        }
    }

    /// The next request, whatever it asks for but a SUBSCRIBE of the eP-CSCF's own.
    #[track_caller]
    pub fn any_request(&mut self) -> Message {
        loop {
            let message = self.any_message();
            if message.is_request() {
                return message;
            }
        }
    }

    /// The next message, whatever it is but a SUBSCRIBE of the eP-CSCF's own or provisional.
    #[track_caller]
    pub fn any_message(&mut self) -> Message {
        loop {
            let message = self.receive();
            if !message.is_request() {
                if message.status().is_some_and(StatusCode::is_final) {
                    return message;
                }
                continue;
            }
            if message.method().as_str() != "SUBSCRIBE" {
                return message;
            }
            self.answer(&message, 200, "Expires: 600000\r\n");
        }
    }

    /// The next final response.
    #[track_caller]
    pub fn response(&mut self) -> Message {
        loop {
            let message = self.receive();
            match message.status() {
                Some(status) if status.is_final() => return message,
                Some(_) => {}
                None if message.method().as_str() == "SUBSCRIBE" => {
                    self.answer(&message, 200, "Expires: 600000\r\n");
                }
                None => panic!(
                    "a response was to come, and there came {}",
                    message.method().as_str()
                ),
            }
        }
    }

    /// Answers a request, by the way that it came. `tail` are more header lines, each with its CRLF,
    /// and, behind an empty line, SDP.
    pub fn answer(&mut self, request: &Message, status: u16, tail: &str) {
        let response = response(request, status, tail);
        self.send_answer(&response);
    }

    /// Sends a response that the test has made, by the way that its request came.
    pub fn send_answer(&mut self, response: &Message) {
        let branch = response.top_branch().unwrap_or_default();
        match self.ways.get_mut(branch) {
            Some(Way::Tcp(stream)) => stream.write_all(&response.to_bytes()).expect("it is open"),
            _ => self.send(response),
        }
    }

    /// Accepts a REGISTER as an S-CSCF does: its contact for ten minutes, its service route, these
    /// identities.
    pub fn accept(&mut self, register: &Message, identities: &str) {
        let lines = self.registered(register, identities);
        self.answer(register, 200, &lines);
    }

    /// The header lines of a 200 to a REGISTER.
    pub fn registered(&self, register: &Message, identities: &str) -> String {
        let contact = register.header(HeaderName::Contact).unwrap_or_default();
        let path = register.header(HeaderName::Path).unwrap_or_default();
        format!(
            "Contact: {contact};expires=600\r\nPath: {path}\r\n\
             Service-Route: <sip:orig@{};lr>\r\nP-Associated-URI: {identities}\r\n\
             Require: outbound\r\n",
            self.address()
        )
    }

    /// Sends a message to the subject, by UDP.
    pub fn send(&self, message: &Message) {
        self.socket
            .send_to(&message.to_bytes(), self.subject)
            .expect("loopback takes it");
    }

    /// A request of the core's own, from these lines: what every request has is added.
    pub fn say(&mut self, method: &str, uri: &str, call: &str, lines: &str, body: &str) -> Message {
        self.said += 1;
        let (address, number) = (self.address(), self.said);
        let text = format!(
            "{method} {uri} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {address};branch=z9hG4bKcore{number}\r\nMax-Forwards: 65\r\n\
             Call-ID: {call}\r\n{lines}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let message = Message::parse(text.into()).expect("a test's request is well-formed");
        self.send(&message);
        message
    }

    /// The next message, if one comes soon that is no SUBSCRIBE of the eP-CSCF's own.
    pub fn next_soon(&mut self) -> Option<Message> {
        let deadline = Instant::now() + SILENCE;
        loop {
            let message = self.next(deadline)?;
            if !message.is_request() || message.method().as_str() != "SUBSCRIBE" {
                return Some(message);
            }
            self.answer(&message, 200, "Expires: 600000\r\n");
        }
    }

    /// Nothing comes but the eP-CSCF's own SUBSCRIBE.
    #[track_caller]
    pub fn hears_nothing(&mut self) {
        if let Some(message) = self.next_soon() {
            let text = String::from_utf8_lossy(&message.to_bytes()).into_owned();
            panic!("nothing was to come, and there came:\n{text}");
        }
    }

    #[track_caller]
    fn receive(&mut self) -> Message {
        self.next(Instant::now() + PATIENCE)
            .expect("a message for the core")
    }

    fn next(&mut self, deadline: Instant) -> Option<Message> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let (message, way) = match self.incoming.recv_timeout(left) {
                Ok(received) => received,
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => panic!("the core has lost its sockets"),
            };
            if !self.seen.insert(message.to_bytes()) {
                continue;
            }
            if message.is_request() {
                self.transport = match &way {
                    Way::Udp => "UDP",
                    Way::Tcp(_) => "TCP",
                };
                let branch = message.top_branch().unwrap_or_default().to_owned();
                self.ways.insert(branch, way);
            }
            return Some(message);
        }
    }
}

fn receive_datagrams(socket: &UdpSocket, tell: &Sender<(Message, Way)>) {
    let mut buffer = vec![0; 65_536];
    while let Ok((length, _)) = socket.recv_from(&mut buffer) {
        let bytes = Bytes::copy_from_slice(&buffer[..length]);
        let message = Message::parse(bytes).expect("Mw sends well-formed messages");
        if tell.send((message, Way::Udp)).is_err() {
            return;
        }
    }
}

fn receive_stream(mut stream: TcpStream, tell: &Sender<(Message, Way)>) {
    let mut decoder = StreamDecoder::new(Limits::default());
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        decoder.push(&buffer[..length]);
        while let Some(frame) = decoder.next().expect("Mw sends well-formed messages") {
            let Frame::Message(message) = frame else {
                continue;
            };
            let way = Way::Tcp(stream.try_clone().expect("one more handle"));
            if tell.send((*message, way)).is_err() {
                return;
            }
        }
    }
}

/// A response with a To tag, and with what `tail` adds.
pub(crate) fn response(request: &Message, status: u16, tail: &str) -> Message {
    let code = StatusCode::new(status).expect("a test's status code");
    let mut response = Message::response_to(request, code, None);
    if status > 100 && response.to_tag().is_none() {
        response.set_to_tag("core");
    }
    let (lines, body) = tail.split_once("\r\n\r\n").unwrap_or((tail, ""));
    for line in lines.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').expect("a test's header line");
        response.push_named(name.trim(), value.trim());
    }
    if !body.is_empty() {
        let body = Bytes::copy_from_slice(body.as_bytes());
        response.set_body(Some("application/sdp"), body);
    }
    response
}
