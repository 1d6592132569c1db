//! Identities of a pool: two visitors never hold one, whatever happens in whatever order, also when the
//! process is killed. The WAF is the real one with the real store; the network is an eP-CSCF's verifier
//! and the registrations that its tokens allow.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_credentials::token::{Algorithm, Claims, SigningKey, Verifier};
use core_credentials::{Random, bearer};
use isthmus::store::{Change, Store};
use nf_waf::{Client, ClientProof, Outcome, PoolIdentity, PoolSettings, Settings, Waf};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};

const ISSUER: &str = "https://waf.example.net/oauth2";
const SECRET: &str = "a secret of the test";
/// What the eP-CSCF allows clocks to differ by, and the least registration that it asks for.
const SKEW: u64 = 5;
const LEAST: u64 = 5;
/// How long it keeps a registration whose refresh is late.
const MARGIN: u64 = 30;

#[derive(Debug, Clone)]
enum Step {
    /// This visitor asks for an identity, or for another token of the one that they have.
    Ask(u8),
    /// The same, and the process is killed before anything is written: nobody gets an answer.
    AskAndDie(u8),
    /// This visitor registers with one of the tokens that they ever had.
    Register(u8, prop::sample::Index),
    /// This visitor's registration ends, and the eP-CSCF tells the WAF.
    Deregister(u8),
    /// The same, and the WAF does not hear of it.
    DeregisterUnheard(u8),
    /// This visitor says at the WWSF that they leave.
    Leave(u8),
    Wait(u8),
    /// The WAF is killed and starts with what was written.
    RestartWaf,
    /// The eP-CSCF is killed and starts knowing nothing.
    RestartEdge,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let visitor = 0..3_u8;
    let token = any::<prop::sample::Index>();
    let one = prop_oneof![
        6 => visitor.clone().prop_map(Step::Ask),
        1 => visitor.clone().prop_map(Step::AskAndDie),
        8 => (visitor.clone(), token).prop_map(|(visitor, token)| Step::Register(visitor, token)),
        3 => visitor.clone().prop_map(Step::Deregister),
        1 => visitor.clone().prop_map(Step::DeregisterUnheard),
        2 => visitor.prop_map(Step::Leave),
        4 => prop::sample::select(vec![1, 5, 15, 30, 55_u8]).prop_map(Step::Wait),
        1 => Just(Step::RestartWaf),
        2 => Just(Step::RestartEdge),
    ];
    prop::collection::vec(one, 1..60)
}

/// The WAF over its store, an eP-CSCF, and three visitors for one identity or two.
struct World {
    now: u64,
    folder: PathBuf,
    store: Store,
    waf: Waf,
    size: u8,
    reuse_at_once: bool,
    random: Random,
    edge: Verifier,
    /// What each visitor was ever given.
    tokens: HashMap<u8, Vec<String>>,
    /// Who is registered, as what, by which lease, until when.
    registered: HashMap<u8, (String, String, u64)>,
}

