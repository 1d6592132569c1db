//! TS 29.392 §6.4.4 — enabler, MMTel_CallControl has no operation that is no method of a resource.

use super::silent_core::{self as bench, Silent};

/// TS 29.392 §6.4.4, TS 29.392 §6.4.3: what other APIs would call their operations is nothing here, beside the
/// resource and below it, and changes no session.
#[test]
fn nothing_is_asked_but_of_resources() {
    let enabler = Silent::shared();
    let session = bench::created(&enabler, &bench::session_of_its_own("operations"));
    let before = bench::now(&enabler, &session);
    for name in ["create", "update", "modify", "delete", "notify"] {
        for path in [
            format!("/mmtel-callcontrol/v1/{name}"),
            format!("{session}/{name}"),
        ] {
            let problem = enabler.post_text(&path, "{}").problem(404);
            let cause = "RESOURCE_URI_STRUCTURE_NOT_FOUND";
            assert_eq!(problem["cause"], cause, "{path}");
        }
    }
    assert_eq!(bench::now(&enabler, &session), before);
    assert_eq!(enabler.send("DELETE", &session, "", "").status, 204);
}
