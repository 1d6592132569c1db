//! RFC 8414 §3 — where it is.

use nf_waf::Waf;

use crate::door::{Door, header};

/// RFC 8414 §3.1: the well-known part stands before the issuer's own path.
#[test]
fn the_path_of_the_issuer_comes_last() {
    for (issuer, path) in [
        (
            "https://waf.example.net",
            "/.well-known/oauth-authorization-server",
        ),
        (
            "https://waf.example.net/",
            "/.well-known/oauth-authorization-server",
        ),
        (
            "https://waf.example.net/oauth2",
            "/.well-known/oauth-authorization-server/oauth2",
        ),
        (
            "https://localhost:8443/a/b",
            "/.well-known/oauth-authorization-server/a/b",
        ),
    ] {
        assert_eq!(Waf::metadata_path(issuer), path);
    }
}

/// RFC 8414 §3.2
#[test]
fn it_is_json_that_may_be_kept() {
    let door = Door::new();
    let reply = door.waf.metadata();
    assert_eq!(reply.status(), 200);
    assert_eq!(header(&reply, "content-type"), "application/json");
    assert!(header(&reply, "cache-control").contains("max-age"));
}
