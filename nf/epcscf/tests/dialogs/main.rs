//! A model of the dialog next to the real shard, driven by random schedules of everything that a WIC, the core and the
//! gateway can say, with loss, duplication and reordering on the core's side.
//!
//! | question | file |
//! | --- | --- |
//! | What do the two user agents do, allowed or not? | `agent/` |
//! | What must every message keep to? | `rules.rs` |
//! | What has the gateway been told? | `gateway.rs` |
//! | How does it all run in virtual time, and end? | `world.rs` |
//! | Which events came one after the other? | `coverage.rs` |

#![allow(clippy::print_stderr, clippy::print_stdout)] // seeds and coverage are what it reports
#![allow(clippy::disallowed_methods)] // a seed to try again comes from outside

mod agent;
mod coverage;
mod gateway;
mod rules;
mod text;
mod world;

use coverage::Coverage;
use world::World;

/// In CI; more with `DIALOG_SCHEDULES`, another beginning with `DIALOG_SEED`.
const SCHEDULES: u64 = 100_000;
/// Schedules of one shard, one after the other: what one leaves behind, the next would find.
const OF_ONE_SHARD: u64 = 100;

fn number(name: &str, otherwise: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn every_schedule_keeps_the_rules_and_leaves_nothing_behind() {
    let first = number("DIALOG_SEED", 1);
    let count = number("DIALOG_SCHEDULES", SCHEDULES);
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    // Whole shards each, so that a schedule is the same whoever runs it.
    let share = (count / threads).next_multiple_of(OF_ONE_SHARD);
    let mut coverage = Coverage::default();
    std::thread::scope(|scope| {
        let parts = (0..threads).map(|part| {
            let from = (first + part * share) / OF_ONE_SHARD * OF_ONE_SHARD;
            let to = from + share;
            let last = part + 1 == threads;
            let to = if last { first + count } else { to };
            scope.spawn(move || run(from.max(first)..to.min(first + count)))
        });
        let parts: Vec<_> = parts.collect();
        for part in parts {
            match part.join() {
                Ok(part) => coverage += part,
                Err(fault) => std::panic::resume_unwind(fault),
            }
        }
    });
    println!("{coverage}");
    if count >= SCHEDULES {
        coverage.assert_complete();
    }
}

/// The schedules of these seeds, one after the other.
fn run(seeds: std::ops::Range<u64>) -> Coverage {
    let first = seeds.start;
    let mut coverage = Coverage::default();
    let mut world = World::new(first);
    for seed in seeds {
        if seed % OF_ONE_SHARD == 0 {
            world = World::new(seed);
        }
        let began = std::panic::AssertUnwindSafe(|| world.run(seed, &mut coverage));
        if let Err(fault) = std::panic::catch_unwind(began) {
            let from = seed - seed % OF_ONE_SHARD;
            eprintln!(
                "seed {seed}: DIALOG_SEED={} DIALOG_SCHEDULES={}",
                from.max(first),
                seed - from.max(first) + 1
            );
            world.tell();
            std::panic::resume_unwind(fault);
        }
    }
    coverage
}
