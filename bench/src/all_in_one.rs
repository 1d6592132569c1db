//! The product with all functions in one process, and phones of its own before it.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::process::{self, Process};

/// Everything in one process, on ports of its own.
pub struct AllInOne {
    process: Process,
    isthmus: String,
    printed: String,
    https: u16,
    http: u16,
}

impl AllInOne {
    /// Starts it, with a new folder for what it keeps.
    pub fn start() -> Result<Self> {
        let isthmus = process::isthmus()?;
        let folder = process::folder("all-in-one")?;
        let data = folder.join("data");
        let mut words = vec!["--data-dir".to_owned(), data.display().to_string()];
        let mut ports = Vec::new();
        for name in [
            "--https-port",
            "--http-port",
            "--core-port",
            "--mw-port",
            "--admin-port",
        ] {
            let port = process::free_port()?;
            ports.push(port);
            words.extend([name.to_owned(), port.to_string()]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut process = Process::start(folder, &isthmus, &words)?;
        let [https, http, _, _, admin] = ports[..] else {
            anyhow::bail!("five ports");
        };
        process.wait_for(([127, 0, 0, 1], admin).into())?;
        std::thread::sleep(Duration::from_secs(1));
        let printed = process.log();
        Ok(Self {
            process,
            isthmus,
            printed,
            https,
            http,
        })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Its port without TLS.
    pub fn http(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.http).into()
    }

    /// A phone of one of its subscribers, which is not started.
    pub fn phone(&self, name: &str, words: &[&str]) -> Result<Command> {
        let mut lines = self.printed.lines();
        let line = lines.find(|line| line.trim_start().starts_with(name));
        let password = line.and_then(|line| line.split_whitespace().nth(1));
        let password = password.with_context(|| format!("no password of {name}"))?;
        let w2 = format!("wss://localhost:{}/w2", self.https);
        let mut command = Command::new(&self.isthmus);
        command
            .args(["wic", "--insecure", "--w2", &w2])
            .args(["--user", name, "--password", password])
            .args(words)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        Ok(command)
    }
}
