//! TS 29.392 §6.4.7 — enabler, refusals of MMTel_CallControl.

use conformance::Enabler;

use super::SESSIONS;
use super::silent_core::{self as bench, Silent};

/// TS 29.392 §6.4.7: table 6.4.7.3-1, AF_NOT_AUTHORIZED.
#[test]
fn who_may_not_speak_for_an_application_server_is_refused() {
    let enabler =
        Silent::with("[mmtel_es]\nclosed = true\n[[mmtel_es.providers]]\nid = \"games\"\n");
    let problem = enabler
        .post(SESSIONS, &bench::session("stranger"))
        .problem(403);
    assert_eq!(problem["cause"], "AF_NOT_AUTHORIZED");
    assert_eq!(problem["invalidParams"][0]["param"], "/afId");
    let path = bench::created(&enabler, &bench::session("games"));
    assert_eq!(enabler.send("DELETE", &path, "", "").status, 204);
}

/// TS 29.392 §6.4.7: no room, and no way to a core, are for now.
#[test]
fn who_has_no_room_says_when_to_come_again() {
    let enabler = Enabler::with("");
    let answer = enabler.post(SESSIONS, &bench::session("games"));
    answer.problem(503);
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    let enabler = Silent::with("max_calls = 1\n");
    let path = bench::created(&enabler, &bench::session("games"));
    let answer = enabler.post(SESSIONS, &bench::session_of_its_own("games"));
    answer.problem(503);
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    assert_eq!(enabler.send("DELETE", &path, "", "").status, 204);
}
