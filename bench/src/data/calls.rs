//! Memory of calls over which nothing is said: audio, and one bootstrap channel that the edge ends (TS 26.114 §6.2.10).

use std::net::UdpSocket;
use std::time::Duration;

use anyhow::{Context as _, Result};
use core_iq::{
    ChannelDescription, ChannelPlace, ChannelReliability, CoreSettings, DataSettings, DtlsRole,
    FarEnd, Fingerprint, Gate, IceCredentials, MediaKind, NegotiatedChannel, SctpSettings,
    StreamEnd, StreamId, StreamSettings, W3Settings,
};
use core_w3::dtls::Certificate;

use super::idle::{CLIENT, PASSWORD, UFRAG, associate, check};
use crate::media::call::{Call, Towards};
use crate::report::Row;
use crate::{cpu, gateway};

/// What the process keeps for good is found out with so many.
const FIRST: usize = 250;
/// So many more are measured.
const CALLS: usize = 1_000;
const PROMISE: u64 = 70_000;

/// The growth from the first to all, by their number.
pub fn run() -> Result<Vec<Row>> {
    let (process, mut iq) = gateway::start()?;
    let certificate = Certificate::generate()?;
    // Each keeps its sockets, so that no other gets their ports.
    let mut calls = Vec::with_capacity(FIRST + CALLS);
    let mut at_first = 0;
    for number in 0..FIRST + CALLS {
        if number == FIRST {
            std::thread::sleep(Duration::from_secs(3));
            at_first = cpu::pss(process.id());
        }
        let made = call(&mut iq, &certificate);
        calls.push(made.with_context(|| format!("call {number}"))?);
    }
    std::thread::sleep(Duration::from_secs(10));
    let each = (cpu::pss(process.id()) - at_first) / CALLS as u64;
    drop(calls);
    Ok(vec![Row {
        work: format!(
            "idle call with audio and one bootstrap channel, {CALLS} of them, memory of the gateway (PSS)"
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

/// DTLS-SRTP of the audio stands, and so does the association with the channel in it.
fn call(iq: &mut gateway::Iq, certificate: &Certificate) -> Result<(Call, UdpSocket)> {
    let mut call = Call::new()?;
    let ice = || IceCredentials {
        ufrag: UFRAG.into(),
        pwd: PASSWORD.into(),
    };
    let own = certificate.fingerprint();
    let wic = || W3Settings {
        remote_ice: Some(ice()),
        remote_fingerprints: Some(vec![Fingerprint {
            algorithm: own.algorithm.clone(),
            digest: own.digest.clone(),
        }]),
        dtls_role: Some(DtlsRole::Server),
        gate: Some(Gate::OPEN),
    };
    let mut audio = StreamSettings::new(StreamId(0), MediaKind::Audio);
    audio.w3 = Some(wic());
    audio.core = Some(CoreSettings {
        remote_rtp: Some(call.phone.local_addr()?),
        remote_rtcp: None,
        gate: Some(Gate::OPEN),
    });
    let mut data = StreamSettings::new(StreamId(1), MediaKind::Data);
    data.w3 = Some(wic());
    data.data = Some(Box::new(DataSettings {
        w3: Some(SctpSettings {
            port: 5000,
            max_message_size: Some(262_144),
        }),
        channels: Some(vec![NegotiatedChannel {
            id: 0,
            channel: ChannelDescription {
                label: String::new(),
                protocol: "http".into(),
                ordered: true,
                reliability: ChannelReliability::Reliable,
                priority: 256,
            },
            place: ChannelPlace::At(StreamEnd::W3),
        }]),
        far_end: Some(FarEnd::Nobody),
        ..DataSettings::default()
    }));
    let reserved = iq.reserve_all(vec![audio, data])?;
    let [audio, data] = reserved.streams.as_slice() else {
        anyhow::bail!("not two streams");
    };
    call.towards = Some(Towards {
        w3: *audio.w3.candidates.first().context("no candidate")?,
        core: audio.core.rtp,
        fingerprint: audio.w3.fingerprint.digest.clone(),
        ice: Some((
            format!("{}:{UFRAG}", audio.w3.ice.ufrag),
            audio.w3.ice.pwd.clone(),
        )),
    });
    call.connect(certificate).context("audio")?;
    let socket = UdpSocket::bind(CLIENT)?;
    socket.set_read_timeout(Some(Duration::from_millis(2)))?;
    socket.connect(data.w3.candidates.first().context("no candidate")?)?;
    check(&socket, &data.w3.ice)?;
    associate(&socket, certificate, &data.w3.fingerprint.digest).context("data channels")?;
    Ok((call, socket))
}