impl World {
    fn new(seed: u8, size: u8, reuse_at_once: bool) -> Self {
        let mut name = [0; 8];
        getrandom::fill(&mut name).expect("randomness");
        let name = u64::from_be_bytes(name);
        let folder = std::env::temp_dir().join(format!("isthmus-pool-{name}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let now = 1_800_000_000;
        let (store, loaded) = Store::open(&folder.join("isthmus.sqlite")).expect("a store");
        let mut world = Self {
            now,
            waf: Waf::new(settings(size, reuse_at_once), clients(), loaded.waf),
            store,
            folder,
            size,
            reuse_at_once,
            random: Random::new([seed; 32]),
            edge: Verifier::new("eP-CSCF", SKEW),
            tokens: HashMap::new(),
            registered: HashMap::new(),
        };
        let changes = world.waf.adopt_key(now, key());
        world.write(changes);
        world.start_edge();
        world.now += 1;
        world
    }

    fn write(&self, changes: Vec<nf_waf::Change>) {
        let commit = self
            .store
            .commit(changes.into_iter().map(Change::Waf).collect());
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime
            .expect("a runtime")
            .block_on(commit.written())
            .expect("it is written");
    }

    /// Everything but the file is gone.
    fn restart_waf(&mut self) {
        let (store, loaded) = Store::open(&self.folder.join("isthmus.sqlite")).expect("a store");
        self.store = store;
        let settings = Settings {
            began: self.now,
            ..settings(self.size, self.reuse_at_once)
        };
        self.waf = Waf::new(settings, clients(), loaded.waf);
    }

    fn start_edge(&mut self) {
        self.edge = Verifier::new("eP-CSCF", SKEW);
        self.edge
            .set_keys(ISSUER, &self.waf.key_set())
            .expect("good keys");
        self.edge.forget_leases(self.now);
        self.registered.clear();
    }

    fn ask(&mut self, visitor: u8) -> Outcome {
        let body = format!(
            "grant_type=client_credentials&scope={}&visitor=visitor-{visitor}",
            bearer::SCOPE
        );
        let basic = basic("wwsf");
        self.waf
            .token(self.now, &mut self.random, Some(&basic), &body)
    }

    fn claims(&self, token: &str) -> Option<Claims> {
        self.edge.verify(token, self.now).ok()
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Ask(visitor) => {
                let Outcome { changes, reply } = self.ask(*visitor);
                self.write(changes);
                let body: serde_json::Value = serde_json::from_str(reply.body()).expect("JSON");
                match body["access_token"].as_str() {
                    Some(token) => self.tokens.entry(*visitor).or_default().push(token.into()),
                    None => assert_eq!(body["error"], "temporarily_unavailable"),
                }
            }
            Step::AskAndDie(visitor) => {
                drop(self.ask(*visitor));
                self.restart_waf();
            }
            Step::Register(visitor, token) => {
                let Some(tokens) = self.tokens.get(visitor) else {
                    return;
                };
                // Mostly the newest, as the page would; else any.
                let token = match token.index(2 * tokens.len()) {
                    index if index < tokens.len() => &tokens[index],
                    _ => tokens.last().expect("there is one"),
                };
                let Some(claims) = self.claims(token) else {
                    return;
                };
                let left = claims.exp.saturating_sub(self.now).max(LEAST);
                let lease = claims.lease.expect("it is of the pool");
                let until = self.now + left + MARGIN;
                self.registered
                    .insert(*visitor, (claims.impi, lease, until));
            }
            Step::Deregister(visitor) => {
                if let Some((_, lease, _)) = self.end(*visitor) {
                    let body = format!("lease={lease}");
                    let basic = basic("epcscf");
                    let outcome = self.waf.release(self.now, Some(&basic), &body);
                    assert_eq!(outcome.reply.status(), 200);
                    self.write(outcome.changes);
                }
            }
            Step::DeregisterUnheard(visitor) => drop(self.end(*visitor)),
            Step::Leave(visitor) => {
                let body = format!("token=visitor-{visitor}&token_type_hint=visitor");
                let outcome = self.waf.revoke(self.now, Some(&basic("wwsf")), &body);
                self.write(outcome.changes);
            }
            Step::Wait(seconds) => self.now += u64::from(*seconds),
            Step::RestartWaf => self.restart_waf(),
            Step::RestartEdge => self.start_edge(),
        }
        let now = self.now;
        self.registered.retain(|_, (_, _, until)| now < *until);
    }

    /// The eP-CSCF ends all registrations of the lease, and refuses its tokens from then on.
    fn end(&mut self, visitor: u8) -> Option<(String, String, u64)> {
        let ended = self.registered.remove(&visitor)?;
        self.edge.end_lease(self.now, &ended.1);
        self.registered.retain(|_, (_, lease, _)| *lease != ended.1);
        Some(ended)
    }

    /// Who holds what: by a registration, or by a token that would give one now.
    fn holders(&self) -> HashMap<String, HashSet<u8>> {
        let mut holders: HashMap<String, HashSet<u8>> = HashMap::new();
        for (visitor, (impi, _, _)) in &self.registered {
            holders.entry(impi.clone()).or_default().insert(*visitor);
        }
        for (visitor, tokens) in &self.tokens {
            for claims in tokens
                .iter()
                .rev()
                .take(8)
                .filter_map(|token| self.claims(token))
            {
                holders.entry(claims.impi).or_default().insert(*visitor);
            }
        }
        holders
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn key() -> SigningKey {
    static KEY: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    let made = || SigningKey::generate(Algorithm::ES256).and_then(|key| key.to_pkcs8());
    let pkcs8 = KEY.get_or_init(|| made().expect("a key"));
    SigningKey::from_pkcs8(Algorithm::ES256, pkcs8).expect("a key")
}

fn settings(size: u8, reuse_at_once: bool) -> Settings {
    let identity = |number: u8| PoolIdentity {
        impi: format!("guest{number}@home1.net"),
        impus: vec![format!("sip:guest{number}@home1.net")],
        display_name: "Guest".into(),
    };
    Settings {
        pool: PoolSettings {
            identities: (1..=size).map(identity).collect(),
            token_lifetime: 60,
            grace: 45,
            reuse_at_once,
        },
        ..Settings::new(ISSUER, "eP-CSCF")
    }
}

fn clients() -> Vec<Client> {
    let client = |id: &str| Client::new(id, ClientProof::Secret(SECRET.into()));
    vec![
        Client {
            pool: true,
            ..client("wwsf")
        },
        Client {
            edge: true,
            ..client("epcscf")
        },
    ]
}

fn basic(client: &str) -> String {
    let secret = SECRET.replace(' ', "+");
    format!("Basic {}", STANDARD.encode(format!("{client}:{secret}")))
}

#[test]
fn two_visitors_never_hold_one_identity() {
    let mut runner = TestRunner::new(Config::with_cases(192));
    let schedule = (any::<u8>(), 1..=2_u8, any::<bool>(), steps());
    runner
        .run(&schedule, |(seed, size, reuse_at_once, steps)| {
            let mut world = World::new(seed, size, reuse_at_once);
            for (number, step) in steps.iter().enumerate() {
                world.step(step);
                for (impi, holders) in world.holders() {
                    prop_assert!(
                        holders.len() <= 1,
                        "{impi}: {holders:?} after {number}: {step:?}"
                    );
                }
            }
            // Nothing is lost for good: when all have gone, all of the pool can be had again.
            world.now += 60 + 45;
            for visitor in 101..=100 + size {
                world.step(&Step::Ask(visitor));
                prop_assert!(world.tokens.contains_key(&visitor));
            }
            Ok(())
        })
        .expect("it holds for every schedule");
}

#[test]
fn an_exhausted_pool_says_so_and_what_is_given_back_is_lent_again() {
    let mut world = World::new(1, 2, true);
    for visitor in [1, 2, 3] {
        world.step(&Step::Ask(visitor));
    }
    assert!(world.tokens.contains_key(&2) && !world.tokens.contains_key(&3));
    let reply = world.ask(3).reply;
    assert_eq!(reply.status(), 503);
    assert_eq!(reply.headers()["retry-after"], "105");
    // The same visitor is given the same identity again.
    world.step(&Step::Ask(1));
    let mine: HashSet<_> = world.tokens[&1]
        .iter()
        .map(|token| world.claims(token).expect("a good token").impi)
        .collect();
    assert_eq!(mine.len(), 1);
    // Back on the shelf as soon as the eP-CSCF says so, though the tokens are young.
    world.step(&Step::Register(1, last()));
    world.step(&Step::Deregister(1));
    world.step(&Step::Ask(3));
    let theirs = world.claims(&world.tokens[&3][0]).expect("a good token");
    assert!(mine.contains(&theirs.impi));
    assert!(
        world.tokens[&1]
            .iter()
            .all(|token| world.claims(token).is_none())
    );
}

/// With several eP-CSCFs the others would still take its tokens.
#[test]
fn what_is_given_back_waits_for_its_tokens_where_several_take_them() {
    let mut world = World::new(2, 2, false);
    for visitor in [1, 2] {
        world.step(&Step::Ask(visitor));
    }
    world.step(&Step::Register(1, last()));
    world.step(&Step::Deregister(1));
    world.step(&Step::Ask(3));
    assert!(!world.tokens.contains_key(&3));
    world.step(&Step::Wait(104));
    world.step(&Step::Ask(3));
    assert!(!world.tokens.contains_key(&3));
    world.step(&Step::Wait(1));
    world.step(&Step::Ask(3));
    assert!(world.tokens.contains_key(&3));
}

#[test]
fn the_pool_is_for_those_who_may_have_it() {
    let mut world = World::new(3, 2, true);
    let mut random = Random::new([0; 32]);
    let mut ask = |client: &str, body: &str| {
        let basic = basic(client);
        let reply = world
            .waf
            .token(world.now, &mut random, Some(&basic), body)
            .reply;
        let body: serde_json::Value = serde_json::from_str(reply.body()).expect("JSON");
        body["error"].as_str().unwrap_or_default().to_owned()
    };
    let good = "grant_type=client_credentials&visitor=v";
    assert_eq!(ask("epcscf", good), "unauthorized_client");
    assert_eq!(ask("nobody", good), "invalid_client");
    assert_eq!(
        ask("wwsf", "grant_type=client_credentials"),
        "invalid_request"
    );
    assert_eq!(ask("wwsf", &format!("{good}&scope=admin")), "invalid_scope");
    let long = format!("{good}{}", "v".repeat(128));
    assert_eq!(ask("wwsf", &long), "invalid_request");
    assert_eq!(ask("wwsf", good), "");
    // And nobody but an eP-CSCF gives back what others have.
    for (client, status) in [("wwsf", 400), ("nobody", 401)] {
        let basic = basic(client);
        let outcome = world.waf.release(world.now, Some(&basic), "lease=x");
        assert_eq!(outcome.reply.status(), status);
        assert!(outcome.changes.is_empty());
    }
}

/// The newest token of a visitor, by the index that a schedule would have drawn.
fn last() -> prop::sample::Index {
    let mut runner = TestRunner::deterministic();
    loop {
        let tree = any::<prop::sample::Index>()
            .new_tree(&mut runner)
            .expect("one");
        let index = tree.current();
        if index.index(1000) == 999 {
            return index;
        }
    }
}
