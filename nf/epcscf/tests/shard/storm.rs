//! After an outage everybody comes at once: all are let in, a few at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use core_sip::ConnectionId;
use wire_sip::{HeaderName, StatusCode};

use super::support::*;

fn of(name: &str, attempt: usize) -> wire_sip::Message {
    with(&register(1, "response=\"1\""), |text| {
        text.replace("alice", name)
            .replace("000000000001", &format!("{name:0>12}"))
            .replace("z9hG4bKreg", &format!("z9hG4bK{name}{attempt}x"))
    })
}

#[test]
fn who_is_too_many_is_told_when_to_come_and_is_let_in_then() {
    let mut bench = Bench::with(|config| config.registrations_per_second = 5);
    let begin = bench.now;
    let mut due: BTreeMap<Duration, Vec<(u64, usize)>> = BTreeMap::new();
    due.insert(Duration::ZERO, (0..60).map(|client| (client, 0)).collect());
    let mut waited = Vec::new();
    while let Some((at, clients)) = due.pop_first() {
        bench.wait((begin + at).saturating_duration_since(bench.now));
        for (client, attempt) in clients {
            let connection = ConnectionId(100 + client);
            bench.open(connection);
            bench.wic_says_on(connection, of(&format!("c{client}"), attempt).to_bytes());
            if bench.core_is_quiet() {
                let refused = bench.at_wic_on(connection);
                assert_eq!(refused.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
                let seconds: u64 = refused
                    .header(HeaderName::RetryAfter)
                    .unwrap()
                    .parse()
                    .unwrap();
                assert!(attempt < 3, "{client} is sent away for ever");
                waited.push(seconds);
                let again = due.entry(at + Duration::from_secs(seconds)).or_default();
                again.push((client, attempt + 1));
                continue;
            }
            let request = bench.at_core();
            bench.core_says(&registered(&request));
            let answer = bench.at_wic_on(connection);
            assert_eq!(answer.status(), Some(StatusCode::OK));
            bench.to_core.clear();
        }
    }
    assert_eq!(bench.shard.counters().bindings, 60);
    assert_eq!(
        bench.shard.counters().registration_deferred,
        waited.len() as u64
    );
    let different: std::collections::BTreeSet<u64> = waited.into_iter().collect();
    assert!(different.len() > 8, "they are spread: {different:?}");
}

/// Who is in is never too many: a refresh, an answer to a challenge, a deregistration.
#[test]
fn whoever_was_let_in_goes_on() {
    let mut bench = Bench::with(|config| config.registrations_per_second = 1);
    bench.register();
    for cseq in 2..20 {
        bench.wic_says(&register(cseq, "response=\"\""));
        assert_eq!(bench.at_core().method().as_str(), "REGISTER");
    }
    assert_eq!(bench.shard.counters().registration_deferred, 0);
}
