//! `Host`: under which name a server was asked (RFC 9110 §7.2).
//!
//! A name that leads here by the name service of somebody else is not ours (DNS rebinding): where a browser of the
//! operator's can reach what others may not, names count that nobody else can give.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::http::uri::Authority;

/// The one of a request; with HTTP/2 it stands here, too.
pub(crate) fn of(headers: &HeaderMap) -> Option<Authority> {
    let host = headers.get(HOST)?.to_str().ok()?;
    // RFC 9110 §4.2.4: no user stands before it.
    host.parse().ok().filter(|_| !host.contains('@'))
}

/// The address that it is, when it is one.
pub(crate) fn address(authority: &Authority) -> Option<IpAddr> {
    let host = authority.host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok()
}

/// RFC 6761 §6.3 — whether it is this machine, by its usual name.
pub(crate) fn is_localhost(authority: &Authority) -> bool {
    authority.host().eq_ignore_ascii_case("localhost")
}

/// Whether nobody else can have given it: an address, `localhost`, or one of these names.
pub(crate) fn is_ours(headers: &HeaderMap, names: &[String]) -> bool {
    of(headers).is_some_and(|authority| {
        let host = authority.host();
        let named = names.iter().any(|name| name.eq_ignore_ascii_case(host));
        named || is_localhost(&authority) || address(&authority).is_some()
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn names_that_others_can_give_are_not_ours() {
        let ours = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_str(host).unwrap());
            is_ours(&headers, &["admin.example.net".to_owned()])
        };
        for good in [
            "localhost",
            "LocalHost:9090",
            "192.0.2.1:9090",
            "[2001:db8::1]:9090",
            "admin.example.net",
            "ADMIN.example.net:80",
        ] {
            assert!(ours(good), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "app-x.localhost",
            "localhost.evil.example",
            "192.0.2.1.evil.example",
            "localhost@evil.example",
            "evil.example@localhost",
        ] {
            assert!(!ours(bad), "{bad}");
        }
        assert!(!is_ours(&HeaderMap::new(), &[]));
    }
}
