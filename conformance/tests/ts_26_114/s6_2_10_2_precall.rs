//! TS 26.114 §6.2.10.2 — eP-CSCF: bootstrap channels before the call is answered, and what there is on them then.
//!
//! TS 29.392 §6.1.6.3.3: `PRECALL_ONLY`, `INCALL`, `PRECALL_AND_INCALL`.

use serde_json::json;

use crate::scene::{LIST, Scene, bob, data, dcmaps, streams};

/// The answer that makes a list possible is the first with SDP, which an 18x may have; what is for before the call alone is
/// gone from the list with the 200.
#[test]
fn a_list_before_the_call_is_answered() {
    let mut scene = Scene::start();
    for (name, phase) in [
        ("before", "PRECALL_ONLY"),
        ("within", "INCALL"),
        ("always", "PRECALL_AND_INCALL"),
    ] {
        scene.application(name, &json!({ "appLoadPh": phase }));
    }
    let seen = scene.calls(&bob(), &dcmaps(&[0]));
    let early = scene.is_answered(&seen, 183, "");
    let media = data(&early);
    assert_eq!(streams(&media), [0]);
    scene.connects(&media, &[0]);
    let list = scene.asks(0, LIST, None).json();
    let mut phases: Vec<(String, String)> = list["applications"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| {
            let text = |name: &str| one[name].as_str().expect("text").to_owned();
            (text("appName"), text("phase"))
        })
        .collect();
    phases.sort();
    let expected = [
        ("always", "PRECALL"),
        ("before", "PRECALL"),
        ("within", "INCALL"),
    ];
    let expected = expected.map(|(name, phase)| (name.to_owned(), phase.to_owned()));
    assert_eq!(phases, expected);

    let ok = scene.is_answered(&seen, 200, "");
    let ack = scene.wic.in_dialog("ACK", &ok, "");
    scene.wic.send(&ack);
    scene.core.request("ACK");
    let mut names = scene.listed(0);
    names.sort();
    assert_eq!(names, ["always", "within"]);
}

/// What was fetched before it may be asked for again within the call, and what is for before the call alone may not.
#[test]
fn a_package_before_the_call_is_answered() {
    let mut scene = Scene::start();
    let before = scene.application("before", &json!({ "appLoadPh": "PRECALL_ONLY" }));
    let seen = scene.calls(&bob(), &dcmaps(&[0]));
    let early = scene.is_answered(&seen, 183, "");
    scene.connects(&data(&early), &[0]);
    let target = format!("/applications?appid={before}&sdkVersion=1.0.0");
    assert_eq!(scene.asks(0, &target, None).status, 200);
    let ok = scene.is_answered(&seen, 200, "");
    let ack = scene.wic.in_dialog("ACK", &ok, "");
    scene.wic.send(&ack);
    scene.core.request("ACK");
    assert_eq!(scene.asks(0, &target, None).status, 403);
}
