//! TS 26.114 §6.2.10.1 — eIMS-AGW: whose applications each of the four channels gives.

use conformance::HOME;
use serde_json::json;

use crate::scene::{LIST, Scene, bob, dcmaps};

/// 0 and 100 have what the networks offer, 10 the UE's own user's, 110 the far end's user's; nobody else has a user's.
#[test]
fn each_channel_has_its_own_applications() {
    let mut scene = Scene::start();
    scene.application("board", &json!({}));
    let alice = format!("sip:alice@{HOME}");
    let alices = scene.application_of(&alice, "of alice", &json!({}));
    let bobs = scene.application_of(&bob(), "of bob", &json!({}));
    let asserted = format!("P-Asserted-Identity: <{}>\r\n", bob());
    let (_, media) = scene.stands(&bob(), &dcmaps(&[0, 10, 100, 110]), &asserted);
    scene.connects(&media, &[0, 10, 100, 110]);
    assert_eq!(scene.listed(0), ["board"]);
    assert_eq!(scene.listed(10), ["of alice"]);
    assert_eq!(scene.listed(100), ["board"]);
    assert_eq!(scene.listed(110), ["of bob"]);
    // And a package comes over the channel on whose list it is.
    for (id, stream, other) in [(&alices, 10, 110), (&bobs, 110, 0)] {
        let target = format!("/applications?appid={id}&sdkVersion=1.0.0");
        assert_eq!(scene.asks(stream, &target, None).status, 200);
        assert_eq!(scene.asks(other, &target, None).status, 404);
    }
}

/// RFC 3325 §9.3: who is not to be known has no applications that are known by his name.
#[test]
fn a_far_end_that_hides_has_no_applications_of_its_own() {
    let mut scene = Scene::start();
    scene.application_of(&bob(), "of bob", &json!({}));
    let hidden = format!("P-Asserted-Identity: <{}>\r\nPrivacy: id\r\n", bob());
    let (_, media) = scene.stands(&bob(), &dcmaps(&[110]), &hidden);
    scene.connects(&media, &[110]);
    assert!(scene.listed(110).is_empty());
}

/// The list says what the other party can do, and what needs more; that is not given.
#[test]
fn what_needs_the_other_partys_channels_is_for_those_who_have_them() {
    for (features, status) in [("", 403), (";+sip.app-subtype=\"webrtc-datachannel\"", 200)] {
        let mut scene = Scene::start();
        let two = scene.application("two", &json!({ "peerDcReq": false }));
        scene.application("alone", &json!({ "peerDcReq": true }));
        let address = scene.core.address();
        let contact = format!("Contact: <sip:far@{address}>{features}\r\n");
        let (_, media) = scene.stands(&bob(), &dcmaps(&[0]), &contact);
        scene.connects(&media, &[0]);
        let list = scene.asks(0, LIST, None).json();
        assert_eq!(list["ifPeerSupportDC"], !features.is_empty());
        let alone: Vec<_> = list["applications"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|each| {
                (
                    each["appName"].as_str(),
                    each["ifWorkWithoutPeerDC"].as_bool(),
                )
            })
            .collect();
        assert_eq!(
            alone,
            [(Some("alone"), Some(true)), (Some("two"), Some(false))]
        );
        let target = format!("/applications?appid={two}&sdkVersion=1.0.0");
        assert_eq!(scene.asks(0, &target, None).status, status);
    }
}
