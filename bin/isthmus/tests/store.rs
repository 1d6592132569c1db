//! What was accepted survives the process, whatever ends it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use core_credentials::Secret;
use core_credentials::token::Algorithm;
use isthmus::store::{Change, Loaded, Store};
use nf_waf::{Account, Code, Grant, Lease, StoredKey};
use nf_wwsf::{Identity, Session};

/// Tells a copy of this program which file to write to, until it is killed.
const VICTIM: &str = "ISTHMUS_TEST_STORE";

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("isthmus-store-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("isthmus.sqlite")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open(file: &Path) -> (Store, Loaded) {
    Store::open(file).expect("the store opens")
}

fn account(name: &str) -> Account {
    Account {
        name: name.into(),
        password_hash: Secret::new("$argon2id$"),
        display_name: "Alice ☎".into(),
        impi: "alice@home1.net".into(),
        impus: vec!["sip:alice@home1.net".into(), "tel:+15550100".into()],
    }
}

fn code(hash: &str, used: Option<&str>) -> Code {
    Code {
        hash: hash.into(),
        client_id: "wwsf".into(),
        redirect_uri: "https://localhost/signed-in".into(),
        challenge: "challenge".into(),
        account: "alice".into(),
        scope: "scope".into(),
        expires: u64::MAX,
        used: used.map(str::to_owned),
    }
}

fn grant(id: &str, current: &str, previous: Option<(&str, u64)>) -> Grant {
    Grant {
        id: id.into(),
        client_id: "wwsf".into(),
        account: "alice".into(),
        scope: "scope".into(),
        current: current.into(),
        previous: previous.map(|(hash, at)| (hash.into(), at)),
        replaced: previous.is_some(),
        idle_until: 1,
        expires: 2,
    }
}

fn lease(impi: &str, id: &str, ended: bool) -> Lease {
    Lease {
        impi: impi.into(),
        id: id.into(),
        client_id: "wwsf".into(),
        visitor: "hash".into(),
        ended,
        free_at: 6,
    }
}

fn session(sid: &str, refresh_token: &str) -> Session {
    Session {
        sid: sid.into(),
        secret_hash: "hash".into(),
        refresh_token: refresh_token.into(),
        identity: Identity {
            account: "alice".into(),
            display_name: "Alice".into(),
            impi: "alice@home1.net".into(),
            impus: vec!["sip:alice@home1.net".into()],
        },
        used: 3,
        expires: 4,
        visitor: "visitor".into(),
    }
}

fn key(kid: &str, algorithm: Algorithm) -> StoredKey {
    StoredKey {
        kid: kid.into(),
        algorithm,
        pkcs8: vec![0, 1, 255],
        created: 5,
    }
}

async fn write(store: &Store, changes: Vec<Change>) {
    store
        .commit(changes)
        .written()
        .await
        .expect("it is written");
}

fn waf(change: nf_waf::Change) -> Change {
    Change::Waf(change)
}

