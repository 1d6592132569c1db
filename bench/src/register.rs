//! REGISTER round trip through the edge over WebSocket: CPU of the edge for each transaction. And
//! what an idle registered client costs in memory, over TLS.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

use crate::issuer::Issuer;
use crate::report::Row;
use crate::web_socket::{Wic, digest};
use crate::{cpu, edge, kamailio, registrar::Registrar};

const CLIENTS: usize = 50;
const WARM_UP: usize = 20;
const ROUNDS: usize = 400;
/// The numbers of those who register by token begin here: they are other users.
const BEARER_FROM: usize = 1000;
/// Idle clients whose memory is measured.
const IDLE: usize = 10_000;
/// Until every transaction of the registrations is over (timers J and K, RFC 3261 §17).
const SETTLED: Duration = Duration::from_secs(10);
/// What we promise of each, in kB.
const PROMISED: f64 = 20.0;

/// Both edges, one after the other, before the same registrar.
pub fn run() -> Result<Vec<Row>> {
    let registrar = Registrar::start()?;
    let theirs = {
        let (peer, address) = kamailio::start(registrar.address)?;
        measure(peer.id(), address, "/", |number| Ok(digest(number)))?
    };
    let ours = {
        let edge = edge::start(registrar.address)?;
        measure(edge.process.id(), edge.plain, "/w2", |number| {
            Ok(digest(number))
        })?
    };
    Ok(vec![Row {
        work: "REGISTER round trip over WS, CPU".into(),
        isthmus: format!("{ours:.0} us"),
        peer: format!("Kamailio {theirs:.0} us"),
        verdict: format!("{:.2} of the peer's; promised 0.33", ours / theirs),
    }])
}

/// By token and by Digest, at the same edge.
pub fn bearer() -> Result<Vec<Row>> {
    let registrar = Registrar::start()?;
    let issuer = Issuer::start()?;
    let more = format!(
        "requests_per_second = 100000\n\n[epcscf.token]\nissuer = \"{}\"\n",
        issuer.name
    );
    let edge = edge::start_with(registrar.address, &more)?;
    // The edge fetches the keys before the first token comes.
    std::thread::sleep(Duration::from_secs(2));
    let by_digest = measure(edge.process.id(), edge.plain, "/w2", |number| {
        Ok(digest(number))
    })?;
    let by_token = measure(edge.process.id(), edge.plain, "/w2", |number| {
        issuer.credentials(BEARER_FROM + number)
    })?;
    Ok(vec![Row {
        work: "REGISTER by token (ES256), CPU".into(),
        isthmus: format!("{by_token:.0} us"),
        peer: format!("by Digest {by_digest:.0} us"),
        verdict: format!("{:.2} of Digest; promised 1.50", by_token / by_digest),
    }])
}

/// Registered over WSS, and then silent.
pub fn idle() -> Result<Vec<Row>> {
    let registrar = Registrar::start()?;
    let edge = edge::start(registrar.address)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (pid, secure) = (edge.process.id(), edge.secure);
    let each = runtime.block_on(async {
        let mut wics = Vec::with_capacity(IDLE);
        // What the first ones make the process allocate for good is not theirs.
        for number in 0..IDLE / 10 {
            wics.push(registered(secure, number).await?);
        }
        tokio::time::sleep(SETTLED).await;
        let before = cpu::pss(pid);
        for number in IDLE / 10..IDLE {
            wics.push(registered(secure, number).await?);
        }
        tokio::time::sleep(SETTLED).await;
        let grown = cpu::pss(pid).saturating_sub(before);
        anyhow::Ok(grown as f64 / (IDLE - IDLE / 10) as f64 / 1024.0)
    })?;
    Ok(vec![Row {
        work: "idle registered client over WSS, PSS".into(),
        isthmus: format!("{each:.1} kB"),
        peer: String::new(),
        verdict: format!("{:.2} of the promise of {PROMISED} kB", each / PROMISED),
    }])
}

async fn registered(address: SocketAddr, number: usize) -> Result<Wic> {
    let mut wic = Wic::connect_secure(address, "/w2", number, digest(number)).await?;
    wic.register().await?;
    Ok(wic)
}

/// Microseconds of CPU for one transaction.
fn measure(
    pid: u32,
    address: SocketAddr,
    path: &str,
    credentials: impl Fn(usize) -> Result<String>,
) -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut wics = Vec::with_capacity(CLIENTS);
        for number in 0..CLIENTS {
            wics.push(Wic::connect(address, path, number, credentials(number)?).await?);
        }
        for _ in 0..WARM_UP {
            round(&mut wics).await?;
        }
        let before = cpu::time(pid);
        for _ in 0..ROUNDS {
            round(&mut wics).await?;
        }
        let used = cpu::time(pid) - before;
        Ok(used.as_secs_f64() * 1e6 / (ROUNDS * CLIENTS) as f64)
    })
}

/// Every client registers once, all at the same time.
async fn round(wics: &mut [Wic]) -> Result<()> {
    let all = wics.iter_mut().map(Wic::register);
    futures_util::future::try_join_all(all).await?;
    Ok(())
}
