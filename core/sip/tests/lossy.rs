//! Two ends over a network that loses, doubles and reorders: what holds on every course of events.
mod common;

use std::time::Duration;

use common::*;
use core_sip::{Output, TimerSet, Transactions, Transport};
use proptest::prelude::*;
use testbed::{Clock, LinkQuality, Net};
use wire_sip::Message;

/// What both users saw.
#[derive(Debug, Default)]
struct Seen {
    requests: u32,
    cancels: u32,
    responses: Vec<u16>,
    timeouts: u32,
}

impl Seen {
    /// By this response, or by a timeout: one request in thousands is lost seven times.
    fn ends_once_with(&self, status: u16) -> Result<(), TestCaseError> {
        let finals: Vec<_> = self.responses.iter().filter(|s| **s >= 200).collect();
        if self.timeouts == 1 {
            prop_assert!(finals.is_empty(), "{self:?}");
        } else {
            prop_assert_eq!(self.timeouts, 0);
            prop_assert_eq!(finals, [&status]);
        }
        Ok(())
    }
}

struct Course {
    method: &'static str,
    status: u16,
    /// The callee thinks for so long.
    thinking: Duration,
    cancel_after: Option<Duration>,
    quality: LinkQuality,
    seed: u64,
}

fn play(course: &Course) -> Seen {
    let mut clock = Clock::new();
    let mut net = Net::new(course.seed, course.quality);
    let (mut a, mut b) = (transactions(alice(), 1), transactions(bob(), 2));
    let mut seen = Seen::default();
    let mut answer = None;
    let mut cancel_at = course.cancel_after.map(|after| clock.now() + after);
    let call = a.send_request(
        clock.now(),
        udp(bob()),
        request(course.method),
        TimerSet::core(),
    );
    loop {
        for output in drain(&mut a) {
            match output {
                Output::Send { message, .. } => net.send(clock.now(), 'a', 'b', message),
                Output::Response { message, .. } => {
                    seen.responses
                        .push(message.status().expect("status").as_u16());
                }
                Output::Timeout { .. } => seen.timeouts += 1,
                other => panic!("{other:?}"),
            }
        }
        for output in drain(&mut b) {
            match output {
                Output::Send { message, .. } => net.send(clock.now(), 'b', 'a', message),
                Output::Request { id, message, .. } => {
                    seen.requests += 1;
                    if course.method == "INVITE" {
                        b.respond(clock.now(), id, response(&message, 180));
                    }
                    answer = Some((clock.now() + course.thinking, id, message, course.status));
                }
                Output::Cancel { id, .. } => {
                    seen.cancels += 1;
                    if let Some((_, _, message, _)) = answer.take() {
                        answer = Some((clock.now(), id, message, 487));
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        if a.poll_timeout().is_none()
            && b.poll_timeout().is_none()
            && net.next_delivery().is_none()
            && answer.is_none()
        {
            // An INVITE that rings for ever has no timer: Timer C is its user's.
            break;
        }
        let next = [
            net.next_delivery(),
            a.poll_timeout(),
            b.poll_timeout(),
            answer.as_ref().map(|answer| answer.0),
            cancel_at,
        ];
        // What was just drained may have queued more to drain.
        let now = clock.advance_to(next.into_iter().flatten().min().expect("something is due"));
        if cancel_at.is_some_and(|at| at <= now) {
            cancel_at = None;
            a.cancel(now, call, None);
        }
        if answer.as_ref().is_some_and(|answer| answer.0 <= now)
            && let Some((_, id, message, status)) = answer.take()
        {
            b.respond(now, id, response(&message, status));
        }
        while let Some(delivery) = net.deliver(now) {
            let message = parse(&delivery.payload);
            hand(
                if delivery.to == 'a' { &mut a } else { &mut b },
                now,
                delivery.to,
                message,
            );
        }
        a.handle_timeout(now);
        b.handle_timeout(now);
    }
    assert!(b.is_empty(), "the server forgets");
    seen
}

fn hand(end: &mut Transactions, now: std::time::Instant, to: char, message: Message) {
    let (local, remote) = if to == 'a' {
        (alice(), bob())
    } else {
        (bob(), alice())
    };
    end.handle_message(now, from(Transport::Udp, local, remote), message);
}

fn lossy() -> LinkQuality {
    LinkQuality::bad()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// A request other than INVITE comes up once at most, and its answer once.
    #[test]
    fn one_request_one_answer(seed: u64, thinking in 0u64..3000, status in 200u16..407) {
        let seen = play(&Course {
            method: "OPTIONS",
            status,
            thinking: Duration::from_millis(thinking),
            cancel_after: None,
            quality: lossy(),
            seed,
        });
        prop_assert!(seen.requests <= 1);
        seen.ends_once_with(status)?;
    }

    /// An INVITE that fails does so once, however often its response comes.
    #[test]
    fn one_call_one_failure(seed: u64, thinking in 0u64..60_000, status in 300u16..699) {
        let seen = play(&Course {
            method: "INVITE",
            status,
            thinking: Duration::from_millis(thinking),
            cancel_after: None,
            quality: lossy(),
            seed,
        });
        prop_assert!(seen.requests <= 1);
        seen.ends_once_with(status)?;
    }

    /// A CANCEL is told once at most, and the caller learns how it ended, once.
    #[test]
    fn one_cancel_one_ending(seed: u64, thinking in 0u64..5000, cancel in 0u64..5000) {
        let seen = play(&Course {
            method: "INVITE",
            status: 486,
            thinking: Duration::from_millis(thinking),
            cancel_after: Some(Duration::from_millis(cancel)),
            quality: lossy(),
            seed,
        });
        prop_assert!(seen.cancels <= 1);
        seen.ends_once_with(if seen.cancels == 1 { 487 } else { 486 })?;
    }
}

/// Nearly every request is answered in spite of it all.
#[test]
fn retransmission_is_worth_its_while() {
    let answered = (0..100).filter(|seed| {
        let seen = play(&Course {
            method: "OPTIONS",
            status: 200,
            thinking: Duration::ZERO,
            cancel_after: None,
            quality: lossy(),
            seed: *seed,
        });
        seen.responses == [200]
    });
    assert!(answered.count() >= 99);
}

#[test]
fn over_a_dead_link_the_caller_gives_up() {
    for method in ["INVITE", "OPTIONS"] {
        let seen = play(&Course {
            method,
            status: 200,
            thinking: Duration::ZERO,
            cancel_after: None,
            quality: LinkQuality::dead(),
            seed: 1,
        });
        assert_eq!((seen.requests, seen.timeouts), (0, 1));
    }
}

/// Nothing is kept of what is over: neither transactions nor what was scheduled for them.
#[test]
fn a_hundred_thousand_transactions_come_and_go() {
    let mut clock = Clock::new();
    let mut b = transactions(bob(), 2);
    for n in 0..100_000u32 {
        let message = incoming("OPTIONS", "UDP", &format!("z9hG4bK{n}"));
        let source = from(Transport::Udp, bob(), alice());
        b.handle_message(clock.now(), source, message);
        while let Some(output) = b.poll_output() {
            if let Output::Request { id, message, .. } = output {
                b.respond(clock.now(), id, response(&message, 200));
            }
        }
    }
    assert_eq!(b.len(), 100_000);
    clock.advance(Duration::from_secs(32));
    b.handle_timeout(clock.now());
    assert!(b.is_empty());
    assert_eq!(b.poll_timeout(), None);
}
