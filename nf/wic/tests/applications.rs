//! TS 26.114 §6.2.10: applications for Rust programs — lists and packages, channels to the other party and to servers.

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{DOMAIN, Lab, config};
use core_bootstrap::{Limits, Phase, Response, Scenes, Server, StatusCode};
use nf_wic::{
    AppEndpoint, ApplicationList, ApplicationSource, ApplicationsAsked, ApplicationsEvent, Channel,
    ChannelApplication, ChannelClosed, ChannelEvent, ChannelId, ChannelRule, Config, DataChannelId,
    DataChannelInit, EntityTag, Event, ListedApplication, Message, NotDone,
};
use wire_sip::{HeaderName, Message as Sip, Method};

const SECOND: Duration = Duration::from_secs(1);

fn asking(name: &str) -> Config {
    Config {
        ask_channels: vec![ChannelRule::ANY],
        ..config(name)
    }
}

fn taking(name: &str) -> Config {
    Config {
        accept_channels: vec![ChannelRule::ANY],
        ..config(name)
    }
}

fn talking(alice: Config, bob: Config) -> Lab {
    let mut lab = Lab::registered(alice, bob);
    let now = lab.now();
    let to = format!("sip:bob@{DOMAIN}");
    lab.wic("alice").call(now, &to).expect("it can be done");
    lab.run(SECOND);
    let now = lab.now();
    lab.wic("bob").answer(now).expect("it can be done");
    lab.run(SECOND);
    lab
}

fn of(id: &str, endpoint: AppEndpoint) -> ChannelApplication {
    let id = id.to_owned();
    ChannelApplication { id, endpoint }
}

fn board() -> DataChannelInit {
    DataChannelInit {
        channel: Channel::new("moves"),
        application: Some(of("board", AppEndpoint::Ue)),
        qos_hint: Some("loss=0.01;latency=100".into()),
        ..DataChannelInit::default()
    }
}

fn open(lab: &mut Lab, name: &str, init: DataChannelInit) -> Result<DataChannelId, NotDone> {
    let now = lab.now();
    let call = lab.wic(name).current().expect("a call");
    let opened = lab.wic(name).open_channel(now, call, init);
    lab.run(SECOND);
    opened
}

fn told(lab: &Lab, name: &str) -> Vec<(u32, ChannelEvent)> {
    let events = lab.events_of(name).into_iter();
    let told = events.filter_map(|event| match event {
        Event::Channel { channel, event } => Some((channel.number, event.clone())),
        _ => None,
    });
    told.collect()
}

fn heard(lab: &Lab, name: &str) -> Vec<ApplicationsEvent> {
    let events = lab.events_of(name).into_iter();
    let heard = events.filter_map(|event| match event {
        Event::Applications { event, .. } => Some(event.clone()),
        _ => None,
    });
    heard.collect()
}

fn offers(lab: &Lab) -> Vec<String> {
    let invites = lab
        .seen
        .iter()
        .filter(|m| m.method() == Method::Invite && m.is_request());
    let text = |message: &Sip| String::from_utf8_lossy(message.body()).into_owned();
    invites.map(text).collect()
}

