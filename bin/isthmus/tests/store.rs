//! What was accepted survives the process, whatever ends it: on SQLite, and on PostgreSQL when
//! `ISTHMUS_TEST_POSTGRES` says where one is, as `cargo xtask test` does.

mod databases;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use api_mmtel_es::common::Uri;
use bytes::Bytes;
use core_credentials::Secret;
use core_credentials::token::Algorithm;
use databases::databases;
use isthmus::store::{Change, EnablerChange, Loaded, Place, Put, Store, origin};
use nf_mmtel_es::{Application, Notice, Package, StoredPackage, StoredSession, Version};
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

fn open(place: impl Into<Place>) -> (Store, Loaded) {
    Store::open(place).expect("the store opens")
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
    let folder = Folder::new("all");
    for place in databases(&folder.file()) {
        everything(place).await;
    }
}

async fn everything(place: Place) {
    use nf_waf::Change as W;
    let (store, loaded) = open(place.clone());
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
    let (_, loaded) = open(place);
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
    let place = file.to_str().filter(|place| place.starts_with("postgres:"));
    let place = place.map(|url| Place::Postgres(url.to_owned()));
    let (store, _) = open(place.unwrap_or_else(|| Path::new(&file).into()));
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
    for place in databases(&folder.file()) {
        survives(&place);
    }
}

fn survives(place: &Place) {
    let name = match place {
        Place::File(file) => file.clone().into_os_string(),
        Place::Postgres(url) => url.into(),
    };
    let program = std::env::current_exe().expect("this program");
    let mut victim = Command::new(program)
        .args(["--exact", "victim", "--nocapture", "--test-threads=1"])
        .env(VICTIM, name)
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
    let (_, loaded) = open(place.clone());
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
    for place in databases(&folder.file()) {
        many(place).await;
    }
}

async fn many(place: Place) {
    let (store, _) = open(place.clone());
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
    assert_eq!(open(place).1.waf.grants.len(), 500);
}

fn application(id: &str, versions: u64) -> Application {
    let profile =
        format!(r#"{{"appId":"{id}","appName":"☎","vendorSpecific-000001":{{"a":[1.5]}}}}"#);
    let package = Package {
        sha256: [7; 32],
        size: 3,
    };
    let version = |until: u64| Version {
        app_ver: (until > 1).then(|| until.to_string()),
        package: (until > 1).then_some(package),
        until,
    };
    Application {
        provider: "p".into(),
        profile: api_mmtel_es::read(profile.as_bytes()).expect("a profile"),
        package: (versions > 0).then_some(package),
        history: (1..=versions).map(version).collect(),
        made_by: (versions == 0).then_some([9; 32]),
        created: 5,
        changed: 6,
    }
}

fn of(change: nf_mmtel_es::Change) -> Change {
    Change::Enabler(EnablerChange::Of(change))
}

#[tokio::test]
async fn applications_and_packages_are_read_as_they_were_written() {
    let folder = Folder::new("applications");
    for place in databases(&folder.file()) {
        applications(place).await;
    }
}

async fn applications(place: Place) {
    use nf_mmtel_es::Change as E;
    let (store, loaded) = open(place.clone());
    assert!(loaded.enabler.applications.is_empty());
    let stored = StoredPackage {
        package: Package {
            sha256: [7; 32],
            size: 3,
        },
        bytes: Bytes::from_static(&[0, 255, 1]),
    };
    let put = |id, versions| of(E::PutApplication(Box::new(application(id, versions))));
    write(
        &store,
        vec![
            of(E::PutPackage(stored)),
            put("a", 0),
            put("b", 1),
            put("c", 2),
        ],
    )
    .await;
    let session = |state: &'static [u8]| {
        of(E::PutSession(StoredSession {
            id: "s".into(),
            state: Bytes::from_static(state),
        }))
    };
    let later = vec![
        put("b", 3),
        of(E::RemoveApplication("c".into())),
        session(b"1"),
        session(&[0xff, 0]),
    ];
    write(&store, later).await;
    let bytes = store.package([7; 32]).await.expect("it is read");
    assert_eq!(bytes.as_deref(), Some(&[0, 255, 1][..]));
    assert_eq!(store.package([8; 32]).await.expect("it is read"), None);
    let (store, loaded) = open(place);
    let mut all = loaded.enabler.applications;
    all.sort_by(|a, b| a.id().cmp(b.id()));
    assert_eq!(all, [application("a", 0), application("b", 3)]);
    assert_eq!(&loaded.enabler.sessions[0].state[..], &[0xff, 0]);
    let gone = vec![
        of(E::RemovePackage([7; 32])),
        of(E::RemoveSession("s".into())),
    ];
    write(&store, gone).await;
    assert_eq!(store.package([7; 32]).await.expect("it is read"), None);
    let again = store.reload_enabler().await.expect("it is read");
    assert!(again.sessions.is_empty() && again.applications.len() == 2);
}

