//! Two phones call one another through the core, over a network that loses, doubles and reorders.
mod common;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use common::{DOMAIN, addr, answer, status};
use core_sip::{
    Output, Random, ServerTransactionId, Source, Target, TimerSet, TransactionConfig, Transactions,
    Transport, dialog::Dialog, next_hop::NextHop,
};
use nf_lab_core::{LabCore, LabCoreConfig, Subscriber};
use proptest::prelude::*;
use testbed::{Clock, LinkQuality, Net};
use wire_sip::{HeaderName, Message, Method};

const CORE: &str = "127.0.0.1:5060";

/// Where a phone stands; it goes on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Registering,
    Registered,
    Calling,
    Ringing,
    Talking,
    HangingUp,
    Done,
}

struct Phone {
    name: &'static str,
    here: SocketAddr,
    transactions: Transactions,
    random: Random,
    stage: Stage,
    cseq: u32,
    invite: Option<Message>,
    ringing: Option<(Instant, ServerTransactionId, Message)>,
    dialog: Option<Dialog>,
    /// RFC 3261 §13.3.1.4: the 200 is sent again until the ACK comes.
    unacknowledged: Option<(Instant, Duration, ServerTransactionId, Message)>,
    hangs_up: Option<Instant>,
}

impl Phone {
    fn new(name: &'static str, here: &str, seed: u8) -> Self {
        let here = addr(here);
        Self {
            name,
            here,
            transactions: Transactions::new(TransactionConfig::new(&here.to_string()), [seed; 32]),
            random: Random::new([seed + 100; 32]),
            stage: Stage::Registering,
            cseq: 0,
            invite: None,
            ringing: None,
            dialog: None,
            unacknowledged: None,
            hangs_up: None,
        }
    }

    fn request(&mut self, method: Method<'_>, uri: &str, to: &str) -> Message {
        self.cseq += 1;
        let mut request = Message::request(method, uri);
        request.push_back(HeaderName::MaxForwards, 70);
        let tag = self.random.tag();
        let from = format!("<sip:{}@{DOMAIN}>;tag={tag}", self.name);
        request.push_back(HeaderName::From, from);
        request.push_back(HeaderName::To, format!("<{to}>"));
        let call_id = if method == Method::Register {
            format!("register-{}", self.name)
        } else {
            self.random.token(9)
        };
        request.push_back(HeaderName::CallId, call_id);
        request.push_back(HeaderName::CSeq, format!("{} {method}", self.cseq));
        let contact = format!("<sip:{}@{}>", self.name, self.here);
        request.push_back(HeaderName::Contact, contact);
        request.set_body(None, Bytes::new());
        request
    }

    fn send(&mut self, now: Instant, request: Message) {
        let target = Target::Address {
            transport: Transport::Udp,
            addr: addr(CORE),
        };
        self.transactions
            .send_request(now, target, request, TimerSet::core());
    }

    fn register(&mut self, now: Instant, authorization: Option<String>) {
        let aor = format!("sip:{}@{DOMAIN}", self.name);
        let mut request = self.request(Method::Register, &format!("sip:{DOMAIN}"), &aor);
        if let Some(authorization) = authorization {
            request.push_back(HeaderName::Authorization, authorization);
        }
        self.send(now, request);
    }

    fn call(&mut self, now: Instant, uri: &str) {
        let invite = self.request(Method::Invite, uri, uri);
        self.invite = Some(invite.clone());
        self.stage = Stage::Calling;
        self.send(now, invite);
    }

    fn settle(&mut self, now: Instant, net: &mut Net<SocketAddr, Bytes>) {
        while let Some(output) = self.transactions.poll_output() {
            match output {
                Output::Send { target, message } => match target {
                    Target::Address { addr, .. } => net.send(now, self.here, addr, message),
                    Target::Connection { .. } => panic!("there are no connections"),
                },
                Output::Response { message, .. } => self.answered(now, &message),
                Output::StrayResponse { .. } => {}
                Output::Request { id, message, .. } => self.asked(now, id, message),
                Output::Ack { .. } => {
                    self.unacknowledged = None;
                    if self.stage == Stage::Ringing {
                        self.stage = Stage::Talking;
                        self.hangs_up = Some(now + Duration::from_secs(2));
                    }
                }
                other => panic!("{}: {other:?}", self.name),
            }
        }
    }

    fn answered(&mut self, now: Instant, response: &Message) {
        let code = status(response);
        match (self.stage, code) {
            (Stage::Registering, 401) => {
                let password = format!("{}-password", self.name);
                let authorization = answer(response, self.name, &password, 1);
                self.register(now, Some(authorization));
            }
            (Stage::Registering, 200) => self.stage = Stage::Registered,
            (Stage::Calling | Stage::Talking, 200) => {
                let invite = self.invite.as_ref().expect("we called");
                let dialog = self.dialog.get_or_insert_with(|| {
                    Dialog::from_response(invite, response).expect("a dialog")
                });
                let ack = dialog.ack(invite_number(invite));
                let hop = NextHop::of_uri(dialog.next_hop()).expect("our route");
                let target = hop.target(hop.addr().expect("numeric"), Transport::Udp);
                self.transactions.send(now, target, ack);
                self.stage = Stage::Talking;
            }
            (Stage::HangingUp, 200) => self.stage = Stage::Done,
            (_, 100..=199) => {}
            other => panic!("{}: {other:?}", self.name),
        }
    }

