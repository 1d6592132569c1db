//! TS 29.392 §6.1.1 — enabler, where MMTel_DCAppManagement is, and what is beside the APIs.

use conformance::Enabler;

use super::apis;

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
