//! TS 29.392 §5.2.2.2 — enabler, MMTel_DCAppManagement_Configure.

use conformance::Enabler;
use serde_json::json;

use super::zip::{archive, base64};
use super::{DCAPPS, configuration, configured, retrieved};

/// TS 29.392 §5.2.2.2: the request is answered with what became of each application.
#[test]
fn each_application_is_answered_by_its_index() {
    let shared = Enabler::shared();
    let enabler = &*shared;
    let list = json!([
        { "appIndex": "one", "appName": "Chess", "svcType": "GAMES", "appVer": "1.0",
          "appLoadPh": "INCALL", "autoload": true, "suppScnr": "VIDEO_CALL_ONLY" },
        { "appIndex": "two", "appName": "Go", "appPkg": "bm8gYXJjaGl2ZQ==" },
        { "appIndex": "three", "appPkg": base64(&archive(&[("index.html", b"<p>")])) },
    ]);
    let body = configuration("configure-each", &list);
    let answer = enabler.post(&format!("{DCAPPS}/configure"), &body).ok();
    let list = answer["dcAppConfigRespList"].as_array().expect("a list");
    let of = |index: usize| (&list[index]["appIndex"], &list[index]["status"]);
    assert_eq!(of(0), (&json!("one"), &json!("SUCCESS")));
    assert_eq!(of(1), (&json!("two"), &json!("FAILED")));
    assert_eq!(of(2), (&json!("three"), &json!("SUCCESS")));
    // Table 6.1.6.2.5-1: the one goes with SUCCESS, the other with FAILED.
    assert!(list[0]["appId"].is_string() && list[0].get("failureCause").is_none());
    assert!(list[1].get("appId").is_none());
    let cause = list[1]["failureCause"].as_str().expect("a cause");
    assert!(cause.starts_with("appPkg: "), "{cause}");
}

/// TS 29.392 §5.2.2.2: who lost the answer asks again, and there is one application.
#[test]
fn the_same_configuration_again_makes_no_second_application() {
    let shared = Enabler::shared();
    let enabler = &*shared;
    let first = configured(enabler, "configure-again", json!({ "appName": "Chess" }));
    let again = configured(enabler, "configure-again", json!({ "appName": "Chess" }));
    let other = configured(enabler, "configure-again", json!({ "appName": "Go" }));
    let others = configured(enabler, "configure-again-2", json!({ "appName": "Chess" }));
    assert_eq!(first, again);
    assert!(first != other && first != others);
}

/// TS 29.392 §5.2.2.2: a connection that breaks after the request is no harm.
#[test]
fn a_request_whose_sender_is_gone_is_done_all_the_same() {
    use std::io::Write as _;
    let shared = Enabler::shared();
    let enabler = &*shared;
    let body = configuration(
        "configure-gone",
        &json!([{ "appIndex": "1", "appName": "Chess" }]),
    );
    let body = body.to_string();
    let mut stream = std::net::TcpStream::connect(enabler.address()).expect("the port is open");
    let head = format!(
        "POST {DCAPPS}/configure HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .expect("sent");
    drop(stream);
    let first = configured(enabler, "configure-gone", json!({ "appName": "Chess" }));
    let profile = retrieved(enabler, "configure-gone", &first).expect("it is there");
    assert_eq!(profile["appName"], "Chess");
}
