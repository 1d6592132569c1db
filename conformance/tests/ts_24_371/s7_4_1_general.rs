//! TS 24.371 §7.4.1 — eP-CSCF, general: "shall follow the procedures as described in 3GPP TS 24.229",
//! with the access token in every request (TS 24.371 §7.2.1).

use conformance::{Core, HOME, Setup, Subject, Waf, Wic};
use wire_sip::{HeaderName, Message, params};

use crate::wire_calls::{answered_call, browser_sdp, phone_answer, status, with_dialog};

/// A subject with alice registered by Digest.
fn registered() -> (Subject, Core, Wic) {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    (subject, core, wic)
}

/// One with alice registered by a token.
fn registered_by_token(waf: &Waf) -> (Subject, Core, Wic) {
    let mut subject = Subject::trusting(waf);
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let bearer = format!("Authorization: Bearer {}\r\n", waf.token("alice"));
    let register = wic.register(&bearer);
    wic.send(&register);
    let seen = core.request("REGISTER");
    core.accept(&seen, &format!("<{}>", wic.identity()));
    wic.status(200);
    (subject, core, wic)
}

/// What the core sees of a request with these lines.
fn seen(core: &mut Core, wic: &mut Wic, method: &str, lines: &str) -> Message {
    let request = wic.request(method, &format!("sip:bob@{HOME}"), lines, "");
    wic.send(&request);
    let seen = core.request(method);
    core.answer(&seen, 200, "");
    wic.status(200);
    seen
}

/// TS 24.229 §5.2.6.3: before registration there is nothing but REGISTER.
#[test]
fn who_is_not_registered_on_this_flow_gets_403() {
    let (subject, mut core, _alice) = registered();
    let mut stranger = subject.wic("alice");
    for method in [
        "INVITE",
        "MESSAGE",
        "SUBSCRIBE",
        "OPTIONS",
        "PUBLISH",
        "REFER",
        "X-ANY",
    ] {
        let request = stranger.request(method, &format!("sip:bob@{HOME}"), "", "");
        stranger.send(&request);
        stranger.status(403);
        if method == "INVITE" {
            let branch = request.top_branch().expect("there").to_owned();
            let ack = format!(
                "ACK sip:bob@{HOME} SIP/2.0\r\nVia: SIP/2.0/WSS alice.invalid;branch={branch}\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:alice@{HOME}>;tag=from-alice\r\n\
                 To: <sip:bob@{HOME}>;tag=x\r\nCall-ID: {}\r\nCSeq: 1 ACK\r\n\
                 Content-Length: 0\r\n\r\n",
                request.call_id()
            );
            stranger.send_raw(ack.as_bytes());
        }
    }
    core.hears_nothing();
}

/// TS 24.229 §5.2.6.3.3: the identity is one that is registered on this flow, whatever From says.
#[test]
fn the_asserted_identity_is_a_registered_one() {
    let (_subject, mut core, mut wic) = registered();
    let default = format!("<sip:alice@{HOME}>");
    let rows = [
        ("", &default[..]),
        (
            "P-Preferred-Identity: <tel:+1-555-0100>\r\n",
            "<tel:+15550100>",
        ),
        (
            "P-Preferred-Identity: <sip:ceo@ims.example.net>\r\n",
            &default,
        ),
        (
            "P-Asserted-Identity: <sip:ceo@ims.example.net>\r\n",
            &default,
        ),
        ("From: <sip:ceo@ims.example.net>;tag=1\r\n", &default),
    ];
    for (lines, wanted) in rows {
        let seen = seen(&mut core, &mut wic, "MESSAGE", lines);
        let asserted: Vec<&str> = seen.values(HeaderName::PAssertedIdentity).collect();
        assert_eq!(asserted, [wanted], "{lines}");
        assert!(!seen.has(HeaderName::PPreferredIdentity));
    }
}

/// TS 24.229 §5.2.6.3.3: the route is the one of registration, whatever the WIC preloaded.
#[test]
fn the_service_route_is_the_route() {
    let (subject, mut core, mut wic) = registered();
    let service = format!("<sip:orig@{};lr>", core.address());
    let own = format!(
        "Route: <sip:localhost:{};transport=ws;lr>, {service}\r\n",
        subject.w2_port()
    );
    for lines in ["", "Route: <sip:evil.example;lr>\r\n", &own] {
        let seen = seen(&mut core, &mut wic, "MESSAGE", lines);
        let route: Vec<&str> = seen.values(HeaderName::Route).collect();
        assert_eq!(route, [&service], "{lines}");
    }
}

