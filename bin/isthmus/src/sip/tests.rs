//! Certificates that are renewed while the process runs.

#[path = "../../tests/process/authority.rs"]
mod authority;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;

use super::tls::SipTls;
use crate::config::{Config, SipTlsConfig};
use crate::fault::Port;
use authority::Authority;

const LOCAL: &str = "127.0.0.1";

struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let folder = format!("isthmus-sip-tls-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder)
    }

    /// Written so that the file is newer than what was there, whatever the clock of the files is.
    fn write(&self, name: &str, text: &str, age: u64) {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("the folder is ours");
        let file = std::fs::File::options().write(true).open(&path);
        let at = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(age);
        file.and_then(|file| file.set_modified(at)).expect("ours");
    }

    fn issue(&self, authority: &Authority, age: u64) {
        let own = authority.issue(&[LOCAL]);
        self.write("own.pem", &own.certificate, age);
        self.write("own.key", &own.key, age);
        self.write("trust.pem", &authority.pem, age);
    }

    fn open(&self) -> Arc<SipTls> {
        let path = |name: &str| Path::new(&self.0).join(name);
        let tls = SipTlsConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            certificate: path("own.pem"),
            key: path("own.key"),
            trust: vec![path("trust.pem")],
            mutual: true,
            peer_names: Vec::new(),
        };
        SipTls::open(&Config::default(), Port::CORE_TLS, &tls, None).expect("good files")
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether one gets through to the other; each believes its own authority.
async fn know_each_other(server: &SipTls, client: &SipTls) -> bool {
    let listener = TcpListener::bind((LOCAL, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let accepting = async {
        let (stream, _) = listener.accept().await.expect("it connects");
        server.accept(stream).await.is_ok()
    };
    let (accepted, connected) = tokio::join!(accepting, client.connect(address));
    accepted && connected.is_ok()
}

#[tokio::test]
async fn renewed_files_are_read_and_broken_ones_are_not_taken() {
    let (old, new) = (Authority::new(), Authority::new());
    let (here, there) = (Files::new("here"), Files::new("there"));
    here.issue(&old, 1);
    there.issue(&new, 1);
    let (server, client) = (here.open(), there.open());
    assert!(!know_each_other(&server, &client).await);
    here.issue(&new, 2);
    assert!(!know_each_other(&server, &client).await, "not looked yet");
    server.look_again();
    assert!(know_each_other(&server, &client).await);
    here.write("own.key", "no key", 3);
    server.look_again();
    assert!(know_each_other(&server, &client).await, "the old one stays");
    here.issue(&old, 4);
    server.look_again();
    assert!(!know_each_other(&server, &client).await);
}
