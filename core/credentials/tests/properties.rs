//! Every parser here, fed with what nobody sane would send.

mod fuzz_body;

use core_credentials::aka::{self, HomeSequence, Milenage, Sqn, Usim};
use core_credentials::auth_header::AuthHeader;
use core_credentials::bearer;
use core_credentials::digest::{
    Algorithm, Answer, Challenge, Credentials, Hash, HashedPassword, QopSet,
};
use core_credentials::jwk::JwkSet;
use core_credentials::token::{SigningKey, Verifier};
use fuzz_body::fuzz;
use proptest::prelude::*;

/// Pieces from which values that are almost right are made.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "Digest ",
        "Bearer ",
        "realm",
        "nonce",
        "=",
        "\"",
        "\\",
        ",",
        " ",
        "qop",
        "auth",
        "auth-int",
        "nc=00000001",
        "cnonce=\"c\"",
        "username=\"a\"",
        "uri=\"sip:b\"",
        "response=\"0\"",
        "realm=\"r\"",
        "nonce=\"n\"",
        "algorithm=SHA-256",
        "algorithm=AKAv2-SHA-256",
        "auts=\"Zm91cnRlZW4gYnl0ZXM=\"",
        "qop=auth",
        ", ",
        "é",
        "\r\n ",
        "access_token=",
        ".",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_parser_falls_over_noise(data in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz(&data);
    }

    #[test]
    fn no_parser_falls_over_what_is_almost_right(text in pieces()) {
        fuzz(text.as_bytes());
    }

    #[test]
    fn any_text_survives_quoting(value in "[^\\x00-\\x1f\\x7f-\\u{9f}]{0,60}") {
        let mut header = AuthHeader::new("Digest");
        header.params_mut().set_quoted("realm", &value);
        let printed = header.to_string();
        let read = AuthHeader::parse(&printed).unwrap();
        prop_assert_eq!(read.params().value("realm").unwrap(), value.as_str());
    }

    /// Whatever the two sides agree on, the right password verifies after print and parse, and a
    /// request with another URI does not.
    #[test]
    fn what_the_client_answers_the_server_takes(
        username in "[ -~]{1,20}", realm in "[ -~]{1,20}", secret in "\\PC{0,20}",
        uri in "[!-~]{1,30}", nc in 1u32.., hash in 0..3usize, session: bool, auth: bool, auth_int: bool,
        userhash: bool, body in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let hash = [Hash::Md5, Hash::Sha256, Hash::Sha512Trunc256][hash];
        let challenge = Challenge {
            qop: QopSet { auth, auth_int },
            userhash,
            ..Challenge::new(&realm, "nonce", Algorithm { hash, session, aka: None })
        };
        let challenge = Challenge::parse(&challenge.to_string()).unwrap();
        let answer = Answer {
            username: &username, password: secret.as_bytes(), method: "REGISTER", uri: &uri,
            body: &body, cnonce: "cnonce", nc,
        };
        let mut credentials = Credentials::parse(&challenge.answer(&answer).to_string()).unwrap();
        let stored = HashedPassword::new(hash, &username, &realm, secret.as_bytes());
        prop_assert!(credentials.is_for(&username));
        prop_assert!(credentials.verify(&stored, "REGISTER", &body));
        credentials.uri.push('x');
        prop_assert!(!credentials.verify(&stored, "REGISTER", &body));
    }

    /// Wherever a SIM and its home stand, they agree after one resynchronisation at most; and what
    /// was taken once is not taken again.
    #[test]
    fn a_sim_and_its_home_find_together(
        k: [u8; 16], opc: [u8; 16], home in 0..1u64 << 47, sim in 0..1u64 << 47,
        rands: [[u8; 16]; 2], amf: [u8; 2],
    ) {
        let milenage = Milenage::new(k, opc);
        let mut home = HomeSequence::after(Sqn::from_number(home));
        let mut usim = Usim::with_sequence(milenage.clone(), Sqn::from_number(sim));
        let mut vector = home.vector(&milenage, rands[0], amf);
        if let aka::Answer::SyncFailure { auts } = usim.respond(&vector.rand, &vector.autn) {
            prop_assert!(home.resynchronise(&milenage, &vector.rand, &auts));
            vector = home.vector(&milenage, rands[1], amf);
            let answer = usim.respond(&vector.rand, &vector.autn);
            let aka::Answer::Response { res, .. } = answer else {
                return Err(TestCaseError::fail("no answer after resynchronisation"));
            };
            prop_assert_eq!(res, vector.xres);
        }
        let again = usim.respond(&vector.rand, &vector.autn);
        let refused = matches!(again, aka::Answer::SyncFailure { .. });
        prop_assert!(refused);
    }

    /// A token with any one character changed is refused, or is the same token.
    #[test]
    fn no_changed_token_is_taken(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_.-]") {
        let key = signing_key();
        let mut verifier = Verifier::new("eP-CSCF", 0);
        verifier.set_keys("waf", &JwkSet { keys: vec![key.jwk().clone()] }).unwrap();
        let claims = core_credentials::token::Claims {
            iss: "waf".into(), sub: "alice".into(), aud: vec!["eP-CSCF".into()], exp: 10,
            scope: bearer::SCOPE.into(), impi: "a".into(), impu: vec!["b".into()],
            ..Default::default()
        };
        let token = key.issue(&claims).unwrap().into_exposed();
        prop_assert!(verifier.verify(&token, 0).is_ok());
        let at = at.index(token.len());
        let mut changed = token.clone();
        changed.replace_range(at..=at, &to);
        prop_assert_eq!(verifier.verify(&changed, 0).is_ok(), changed == token);
    }
}

fn signing_key() -> &'static SigningKey {
    static KEY: std::sync::OnceLock<SigningKey> = std::sync::OnceLock::new();
    KEY.get_or_init(|| {
        SigningKey::generate(core_credentials::token::Algorithm::ES256)
            .expect("the library makes keys")
    })
}
