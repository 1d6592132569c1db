//! Our gateway under the load.

use anyhow::{Context, Result};
use core_iq::{
    CoreSettings, DtlsRole, Fingerprint, Gate, IceCredentials, MediaKind, StreamId, StreamSettings,
    W3Settings,
};
use core_w3::dtls::Certificate;

use super::call::{Call, Towards};
use super::{CALLS, Figures, load};
use crate::gateway;

/// Starts it, sets the calls up, runs the load.
pub fn measure() -> Result<Figures> {
    let (process, mut iq) = gateway::start()?;
    let certificate = Certificate::generate()?;
    let mut calls = Vec::with_capacity(CALLS);
    for number in 0..CALLS {
        let mut call = Call::new()?;
        let ice = IceCredentials {
            ufrag: format!("wic{number}"),
            pwd: "aPasswordOfTheWicForAll".into(),
        };
        let mut stream = StreamSettings::new(StreamId(0), MediaKind::Audio);
        stream.w3 = Some(W3Settings {
            remote_ice: Some(ice.clone()),
            remote_fingerprints: Some(vec![Fingerprint {
                algorithm: certificate.fingerprint().algorithm.clone(),
                digest: certificate.fingerprint().digest.clone(),
            }]),
            dtls_role: Some(DtlsRole::Server),
            gate: Some(Gate::OPEN),
        });
        stream.core = Some(CoreSettings {
            remote_rtp: Some(call.phone.local_addr()?),
            remote_rtcp: None,
            gate: Some(Gate::OPEN),
        });
        let reserved = iq.reserve(stream)?;
        let local = reserved.streams.first().context("no stream")?;
        call.towards = Some(Towards {
            w3: *local.w3.candidates.first().context("no candidate")?,
            core: local.core.rtp,
            fingerprint: local.w3.fingerprint.digest.clone(),
            ice: Some((
                format!("{}:{}", local.w3.ice.ufrag, ice.ufrag),
                local.w3.ice.pwd.clone(),
            )),
        });
        call.connect(&certificate)?;
        calls.push(call);
    }
    let keeper = iq.keep()?;
    let figures = load::run(process.id(), &mut calls);
    drop(keeper);
    figures
}