#[tokio::test]
async fn everything_is_read_as_it_was_written() {
    use nf_waf::Change as W;
    let folder = Folder::new("all");
    let (store, loaded) = open(&folder.file());
    assert!(loaded.waf.accounts.is_empty() && loaded.sessions.is_empty());
    write(
        &store,
        vec![
            waf(W::PutAccount(account("alice"))),
            waf(W::PutAccount(account("bob"))),
            waf(W::PutKey(key("1", Algorithm::ES256))),
            waf(W::PutKey(key("2", Algorithm::RS256))),
            waf(W::PutCode(code("a", None))),
            waf(W::PutCode(code("b", None))),
            waf(W::PutGrant(grant("g", "1", None))),
            waf(W::PutGrant(grant("h", "1", None))),
            waf(W::PutLease(lease("guest1", "1", false))),
            waf(W::PutLease(lease("guest2", "2", false))),
            Change::Wwsf(nf_wwsf::Change::PutSession(session("s", "1"))),
            Change::Wwsf(nf_wwsf::Change::PutSession(session("t", "1"))),
        ],
    )
    .await;
    // What is put again replaces, what is removed is gone.
    write(
        &store,
        vec![
            waf(W::PutAccount(Account {
                display_name: "A".into(),
                ..account("alice")
            })),
            waf(W::RemoveAccount("bob".into())),
            waf(W::RemoveKey("1".into())),
            waf(W::PutCode(code("a", Some("g")))),
            waf(W::RemoveCode("b".into())),
            waf(W::PutGrant(grant("g", "2", Some(("1", 9))))),
            waf(W::RemoveGrant("h".into())),
            waf(W::PutLease(lease("guest1", "3", true))),
            waf(W::RemoveLease("guest2".into())),
            Change::Wwsf(nf_wwsf::Change::PutSession(session("s", "2"))),
            Change::Wwsf(nf_wwsf::Change::RemoveSession("t".into())),
        ],
    )
    .await;
    let (_, loaded) = open(&folder.file());
    assert!(
        loaded.waf.accounts
            == [Account {
                display_name: "A".into(),
                ..account("alice")
            }]
    );
    assert!(loaded.waf.keys == [key("2", Algorithm::RS256)]);
    // SQL knows no number beyond i64, and no code lives that long.
    let expires = u64::MAX >> 1;
    assert!(
        loaded.waf.codes
            == [Code {
                expires,
                ..code("a", Some("g"))
            }]
    );
    assert!(loaded.waf.grants == [grant("g", "2", Some(("1", 9)))]);
    assert!(loaded.waf.leases == [lease("guest1", "3", true)]);
    assert!(loaded.sessions == [session("s", "2")]);
}

/// The copy of this program that is killed: writes grants for ever and says each one that was accepted.
#[tokio::test]
async fn victim() {
    let Some(file) = std::env::var_os(VICTIM) else {
        return;
    };
    let (store, _) = open(Path::new(&file));
    for number in 0.. {
        let id = format!("grant-{number}");
        write(
            &store,
            vec![waf(nf_waf::Change::PutGrant(grant(&id, "1", None)))],
        )
        .await;
        #[allow(clippy::print_stdout)] // that is how it speaks
        {
            println!("\naccepted {id}");
        }
    }
}

#[test]
fn what_was_accepted_survives_kill_9() {
    let folder = Folder::new("kill");
    let program = std::env::current_exe().expect("this program");
    let mut victim = Command::new(program)
        .args(["--exact", "victim", "--nocapture", "--test-threads=1"])
        .env(VICTIM, folder.file())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a copy of this program");
    let output = BufReader::new(victim.stdout.take().expect("its output"));
    let mut accepted = Vec::new();
    for line in output.lines().map_while(Result::ok) {
        if let Some(id) = line.strip_prefix("accepted ") {
            accepted.push(id.to_owned());
        }
        if accepted.len() == 50 {
            victim.kill().expect("it can be killed");
        }
    }
    victim.wait().expect("it is dead");
    assert!(accepted.len() >= 50, "{}", accepted.len());
    let (_, loaded) = open(&folder.file());
    for id in &accepted {
        assert!(
            loaded.waf.grants.iter().any(|grant| grant.id == *id),
            "{id} was lost"
        );
    }
}

#[tokio::test]
async fn many_at_once_are_all_written() {
    let folder = Folder::new("many");
    let (store, _) = open(&folder.file());
    let commits: Vec<_> = (0..500)
        .map(|n| {
            store.commit(vec![waf(nf_waf::Change::PutGrant(grant(
                &n.to_string(),
                "1",
                None,
            )))])
        })
        .collect();
    for commit in commits {
        commit.written().await.expect("it is written");
    }
    assert_eq!(open(&folder.file()).1.waf.grants.len(), 500);
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("mode");
    let _store = open(&folder.file());
    for entry in std::fs::read_dir(&folder.0).expect("the folder") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("its metadata").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", entry.path().display());
    }
}

#[test]
fn a_file_that_is_none_is_named() {
    let folder = Folder::new("none");
    std::fs::write(
        folder.file(),
        "this is not a database, however long it may be",
    )
    .expect("a file");
    let error = Store::open(&folder.file()).err().expect("it is refused");
    assert!(error.to_string().contains("isthmus.sqlite"), "{error}");
    assert!(Store::open(Path::new("/nonexistent/folder/isthmus.sqlite")).is_err());
}
