//! TS 26.114 §6.2.10.3 — eP-CSCF: the answer to an offer of data channels.

use serde_json::json;

use crate::scene::{Scene, bob, dcmaps, streams};

/// An answer has no channel that is not offered, and is the gateway's: its ICE, DTLS and SCTP.
#[test]
fn the_answer_is_the_gateways_and_has_what_was_offered() {
    let mut scene = Scene::start();
    let (_, media) = scene.stands(&bob(), &dcmaps(&[10]), "");
    assert_eq!(streams(&media), [10]);
    for name in [
        "ice-ufrag",
        "ice-pwd",
        "fingerprint",
        "sctp-port",
        "max-message-size",
    ] {
        assert!(media.has(name), "{name}");
    }
    let setup = media.value("setup").expect("who begins");
    assert!(matches!(setup, "active" | "passive"), "{setup}");
}

/// "the answerer repeats": what the offer says of whose the channels are.
#[test]
fn the_answer_says_again_whose_they_are() {
    let mut scene = Scene::start();
    let lines = format!("a=3gpp-bdc-used-by:sender\r\n{}", dcmaps(&[0, 100]));
    let (_, media) = scene.stands(&bob(), &lines, "");
    assert_eq!(media.value("3gpp-bdc-used-by"), Some("sender"));
}

/// A UE writes no dcmap: nothing is served, and the call is what it is without.
#[test]
fn without_bootstrap_channels_there_is_no_m_line_for_them() {
    let mut scene = Scene::start();
    let (_, media) = scene.stands(&bob(), "", "");
    assert_eq!(media.line().port, 0);
    let mut scene = Scene::start();
    scene.application("board", &json!({}));
    let (_, media) = scene.stands(&bob(), "a=dcmap:1000 label=\"chat\"\r\n", "");
    assert_eq!(media.line().port, 0);
}
