//! IMS-AKA: TS 24.229 §5.4.1.2.1, §5.4.1.2.2, TS 33.203 §6.1, §X.2.3.
mod common;

use std::time::Duration;

use common::*;
use core_credentials::aka::{self, Milenage, Sqn, Usim, Version, read_nonce};
use core_credentials::digest::{
    Algorithm, Answer, AuthenticationInfo, Challenge, Credentials, HashedPassword,
};
use nf_lab_core::Subscriber;
use wire_sip::{HeaderName, Message};

// TS 35.208 §4.3.
const K: &str = "465b5ce8b199b49faa5f0a2ee238a6bc";
const OPC: &str = "cd63cb71954a9f4e48a5994e37a02baf";
const CONTACT: &str = "<sip:alice@abc.invalid;transport=ws>";

fn lab(password: &str) -> Lab {
    let alice = Subscriber::new("alice", password, DOMAIN, &[]).with_sim(K, OPC);
    Lab::of(&[alice], |_| {})
}

fn milenage() -> Milenage {
    let key = |hex| aka::read_key(hex).expect("a key");
    Milenage::new(key(K), key(OPC))
}

fn impi() -> String {
    format!("alice@{DOMAIN}")
}

/// The first REGISTER of TS 24.371 §6.2.1.3, as an eP-CSCF passes it on.
fn first(lab: &mut Lab, algorithm: &str) -> Message {
    let mut request = lab.register_request("alice", CONTACT);
    request.push_back(
        HeaderName::Authorization,
        format!(
            "Digest username=\"{}\", realm=\"{DOMAIN}\", nonce=\"\", uri=\"sip:{DOMAIN}\", response=\"\", \
             algorithm={algorithm}, integrity-protected=\"tls-connected\"",
            impi()
        ),
    );
    lab.ask(edge(), &request)
}

fn challenge(answer: &Message) -> Challenge {
    assert_eq!(status(answer), 401);
    let value = answer.header(HeaderName::WwwAuthenticate);
    let value = value.expect("a challenge");
    assert!(!value.contains("ck=") && !value.contains("ik="), "{value}");
    Challenge::parse(value).expect("a challenge")
}

/// What a SIM makes of it: the password of the Digest, or AUTS.
fn by_sim(usim: &mut Usim, challenge: &Challenge) -> Result<Vec<u8>, aka::Auts> {
    let (rand, autn) = read_nonce(&challenge.nonce).expect("a nonce of AKA");
    match usim.respond(&rand, &autn) {
        aka::Answer::Response { res, ck, ik } => {
            let version = challenge.algorithm.aka.unwrap_or(Version::V1);
            Ok(version.password(challenge.algorithm.hash, &res, &ik, &ck))
        }
        aka::Answer::SyncFailure { auts } => Err(auts),
        aka::Answer::MacFailure => panic!("our own network"),
    }
}

fn credentials(challenge: &Challenge, password: &[u8], nc: u32) -> Credentials {
    challenge.answer(&Answer {
        username: &impi(),
        password,
        method: "REGISTER",
        uri: &format!("sip:{DOMAIN}"),
        body: b"",
        cnonce: "0a4f113b",
        nc,
    })
}

fn second(lab: &mut Lab, credentials: &Credentials) -> Message {
    let mut request = lab.register_request("alice", CONTACT);
    request.push_back(
        HeaderName::Authorization,
        format!("{credentials}, integrity-protected=\"tls-connected\""),
    );
    lab.ask(edge(), &request)
}

#[test]
fn a_sim_registers_by_either_version() {
    for algorithm in [Algorithm::AKA_V2_SHA_256, Algorithm::AKA_V1_MD5] {
        let mut lab = lab("a password");
        let mut usim = Usim::new(milenage());
        let challenge = challenge(&first(&mut lab, &algorithm.to_string()));
        assert_eq!((challenge.algorithm, challenge.qop.auth), (algorithm, true));
        let password = by_sim(&mut usim, &challenge).unwrap();
        let ours = credentials(&challenge, &password, 1);
        let granted = second(&mut lab, &ours);
        assert_eq!(status(&granted), 200);
        assert_eq!(lab.core.contacts(&impi()), Some(1));
        let proof = granted.header(HeaderName::AuthenticationInfo).unwrap();
        let proof = AuthenticationInfo::parse(proof).unwrap();
        let hashed = HashedPassword::new(algorithm.hash, &impi(), DOMAIN, &password);
        assert!(proof.rspauth.is_some() && ours.confirms(&proof, &hashed, b""));
        // The same challenge again with a higher count, then with the same.
        assert_eq!(
            status(&second(&mut lab, &credentials(&challenge, &password, 2))),
            200
        );
        assert_eq!(
            status(&second(&mut lab, &credentials(&challenge, &password, 2))),
            401
        );
    }
}

