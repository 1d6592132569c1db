//! TS 29.392 §6.2.2 — enabler, HTTP at MMTel_DCAppCall: both versions, over TLS (TS 29.122 §5.2.2).

use super::apis::VERSIONS;
use super::silent_core::{self as bench, Silent};
use super::{DCCALL, JSON, UPDATE};

/// TS 29.392 §6.2.2, TS 29.122 §5.2.2: a refusal is the same, in status, cause and pointers.
#[test]
fn both_versions_refuse_the_same() {
    let enabler = Silent::shared();
    let mut wrong = bench::call();
    wrong["callType"] = 7.into();
    wrong["notificationInfo"] = "https://127.0.0.1/".into();
    for (path, body, status) in [
        (DCCALL, "{}".to_owned(), 400),
        (DCCALL, wrong.to_string(), 400),
        (UPDATE, "[".to_owned(), 400),
        (UPDATE, bench::update().to_string(), 404),
    ] {
        let plain = enabler.post_text(path, &body);
        plain.problem(status);
        for version in VERSIONS {
            let answer = enabler.over_tls(version, "POST", path, JSON, &body);
            assert_eq!(answer.status, status, "{version}: {answer:?}");
            assert_eq!(answer.body, plain.body, "{version}");
        }
    }
}
