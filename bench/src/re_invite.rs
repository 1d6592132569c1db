//! A re-INVITE that changes nothing, through one shard of the edge: with its SDP and without. The shard is driven in
//! this process, so that what is counted is its own work, and nothing of sockets.

use std::collections::VecDeque;
use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use core_iq::{
    Command, ContextId, CoreLocal, Fingerprint, IceCredentials, Reply, Reserved, ReservedStream,
    StreamId, W3Local,
};
use core_sip::{ConnectionId, Source, Transport};
use nf_epcscf::{Config, EpCscf, Output, W2Peer};
use wire_sip::{HeaderName, Message, StatusCode};

use crate::cpu;
use crate::report::Row;
use crate::web_socket::{digest, register_text};

const ROUNDS: u32 = 20_000;
/// Measured in turns, so that whatever else the machine does is shared.
const TURNS: u32 = 10;
/// What we promise: so much of the one without SDP.
const PROMISED: f64 = 2.0;

const WIC: ConnectionId = ConnectionId(1);
const CORE: &str = "192.0.2.10:5060";
const BROWSER: &str = include_str!("../../wire/sdp/tests/data/chromium.sdp");
const FAR: &str = "v=0\r\no=far 5 5 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\n\
    m=audio 30000 RTP/AVP 0 126\r\na=rtpmap:126 telephone-event/8000\r\na=sendrecv\r\n\
    m=video 30002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\na=sendrecv\r\n";

/// INVITE, 200 and ACK in a call with audio and video, as a browser describes them.
pub fn run() -> Result<Vec<Row>> {
    let mut call = Call::stands()?;
    let (mut with, mut without) = (0.0, 0.0);
    call.changes(ROUNDS / TURNS, true)?;
    call.changes(ROUNDS / TURNS, false)?;
    for _ in 0..TURNS {
        with += call.changes(ROUNDS / TURNS, true)?;
        without += call.changes(ROUNDS / TURNS, false)?;
    }
    let each = |seconds: f64| seconds * 1e6 / f64::from(ROUNDS);
    Ok(vec![Row {
        work: "re-INVITE that changes nothing, audio and video, one shard".into(),
        isthmus: format!("{:.0} us", each(with)),
        peer: format!("without SDP {:.0} us", each(without)),
        verdict: format!("{:.2} of it; promised {PROMISED:.2}", with / without),
    }])
}

/// A call that stands, and the three around it.
struct Call {
    shard: EpCscf,
    now: Instant,
    to_wic: VecDeque<Message>,
    to_core: VecDeque<Message>,
    cseq: u32,
    ok: Option<Message>,
}

impl Call {
    fn stands() -> Result<Self> {
        let mut config = Config::new("ims.example", "198.51.100.1:5070", &format!("sip:{CORE}"));
        config.watch_registrations = false;
        config.requests_per_second = 100_000_000;
        config.address_requests_per_second = 100_000_000;
        let now = Instant::now();
        let mut shard = EpCscf::new(config, now, SystemTime::now(), [1; 32]);
        let peer = W2Peer {
            remote: "203.0.113.5:50000".parse()?,
            local: "198.51.100.1:8443".parse()?,
            secure: false,
        };
        shard.handle_w2_open(now, WIC, peer);
        let mut call = Self {
            shard,
            now,
            to_wic: VecDeque::new(),
            to_core: VecDeque::new(),
            cseq: 1,
            ok: None,
        };
        let register = register_text(7, 1, &digest(7)).replace("xpires: 600", "xpires: 60000000");
        let register = register.replace("expires=600", "expires=60000000");
        call.wic_says(register.into());
        let request = call.at_core()?;
        let mut registered = Message::response_to(&request, StatusCode::OK, None);
        let contact = request.header(HeaderName::Contact).context("a Contact")?;
        registered.push_back(HeaderName::Contact, contact);
        registered.push_back(HeaderName::ServiceRoute, format!("<sip:orig@{CORE};lr>"));
        registered.push_back(HeaderName::PAssociatedUri, "<sip:user7@ims.example>");
        call.core_says(registered);
        call.at_wic()?;
        call.change(true)?;
        Ok(call)
    }

    /// Seconds of this thread for so many.
    fn changes(&mut self, count: u32, sdp: bool) -> Result<f64> {
        let begun = cpu::of_this_thread()?;
        for _ in 0..count {
            self.change(sdp)?;
            // Whatever its transactions leave behind is part of its price.
            self.wait(Duration::from_secs(40));
        }
        Ok(cpu::of_this_thread()? - begun)
    }

