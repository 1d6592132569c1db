//! TS 24.371 §7.4.3 — eP-CSCF, WIC terminating call: the whole of it through the binary.

use conformance::{Core, HOME, Subject, Wic};
use wire_sip::{HeaderName, params};

use crate::wire_calls::{answer, call, phone_sdp, sdp, status};

/// Alice, registered, and the Path to her.
fn registered() -> (Subject, Core, Wic, String) {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let seen = wic.is_registered_by(&mut core);
    let path = seen.header(HeaderName::Path).expect("Path").to_owned();
    (subject, core, wic, path)
}

/// "in the SDP offer to served WIC: shall indicate … "UDP/TLS/RTP/SAVPF" …; shall include the SDP
/// "a=3ge2ae:applied" attribute".
#[test]
fn the_offer_to_the_wic_is_dtls_srtp_at_the_gateway() {
    let (_subject, mut core, mut wic, path) = registered();
    call(&mut core, &path, "", &phone_sdp());
    let invite = wic.receive_request("INVITE");
    let offer = sdp(&invite);
    assert!(offer.section().has("ice-lite") && !offer.section().has("group"));
    let audio = offer.media(0).expect("audio");
    assert_eq!(audio.line().proto, "UDP/TLS/RTP/SAVPF");
    assert_eq!(audio.value("3ge2ae"), Some("applied"));
    assert_eq!(audio.value("setup"), Some("actpass"));
    for attribute in [
        "fingerprint",
        "candidate",
        "ice-ufrag",
        "ice-pwd",
        "rtcp-mux",
    ] {
        assert!(audio.has(attribute), "{attribute}");
    }
    let text = String::from_utf8_lossy(invite.body()).into_owned();
    assert!(
        !text.contains("192.0.2.99"),
        "the far end's address is hidden: {text}"
    );
}

/// "generate an SDP answer based on the SDP answer received from the WIC …: shall remove the SDP
/// fingerprint attribute".
#[test]
fn the_answer_on_mw_is_the_gateways() {
    let (_subject, mut core, mut wic, path) = registered();
    call(&mut core, &path, "", &phone_sdp());
    let invite = wic.receive_request("INVITE");
    let ok = answer(&mut wic, &mut core, &invite);
    assert_eq!(status(&ok), 200);
    let description = sdp(&ok);
    let audio = description.media(0).expect("audio");
    assert_eq!(audio.line().proto, "RTP/AVP");
    assert!(audio.line().port > 1024);
    let connection = description
        .media_connection(0)
        .expect("valid")
        .expect("there");
    assert_eq!(connection.address, "127.0.0.1");
    let text = String::from_utf8_lossy(ok.body()).into_owned();
    for word in [
        "fingerprint",
        "ice-",
        "candidate",
        "setup",
        "3ge2ae",
        "rtcp-mux",
    ] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    assert_eq!(ok.header_named("X-Own"), Some("stays"));
}

/// TS 24.229 §5.2.6.4.3: by the flow of the Path, the Request-URI as it is.
#[test]
fn the_call_reaches_the_contact_on_its_flow() {
    let (subject, mut core, mut wic, path) = registered();
    let mut other = subject.wic("bob");
    other.is_registered_by(&mut core);
    call(
        &mut core,
        &path,
        "Alert-Info: <urn:alert:service:call-waiting>\r\n",
        &phone_sdp(),
    );
    let invite = wic.receive_request("INVITE");
    assert_eq!(
        invite.request_uri(),
        Some("sip:alice@alice.invalid;transport=ws")
    );
    assert!(!invite.has(HeaderName::Route));
    let recorded: Vec<&str> = invite.values(HeaderName::RecordRoute).collect();
    assert!(
        recorded[0].contains(&format!(":{};transport=ws", subject.w2_port())),
        "{recorded:?}"
    );
    assert!(
        recorded[1].contains(&format!("@{};", core.subject())),
        "{recorded:?}"
    );
    let called = invite.header(HeaderName::PCalledPartyId);
    assert_eq!(called, Some(&format!("<sip:alice@{HOME}>")[..]));
    assert!(invite.header_named("Alert-Info").is_some());
    other.hears_nothing();
}