/// TS 24.229 §4.4: what a WIC may not say.
#[test]
fn what_only_the_network_may_say_is_removed() {
    let (_subject, mut core, mut wic) = registered();
    let lines = "P-Charging-Vector: icid-value=\"mine\"\r\nP-Charging-Function-Addresses: ccf=x\r\n\
         P-Access-Network-Info: IEEE-802.11, IEEE-802.3;network-provided\r\n\
         P-Visited-Network-ID: x\r\nP-Served-User: <sip:ceo@ims.example.net>\r\n\
         P-Profile-Key: <sip:x@y>\r\nP-Asserted-Service: urn:urn-7:x\r\nHistory-Info: <sip:x@y>\r\n\
         Feature-Caps: *\r\nResource-Priority: wps.0\r\nP-Early-Media: supported\r\n\
         P-Preferred-Service: urn:urn-7:3gpp-service.ims.icsi.mmtel\r\nX-Own: stays\r\n";
    let seen = seen(&mut core, &mut wic, "MESSAGE", lines);
    for name in [
        HeaderName::PChargingFunctionAddresses,
        HeaderName::PVisitedNetworkId,
        HeaderName::PServedUser,
        HeaderName::PProfileKey,
        HeaderName::PAssertedService,
        HeaderName::HistoryInfo,
        HeaderName::FeatureCaps,
        HeaderName::ResourcePriority,
    ] {
        assert!(!seen.has(name), "{name:?}");
    }
    assert_eq!(
        seen.header(HeaderName::PAccessNetworkInfo),
        Some("IEEE-802.11")
    );
    let vector = seen
        .header(HeaderName::PChargingVector)
        .expect("a fresh one");
    assert!(
        !vector.contains("mine") && vector.contains("orig-ioi="),
        "{vector}"
    );
    assert_eq!(seen.header_named("X-Own"), Some("stays"));
    assert!(seen.header_named("P-Preferred-Service").is_some());
}

/// TS 24.229 §4.4 in the other direction, in responses.
#[test]
fn what_is_the_networks_own_stays_there() {
    let (_subject, mut core, mut wic) = registered();
    let request = wic.request("MESSAGE", &format!("sip:bob@{HOME}"), "", "");
    wic.send(&request);
    let seen = core.request("MESSAGE");
    core.answer(
        &seen,
        200,
        "P-Charging-Vector: icid-value=1\r\nP-Charging-Function-Addresses: ccf=x\r\n\
         P-Asserted-Identity: <sip:bob@ims.example.net>\r\nX-Own: stays\r\n",
    );
    let answer = wic.status(200);
    assert!(!answer.has(HeaderName::PChargingVector));
    assert!(!answer.has(HeaderName::PChargingFunctionAddresses));
    assert!(answer.has(HeaderName::PAssertedIdentity));
    assert_eq!(answer.header_named("X-Own"), Some("stays"));
}

/// Methods, headers and bodies that nobody here knows pass.
#[test]
fn an_unknown_method_passes() {
    let (_subject, mut core, mut wic) = registered();
    let uri = format!("sip:bob@{HOME};x=y");
    let mut request = wic.request("X-WONDER", &uri, "X-Own: a;b, \"c\"\r\n", "");
    request.set_body(Some("application/x-any"), &b"any body"[..]);
    wic.send(&request);
    let seen = core.request("X-WONDER");
    assert_eq!(seen.request_uri(), Some(&uri[..]));
    assert_eq!(seen.header_named("X-Own"), Some("a;b, \"c\""));
    assert_eq!(seen.body(), b"any body");
}

/// RFC 3261 §16.3: what makes no sense is refused before anything is done for it.
#[test]
fn requests_that_go_round_are_refused() {
    let (_subject, mut core, mut wic) = registered();
    for (find, replace, wanted) in [
        ("Max-Forwards: 70", "Max-Forwards: 0", 483),
        (
            "Max-Forwards: 70",
            "Max-Forwards: 70\r\nProxy-Require: magic",
            420,
        ),
        ("MESSAGE sip:", "MESSAGE mailto:", 416),
    ] {
        let request = wic.request("MESSAGE", &format!("sip:bob@{HOME}"), "", "");
        let text = String::from_utf8(request.to_bytes().to_vec()).expect("text");
        wic.send_raw(text.replacen(find, replace, 1).as_bytes());
        wic.status(wanted);
    }
    core.hears_nothing();
}

