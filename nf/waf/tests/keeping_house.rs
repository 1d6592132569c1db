//! What the operator and time change: accounts, keys, what has expired.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};

use core_credentials::token::{Algorithm, SigningKey};
use core_credentials::{Random, password, pkce};
use nf_waf::{
    Account, Caller, Change, Client, ClientProof, Loaded, PendingSignIn, Settings, SignIn, Waf,
};

const REDIRECT: &str = "https://wwsf.example.net/signed-in";

fn waf() -> Waf {
    let client = Client {
        redirect_uris: vec![REDIRECT.into()],
        ..Client::new("wwsf", ClientProof::Secret("secret".into()))
    };
    let settings = Settings::new("https://waf.example.net/oauth2", "eP-CSCF");
    let mut waf = Waf::new(settings, vec![client], Loaded::default());
    assert_eq!(waf.put_account(account("alice", "password")).len(), 1);
    waf
}

fn account(name: &str, password: &str) -> Account {
    let cost = password::Cost {
        memory: 8,
        passes: 1,
    };
    Account {
        name: name.into(),
        password_hash: password::hash(password, [0; 16], cost)
            .expect("a hash")
            .into(),
        display_name: name.into(),
        impi: format!("{name}@home1.net"),
        impus: vec![format!("sip:{name}@home1.net")],
    }
}

fn begin(waf: &mut Waf, now: u64, password: &str, cross_site: bool) -> SignIn {
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let challenge = pkce::challenge("a verifier");
    let body = format!(
        "response_type=code&client_id=wwsf&redirect_uri={REDIRECT}&code_challenge={challenge}\
         &code_challenge_method=S256&username=alice&password={password}"
    );
    waf.begin_sign_in(
        now,
        &Caller {
            address,
            cross_site,
        },
        &body,
    )
}

fn pending(waf: &mut Waf, now: u64, password: &str) -> PendingSignIn {
    match begin(waf, now, password, false) {
        SignIn::Verify(pending) => pending,
        SignIn::Reply(reply) => panic!("{}", reply.status()),
    }
}

#[test]
fn keys_turn_over_and_old_tokens_stay_good() {
    let mut waf = waf();
    let day = 24 * 3600;
    assert_eq!(waf.signs_with(0), None);
    let keys = [Algorithm::ES256, Algorithm::RS256, Algorithm::ES256]
        .map(|algorithm| SigningKey::generate(algorithm).expect("a key"));
    let kids: Vec<_> = keys.iter().map(|key| key.kid().to_owned()).collect();
    let [first, second, third] = keys;
    assert!(matches!(&waf.adopt_key(0, first)[..], [Change::PutKey(_)]));
    assert_eq!(waf.signs_with(90 * day - 1), Some(Algorithm::ES256));
    assert_eq!(waf.signs_with(90 * day), None, "time for another");
    // The first is published as long as a token that it signed may be out.
    let _ = waf.adopt_key(90 * day, second);
    assert_eq!(waf.signs_with(90 * day), Some(Algorithm::RS256));
    assert_eq!(waf.key_set().keys.len(), 2);
    let changes = waf.adopt_key(180 * day, third);
    assert!(
        changes
            .iter()
            .any(|change| matches!(change, Change::RemoveKey(kid) if *kid == kids[0]))
    );
    let published: Vec<_> = waf
        .key_set()
        .keys
        .into_iter()
        .filter_map(|key| key.kid)
        .collect();
    assert_eq!(published, kids[1..]);
}

#[test]
fn an_account_as_it_was_is_not_written_again() {
    let mut waf = waf();
    assert!(waf.put_account(account("alice", "password")).is_empty());
    assert_eq!(waf.put_account(account("alice", "another")).len(), 1);
    assert!(
        waf.retain_accounts(&HashSet::from(["alice".to_owned()]))
            .is_empty()
    );
    let changes = waf.retain_accounts(&HashSet::new());
    assert!(matches!(&changes[..], [Change::RemoveAccount(name)] if name == "alice"));
}

/// The password was changed, or the account removed, while it was being checked.
#[test]
fn what_was_true_when_it_began_must_be_true_when_it_ends() {
    let mut waf = waf();
    let mut random = Random::new([0; 32]);
    let checked = pending(&mut waf, 0, "password");
    assert!(checked.verify());
    let _ = waf.put_account(account("alice", "another"));
    assert_eq!(
        waf.finish_sign_in(0, &mut random, &checked, true)
            .reply
            .status(),
        403
    );
    let checked = pending(&mut waf, 0, "another");
    let _ = waf.retain_accounts(&HashSet::new());
    assert_eq!(
        waf.finish_sign_in(0, &mut random, &checked, true)
            .reply
            .status(),
        403
    );
}

#[test]
fn a_form_from_another_site_is_refused_before_the_password_is_looked_at() {
    let mut waf = waf();
    for _ in 0..100 {
        let SignIn::Reply(reply) = begin(&mut waf, 0, "password", true) else {
            panic!("it is refused");
        };
        assert_eq!(reply.status(), 400);
    }
    // And counts for nothing: another site must not lock anybody out.
    assert!(matches!(
        begin(&mut waf, 0, "password", false),
        SignIn::Verify(_)
    ));
}

#[test]
fn codes_go_when_they_have_expired() {
    let mut waf = waf();
    let mut random = Random::new([0; 32]);
    for _ in 0..3 {
        let checked = pending(&mut waf, 0, "password");
        assert_eq!(
            waf.finish_sign_in(0, &mut random, &checked, true)
                .changes
                .len(),
            1
        );
    }
    assert!(waf.handle_timeout(59).is_empty());
    assert_eq!(waf.handle_timeout(60).len(), 3);
    assert!(waf.handle_timeout(61).is_empty());
}

#[test]
fn nobody_prints_who_is_who() {
    let mut waf = waf();
    let mut random = Random::new([0; 32]);
    let checked = pending(&mut waf, 0, "password");
    let outcome = waf.finish_sign_in(0, &mut random, &checked, true);
    for printed in [
        format!("{waf:?}"),
        format!("{checked:?}"),
        format!("{:?}", outcome.changes),
    ] {
        assert!(
            !printed.contains("alice") && !printed.contains("argon2"),
            "{printed}"
        );
    }
}
