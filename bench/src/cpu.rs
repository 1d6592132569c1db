//! How much a process and its children have used.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// User and system time of a process and all its descendants, as the kernel counts it.
pub fn time(pid: u32) -> Duration {
    let ticks: u64 = family(pid).into_iter().filter_map(ticks).sum();
    // The tick is 1/100 s on every Linux that this runs on (USER_HZ).
    Duration::from_millis(ticks * 10)
}

/// Proportional set size of a process and all its descendants, in bytes.
pub fn pss(pid: u32) -> u64 {
    family(pid)
        .into_iter()
        .filter_map(|pid| std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok())
        .filter_map(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            line.trim()
                .trim_end_matches("kB")
                .trim()
                .parse::<u64>()
                .ok()
        })
        .sum::<u64>()
        * 1024
}

/// Seconds that this thread has been on a core: what else the machine does is not counted.
pub fn of_this_thread() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = text.split_whitespace().next().context("schedstat")?;
    Ok(nanoseconds.parse::<f64>()? / 1e9)
}

fn ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything; the fields begin behind its bracket.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(field(11)? + field(12)?)
}

fn family(pid: u32) -> Vec<u32> {
    let mut all = Vec::new();
    let mut open = VecDeque::from([pid]);
    while let Some(pid) = open.pop_front() {
        all.push(pid);
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
            continue;
        };
        for task in tasks.flatten() {
            let children = std::fs::read_to_string(task.path().join("children"));
            let children = children.unwrap_or_default();
            open.extend(
                children
                    .split_whitespace()
                    .filter_map(|pid| pid.parse::<u32>().ok()),
            );
        }
    }
    all
}
