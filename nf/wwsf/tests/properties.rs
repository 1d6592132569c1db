//! What comes back on W4 is another's: whatever it is, it is read or refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core_credentials::Random;
use nf_wwsf::w4::{Granted, Introspection, Tokens};
use nf_wwsf::{Cookies, Guests, Origin, Request, Settings, Visit, Wwsf};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// JSON that is nearly what a server answers with: names that are known, values that are anything.
fn answer() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("access_token"),
        Just("token_type"),
        Just("expires_in"),
        Just("refresh_token"),
        Just("scope"),
        Just("error"),
        Just("active"),
        Just("sub"),
        Just("impi"),
        Just("impu"),
        Just("name"),
    ];
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!("Bearer")),
        Just(json!("webrtc-ims-client-access-to-ims")),
        Just(json!("guest1@home1.net")),
        Just(json!(["sip:guest1@home1.net"])),
        Just(json!(["sip:guest1@home1.net", 7, null])),
        Just(json!({ "deep": [{}] })),
    ];
    proptest::collection::vec((name, value), 0..12).prop_map(|members| {
        let members = members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Value::Object(members.collect::<Map<_, _>>())
    })
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        answer().prop_map(|value| value.to_string().into_bytes()),
        (answer(), any::<proptest::sample::Index>()).prop_map(|(value, at)| {
            let text = value.to_string().into_bytes();
            text[..at.index(text.len())].to_vec()
        }),
    ]
}

fn request<'a>(cookies: &'a Cookies<'a>) -> Request<'a> {
    Request {
        origin: Origin::new(true, "localhost:8443").expect("an origin"),
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        cookies,
        said_origin: None,
        fetch_site: None,
        requested_with: Some("wic"),
        if_none_match: None,
    }
}

proptest! {
    /// RFC 6749 §5.1, §5.2, RFC 7662 §2.2
    #[test]
    fn any_octets_are_read_or_refused(status in 100..600_u16, octets in octets()) {
        let tokens = Tokens::read(status, &octets);
        prop_assert!(tokens.is_err() || status == 200);
        let introspection = Introspection::read(status, &octets);
        prop_assert!(introspection.is_err() || status == 200);
    }

    /// Whatever the WAF says of whatever it gave, a visitor has a whole identity or none, and a session ends when it says.
    #[test]
    fn a_visitor_has_a_whole_identity_or_none(
        token in answer(),
        said in answer(),
        within in any::<bool>(),
        clock in prop_oneof![Just(1_800_000_000), any::<u64>()],
    ) {
        let mut token = token;
        token["token_type"] = json!("Bearer");
        token["access_token"] = json!("a token");
        // What is said stands in place of what would be good.
        let mut good = json!({
            "active": true, "sub": "wwsf", "scope": "webrtc-ims-client-access-to-ims",
            "impi": "guest1@home1.net", "impu": ["sip:guest1@home1.net"],
        });
        if let (Value::Object(good), Value::Object(said)) = (&mut good, said) {
            good.extend(said);
        }
        let said = good;
        if within {
            // A server without introspection: the token itself says it.
            let payload = URL_SAFE_NO_PAD.encode(said.to_string());
            token["access_token"] = json!(format!("e30.{payload}.sig"));
        }
        let Ok(tokens) = Tokens::read(200, token.to_string().as_bytes()) else {
            return Ok(());
        };
        let introspection = if within {
            Introspection::of_token(&tokens)
        } else {
            Introspection::read(200, said.to_string().as_bytes())
        };
        let Ok(introspection) = introspection else {
            return Ok(());
        };
        let settings = Settings { guests: Guests::Anonymous, ..Settings::new("wwsf", "home1.net") };
        let mut wwsf = Wwsf::new(settings, Vec::new());
        let cookies = Cookies::default();
        let request = request(&cookies);
        let mut random = Random::new([7; 32]);
        let clock = clock.min(u64::MAX / 2);
        let begun = wwsf.begin_visit(clock, &request, &mut random);
        let Visit::Ask { visitor, .. } = begun else {
            return Err(TestCaseError::fail("there is room"));
        };
        let granted = Ok(Granted { tokens, introspection });
        let outcome = wwsf.visited(clock, &mut random, &request, visitor, granted);
        let let_in = outcome.reply.status() == 200;
        prop_assert_eq!(outcome.changes.len(), usize::from(let_in));
        let whole = said["impi"].as_str().is_some_and(|impi| !impi.is_empty());
        prop_assert!(!let_in || whole, "{said}");
    }
}
