//! An ordinary SIP phone over UDP, as small as can be: it registers, answers after a second, calls
//! when told, and echoes the RTP that it hears.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use core_credentials::digest::{Answer, Challenge};
use core_sip::dialog::Dialog;
use core_sip::next_hop::NextHop;
use core_sip::{
    Output, Random, ServerTransactionId, Source, Target, TimerSet, TransactionConfig, Transactions,
    Transport,
};
use wire_sdp::Session;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::world::{DOMAIN, Packet, password, sip};

pub(crate) struct Phone {
    name: &'static str,
    here: SocketAddr,
    core: SocketAddr,
    transactions: Transactions,
    random: Random,
    registered: bool,
    cseq: u32,
    /// The INVITE that we sent.
    invite: Option<Message>,
    ringing: Option<(Instant, ServerTransactionId, Message)>,
    dialog: Option<Dialog>,
    remote_media: Option<SocketAddr>,
    outputs: VecDeque<(SocketAddr, Packet)>,
    /// How many RTP packets were heard.
    pub(crate) heard: u64,
    /// The requests and final responses that came, in order.
    pub(crate) log: Vec<String>,
    /// The last INVITE that came.
    pub(crate) invited: Option<Message>,
}

impl Phone {
    pub(crate) fn new(name: &'static str, here: SocketAddr, core: SocketAddr) -> Self {
        Self {
            name,
            here,
            core,
            transactions: Transactions::new(TransactionConfig::new(&here.to_string()), [8; 32]),
            random: Random::new([9; 32]),
            registered: false,
            cseq: 0,
            invite: None,
            ringing: None,
            dialog: None,
            remote_media: None,
            outputs: VecDeque::new(),
            heard: 0,
            log: Vec::new(),
            invited: None,
        }
    }

    pub(crate) fn here(&self) -> SocketAddr {
        self.here
    }

    pub(crate) fn media(&self) -> SocketAddr {
        SocketAddr::new(self.here.ip(), 16_000)
    }

    pub(crate) fn is_registered(&self) -> bool {
        self.registered
    }

    pub(crate) fn in_call(&self) -> bool {
        self.dialog.is_some()
    }

    pub(crate) fn register(&mut self, now: Instant) {
        let request = self.request(Method::Register, &format!("sip:{DOMAIN}"), &sip(self.name));
        self.send(now, request);
    }

    pub(crate) fn call(&mut self, now: Instant, uri: &str) {
        let mut invite = self.request(Method::Invite, uri, uri);
        invite.set_body(Some("application/sdp"), self.sdp().into_bytes());
        self.invite = Some(invite.clone());
        self.send(now, invite);
    }

    pub(crate) fn hang_up(&mut self, now: Instant) {
        let mut dialog = self.dialog.take().expect("a call");
        let bye = dialog.request(Method::Bye);
        self.send(now, bye);
    }

    pub(crate) fn handle_message(&mut self, now: Instant, source: Source, message: Message) {
        self.transactions.handle_message(now, source, message);
        self.settle(now);
    }

    /// What is heard is said again.
    pub(crate) fn handle_rtp(&mut self, bytes: &[u8]) {
        self.heard += 1;
        if let Some(to) = self.remote_media {
            self.outputs.push_back((to, Packet::Media(bytes.to_vec())));
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.transactions.handle_timeout(now);
        if self
            .ringing
            .as_ref()
            .is_some_and(|ringing| ringing.0 <= now)
            && let Some((_, id, request)) = self.ringing.take()
        {
            let mut ok = self.response(&request, 200);
            ok.set_body(Some("application/sdp"), self.answer(&request).into_bytes());
            self.dialog = Dialog::from_request(&request, &ok);
            self.transactions.respond(now, id, ok);
        }
        self.settle(now);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let ringing = self.ringing.as_ref().map(|ringing| ringing.0);
        self.transactions
            .poll_timeout()
            .into_iter()
            .chain(ringing)
            .min()
    }

    pub(crate) fn poll_output(&mut self) -> Option<(SocketAddr, Packet)> {
        self.outputs.pop_front()
    }

    fn request(&mut self, method: Method<'_>, uri: &str, to: &str) -> Message {
        self.cseq += 1;
        let mut request = Message::request(method, uri);
        request.push_back(HeaderName::MaxForwards, 70);
        let tag = self.random.tag();
        request.push_back(HeaderName::From, format!("<{}>;tag={tag}", sip(self.name)));
        request.push_back(HeaderName::To, format!("<{to}>"));
        request.push_back(HeaderName::CallId, self.random.token(9));
        request.push_back(HeaderName::CSeq, format!("{} {method}", self.cseq));
        request.push_back(HeaderName::Contact, self.contact());
        request
    }

    fn contact(&self) -> String {
        format!("<sip:{}@{}>", self.name, self.here)
    }

    fn sdp(&self) -> String {
        let media = self.media();
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 8 0\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n",
            ip = media.ip(),
            port = media.port()
        )
    }

