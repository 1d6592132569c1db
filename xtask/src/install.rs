//! What the rings need and a fresh machine does not have.

use std::process::Command;

use anyhow::{Result, bail};

use crate::shell;

/// A program that a ring calls, and the Debian package that brings it.
struct Need {
    program: &'static str,
    package: &'static str,
    why: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        program: "git",
        package: "git",
        why: "the rules look at what is tracked",
    },
    Need {
        program: "curl",
        package: "curl",
        why: "what the documents say to type",
    },
    Need {
        program: "node",
        package: "nodejs",
        why: "the browser client's own tests",
    },
    Need {
        program: "npm",
        package: "npm",
        why: "the browser client's own tests",
    },
    Need {
        program: "chromium",
        package: "chromium",
        why: "the browser ring",
    },
    Need {
        program: "firefox-esr",
        package: "firefox-esr",
        why: "the browser ring",
    },
    Need {
        program: "baresip",
        package: "baresip-core",
        why: "an ordinary SIP phone",
    },
    Need {
        program: "sipp",
        package: "sip-tester",
        why: "the far end that misbehaves",
    },
    Need {
        program: "kamailio",
        package: "kamailio",
        why: "a foreign IMS core",
    },
    Need {
        program: "sqlite3",
        package: "sqlite3",
        why: "the foreign core's tables",
    },
    Need {
        program: "pg_ctlcluster",
        package: "postgresql",
        why: "the other database of the store",
    },
];

/// Debian packages without a program of their own.
const MODULES: &[(&str, &str)] = &[
    (
        "/usr/lib/x86_64-linux-gnu/kamailio/modules/ims_registrar_scscf.so",
        "kamailio-ims-modules",
    ),
    (
        "/usr/lib/x86_64-linux-gnu/kamailio/modules/presence.so",
        "kamailio-presence-modules",
    ),
    (
        "/usr/lib/x86_64-linux-gnu/kamailio/modules/db_sqlite.so",
        "kamailio-sqlite-modules",
    ),
    (
        "/usr/lib/x86_64-linux-gnu/kamailio/modules/utils.so",
        "kamailio-utils-modules",
    ),
    (
        "/usr/lib/x86_64-linux-gnu/kamailio/modules/xmlrpc.so",
        "kamailio-xml-modules",
    ),
];

/// Folders with a lock file of the npm registry.
pub(crate) const NPM: &[&str] = &["web/wic", "web/e2e"];

/// Installs what is missing, or says what to install.
pub(crate) fn everything() -> Result<()> {
    debian()?;
    for folder in NPM {
        npm(folder)?;
    }
    python()
}

/// What aiortc is, a peer written in Python, and all that it wants.
const PYTHON: &str = "web/e2e/peers/data/requirements.txt";

/// Where Python's packages are, in cargo's target folder: nothing of the system's is touched.
pub(crate) fn python_folder() -> Result<String> {
    Ok(format!("{}/foreign-python", shell::target()?))
}

/// The packages of [`PYTHON`], unless those very ones are there.
fn python() -> Result<()> {
    let folder = python_folder()?;
    let wanted = std::fs::read(shell::root().join(PYTHON))?;
    let installed = format!("{folder}/installed.txt");
    if std::fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    shell::run(".", "python3", &["-m", "venv", "--clear", &folder])?;
    let pip = format!("{folder}/bin/pip");
    let words = ["install", "--quiet", "--disable-pip-version-check"];
    shell::run(".", &pip, &[words.as_slice(), &["-r", PYTHON]].concat())?;
    std::fs::write(installed, wanted)?;
    Ok(())
}

/// Programs that are measured beside ours.
const PEERS: &[Need] = &[
    Need {
        program: "kamailio",
        package: "kamailio",
        why: "the edge that REGISTER is measured with",
    },
    Need {
        program: "rtpengine",
        package: "rtpengine-daemon",
        why: "the gateway media is measured with",
    },
];

/// What the measurements need.
pub(crate) fn bench() -> Result<()> {
    let missing: Vec<&str> = PEERS
        .iter()
        .filter(|need| !shell::exists(need.program))
        .map(|need| need.package)
        .collect();
    let websocket = "/usr/lib/x86_64-linux-gnu/kamailio/modules/websocket.so";
    let mut missing = missing;
    if !std::path::Path::new(websocket).exists() {
        missing.push("kamailio-websocket-modules");
    }
    install_debian(&missing, PEERS)?;
    npm("web/e2e")?;
    python()
}

/// Debian's packages: installed when we may, named when we may not.
pub(crate) fn debian() -> Result<()> {
    let mut missing: Vec<&str> = NEEDS
        .iter()
        .filter(|need| !shell::exists(need.program))
        .map(|need| need.package)
        .collect();
    let venv = Command::new("python3")
        .args(["-c", "import ensurepip, venv"])
        .stderr(std::process::Stdio::null())
        .status();
    if !venv.is_ok_and(|status| status.success()) {
        missing.push("python3-venv");
    }
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        missing.extend(
            MODULES
                .iter()
                .filter(|(file, _)| !std::path::Path::new(file).exists())
                .map(|(_, package)| *package),
        );
    }
    install_debian(&missing, NEEDS)
}

fn install_debian(missing: &[&str], needs: &[Need]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|id| id.stdout == b"0\n");
    if !shell::exists("apt-get") || !root {
        println!("The tests need programs that are not here:");
        for need in needs.iter().filter(|need| missing.contains(&need.package)) {
            println!(
                "  {:<12} {} (Debian: {})",
                need.program, need.why, need.package
            );
        }
        bail!(
            "install them (on Debian: sudo apt-get install {}) and try again",
            missing.join(" ")
        );
    }
    println!("Installing {}", missing.join(" "));
    shell::run(".", "apt-get", &["update", "-qq"])?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(missing);
    let mut apt = shell::command(".", "apt-get", &arguments);
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    shell::run_command(apt)
}

/// The packages of one lock file.
pub(crate) fn npm(folder: &str) -> Result<()> {
    if !shell::root()
        .join(folder)
        .join("package-lock.json")
        .exists()
    {
        return Ok(());
    }
    shell::run(
        folder,
        "npm",
        &["ci", "--no-audit", "--no-fund", "--loglevel=error"],
    )
}