/// RFC 5658: both sides of the edge are recorded; TS 24.229 §5.2.6.3.4.
#[test]
fn a_dialog_stays_on_both_sides_of_the_edge() {
    let (subject, mut core, mut wic) = registered();
    let (seen, ok) = answered_call(&mut wic, &mut core, &phone_answer());
    let recorded: Vec<&str> = seen.values(HeaderName::RecordRoute).collect();
    assert_eq!(recorded.len(), 2, "{recorded:?}");
    assert!(
        recorded[0].contains(&format!("@{};", core.subject())),
        "{recorded:?}"
    );
    assert!(
        recorded[1].contains(&format!(":{};transport=ws", subject.w2_port())),
        "{recorded:?}"
    );
    assert!(
        recorded.iter().all(|uri| uri.contains(";lr")),
        "{recorded:?}"
    );
    let bye = wic.in_dialog("BYE", &ok, "");
    wic.send(&bye);
    let bye = core.request("BYE");
    assert_eq!(
        bye.request_uri(),
        Some(&format!("sip:far@{}", core.address())[..])
    );
    assert!(!bye.has(HeaderName::Route), "our own are taken out");
    core.answer(&bye, 200, "");
    wic.status(200);
}

/// TS 24.229 §4.5: one charging identifier through the whole dialog.
#[test]
fn a_dialog_has_one_icid() {
    let (_subject, mut core, mut wic) = registered();
    let (seen, ok) = answered_call(&mut wic, &mut core, &phone_answer());
    let icid = |message: &Message| {
        let vector = format!(
            ";{}",
            message.header(HeaderName::PChargingVector).expect("one")
        );
        params::find(&vector, "icid-value").map(str::to_owned)
    };
    let bye = wic.in_dialog("BYE", &ok, "");
    wic.send(&bye);
    let bye = core.request("BYE");
    assert!(icid(&bye).is_some());
    assert_eq!(icid(&bye), icid(&seen));
}

/// TS 24.229 §5.2.6.3.5: a request in a dialog that is not the WIC's goes nowhere.
#[test]
fn another_wics_dialog_is_not_touched() {
    let (subject, mut core, mut wic) = registered();
    let (_, ok) = answered_call(&mut wic, &mut core, &phone_answer());
    let mut mallory = subject.wic("mallory");
    mallory.is_registered_by(&mut core);
    let bye = mallory.in_dialog("BYE", &ok, "");
    mallory.send(&bye);
    mallory.status(481);
    core.hears_nothing();
    let bye = wic.in_dialog("BYE", &ok, "");
    wic.send(&bye);
    core.request("BYE");
}

/// TS 24.229 §4.2A: above 1300 bytes it is not UDP.
#[test]
fn long_requests_take_tcp_on_mw() {
    let (_subject, mut core, mut wic) = registered();
    for (length, transport) in [(10, "UDP"), (1_500, "TCP"), (20_000, "TCP")] {
        let uri = format!("sip:bob@{HOME}");
        let mut request = wic.request("MESSAGE", &uri, "", "");
        request.set_body(Some("text/plain"), vec![b'x'; length]);
        wic.send(&request);
        let seen = core.request("MESSAGE");
        assert_eq!(seen.body().len(), length);
        assert_eq!(core.transport(), transport, "{length}");
        core.answer(&seen, 200, "");
        wic.status(200);
    }
}

/// TS 24.371 §7.2.1: "shall include the Authorization header field with the Bearer scheme containing
/// the valid access token in all SIP requests".
#[test]
fn a_call_without_its_token_is_challenged_and_with_it_goes_on() {
    let waf = Waf::start();
    let (_subject, mut core, mut wic) = registered_by_token(&waf);
    for method in ["INVITE", "MESSAGE", "SUBSCRIBE"] {
        let request = wic.request(method, &format!("sip:bob@{HOME}"), "", "");
        wic.send(&request);
        let answer = wic.status(401);
        let challenge = answer.header(HeaderName::WwwAuthenticate).expect("one");
        assert!(challenge.starts_with("Bearer "), "{challenge}");
        wic.authorization = Some(format!("Bearer {}", waf.token("alice")));
        let request = wic.request(method, &format!("sip:carol@{HOME}"), "", "");
        wic.send(&request);
        let seen = core.request(method);
        let text = String::from_utf8_lossy(&seen.to_bytes()).into_owned();
        assert!(!text.contains("Bearer") && !text.contains("eyJ"), "{text}");
        core.answer(&seen, 200, "");
        wic.status(200);
        wic.authorization = None;
    }
}

