//! A PostgreSQL of the tests' own: on a free port, in a folder of its own, ended with the tests.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// It is there by then.
const PATIENCE: Duration = Duration::from_mins(1);
/// Debian makes this user with the package; PostgreSQL refuses to run as root.
const USER: &str = "postgres";

/// A running server.
pub(crate) struct Postgres {
    server: Child,
    folder: PathBuf,
    port: u16,
}

impl Postgres {
    /// Makes an empty one and starts it.
    pub(crate) fn start() -> Result<Self> {
        let programs = programs()?;
        let folder = std::env::temp_dir().join(format!("isthmus-postgres-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        if is_root() {
            run(Command::new("chown").arg(USER).arg(&folder))?;
        }
        let data = folder.join("data");
        run(as_user(&programs.join("initdb"))
            .args([
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--username=isthmus",
            ])
            .arg(&data)
            .current_dir(&folder))?;
        let port = free_port()?;
        let server = as_user(&programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            // Its files go with the tests: nothing has to outlive a power cut.
            .args(["-c", "unix_socket_directories=", "-c", "fsync=off"])
            .current_dir(&folder)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.join("log"))?)
            .spawn()
            .context("postgres does not start")?;
        let mut postgres = Self {
            server,
            folder,
            port,
        };
        postgres.wait()?;
        Ok(postgres)
    }

    /// Where it is; its databases are for the tests to make.
    pub(crate) fn url(&self) -> String {
        format!("postgres://isthmus@127.0.0.1:{}/postgres", self.port)
    }

    fn wait(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            let ended = self.server.try_wait()?;
            if ended.is_some() || Instant::now() > deadline {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                bail!("PostgreSQL does not run:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its processes end with it.
        let id = self.server.id().to_string();
        let _ = Command::new("kill").args(["-INT", &id]).status();
        let _ = self.server.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Where Debian puts them: the newest version.
fn programs() -> Result<PathBuf> {
    let versions =
        std::fs::read_dir("/usr/lib/postgresql").context("no PostgreSQL is installed")?;
    let mut folders: Vec<PathBuf> = versions
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|folder| folder.join("postgres").exists())
        .collect();
    folders.sort();
    folders.pop().context("no PostgreSQL is installed")
}

/// One from below those that the system lends to connections: nobody takes it before the server does.
fn free_port() -> Result<u16> {
    const FIRST: u32 = 32_000;
    const COUNT: u32 = 768;
    // Two that are started side by side begin apart.
    (0..COUNT)
        .map(|step| (FIRST + (std::process::id() + step) % COUNT) as u16)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .context("every port from 32000 to 32767 is taken")
}

/// The program, by the user that may run it; `setpriv` becomes it, so that its process is the server's.
fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--init-groups", "--"]);
    command.arg(program);
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {said}", command.get_program().display());
    }
    Ok(())
}
