//! TS 26.114 §6.2.10 — eIMS-AGW: HTTP/1.1 over a bootstrap channel, as the terminal SDKs in the field write it.

use serde_json::json;

use crate::scene::{LIST, Scene, bob, dcmaps};

fn served(applications: &[&str]) -> (Scene, Vec<String>) {
    let mut scene = Scene::start();
    let ids = applications
        .iter()
        .map(|name| scene.application(name, &json!({})));
    let ids: Vec<String> = ids.collect();
    let (_, media) = scene.stands(&bob(), &dcmaps(&[0]), "");
    scene.connects(&media, &[0]);
    (scene, ids)
}

/// China Telecom's SDK: request line alone, no Host, and a list with the members that it reads.
#[test]
fn the_list_as_china_telecoms_sdk_asks_for_it() {
    let (mut scene, ids) = served(&["board", "menu"]);
    let answer = scene.asks(0, LIST, None);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let list = answer.json();
    assert_eq!(
        (&list["totalAppNum"], &list["appNum"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(list["beginIndex"], 0);
    assert!(list["ifPeerSupportDC"].is_boolean());
    let one = list["applications"].as_array().expect("a list");
    let one = one
        .iter()
        .find(|one| one["appid"] == *ids[0])
        .expect("it is on it");
    for (member, value) in [
        ("appName", json!("board")),
        ("autoload", json!(false)),
        ("autolaunch", json!(false)),
        ("phase", json!("INCALL")),
        ("supportScene", json!(3)),
    ] {
        assert_eq!(one[member], value, "{member}");
    }
    for member in ["appIcon", "etag", "qos-hint"] {
        assert!(one[member].is_string(), "{member}");
    }
    assert!(one["ifWorkWithoutPeerDC"].is_boolean());
    // A page of it.
    let page = scene
        .asks(
            0,
            "/applicationlist?begin-index=1&app-num=1&sdkVersion=1.0.0",
            None,
        )
        .json();
    assert_eq!(
        (&page["totalAppNum"], &page["appNum"], &page["beginIndex"]),
        (&json!(2), &json!(1), &json!(1))
    );
}

/// Its package: 200 with an ETag, which is the version; 304 for one that it has, complete by its Content-Length.
#[test]
fn a_package_as_china_telecoms_sdk_fetches_it() {
    let (mut scene, ids) = served(&["board"]);
    let target = format!("/applications?appid={}&sdkVersion=1.0.0", ids[0]);
    scene.says(0, &format!("GET {target} HTTP/1.1\r\n\r\n"));
    let (answer, messages) = scene.hears(0);
    assert_eq!(answer.status, 200);
    assert!(messages > 1, "a response spans messages");
    assert!(answer.body.starts_with(b"PK\x03\x04") && answer.body.len() > 100_000);
    let etag = answer.header("etag").expect("a version").to_owned();
    let again = scene.asks(0, &target, Some(&etag));
    assert_eq!(
        (again.status, again.header("content-length")),
        (304, Some("0"))
    );
    assert_eq!(again.header("etag"), Some(etag.as_str()));
    assert_eq!(scene.asks(0, &target, Some("\"another\"")).status, 200);
    // The list has it as the SDK compares it.
    let list = scene.asks(0, LIST, None).json();
    assert_eq!(list["applications"][0]["etag"], *etag);
}

/// China Mobile's asks for the root, with what it is in the query, and a version that it may have.
#[test]
fn the_root_as_china_mobiles_sdk_asks_for_it() {
    let (mut scene, _) = served(&["board"]);
    let target = "/?Terminal_Vendor=own&Terminal_Model=none";
    let answer = scene.asks(0, target, None);
    assert_eq!(answer.json()["totalAppNum"], 1);
    let etag = answer.header("etag").expect("a version").to_owned();
    assert_eq!(scene.asks(0, target, Some(&etag)).status, 304);
    scene.application("menu", &json!({}));
    assert_eq!(scene.asks(0, target, Some(&etag)).status, 200);
}

/// One request at a time is what they do; who asks more at once is answered in order, wherever its messages end.
#[test]
fn requests_are_a_stream_of_octets() {
    let (mut scene, _) = served(&["board"]);
    for part in [
        "GET /appl",
        "icationlist HTTP/1.1\r",
        "\n\r\nGET /nothing HTTP/1.1\r\n\r\n",
    ] {
        scene.says(0, part);
    }
    assert_eq!(scene.hears(0).0.status, 200);
    assert_eq!(scene.hears(0).0.status, 404);
}

/// Every answer can be told to be complete: Content-Length always, and nothing chunked.
#[test]
fn what_goes_wrong_has_a_length_too() {
    let (mut scene, ids) = served(&["board"]);
    for (target, status) in [
        ("/applications?appid=none", 404),
        ("/applications", 400),
        ("/applicationlist?begin-index=x", 400),
        ("/../etc/passwd", 404),
    ] {
        let answer = scene.asks(0, target, None);
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(answer.header("transfer-encoding"), None);
    }
    let form = format!("appid={}", ids[0]);
    scene.says(0, &format!(
        "POST /applications HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    ));
    assert_eq!(scene.hears(0).0.status, 200);
    scene.says(0, "DELETE /applications HTTP/1.1\r\n\r\n");
    let (answer, _) = scene.hears(0);
    assert_eq!(answer.status, 405);
    assert!(
        answer
            .header("allow")
            .is_some_and(|allow| allow.contains("GET"))
    );
    // What is no HTTP is the end of its channel, and no more.
    scene.says(0, "this is no request\r\n\r\n");
    let (answer, _) = scene.hears(0);
    assert_eq!(
        (answer.status, answer.header("connection")),
        (400, Some("close"))
    );
    scene.subject.wait_for_figure("agw_contexts", 1);
}
