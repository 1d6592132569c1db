//! The functions as processes of their own: eP-CSCF and eIMS-AGW over Iq, before a core apart.

mod process;

use std::thread;

use process::people::people;
use process::phone::Phone;
use process::ports::free_port;
use process::{Folder, Process, figure, get, run};

const SECRET: &str = "a secret of sixteen characters and more";
const PEOPLE: [(&str, &str); 2] = [("alice", "+15550100"), ("bob", "+15550101")];

/// Core, gateway and edge, the edge ready; and what a gateway needs to be started again.
struct Apart {
    _core: Process,
    gateway: Process,
    edge: Process,
    folder: Folder,
    link: String,
}

impl Apart {
    fn start() -> Self {
        let folder = Folder::new();
        people(&folder, &PEOPLE);
        let (mw, iq) = (free_port(), free_port());
        let core = Process::alone(
            &folder,
            "lab-core",
            &format!(
                "[lab_core]\nlisten = \"127.0.0.1:0\"\ntrusted = [\"127.0.0.1:{mw}\"]\n\
             subscribers = \"people.toml\""
            ),
        );
        let sip = core.logged("sip");
        let link = format!("[iq]\naddress = \"127.0.0.1:{iq}\"\nsecret = \"{SECRET}\"");
        let gateway = Process::alone(&folder, "eims-agw", &link);
        let edge = Process::alone(
            &folder,
            "epcscf",
            &format!(
                "{link}\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [epcscf]\nmw_listen = \"127.0.0.1:{mw}\"\nnext_hop = \"sip:{sip}\"\n\
             allow_no_origin = true\nshards = 2"
            ),
        );
        let apart = Self {
            _core: core,
            gateway,
            edge,
            folder,
            link,
        };
        apart.becomes_ready();
        apart
    }

    /// Waits until the edge can serve.
    fn becomes_ready(&self) {
        let admin = self.edge.logged("admin");
        wait("the eP-CSCF is ready", || get(&admin, "/ready").0 == 200);
    }
}

#[test]
fn a_call_goes_through_three_processes_and_ends_when_the_gateway_goes() {
    let mut apart = Apart::start();
    let w2 = apart.edge.logged("w2");
    let (edge_admin, gateway_admin) = (apart.edge.logged("admin"), apart.gateway.logged("admin"));

    let phone = |name: &'static str, more: &[&str]| {
        let password = format!("of {name}");
        let fixed = [
            "wic",
            "--w2",
            &w2,
            "--insecure",
            "--user",
            name,
            "--password",
            &password,
        ];
        let words: Vec<_> = fixed
            .iter()
            .chain(more)
            .map(|word| (*word).to_owned())
            .collect();
        thread::spawn(move || {
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            let output = run(&words);
            String::from_utf8(output.stdout).expect("text")
        })
    };
    let bob = phone("bob", &["--answer", "--timeout", "50"]);
    wait("bob is registered", || {
        edge_figure(&edge_admin, "isthmus_epcscf_bindings") == 1
    });
    let alice = phone(
        "alice",
        &[
            "--call",
            "tel:+15550101",
            "--duration",
            "0",
            "--timeout",
            "40",
        ],
    );
    wait("media flow", || {
        figure(
            &get(&gateway_admin, "/metrics").1,
            "isthmus_agw_relayed_to_core_total",
        ) > 20
    });

    apart.gateway.terminate();
    assert!(apart.gateway.wait().success());
    for phone in [alice, bob] {
        let said = phone.join().expect("no panic");
        assert!(
            said.contains("\"answered\"") && said.contains("\"ended\""),
            "{said}"
        );
    }
    wait("the eP-CSCF says that it cannot serve", || {
        get(&edge_admin, "/ready").0 == 503
    });
    assert_eq!(get(&edge_admin, "/live").0, 200);

    let _gateway = Process::alone(&apart.folder, "eims-agw", &apart.link);
    apart.becomes_ready();
}

#[test]
fn a_gateway_that_is_killed_takes_its_calls_along_and_no_new_ones_are_made() {
    let mut apart = Apart::start();
    let w2 = apart.edge.logged("w2");
    let mut alice = Phone::start(&w2, "alice", "of alice", &[]);
    let mut bob = Phone::start(&w2, "bob", "of bob", &["--answer"]);
    alice.told("call bob");
    alice.hears("media_connected");
    bob.hears("media_connected");
    apart.gateway.kill();
    for phone in [&mut alice, &mut bob] {
        phone.hears("ended");
    }
    let admin = apart.edge.logged("admin");
    wait("the eP-CSCF says that it cannot serve", || {
        get(&admin, "/ready").0 == 503
    });
    assert_eq!(edge_figure(&admin, "isthmus_epcscf_sessions"), 0);
    alice.told("call bob");
    assert_eq!(alice.hears("ended")["status"], 503);

    let _gateway = Process::alone(&apart.folder, "eims-agw", &apart.link);
    apart.becomes_ready();
    alice.told("call bob");
    alice.hears("answered");
    alice.hears("media_connected");
    alice.told("hangup");
    assert_eq!(bob.hears("ended")["status"], 200);
}

fn edge_figure(admin: &str, name: &str) -> u64 {
    figure(&get(admin, "/metrics").1, name)
}

#[track_caller]
fn wait(what: &str, mut is: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is() {
        assert!(begun.elapsed().as_secs() < 40, "{what}: not within 40 s");
        thread::sleep(std::time::Duration::from_millis(50));
    }
}
