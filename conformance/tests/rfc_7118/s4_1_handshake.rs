//! RFC 7118 §4.1 — the handshake, and whose page may make it.

use conformance::{Refused, Setup, Subject};

/// "The client MUST include the value "sip" in the Sec-WebSocket-Protocol header in its handshake
/// request. The 101 reply from the server MUST contain "sip" in its …"
#[test]
fn sip_is_the_subprotocol() {
    let subject = Subject::start();
    for asked in ["sip", "mqtt, sip"] {
        let wic = subject.handshake(&[("Sec-WebSocket-Protocol", asked)]);
        let agreed = wic.expect("it upgrades").subprotocol;
        assert_eq!(agreed.as_deref(), Some("sip"), "{asked}");
    }
    let wic = subject.wic("alice");
    assert_eq!(wic.subprotocol.as_deref(), Some("sip"), "over TLS too");
}

#[test]
fn without_the_subprotocol_there_is_no_websocket() {
    let subject = Subject::start();
    for asked in ["", "mqtt", "sips"] {
        let refused = subject.handshake(&[("Sec-WebSocket-Protocol", asked)]);
        assert_eq!(refused.err(), Some(Refused(400)), "{asked:?}");
    }
}

/// TS 23.228 §U.2.1.2: the eP-CSCF checks that the WIC comes from an authorised WWSF, by its origin.
#[test]
fn a_page_of_another_origin_may_not_open_it() {
    let epcscf = "origins = [\"https://phone.example.net\"]\n";
    let subject = Subject::with(&Setup { epcscf, waf: None });
    let open = |origin| subject.handshake(&[("Origin", origin)]).err();
    assert_eq!(open("https://phone.example.net"), None);
    for origin in [
        "https://evil.example.net",
        "http://phone.example.net",
        "https://phone.example.net:444",
        "https://phone.example.net.evil.example",
        "null",
    ] {
        assert_eq!(open(origin), Some(Refused(403)), "{origin}");
    }
}

#[test]
fn without_a_list_only_pages_of_the_same_server_may_open_it() {
    let subject = Subject::start();
    let own = format!("http://{}", subject.w2(false));
    assert_eq!(subject.handshake(&[("Origin", &own)]).err(), None);
    let other = subject.handshake(&[("Origin", "https://evil.example.net")]);
    assert_eq!(other.err(), Some(Refused(403)));
}

#[test]
fn who_names_no_origin_is_let_in_only_where_clients_may_be_no_browsers() {
    for (allowed, refused) in [(true, None), (false, Some(Refused(403)))] {
        let epcscf = format!("allow_no_origin = {allowed}\n");
        let subject = Subject::with(&Setup {
            epcscf: &epcscf,
            waf: None,
        });
        assert_eq!(subject.handshake(&[]).err(), refused);
    }
}
