//! TS 29.392 §5.4.1, §5.4.2.1 — enabler, MMTel_CallEvent: served subscribers take part in sessions, and those are
//! told of it for whom the configuration has subscribed.

use conformance::{Calling, Enabler};

use super::apis::{document, takes};
use super::s5_4_2_2_session_event::shown;

/// TS 29.392 §5.4.2.1, the NOTE: the subscription is implicit; each consumer is told of its own subscribers.
#[test]
fn each_consumer_is_told_of_the_subscribers_that_are_configured() {
    let of = |name: &str| {
        format!(
            "[[mmtel_es.calls.events]]\nsubscribers = [\"sip:{name}@ims.example.net\"]\n\
             notify = \"TARGET/{name}\"\n"
        )
    };
    let mut calling = Calling::with(&format!("{}{}", of("bob"), of("carol")));
    for name in ["carol", "bob", "dave"] {
        let back = shown(&mut calling, name, name);
        calling.picks_up(&back, Calling::audio());
        calling.core.response();
        if name == "dave" {
            continue;
        }
        let (path, told) = calling.told();
        assert_eq!(path, format!("/{name}"));
        assert_eq!(told["eventType"], "SESSION_ESTABLISHMENT_SUCCESS");
        assert_eq!(told["calledIdentity"], Calling::identity(name));
    }
    calling.tells_nothing();
}

/// TS 29.392 §5.4.1, §5.4.2.1: there is one operation, and it is the enabler's.
#[test]
fn the_one_operation_is_a_notification() {
    let document = document(&Enabler::shared(), "mmtel-callevent");
    let paths = document["paths"].as_object().expect("paths").values();
    let callbacks = paths.flat_map(|path| {
        let post = path["post"]["callbacks"].as_object();
        post.into_iter().flat_map(|all| all.keys().cloned())
    });
    let callbacks: Vec<String> = callbacks.collect();
    assert_eq!(callbacks, ["ImsSessionEventNotification"]);
    let path = "/mmtel-callevent/v1/session-event-subscriptions";
    for method in ["DELETE", "GET", "PATCH", "POST", "PUT"] {
        assert!(!takes(&Enabler::shared(), method, path), "{method}");
    }
}
