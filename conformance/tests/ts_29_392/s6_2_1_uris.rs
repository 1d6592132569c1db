//! TS 29.392 §6.2.1 — enabler, where MMTel_DCAppCall is.

use super::apis;

/// TS 29.392 §6.2.1: `{apiRoot}/mmtel-dcappcall/v1`.
#[test]
fn the_api_is_below_its_name_and_version() {
    apis::below("mmtel-dcappcall", "dccall");
    apis::below("mmtel-dcappcall", "update-dc-media");
}
