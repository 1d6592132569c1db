//! RFC 6749 §4.1.1 and §4.1.2.1 — which requests reach the sign-in page, and where the others end.

use crate::door::{Door, ISSUER, authorization, header, parameters};

#[test]
fn a_good_request_gets_the_sign_in_page() {
    let door = Door::new();
    for changes in [&[][..], &[("scope", "")], &[("state", "")]] {
        let reply = door.waf.authorize(&authorization(changes));
        assert_eq!(reply.status(), 200);
        assert!(
            reply
                .body()
                .contains("<label for=\"username\">User name</label>")
        );
        assert_eq!(header(&reply, "cache-control"), "no-store");
    }
}

/// The server must not send the browser to an address that is not known to be the client's.
#[test]
fn an_unknown_client_or_address_is_told_to_the_person_and_nobody_else() {
    let mut door = Door::new();
    for changes in [
        ("client_id", ""),
        ("client_id", "nobody"),
        ("redirect_uri", ""),
        ("redirect_uri", "https://evil.example/signed-in"),
        (
            "redirect_uri",
            "https://wwsf.example.net/signed-in?next=https://evil.example",
        ),
        ("redirect_uri", "https://wwsf.example.net/signed-in/../x"),
        (
            "redirect_uri",
            "https://wwsf.example.net@evil.example/signed-in",
        ),
        ("redirect_uri", "javascript:alert(1)"),
    ] {
        let request = authorization(&[changes]);
        for reply in [
            door.waf.authorize(&request),
            door.sign_in(&request, "alice", "x"),
        ] {
            assert_eq!(reply.status(), 400, "{changes:?}");
            assert_eq!(header(&reply, "location"), "", "{changes:?}");
            assert!(reply.body().contains("role=\"alert\""));
        }
    }
}

#[test]
fn other_errors_go_to_the_client_with_its_state() {
    let door = Door::new();
    let long = "x".repeat(2000);
    for (changes, error, state) in [
        (("response_type", ""), "invalid_request", true),
        (
            ("response_type", "token"),
            "unsupported_response_type",
            true,
        ),
        (
            ("response_type", "code token"),
            "unsupported_response_type",
            true,
        ),
        (("scope", "everything"), "invalid_scope", true),
        (
            ("scope", "webrtc-ims-client-access-to-ims everything"),
            "invalid_scope",
            true,
        ),
        (("state", long.as_str()), "invalid_request", false),
    ] {
        let back = parameters(&door.waf.authorize(&authorization(&[changes])));
        assert_eq!(back["error"], error, "{changes:?}");
        assert_eq!(
            back.get("state").map(String::as_str),
            state.then_some("a state")
        );
        assert_eq!(back["iss"], ISSUER);
        assert!(!back.contains_key("code"));
    }
}

/// RFC 6749 §3.1: parameters must not be included more than once.
#[test]
fn a_parameter_twice_is_refused() {
    let door = Door::new();
    let twice = format!("{}&client_id=wwsf", authorization(&[]));
    let reply = door.waf.authorize(&twice);
    assert_eq!(reply.status(), 400);
    assert_eq!(header(&reply, "location"), "");
}

#[test]
fn no_page_can_frame_the_sign_in_page_or_run_a_script_in_it() {
    let door = Door::new();
    let reply = door.waf.authorize(&authorization(&[]));
    let policy = header(&reply, "content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(!policy.contains("script-src") && !policy.contains("unsafe"));
    assert_eq!(header(&reply, "x-frame-options"), "DENY");
    let odd = authorization(&[("state", "\"><script>alert(1)</script>")]);
    assert!(!door.waf.authorize(&odd).body().contains("<script"));
}
