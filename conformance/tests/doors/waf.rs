//! The WAF's door: requests as they come over HTTP, and a store that keeps what was written down.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_credentials::jwk::JwkSet;
use core_credentials::token::{Algorithm, AssertionKeys, Claims, SigningKey, Verifier};
use core_credentials::{Random, bearer, password, pkce};
use nf_waf::{
    Account, Caller, Change, Client, ClientProof, Code, Grant, Lease, Loaded, Outcome, Reply,
    Settings, SignIn, StoredKey, Waf,
};
use serde_json::Value;

pub(crate) const ISSUER: &str = "https://waf.example.net/oauth2";
pub(crate) const AUDIENCE: &str = "eP-CSCF";
pub(crate) const REDIRECT: &str = "https://wwsf.example.net/signed-in";
pub(crate) const START: u64 = 1_800_000_000;
/// RFC 7636 Appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A WAF with two accounts, a WWSF, another WWSF and a resource server.
pub(crate) struct Door {
    pub(crate) waf: Waf,
    pub(crate) now: u64,
    random: Random,
    written: Written,
}

/// What a store would hold.
#[derive(Default)]
struct Written {
    accounts: BTreeMap<String, Account>,
    keys: BTreeMap<String, StoredKey>,
    codes: BTreeMap<String, Code>,
    grants: BTreeMap<String, Grant>,
    leases: BTreeMap<String, Lease>,
}

impl Door {
    pub(crate) fn new() -> Self {
        let mut door = Self {
            waf: Waf::new(settings(), clients(), Loaded::default()),
            now: START,
            random: Random::new([7; 32]),
            written: Written::default(),
        };
        let key = SigningKey::generate(Algorithm::ES256).expect("a key");
        let mut changes = door.waf.adopt_key(START, key);
        for name in ["alice", "bob"] {
            let cost = password::Cost {
                memory: 64,
                passes: 1,
            };
            let hash = password::hash(&format!("{name}-password"), [1; 16], cost).expect("a hash");
            changes.extend(door.waf.put_account(Account {
                name: name.into(),
                password_hash: hash.into(),
                display_name: name.to_uppercase(),
                impi: format!("{name}@home1.net"),
                impus: vec![format!("sip:{name}@home1.net")],
            }));
        }
        door.written.apply(changes);
        door
    }

    /// The process is killed and starts again with what was written down.
    pub(crate) fn restart(&mut self) {
        let Written {
            accounts,
            keys,
            codes,
            grants,
            leases,
        } = &self.written;
        let loaded = Loaded {
            accounts: accounts.values().cloned().collect(),
            keys: keys.values().cloned().collect(),
            codes: codes.values().cloned().collect(),
            grants: grants.values().cloned().collect(),
            leases: leases.values().cloned().collect(),
        };
        let settings = Settings {
            began: self.now,
            ..settings()
        };
        self.waf = Waf::new(settings, clients(), loaded);
    }

    /// Signs in and takes the code that the browser carries back.
    pub(crate) fn code(&mut self, name: &str) -> String {
        let reply = self.sign_in(&authorization(&[]), name, &format!("{name}-password"));
        parameters(&reply)["code"].clone()
    }

    /// `POST /authorize`
    pub(crate) fn sign_in(&mut self, request: &str, name: &str, password: &str) -> Reply {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        let caller = Caller {
            address,
            cross_site: false,
        };
        let body = format!(
            "{request}&{}",
            form(&[("username", name), ("password", password)])
        );
        match self.waf.begin_sign_in(self.now, &caller, &body) {
            SignIn::Reply(reply) => reply,
            SignIn::Verify(pending) => {
                let verified = pending.verify();
                let outcome =
                    self.waf
                        .finish_sign_in(self.now, &mut self.random, &pending, verified);
                self.keep(outcome)
            }
        }
    }

    /// `POST /token` as the client that codes are for.
    pub(crate) fn token(&mut self, parameters: &[(&str, &str)]) -> Reply {
        self.token_as(Some(&basic("wwsf", SECRET)), &form(parameters))
    }

    pub(crate) fn token_as(&mut self, authorization: Option<&str>, body: &str) -> Reply {
        let outcome = self
            .waf
            .token(self.now, &mut self.random, authorization, body);
        self.keep(outcome)
    }

    /// A code is traded for tokens.
    pub(crate) fn trade(&mut self, code: &str) -> Reply {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ])
    }

    /// A refresh token is used.
    pub(crate) fn refresh(&mut self, token: &str) -> Reply {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    /// From the password to tokens.
    pub(crate) fn tokens(&mut self, name: &str) -> Tokens {
        let code = self.code(name);
        Tokens::of(&self.trade(&code))
    }

    /// `POST /introspect`
    pub(crate) fn introspect(&mut self, client: &str, token: &str) -> Value {
        let body = form(&[("token", token)]);
        json(
            &self
                .waf
                .introspect(self.now, Some(&basic(client, SECRET)), &body),
        )
    }

    /// `POST /revoke`
    pub(crate) fn revoke(&mut self, client: &str, token: &str) -> Reply {
        let body = form(&[("token", token)]);
        let outcome = self
            .waf
            .revoke(self.now, Some(&basic(client, SECRET)), &body);
        self.keep(outcome)
    }

    /// What an eP-CSCF makes of an access token.
    pub(crate) fn claims(&self, access_token: &str) -> Claims {
        let mut verifier = Verifier::new(AUDIENCE, 0);
        verifier
            .set_keys(ISSUER, &self.waf.key_set())
            .expect("keys can be used");
        verifier
            .verify(access_token, self.now)
            .expect("the token is good")
    }

    fn keep(&mut self, outcome: Outcome) -> Reply {
        self.written.apply(outcome.changes);
        outcome.reply
    }
}