#[test]
fn the_other_party_is_asked_and_told_which_application_it_is() {
    let mut lab = talking(config("alice"), asking("bob"));
    let ours = open(&mut lab, "alice", board()).expect("it can be asked for");
    assert_eq!(told(&lab, "bob"), [(1, ChannelEvent::Requested)]);
    assert_eq!(told(&lab, "alice"), [], "nothing is answered yet");
    let offer = offers(&lab).pop().expect("a re-INVITE");
    for line in [
        "a=3gpp-qos-hint:loss=0.01;latency=100\r\n",
        "a=dcmap:1000 label=\"moves\"\r\n",
        "a=3gpp-req-app:board;adc-stream-id-endpoint=1000:UE\r\n",
    ] {
        assert!(offer.contains(line), "{offer}");
    }
    let theirs = DataChannelId {
        call: lab.wic("bob").current().expect("a call"),
        number: 1,
    };
    let channel = lab.wic("bob").channel(theirs).expect("it is asked for");
    assert_eq!(channel.application, Some(of("board", AppEndpoint::Ue)));
    let now = lab.now();
    let answered = lab.wic("bob").answer_channel(now, theirs, true);
    answered.expect("it is asked for");
    lab.run(SECOND);
    assert_eq!(told(&lab, "alice"), [(1, ChannelEvent::Opened)]);
    let expected = [(1, ChannelEvent::Requested), (1, ChannelEvent::Opened)];
    assert_eq!(told(&lab, "bob"), expected);
    // TS 26.114 §6.2.10.3: the answer says again which application it is.
    let answer = lab.seen.iter().rev().find(|m| !m.body().is_empty());
    let answer = String::from_utf8_lossy(answer.expect("an answer").body()).into_owned();
    let line = "a=3gpp-req-app:board;adc-stream-id-endpoint=1000:UE\r\n";
    assert!(answer.contains(line), "{answer}");

    let now = lab.now();
    let sent = lab
        .wic("alice")
        .send_message(now, ours, Message::text("e4"));
    sent.expect("there is room");
    lab.run(SECOND);
    let now = lab.now();
    let message = lab.wic("bob").receive_message(now, theirs);
    assert_eq!(message, Some(Message::text("e4")));
    let again = lab.wic("bob").answer_channel(now, theirs, true);
    assert_eq!(again, Err(NotDone::NoChannel));
}

#[test]
fn who_refuses_keeps_the_call_and_the_other_channels() {
    let mut lab = talking(config("alice"), asking("bob"));
    let bobs = lab.wic("bob").current().expect("a call");
    let id = |number| DataChannelId { call: bobs, number };
    let now = lab.now();
    let call = lab.wic("alice").current().expect("a call");
    // One offer for both, since another one is under way.
    let refreshed = lab.wic("alice").refresh(now, false);
    refreshed.expect("it can be asked for");
    for label in ["moves", "talk"] {
        let init = DataChannelInit {
            channel: Channel::new(label),
            ..board()
        };
        let opened = lab.wic("alice").open_channel(now, call, init);
        opened.expect("it can be asked for");
    }
    lab.run(SECOND);
    let all = told(&lab, "bob");
    assert_eq!(
        all,
        [(1, ChannelEvent::Requested), (2, ChannelEvent::Requested)]
    );
    let now = lab.now();
    // Closing one that is asked for is refusing it.
    lab.wic("bob")
        .close_channel(now, id(1))
        .expect("it is there");
    lab.run(SECOND);
    assert_eq!(
        told(&lab, "alice"),
        [],
        "the other one is still thought about"
    );
    let now = lab.now();
    let taken = lab.wic("bob").answer_channel(now, id(2), true);
    taken.expect("it is asked for");
    lab.run(SECOND);
    let refused = ChannelEvent::Closed(ChannelClosed::Refused);
    assert_eq!(
        told(&lab, "alice"),
        [(1, refused), (2, ChannelEvent::Opened)]
    );
    let refused = (1, ChannelEvent::Closed(ChannelClosed::RefusedByUs));
    assert!(told(&lab, "bob").contains(&refused));
    assert!(lab.wic("alice").in_call() && lab.wic("bob").in_call());
}

#[test]
fn who_says_nothing_refuses() {
    let mut lab = talking(config("alice"), asking("bob"));
    open(&mut lab, "alice", board()).expect("it can be asked for");
    lab.run(Duration::from_secs(25));
    let refused = (1, ChannelEvent::Closed(ChannelClosed::Refused));
    assert_eq!(told(&lab, "alice"), [refused]);
    // And the call goes on: the next change is answered.
    let now = lab.now();
    lab.wic("alice")
        .hold(now, true)
        .expect("it can be asked for");
    lab.run(SECOND);
    assert!(
        lab.events_of("alice")
            .contains(&&Event::Held { held: true })
    );
}

#[test]
fn who_hangs_up_while_the_other_thinks_ends_the_call() {
    let mut lab = talking(config("alice"), asking("bob"));
    open(&mut lab, "alice", board()).expect("it can be asked for");
    let now = lab.now();
    lab.wic("alice").hang_up(now).expect("there is a call");
    lab.run(SECOND);
    assert!(!lab.wic("bob").in_call() && !lab.wic("alice").in_call());
}

