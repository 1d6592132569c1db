//! The door W2: a WIC that says just what its test wants it to say.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::http::{HeaderName as HttpName, HeaderValue};
use tungstenite::{Error, HandshakeError, Message as Frame, WebSocket};
use wire_sip::{HeaderName, Message};

use crate::core_side::response;
use crate::{HOME, PATIENCE, SILENCE};

/// TCP, or TLS over it.
enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => &stream.sock,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// A handshake that ended without a WebSocket: the HTTP status.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused(pub u16);

/// A WIC with one WebSocket. Everything it sends has the headers that its name gives.
pub struct Wic {
    socket: WebSocket<Stream>,
    transport: &'static str,
    /// `alice` of `sip:alice@home`.
    pub name: String,
    /// What `Authorization` says in every request, when it says anything.
    pub authorization: Option<String>,
    /// The subprotocol that was agreed on.
    pub subprotocol: Option<String>,
    pings: u32,
    pongs: Vec<Bytes>,
}

impl Wic {
    /// Opens W2 with the subprotocol `sip` (RFC 7118 §4.1).
    pub(crate) fn connect(
        address: &str,
        certificate: Option<&Path>,
        name: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, Refused> {
        let stream = TcpStream::connect(address).expect("W2 takes connections");
        stream.set_nodelay(true).expect("a TCP socket");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a timeout is not zero");
        let (stream, transport) = match certificate {
            None => (Stream::Plain(stream), "WS"),
            Some(file) => (Stream::Tls(Box::new(tls(stream, file, &[]))), "WSS"),
        };
        let mut request = format!("ws://{address}/w2")
            .into_client_request()
            .expect("a URL");
        let mut all = vec![("Sec-WebSocket-Protocol", "sip")];
        all.extend(headers);
        for (name, value) in all {
            let name = HttpName::try_from(name).expect("a header name");
            request.headers_mut().remove(&name);
            if !value.is_empty() {
                let value = HeaderValue::try_from(value).expect("a header value");
                request.headers_mut().insert(name, value);
            }
        }
        match tungstenite::client(request, stream) {
            Ok((socket, answer)) => Ok(Self {
                socket,
                transport,
                name: name.to_owned(),
                authorization: None,
                subprotocol: answer
                    .headers()
                    .get("sec-websocket-protocol")
                    .map(|value| value.to_str().expect("text").to_owned()),
                pings: 0,
                pongs: Vec::new(),
            }),
            Err(HandshakeError::Failure(Error::Http(answer))) => {
                Err(Refused(answer.status().as_u16()))
            }
            Err(error) => panic!("neither upgraded nor refused: {error}"),
        }
    }

    /// `sip:alice@home`.
    pub fn identity(&self) -> String {
        format!("sip:{}@{HOME}", self.name)
    }

    /// Where our end of the connection is, as the subject sees it.
    pub fn address(&self) -> std::net::SocketAddr {
        self.socket
            .get_ref()
            .tcp()
            .local_addr()
            .expect("it is connected")
    }

    /// What every request of this WIC's has, and these lines, each with its CRLF; SDP when there is
    /// some. From, To and Call-ID may be among the lines, and are the usual ones otherwise.
    pub fn request(&mut self, method: &str, uri: &str, lines: &str, sdp: &str) -> Message {
        // A WIC that comes back goes on counting: no two requests of a test share branch or CSeq.
        static SEQUENCE: AtomicU32 = AtomicU32::new(1);
        let sequence = SEQUENCE.fetch_add(1, Ordering::Relaxed);
        let Self {
            name, transport, ..
        } = self;
        let has = |header: &str| lines.lines().any(|line| line.starts_with(header));
        let mut text = format!(
            "{method} {uri} SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {name}.invalid;branch=z9hG4bK{name}{sequence};rport\r\n\
             Max-Forwards: 70\r\n"
        );
        let usual = [
            ("From:", format!("<sip:{name}@{HOME}>;tag=from-{name}")),
            ("To:", format!("<{uri}>")),
            ("Call-ID:", format!("{method}-of-{name}")),
            ("CSeq:", format!("{sequence} {method}")),
            ("Contact:", self.contact()),
            (
                "Authorization:",
                self.authorization.clone().unwrap_or_default(),
            ),
            ("Content-Type:", "application/sdp".to_owned()),
        ];
        for (header, value) in usual {
            let empty = value.is_empty() || (header == "Content-Type:" && sdp.is_empty());
            if !has(header) && !empty {
                text.extend([header, " ", &value, "\r\n"]);
            }
        }
        text.push_str(lines);
        let length = sdp.len().to_string();
        text.extend(["Content-Length: ", &length, "\r\n\r\n", sdp]);
        Message::parse(text.into()).expect("a test's request is well-formed")
    }

    fn contact(&self) -> String {
        let number: u64 = self.name.bytes().map(u64::from).sum();
        format!(
            "<sip:{0}@{0}.invalid;transport=ws>;reg-id=1;\
             +sip.instance=\"<urn:uuid:00000000-0000-4000-8000-{number:012}>\"",
            self.name
        )
    }

    /// A REGISTER, with these lines too.
    pub fn register(&mut self, lines: &str) -> Message {
        let to = format!("To: <{}>\r\n", self.identity());
        let to = if lines.contains("To:") { "" } else { &to };
        let lines = format!("{to}Supported: path, outbound, gruu\r\n{lines}");
        self.request("REGISTER", &format!("sip:{HOME}"), &lines, "")
    }

    /// A REGISTER that answers a challenge, as far as an edge can see.
    pub fn register_by_digest(&mut self) -> Message {
        let lines = format!(
            "Authorization: Digest username=\"{}@{HOME}\", realm=\"{HOME}\", nonce=\"n\", \
             uri=\"sip:{HOME}\", response=\"6629fae49393a05397450978507c4ef1\"\r\n",
            self.name
        );
        self.register(&lines)
    }

    /// An INVITE.
    pub fn invite(&mut self, uri: &str, lines: &str, sdp: &str) -> Message {
        let lines = format!("Supported: outbound\r\n{lines}");
        self.request("INVITE", uri, &lines, sdp)
    }

    /// A request in the dialog that this response to our request has made.
    pub fn in_dialog(&mut self, method: &str, response: &Message, sdp: &str) -> Message {
        let mut routes: Vec<&str> = response.values(HeaderName::RecordRoute).collect();
        routes.reverse();
        let header = |name| response.header(name).unwrap_or_default();
        let contact = header(HeaderName::Contact);
        let uri = contact.trim_start_matches('<').split('>').next();
        let mut lines = format!(
            "From: {}\r\nTo: {}\r\nCall-ID: {}\r\nRoute: {}\r\n",
            header(HeaderName::From),
            header(HeaderName::To),
            response.call_id(),
            routes.join(", ")
        );
        if method == "ACK" {
            let (number, _) = response.cseq().expect("a CSeq");
            lines.extend(["CSeq: ", &number.to_string(), " ACK\r\n"]);
        }
        self.request(method, uri.unwrap_or_default(), &lines, sdp)
    }

    /// Answers a request of the core's.
    pub fn answer(&mut self, request: &Message, status: u16, tail: &str) {
        let mut answer = response(request, status, "");
        if status > 100 {
            answer.set_to_tag(&format!("to-{}", self.name));
        }
        let routes: Vec<String> = request
            .values(HeaderName::RecordRoute)
            .map(str::to_owned)
            .collect();
        for route in routes {
            answer.push_back(HeaderName::RecordRoute, route);
        }
        answer.push_back(HeaderName::Contact, self.contact());
        let (lines, sdp) = tail.split_once("\r\n\r\n").unwrap_or((tail, ""));
        for line in lines.split("\r\n").filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').expect("a test's header line");
            answer.push_named(name, value.trim());
        }
        if !sdp.is_empty() {
            let sdp = Bytes::copy_from_slice(sdp.as_bytes());
            answer.set_body(Some("application/sdp"), sdp);
        }
        self.send(&answer);
    }

