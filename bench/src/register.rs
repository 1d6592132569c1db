//! REGISTER round trip through the edge over WebSocket: CPU of the edge for each transaction.

use std::net::SocketAddr;

use anyhow::Result;

use crate::report::Row;
use crate::web_socket::Wic;
use crate::{cpu, kamailio, registrar::Registrar};

const CLIENTS: usize = 50;
const WARM_UP: usize = 20;
const ROUNDS: usize = 400;

/// Both edges, one after the other, before the same registrar.
pub fn run() -> Result<Vec<Row>> {
    let registrar = Registrar::start()?;
    let (peer, address) = kamailio::start(registrar.address)?;
    let theirs = measure(peer.id(), address, "/")?;
    drop(peer);
    Ok(vec![Row {
        work: "REGISTER round trip over WS, CPU".into(),
        isthmus: String::new(),
        peer: format!("Kamailio {theirs:.0} us"),
        verdict: String::new(),
    }])
}

/// Microseconds of CPU for one transaction.
fn measure(pid: u32, address: SocketAddr, path: &str) -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut wics = Vec::with_capacity(CLIENTS);
        for number in 0..CLIENTS {
            wics.push(Wic::connect(address, path, number, digest(number)).await?);
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

fn digest(number: usize) -> String {
    format!(
        "Digest username=\"user{number}@ims.example\", realm=\"ims.example\", \
         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"sip:ims.example\", qop=auth, \
         nc=00000001, cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\", \
         opaque=\"5ccc069c403ebaf9f0171e9517f40e41\", algorithm=MD5"
    )
}
