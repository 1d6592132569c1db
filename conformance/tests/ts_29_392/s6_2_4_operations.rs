//! TS 29.392 §6.2.4 — enabler, the two operations of MMTel_DCAppCall.

use super::silent_core::Silent;
use super::{DCCALL, UPDATE};

/// TS 29.392 §6.2.4: table 6.2.4.1-1 has two custom operations, by POST and by nothing else.
#[test]
fn the_operations_are_asked_by_post_alone() {
    let enabler = Silent::shared();
    for path in [DCCALL, UPDATE] {
        for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "FOO"] {
            let answer = enabler.send(method, path, "", "");
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("allow"), Some("POST"), "{method} {path}");
        }
    }
}

/// TS 29.392 §6.2.4: another node may serve; tables 6.2.4.2.2-3 and 6.2.4.3.2-3 have its address.
#[test]
fn another_node_may_serve() {
    for (for_good, status) in [(false, 307), (true, 308)] {
        let enabler = conformance::Enabler::with(&format!(
            "[mmtel_es]\nredirect = \"https://other.example/es\"\nredirect_for_good = {for_good}\n"
        ));
        for path in [DCCALL, UPDATE] {
            let answer = enabler.post_text(path, "{}");
            assert_eq!(answer.status, status);
            let there = format!("https://other.example/es{path}");
            assert_eq!(answer.header("location"), Some(there.as_str()));
        }
    }
}

/// TS 29.392 §6.2.4: what is served is what the document says.
#[test]
fn the_document_is_served() {
    let enabler = Silent::shared();
    let document = enabler.send("GET", "/openapi/mmtel-dcappcall", "", "").ok();
    let paths = document["paths"].as_object().expect("paths");
    assert_eq!(
        paths.keys().collect::<Vec<_>>(),
        ["/dccall", "/update-dc-media"]
    );
    for path in paths.keys() {
        enabler
            .post_text(&format!("/mmtel-dcappcall/v1{path}"), "{}")
            .problem(400);
        let callbacks = &document["paths"][path]["post"]["callbacks"];
        // Both lead to notifications, though the annex has a callback under one of them alone.
        assert!(
            path == "/update-dc-media" || callbacks.is_object(),
            "{path}"
        );
    }
}
