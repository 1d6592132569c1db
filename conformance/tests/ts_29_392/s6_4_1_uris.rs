//! TS 29.392 §6.4.1 — enabler, where MMTel_CallControl is.

use super::apis;

/// TS 29.392 §6.4.1: `{apiRoot}/mmtel-callcontrol/v1`.
#[test]
fn the_api_is_below_its_name_and_version() {
    apis::below("mmtel-callcontrol", "ims-sessions");
}
