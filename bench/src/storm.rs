//! Everybody comes back at once after an outage: how long until the last one is registered.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::LocalSet;

use crate::edge;
use crate::registrar::Registrar;
use crate::report::Row;
use crate::web_socket::{Answer, Wic, digest};

const CLIENTS: usize = 10_000;
/// What we promise, in seconds.
const PROMISED: f64 = 60.0;
/// When we stop to look.
const PATIENCE: Duration = Duration::from_secs(180);

/// Ten thousand, over WSS, each from its own handshake on; who is told to wait waits so long.
pub fn run() -> Result<Vec<Row>> {
    let registrar = Registrar::start()?;
    // All come from one address here, which no real crowd does.
    let edge = edge::start_with(registrar.address, "requests_per_second = 100000\n")?;
    let secure = edge.secure;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let begun = Instant::now();
    let (back, waits) = LocalSet::new().block_on(&runtime, async {
        let seen = Rc::new(std::cell::Cell::new((0_usize, 0_usize)));
        let mut all = Vec::with_capacity(CLIENTS);
        for number in 0..CLIENTS {
            let seen = Rc::clone(&seen);
            all.push(tokio::task::spawn_local(async move {
                while begun.elapsed() < PATIENCE {
                    let pause = match come_back(secure, number).await {
                        Ok((wic, Answer::Registered)) => {
                            let (back, waits) = seen.get();
                            seen.set((back + 1, waits));
                            return Some(wic);
                        }
                        Ok((_, Answer::Later(after))) => after,
                        // A connection that fails is tried again, as a page does it.
                        Err(_) => Duration::from_secs(1 + number as u64 % 4),
                    };
                    let (back, waits) = seen.get();
                    seen.set((back, waits + 1));
                    tokio::time::sleep(pause).await;
                }
                None
            }));
        }
        // They stay on until the last is back.
        let mut wics = Vec::with_capacity(CLIENTS);
        for one in all {
            wics.push(one.await?);
        }
        anyhow::Ok(seen.get())
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok(vec![Row {
        work: format!("{CLIENTS} clients come back at once, until the last is registered"),
        isthmus: format!("{seconds:.1} s ({back} back, {waits} times told or made to wait)"),
        peer: String::new(),
        verdict: format!("{:.2} of the promise of {PROMISED} s", seconds / PROMISED),
    }])
}

async fn come_back(secure: std::net::SocketAddr, number: usize) -> Result<(Wic, Answer)> {
    let connecting = Wic::connect_secure(secure, "/w2", number, digest(number));
    let mut wic = tokio::time::timeout(Duration::from_secs(30), connecting).await??;
    let answer = wic.ask(Duration::from_secs(32)).await?;
    Ok((wic, answer))
}
