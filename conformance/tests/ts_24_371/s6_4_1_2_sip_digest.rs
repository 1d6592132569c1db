//! TS 24.371 §6.4.1.2 — eP-CSCF, W2 using SIP Digest credentials.

use conformance::{HOME, Setup, Subject, Wic};
use wire_sip::{HeaderName, Message, params};

use crate::integrity_protected;

const RESPONSE: &str = "6629fae49393a05397450978507c4ef1";

/// A REGISTER with credentials for this nonce; an empty response answers no challenge.
fn register(wic: &mut Wic, response: &str) -> Message {
    let lines = format!(
        "Authorization: Digest username=\"{}@{HOME}\", realm=\"{HOME}\", nonce=\"n\", \
         uri=\"sip:{HOME}\", response=\"{response}\"\r\n",
        wic.name
    );
    wic.register(&lines)
}

fn told(seen: &Message) -> Option<String> {
    integrity_protected(seen.header(HeaderName::Authorization).expect("credentials"))
}

/// "a) if the REGISTER request does not map to an existing TLS association, and does not contain a
/// challenge response, not include the "integrity-protected" header field parameter"; "b) … and does
/// contain a challenge response, … "tls-pending""; "c) … does map to an existing TLS association".
///
/// The wire value of c) is that of TS 24.229 §7.2A.2, `tls-yes`.
#[test]
fn the_three_cases_over_tls() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let first = register(&mut wic, "");
    wic.send(&first);
    let seen = core.request("REGISTER");
    assert_eq!(told(&seen), None);
    core.answer(
        &seen,
        401,
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n",
    );
    wic.status(401);
    let second = register(&mut wic, RESPONSE);
    wic.send(&second);
    let seen = core.request("REGISTER");
    assert_eq!(told(&seen).as_deref(), Some("tls-pending"));
    core.accept(&seen, &format!("<{}>", wic.identity()));
    wic.status(200);
    for response in [RESPONSE, ""] {
        let third = register(&mut wic, response);
        wic.send(&third);
        let seen = core.request("REGISTER");
        assert_eq!(told(&seen).as_deref(), Some("tls-yes"), "{response:?}");
        core.accept(&seen, &format!("<{}>", wic.identity()));
        wic.status(200);
    }
}

/// "c) … with the value set to "tls-protected"", to the letter, where an operator wants it so.
#[test]
fn the_wire_value_of_the_standards_text_by_configuration() {
    let epcscf = "integrity_protected = \"tls-protected\"\n";
    let mut subject = Subject::with(&Setup { epcscf, waf: None });
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let again = wic.register_by_digest();
    wic.send(&again);
    assert_eq!(
        told(&core.request("REGISTER")).as_deref(),
        Some("tls-protected")
    );
}

/// TS 24.229 §7.2A.2: without TLS there is no TLS association, only one by address.
#[test]
fn without_tls_the_core_is_told_so() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic_without_tls("alice"));
    for wanted in [Some("ip-assoc-pending"), Some("ip-assoc-yes")] {
        let message = register(&mut wic, RESPONSE);
        wic.send(&message);
        let seen = core.request("REGISTER");
        assert_eq!(told(&seen).as_deref(), wanted);
        core.accept(&seen, &format!("<{}>", wic.identity()));
        wic.status(200);
    }
}

/// "d) if the "rport" header field parameter is included in the Via header field, set the value …
/// to the source port"; "e) insert the "received" header field parameter … containing the source IP
/// address".
#[test]
fn via_says_where_the_request_came_from() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let port = wic.address().port().to_string();
    let message = wic.register_by_digest();
    wic.send(&message);
    let seen = core.request("REGISTER");
    let via = seen.values(HeaderName::Via).nth(1).expect("the WIC's");
    assert_eq!(params::find(via, "received"), Some("127.0.0.1"), "{via}");
    assert_eq!(params::find(via, "rport"), Some(&port[..]), "{via}");
    core.accept(&seen, "<sip:alice@ims.example.net>");
    let answer = wic.status(200);
    let via = answer.header(HeaderName::Via).expect("the WIC's");
    assert_eq!(params::find(via, "received"), Some("127.0.0.1"), "{via}");
    assert_eq!(params::find(via, "rport"), Some(&port[..]), "{via}");
}

