//! TS 24.371 §6.2.1 — a WIC with a SIM registers by IMS-AKA.

mod common;

use std::time::Duration;

use common::{Hss, Lab, config};
use core_credentials::aka::{Milenage, Sqn, Usim, Version};
use nf_wic::{Config, Credentials, Event};

const SECOND: Duration = Duration::from_secs(1);

fn secrets() -> Milenage {
    Milenage::new([0x46; 16], [0xcd; 16])
}

fn with_sim(usim: Usim, version: Version) -> Config {
    Config {
        credentials: Credentials::Usim {
            usim: Box::new(usim),
            version,
        },
        ..config("alice")
    }
}

/// A lab with alice's SIM and her home, once she has tried.
fn tried(usim: Usim, version: Version, home: Milenage) -> Lab {
    let mut lab = Lab::new(vec![with_sim(usim, version)]);
    lab.core.hss = Some(Hss::new(home, version.algorithm()));
    lab.run(SECOND * 2);
    lab
}

fn answers(lab: &Lab) -> &[&'static str] {
    &lab.core.hss.as_ref().expect("a home").answers
}

fn failure(lab: &Lab) -> (u16, &str) {
    let mut events = lab.events_of("alice").into_iter();
    events
        .find_map(|event| match event {
            Event::RegistrationFailed { status, reason } => Some((*status, reason.as_str())),
            _ => None,
        })
        .expect("it failed")
}

/// RFC 3310 §3.3, RFC 4169 §3
#[test]
fn it_registers_with_either_version_and_refreshes() {
    for version in [Version::V1, Version::V2] {
        let mut lab = tried(Usim::new(secrets()), version, secrets());
        assert!(lab.wic("alice").is_registered(), "{:?}", lab.events);
        assert_eq!(answers(&lab), ["right"]);
        // The refresh is made with the same challenge and the next count.
        lab.run(Duration::from_hours(1));
        assert!(lab.wic("alice").is_registered());
        assert_eq!(answers(&lab), ["right", "right"]);
    }
}

/// RFC 3310 §3.4, TS 33.102 §6.3.5
#[test]
fn a_home_that_is_behind_is_told_where_the_sim_stands() {
    let ahead = Usim::with_sequence(secrets(), Sqn::from_number(5000 << 5));
    let mut lab = tried(ahead, Version::V2, secrets());
    assert!(lab.wic("alice").is_registered(), "{:?}", lab.events);
    assert_eq!(answers(&lab), ["auts", "right"]);
}

/// TS 24.229 §5.1.1.5.3
#[test]
fn a_network_that_is_not_the_home_network_gets_no_answer() {
    let stranger = Milenage::new([1; 16], [0xcd; 16]);
    let mut lab = tried(Usim::new(secrets()), Version::V2, stranger);
    assert!(!lab.wic("alice").is_registered());
    assert_eq!(answers(&lab), ["empty"]);
    let reason = "the network did not prove that it is the home network";
    assert_eq!(failure(&lab), (401, reason));
}

#[test]
fn nobody_bids_it_down_to_a_weaker_version() {
    let mut lab = Lab::new(vec![with_sim(Usim::new(secrets()), Version::V2)]);
    lab.core.hss = None;
    lab.run(SECOND * 2);
    assert_eq!(failure(&lab).0, 401, "a password is no answer of a SIM");

    let mut lab = Lab::new(vec![with_sim(Usim::new(secrets()), Version::V2)]);
    let mut old = Hss::new(secrets(), Version::V1.algorithm());
    old.any_first = true;
    lab.core.hss = Some(old);
    lab.run(SECOND * 2);
    assert_eq!(failure(&lab).0, 401);
    assert!(answers(&lab).is_empty());
    assert!(!lab.wic("alice").is_registered());
}
