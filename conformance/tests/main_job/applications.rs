//! TS 26.114 §6.2.10 where W3 is bad: the list and a package of 200 kB, on virtual time.

use std::time::Duration;

use core_bootstrap::{ApplicationList, EntityTag, ListedApplication, Phase, Response, Scenes};
use nf_epcscf::ApplicationsQuery;
use nf_wic::{ApplicationSource, ApplicationsEvent, Event};
use testbed::LinkQuality;

use crate::world::World;

const PACKAGE: usize = 200_000;
/// How many calls, and how often a package is fetched in each.
const CALLS: u64 = 20;
const EACH: u64 = 10;
/// One packet of a hundred is lost, and an answer takes 50 ms.
const W3: LinkQuality = LinkQuality {
    latency: Duration::from_millis(25),
    loss: 10,
    ..LinkQuality::good()
};

fn repository(query: &ApplicationsQuery) -> Response {
    let tag = |tag| EntityTag::new(tag).expect("a tag");
    if query.request.target.starts_with("/applications?") {
        return Response::ok("application/zip", tag("1"), vec![0x5A; PACKAGE]);
    }
    let one = ListedApplication {
        id: "board".into(),
        name: "Board".into(),
        icon: String::new(),
        etag: tag("1").to_string(),
        autoload: false,
        autolaunch: false,
        phase: Phase::Incall,
        works_without_peer: true,
        qos_hint: String::new(),
        scenes: Scenes::Both,
        version: None,
        valid_until: None,
        provider: None,
        sha256: None,
        size: Some(PACKAGE as u64),
        signature: None,
        personal_data: false,
        personal_data_url: None,
    };
    let list = ApplicationList {
        total: 1,
        number: 1,
        begin: 0,
        peer_has_data_channels: false,
        applications: vec![one],
    };
    Response::ok("application/json", tag("l"), list.to_bytes())
}

/// Runs until alice has heard one more thing of applications.
#[track_caller]
fn heard(world: &mut World) -> ApplicationsEvent {
    for _ in 0..3000 {
        let found = world.events.iter().position(|(name, event)| {
            *name == "alice" && matches!(event, Event::Applications { .. })
        });
        if let Some(at) = found
            && let (_, Event::Applications { event, .. }) = world.events.remove(at)
        {
            return event;
        }
        world.run(Duration::from_millis(10));
    }
    panic!("nothing came: {:?}", world.events);
}

/// From the question for the list to the whole package, over the channel that there is.
fn takes(world: &mut World) -> Duration {
    let begun = world.now();
    let source = ApplicationSource::LocalNetwork;
    let alice = world.wic("alice");
    let call = alice.current().expect("a call");
    alice
        .list_applications(begun, call, source)
        .expect("it can be asked");
    let list = match heard(world) {
        ApplicationsEvent::Listed(list) => list,
        other => panic!("it was to be a list: {other:?}"),
    };
    let now = world.now();
    let id = &list.applications[0].id;
    let asked = world
        .wic("alice")
        .fetch_application(now, call, source, id, None);
    asked.expect("it can be asked");
    let ApplicationsEvent::Fetched { package, .. } = heard(world) else {
        panic!("it was to be a package")
    };
    assert_eq!(package.len(), PACKAGE);
    world.now() - begun
}

#[test]
fn a_package_comes_soon_where_packets_are_lost() {
    let mut took = Vec::new();
    for call in 0..CALLS {
        let mut world = World::registered(None);
        world.repository = repository;
        let now = world.now();
        let id = world.wic("alice").call(now, "tel:+1-555-0102").unwrap();
        world.run(Duration::from_secs(5));
        let now = world.now();
        let source = ApplicationSource::LocalNetwork;
        let asked = world.wic("alice").list_applications(now, id, source);
        asked.expect("it can be asked");
        let listed = heard(&mut world);
        assert!(matches!(listed, ApplicationsEvent::Listed(_)), "{listed:?}");
        for fetch in 0..EACH {
            world.w3_is(1000 * call + fetch, "alice", W3);
            took.push(takes(&mut world));
            world.run(Duration::from_secs(1));
        }
        // The call is what it was.
        assert!(world.wic("alice").in_call());
    }
    took.sort();
    let p95 = took[took.len() * 95 / 100];
    assert!(p95 < Duration::from_millis(2500), "p95 {p95:?}: {took:?}");
}
