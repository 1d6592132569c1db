//! TS 29.392 §6.3.8 — enabler, MMTel_CallEvent has no features.

use conformance::Calling;
use testbed::response;

use super::apis::{attributes, document};
use super::s5_4_2_2_session_event::{EVENTS, shown};

/// TS 29.392 §6.3.8: table 6.3.8-1 is empty: nothing is told of features, and who answers with some is understood as
/// one who answers without.
#[test]
fn there_is_nothing_to_negotiate() {
    let body = r#"{"suppFeat":"ffff","supportedFeatures":"ffff"}"#;
    let kind = "Content-Type: application/json";
    let length = body.len();
    let features = format!("HTTP/1.1 200 OK\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{body}");
    let mut calling = Calling::answered(EVENTS, move |_, before| match before {
        0 => features.clone(),
        _ => response(204, ""),
    });
    let known = document(&calling.enabler, "mmtel-callevent");
    let known = attributes(&known, "ImsSessionEventNotification");
    assert!(!known.iter().any(|name| name.contains("Feat")), "{known:?}");
    for call in ["one", "two"] {
        let back = shown(&mut calling, "bob", call);
        calling.core.answer(&back, 486, "");
        calling.acknowledged();
        calling.core.response();
        let told = calling.told_by();
        assert!(!told.body.contains("Feat"), "{}", told.body);
        assert!(
            !told.head.to_lowercase().contains("feature"),
            "{}",
            told.head
        );
    }
    // The first was not told again.
    calling.tells_nothing();
}
