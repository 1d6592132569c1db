//! A call through the gateway: what an eP-CSCF reads in the peers' SDP, and writes.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use core_iq::{
    CoreSettings, DataSettings, DtlsRole, DtlsSettings, FarEnd, Fingerprint, Gate, IceCredentials,
    MediaKind, SctpSettings, StreamId, StreamSettings, W3Settings,
};

use super::peer::Peer;
use crate::gateway::Iq;

const STREAM: StreamId = StreamId(0);

/// The one who offered is the WIC, the other in the core; the gateway relays their channels.
pub fn join(iq: &mut Iq, offer: &str, near: &mut Peer, far: &mut Peer) -> Result<()> {
    let mut stream = StreamSettings::new(STREAM, MediaKind::Data);
    stream.w3 = Some(W3Settings {
        remote_ice: Some(ice(offer)?),
        remote_fingerprints: Some(vec![fingerprint(offer)?]),
        dtls_role: Some(DtlsRole::Server),
        gate: Some(Gate::OPEN),
    });
    stream.data = Some(Box::new(DataSettings {
        w3: Some(sctp(offer)),
        far_end: Some(FarEnd::Relay { announce: false }),
        ..DataSettings::default()
    }));
    let reserved = iq.reserve(stream)?;
    let local = reserved.streams.first().context("no stream")?;
    let data = local.data.as_ref().context("no data channels")?;

    let at_core = description(
        "0",
        local.core.rtp,
        &data.core_ice,
        &data.core_fingerprint,
        "actpass",
    );
    let answer = far.answer(&at_core)?;
    let role = match value(&answer, "a=setup:")? {
        "active" => DtlsRole::Server,
        _ => DtlsRole::Client,
    };
    let mut stream = StreamSettings::new(STREAM, MediaKind::Data);
    stream.core = Some(CoreSettings {
        remote_rtp: Some(candidate(&answer)?),
        remote_rtcp: None,
        gate: Some(Gate::OPEN),
    });
    stream.data = Some(Box::new(DataSettings {
        core: Some(sctp(&answer)),
        core_dtls: Some(DtlsSettings {
            remote_ice: Some(ice(&answer)?),
            remote_fingerprints: Some(vec![fingerprint(&answer)?]),
            remote_tls_id: None,
            dtls_role: Some(role),
        }),
        ..DataSettings::default()
    }));
    iq.configure(reserved.context, stream)?;

    let w3 = *local.w3.candidates.first().context("no candidate")?;
    near.answered(&description(
        value(offer, "a=mid:")?,
        w3,
        &local.w3.ice,
        &local.w3.fingerprint,
        "passive",
    ))
}

/// The gateway's side of an m-line.
fn description(
    mid: &str,
    at: SocketAddr,
    ice: &IceCredentials,
    fingerprint: &Fingerprint,
    setup: &str,
) -> String {
    let (ip, port) = (at.ip(), at.port());
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {mid}\r\na=ice-lite\r\n\
         m=application {port} UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 {ip}\r\na=mid:{mid}\r\n\
         a=sctp-port:5000\r\na=max-message-size:262144\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\n\
         a=candidate:1 1 UDP 2130706431 {ip} {port} typ host\r\na=end-of-candidates\r\n\
         a=fingerprint:{}\r\na=setup:{setup}\r\n",
        ice.ufrag,
        ice.pwd,
        fingerprint.to_sdp(),
    )
}

fn value<'a>(sdp: &'a str, name: &str) -> Result<&'a str> {
    let mut lines = sdp.lines().map(str::trim);
    let found = lines.find_map(|line| line.strip_prefix(name));
    found.with_context(|| format!("no {name} in\n{sdp}"))
}

fn ice(sdp: &str) -> Result<IceCredentials> {
    Ok(IceCredentials {
        ufrag: value(sdp, "a=ice-ufrag:")?.to_owned(),
        pwd: value(sdp, "a=ice-pwd:")?.to_owned(),
    })
}

fn fingerprint(sdp: &str) -> Result<Fingerprint> {
    // Some give one for each digest that they know; one is enough.
    let text = value(sdp, "a=fingerprint:sha-256 ")?;
    let octets = text.split(':').map(|octet| u8::from_str_radix(octet, 16));
    Ok(Fingerprint {
        algorithm: "sha-256".into(),
        digest: octets.collect::<Result<_, _>>()?,
    })
}

fn sctp(sdp: &str) -> SctpSettings {
    let number = |name: &str| value(sdp, name).ok()?.parse::<u64>().ok();
    SctpSettings {
        port: number("a=sctp-port:").map_or(5000, |port| port as u16),
        max_message_size: number("a=max-message-size:"),
    }
}

/// The first UDP candidate of IPv4. A check tells the gateway whether the peer really sends from there.
fn candidate(sdp: &str) -> Result<SocketAddr> {
    let mut candidates = sdp
        .lines()
        .filter_map(|line| line.strip_prefix("a=candidate:"));
    let found = candidates.find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let udp = words.get(2)?.eq_ignore_ascii_case("udp");
        let ip: std::net::Ipv4Addr = words.get(4)?.parse().ok()?;
        let port: u16 = words.get(5)?.parse().ok()?;
        udp.then_some(SocketAddr::from((ip, port)))
    });
    found.context("no candidate of UDP")
}