/// Only Bearer credentials are the edge's: what the core asked for by Digest goes to it.
#[test]
fn digest_credentials_for_the_core_pass_beside_the_token() {
    let waf = Waf::start();
    let (_subject, mut core, mut wic) = registered_by_token(&waf);
    let digest =
        "Digest username=\"alice\", realm=\"core\", nonce=\"n\", uri=\"u\", response=\"r\"";
    let lines = format!(
        "Authorization: Bearer {}\r\nProxy-Authorization: {digest}\r\n",
        waf.token("alice")
    );
    let seen = seen(&mut core, &mut wic, "MESSAGE", &lines);
    assert!(!seen.has(HeaderName::Authorization));
    assert_eq!(seen.header(HeaderName::ProxyAuthorization), Some(digest));
}

/// What ends a call rides on the flow; what changes it shows a good token, and may come again.
#[test]
fn in_a_call_only_changes_need_a_token() {
    let waf = Waf::start();
    let (_subject, mut core, mut wic) = registered_by_token(&waf);
    wic.authorization = Some(format!("Bearer {}", waf.token("alice")));
    let (_, ok) = answered_call(&mut wic, &mut core, &phone_answer());
    let mut old = waf.claims("alice");
    old.exp = old.iat - 100;
    wic.authorization = Some(format!("Bearer {}", waf.issue(&old)));
    let update = wic.in_dialog("UPDATE", &ok, &browser_sdp());
    wic.send(&update);
    wic.status(401);
    core.hears_nothing();
    wic.authorization = Some(format!("Bearer {}", waf.token("alice")));
    let update = wic.in_dialog("UPDATE", &ok, &browser_sdp());
    wic.send(&update);
    let seen = core.request("UPDATE");
    let tail = with_dialog(&core, &seen, "", &phone_answer());
    core.answer(&seen, 200, &tail);
    wic.status(200);
    wic.authorization = None;
    let bye = wic.in_dialog("BYE", &ok, "");
    wic.send(&bye);
    let seen = core.request("BYE");
    core.answer(&seen, 200, "");
    wic.status(200);
}

/// TS 24.229 §5.2.8.1, TS 23.228 §5.10.3.1: a WIC that is lost and does not come back.
#[test]
fn the_calls_of_a_lost_wic_are_released_after_a_while() {
    let epcscf = "reconnect_seconds = 1\n";
    let mut subject = Subject::with(&Setup { epcscf, waf: None });
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    answered_call(&mut wic, &mut core, &phone_answer());
    wic.close();
    let bye = core.request("BYE");
    let reason = bye.header(HeaderName::Reason).expect("why");
    assert!(reason.contains("cause=503"), "{reason}");
    core.answer(&bye, 200, "");
    subject.wait_for_figure("epcscf_sessions", 0);
}

/// RFC 5626 §5.3: it comes back on another WebSocket, and its call goes on.
#[test]
fn a_wic_that_comes_back_has_its_call() {
    let (subject, mut core, mut wic) = registered();
    let (_, ok) = answered_call(&mut wic, &mut core, &phone_answer());
    wic.close();
    let mut again = subject.wic("alice");
    again.is_registered_by(&mut core);
    let bye = again.in_dialog("BYE", &ok, "");
    again.send(&bye);
    let seen = core.request("BYE");
    core.answer(&seen, 200, "");
    again.status(200);
}

/// RFC 5626 §5.3.1: a flow that is gone is 430, and a token that was not sealed here 403.
#[test]
fn a_lost_flow_and_a_forged_token_are_told_apart() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let path = wic.is_registered_by(&mut core);
    let path = path.header(HeaderName::Path).expect("Path").to_owned();
    let message = |core: &mut Core, route: &str, call: &str| {
        let lines = format!(
            "Route: {route}\r\nFrom: <sip:far@{HOME}>;tag=far\r\nTo: <sip:alice@{HOME}>\r\n\
             CSeq: 1 MESSAGE\r\n"
        );
        core.say(
            "MESSAGE",
            "sip:alice@alice.invalid;transport=ws",
            call,
            &lines,
            "",
        );
    };
    message(&mut core, &path, "good");
    let request = wic.receive_request("MESSAGE");
    wic.answer(&request, 200, "");
    assert_eq!(status(&core.response()), 200);
    let at = path.find('@').expect("a user part") - 3;
    let other = if path.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    let mut forged = path.clone();
    forged.replace_range(at..=at, other);
    message(&mut core, &forged, "forged");
    assert_eq!(status(&core.response()), 403);
    wic.hears_nothing();
    wic.close();
    subject.wait_for_figure("epcscf_flows", 0);
    message(&mut core, &path, "gone");
    assert_eq!(status(&core.response()), 430);
}
