//! Data channels: the same two peers directly, and through one gateway and back out of its second Termination.

pub mod calls;
pub mod idle;
mod peer;
mod through;

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::report::Row;
use crate::{cpu, gateway};
use peer::{Heard, Peer};

/// A stack, and how much it is given to send.
struct Stack {
    name: &'static str,
    program: Program,
    megabytes: u64,
}

#[derive(Clone, Copy)]
enum Program {
    /// `foreign-peers` of `web/e2e/peers/rust`.
    Rust(&'static str),
    /// `w3c_program.js` of `web/e2e/peers/data`.
    Node(&'static str),
    /// `aiortc_peer.py` beside it.
    Python,
}

const STACKS: &[Stack] = &[
    Stack {
        name: "str0m",
        program: Program::Rust("str0m"),
        megabytes: 500,
    },
    Stack {
        name: "webrtc",
        program: Program::Rust("webrtc"),
        megabytes: 150,
    },
    Stack {
        name: "node-datachannel",
        program: Program::Node("node-datachannel"),
        megabytes: 150,
    },
    Stack {
        name: "werift",
        program: Program::Node("werift"),
        megabytes: 20,
    },
    Stack {
        name: "aiortc",
        program: Program::Python,
        megabytes: 10,
    },
];

/// A flood of 16 KiB messages in one direction.
struct Figures {
    /// MB/s, from the first message to the last as the receiver hears them.
    rate: f64,
    /// Seconds of both peers' processes for a GB.
    peers: f64,
    /// The gateway's, if there was one.
    gateway: Option<f64>,
}

/// Every stack at both ends.
pub fn run() -> Result<Vec<Row>> {
    let one = std::env::var("BENCH_STACK").ok();
    let wanted = |stack: &&Stack| one.as_deref().is_none_or(|one| one == stack.name);
    STACKS.iter().filter(wanted).map(measure).collect()
}

fn measure(stack: &Stack) -> Result<Row> {
    let what = || format!("data channels with {} at both ends", stack.name);
    let direct = direct(stack).with_context(|| format!("{}, directly", what()))?;
    let through = through(stack).with_context(what)?;
    let gateway = through.gateway.unwrap_or_default();
    let rate = through.rate / direct.rate;
    Ok(Row {
        work: format!("16 KiB messages, {} at both ends", stack.name),
        isthmus: format!("{:.1} MB/s; {gateway:.1} CPU s per GB", through.rate),
        peer: format!(
            "directly: {:.1} MB/s; {:.1} CPU s per GB, both",
            direct.rate, direct.peers
        ),
        verdict: format!(
            "{rate:.2} of the rate, {:.2} of the CPU",
            gateway / direct.peers
        ),
    })
}

/// One end offers, the other answers.
fn direct(stack: &Stack) -> Result<Figures> {
    let (mut near, mut far) = pair(stack, true)?;
    near.open()?;
    let answer = far.answer(&near.offer()?)?;
    near.answered(&answer)?;
    flood(stack, &mut near, &mut far, None)
}

/// One end is the WIC, the other is in the core.
fn through(stack: &Stack) -> Result<Figures> {
    let (process, mut iq) = gateway::start()?;
    let (mut near, mut far) = pair(stack, false)?;
    near.open()?;
    let offer = near.offer()?;
    through::join(&mut iq, &offer, &mut near, &mut far)?;
    let keeper = iq.keep()?;
    let figures = flood(stack, &mut near, &mut far, Some(process.id()));
    drop(keeper);
    figures
}

fn pair(stack: &Stack, direct: bool) -> Result<(Peer, Peer)> {
    let start = || Peer::start(stack.program, direct);
    Ok((start()?, start()?))
}

/// A little first, so that windows are open; then what is measured.
fn flood(stack: &Stack, near: &mut Peer, far: &mut Peer, gateway: Option<u32>) -> Result<Figures> {
    near.wait(Duration::from_secs(20), |heard| {
        matches!(heard, Heard::Open)
    })?;
    near.send_file(4_000_000)?;
    far.file(Duration::from_secs(60))?;
    let size = stack.megabytes * 1_000_000;
    let spent = |near: &Peer, far: &Peer| {
        let peers = cpu::time(near.id()) + cpu::time(far.id());
        (
            peers.as_secs_f64(),
            gateway.map(|pid| cpu::time(pid).as_secs_f64()),
        )
    };
    let before = spent(near, far);
    near.send_file(size)?;
    let seconds = far.file(Duration::from_secs(120))?;
    let after = spent(near, far);
    let gigabytes = size as f64 / 1e9;
    Ok(Figures {
        rate: size as f64 / 1e6 / seconds,
        peers: (after.0 - before.0) / gigabytes,
        gateway: after
            .1
            .zip(before.1)
            .map(|(after, before)| (after - before) / gigabytes),
    })
}
