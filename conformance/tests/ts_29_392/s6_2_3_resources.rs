//! TS 29.392 §6.2.3 — enabler, MMTel_DCAppCall has no resource.

use super::silent_core::Silent;

/// TS 29.392 §6.2.3: there are no resources.
#[test]
fn nothing_is_beside_them() {
    let enabler = Silent::shared();
    for path in [
        "/mmtel-dcappcall/v1",
        "/mmtel-dcappcall/v1/",
        "/mmtel-dcappcall/v1/dccall/1",
        "/mmtel-dcappcall/v1/DCCALL",
        "/mmtel-dcappcall/v1/calls",
        "/mmtel-dcappcall/v2/dccall",
        "/mmtel-dcappcall/v1/%64ccall",
    ] {
        let problem = enabler.post_text(path, "{}").problem(404);
        assert_eq!(
            problem["cause"], "RESOURCE_URI_STRUCTURE_NOT_FOUND",
            "{path}"
        );
    }
}
