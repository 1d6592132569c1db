//! TS 29.392 §6.3.9 — enabler, what is told of calls is told over TLS, to who may be told.

use conformance::Calling;
use testbed::response;
use wire_sip::StatusCode;

use super::s5_4_2_2_session_event::{EVENTS, shown};

/// TS 29.392 §6.3.9, TS 29.122 §6: without TLS, or into the network of the enabler, only where the configuration
/// says so. The call itself goes on.
#[test]
fn events_go_over_tls_and_not_into_the_own_network() {
    for lines in ["private = true\n", "plain = true\n", ""] {
        let mut calling = Calling::beside(lines, EVENTS, |_, _| response(204, ""));
        let back = shown(&mut calling, "bob", "safe");
        calling.picks_up(&back, Calling::audio());
        assert_eq!(
            calling.core.response().status().map(StatusCode::as_u16),
            Some(200)
        );
        let forbidden = "isthmus_enabler_notifications_forbidden_total";
        calling.enabler.wait_for_figure(forbidden, 1);
        calling.tells_nothing();
    }
}