fn put(id: u64, session: &str, target: &str) -> Change {
    let target = Uri::new(target).expect("a URI");
    Change::Enabler(EnablerChange::Put(Put {
        id,
        origin: origin(&target),
        notice: Notice {
            session: session.into(),
            target,
            body: Bytes::from(id.to_string()),
        },
        until: 99,
    }))
}

/// The first of a session is its head; when it is over, the next one is.
#[tokio::test]
async fn each_session_has_one_head() {
    let folder = Folder::new("heads");
    for place in databases(&folder.file()) {
        heads(place).await;
    }
}

async fn heads(place: Place) {
    const A: &str = "https://a.example.com/n";
    const B: &str = "https://b.example.com:8443/n";
    let (store, _) = open(place.clone());
    let mut changes = vec![
        put(1, "s", A),
        put(2, "t", A),
        put(3, "s", B),
        put(4, "u", A),
    ];
    changes.push(put(5, "s", A));
    write(&store, changes).await;
    let heads = async |origin: &str, after, most| {
        let heads = store.notification_heads(origin, after, most).await;
        let heads = heads.expect("they are read").into_iter();
        heads.map(|head| (head.id, head.more)).collect::<Vec<_>>()
    };
    let a = "https://a.example.com";
    let b = "https://b.example.com:8443";
    assert_eq!(heads(a, 0, 10).await, [(1, true), (2, false), (4, false)]);
    assert_eq!(heads(a, 1, 1).await, [(2, false)]);
    assert_eq!(heads(b, 0, 10).await, []);
    assert_eq!(store.notification_targets().await.expect("read"), [a]);
    let over = |id| Change::Enabler(EnablerChange::Over(id));
    write(&store, vec![over(1), over(1)]).await;
    assert_eq!(heads(b, 0, 10).await, [(3, true)]);
    // What is told of `s` goes elsewhere from now on; nothing of the others does.
    let uri = |text| Uri::new(text).expect("a URI");
    let moved = EnablerChange::moved("s".into(), uri(A), uri(B));
    write(&store, vec![Change::Enabler(moved), over(3)]).await;
    assert_eq!(heads(b, 0, 10).await, [(5, false)]);
    assert_eq!(heads(a, 0, 10).await, [(2, false), (4, false)]);
    let waiting = store.notifications_of("s", 3, 10).await.expect("read");
    assert_eq!((waiting[0].id, waiting[0].target.as_str()), (5, B));
    let body = store.notification(5).await.expect("read");
    assert_eq!(body.as_deref(), Some(&b"5"[..]));
    assert_eq!(store.notification(3).await.expect("read"), None);
    let loaded = open(place).1.enabler;
    assert_eq!((loaded.last_notification, loaded.pending), (5, 3));
}

/// Of changes in one group, those of a request that cannot be written take no other with them; what
/// the enabler changed after them is not written until it has read the store again.
#[tokio::test]
async fn what_cannot_be_written_takes_nothing_with_it() {
    let folder = Folder::new("poison");
    for place in databases(&folder.file()) {
        poison(place).await;
    }
}

async fn poison(place: Place) {
    let (store, _) = open(place.clone());
    let ok = async |changes| store.commit(changes).written().await.is_ok();
    let key = || waf(nf_waf::Change::PutKey(key("1", Algorithm::ES256)));
    assert!(ok(vec![key()]).await);
    // A key is put once.
    let [one, two, three] = [
        vec![put(1, "s", "https://a.example.com/")],
        vec![put(2, "s", "https://a.example.com/"), key()],
        vec![waf(nf_waf::Change::PutGrant(grant("g", "1", None)))],
    ]
    .map(|changes| store.commit(changes));
    let four = store.commit(vec![put(3, "s", "https://a.example.com/")]);
    assert!(one.written().await.is_ok());
    assert!(two.written().await.is_err());
    assert!(three.written().await.is_ok());
    assert!(four.written().await.is_err());
    assert!(!ok(vec![put(4, "s", "https://a.example.com/")]).await);
    let loaded = store.reload_enabler().await.expect("it is read");
    assert_eq!((loaded.last_notification, loaded.pending), (1, 1));
    assert!(ok(vec![put(5, "s", "https://a.example.com/")]).await);
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