/// TS 33.102 §6.3.5 — a SIM that is further than the home says where it stands.
#[test]
fn a_sequence_that_is_behind_is_moved() {
    let mut lab = lab("a password");
    let mut usim = Usim::with_sequence(milenage(), Sqn::from_number(0x1000));
    let old = challenge(&first(&mut lab, "AKAv2-SHA-256"));
    let auts = by_sim(&mut usim, &old).unwrap_err();
    let mut failure = credentials(&old, b"", 1);
    failure.auts = Some(auts);
    let fresh = challenge(&second(&mut lab, &failure));
    assert_ne!(fresh.nonce, old.nonce);
    let password = by_sim(&mut usim, &fresh).expect("it is ahead now");
    assert_eq!(
        status(&second(&mut lab, &credentials(&fresh, &password, 1))),
        200
    );
    // The old challenge is spent.
    assert_eq!(status(&second(&mut lab, &failure)), 401);
}

/// TS 33.102 §C.1.1.3 — a home that begins by the clock is not behind after a restart.
#[test]
fn a_home_that_began_later_is_ahead_of_what_it_dealt_out() {
    let mut usim = Usim::new(milenage());
    for began in [1_790_000_000, 1_790_000_100] {
        let alice = Subscriber::new("alice", "", DOMAIN, &[]).with_sim(K, OPC);
        let mut lab = Lab::of(&[alice], |config| {
            config.first_sequence = Sqn::of_clock(began);
        });
        for _ in 0..3 {
            let asked = challenge(&first(&mut lab, "AKAv2-SHA-256"));
            assert!(by_sim(&mut usim, &asked).is_ok(), "it is fresh");
        }
    }
}

#[test]
fn an_auts_of_somebody_elses_moves_nothing() {
    let mut lab = lab("a password");
    let asked = challenge(&first(&mut lab, "AKAv2-SHA-256"));
    let mut forged = credentials(&asked, b"", 1);
    forged.auts = Some([7; 14]);
    assert_eq!(status(&second(&mut lab, &forged)), 403);
    let next = challenge(&first(&mut lab, "AKAv2-SHA-256"));
    assert!(by_sim(&mut Usim::new(milenage()), &next).is_ok());
}

#[test]
fn a_wrong_response_and_a_wrong_network_are_refused() {
    let mut lab = lab("a password");
    let asked = challenge(&first(&mut lab, "AKAv2-SHA-256"));
    assert_eq!(
        status(&second(&mut lab, &credentials(&asked, b"a password", 1))),
        403
    );
    // One guess a challenge.
    let password = by_sim(&mut Usim::new(milenage()), &asked).unwrap();
    assert_eq!(
        status(&second(&mut lab, &credentials(&asked, &password, 1))),
        401
    );
    // TS 33.203 §6.1.2: the SIM finds the MAC wrong and answers with nothing.
    let asked = challenge(&first(&mut lab, "AKAv2-SHA-256"));
    let mut nothing = credentials(&asked, b"", 1);
    nothing.response.clear();
    assert_eq!(status(&second(&mut lab, &nothing)), 403);
    assert_eq!(lab.core.contacts(&impi()), Some(0));
}

#[test]
fn a_challenge_lasts_four_minutes_and_is_of_its_version() {
    let mut lab = lab("a password");
    let mut usim = Usim::new(milenage());
    let asked = challenge(&first(&mut lab, "AKAv2-SHA-256"));
    let password = by_sim(&mut usim, &asked).unwrap();
    lab.pass(Duration::from_mins(4));
    assert_eq!(
        status(&second(&mut lab, &credentials(&asked, &password, 1))),
        401
    );
    let mut asked = challenge(&first(&mut lab, "AKAv2-SHA-256"));
    let password = by_sim(&mut usim, &asked).unwrap();
    asked.algorithm = Algorithm::AKA_V1_MD5;
    assert_eq!(
        status(&second(&mut lab, &credentials(&asked, &password, 1))),
        403
    );
}

/// TS 24.229 §5.4.1.2.1 — who has nothing but a SIM is asked by it; who has both is asked by what it names.
#[test]
fn a_subscriber_is_asked_by_what_it_has() {
    let mut only_sim = lab("");
    let request = only_sim.register_request("alice", CONTACT);
    let asked = challenge(&only_sim.ask(edge(), &request));
    assert_eq!(asked.algorithm, Algorithm::AKA_V1_MD5);
    let mut both = lab("a password");
    let request = both.register_request("alice", CONTACT);
    assert_eq!(
        challenge(&both.ask(edge(), &request)).algorithm,
        Algorithm::SHA_256
    );
    // Without a SIM there is nothing but the password.
    let mut none = Lab::new();
    assert_eq!(
        challenge(&first(&mut none, "AKAv2-SHA-256")).algorithm,
        Algorithm::SHA_256
    );
}

/// An association of AKA is asked again, whoever says `tls-yes`.
#[test]
fn an_association_is_no_answer_of_a_sims() {
    let mut lab = lab("a password");
    let mut usim = Usim::new(milenage());
    let asked = challenge(&first(&mut lab, "AKAv2-SHA-256"));
    let password = by_sim(&mut usim, &asked).unwrap();
    assert_eq!(
        status(&second(&mut lab, &credentials(&asked, &password, 1))),
        200
    );
    assert_eq!(status(&first(&mut lab, "AKAv2-SHA-256")), 401);
}