#[test]
fn rport_is_filled_in_only_where_it_was_asked_for() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let message = wic.register_by_digest().to_bytes();
    let message = String::from_utf8(message.to_vec()).expect("text");
    wic.send_raw(message.replace(";rport\r\n", "\r\n").as_bytes());
    let seen = core.request("REGISTER");
    let via = seen.values(HeaderName::Via).nth(1).expect("the WIC's");
    assert!(
        via.contains(";received=127.0.0.1") && !via.contains("rport"),
        "{via}"
    );
}

/// "send the 401 (Unauthorized) response to the UE using the TLS session with which the associated
/// REGISTER request was protected."
#[test]
fn the_challenge_goes_back_on_the_same_connection_without_keys() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let mut other = subject.wic("alice");
    let message = register(&mut wic, "");
    wic.send(&message);
    let seen = core.request("REGISTER");
    core.answer(
        &seen,
        401,
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth,auth-int\", \
         ck=\"00112233445566778899aabbccddeeff\", ik=\"ffeeddccbbaa99887766554433221100\"\r\n\
         P-Charging-Vector: icid-value=1\r\n",
    );
    let challenge = wic.status(401);
    assert_eq!(
        challenge.header(HeaderName::WwwAuthenticate),
        Some("Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth,auth-int\"")
    );
    assert_eq!(challenge.header(HeaderName::PChargingVector), None);
    other.hears_nothing();
}

/// "create an TLS association by storing and associating the UEs IP address and port of the TLS
/// connection with … the private user identity": another connection has no part in it.
#[test]
fn the_association_is_of_this_connection_alone() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let mut other = subject.wic("alice");
    let message = register(&mut other, RESPONSE);
    other.send(&message);
    let seen = core.request("REGISTER");
    assert_eq!(told(&seen).as_deref(), Some("tls-pending"));
    // Whoever knows no password is refused by the core, and the one who does is still there.
    core.answer(&seen, 403, "");
    other.status(403);
    let refused = other.request("OPTIONS", "sip:bob@ims.example.net", "", "");
    other.send(&refused);
    other.status(403);
    let again = register(&mut wic, RESPONSE);
    wic.send(&again);
    assert_eq!(told(&core.request("REGISTER")).as_deref(), Some("tls-yes"));
}

/// The association is with one private user identity: another is not registered over it.
#[test]
fn another_private_identity_is_refused_on_an_associated_connection() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    wic.is_registered_by(&mut core);
    let lines = format!(
        "To: <sip:bob@{HOME}>\r\nFrom: <sip:bob@{HOME}>;tag=b\r\nCall-ID: bobs\r\n\
         Authorization: Digest username=\"bob@{HOME}\", realm=\"{HOME}\", nonce=\"n\", \
         uri=\"sip:{HOME}\", response=\"{RESPONSE}\"\r\n"
    );
    let message = wic.register(&lines);
    wic.send(&message);
    wic.status(403);
    core.hears_nothing();
}

/// Registration expiry zero makes no association.
#[test]
fn a_200_with_expiry_zero_associates_nothing() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let message = register(&mut wic, RESPONSE);
    wic.send(&message);
    let seen = core.request("REGISTER");
    let contact = seen.header(HeaderName::Contact).expect("there").to_owned();
    core.answer(&seen, 200, &format!("Contact: {contact};expires=0\r\n"));
    wic.status(200);
    let message = register(&mut wic, RESPONSE);
    wic.send(&message);
    assert_eq!(
        told(&core.request("REGISTER")).as_deref(),
        Some("tls-pending")
    );
}