#[test]
fn channels_in_band_are_asked_about_too() {
    let mut lab = talking(config("alice"), asking("bob"));
    let init = DataChannelInit {
        channel: Channel::new("chat"),
        in_band: true,
        ..DataChannelInit::default()
    };
    let ours = open(&mut lab, "alice", init.clone()).expect("it can be asked for");
    assert_eq!(told(&lab, "bob"), [(1, ChannelEvent::Requested)]);
    let bobs = lab.wic("bob").current().expect("a call");
    let id = |number| DataChannelId { call: bobs, number };
    let now = lab.now();
    let taken = lab.wic("bob").answer_channel(now, id(1), true);
    taken.expect("it is asked for");
    lab.run(SECOND);
    assert_eq!(
        told(&lab, "alice").last(),
        Some(&(ours.number, ChannelEvent::Opened))
    );
    let other = open(&mut lab, "alice", init).expect("it can be asked for");
    let now = lab.now();
    let refused = lab.wic("bob").answer_channel(now, id(2), false);
    refused.expect("it is asked for");
    lab.run(SECOND);
    let closed = ChannelEvent::Closed(ChannelClosed::ByPeer);
    assert_eq!(told(&lab, "alice").last(), Some(&(other.number, closed)));
}

/// What bob says to what is asked on a bootstrap channel.
fn serve(lab: &mut Lab, server: &mut Server, mut answer: impl FnMut(&str) -> Response) {
    for _ in 0..200 {
        let now = lab.now();
        let bob = lab.wic("bob");
        let Some(id) = bob
            .current()
            .and_then(|call| bob.channels(call).first().copied())
        else {
            return;
        };
        while let Some(message) = bob.receive_message(now, id) {
            server.handle_message(&message.data);
        }
        if let Some(request) = server.poll_request() {
            server.respond(&answer(&request.target));
        }
        while bob.has_room(id)
            && let Some(message) = server.message()
        {
            bob.send_message(now, id, Message::binary(message))
                .expect("there is room");
            server.sent();
        }
        lab.run(Duration::from_millis(10));
    }
}

fn listed(id: usize) -> ListedApplication {
    ListedApplication {
        id: format!("app{id}"),
        name: "App".into(),
        icon: String::new(),
        etag: "\"1\"".into(),
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
        size: None,
        signature: None,
        personal_data: false,
        personal_data_url: None,
    }
}

