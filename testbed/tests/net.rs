//! What the network does to packets, and that it does it again.
use std::time::Duration;

use testbed::{Clock, LinkQuality, Net};

fn run(seed: u64, quality: LinkQuality) -> Vec<(Duration, u32)> {
    let clock = Clock::new();
    let mut net = Net::new(seed, quality);
    for n in 0..1000u32 {
        net.send(
            clock.now() + Duration::from_millis(u64::from(n)),
            'a',
            'b',
            n,
        );
    }
    let mut arrived = Vec::new();
    while let Some(at) = net.next_delivery() {
        let delivery = net.deliver(at).expect("due at its own time");
        arrived.push((clock.since_start(delivery.at), delivery.payload));
    }
    arrived
}

#[test]
fn a_good_link_delivers_all_in_order() {
    let arrived = run(1, LinkQuality::good());
    let expected: Vec<_> = (0..1000)
        .map(|n| (Duration::from_millis(u64::from(n) + 10), n))
        .collect();
    assert_eq!(arrived, expected);
}

#[test]
fn a_bad_link_loses_duplicates_and_reorders() {
    let arrived = run(1, LinkQuality::bad());
    let mut numbers: Vec<_> = arrived.iter().map(|(_, n)| *n).collect();
    assert!(
        numbers.windows(2).any(|pair| pair[0] > pair[1]),
        "some overtake others"
    );
    numbers.sort_unstable();
    assert!(
        numbers.windows(2).any(|pair| pair[0] == pair[1]),
        "some come twice"
    );
    numbers.dedup();
    assert!(
        (700..900).contains(&numbers.len()),
        "about a fifth is lost: {}",
        numbers.len()
    );
}

#[test]
fn one_seed_is_one_course_of_events() {
    assert_eq!(run(5, LinkQuality::bad()), run(5, LinkQuality::bad()));
    assert_ne!(run(5, LinkQuality::bad()), run(6, LinkQuality::bad()));
}

#[test]
fn a_dead_link_delivers_nothing() {
    assert!(run(1, LinkQuality::dead()).is_empty());
}