/// "the procedures as defined in 3GPP TS 24.229 subclause 5.2.2 apply": what the core needs to know
/// of the way here.
#[test]
fn the_request_is_completed_as_a_p_cscf_does() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let lines = "P-Charging-Vector: icid-value=\"mine\"\r\nP-Visited-Network-ID: \"elsewhere\"\r\n\
         Path: <sip:me@evil.example;lr>\r\nRoute: <sip:evil.example;lr>\r\n\
         Security-Client: ipsec-3gpp;alg=hmac-sha-1-96\r\nRequire: sec-agree, gruu\r\n\
         Proxy-Require: sec-agree\r\nFeature-Caps: *;+g.3gpp.atcf\r\nX-Own: stays\r\n";
    let message = wic.register(lines);
    wic.send(&message);
    let seen = core.request("REGISTER");
    let header = |name| seen.header(name).unwrap_or_default().to_owned();
    assert_eq!(seen.request_uri(), Some(&format!("sip:{HOME}")[..]));
    let path: Vec<&str> = seen.values(HeaderName::Path).collect();
    let mw = core.subject();
    assert_eq!(path.len(), 1, "the WIC's own is removed: {path:?}");
    assert!(path[0].starts_with("<sip:") && path[0].ends_with(&format!("@{mw};lr;ob>")));
    assert!(seen.lists(HeaderName::Require, "path"));
    assert!(
        seen.lists(HeaderName::Require, "gruu") && !seen.lists(HeaderName::Require, "sec-agree")
    );
    assert!(!seen.has(HeaderName::ProxyRequire) && !seen.has(HeaderName::SecurityClient));
    assert!(!seen.has(HeaderName::FeatureCaps));
    for tag in ["path", "outbound", "gruu"] {
        assert!(seen.lists(HeaderName::Supported, tag), "{tag}");
    }
    let next_hop = format!("<sip:{};lr>", core.address());
    assert_eq!(
        seen.values(HeaderName::Route).collect::<Vec<_>>(),
        [&next_hop]
    );
    assert_eq!(
        header(HeaderName::PVisitedNetworkId),
        "\"visited.example.net\""
    );
    let vector = header(HeaderName::PChargingVector);
    let vector = format!(";{vector}");
    let icid = params::find(&vector, "icid-value").expect("an icid");
    assert!(icid.len() > 8 && !icid.contains("mine"), "{vector}");
    assert_eq!(
        params::find(&vector, "icid-generated-at"),
        Some("127.0.0.1")
    );
    assert_eq!(
        params::find(&vector, "orig-ioi"),
        Some(&format!("\"Type 1{HOME}\"")[..])
    );
    assert_eq!(seen.header_named("X-Own"), Some("stays"));
    let contact = header(HeaderName::Contact);
    assert_eq!(Some(&contact[..]), message.header(HeaderName::Contact));
}

/// TS 24.229 §4.5: each REGISTER has a charging identifier of its own.
#[test]
fn no_two_requests_share_an_icid() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let mut vectors = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let message = wic.register_by_digest();
        wic.send(&message);
        let seen = core.request("REGISTER");
        vectors.insert(seen.header(HeaderName::PChargingVector).map(str::to_owned));
        core.accept(&seen, &format!("<{}>", wic.identity()));
        wic.status(200);
    }
    assert_eq!(vectors.len(), 3);
}

/// TS 24.229 §5.2.2.1: the WIC gets its identities and its route, and nothing of the network's own.
#[test]
fn the_200_reaches_the_wic_without_what_is_the_networks() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let message = wic.register_by_digest();
    wic.send(&message);
    let seen = core.request("REGISTER");
    let lines = core.registered(&seen, "<sip:alice@ims.example.net>, <tel:+15550100>");
    let lines = format!(
        "{lines}P-Charging-Vector: icid-value=1;term-ioi=x\r\n\
         P-Charging-Function-Addresses: ccf=192.0.2.1\r\nAuthentication-Info: rspauth=\"00\"\r\n"
    );
    core.answer(&seen, 200, &lines);
    let answer = wic.status(200);
    assert!(!answer.has(HeaderName::PChargingVector));
    assert!(!answer.has(HeaderName::PChargingFunctionAddresses));
    assert!(answer.has(HeaderName::ServiceRoute) && answer.has(HeaderName::PAssociatedUri));
    assert_eq!(
        answer.header_named("Authentication-Info"),
        Some("rspauth=\"00\"")
    );
    assert!(answer.lists(HeaderName::Require, "outbound"));
    assert_eq!(
        answer.header(HeaderName::From),
        message.header(HeaderName::From)
    );
}

/// TS 24.229 §5.2.2.1: a core that says 408 is a time-out of the gateway to it.
#[test]
fn a_core_that_times_out_is_504() {
    let mut subject = Subject::start();
    let (mut core, mut wic) = (subject.core(), subject.wic("alice"));
    let message = wic.register_by_digest();
    wic.send(&message);
    let seen = core.request("REGISTER");
    core.answer(&seen, 408, "");
    wic.status(504);
}