impl Written {
    fn apply(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::PutAccount(account) => {
                    self.accounts.insert(account.name.clone(), account);
                }
                Change::RemoveAccount(name) => {
                    self.accounts.remove(&name);
                }
                Change::PutKey(key) => {
                    self.keys.insert(key.kid.clone(), key);
                }
                Change::RemoveKey(kid) => {
                    self.keys.remove(&kid);
                }
                Change::PutCode(code) => {
                    self.codes.insert(code.hash.clone(), code);
                }
                Change::RemoveCode(hash) => {
                    self.codes.remove(&hash);
                }
                Change::PutGrant(grant) => {
                    self.grants.insert(grant.id.clone(), grant);
                }
                Change::RemoveGrant(id) => {
                    self.grants.remove(&id);
                }
                Change::PutLease(lease) => {
                    self.leases.insert(lease.impi.clone(), lease);
                }
                Change::RemoveLease(impi) => {
                    self.leases.remove(&impi);
                }
            }
        }
    }
}

/// The two tokens of a reply.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Tokens {
    pub(crate) fn of(reply: &Reply) -> Self {
        assert_eq!(reply.status(), 200, "{}", reply.body());
        let body = json(reply);
        let text = |name: &str| body[name].as_str().expect("a token").to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }
}

/// The secret of every client here.
pub(crate) const SECRET: &str = "a secret of the test & more";

fn settings() -> Settings {
    Settings {
        waf: Some("waf.example.net".into()),
        ..Settings::new(ISSUER, AUDIENCE)
    }
}

/// The key of the client `signer`, the same in each run of the WAF.
pub(crate) fn signer_key() -> &'static SigningKey {
    static KEY: std::sync::OnceLock<SigningKey> = std::sync::OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(Algorithm::ES256).expect("a key"))
}

fn clients() -> Vec<Client> {
    let keys = vec![signer_key().jwk().clone()];
    let keys = AssertionKeys::new(&JwkSet { keys }).expect("a key that can be used");
    let secret = |id: &str| (id.to_owned(), ClientProof::Secret(SECRET.into()));
    let mut clients: Vec<_> = ["wwsf", "other", "epcscf"].map(secret).into();
    clients.push(("signer".to_owned(), ClientProof::Keys(keys)));
    let registered = |(id, proof): (String, ClientProof)| Client {
        redirect_uris: vec![REDIRECT.into()],
        wwsf: Some(format!("{id}.example.net")),
        resource_server: id == "epcscf",
        ..Client::new(id, proof)
    };
    clients.into_iter().map(registered).collect()
}

/// A good authorization request, with some of its parameters changed; an empty one is left out.
pub(crate) fn authorization(changes: &[(&str, &str)]) -> String {
    let challenge = pkce::challenge(VERIFIER);
    let mut parameters = BTreeMap::from([
        ("response_type", "code"),
        ("client_id", "wwsf"),
        ("redirect_uri", REDIRECT),
        ("scope", bearer::SCOPE),
        ("state", "a state"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    parameters.extend(changes.iter().copied());
    let parameters: Vec<_> = parameters
        .into_iter()
        .filter(|(_, v)| !v.is_empty())
        .collect();
    form(&parameters)
}

pub(crate) fn form(parameters: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
}

/// RFC 6749 §2.3.1
pub(crate) fn basic(client: &str, secret: &str) -> String {
    let encode = |text: &str| form(&[(text, "")]).trim_end_matches('=').to_owned();
    format!(
        "Basic {}",
        STANDARD.encode(format!("{}:{}", encode(client), encode(secret)))
    )
}

pub(crate) fn json(reply: &Reply) -> Value {
    assert_eq!(header(reply, "content-type"), "application/json");
    serde_json::from_str(reply.body()).expect("JSON")
}

/// The error code of a refusal.
pub(crate) fn error(reply: &Reply) -> String {
    assert!(reply.status().is_client_error(), "{}", reply.status());
    json(reply)["error"].as_str().expect("an error").to_owned()
}

pub(crate) fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    reply
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().expect("text"))
}

/// The parameters that a browser carries back to the client.
pub(crate) fn parameters(reply: &Reply) -> BTreeMap<String, String> {
    assert_eq!(reply.status(), 303, "{}", reply.body());
    let location = header(reply, "location");
    let query = location
        .strip_prefix(REDIRECT)
        .and_then(|rest| rest.strip_prefix('?'));
    let query = query.unwrap_or_else(|| panic!("not to the client: {location}"));
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}