/// TS 24.229 §4.4: what the WIC is not told; RFC 3325 §7: who called, unless they said no.
#[test]
fn the_wic_is_told_who_calls_unless_they_said_no() {
    for (privacy, told) in [("none", true), ("id", false), ("header;id", false)] {
        let (_subject, mut core, mut wic, path) = registered();
        let lines = format!(
            "P-Asserted-Identity: <sip:far@{HOME}>\r\nPrivacy: {privacy}\r\n\
             P-Charging-Vector: icid-value=\"theirs\";orig-ioi=\"Type 1far.example\"\r\n\
             P-Charging-Function-Addresses: ccf=x\r\nP-Served-User: <sip:alice@{HOME}>\r\n\
             P-Access-Network-Info: IEEE-802.11\r\n"
        );
        call(&mut core, &path, &lines, &phone_sdp());
        let invite = wic.receive_request("INVITE");
        assert_eq!(invite.has(HeaderName::PAssertedIdentity), told, "{privacy}");
        assert_eq!(invite.header(HeaderName::Privacy), Some(privacy));
        for name in [
            HeaderName::PChargingVector,
            HeaderName::PChargingFunctionAddresses,
            HeaderName::PServedUser,
            HeaderName::PAccessNetworkInfo,
        ] {
            assert!(!invite.has(name), "{name:?}");
        }
    }
}

/// TS 24.229 §5.2.6.4.4: the answer is the called identity's, and is charged to the caller's icid.
#[test]
fn the_answer_asserts_who_was_called() {
    let (_subject, mut core, mut wic, path) = registered();
    let lines = "P-Charging-Vector: icid-value=\"theirs\";orig-ioi=\"Type 1far.example\"\r\n";
    call(&mut core, &path, lines, &phone_sdp());
    let invite = wic.receive_request("INVITE");
    wic.answer(
        &invite,
        180,
        "P-Asserted-Identity: <sip:ceo@ims.example.net>\r\n",
    );
    let ok = answer(&mut wic, &mut core, &invite);
    let asserted: Vec<&str> = ok.values(HeaderName::PAssertedIdentity).collect();
    assert_eq!(asserted, [&format!("<sip:alice@{HOME}>")]);
    let vector = format!(";{}", ok.header(HeaderName::PChargingVector).expect("one"));
    let value = |name| params::find(&vector, name).map(|text| text.trim_matches('"').to_owned());
    assert_eq!(value("icid-value").as_deref(), Some("theirs"));
    assert_eq!(value("orig-ioi").as_deref(), Some("Type 1far.example"));
    assert_eq!(value("term-ioi"), Some(format!("Type 1{HOME}")));
}

/// From the ACK to the far end's BYE.
#[test]
fn a_call_that_the_core_made_stands_and_ends() {
    let (subject, mut core, mut wic, path) = registered();
    let invite_of_core = call(&mut core, &path, "", &phone_sdp());
    let invite = wic.receive_request("INVITE");
    let ok = answer(&mut wic, &mut core, &invite);
    let routes: Vec<&str> = ok.values(HeaderName::RecordRoute).collect();
    // The core is the last of them, and the edge's two are before it.
    let routes: Vec<&str> = routes.iter().rev().skip(1).copied().collect();
    let contact = ok.header(HeaderName::Contact).expect("there");
    let uri = contact
        .trim_start_matches('<')
        .split('>')
        .next()
        .expect("a URI")
        .to_owned();
    let lines = |cseq: &str| {
        format!(
            "Route: {}\r\nFrom: <sip:far@{HOME}>;tag=far\r\nTo: {}\r\nCSeq: {cseq}\r\n",
            routes.join(", "),
            ok.header(HeaderName::To).expect("there"),
        )
    };
    core.say("ACK", &uri, invite_of_core.call_id(), &lines("1 ACK"), "");
    assert_eq!(wic.receive_request("ACK").request_uri(), Some(&uri[..]));
    core.say("BYE", &uri, invite_of_core.call_id(), &lines("2 BYE"), "");
    let bye = wic.receive_request("BYE");
    wic.answer(&bye, 200, "");
    assert_eq!(status(&core.response()), 200);
    subject.wait_for_figure("agw_contexts", 0);
}

/// A refusal of the WIC's passes as it is.
#[test]
fn a_wic_that_is_busy_says_so() {
    let (subject, mut core, mut wic, path) = registered();
    call(&mut core, &path, "", &phone_sdp());
    let invite = wic.receive_request("INVITE");
    wic.answer(&invite, 486, "Reason: SIP;cause=486\r\n");
    let answer = core.response();
    assert_eq!(status(&answer), 486);
    assert!(
        !answer.has(HeaderName::Reason),
        "a WIC's reason is not the network's"
    );
    subject.wait_for_figure("agw_contexts", 0);
}
