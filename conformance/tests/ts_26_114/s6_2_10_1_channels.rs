//! TS 26.114 §6.2.10.1 — eP-CSCF: which bootstrap channels there are, whose they are, and what they are like.

use conformance::HOME;
use serde_json::json;
use wire_sdp::Session;
use wire_sip::HeaderName;

use crate::scene::{STRANGER, Scene, bob, data, dcmaps, streams};

const ALL: [u16; 4] = [0, 10, 100, 110];

/// Stream ids 0 and 10 are of the local network and user, 100 and 110 of the remote ones.
#[test]
fn the_four_channels_are_answered_as_they_are_offered() {
    let mut scene = Scene::start();
    let (_, media) = scene.stands(&bob(), &dcmaps(&ALL), "");
    assert_eq!(streams(&media), ALL);
    assert_ne!(media.line().port, 0);
    for map in media.values("dcmap") {
        assert!(map.contains("subprotocol=\"http\""), "{map}");
        assert!(
            !map.contains("max-") && !map.contains("ordered=false"),
            "{map}"
        );
    }
}

/// Local channels are the edge's own: the core hears of none of them, and what it says changes nothing.
#[test]
fn the_core_hears_nothing_of_local_channels() {
    let mut scene = Scene::start();
    let seen = scene.calls(&bob(), &dcmaps(&ALL));
    let text = String::from_utf8_lossy(seen.body()).into_owned();
    assert!(!text.contains("dcmap"), "{text}");
    let ok = scene.is_answered(&seen, 200, "");
    assert_eq!(streams(&data(&ok)), ALL);
}

/// "subprotocol=http", reliable and in order; every other id below 1000 is nobody's.
#[test]
fn what_cannot_be_a_bootstrap_channel_is_not_answered() {
    let mut scene = Scene::start();
    let lines = "a=dcmap:0 subprotocol=\"http\"\r\n\
        a=dcmap:10 subprotocol=\"http\";max-retr=3\r\n\
        a=dcmap:100 subprotocol=\"http\";ordered=false\r\n\
        a=dcmap:110 subprotocol=\"http\";max-time=100\r\n\
        a=dcmap:7 subprotocol=\"http\"\r\na=dcmap:999 label=\"x\"\r\n";
    let (_, media) = scene.stands(&bob(), lines, "");
    assert_eq!(streams(&media), [0]);
}

/// The remote network's channels are its own to give.
#[test]
fn of_another_network_there_are_no_remote_channels() {
    let mut scene = Scene::start();
    let (_, media) = scene.stands(STRANGER, &dcmaps(&ALL), "");
    assert_eq!(streams(&media), [0, 10]);
}

/// Whom the core asserts decides, not whom was called.
#[test]
fn who_answers_decides_whether_there_are_remote_channels() {
    let mut scene = Scene::start();
    let asserted = format!("P-Asserted-Identity: <{STRANGER}>\r\n");
    let (_, media) = scene.stands(&bob(), &dcmaps(&ALL), &asserted);
    assert_eq!(streams(&media), [0, 10]);
}

/// `a=3gpp-bdc-used-by`: each direction has remote channels of its own.
#[test]
fn channels_that_are_the_far_ends_are_not_served() {
    for (used_by, served) in [("sender", &ALL[..]), ("receiver", &ALL[..2])] {
        let mut scene = Scene::start();
        let lines = format!("a=3gpp-bdc-used-by:{used_by}\r\n{}", dcmaps(&ALL));
        let (_, media) = scene.stands(&bob(), &lines, "");
        assert_eq!(streams(&media), served, "{used_by}");
    }
}

/// TS 24.186: `g.3gpp.datachannel` in Feature-Caps of the 200 to REGISTER.
#[test]
fn the_network_says_that_it_has_data_channels() {
    let mut scene = Scene::start();
    let mut wic = scene.subject.wic("carol");
    let register = wic.register_by_digest();
    wic.send(&register);
    let seen = scene.core.request("REGISTER");
    scene.core.accept(&seen, &format!("<sip:carol@{HOME}>"));
    let ok = wic.status(200);
    let mut capabilities = ok.values(HeaderName::FeatureCaps);
    assert!(capabilities.any(|one| one.contains("+g.3gpp.datachannel")));
}

/// An offer may have them later, in a call that stands; what it leaves out is closed.
#[test]
fn channels_come_and_go_with_later_offers() {
    let mut scene = Scene::start();
    scene.application("board", &json!({}));
    let (ok, media) = scene.stands(&bob(), &dcmaps(&[0]), "");
    scene.connects(&media, &[0]);
    assert_eq!(scene.listed(0), ["board"]);
    for wanted in [&[0, 100][..], &[100]] {
        let offer = scene.offer(&dcmaps(wanted));
        let (version, later) = (
            " 2 IN IP4",
            format!(" {} IN IP4", 2 + wanted[0] / 50 + wanted.len() as u16),
        );
        let offer = offer.replacen(version, &later, 1);
        let change = scene.wic.in_dialog("INVITE", &ok, &offer);
        scene.wic.send(&change);
        let seen = scene.core.request("INVITE");
        let changed = scene.is_answered(&seen, 200, "");
        assert_eq!(streams(&data(&changed)), wanted);
        let ack = scene.wic.in_dialog("ACK", &changed, "");
        scene.wic.send(&ack);
        scene.core.request("ACK");
        let session = Session::parse(changed.body()).expect("SDP");
        assert_eq!(session.medias().len(), 2);
    }
}