#[test]
fn the_whole_list_and_packages_come_over_one_channel() {
    let mut lab = talking(config("alice"), taking("bob"));
    let call = lab.wic("alice").current().expect("a call");
    let tag = EntityTag::new("v1").expect("a tag");
    let now = lab.now();
    let alice = lab.wic("alice");
    let source = ApplicationSource::RemoteNetwork;
    let id = alice
        .list_applications(now, call, source)
        .expect("it can be asked");
    // The channel is not there yet, and is the same one.
    for known in [None, Some(&tag)] {
        let again = alice.fetch_application(now, call, source, "app7", known);
        assert_eq!(again, Ok(id));
    }
    let missing = alice.fetch_application(now, call, source, "none", None);
    assert_eq!(missing, Ok(id));
    lab.run(SECOND);
    let offer = offers(&lab).pop().expect("a re-INVITE");
    assert!(
        offer.contains("a=dcmap:100 subprotocol=\"http\"\r\n"),
        "{offer}"
    );
    assert!(offer.contains("a=3gpp-bdc-used-by:sender\r\n"), "{offer}");
    let mut server = Server::new(Limits::default(), 16 * 1024);
    let package = Bytes::from(vec![7; 200_000]);
    let mut asked = Vec::new();
    let mut packages = 0;
    serve(&mut lab, &mut server, |target| {
        asked.push(target.to_owned());
        if target.starts_with("/applicationlist") {
            let begin = if target.contains("begin-index=0&") {
                0
            } else {
                100
            };
            let applications: Vec<_> = (begin..(begin + 100).min(130)).map(listed).collect();
            let list = ApplicationList {
                total: 130,
                number: applications.len(),
                begin,
                peer_has_data_channels: true,
                applications,
            };
            return Response::ok(
                "application/json",
                EntityTag::new("l").expect("a tag"),
                list.to_bytes(),
            );
        }
        if target.contains("none") {
            return Response::sentence(StatusCode::NOT_FOUND, "There is no such application.");
        }
        packages += 1;
        if packages == 1 {
            Response::ok("application/zip", tag.clone(), package.clone())
        } else {
            Response::not_modified(tag.clone())
        }
    });
    let heard = heard(&lab, "alice");
    let application = String::from("app7");
    let fetched = ApplicationsEvent::Fetched {
        application: application.clone(),
        tag: Some(tag.clone()),
        package: package.clone(),
    };
    assert!(heard.contains(&fetched), "{asked:?}");
    assert!(heard.contains(&ApplicationsEvent::NotModified { application }));
    let failed = ApplicationsEvent::Failed {
        asked: ApplicationsAsked::Package("none".into()),
        reason: "404 There is no such application.".into(),
    };
    assert!(heard.contains(&failed));
    let pages = heard.iter().filter_map(|event| match event {
        ApplicationsEvent::Listed(list) => Some((list.begin, list.applications.len())),
        _ => None,
    });
    assert_eq!(pages.collect::<Vec<_>>(), [(0, 100), (100, 30)]);

    // What was asked and is not answered when the call ends will not be.
    let now = lab.now();
    let asked = lab.wic("alice").list_applications(now, call, source);
    assert_eq!(asked, Ok(id));
    lab.wic("alice").hang_up(now).expect("there is a call");
    lab.run(SECOND);
    let failed = ApplicationsEvent::Failed {
        asked: ApplicationsAsked::List(0),
        reason: ChannelClosed::CallEnded.to_string(),
    };
    assert_eq!(self::heard(&lab, "alice").last(), Some(&failed));
}

#[test]
fn what_cannot_be_is_not_asked_for() {
    let mut lab = talking(config("alice"), taking("bob"));
    let below = DataChannelInit {
        stream: Some(ChannelId(998)),
        ..board()
    };
    let nameless = DataChannelInit {
        application: Some(of("two words", AppEndpoint::Ue)),
        ..board()
    };
    let long = DataChannelInit {
        application: Some(of(&"a".repeat(129), AppEndpoint::Ue)),
        ..board()
    };
    let in_band = DataChannelInit {
        in_band: true,
        ..board()
    };
    let hint = DataChannelInit {
        qos_hint: Some("loss=1\r\na=x".into()),
        ..board()
    };
    for init in [below, nameless, long, in_band, hint] {
        let refused = open(&mut lab, "alice", init.clone());
        assert!(matches!(refused, Err(NotDone::Channel(_))), "{init:?}");
    }
    assert_eq!(offers(&lab).len(), 1);
}

/// TS 26.114 §6.2.10.1, TS 24.186
#[test]
fn who_knows_data_channels_says_so_and_hears_whether_the_network_does() {
    let mut lab = talking(config("alice"), taking("bob"));
    let contacts = |lab: &Lab, who: &str| -> Vec<bool> {
        let of = |message: &&Sip| {
            let contact = message.header(HeaderName::Contact);
            contact.is_some_and(|contact| contact.contains(&format!("sip:{who}@")))
        };
        let says = |message: &Sip| {
            let contact = message.header(HeaderName::Contact);
            contact.is_some_and(|one| one.contains(";+sip.app-subtype=\"webrtc-datachannel\""))
        };
        lab.seen.iter().filter(of).map(says).collect()
    };
    let (alices, bobs) = (contacts(&lab, "alice"), contacts(&lab, "bob"));
    assert!(alices.len() > 1 && !alices.contains(&true), "{alices:?}");
    assert!(bobs.len() > 1 && !bobs.contains(&false), "{bobs:?}");
    assert!(!lab.wic("alice").network_has_data_channels());
    let mut lab = Lab::new(vec![config("alice"), config("bob")]);
    lab.core.data_channels = true;
    lab.run(2 * SECOND);
    assert!(lab.wic("alice").network_has_data_channels());
}
