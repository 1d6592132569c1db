//! Guests where each function is a process of its own: who signs in is lent an identity of the pool, and
//! the eP-CSCF gives it back over the network (TS 24.371 §6.3.2, §6.4.3, §6A.3).

mod process;

use std::process::Output;

use process::authority::Authority;
use process::ports::free_port;
use process::{Folder, HOME, Process, figure, get, run};

const SECRET: &str = "a secret of sixteen characters and more";
const PEOPLE: [&str; 2] = ["alice", "bob"];

/// Four processes and what signs their certificates, with a pool of one.
struct Operator {
    folder: Folder,
    waf: Process,
    waf_words: String,
    edge: Process,
    wwsf: Process,
    _core: Process,
}

impl Operator {
    fn start() -> Self {
        let folder = Folder::new();
        let authority = Authority::new();
        folder.write("authority.pem", &authority.pem);
        let issued = authority.issue(&["127.0.0.1", "localhost"]);
        folder.write("chain.pem", &issued.certificate);
        folder.write("key.pem", &issued.key);
        let tls = "[tls]\ncertificate = \"chain.pem\"\nkey = \"key.pem\"";
        let (mw, waf_port) = (free_port(), free_port());
        let issuer = format!("https://127.0.0.1:{waf_port}/oauth2");

        let guest = format!("guest1@{HOME}");
        let people = format!(
            "[[subscriber]]\nname = \"guest1\"\npassword = \"nobody's\"\nimpi = \"{guest}\"\n\
             impus = [\"sip:{guest}\"]\n"
        );
        folder.write("people.toml", &people);
        let core = format!(
            "home_domain = \"{HOME}\"\n[lab_core]\nlisten = \"127.0.0.1:0\"\n\
             trusted = [\"127.0.0.1:{mw}\"]\nsubscribers = \"people.toml\""
        );
        let core = Process::alone(&folder, "lab-core", &core);
        let sip = core.logged("sip");

        let accounts = PEOPLE.map(|name| {
            format!(
                "[[waf.accounts]]\nname = \"{name}\"\npassword = \"of {name}, a long one\"\n\
                 impi = \"{name}@{HOME}\"\nimpus = [\"sip:{name}@{HOME}\"]\n"
            )
        });
        let waf_words = format!(
            "{tls}\n[http]\nlisten = \"127.0.0.1:{waf_port}\"\n\
             [waf]\nissuer = \"{issuer}\"\n\
             [[waf.clients]]\nid = \"wwsf\"\nsecret = \"{SECRET}\"\npool = true\n\
             redirect_uris = [\"https://127.0.0.1/signed-in\"]\n\
             [[waf.clients]]\nid = \"edge\"\nsecret = \"{SECRET}\"\nedge = true\n\
             [waf.pool]\nreuse_at_once = true\n\
             [[waf.pool.identities]]\nimpi = \"{guest}\"\nimpus = [\"sip:{guest}\"]\n{}",
            accounts.concat()
        );
        let waf = Process::alone(&folder, "waf", &waf_words);

        let edge = format!(
            "home_domain = \"{HOME}\"\n{tls}\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [epcscf]\nmw_listen = \"127.0.0.1:{mw}\"\nnext_hop = \"sip:{sip}\"\n\
             allow_no_origin = true\nshards = 2\n\
             [epcscf.token]\nissuer = \"{issuer}\"\ntrust = [\"authority.pem\"]\n\
             client_id = \"edge\"\nclient_secret = \"{SECRET}\""
        );
        let edge = Process::alone(&folder, "epcscf", &edge);
        let w2 = edge.logged("w2");

        let wwsf = format!(
            "home_domain = \"{HOME}\"\n{tls}\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [wwsf]\nissuer = \"{issuer}\"\nw4_trust = [\"authority.pem\"]\n\
             client_id = \"wwsf\"\nclient_secret = \"{SECRET}\"\nguests = \"signed_in\"\nw2 = \"{w2}\""
        );
        let wwsf = Process::alone(&folder, "wwsf", &wwsf);
        let operator = Self {
            folder,
            waf,
            waf_words,
            edge,
            wwsf,
            _core: core,
        };
        // The edge asks for the WAF's keys by and by.
        operator.edge.wait_for("the WAF's keys are here");
        // What was lent up to the second in which the edge began is not known to it, and refused.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        operator
    }

    /// Signs in as a person does, registers, and stays for so many seconds.
    fn comes(&self, name: &str, stay: &str) -> Output {
        let page = format!("https://{}/", self.wwsf.logged("https"));
        let password = format!("of {name}, a long one");
        let ca = self.folder.path().join("authority.pem");
        let ca = ca.to_str().expect("a plain name");
        let words = ["wic", "--sign-in", &page, "--ca", ca, "--user", name];
        let more = ["--password", &password, "--stay", stay];
        run(&[&words[..], &more].concat())
    }

    fn waf(&self, name: &str) -> u64 {
        figure(&get(&self.waf.logged("admin"), "/metrics").1, name)
    }

    /// Its figures are a second late.
    fn edge_says(&self, name: &str, wanted: u64) {
        let begun = std::time::Instant::now();
        while figure(&get(&self.edge.logged("admin"), "/metrics").1, name) != wanted {
            assert!(begun.elapsed().as_secs() < 40, "{name} is not {wanted}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    fn waf_says(&self, name: &str, wanted: u64) {
        let begun = std::time::Instant::now();
        while self.waf(name) != wanted {
            assert!(begun.elapsed().as_secs() < 40, "{name} is not {wanted}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}

#[track_caller]
fn is_guest(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    let identities = format!("\"identities\":[\"sip:guest1@{HOME}\"]");
    assert!(said.contains(&identities), "{said}");
    // "There is no linkage between the user's web identity … and the assigned IMS identities".
    assert!(!said.contains("sip:alice@") && !said.contains("sip:bob@"));
}

#[test]
fn who_signs_in_is_lent_an_identity_that_comes_back_over_the_network() {
    let mut operator = Operator::start();
    std::thread::scope(|scope| {
        let alice = scope.spawn(|| operator.comes("alice", "4"));
        operator.waf_says("isthmus_waf_lent", 1);
        // The pool has one: bob is told so.
        let bob = operator.comes("bob", "0");
        let said = String::from_utf8_lossy(&bob.stdout).into_owned();
        assert_eq!(bob.status.code(), Some(1), "{said}");
        assert!(said.contains("pool_exhausted"), "{said}");
        is_guest(&alice.join().expect("no panic"));
    });
    operator.waf_says("isthmus_waf_given_back", 1);
    is_guest(&operator.comes("bob", "0"));
    operator.waf_says("isthmus_waf_given_back", 2);

    operator.edge_says("isthmus_epcscf_bindings", 0);

    // A WAF that is down when somebody leaves is told when it is back.
    std::thread::scope(|scope| {
        let alice = scope.spawn(|| operator.comes("alice", "3"));
        operator.waf_says("isthmus_waf_lent", 3);
        // Not while she signs in.
        operator.edge_says("isthmus_epcscf_bindings", 1);
        operator.waf.terminate();
        is_guest(&alice.join().expect("no panic"));
    });
    assert!(operator.waf.wait().success());
    operator.waf = Process::alone(&operator.folder, "waf", &operator.waf_words);
    operator.waf_says("isthmus_waf_given_back", 1);
    is_guest(&operator.comes("bob", "0"));
}
