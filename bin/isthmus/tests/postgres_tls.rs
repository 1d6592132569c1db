//! The store in a PostgreSQL, with TLS on the way to it.

mod databases;
mod process;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use databases::databases;
use isthmus::store::Place;
use process::authority::{Authority, Issued, serve};
use process::{Folder, Process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::TcpStream;

/// What a client says that wants TLS (PostgreSQL's protocol 3.0, SSLRequest).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// A door with TLS before a PostgreSQL that has none.
struct Door {
    address: SocketAddr,
    /// How many connections came with TLS, and without.
    secure: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

impl Door {
    fn start(server: String, issued: &Issued) -> Self {
        let acceptor = issued.acceptor(&[]);
        let (secure, open) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let counters = (Arc::clone(&secure), Arc::clone(&open));
        let address = serve(async move |listener| {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (acceptor, server) = (acceptor.clone(), server.clone());
                let (secure, open) = counters.clone();
                tokio::spawn(async move {
                    let mut first = [0; 8];
                    stream.read_exact(&mut first).await.ok()?;
                    if first != SSL_REQUEST {
                        open.fetch_add(1, Ordering::SeqCst);
                        return None;
                    }
                    stream.write_all(b"S").await.ok()?;
                    let mut stream = acceptor.accept(stream).await.ok()?;
                    secure.fetch_add(1, Ordering::SeqCst);
                    let mut server = TcpStream::connect(server).await.ok()?;
                    copy_bidirectional(&mut stream, &mut server).await.ok()
                });
            }
        });
        Self {
            address,
            secure,
            open,
        }
    }
}

/// `?sslmode=verify-full` with an authority: what is written goes through TLS, and to nobody else.
#[test]
fn a_postgres_is_reached_over_tls_and_known_by_its_certificate() {
    let folder = Folder::new();
    let places = databases(&folder.path().join("unused.sqlite"));
    let Some(Place::Postgres(url)) = places.into_iter().nth(1) else {
        return; // none was named: `cargo xtask test` starts one
    };
    let authority = Authority::new();
    let (_, rest) = url
        .split_once('@')
        .expect("postgres://isthmus@host/database");
    let (server, database) = rest.split_once('/').expect("a database");
    let door = Door::start(server.to_owned(), &authority.issue(&["127.0.0.1"]));
    let start = |authority: &Authority, name: &str| {
        let file = folder.write(name, &authority.pem);
        format!(
            "[http]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"postgres://isthmus@{}/{database}\
             ?sslmode=verify-full&sslrootcert={}\"\n",
            door.address,
            file.display()
        )
    };
    let text = start(&authority, "authority.pem");
    let mut product = Process::alone(&folder, "mmtel-es", &text);
    product.terminate();
    assert!(product.wait().success());
    assert!(door.secure.load(Ordering::SeqCst) > 0);
    // Somebody who has the address and not the certificate gets nothing.
    let text = start(&Authority::new(), "other.pem");
    let file = folder.write(
        "other.toml",
        &format!("data_dir = \"other\"\n{text}[admin]\nlisten = \"127.0.0.1:0\"\n"),
    );
    let before = door.secure.load(Ordering::SeqCst);
    let output = process::run(&["mmtel-es", "--config", file.to_str().expect("a plain name")]);
    assert!(!output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("certificate"), "{said}");
    assert_eq!(door.secure.load(Ordering::SeqCst), before);
    assert_eq!(
        door.open.load(Ordering::SeqCst),
        0,
        "nothing goes without TLS"
    );
}
