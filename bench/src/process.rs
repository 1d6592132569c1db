//! Programs that are measured: started here, ended here by their process id.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A running program; it ends when this is dropped.
pub struct Process {
    child: Child,
    /// A folder of its own, removed with it.
    folder: PathBuf,
}

impl Process {
    /// Starts `program`; what it prints goes to `log` in its folder.
    pub fn start(folder: PathBuf, program: &str, arguments: &[&str]) -> Result<Self> {
        let log = std::fs::File::create(folder.join("log"))?;
        let child = Command::new(program)
            .args(arguments)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        Ok(Self { child, folder })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it takes TCP connections at `address`.
    pub fn wait_for(&mut self, address: SocketAddr) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended ({status}):\n{}", self.log());
            }
            if Instant::now() > deadline {
                bail!("it took no connections at {address}:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// The end of what it printed.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let from = log.len().saturating_sub(3000);
        log.get(from..).unwrap_or(&log).to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // TERM first: some of them have children, which they end themselves.
        let _ = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        let deadline = Instant::now() + Duration::from_secs(3);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A new folder for one program.
pub fn folder(name: &str) -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("isthmus-bench-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A port of 127.0.0.1 that is free for TCP and UDP.
pub fn free_port() -> Result<u16> {
    for _ in 0..50 {
        let tcp = TcpListener::bind("127.0.0.1:0")?;
        let port = tcp.local_addr()?.port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port")
}

/// The product, built for release: beside this program, or where `ISTHMUS` says.
pub fn isthmus() -> Result<String> {
    if let Ok(program) = std::env::var("ISTHMUS") {
        return Ok(program);
    }
    let program = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../target/release/isthmus"
    ));
    if !program.exists() {
        bail!(
            "{} is not there: cargo build --release first",
            program.display()
        );
    }
    Ok(program.display().to_string())
}
