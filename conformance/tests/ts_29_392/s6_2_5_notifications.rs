//! TS 29.392 §6.2.5 — enabler, where notifications about a call may go.

use serde_json::json;

use super::silent_core::{self as bench, Silent};
use super::targets::NO_TARGETS;
use super::{DCCALL, UPDATE};

/// TS 29.392 §6.2.5: `notificationInfo` names an application server, and nothing of ours.
#[test]
fn notifications_do_not_go_to_this_machine_or_into_its_network() {
    let enabler = Silent::shared();
    for target in NO_TARGETS {
        for (path, mut body) in [(DCCALL, bench::call()), (UPDATE, bench::update())] {
            body["notificationInfo"] = (*target).into();
            let answer = enabler.post(path, &body);
            let problem = answer.problem(400);
            assert_eq!(
                problem["cause"], "MANDATORY_IE_INCORRECT",
                "{target}: {problem}"
            );
            assert_eq!(answer.invalid(), ["/notificationInfo"], "{target}");
            assert!(!answer.body.contains("hunter2"), "{}", answer.body);
        }
    }
}

/// TS 29.392 §6.2.5: where the operator names hosts, there are no others.
#[test]
fn hosts_may_be_named() {
    let enabler = Silent::with(
        "[mmtel_es.notifications]\nhosts = [\"as.example.com\", \".games.example.com\"]\n",
    );
    let asked = |target: &str| {
        let mut body = bench::update();
        body["notificationInfo"] = target.into();
        enabler.post(UPDATE, &body)
    };
    for good in [
        "https://as.example.com/x",
        "https://a.b.games.example.com:8443/",
        "https://AS.example.com/",
    ] {
        // It is the session that is not there then.
        assert_eq!(asked(good).invalid_of(404), json!(["/sessionId"]), "{good}");
    }
    for bad in [
        "https://example.com/",
        "https://xas.example.com/",
        "https://as.example.com.evil.example/",
    ] {
        assert_eq!(asked(bad).invalid(), ["/notificationInfo"], "{bad}");
    }
}

trait InvalidOf {
    fn invalid_of(&self, status: u16) -> serde_json::Value;
}

impl InvalidOf for conformance::Answer {
    fn invalid_of(&self, status: u16) -> serde_json::Value {
        let problem = self.problem(status);
        let all = problem["invalidParams"].as_array().into_iter().flatten();
        all.map(|one| one["param"].clone()).collect()
    }
}
