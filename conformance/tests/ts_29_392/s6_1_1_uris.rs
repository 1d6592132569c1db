//! TS 29.392 §6.1.1 — enabler, where MMTel_DCAppManagement is, and what is beside the APIs.

use conformance::Enabler;
use serde_json::Value;

use super::{JSON, apis};

/// TS 29.392 §6.1.1: `{apiRoot}/mmtel-dcappmgmt/v1`.
#[test]
fn the_api_is_below_its_name_and_version() {
    apis::below("mmtel-dcappmgmt", "dcapps/configure");
}

/// TS 29.392 §6.1.1: what is beside the APIs is refused in their words; a person who comes without a path is shown the APIs.
#[test]
fn other_paths_are_refused_as_the_apis_refuse() {
    let shared = Enabler::shared();
    let enabler = &*shared;
    for path in ["/other", "/mmtel-dcappmgmt", "/v1/dcapps/configure", "/%ff"] {
        let problem = enabler.send("GET", path, "", "").problem(404);
        let cause = "RESOURCE_URI_STRUCTURE_NOT_FOUND";
        assert_eq!(problem["cause"], cause, "{path}");
    }
    let home = enabler.send("GET", "/", "Accept: text/html\r\n", "");
    assert_eq!(
        (home.status, home.header("location")),
        (303, Some("/openapi"))
    );
    for path in ["/openapi", "/openapi/mmtel-dcappmgmt"] {
        let answer = enabler.send("DELETE", path, "", "");
        answer.problem(405);
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
}

/// TS 29.122 §5.2.4: the apiRoot is the one that was asked, with TLS or without; another's name is not taken for ours.
#[test]
fn the_root_is_the_one_that_was_asked() {
    let shared = Enabler::shared();
    let first = |index: &Value| {
        let document = index["apis"][0]["document"].as_str();
        let document = document
            .expect("a URI")
            .strip_suffix("/openapi/mmtel-dcappmgmt");
        document.expect("the document's place").to_owned()
    };
    let plain = shared.send("GET", "/openapi", "", "").ok();
    let address = shared.address();
    assert_eq!(first(&plain), format!("http://{address}"));
    for version in apis::VERSIONS {
        let secure = shared.over_tls(version, "GET", "/openapi", JSON, "").body;
        let secure: Value = serde_json::from_str(&secure).expect("JSON");
        assert!(first(&secure).starts_with("https://localhost:"), "{secure}");
    }
    let port = address.rsplit(':').next().expect("a port");
    for (host, root) in [
        (
            format!("localhost:{port}"),
            format!("http://localhost:{port}"),
        ),
        ("evil.example".to_owned(), "https://localhost:".to_owned()),
        ("evil@127.0.0.1".to_owned(), "https://localhost:".to_owned()),
    ] {
        let head = "GET /openapi HTTP/1.1\r\nConnection: close\r\n";
        let said = shared.raw(&format!("{head}Host: {host}\r\n\r\n")).ok();
        assert!(first(&said).starts_with(&root), "{host}: {said}");
    }
}
