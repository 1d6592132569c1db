//! An end of a stream of data channels on a socket of its own: a WIC's at W3, or a far end's in the core.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use conformance::PATIENCE;
use core_data_channel::{
    Association as Sctp, AssociationConfig, Channel, ChannelId, Event, Message, Output,
    Role as SctpRole,
};
use core_w3::dtls::{Association, AssociationEvent, Certificate, Dimpl, Fingerprint, Role};
use wire_sdp::Media;
use wire_stun::{Builder, Class, IntegrityKey, TransactionId};

const UFRAG: &str = "door";
const PASSWORD: &str = "aPasswordOfTheDoorToW3ForAll";

/// The peer of the gateway at one of its Terminations.
pub(crate) struct DataEnd {
    socket: UdpSocket,
    certificate: Certificate,
    announced: Vec<Fingerprint>,
    dtls: Option<Association>,
    sctp: Option<Sctp>,
    events: Vec<Event>,
}

impl DataEnd {
    pub(crate) fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket
            .set_read_timeout(Some(Duration::from_millis(5)))
            .expect("not zero");
        Self {
            socket,
            certificate: Certificate::generate().expect("keys"),
            announced: Vec::new(),
            dtls: None,
            sctp: None,
            events: Vec::new(),
        }
    }

    /// Its m-line, with ICE as a WIC has it or without as in a core.
    pub(crate) fn line(&self, setup: &str, ice: bool) -> String {
        let port = self.socket.local_addr().expect("it is bound").port();
        let own = self.certificate.fingerprint();
        let digest: Vec<String> = own
            .digest
            .iter()
            .map(|octet| format!("{octet:02X}"))
            .collect();
        let ice = if ice {
            format!(
                "a=ice-ufrag:{UFRAG}\r\na=ice-pwd:{PASSWORD}\r\n\
                 a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host\r\n"
            )
        } else {
            String::new()
        };
        format!(
            "m=application {port} UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 127.0.0.1\r\n{ice}\
             a=fingerprint:{} {}\r\na=setup:{setup}\r\na=mid:0\r\na=sctp-port:5000\r\n\
             a=max-message-size:262144\r\n",
            own.algorithm,
            digest.join(":")
        )
    }

    /// DTLS and SCTP with the gateway of this m-line, behind a connectivity check if it has ICE.
    pub(crate) fn begin(&mut self, gateway: &Media, role: Role) {
        let address: SocketAddr = format!("127.0.0.1:{}", gateway.line().port)
            .parse()
            .expect("an address");
        self.socket.connect(address).expect("loopback");
        if let (Some(ufrag), Some(password)) =
            (gateway.value("ice-ufrag"), gateway.value("ice-pwd"))
        {
            let mut check = [0; 256];
            let length = Builder::new(&mut check, Class::Request, TransactionId([7; 12]))
                .username(&format!("{ufrag}:{UFRAG}"))
                .priority(1_845_501_695)
                .ice_controlling(7)
                .use_candidate()
                .integrity(&IntegrityKey::new(password))
                .fingerprint()
                .finish()
                .expect("there is room");
            self.socket.send(&check[..length]).expect("loopback");
        }
        let fingerprint = gateway.value("fingerprint").expect("the gateway's");
        let (algorithm, digest) = fingerprint.split_once(' ').expect("two words");
        let octets = digest.split(':').map(|octet| u8::from_str_radix(octet, 16));
        self.announced = vec![Fingerprint {
            algorithm: algorithm.into(),
            digest: octets.collect::<Result<_, _>>().expect("hexadecimal"),
        }];
        let config = Dimpl::config().expect("it is constant");
        let engine = Dimpl::new(Instant::now(), &config, &self.certificate, role);
        self.dtls = Some(Association::new(Box::new(engine), role));
    }

    /// What it does with its channels.
    pub(crate) fn with<T>(&mut self, does: impl FnOnce(&mut Sctp, Instant) -> T) -> T {
        let done = does(self.sctp.as_mut().expect("DTLS stands"), Instant::now());
        self.turn();
        done
    }

    pub(crate) fn open(&mut self, label: &str) -> ChannelId {
        self.with(|sctp, now| sctp.open(now, Channel::new(label)).expect("there is room"))
    }

    /// What has happened and was not taken.
    pub(crate) fn take(&mut self, wanted: impl Fn(&Event) -> bool) -> Option<Event> {
        let at = self.events.iter().position(wanted)?;
        Some(self.events.remove(at))
    }

    /// One pass: what has come is heard, what is to go goes.
    pub(crate) fn turn(&mut self) {
        let now = Instant::now();
        let Some(dtls) = &mut self.dtls else { return };
        let mut datagram = [0; 2048];
        if let Ok(length) = self.socket.recv(&mut datagram)
            && (20..64).contains(&datagram[0])
        {
            dtls.handle_packet(now, &datagram[..length], &self.announced);
        }
        if dtls.poll_timeout().is_none_or(|due| due <= now) {
            dtls.handle_timeout(now, &self.announced);
        }
        if let Some(sctp) = &mut self.sctp
            && sctp.poll_timeout().is_some_and(|due| due <= now)
        {
            sctp.handle_timeout(now);
        }
        loop {
            let mut more = false;
            while let Some(event) = dtls.poll_event() {
                more = true;
                match event {
                    AssociationEvent::Transmit(bytes) => {
                        self.socket.send(&bytes).expect("loopback");
                    }
                    AssociationEvent::Connected(_) => {
                        let role = match dtls.role() {
                            Role::Client => SctpRole::Client,
                            Role::Server => SctpRole::Server,
                        };
                        self.sctp = Some(Sctp::new(now, AssociationConfig::new(role)));
                    }
                    AssociationEvent::Data(packet) => {
                        let sctp = self.sctp.as_mut().expect("DTLS stands");
                        sctp.handle_packet(now, packet.into());
                    }
                    AssociationEvent::Failed(error) => panic!("{error}"),
                    AssociationEvent::Closed => {}
                }
            }
            while let Some(output) = self.sctp.as_mut().and_then(Sctp::poll_output) {
                more = true;
                match output {
                    Output::Packet(packet) => dtls.send(&packet).expect("DTLS stands"),
                    Output::Event(event) => self.events.push(event),
                }
            }
            if !more {
                return;
            }
        }
    }
}

/// Runs both ends until one has heard what is wanted.
#[track_caller]
pub(crate) fn until<T>(
    ends: &mut [DataEnd; 2],
    mut heard: impl FnMut(&mut [DataEnd; 2]) -> Option<T>,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = heard(ends) {
            return found;
        }
        assert!(Instant::now() < deadline, "it did not come");
        for end in &mut *ends {
            end.turn();
        }
    }
}

/// The next message of a channel.
#[track_caller]
pub(crate) fn message(ends: &mut [DataEnd; 2], at: usize, id: ChannelId) -> Message {
    until(ends, |ends| ends[at].with(|sctp, now| sctp.read(now, id)))
}
