//! The door W2 from the other side: the eP-CSCF, as a test plays it, and a WIC that is the binary.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tungstenite::handshake::server::{Request, Response};
use tungstenite::http::HeaderValue;
use tungstenite::{Message as Frame, WebSocket};
use wire_sip::{HeaderName, Message};

use crate::core_side::response;
use crate::subject::Process;
use crate::wic_side::{message, read, wait_so_long};
use crate::{HOME, PATIENCE, SILENCE};

/// An eP-CSCF and what is behind it, with one WIC.
pub struct Edge {
    address: SocketAddr,
    /// Who connects. A thread waits for them: a listener's own waiting has no end.
    connections: mpsc::Receiver<TcpStream>,
    socket: Option<WebSocket<TcpStream>>,
    /// What the handshake asked for.
    pub subprotocol: Option<String>,
}

/// The binary as a WIC without a browser.
pub struct Headless(Process);

impl Edge {
    /// On a free port.
    pub fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (connected, connections) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if connected.send(stream).is_err() {
                    return;
                }
            }
        });
        Self {
            address,
            connections,
            socket: None,
            subprotocol: None,
        }
    }

    /// Starts alice's WIC, with these words too, and waits until its WebSocket is open.
    pub fn wic(&mut self, words: &[&str]) -> Headless {
        let url = format!("ws://{}/w2", self.address);
        let mut all = vec!["wic", "--w2", &url, "--domain", HOME, "--user", "alice"];
        all.extend(words);
        let wic = Headless(Process::start(&all, None));
        self.accept();
        wic
    }

    fn accept(&mut self) {
        let stream = self.connections.recv_timeout(PATIENCE);
        let stream = stream.expect("the WIC opens a WebSocket");
        wait_so_long(&stream, PATIENCE);
        let mut asked = None;
        #[expect(clippy::result_large_err, reason = "the type is tungstenite's")]
        let choose = |request: &Request, mut answer: Response| {
            let protocol = request.headers().get("sec-websocket-protocol");
            asked = protocol.map(|value| value.to_str().expect("text").to_owned());
            answer
                .headers_mut()
                .insert("sec-websocket-protocol", HeaderValue::from_static("sip"));
            Ok(answer)
        };
        let socket = tungstenite::accept_hdr(stream, choose).expect("a handshake");
        self.socket = Some(socket);
        self.subprotocol = asked;
    }

    /// The next request with this method.
    #[track_caller]
    pub fn request(&mut self, method: &str) -> Message {
        let frame = self.next(PATIENCE).expect("a request of the WIC's");
        let message = message(frame);
        assert!(message.is_request(), "{:?}", message.status());
        assert_eq!(message.method().as_str(), method);
        message
    }

    /// The next final response.
    #[track_caller]
    pub fn response(&mut self) -> Message {
        loop {
            let message = message(self.next(PATIENCE).expect("a response of the WIC's"));
            let status = message.status().expect("a response");
            if status.is_final() {
                return message;
            }
        }
    }

    /// Answers a request. `tail` are more header lines, and behind an empty line SDP.
    pub fn answer(&mut self, request: &Message, status: u16, tail: &str) {
        self.send(&response(request, status, tail));
    }

    /// Accepts a REGISTER for so many seconds.
    pub fn accept_registration(&mut self, register: &Message, seconds: u32) {
        let contact = register.header(HeaderName::Contact).expect("a contact");
        let contact = contact.split(";expires=").next().unwrap_or(contact);
        let tail = format!(
            "Contact: {contact};expires={seconds}\r\nP-Associated-URI: <sip:alice@{HOME}>\r\n\
             Service-Route: <sip:edge.invalid;transport=ws;lr>\r\n"
        );
        self.answer(register, 200, &tail);
    }

    /// Sends a message.
    pub fn send(&mut self, message: &Message) {
        let text = String::from_utf8(message.to_bytes().to_vec()).expect("a test's text");
        let socket = self.socket.as_mut().expect("it is open");
        socket.send(Frame::text(text)).expect("it is open");
    }

    /// Waits until the WIC closes its WebSocket.
    #[track_caller]
    pub fn is_closed(&mut self) {
        let frame = self.next(PATIENCE).expect("the WIC closes");
        assert!(matches!(frame, Frame::Close(_)), "{frame:?}");
    }

    /// Nothing comes.
    #[track_caller]
    pub fn hears_nothing(&mut self) {
        if let Some(frame) = self.next(SILENCE) {
            panic!("nothing was to come, and there came {frame:?}");
        }
    }

    fn next(&mut self, within: Duration) -> Option<Frame> {
        let socket = self.socket.as_mut().expect("it is open");
        let deadline = Instant::now() + within;
        loop {
            let left = deadline.checked_duration_since(Instant::now())?;
            wait_so_long(socket.get_ref(), left);
            match read(socket)? {
                Frame::Ping(_) | Frame::Pong(_) => {}
                frame => return Some(frame),
            }
        }
    }
}

impl Headless {
    /// Waits until it says that this has happened.
    pub fn says(&self, event: &str) {
        self.0.wait_for(&format!("\"event\":\"{event}"));
    }

    /// Types a command; it was started with `--commands`.
    pub fn types(&mut self, line: &str) {
        self.0.types(line);
    }

    /// All that it said so far.
    pub fn said(&self) -> String {
        self.0.printed()
    }
}