    fn asked(&mut self, now: Instant, id: ServerTransactionId, request: Message) {
        match request.method() {
            Method::Invite => {
                self.stage = Stage::Ringing;
                let ringing = self.response(&request, 180);
                self.transactions.respond(now, id, ringing);
                self.ringing = Some((now + Duration::from_secs(1), id, request));
            }
            Method::Bye => {
                let ok = self.response(&request, 200);
                self.transactions.respond(now, id, ok);
                let dialog = self.dialog.as_mut().expect("we talked");
                assert_eq!(dialog.handle_request(&request), Ok(()));
                self.stage = Stage::Done;
            }
            other => panic!("{}: {other}", self.name),
        }
    }

    fn response(&self, request: &Message, code: u16) -> Message {
        let code = wire_sip::StatusCode::new(code).expect("a status");
        let mut response = core_sip::reply(request, code, self.name);
        let contact = format!("<sip:{}@{}>", self.name, self.here);
        response.push_back(HeaderName::Contact, contact);
        response
    }

    fn timeout(&self) -> Option<Instant> {
        let times = [
            self.transactions.poll_timeout(),
            self.ringing.as_ref().map(|ringing| ringing.0),
            self.unacknowledged.as_ref().map(|sent| sent.0),
            self.hangs_up,
        ];
        times.into_iter().flatten().min()
    }

    fn run(&mut self, now: Instant) {
        self.transactions.handle_timeout(now);
        if self
            .ringing
            .as_ref()
            .is_some_and(|ringing| ringing.0 <= now)
            && let Some((_, id, request)) = self.ringing.take()
        {
            let ok = self.response(&request, 200);
            self.dialog = Dialog::from_request(&request, &ok);
            self.transactions.respond(now, id, ok.clone());
            let interval = Duration::from_millis(500);
            self.unacknowledged = Some((now + interval, interval, id, ok));
        }
        if let Some((at, interval, id, ok)) = &mut self.unacknowledged
            && *at <= now
        {
            *interval = (*interval * 2).min(Duration::from_secs(4));
            *at = now + *interval;
            self.transactions.respond(now, *id, ok.clone());
        }
        if self.hangs_up.is_some_and(|at| at <= now) {
            self.hangs_up = None;
            let dialog = self.dialog.as_mut().expect("we talk");
            let bye = dialog.request(Method::Bye);
            self.stage = Stage::HangingUp;
            self.send(now, bye);
        }
    }
}

fn invite_number(invite: &Message) -> u32 {
    let cseq = invite.header(HeaderName::CSeq).expect("CSeq");
    let number = cseq.split_whitespace().next().expect("a number");
    number.parse().expect("a number")
}

fn play(seed: u64, quality: LinkQuality, dial: &str) -> Duration {
    let mut clock = Clock::new();
    let mut net: Net<SocketAddr, Bytes> = Net::new(seed, quality);
    let subscribers: Vec<_> = [("alice", "tel:+15550100"), ("bob", "tel:+15550101")]
        .iter()
        .map(|(name, tel)| Subscriber::new(name, &format!("{name}-password"), DOMAIN, &[tel]))
        .collect();
    let mut core = LabCore::new(
        LabCoreConfig::new(DOMAIN, addr(CORE)),
        &subscribers,
        [9; 32],
    );
    let mut phones = [
        Phone::new("alice", "127.0.0.1:5091", 1),
        Phone::new("bob", "127.0.0.1:5092", 2),
    ];
    for phone in &mut phones {
        phone.register(clock.now(), None);
    }
    loop {
        let now = clock.now();
        for phone in &mut phones {
            phone.settle(now, &mut net);
        }
        while let Some(output) = core.poll_output() {
            match output {
                nf_lab_core::Output::Send {
                    target: Target::Address { addr: to, .. },
                    message,
                } => net.send(now, addr(CORE), to, message),
                other => panic!("{other:?}"),
            }
        }
        if phones.iter().all(|phone| phone.stage == Stage::Registered) {
            phones[0].call(now, dial);
            continue;
        }
        if phones.iter().all(|phone| phone.stage == Stage::Done) {
            return clock.elapsed();
        }
        let next = phones
            .iter()
            .filter_map(Phone::timeout)
            .chain(net.next_delivery())
            .chain(core.poll_timeout())
            .min()
            .expect("something is to come");
        let now = clock.advance_to(next);
        assert!(
            clock.elapsed() < Duration::from_mins(5),
            "this takes too long"
        );
        if let Some(delivery) = net.deliver(now) {
            let message = Message::parse(delivery.payload).expect("a message");
            let source = Source {
                transport: Transport::Udp,
                local: delivery.to,
                remote: delivery.from,
                connection: None,
            };
            match phones.iter_mut().find(|phone| phone.here == delivery.to) {
                Some(phone) => phone.transactions.handle_message(now, source, message),
                None => core.handle_message(now, source, message),
            }
        }
        core.handle_timeout(now);
        for phone in &mut phones {
            phone.run(now);
        }
    }
}

#[test]
fn a_call_over_a_good_network_takes_no_longer_than_it_must() {
    for dial in ["sip:bob@ims.example.com", "tel:+1-555-0101"] {
        let took = play(1, LinkQuality::good(), dial);
        // Two round trips to register, one second of ringing, two of talking.
        assert!(took < Duration::from_millis(3200), "{took:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_call_over_a_bad_network_comes_to_its_end(seed: u64) {
        let quality = LinkQuality { loss: 100, ..LinkQuality::bad() };
        play(seed, quality, "sip:bob@ims.example.com");
    }
}
