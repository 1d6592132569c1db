//! IMS-AKA through the whole product: a SIM in a file against the laboratory's core, over TLS
//! (TS 24.371 §6.2.1.3, §6.4.1.3, TS 33.203 §X.2.3).

mod process;

use std::process::Output;

use process::{Folder, HOME, Process, run};

// TS 35.208 §4.3.
const K: &str = "465b5ce8b199b49faa5f0a2ee238a6bc";
const OPC: &str = "cd63cb71954a9f4e48a5994e37a02baf";

/// Erin has a SIM and no password, frank has both. The keys of the SIM stand in `erin.sim`.
fn product(folder: &Folder, epcscf: &str) -> Process {
    let of = |name: &str, more: &str| {
        format!(
            "[[subscriber]]\nname = \"{name}\"\nimpi = \"{name}@{HOME}\"\n\
             impus = [\"sip:{name}@{HOME}\"]\nk = \"{K}\"\nopc = \"{OPC}\"\n{more}\n"
        )
    };
    let people = [of("erin", ""), of("frank", "password = \"of franks\"\n")].concat();
    let people = folder.write("people.toml", &people);
    sim(folder, "erin.sim", K, "");
    let text = format!(
        "[lab_core]\nsubscribers = {:?}\n\n[epcscf]\n{epcscf}\n",
        people.to_str().expect("a plain name")
    );
    let file = folder.write("sims.toml", &text);
    let file = file.to_str().expect("a plain name");
    Process::all_in_one(folder, &["--config", file])
}

fn sim(folder: &Folder, name: &str, k: &str, more: &str) {
    folder.write(name, &format!("k = \"{k}\"\nopc = \"{OPC}\"\n{more}\n"));
}

/// Runs `isthmus wic` with a SIM.
fn wic(folder: &Folder, product: &Process, user: &str, sim: &str, more: &[&str]) -> Output {
    let [wss, _] = product.w2();
    let sim = folder.path().join(sim);
    let sim = sim.to_str().expect("a plain name");
    let mut words = vec!["wic", "--w2", &wss, "--insecure", "--user", user];
    words.extend(["--sim", sim]);
    words.extend(more);
    run(&words)
}

#[track_caller]
fn registers(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(said.contains("\"registered\""), "{said}");
}

#[track_caller]
fn fails(output: &Output, why: &str) {
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(why), "{said}");
}

#[test]
fn a_sim_registers_over_wss_whether_there_is_a_password_or_not() {
    let folder = Folder::new();
    let product = product(&folder, "");
    registers(&wic(&folder, &product, "erin", "erin.sim", &[]));
    registers(&wic(&folder, &product, "frank", "erin.sim", &[]));
    product.wait_for_figure("isthmus_epcscf_registered_total", 2);
    // They left, and nothing stays.
    product.wait_for_figure("isthmus_epcscf_bindings", 0);
    let log = product.printed();
    assert!(!log.contains(K) && !log.contains(OPC), "no key in the log");
}

/// TS 24.371 §6.4.1.1: AKAv2-SHA-256 alone, unless the operator lets older clients in.
#[test]
fn version_1_is_for_those_who_are_let_in() {
    let folder = Folder::new();
    let strict = product(&folder, "");
    fails(
        &wic(&folder, &strict, "erin", "erin.sim", &["--aka-v1"]),
        "\"registration_failed\"",
    );
    drop(strict);
    let folder = Folder::new();
    let lenient = product(&folder, "akav1 = true");
    for version in [&["--aka-v1"][..], &[]] {
        registers(&wic(&folder, &lenient, "erin", "erin.sim", version));
    }
}

/// TS 33.102 §6.3.5, RFC 3310 §3.4 — and what a SIM says counts for the next time, too.
#[test]
fn a_sim_that_is_ahead_brings_its_home_along() {
    let folder = Folder::new();
    let product = product(&folder, "");
    // A year that the home's clock has not come to.
    sim(&folder, "ahead.sim", K, "sqn = \"0fffffff0000\"");
    let ahead = || wic(&folder, &product, "erin", "ahead.sim", &[]);
    let challenged = || product.figure("isthmus_lab_core_challenges_total");
    registers(&ahead());
    product.wait_for_figure("isthmus_lab_core_challenges_total", 2);
    registers(&ahead());
    product.wait_for_figure("isthmus_lab_core_registrations_total", 4);
    assert_eq!(challenged(), 3, "the home is ahead now");
}

/// A home that was started again goes on after what it dealt out before: its clock says where.
#[test]
fn a_home_that_was_started_again_needs_not_be_told() {
    let folder = Folder::new();
    let mut first = product(&folder, "");
    registers(&wic(&folder, &first, "erin", "erin.sim", &[]));
    first.terminate();
    assert!(first.wait().success());
    // Where a SIM may stand that was challenged a thousand times this hour.
    let clock = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
    let sqn = core_credentials::aka::Sqn::of_clock(clock.as_secs() - 3600).number() + (1000 << 5);
    sim(&folder, "used.sim", K, &format!("sqn = \"{sqn:012x}\""));
    let again = product(&folder, "");
    registers(&wic(&folder, &again, "erin", "used.sim", &[]));
    again.wait_for_figure("isthmus_lab_core_challenges_total", 1);
}

/// TS 24.229 §5.1.1.5.3, TS 33.203 §6.1.2 — neither side takes the other at its word.
#[test]
fn a_sim_of_another_network_and_a_wrong_one_are_refused() {
    let folder = Folder::new();
    let product = product(&folder, "");
    let other = K.replace('4', "5");
    sim(&folder, "other.sim", &other, "");
    fails(
        &wic(&folder, &product, "erin", "other.sim", &[]),
        "\"registration_failed\"",
    );
    // Who has no SIM is not asked by one.
    let [wss, _] = product.w2();
    let words = ["wic", "--w2", &wss, "--insecure", "--user", "erin"];
    let by_password = run(&[&words[..], &["--password", "guessed"]].concat());
    fails(&by_password, "\"registration_failed\"");
    registers(&wic(&folder, &product, "erin", "erin.sim", &[]));
}