    /// Sends a message.
    pub fn send(&mut self, message: &Message) {
        self.send_raw(&message.to_bytes());
    }

    /// Sends bytes that may be no message: as text when they are UTF-8.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.send_frame(Frame::text(text)),
            Err(_) => self.send_frame(Frame::binary(bytes.to_vec())),
        }
    }

    /// Sends any frame.
    pub fn send_frame(&mut self, frame: Frame) {
        // A subject that closes meanwhile is seen when its close frame is read.
        let _ = self.socket.send(frame);
    }

    /// Sends bytes that need not be WebSocket frames.
    pub fn send_bytes_of_tcp(&mut self, bytes: &[u8]) {
        let stream = self.socket.get_mut();
        stream.write_all(bytes).expect("it is open");
        stream.flush().expect("it is open");
    }

    /// The next SIP message.
    #[track_caller]
    pub fn receive(&mut self) -> Message {
        message(self.next(PATIENCE).expect("a message for the WIC"))
    }

    /// The next response that is final.
    #[track_caller]
    pub fn final_response(&mut self) -> Message {
        loop {
            let message = self.receive();
            if message.status().is_some_and(wire_sip::StatusCode::is_final) {
                return message;
            }
            assert!(
                !message.is_request(),
                "a response was to come, and there came {}",
                message.method().as_str()
            );
        }
    }

    /// The next response with this status; provisional ones in between are passed over.
    #[track_caller]
    pub fn status(&mut self, wanted: u16) -> Message {
        loop {
            let message = self.receive();
            let status = message.status().map(wire_sip::StatusCode::as_u16);
            if status == Some(wanted) {
                return message;
            }
            assert!(
                status.is_some_and(|status| status < 200),
                "{wanted} was to come, and there came {status:?}"
            );
        }
    }

    /// The next request; responses in between are passed over.
    #[track_caller]
    pub fn receive_request(&mut self, method: &str) -> Message {
        loop {
            let message = self.receive();
            if message.is_request() {
                assert_eq!(message.method().as_str(), method);
                return message;
            }
        }
    }

    /// The next frame that carries data: text or binary.
    #[track_caller]
    pub fn frame(&mut self) -> Frame {
        self.next(PATIENCE).expect("a frame for the WIC")
    }

    /// Nothing comes.
    #[track_caller]
    pub fn hears_nothing(&mut self) {
        self.hears_nothing_for(SILENCE);
    }

    /// Nothing comes for so long.
    #[track_caller]
    pub fn hears_nothing_for(&mut self, long: Duration) {
        if let Some(frame) = self.next(long) {
            panic!("nothing was to come, and there came {frame:?}");
        }
    }

    /// Waits for a pong with these bytes.
    #[track_caller]
    pub fn wait_for_pong(&mut self, bytes: &[u8]) {
        let deadline = Instant::now() + PATIENCE;
        while !self.pongs.iter().any(|pong| pong == bytes) {
            assert!(Instant::now() < deadline, "no pong came");
            assert_eq!(self.next(Duration::from_millis(10)), None);
        }
    }

    /// Pings that were seen; tungstenite answers them.
    pub fn pings(&self) -> u32 {
        self.pings
    }

    /// The close code that the subject gives, whatever comes before it.
    #[track_caller]
    pub fn close_code(&mut self) -> u16 {
        loop {
            match self.next(PATIENCE).expect("the subject closes") {
                Frame::Close(Some(frame)) => return frame.code.into(),
                Frame::Close(None) => return 1005,
                _ => {}
            }
        }
    }

    /// Closes the WebSocket, and waits until the subject has, too.
    pub fn close(mut self) {
        self.socket.close(None).expect("it is open");
        while self.socket.read().is_ok() {}
    }

    /// Registers by Digest, the test's core accepting; what the core saw.
    #[track_caller]
    pub fn is_registered_by(&mut self, core: &mut crate::Core) -> Message {
        let register = self.register_by_digest();
        self.send(&register);
        let seen = core.request("REGISTER");
        let identities = format!("<{}>, <tel:+15550100>", self.identity());
        core.accept(&seen, &identities);
        self.status(200);
        seen
    }

    fn next(&mut self, within: Duration) -> Option<Frame> {
        let deadline = Instant::now() + within;
        loop {
            let left = deadline.checked_duration_since(Instant::now())?;
            let tcp = self.socket.get_ref().tcp();
            wait_so_long(tcp, left);
            match read(&mut self.socket)? {
                Frame::Ping(_) => {
                    self.pings += 1;
                    let _ = self.socket.flush();
                }
                Frame::Pong(bytes) => self.pongs.push(bytes),
                frame => return Some(frame),
            }
        }
    }
}

