//! DTLS-SRTP to RTP: 400 calls of 50 packets a second each way, through our gateway and through
//! rtpengine in userspace. CPU of the relay for a million packets.

pub mod call;
mod gateway;
mod load;
mod rtpengine;

use anyhow::Result;

use crate::report::Row;

/// Calls at a time.
const CALLS: usize = 400;

/// One relay's figures.
struct Figures {
    /// Seconds of CPU for a million packets.
    cpu: f64,
    /// 95 in 100 packets from WIC to phone were not longer under way, in microseconds.
    delay: u64,
    /// Packets that did not arrive, in a million.
    lost: u64,
    /// How the WICs' media were protected.
    profile: &'static str,
}

/// Both relays, one after the other, under the same load.
pub fn run() -> Result<Vec<Row>> {
    let ours = gateway::measure()?;
    let theirs = rtpengine::measure()?;
    let line = |figures: &Figures| {
        format!(
            "{:.2} CPU s per million packets ({}; p95 {} us, {} in a million lost)",
            figures.cpu, figures.profile, figures.delay, figures.lost
        )
    };
    Ok(vec![Row {
        work: format!("DTLS-SRTP to RTP, {CALLS} calls of 50 packets/s each way"),
        isthmus: line(&ours),
        peer: format!("rtpengine, userspace: {}", line(&theirs)),
        verdict: format!("{:.2} of the peer's CPU", ours.cpu / theirs.cpu),
    }])
}
