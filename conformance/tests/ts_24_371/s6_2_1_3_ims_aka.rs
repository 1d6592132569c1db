//! TS 24.371 §6.2.1.3 — WIC, W2 using IMS-AKA.

use conformance::{Edge, HOME};
use core_credentials::aka::{HomeSequence, Milenage, Sqn, nonce, read_key};
use core_credentials::digest::{Algorithm, Credentials, HashedPassword};
use wire_sip::{HeaderName, Message};

// TS 35.208 §4.3.
const K: &str = "465b5ce8b199b49faa5f0a2ee238a6bc";
const OPC: &str = "cd63cb71954a9f4e48a5994e37a02baf";

/// The SIM as a file, which goes with the test.
struct Sim(std::path::PathBuf);

impl Sim {
    fn new(name: &str) -> Self {
        let file = format!("isthmus-sim-{}-{name}.toml", std::process::id());
        let file = std::env::temp_dir().join(file);
        std::fs::write(&file, format!("k = \"{K}\"\nopc = \"{OPC}\"\n")).expect("a file");
        Self(file)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a plain name")
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The home of that SIM, which has dealt out so much already.
fn challenge(sqn: u64) -> (String, Vec<u8>) {
    let key = |hex| read_key(hex).expect("a key");
    let milenage = Milenage::new(key(K), key(OPC));
    let mut home = HomeSequence::after(Sqn::from_number(sqn << 5));
    let vector = home.vector(&milenage, [0x23; 16], [0; 2]);
    let algorithm = Algorithm::AKA_V2_SHA_256;
    let version = algorithm.aka.expect("it is one of AKA");
    let password = version.password(algorithm.hash, &vector.xres, &vector.ik, &vector.ck);
    (nonce(&vector.rand, &vector.autn, b""), password)
}

fn ask(edge: &mut Edge, request: &Message, nonce: &str) {
    let line = format!(
        "WWW-Authenticate: Digest realm=\"{HOME}\", nonce=\"{nonce}\", algorithm=AKAv2-SHA-256, \
         qop=\"auth\"\r\n"
    );
    edge.answer(request, 401, &line);
}

fn knows(request: &Message, password: &[u8]) -> bool {
    let says = request.header(HeaderName::Authorization).expect("it");
    let credentials = Credentials::parse(says).expect("credentials");
    let hash = Algorithm::AKA_V2_SHA_256.hash;
    let password = HashedPassword::new(hash, &format!("alice@{HOME}"), HOME, password);
    credentials.verify(&password, "REGISTER", b"")
}

/// "additionally populate the Authorization header field with the "algorithm" header field parameter
/// set to "AKAv2-SHA-256""; "not include the Security-Client header in the REGISTER request"; "HTTP
/// Digest AKAv2 as defined in RFC 4169 is used"; "IPSec security association set-up is not performed".
#[test]
fn a_wic_with_a_sim_registers_by_akav2_over_its_connection() {
    let sim = Sim::new("fresh");
    let mut edge = Edge::listen();
    let wic = edge.wic(&["--sim", sim.path(), "--stay", "20"]);
    let first = edge.request("REGISTER");
    let says = first.header(HeaderName::Authorization).expect("who it is");
    for word in [
        &format!("username=\"alice@{HOME}\"")[..],
        "algorithm=AKAv2-SHA-256",
        "nonce=\"\"",
        "response=\"\"",
    ] {
        assert!(says.contains(word), "{word}: {says}");
    }
    let (nonce, password) = challenge(1);
    ask(&mut edge, &first, &nonce);
    let second = edge.request("REGISTER");
    assert!(knows(&second, &password), "RES of AKAv2");
    for request in [&first, &second] {
        for line in ["Security-Client", "Security-Verify"] {
            assert_eq!(request.header_named(line), None);
        }
    }
    edge.accept_registration(&second, 600);
    wic.says("registered");
}

/// A challenge that was answered before is not fresh: the SIM says where it stands (RFC 3310 §3.4).
#[test]
fn a_challenge_of_before_is_answered_with_auts() {
    let sim = Sim::new("used");
    let mut edge = Edge::listen();
    let wic = edge.wic(&["--sim", sim.path(), "--stay", "20"]);
    let first = edge.request("REGISTER");
    // SEQ 0 is what a new SIM has taken.
    let old = challenge_of_seq_0();
    ask(&mut edge, &first, &old);
    let failure = edge.request("REGISTER");
    let says = failure.header(HeaderName::Authorization).expect("it");
    assert!(says.contains("auts=\""), "{says}");
    let (nonce, password) = challenge(9);
    ask(&mut edge, &failure, &nonce);
    let second = edge.request("REGISTER");
    assert!(knows(&second, &password));
    edge.accept_registration(&second, 600);
    wic.says("registered");
}

fn challenge_of_seq_0() -> String {
    let key = |hex| read_key(hex).expect("a key");
    let milenage = Milenage::new(key(K), key(OPC));
    let vector = milenage.vector([0x24; 16], Sqn::default(), [0; 2]);
    nonce(&vector.rand, &vector.autn, b"")
}
