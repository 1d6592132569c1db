//! TS 29.392 §6.1.3 — enabler, the resource of MMTel_DCAppManagement and its operations.

use conformance::Enabler;

use super::DCAPPS;

/// TS 29.392 §6.1.3: table 6.1.3.1-1 has four custom operations, by POST and by nothing else.
#[test]
fn the_operations_are_asked_by_post_alone() {
    let shared = Enabler::shared();
    let enabler = &*shared;
    for operation in ["configure", "update", "delete", "retrieval"] {
        let path = format!("{DCAPPS}/{operation}");
        for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "FOO"] {
            let answer = enabler.send(method, &path, "", "");
            answer.problem(405);
            assert_eq!(answer.header("allow"), Some("POST"), "{method} {path}");
        }
    }
}

/// TS 29.392 §6.1.3.
#[test]
fn nothing_is_beside_them() {
    let shared = Enabler::shared();
    let enabler = &*shared;
    for path in [
        "/mmtel-dcappmgmt/v1/dcapps",
        "/mmtel-dcappmgmt/v1/dcapps/",
        "/mmtel-dcappmgmt/v1/dcapps/Configure",
        "/mmtel-dcappmgmt/v1/dcapps/configure/1",
        "/mmtel-dcappmgmt/v1/dcapps/%63onfigure",
        "/mmtel-dcappmgmt/v2/dcapps/configure",
    ] {
        let problem = enabler.post_text(path, "{}").problem(404);
        assert_eq!(
            problem["cause"], "RESOURCE_URI_STRUCTURE_NOT_FOUND",
            "{path}"
        );
    }
}

/// TS 29.392 §6.1.3: what is served is what the document says.
#[test]
fn the_document_is_served() {
    let shared = Enabler::shared();
    let enabler = &*shared;
    let index = enabler.send("GET", "/openapi", "", "").ok();
    let name = index["apis"][0]["name"].as_str().expect("a name");
    let document = enabler
        .send("GET", &format!("/openapi/{name}"), "", "")
        .ok();
    let paths = document["paths"].as_object().expect("paths");
    for path in paths.keys() {
        let answer = enabler.post_text(&format!("/{name}/v1{path}"), "{}");
        assert_eq!(answer.status, 400, "{path}");
    }
    enabler.send("GET", "/openapi/other", "", "").problem(404);
}
