//! TS 24.371 §8.3 — WWSF, data channels: a heading without text. It has no part in them, and stands in nobody's way.

use nf_wwsf::{Asset, Cookies, Origin, Origins, Request, Settings, Wwsf, etag};

/// What the browser is told with the page leaves it free to open connections of media and data: neither a policy's
/// `webrtc` directive nor a sandbox is there.
#[test]
fn the_page_is_served_free_to_open_data_channels() {
    let settings = Settings {
        w2: Some("wss://epcscf.example.net/w2".into()),
        origins: Origins::Only(
            Origin::parse("https://wwsf.example.net")
                .into_iter()
                .collect(),
        ),
        ..Settings::new("wwsf", "home1.net")
    };
    let wwsf = Wwsf::new(settings, Vec::new());
    let cookies = Cookies::parse([""]);
    let request = Request {
        origin: Origin::new(true, "wwsf.example.net").expect("an origin"),
        cookies: &cookies,
        said_origin: None,
        fetch_site: None,
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        requested_with: None,
        if_none_match: None,
    };
    let data = b"<!doctype html>".to_vec();
    let asset = Asset {
        etag: etag(&data),
        data,
    };
    let reply = wwsf.asset(&request, "index.html", Some(asset));
    assert_eq!(reply.status(), 200);
    let mut policies = 0;
    for policy in reply.headers().get_all("content-security-policy") {
        policies += 1;
        let policy = policy.to_str().expect("text");
        for directive in policy.split(';').map(str::trim) {
            let name = directive.split(' ').next().unwrap_or_default();
            assert!(name != "webrtc" && name != "sandbox", "{policy}");
        }
    }
    assert_eq!(policies, 1);
}
