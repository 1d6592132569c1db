//! The one command that a newcomer runs: two phones without a browser register and call through it.

mod process;

use std::process::Output;
use std::thread;

use process::{Folder, HOME, Process, get, run};

/// Runs `isthmus wic`; what it prints is one JSON object a line.
fn wic(w2: &str, user: &str, password: &str, more: &[&str]) -> Output {
    let mut words = vec![
        "wic",
        "--w2",
        w2,
        "--insecure",
        "--user",
        user,
        "--password",
        password,
    ];
    words.extend(more);
    run(&words)
}

#[track_caller]
fn good(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

#[test]
fn a_phone_registers_by_digest_with_and_without_tls_in_any_shard() {
    let folder = Folder::new();
    let product = Process::all_in_one(&folder, &["--shards", "3"]);
    let password = product.password("alice");
    for w2 in product.w2() {
        // Each has an instance of its own, and with it a shard of its own.
        for _ in 0..2 {
            good(&wic(&w2, "alice", &password, &[]));
        }
        let wrong = wic(&w2, "alice", "a wrong one", &[]);
        assert_eq!(
            wrong.status.code(),
            Some(1),
            "{}",
            String::from_utf8_lossy(&wrong.stdout)
        );
    }
    product.wait_for_figure("isthmus_epcscf_registered_total", 4);
    product.wait_for_figure("isthmus_epcscf_registration_refused_total", 2);
    // Those that went took their registrations along.
    product.wait_for_figure("isthmus_epcscf_flows", 0);
    product.wait_for_figure("isthmus_epcscf_bindings", 0);
    assert_eq!(product.admin("/ready").0, 200);
    assert_eq!(product.admin("/live").0, 200);
    let log = product.printed();
    assert!(
        !log.contains("a wrong one"),
        "no password in the log: {log}"
    );
}

#[test]
fn one_calls_the_other_and_no_context_stays() {
    let folder = Folder::new();
    let product = Process::all_in_one(&folder, &["--shards", "2"]);
    let [wss, ws] = product.w2();
    let (alice, bob) = (product.password("alice"), product.password("bob"));
    let callee = thread::spawn(move || wic(&ws, "bob", &bob, &["--answer", "--timeout", "50"]));
    product.wait_for_figure("isthmus_epcscf_bindings", 1);
    let caller = good(&wic(
        &wss,
        "alice",
        &alice,
        &[
            "--call",
            "tel:+15550101",
            "--duration",
            "1",
            "--timeout",
            "40",
        ],
    ));
    let callee = good(&callee.join().expect("no panic"));
    assert!(caller.contains("\"answered\""), "{caller}");
    assert!(
        callee.contains("alice") || callee.contains("+15550100"),
        "it says who calls: {callee}"
    );
    assert!(product.figure("isthmus_agw_relayed_to_core_total") > 20);
    product.wait_for_figure("isthmus_epcscf_sessions", 0);
    product.wait_for_figure("isthmus_agw_contexts", 0);
}

#[test]
fn told_to_end_it_releases_what_does_not_end_and_goes() {
    let folder = Folder::new();
    let file = folder.write("short.toml", "drain_seconds = 1\n");
    let file = file.to_str().expect("a plain name");
    let mut product = Process::all_in_one(&folder, &["--config", file, "--shards", "2"]);
    let [_, ws] = product.w2();
    let (alice, bob) = (product.password("alice"), product.password("bob"));
    let bobs = ws.clone();
    let callee = thread::spawn(move || wic(&bobs, "bob", &bob, &["--answer", "--timeout", "50"]));
    product.wait_for_figure("isthmus_epcscf_bindings", 1);
    let target = format!("sip:bob@{HOME}");
    let caller = thread::spawn(move || {
        wic(
            &ws,
            "alice",
            &alice,
            &["--call", &target, "--duration", "0", "--timeout", "40"],
        )
    });
    product.wait_for_figure("isthmus_epcscf_answered_total", 2);
    let url = product.wait_for("Metrics and health: http://");
    let admin = url.split('/').next().expect("an address");
    product.terminate();
    let begun = std::time::Instant::now();
    while get(admin, "/ready").0 != 503 {
        assert!(begun.elapsed().as_secs() < 5, "it still takes work");
    }
    assert!(product.wait().success());
    for phone in [caller, callee] {
        let said = phone.join().expect("no panic").stdout;
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(said.contains("ended"), "its call was released: {said}");
    }
}

#[test]
fn without_calls_it_goes_at_once_and_comes_back_as_it_was() {
    let folder = Folder::new();
    let mut product = Process::all_in_one(&folder, &[]);
    let password = product.password("carol");
    product.terminate();
    let begun = std::time::Instant::now();
    assert!(product.wait().success());
    assert!(begun.elapsed().as_secs() < 5);
    let again = Process::all_in_one(&folder, &[]);
    assert_eq!(again.password("carol"), password);
}
