//! An enabler that can call: the test is the application server, and the core with the phones behind it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

use serde_json::{Value, json};
use wire_sip::{Message, StatusCode};

use crate::{Core, Enabler, HOME, PATIENCE, SILENCE};

/// A phone's SDP: sound, by PCMU.
const AUDIO: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                     m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

/// An enabler, the core into which it calls, and what application servers are told.
pub struct Calling {
    /// The enabler.
    pub enabler: Enabler,
    /// The core.
    pub core: Core,
    /// Where notifications are to go.
    pub url: String,
    told: Receiver<(String, Value)>,
}

impl Calling {
    /// One; `more` are lines of its configuration, in which `TARGET` stands for the URL of the
    /// application server.
    pub fn with(more: &str) -> Self {
        let mut core = Core::listen();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (tell, told) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tell = tell.clone();
                std::thread::spawn(move || hear(stream, &tell));
            }
        });
        let more = more.replace("TARGET", &url);
        let enabler = Enabler::with(&format!(
            "[gateway]\nworkers = 1\naddresses = [\"127.0.0.1\"]\n\
             [mmtel_es.notifications]\nprivate = true\nplain = true\n\
             [mmtel_es.calls]\nlisten = \"127.0.0.1:0\"\ncore = \"sip:{}\"\n\
             identity = \"sip:enabler@{HOME}\"\n{more}",
            core.address()
        ));
        core.subject_is_at(enabler.logged("sip").parse().expect("an address"));
        Self {
            enabler,
            core,
            url,
            told,
        }
    }

    /// The next notification: its path, and what it says.
    #[track_caller]
    pub fn told(&self) -> (String, Value) {
        let told = self.told.recv_timeout(PATIENCE);
        told.expect("a notification was to come")
    }

    /// Nobody is told anything.
    #[track_caller]
    pub fn tells_nothing(&self) {
        if let Ok(told) = self.told.recv_timeout(SILENCE) {
            panic!("nobody was to be told anything, and this was: {told:?}");
        }
    }

    /// The next INVITE, which rings.
    #[track_caller]
    pub fn rings(&mut self) -> Message {
        let invite = self.core.request("INVITE");
        self.core.answer(&invite, 180, "");
        invite
    }

    /// A phone answers this, and is acknowledged.
    #[track_caller]
    pub fn picks_up(&mut self, invite: &Message, sdp: &str) {
        let contact = format!("Contact: <sip:phone@{}>\r\n", self.core.address());
        let allow = "Content-Type: application/sdp\r\nAllow: INVITE, ACK, BYE, UPDATE";
        self.core
            .answer(invite, 200, &format!("{contact}{allow}\r\n\r\n{sdp}"));
    }

    /// The next call is answered with sound; the INVITE.
    #[track_caller]
    pub fn answers(&mut self) -> Message {
        let invite = self.rings();
        self.picks_up(&invite, AUDIO);
        invite
    }

    /// The next request is an ACK.
    #[track_caller]
    pub fn acknowledged(&mut self) {
        self.core.request("ACK");
    }

    /// A phone of the session hangs up.
    #[track_caller]
    pub fn hangs_up(&mut self, invite: &Message) {
        let header = |name: &str| invite.header_named(name).unwrap_or_default().to_owned();
        let (from, to, call) = (header("From"), header("To"), header("Call-ID"));
        let uri = format!("sip:mmtel-es@{}", self.core.subject());
        let lines = format!("From: {to};tag=core\r\nTo: {from}\r\nCSeq: 1 BYE\r\n");
        self.core.say("BYE", &uri, &call, &lines, "");
        assert_eq!(
            self.core.response().status().map(StatusCode::as_u16),
            Some(200)
        );
    }

    /// The identity of somebody.
    pub fn identity(name: &str) -> String {
        format!("sip:{name}@{HOME}")
    }

    /// The body of a call of an application to somebody.
    pub fn call(&self, name: &str) -> Value {
        json!({
            "terminatingId": Self::identity(name), "mediaInfo": ["audio"],
            "notificationInfo": format!("{}/call", self.url), "callType": "A2P",
        })
    }

    /// What a phone says that takes sound alone.
    pub fn audio() -> &'static str {
        AUDIO
    }
}

/// An application server that takes everything.
fn hear(stream: TcpStream, tell: &Sender<(String, Value)>) {
    let Ok(mut writer) = stream.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(stream);
    loop {
        let (mut path, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end();
            if path.is_none() {
                path = line.split(' ').nth(1).map(str::to_owned);
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let body = serde_json::from_slice(&body).expect("a notification is JSON");
        if tell.send((path.unwrap_or_default(), body)).is_err() {
            return;
        }
        if writer
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .is_err()
        {
            return;
        }
    }
}
