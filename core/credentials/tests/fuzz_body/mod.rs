//! What must hold of any bytes: the property tests run it, and the fuzz target.

use core_credentials::auth_header::{AuthHeader, Params};
use core_credentials::digest::{AuthenticationInfo, Challenge, Credentials};
use core_credentials::jwk::JwkSet;
use core_credentials::token::Verifier;
use core_credentials::{aka, bearer, password, pkce};

/// Reads `data` with every parser of this crate. What can be read must print to what reads the same.
pub(crate) fn fuzz(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(header) = AuthHeader::parse(text) {
        let printed = header.to_string();
        let again = AuthHeader::parse(&printed).expect("what was printed is read");
        assert_eq!(again.to_string(), printed);
        assert_eq!(
            again.params().iter().collect::<Vec<_>>(),
            header.params().iter().collect::<Vec<_>>()
        );
    }
    if let Ok(challenge) = Challenge::parse(text) {
        assert_eq!(Challenge::parse(&challenge.to_string()), Ok(challenge));
    }
    if let Ok(credentials) = Credentials::parse(text) {
        assert_eq!(
            Credentials::parse(&credentials.to_string()),
            Ok(credentials)
        );
    }
    if let Ok(info) = AuthenticationInfo::parse(text) {
        assert_eq!(AuthenticationInfo::parse(&info.to_string()), Ok(info));
    }
    if let Ok(Some(challenge)) = bearer::Challenge::parse(text) {
        assert_eq!(
            bearer::Challenge::parse(&challenge.to_string()),
            Ok(Some(challenge))
        );
    }
    if let bearer::Presented::Token(token) = bearer::presented(text) {
        assert!(text.contains(token) && !token.contains([' ', '"', ',']));
    }
    let _ = Params::parse(text);
    if let Some((rand, autn)) = aka::read_nonce(text) {
        assert!(text.starts_with(&aka::nonce(&rand, &autn, b"")[..40]));
    }
    let _ = aka::read_key(text);
    let _ = serde_json::from_str::<JwkSet>(text);
    assert!(Verifier::new("eP-CSCF", 0).verify(text, 0).is_err());
    assert!(!password::verify("password", text));
    let _ = pkce::is_challenge(text);
}
