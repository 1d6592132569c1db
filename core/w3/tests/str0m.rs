//! A foreign peer: `str0m`, which has ICE and SRTP of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use core_w3::Path;
use core_w3::dtls::{Certificate, Dimpl, Fingerprint, Role};
use core_w3::ice::IceCredentials;
use core_w3::transport::{Output, Received, Transport, TransportConfig};
use str0m::media::{MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpWrite, Ssrc};
use str0m::{Candidate, Event, IceCreds, Input, Rtc};
use testbed::{Clock, LinkQuality, Net};
use wire_rtp::RtpPacket;

const THEIRS: u32 = 0x5151_5151;
const OURS: u32 = 0x0a0a_0a0a;

struct Pair {
    clock: Clock,
    net: Net<SocketAddr, Vec<u8>>,
    transport: Transport,
    rtc: Rtc,
    rtc_timeout: Instant,
    /// Payloads that arrived here, and there.
    here: Vec<Vec<u8>>,
    there: Vec<Vec<u8>>,
}

fn gateway() -> SocketAddr {
    ([198, 51, 100, 1], 40000).into()
}

fn browser() -> SocketAddr {
    ([192, 0, 2, 7], 50000).into()
}

impl Pair {
    fn new(role: Role) -> Self {
        let clock = Clock::new();
        let now = clock.now();
        let certificate = Arc::new(Certificate::generate().expect("a certificate"));
        let ice = IceCredentials::from_random([9; 32]);
        let config = TransportConfig {
            ice: ice.clone(),
            certificate: Arc::clone(&certificate),
            silence: Duration::from_secs(30),
            media: true,
        };
        let dtls = Dimpl::config().expect("a configuration");
        let mut transport = Transport::new(config, dtls);

        let provider = Arc::new(str0m::crypto::from_feature_flags());
        let mut rtc = Rtc::builder()
            .set_crypto_provider(provider)
            .set_rtp_mode(true)
            .build(now);
        rtc.add_local_candidate(Candidate::host(browser(), "udp").expect("an address"));
        rtc.add_remote_candidate(Candidate::host(gateway(), "udp").expect("an address"));
        let mid = Mid::from("0");
        let ours = certificate.fingerprint();
        let mut direct = rtc.direct_api();
        direct.declare_media(mid, MediaKind::Audio);
        direct.declare_stream_tx(THEIRS.into(), None, mid, None);
        direct.expect_stream_rx(OURS.into(), None, mid, None);
        direct.set_ice_controlling(true);
        direct.set_remote_ice_credentials(IceCreds {
            ufrag: ice.ufrag,
            pass: ice.pwd,
        });
        direct.set_remote_fingerprint(str0m::config::Fingerprint {
            hash_func: ours.algorithm.clone(),
            bytes: ours.digest.clone(),
        });
        direct.start_dtls(role == Role::Server).expect("it begins");
        let theirs = direct.local_dtls_fingerprint();
        let theirs = Fingerprint {
            algorithm: theirs.hash_func.clone(),
            digest: theirs.bytes.clone(),
        };
        transport.set_role(now, role);
        transport.set_fingerprints(now, vec![theirs]);
        Self {
            net: Net::new(3, LinkQuality::good()),
            transport,
            rtc,
            rtc_timeout: now,
            clock,
            here: Vec::new(),
            there: Vec::new(),
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.clock.now() + time;
        loop {
            self.settle();
            let deadlines = [self.net.next_delivery(), self.transport.poll_timeout()];
            let next = deadlines
                .into_iter()
                .flatten()
                .chain([self.rtc_timeout])
                .min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.clock.advance_to(end);
                return;
            };
            let now = self.clock.advance_to(next);
            while let Some(delivery) = self.net.deliver(now) {
                if delivery.to == gateway() {
                    self.arrive(now, delivery.payload);
                } else {
                    let (from, to) = (delivery.from, delivery.to);
                    let packet = Receive::new(Protocol::Udp, from, to, &delivery.payload);
                    let input = Input::Receive(now, packet.expect("a packet"));
                    self.rtc.handle_input(input).expect("it goes on");
                }
                self.settle();
            }
            self.transport.handle_timeout(now);
            self.rtc
                .handle_input(Input::Timeout(now))
                .expect("it goes on");
        }
    }

    fn arrive(&mut self, now: Instant, mut datagram: Vec<u8>) {
        let length = datagram.len();
        datagram.resize(1500, 0);
        let path = Path {
            local: 0,
            remote: browser(),
        };
        match self
            .transport
            .handle_datagram(now, path, &mut datagram, length)
        {
            Received::Reply { length } => {
                let reply = datagram[..length].to_vec();
                self.net.send(now, gateway(), browser(), reply);
            }
            Received::Rtp { length } => {
                let packet = RtpPacket::parse(&datagram[..length]).expect("RTP");
                self.here.push(packet.payload().to_vec());
            }
            _ => {}
        }
    }

    fn settle(&mut self) {
        let now = self.clock.now();
        while let Some(output) = self.transport.poll_output() {
            if let Output::Transmit { path, bytes } = output {
                self.net.send(now, gateway(), path.remote, bytes);
            }
        }
        loop {
            match self.rtc.poll_output().expect("it goes on") {
                str0m::Output::Timeout(at) => {
                    self.rtc_timeout = at.max(now + Duration::from_millis(1));
                    return;
                }
                str0m::Output::Transmit(packet) => {
                    let bytes = packet.contents.to_vec();
                    self.net.send(now, browser(), packet.destination, bytes);
                }
                str0m::Output::Event(Event::RtpPacket(packet)) => {
                    self.there.push(packet.payload.to_vec());
                }
                str0m::Output::Event(_) => {}
            }
        }
    }
}

#[test]
fn connects_in_either_role_and_both_hear_each_packet() {
    for role in [Role::Server, Role::Client] {
        let mut pair = Pair::new(role);
        pair.run(Duration::from_secs(5));
        assert!(pair.transport.is_ready() && pair.rtc.is_connected());
        let mut expected = Vec::new();
        for count in 0..50u16 {
            let now = pair.clock.now();
            // Around the end of the sequence numbers, where the rollover counter begins to count.
            let sequence = 65_510u64 + u64::from(count);
            let payload = vec![count as u8; 160];
            let mut direct = pair.rtc.direct_api();
            let stream = direct.stream_tx(&Ssrc::from(THEIRS)).expect("declared");
            let time = u32::from(count) * 960;
            let packet = RtpWrite::new(111.into(), sequence.into(), time, now, payload.clone());
            stream.write_rtp(packet);

            let mut packet = vec![0x80, 111];
            packet.extend((sequence as u16).to_be_bytes());
            packet.extend(time.to_be_bytes());
            packet.extend(OURS.to_be_bytes());
            packet.extend(&payload);
            let length = packet.len();
            packet.resize(length + 32, 0);
            let protected = pair.transport.protect_rtp(&mut packet, length);
            packet.truncate(protected.expect("there are keys"));
            pair.net.send(now, gateway(), browser(), packet);
            expected.push(payload);
            pair.run(Duration::from_millis(20));
        }
        pair.run(Duration::from_secs(1));
        assert!(pair.here == expected, "{role:?}: {} came", pair.here.len());
        assert!(
            pair.there == expected,
            "{role:?}: {} went",
            pair.there.len()
        );
        assert_eq!(pair.transport.counters().not_authentic, 0);
    }
}
