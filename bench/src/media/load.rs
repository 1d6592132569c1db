//! The load: every call sends a packet each way every 20 ms; what arrives is counted.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use isthmus_socket::{Batch, Poller};

use super::Figures;
use super::call::{Call, PACKET};
use crate::cpu;

const WARM_UP: Duration = Duration::from_secs(3);
const MEASURED: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(1);
/// Of 20 ms: the calls send one after the other, not all at once.
const STEPS: usize = 20;

/// Runs the load through relay `pid` and measures it.
pub fn run(pid: u32, calls: &mut [Call]) -> Result<Figures> {
    let mut poller = Poller::new()?;
    for (index, call) in calls.iter().enumerate() {
        poller.add(&call.wic, 2 * index as u64)?;
        poller.add(&call.phone, 2 * index as u64 + 1)?;
    }
    let mut batch = Batch::new(64);
    let mut ready = Vec::new();
    let start = Instant::now();
    let mut step = 0usize;
    let mut state = State::WarmingUp;
    let (mut sent, mut arrived, mut wrong) = (0u64, 0u64, 0u64);
    let mut delays = Vec::with_capacity(500_000);
    let mut next_check = start;
    loop {
        let now = Instant::now();
        state = match state {
            State::WarmingUp if now > start + WARM_UP => {
                (sent, arrived) = (0, 0);
                delays.clear();
                State::Measuring {
                    from: now,
                    cpu: cpu::time(pid),
                }
            }
            State::Measuring { from, cpu } if now > from + MEASURED => {
                let used = cpu::time(pid) - cpu;
                // What is still under way is not lost.
                let lost = sent.saturating_sub(arrived + calls.len() as u64 / 5);
                if arrived < sent / 2 || wrong > 0 {
                    bail!("{arrived} of {sent} packets arrived, {wrong} of them wrong");
                }
                delays.sort_unstable();
                return Ok(Figures {
                    cpu: used.as_secs_f64() * 1e6 / arrived as f64,
                    delay: delays.get(delays.len() * 95 / 100).copied().unwrap_or(0),
                    lost: lost * 1_000_000 / sent.max(1),
                    profile: calls[0].profile,
                });
            }
            other => other,
        };
        if now >= next_check {
            next_check = now + Duration::from_millis(2500);
            for call in calls.iter_mut() {
                call.check()?;
            }
        }
        while now >= start + STEP * step as u32 {
            let stamp = start.elapsed().as_nanos() as u64;
            for call in calls.iter_mut().skip(step % STEPS).step_by(STEPS) {
                call.send(stamp)?;
                sent += 2;
            }
            step += 1;
        }
        let due = (start + STEP * step as u32).saturating_duration_since(Instant::now());
        if due.as_micros() > 300 {
            poller.wait(Some(Duration::ZERO), &mut ready)?;
            if ready.is_empty() {
                std::thread::sleep(Duration::from_micros(100));
            }
        } else {
            ready.clear();
        }
        for &token in &ready {
            let call = &mut calls[token as usize / 2];
            let of_phone = token % 2 == 1;
            let socket = if of_phone { &call.phone } else { &call.wic };
            for slot in batch.receive(socket, 64)? {
                let Some((_, length, bytes)) = batch.datagram(slot) else {
                    continue;
                };
                if bytes[0] >> 6 != 2 || (192..224).contains(&bytes[1]) {
                    continue;
                }
                arrived += 1;
                if of_phone {
                    wrong += u64::from(length != PACKET);
                    let mut stamp = [0; 8];
                    stamp.copy_from_slice(&bytes[12..20]);
                    let now = start.elapsed().as_nanos() as u64;
                    delays.push(now.saturating_sub(u64::from_be_bytes(stamp)) / 1000);
                } else if token == 0
                    && let Some((_, receiver)) = &mut call.keys
                {
                    // One call is looked at closely: what comes is what was sent.
                    let opened = receiver.unprotect_rtp(&mut bytes[..length]);
                    wrong += u64::from(opened != Ok(PACKET));
                }
            }
            batch.clear();
        }
    }
}

enum State {
    WarmingUp,
    Measuring { from: Instant, cpu: Duration },
}
