//! Memory of associations over which nothing is said.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use core_data_channel::{
    Association as Channels, AssociationConfig, Event, Output, Role as SctpRole,
};
use core_iq::{
    CoreSettings, DataSettings, DtlsRole, DtlsSettings, FarEnd, Fingerprint, Gate, IceCredentials,
    MediaKind, SctpSettings, StreamId, StreamSettings, W3Settings,
};
use core_w3::dtls::{self, Association, AssociationEvent, Certificate, Dimpl, Role};
use wire_stun::{Builder, Class, IntegrityKey, TransactionId};

use crate::report::Row;
use crate::{cpu, gateway};

/// What the process keeps for good is found out with so many.
const FIRST: usize = 250;
/// And so many calls in all.
const ALL: usize = 5_000;
/// In each: towards the WIC, and towards the core.
const EACH: usize = 2;
const PROMISE: u64 = 30_000;
/// Another address than the gateway's, whose ports are its own.
pub(super) const CLIENT: &str = "127.0.0.2:0";
pub(super) const UFRAG: &str = "aWic";
pub(super) const PASSWORD: &str = "aPasswordOfTheWicForAll";

/// The growth from the first to all, by their number.
pub fn run() -> Result<Vec<Row>> {
    let (process, mut iq) = gateway::start()?;
    let certificate = Certificate::generate()?;
    // Each keeps its socket, so that no other gets its port.
    let mut sockets = Vec::with_capacity(ALL);
    let mut at_first = 0;
    for number in 0..ALL {
        if number == FIRST {
            std::thread::sleep(Duration::from_secs(3));
            at_first = cpu::pss(process.id());
        }
        let made = call(&mut iq, &certificate);
        sockets.push(made.with_context(|| format!("call {number}"))?);
    }
    std::thread::sleep(Duration::from_secs(10));
    let grown = cpu::pss(process.id()) - at_first;
    let each = grown / ((ALL - FIRST) * EACH) as u64;
    drop(sockets);
    Ok(vec![Row {
        work: format!(
            "idle association, {} of them in {ALL} calls, memory of the gateway (PSS)",
            ALL * EACH
        ),
        isthmus: format!("{:.1} kB", each as f64 / 1000.0),
        peer: String::new(),
        verdict: format!(
            "{:.2} of {} kB",
            each as f64 / PROMISE as f64,
            PROMISE / 1000
        ),
    }])
}

/// A call whose channels are relayed: an association at each end of its stream.
fn call(iq: &mut gateway::Iq, certificate: &Certificate) -> Result<[UdpSocket; EACH]> {
    let bind = || -> Result<UdpSocket> {
        let socket = UdpSocket::bind(CLIENT)?;
        socket.set_read_timeout(Some(Duration::from_millis(2)))?;
        Ok(socket)
    };
    let (wic, far) = (bind()?, bind()?);
    let own = certificate.fingerprint();
    let fingerprints = Some(vec![Fingerprint {
        algorithm: own.algorithm.clone(),
        digest: own.digest.clone(),
    }]);
    let sctp = Some(SctpSettings {
        port: 5000,
        max_message_size: Some(262_144),
    });
    let mut stream = StreamSettings::new(StreamId(0), MediaKind::Data);
    stream.w3 = Some(W3Settings {
        remote_ice: Some(IceCredentials {
            ufrag: UFRAG.into(),
            pwd: PASSWORD.into(),
        }),
        remote_fingerprints: fingerprints.clone(),
        dtls_role: Some(DtlsRole::Server),
        gate: Some(Gate::OPEN),
    });
    stream.core = Some(CoreSettings {
        remote_rtp: Some(far.local_addr()?),
        remote_rtcp: None,
        gate: Some(Gate::OPEN),
    });
    stream.data = Some(Box::new(DataSettings {
        w3: sctp,
        core: sctp,
        core_dtls: Some(DtlsSettings {
            remote_fingerprints: fingerprints,
            dtls_role: Some(DtlsRole::Server),
            ..DtlsSettings::default()
        }),
        far_end: Some(FarEnd::Relay { announce: false }),
        ..DataSettings::default()
    }));
    let reserved = iq.reserve(stream)?;
    let local = reserved.streams.first().context("no stream")?;
    let data = local.data.as_ref().context("no data channels")?;

    wic.connect(local.w3.candidates.first().context("no candidate")?)?;
    check(&wic, &local.w3.ice)?;
    associate(&wic, certificate, &local.w3.fingerprint.digest).context("towards the WIC")?;
    far.connect(local.core.rtp)?;
    associate(&far, certificate, &data.core_fingerprint.digest).context("towards the core")?;
    Ok([wic, far])
}

/// A connectivity check that the gateway with this name is to answer.
pub(super) fn check(socket: &UdpSocket, theirs: &IceCredentials) -> Result<()> {
    let mut check = [0; 256];
    let length = Builder::new(&mut check, Class::Request, TransactionId([7; 12]))
        .username(&format!("{}:{UFRAG}", theirs.ufrag))
        .priority(1_845_501_695)
        .ice_controlling(7)
        .use_candidate()
        .integrity(&IntegrityKey::new(&theirs.pwd))
        .fingerprint()
        .finish()
        .map_err(|_| anyhow::anyhow!("no room for a check"))?;
    socket.send(&check[..length])?;
    Ok(())
}

/// DTLS and SCTP; then nothing more.
pub(super) fn associate(
    socket: &UdpSocket,
    certificate: &Certificate,
    theirs: &[u8],
) -> Result<()> {
    let announced = vec![dtls::Fingerprint {
        algorithm: "sha-256".into(),
        digest: theirs.to_vec(),
    }];
    let now = Instant::now();
    let engine = Dimpl::new(now, &Dimpl::config()?, certificate, Role::Client);
    let mut dtls = Association::new(Box::new(engine), Role::Client);
    let mut sctp: Option<Channels> = None;
    let deadline = now + Duration::from_secs(10);
    let mut bytes = [0; 2048];
    loop {
        let now = Instant::now();
        if now > deadline {
            bail!("it does not come about");
        }
        if dtls.poll_timeout().is_none_or(|due| due <= now) {
            dtls.handle_timeout(now, &announced);
        }
        while let Some(event) = dtls.poll_event() {
            match event {
                AssociationEvent::Transmit(bytes) => {
                    socket.send(&bytes)?;
                }
                AssociationEvent::Connected(_) => sctp = Some(channels(now)),
                AssociationEvent::Data(packet) => {
                    if let Some(sctp) = &mut sctp {
                        sctp.handle_packet(now, packet.into());
                    }
                }
                AssociationEvent::Failed(error) => bail!("{error}"),
                AssociationEvent::Closed => bail!("closed"),
            }
        }
        let mut sent = false;
        if let Some(sctp) = &mut sctp {
            while let Some(output) = sctp.poll_output() {
                match output {
                    Output::Packet(packet) => {
                        dtls.send(&packet)?;
                        sent = true;
                    }
                    Output::Event(Event::Connected) => return Ok(()),
                    Output::Event(Event::Ended(ended)) => bail!("{ended}"),
                    Output::Event(_) => {}
                }
            }
        }
        if sent {
            continue;
        }
        if let Ok(length) = socket.recv(&mut bytes)
            && (20..64).contains(&bytes[0])
        {
            dtls.handle_packet(now, &bytes[..length], &announced);
        }
    }
}

fn channels(now: Instant) -> Channels {
    Channels::new(now, AssociationConfig::new(SctpRole::Client))
}