pub(crate) fn wait_so_long(tcp: &TcpStream, left: Duration) {
    let left = left.max(Duration::from_millis(1));
    tcp.set_read_timeout(Some(left))
        .expect("a timeout is not zero");
}

/// The next frame, unless none comes in time.
pub(crate) fn read<S: Read + Write>(socket: &mut WebSocket<S>) -> Option<Frame> {
    match socket.read() {
        Ok(frame) => Some(frame),
        Err(Error::Io(error))
            if matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ) =>
        {
            None
        }
        Err(error) => panic!("the WebSocket ended: {error}"),
    }
}

/// The SIP message in a frame.
#[track_caller]
pub(crate) fn message(frame: Frame) -> Message {
    match frame {
        Frame::Text(text) => Message::parse(Bytes::copy_from_slice(text.as_bytes())),
        Frame::Binary(data) => Message::parse(data),
        other => panic!("a SIP message was to come, and there came {other:?}"),
    }
    .expect("W2 carries well-formed messages")
}

/// TLS with who has that certificate, and an application protocol of these.
pub(crate) fn tls(
    stream: TcpStream,
    certificate: &Path,
    protocols: &[&str],
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(certificate).expect("a PEM certificate");
    roots.add(certificate).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let protocols = protocols.iter();
    config.alpn_protocols = protocols.map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a TLS client");
    StreamOwned::new(connection, stream)
}
