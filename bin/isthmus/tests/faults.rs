//! What an operator reads when something is wrong: one sentence, file and line, exit code 2.

mod process;

use std::net::{TcpListener, UdpSocket};

use process::{Folder, run};

/// The sentence of a start that must fail.
fn fault(words: &[&str]) -> String {
    let output = run(words);
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.lines().count(), 1, "one sentence: {said}");
    said
}

fn fault_of(function: &str, configuration: &str) -> String {
    let folder = Folder::new();
    let file = folder.write("it.toml", configuration);
    let file = file.to_str().expect("a plain name");
    let said = fault(&[function, "--config", file]);
    said.replace(file, "it.toml")
}

#[test]
fn an_unknown_key_is_named_with_file_and_line() {
    for function in ["check", "epcscf", "eims-agw", "wwsf", "waf", "lab-core"] {
        let said = fault_of(
            function,
            "[admin]\nlisten = \"127.0.0.1:0\"\n\n[log]\nlevl = \"info\"\n",
        );
        assert!(said.starts_with("isthmus: it.toml:5: "), "{said}");
        assert!(said.contains("levl"), "{said}");
    }
}

#[test]
fn a_value_that_cannot_be_is_named_with_file_and_line() {
    let said = fault_of("check", "[epcscf]\nnext_hop = \"icscf.example.net\"\n");
    assert!(
        said.starts_with("isthmus: it.toml:2: epcscf.next_hop: "),
        "{said}"
    );
    let said = fault_of(
        "check",
        "[gateway]\nsymmetric_rtp = true\nmax_contexts = 0\n",
    );
    assert!(
        said.starts_with("isthmus: it.toml:3: gateway.max_contexts: "),
        "{said}"
    );
}

#[test]
fn an_address_that_the_machine_does_not_have_is_named_with_its_key() {
    let said = fault_of(
        "eims-agw",
        "[admin]\nlisten = \"127.0.0.1:0\"\n[gateway]\naddresses = [\"192.0.2.20\"]\n\
         [iq]\naddress = \"127.0.0.1:0\"\nsecret = \"long enough for this\"\n",
    );
    assert!(said.contains("this machine has no such address"), "{said}");
    assert!(said.contains("gateway.addresses"), "{said}");
}

#[test]
fn check_finds_what_a_start_would() {
    for (configuration, word) in [
        ("[log]\nlevel = \"info,x=y=z\"\n", "log.level"),
        (
            "[iq]\naddress = \"127.0.0.1:1\"\n",
            "it.toml:1: iq needs either `secret` or `secret_file`",
        ),
        (
            "[http]\nlisten = \"127.0.0.1:18443\"\nplain_listen = \"127.0.0.1:18443\"\n",
            "it.toml:3: http.plain_listen: ",
        ),
        (
            "[tls]\nkey = \"gone.pem\"\ncertificate = \"gone.pem\"\n",
            "it.toml:3: tls.certificate: ",
        ),
        (
            "[iq]\naddress = \"127.0.0.1:1\"\nsecret = \"short\"\n",
            "16 octets",
        ),
        (
            "[iq]\naddress = \"192.0.2.1:1\"\nsecret = \"long enough for this\"\ntls = false\n",
            "iq.tls",
        ),
        (
            "[admin]\nhosts = [\"admin.example.net:9090\"]\n",
            "admin.hosts",
        ),
        ("[admin]\nhosts = [\"*.example.net\"]\n", "admin.hosts"),
        (
            "[mmtel_es.calls]\nue_channel_seconds = 0\n",
            "mmtel_es.calls.ue_channel_seconds",
        ),
        (
            "[mmtel_es.calls]\nanswer_seconds = 18446744073709551615\n",
            "mmtel_es.calls.answer_seconds",
        ),
    ] {
        let said = fault_of("check", configuration);
        assert!(said.contains(word), "{said}");
    }
}

/// Files that are named are read before anything runs, and what stands in them is named by its key and its line.
#[test]
fn files_of_the_enabler_and_of_its_edges_are_read() {
    let folder = Folder::new();
    folder.write("short", "a secret\n");
    folder.write("long", "a-secret-that-is-long-enough\n");
    folder.write("none.pem", "no key\n");
    let ports = "[admin]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n";
    let repository = |url: &str, secret: &str, more: &str| {
        format!("[epcscf.repository]\nurl = \"{url}\"\nsecret = \"{secret}\"\n{more}")
    };
    let good = "https://es.example.net";
    for (function, configuration, line, key) in [
        (
            "mmtel-es",
            "[mmtel_es]\nsigning_key = \"none.pem\"\n".into(),
            6,
            "mmtel_es.signing_key",
        ),
        (
            "mmtel-es",
            "[mmtel_es]\nsigning_key = \"gone.pem\"\n".into(),
            6,
            "mmtel_es.signing_key",
        ),
        (
            "mmtel-es",
            "[mmtel_es]\nrepository_secret = \"short\"\n".into(),
            6,
            "mmtel_es.repository_secret",
        ),
        (
            "mmtel-es",
            "[mmtel_es.notifications]\ntrust = [\"none.pem\"]\n".into(),
            6,
            "mmtel_es.notifications.trust",
        ),
        (
            "epcscf",
            repository("ftp://es.example.net", "long", ""),
            6,
            "epcscf.repository.url",
        ),
        (
            "epcscf",
            repository(good, "short", ""),
            7,
            "epcscf.repository.secret",
        ),
        (
            "epcscf",
            repository(good, "gone", ""),
            7,
            "epcscf.repository.secret",
        ),
        (
            "epcscf",
            repository(good, "long", "trust = [\"none.pem\"]\n"),
            8,
            "epcscf.repository.trust",
        ),
        (
            "epcscf",
            repository(good, "long", "timeout_seconds = 0\n"),
            8,
            "epcscf.repository.timeout_seconds",
        ),
    ] {
        let configuration: String = configuration;
        let file = folder.write("it.toml", &format!("{ports}{configuration}"));
        let file = file.to_str().expect("a plain name");
        for function in ["check", function] {
            let said = fault(&[function, "--config", file]).replace(file, "it.toml");
            let place = format!("isthmus: it.toml:{line}: {key}: ");
            assert!(said.starts_with(&place), "{function}: {said}");
        }
    }
}

