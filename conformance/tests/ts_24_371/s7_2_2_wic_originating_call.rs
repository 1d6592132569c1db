//! TS 24.371 §7.1, §7.2.2 — WIC originating call.

use std::net::UdpSocket;
use std::time::Duration;

use conformance::HOME;

use crate::media_door::Call;
use crate::wic_calls::{answer, registered};
use crate::wire_calls::sdp;

/// "for each RTP based media, the WIC a) shall offer UDP transport protocol …, with the proto field in
/// the "m=" line containing the "UDP/TLS/RTP/SAVPF" value …; c) shall additionally, within the same
/// "m=" line, indicate an SDP "a=3ge2ae:requested" attribute."
#[test]
fn its_offer_asks_for_protection_up_to_the_edge_for_each_media() {
    for (words, count) in [(&[][..], 1), (&["--video"], 2)] {
        let (mut edge, mut wic) = registered(words);
        wic.types("call bob");
        let invite = edge.request("INVITE");
        assert_eq!(invite.request_uri(), Some(&format!("sip:bob@{HOME}")[..]));
        let offer = sdp(&invite);
        assert_eq!(offer.medias().len(), count);
        assert!(!offer.section().has("group"), "no bundle");
        let mut ports = Vec::new();
        for (at, media) in offer.medias().iter().enumerate() {
            assert_eq!(media.line().proto, "UDP/TLS/RTP/SAVPF");
            assert_eq!(media.value("3ge2ae"), Some("requested"));
            let ice = offer.media_ice(at).expect("valid").expect("there");
            assert!(ice.ufrag.len() >= 4 && ice.pwd.len() >= 22);
            assert!(media.has("candidate"));
            ports.push(media.line().port);
        }
        ports.dedup();
        assert_eq!(ports.len(), count, "each media has a transport of its own");
    }
}

/// "When the WIC originates a call, the WIC shall: a) perform the ICE procedures": it checks the
/// candidate that the answer has.
#[test]
fn it_checks_the_candidates_of_the_answer() {
    let (mut edge, mut wic) = registered(&[]);
    wic.types("call bob");
    let invite = edge.request("INVITE");
    let theirs = sdp(&invite);
    let theirs = theirs
        .media_ice(0)
        .expect("valid")
        .expect("there")
        .ufrag
        .to_owned();
    let gateway = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let port = gateway.local_addr().expect("it is bound").port();
    let answer = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n\
         m=audio {port} UDP/TLS/RTP/SAVPF 8\r\nc=IN IP4 127.0.0.1\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtcp-mux\r\na=ice-ufrag:edge\r\na=ice-pwd:0123456789012345678901\r\n\
         a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host\r\na=setup:active\r\n\
         a=fingerprint:sha-256 {}\r\n",
        ["AB"; 32].join(":")
    );
    edge.answer(
        &invite,
        200,
        &format!("Contact: <sip:far@far.invalid>\r\n\r\n{answer}"),
    );
    edge.request("ACK");
    gateway
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("not zero");
    let mut check = [0; 1500];
    let length = gateway.recv(&mut check).expect("a check");
    let check = &check[..length];
    // RFC 5389 §6: a Binding request, with the cookie.
    assert_eq!(check[..2], [0, 1]);
    assert_eq!(check[4..8], [0x21, 0x12, 0xa4, 0x42]);
    let user = format!("edge:{theirs}");
    let mut windows = check.windows(user.len());
    assert!(windows.any(|window| window == user.as_bytes()), "{user}");
}

/// "b) generate an SDP offer and send it towards the eP-CSCF": an eP-CSCF serves it.
#[test]
fn its_offer_is_served_and_the_call_stands() {
    let (mut edge, mut wic) = registered(&["--video"]);
    wic.types("call bob");
    let invite = edge.request("INVITE");
    let ack = answer(&mut edge, &mut Call::new(), &invite);
    assert!(ack.body().is_empty());
    wic.says("answered");
}
