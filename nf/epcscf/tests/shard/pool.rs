//! Identities of a pool: lent by a lease, and given back when nobody is registered by it
//! (TS 24.371 §6.4.3, §6A.3).

use std::time::Duration;

use wire_sip::{HeaderName, Message, StatusCode};

use crate::bearer::{Waf, register_with, with_token};
use crate::support::{Bench, NOW, WIC, message, registered};

fn lent(waf: &Waf, lease: &str) -> String {
    waf.token(60, |claims| {
        claims.lease = Some(lease.into());
        claims.iat = NOW + 1;
    })
}

fn status(bench: &mut Bench) -> Option<StatusCode> {
    bench.at_wic().status()
}

/// The same REGISTER with no time left.
fn deregister(cseq: u32, token: &str) -> Message {
    let text = String::from_utf8(with_token(cseq, token).to_bytes().to_vec()).unwrap();
    message(&text.replace("Expires: 600", "Expires: 0"))
}

#[test]
fn the_shell_hears_who_has_a_lease_and_who_has_it_no_more() {
    let mut bench = Bench::new();
    let waf = Waf::new(&mut bench);
    let token = lent(&waf, "one");
    register_with(&mut bench, &token);
    register_with(&mut bench, &token);
    assert_eq!(
        bench.leases,
        ["held one"],
        "a refresh is no other registration"
    );
    bench.wic_says(&deregister(3, &token));
    let request = bench.at_core();
    assert_eq!(request.header(HeaderName::Expires), Some("0"));
    let ok = Message::response_to(&request, StatusCode::OK, None);
    bench.core_says(&ok);
    assert_eq!(status(&mut bench), Some(StatusCode::OK));
    assert_eq!(bench.leases, ["held one", "left one"]);
}

#[test]
fn a_lease_that_ended_registers_nobody() {
    let mut bench = Bench::new();
    let waf = Waf::new(&mut bench);
    let token = lent(&waf, "one");
    register_with(&mut bench, &token);
    bench.lease_ends("one");
    assert_eq!(
        bench.leases,
        ["held one", "left one"],
        "its binding is gone"
    );
    bench.wic_says(&with_token(2, &token));
    let refusal = bench.at_wic();
    assert_eq!(refusal.status(), Some(StatusCode::UNAUTHORIZED));
    let challenge = refusal.header(HeaderName::WwwAuthenticate).unwrap();
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    assert!(bench.core_is_quiet() && bench.closed.is_empty());
    // Another lease of the same identity is another matter.
    register_with(&mut bench, &lent(&waf, "two"));
    assert_eq!(bench.leases.last().unwrap(), "held two");
}

/// The lease ended in the moment between a REGISTER and its answer.
#[test]
fn a_lease_that_ended_meanwhile_keeps_no_binding() {
    let mut bench = Bench::new();
    let waf = Waf::new(&mut bench);
    bench.wic_says(&with_token(1, &lent(&waf, "one")));
    let request = bench.at_core();
    bench.lease_ends("one");
    bench.core_says(&registered(&request));
    assert_eq!(bench.leases, ["held one", "left one"]);
}

#[test]
fn who_is_lost_for_too_long_leaves_the_identity_to_others() {
    let mut bench = Bench::new();
    let waf = Waf::new(&mut bench);
    register_with(&mut bench, &lent(&waf, "one"));
    bench.shard.handle_w2_closed(bench.now, WIC);
    bench.wait(Duration::from_secs(29));
    assert_eq!(bench.leases, ["held one"], "it may come back");
    bench.wait(Duration::from_secs(2));
    assert_eq!(bench.leases, ["held one", "left one"]);
}

/// Which leases ended before the start is not known.
#[test]
fn what_was_lent_before_the_start_is_asked_for_anew() {
    let mut bench = Bench::new();
    let waf = Waf::new(&mut bench);
    let before = waf.token(60, |claims| {
        claims.lease = Some("one".into());
        claims.iat = NOW;
    });
    bench.wic_says(&with_token(1, &before));
    assert_eq!(status(&mut bench), Some(StatusCode::UNAUTHORIZED));
    assert!(bench.leases.is_empty() && bench.core_is_quiet());
}
