//! TS 29.392 §6.1.6 — enabler, bodies that are wrong: each with its status, its cause and its pointers, and
//! nothing changed.

use conformance::Enabler;
use serde_json::{Value, json};

use super::bomb::bomb;
use super::zip::{archive, base64};
use super::{DCAPPS, configuration, configured};

fn configure(body: &str) -> conformance::Answer {
    Enabler::shared().post_text(&format!("{DCAPPS}/configure"), body)
}

/// TS 29.392 §6.1.6.
#[test]
fn what_is_no_json_is_refused_as_a_whole() {
    let deep = "[".repeat(100_000);
    let cases = [
        "",
        "{",
        "nonsense",
        "{\"reqId\":\"p\"} x",
        "\u{feff}{}",
        &deep,
    ];
    for body in cases {
        let problem = configure(body).problem(400);
        assert_eq!(problem["cause"], "INVALID_MSG_FORMAT", "{problem}");
        assert!(problem["detail"].as_str().expect("a detail").len() < 200);
    }
    for body in ["[]", "7", "null"] {
        let problem = configure(body).problem(400);
        assert_eq!(problem["cause"], "MANDATORY_IE_INCORRECT", "{problem}");
    }
}

/// TS 29.392 §6.1.6.
#[test]
fn every_fault_has_its_pointer() {
    let answer = configure("{}");
    assert_eq!(answer.problem(400)["cause"], "MANDATORY_IE_MISSING");
    assert_eq!(
        answer.invalid(),
        ["/reqId", "/dcAppNum", "/dcAppConfigParamList"]
    );
    let wrong = r#"{"reqId":7,"dcAppNum":"1","secCred":[],"dcAppConfigParamList":[
        {"appIndex":"1","appVal":"soon","autoload":"yes","appIconUrl":"no uri","appPkg":"*"},
        {"appName":null},"x"]}"#;
    assert_eq!(
        configure(wrong).invalid(),
        [
            "/reqId",
            "/secCred",
            "/dcAppNum",
            "/dcAppConfigParamList/0/appIconUrl",
            "/dcAppConfigParamList/0/appVal",
            "/dcAppConfigParamList/0/autoload",
            "/dcAppConfigParamList/0/appPkg",
            "/dcAppConfigParamList/1/appIndex",
            "/dcAppConfigParamList/1/appName",
            "/dcAppConfigParamList/2",
        ]
    );
    let twice =
        r#"{"reqId":"p","dcAppNum":1,"dcAppNum":1,"dcAppConfigParamList":[{"appIndex":"1"}]}"#;
    assert_eq!(configure(twice).invalid(), ["/dcAppNum"]);
    let fraction = r#"{"reqId":"p","dcAppNum":1.0,"dcAppConfigParamList":[{"appIndex":"1"}]}"#;
    assert_eq!(configure(fraction).invalid(), ["/dcAppNum"]);
}

/// TS 29.392 §6.1.6: `dcAppNum` is the length of the list, and no index is there twice.
#[test]
fn the_number_and_the_list_agree() {
    let mut body = configuration("model", &json!([{ "appIndex": "1" }, { "appIndex": "2" }]));
    body["dcAppNum"] = 3.into();
    assert_eq!(configure(&body.to_string()).invalid(), ["/dcAppNum"]);
    let body = configuration("model", &json!([{ "appIndex": "1" }, { "appIndex": "1" }]));
    assert_eq!(
        configure(&body.to_string()).invalid(),
        ["/dcAppConfigParamList/1/appIndex"]
    );
    let body = configuration("model", &json!([]));
    assert!(!configure(&body.to_string()).invalid().is_empty());
}

fn packed(package: &[u8]) -> String {
    let list = json!([{ "appIndex": "1", "appPkg": base64(package) }]);
    let body = configuration("model-packages", &list).to_string();
    let answer = configure(&body).ok();
    let one = &answer["dcAppConfigRespList"][0];
    assert_eq!(one["status"], "FAILED", "{answer}");
    one["failureCause"].as_str().expect("a cause").to_owned()
}

/// TS 29.392 §6.1.6: `appPkg` is an archive that a client can open, and no trap.
#[test]
fn a_package_is_looked_into() {
    let page: (&str, &[u8]) = ("index.html", b"<p>");
    for (what, package) in [
        ("no archive", b"PK\x03\x04nothing".to_vec()),
        ("no page", archive(&[("a.js", b"1")])),
        ("upwards", archive(&[page, ("../a.js", b"1")])),
        ("upwards inside", archive(&[page, ("a/../../b.js", b"1")])),
        ("absolute", archive(&[page, ("/etc/passwd", b"1")])),
        ("backwards", archive(&[page, ("a\\..\\b.js", b"1")])),
        ("twice", archive(&[page, page])),
        ("nothing", Vec::new()),
    ] {
        let cause = packed(&package);
        assert!(cause.starts_with("appPkg: "), "{what}: {cause}");
    }
    // Half a gibibyte, as it is and in disguise.
    let half = 1 << 29;
    let large = packed(&bomb(half, half));
    assert!(large.contains("unpacks to more"), "{large}");
    let liar = packed(&bomb(half, 10));
    assert!(liar.contains("damaged"), "{liar}");
    // It says 3 bytes and has others.
    let mut lie = archive(&[page]);
    let at = lie
        .windows(3)
        .position(|three| three == b"<p>")
        .expect("it is stored");
    lie[at] = b'x';
    packed(&lie);
    let profile = json!({ "appPkg": base64(&archive(&[page])) });
    configured(&Enabler::shared(), "model-packages", profile);
}

/// TS 29.392 §6.1.6: a profile has a bound, and so have the members that vendors add.
#[test]
fn a_profile_is_bounded() {
    let mut many = json!({ "appIndex": "1" });
    for number in 0..100 {
        many[format!("vendorSpecific-{number:06}")] = number.into();
    }
    let large = json!({ "appIndex": "2", "appName": "x".repeat(100_000) });
    let body = configuration("model-bounds", &json!([many, large])).to_string();
    let answer = configure(&body).ok();
    let failed = |index: usize| -> &Value { &answer["dcAppConfigRespList"][index]["status"] };
    assert_eq!((failed(0), failed(1)), (&json!("FAILED"), &json!("FAILED")));
}

/// TS 29.392 §6.1.6.
#[test]
fn an_application_of_the_past_is_not_taken() {
    let list = json!([{ "appIndex": "1", "appVal": "2001-01-01T00:00:00Z" },
        { "appIndex": "2", "appIconUrl": "javascript:alert(1)" }]);
    let answer = configure(&configuration("model-past", &list).to_string()).ok();
    for one in answer["dcAppConfigRespList"].as_array().expect("a list") {
        assert_eq!(one["status"], "FAILED", "{one}");
    }
}
