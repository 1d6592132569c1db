//! TS 29.392 §6.2.9 — enabler, who may ask of MMTel_DCAppCall.

use conformance::Waf;

use super::common_rules::{token, trusting};
use super::{DCCALL, UPDATE};

/// TS 29.392 §6.2.9: a token of another audience, or for another API, opens nothing.
#[test]
fn a_token_is_for_this_api() {
    let waf = Waf::start();
    let enabler = trusting(&waf);
    for path in [DCCALL, UPDATE] {
        let send = |lines: &str| enabler.send("POST", path, lines, "{}");
        send("Content-Type: application/json\r\n").problem(401);
        let other = token(&waf, "games", |claims| claims.aud = vec!["eP-CSCF".into()]);
        send(&other).problem(401);
        let narrow = token(&waf, "games", |claims| {
            claims.scope = "mmtel-dcappmgmt".into();
        });
        let refused = send(&narrow);
        refused.problem(403);
        assert!(
            refused
                .header("www-authenticate")
                .is_some_and(|it| it.contains("insufficient_scope"))
        );
        let good = token(&waf, "games", |claims| {
            claims.scope = "mmtel-dcappcall".into();
        });
        send(&good).problem(400);
    }
}