    /// INVITE, 200, ACK; the first makes the call.
    fn change(&mut self, sdp: bool) -> Result<()> {
        self.cseq += 1;
        let mut invite = self.request("INVITE");
        if sdp {
            // Browsers count each offer that they make.
            let version = format!(" {} IN", 2 + self.cseq);
            invite.set_body(
                Some("application/sdp"),
                BROWSER.replacen(" 2 IN", &version, 1),
            );
        }
        self.wic_says(invite.to_bytes());
        let asked = self.at_core()?;
        let mut ok = Message::response_to(&asked, StatusCode::OK, None);
        let to = asked.header(HeaderName::To).unwrap_or_default();
        if !to.contains("tag=") {
            ok.set(HeaderName::To, format_args!("{to};tag=far"));
        }
        for route in asked.values(HeaderName::RecordRoute) {
            ok.push_back(HeaderName::RecordRoute, route);
        }
        ok.push_back(HeaderName::Contact, "<sip:far@192.0.2.99:5060>");
        if sdp {
            ok.set_body(Some("application/sdp"), FAR);
        }
        self.core_says(ok);
        let answer = self.at_wic()?;
        if answer.status() != Some(StatusCode::OK) || answer.body().is_empty() == sdp {
            bail!("answered {:?}", answer.status());
        }
        if self.ok.is_none() {
            self.ok = Some(answer);
        }
        let ack = self.request("ACK");
        self.wic_says(ack.to_bytes());
        black_box(self.at_core()?);
        Ok(())
    }

    fn request(&self, method: &str) -> Message {
        let cseq = self.cseq;
        let (target, to, routes) = match &self.ok {
            None => ("sip:far@ims.example", "<sip:far@ims.example>", Vec::new()),
            Some(ok) => (
                "sip:far@192.0.2.99:5060",
                ok.header(HeaderName::To).unwrap_or_default(),
                ok.values(HeaderName::RecordRoute).collect(),
            ),
        };
        let mut text = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/WS df7jal7ls0d.invalid;branch=z9hG4bK{method}{cseq}\r\n\
             Max-Forwards: 70\r\n"
        );
        for route in routes.iter().rev() {
            text += &format!("Route: {route}\r\n");
        }
        text += &format!(
            "From: <sip:user7@ims.example>;tag=near\r\nTo: {to}\r\nCall-ID: a-call-id-of-some-length-7\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:user7@df7jal7ls0d.invalid;transport=ws;ob>\r\n\
             Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,PRACK,UPDATE,INFO,REFER,SUBSCRIBE,NOTIFY,MESSAGE\r\n\
             Supported: timer,gruu,replaces,outbound\r\nSession-Expires: 1800\r\n\
             User-Agent: isthmus-bench/0.1 (a browser's words are longer than one would think)\r\n\
             Content-Length: 0\r\n\r\n"
        );
        Message::parse(text.into()).expect("it is written well")
    }

    fn wic_says(&mut self, bytes: Bytes) {
        self.shard.handle_w2_message(self.now, WIC, bytes);
        self.drain();
    }

    fn core_says(&mut self, message: Message) {
        let core: SocketAddr = ([192, 0, 2, 10], 5060).into();
        let source = Source {
            transport: Transport::Udp,
            local: ([198, 51, 100, 1], 5070).into(),
            remote: core,
            connection: None,
        };
        self.shard.handle_mw_message(self.now, source, message);
        self.drain();
    }

    fn wait(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.shard.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.shard.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    fn at_wic(&mut self) -> Result<Message> {
        next(&mut self.to_wic).context("nothing for the WIC")
    }

    fn at_core(&mut self) -> Result<Message> {
        next(&mut self.to_core).context("nothing for the core")
    }

    fn drain(&mut self) {
        while let Some(output) = self.shard.poll_output() {
            match output {
                Output::W2Send { message, .. } => self.to_wic.extend(Message::parse(message).ok()),
                Output::MwSend { message, .. } => self.to_core.extend(Message::parse(message).ok()),
                Output::Iq { id, command } => {
                    let reply = told(&command);
                    self.shard.handle_iq_reply(self.now, id, Ok(reply));
                }
                _ => {}
            }
        }
    }
}

/// The next that is not 100.
fn next(queue: &mut VecDeque<Message>) -> Option<Message> {
    std::iter::from_fn(|| queue.pop_front()).find(|m| m.status() != Some(StatusCode::TRYING))
}

fn told(command: &Command) -> Reply {
    let streams = match command {
        Command::Reserve { streams, .. } => streams.iter().map(|s| place(s.stream)).collect(),
        Command::Release { .. } => return Reply::Released,
        // Sound and pictures alone: nothing else is asked.
        _ => Vec::new(),
    };
    let reserved = Reserved {
        streams,
        ..Reserved::nothing(ContextId(1))
    };
    match command {
        Command::Reserve { .. } => Reply::Reserved(reserved),
        _ => Reply::Configured(reserved),
    }
}

fn place(stream: StreamId) -> ReservedStream {
    let port = 40_000 + stream.0 * 2;
    let at = |port| SocketAddr::from(([198, 51, 100, 9], port));
    ReservedStream {
        stream,
        w3: W3Local {
            ice: IceCredentials {
                ufrag: "gate".into(),
                pwd: "p".repeat(24),
            },
            fingerprint: Fingerprint {
                algorithm: "sha-256".into(),
                digest: vec![7; 32],
            },
            candidates: vec![at(3478)],
        },
        core: CoreLocal {
            rtp: at(port),
            rtcp: at(port + 1),
        },
        data: None,
    }
}