/// An edge with nobody to ask would refuse all bootstrap channels.
#[test]
fn an_edge_that_answers_bootstrap_channels_has_somebody_to_ask() {
    let folder = Folder::new();
    let ports = "[admin]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n";
    let edge = format!("{ports}[epcscf]\nbootstrap = \"edge\"\n");
    let file = folder.write("it.toml", &edge);
    let file = file.to_str().expect("a plain name");
    let said = fault(&["epcscf", "--config", file]).replace(file, "it.toml");
    assert!(
        said.starts_with("isthmus: it.toml:6: epcscf.bootstrap: "),
        "{said}"
    );
    // All in one it is what there is, so a check of the file can only say so.
    let checked = run(&["check", "--config", file]);
    assert_eq!(checked.status.code(), Some(0));
    let said = String::from_utf8(checked.stdout).expect("text");
    assert!(said.contains("note: epcscf.bootstrap: "), "{said}");
}

#[test]
fn what_a_function_finds_out_later_is_named_with_file_and_line_too() {
    let ports = "[admin]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n";
    let said = fault_of("waf", &format!("{ports}[waf]\nissuer = \"no url\"\n"));
    assert!(
        said.starts_with("isthmus: it.toml:6: waf.issuer: "),
        "{said}"
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let said = fault(&["check", "--config", "/nowhere/it.toml"]);
    assert!(
        said.starts_with("isthmus: /nowhere/it.toml: cannot be read"),
        "{said}"
    );
}

#[test]
fn a_missing_section_is_named() {
    let said = fault_of("eims-agw", "[admin]\nlisten = \"127.0.0.1:0\"\n");
    assert!(said.contains("iq"), "{said}");
    let said = fault_of(
        "waf",
        "[admin]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n",
    );
    assert!(said.contains("waf.issuer"), "{said}");
}

#[test]
fn a_certificate_that_is_none_is_named() {
    let folder = Folder::new();
    let file = folder.write(
        "it.toml",
        "[admin]\nlisten = \"127.0.0.1:0\"\n[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n",
    );
    folder.write("c.pem", "nothing");
    folder.write("k.pem", "nothing");
    for function in ["check", "epcscf"] {
        let said = fault(&[function, "--config", file.to_str().expect("a plain name")]);
        assert!(said.contains("c.pem"), "{said}");
    }
}

#[test]
fn a_port_that_is_taken_is_named_whichever_it_is() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let tcp = taken.local_addr().expect("it is bound").port();
    let sip = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let udp = sip.local_addr().expect("it is bound").port();
    let ports = [
        "--https-port",
        "--http-port",
        "--admin-port",
        "--core-port",
        "--mw-port",
    ];
    for one in ports {
        let folder = Folder::new();
        let data = folder.path().to_str().expect("a plain name");
        let number = if one.starts_with("--core") || one.starts_with("--mw") {
            udp
        } else {
            tcp
        };
        let number = number.to_string();
        let mut words = vec!["--data-dir", data, "--log-level", "error"];
        for port in ports {
            words.extend([port, if port == one { number.as_str() } else { "0" }]);
        }
        let said = fault(&words);
        assert!(
            said.contains(&number) && said.contains("another program has it"),
            "{one}: {said}"
        );
        // And how to have another.
        let key = match one {
            "--https-port" => "http.listen",
            "--http-port" => "http.plain_listen",
            "--admin-port" => "admin.listen",
            "--core-port" => "lab_core.listen",
            _ => "epcscf.mw_listen",
        };
        assert!(said.contains(key) && said.contains(one), "{one}: {said}");
    }
}

#[test]
fn the_examples_are_good() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("there are examples") {
        let file = entry.expect("a file").path();
        if file
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let output = run(&["check", "--config", file.to_str().expect("a plain name")]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
            count += 1;
        }
    }
    assert_eq!(
        count, 8,
        "one for each function, one for all of them, one with another's provider"
    );
}
