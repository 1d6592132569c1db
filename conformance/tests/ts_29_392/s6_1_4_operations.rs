//! TS 29.392 §6.1.4 — enabler, MMTel_DCAppManagement has no operation without a resource.

use conformance::Enabler;

use super::apis::{document, operations};

/// TS 29.392 §6.1.4: all that is asked is asked of the resource; the same names beside it are nothing.
#[test]
fn all_operations_are_of_the_resource() {
    let shared = Enabler::shared();
    let all = operations(&document(&shared, "mmtel-dcappmgmt"));
    assert!(!all.is_empty());
    for operation in all {
        let name = operation.strip_prefix("post /dcapps/");
        let name = name.unwrap_or_else(|| panic!("{operation} is not of the resource"));
        let path = format!("/mmtel-dcappmgmt/v1/{name}");
        let problem = shared.post_text(&path, "{}").problem(404);
        let cause = "RESOURCE_URI_STRUCTURE_NOT_FOUND";
        assert_eq!(problem["cause"], cause, "{path}");
    }
}
