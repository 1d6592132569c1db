//! TS 29.392 §6.3.1 — enabler, where MMTel_CallEvent is.

use conformance::Enabler;

use super::apis;

/// TS 29.392 §6.3.1: `mmtel-callevent`, as table 5.1-1, the annex and all else of the document have it; the
/// subclause alone writes `mmtel-callevnt`.
#[test]
fn the_name_is_that_of_the_annex() {
    let shared = Enabler::shared();
    let document = apis::document(&shared, "mmtel-callevent");
    assert_eq!(
        document["servers"][0]["url"],
        "{apiRoot}/mmtel-callevent/v1"
    );
    for path in ["/openapi/mmtel-callevnt", "/mmtel-callevnt/v1/"] {
        shared.send("GET", path, "", "").problem(404);
    }
}