    /// RFC 3264 §6 — it takes audio, and refuses the rest.
    fn answer(&self, request: &Message) -> String {
        let offer = String::from_utf8_lossy(request.body());
        let rest = offer.lines().filter(|line| line.starts_with("m="));
        let refused = rest.skip(1).map(|line| {
            let mut words = line.split(' ');
            let (media, _) = (words.next().unwrap_or_default(), words.next());
            let more: Vec<&str> = words.collect();
            format!("{media} 0 {}\r\n", more.join(" "))
        });
        self.sdp() + &refused.collect::<String>()
    }

    fn send(&mut self, now: Instant, request: Message) {
        let target = Target::Address {
            transport: Transport::Udp,
            addr: self.core,
        };
        self.transactions
            .send_request(now, target, request, TimerSet::core());
        self.settle(now);
    }

    fn response(&self, request: &Message, status: u16) -> Message {
        let status = StatusCode::new(status).expect("a status");
        let mut response = core_sip::reply(request, status, self.name);
        response.push_back(HeaderName::Contact, self.contact());
        response
    }

    fn settle(&mut self, now: Instant) {
        while let Some(output) = self.transactions.poll_output() {
            match output {
                Output::Send { target, message } => {
                    let Target::Address { transport, addr } = target else {
                        panic!("a phone has no connections")
                    };
                    let packet = Packet::Sip(transport, message.to_vec());
                    self.outputs.push_back((addr, packet));
                }
                Output::Response { message, .. } => self.answered(now, &message),
                Output::Request { id, message, .. } => self.asked(now, id, message),
                Output::Cancel { id, .. } => {
                    self.log.push("CANCEL".into());
                    if let Some((_, _, invite)) = self.ringing.take() {
                        let ended = self.response(&invite, 487);
                        self.transactions.respond(now, id, ended);
                    }
                }
                Output::Ack { .. } => self.log.push("ACK".into()),
                other => panic!("{other:?}"),
            }
        }
    }

    fn answered(&mut self, now: Instant, response: &Message) {
        let status = response.status().expect("a response");
        let cseq = response.header(HeaderName::CSeq).expect("CSeq");
        let method = cseq.split(' ').nth(1).expect("a method").to_owned();
        if status.is_provisional() {
            return;
        }
        self.log.push(format!("{status} {method}"));
        match (method.as_str(), status.as_u16()) {
            ("REGISTER", 401) => {
                let value = response.header(HeaderName::WwwAuthenticate);
                let challenge = Challenge::parse(value.expect("a challenge")).expect("Digest");
                let uri = format!("sip:{DOMAIN}");
                let credentials = challenge.answer(&Answer {
                    username: &format!("{}@{DOMAIN}", self.name),
                    password: password(self.name).as_bytes(),
                    method: "REGISTER",
                    uri: &uri,
                    body: b"",
                    cnonce: "c",
                    nc: 1,
                });
                let mut again = self.request(Method::Register, &uri, &sip(self.name));
                again.push_back(HeaderName::Authorization, credentials);
                self.send(now, again);
            }
            ("REGISTER", 200) => self.registered = true,
            ("INVITE", 200) => {
                let invite = self.invite.as_ref().expect("we called");
                self.remote_media = media_of(response.body());
                let dialog = Dialog::from_response(invite, response).expect("a dialog");
                let ack = dialog.ack(dialog.local_cseq());
                let hop = NextHop::of_uri(dialog.next_hop()).expect("a route");
                let target = hop.target(hop.addr().expect("numeric"), Transport::Udp);
                self.transactions.send(now, target, ack);
                self.dialog = Some(dialog);
            }
            _ => {}
        }
    }

    fn asked(&mut self, now: Instant, id: ServerTransactionId, request: Message) {
        self.log.push(request.method().to_string());
        match request.method() {
            Method::Invite => {
                self.remote_media = media_of(request.body());
                let ringing = self.response(&request, 180);
                self.transactions.respond(now, id, ringing);
                self.invited = Some(request.clone());
                self.ringing = Some((now + Duration::from_secs(1), id, request));
            }
            Method::Bye => {
                self.dialog = None;
                let ok = self.response(&request, 200);
                self.transactions.respond(now, id, ok);
            }
            other => panic!("{other}"),
        }
    }
}

fn media_of(sdp: &[u8]) -> Option<SocketAddr> {
    let session = Session::parse(sdp).expect("SDP");
    let media = session.medias().first()?;
    let text = String::from_utf8(sdp.to_vec()).expect("text");
    let ip = text.split("c=IN IP4 ").nth(1)?.split_whitespace().next()?;
    Some(SocketAddr::new(ip.parse().ok()?, media.line().port))
}
