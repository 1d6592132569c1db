//! From what the operator says to functions that run, or to the sentence that says why not.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core_credentials::jwk::JwkSet;
use core_credentials::token::{AssertionKeys, SigningKey};
use core_credentials::{Secret, password};
use nf_waf::{Account, Client, ClientProof, Waf};
use nf_wwsf::{ApplicationSite, Origin, Origins, Server, Wwsf};
use rustls_pki_types::CertificateDer;
use tokio::sync::Semaphore;

use super::state::{CHECKING, Clock, REFRESHING, WAITING, WafState, WwsfState, random};
use super::w4::{Proof, W4};
use super::{AccountConfig, ClientConfig, WafConfig, WebError, WwsfConfig, pem};
use crate::store::{Change, Store};

/// Shorter lives sign people out between two tokens.
const LEAST_IDLE: u64 = 600;
/// A registration lives no longer than its token, and registrars grant a minute at least
/// (RFC 3261 §10.3, 423).
const LEAST_TOKEN: u64 = 70;
/// An eP-CSCF remembers for a day which leases have ended.
const MOST_POOL_TOKEN: u64 = 24 * 3600;
/// A registration ends at most so long after its token: the eP-CSCF's allowance for clocks, the least
/// expiry that it asks for, and its margin for late refreshes.
const LEAST_GRACE: u64 = 45;

/// Finds what makes no sense before anything is made or asked: of a file that one of the functions
/// will read. Sections that say nothing are left alone.
pub(crate) fn check(waf: &WafConfig, wwsf: &WwsfConfig) -> Result<(), WebError> {
    if !waf.issuer.is_empty() {
        waf_settings(waf, 0)?;
    }
    for one in &waf.clients {
        client(one)?;
    }
    if !wwsf.issuer.is_empty() {
        wwsf_settings(wwsf)?;
        proof(wwsf)?;
    }
    Ok(())
}

fn waf_settings(config: &WafConfig, now: u64) -> Result<nf_waf::Settings, WebError> {
    let issuer = url::Url::parse(&config.issuer)
        .map_err(|error| WebError::config("waf.issuer", error.to_string()))?;
    if issuer.query().is_some() || issuer.fragment().is_some() || config.issuer.ends_with('/') {
        let why = "a URL without query, fragment or slash at its end is needed";
        return Err(WebError::config("waf.issuer", why));
    }
    if config.refresh_token_lifetime < LEAST_IDLE {
        let why = format!("{LEAST_IDLE} seconds at least");
        return Err(WebError::config("waf.refresh_token_lifetime", why));
    }
    if config.access_token_lifetime < LEAST_TOKEN {
        let why = format!("{LEAST_TOKEN} seconds at least");
        return Err(WebError::config("waf.access_token_lifetime", why));
    }
    Ok(nf_waf::Settings {
        issuer: config.issuer.clone(),
        audience: config.audience.clone(),
        waf: config.identity.clone(),
        access_token_lifetime: config.access_token_lifetime,
        refresh_token_lifetime: config.refresh_token_lifetime,
        grant_lifetime: config.grant_lifetime,
        signing_key_lifetime: config.signing_key_lifetime,
        began: now,
        pool: pool(config)?,
    })
}

fn pool(config: &WafConfig) -> Result<nf_waf::PoolSettings, WebError> {
    let pool = &config.pool;
    if !(LEAST_TOKEN..=MOST_POOL_TOKEN).contains(&pool.token_lifetime) {
        let why = format!("{LEAST_TOKEN} to {MOST_POOL_TOKEN} seconds");
        return Err(WebError::config("waf.pool.token_lifetime", why));
    }
    if pool.grace < LEAST_GRACE {
        let why =
            format!("{LEAST_GRACE} seconds at least: registrations outlast their token so long");
        return Err(WebError::config("waf.pool.grace", why));
    }
    let mut impis: HashSet<&str> = config.accounts.iter().map(|a| a.impi.as_str()).collect();
    let mut identities = Vec::new();
    for one in &pool.identities {
        if one.impi.is_empty() || one.impus.is_empty() {
            let why = "impi and at least one of impus are needed";
            return Err(WebError::config("waf.pool.identities.impi", why));
        }
        if !impis.insert(&one.impi) {
            let why = format!("{} has another owner already", one.impi);
            return Err(WebError::config("waf.pool.identities.impi", why));
        }
        identities.push(nf_waf::PoolIdentity {
            impi: one.impi.clone(),
            impus: one.impus.clone(),
            display_name: one.display_name.clone(),
        });
    }
    Ok(nf_waf::PoolSettings {
        identities,
        token_lifetime: pool.token_lifetime,
        grace: pool.grace,
        reuse_at_once: pool.reuse_at_once.unwrap_or(false),
    })
}

pub(super) fn waf(
    config: &WafConfig,
    loaded: nf_waf::Loaded,
    store: &Store,
    now: u64,
) -> Result<WafState, WebError> {
    let settings = waf_settings(config, now)?;
    let clients = config
        .clients
        .iter()
        .map(client)
        .collect::<Result<Vec<_>, _>>()?;
    let mut waf = Waf::new(settings, clients, loaded);
    let mut changes = Vec::new();
    let mut names = HashSet::new();
    for account in &config.accounts {
        let account = read_account(account, &waf)?;
        if !names.insert(account.name.clone()) {
            return Err(WebError::config("waf.accounts", "a name occurs twice"));
        }
        changes.extend(waf.put_account(account));
    }
    changes.extend(waf.retain_accounts(&names));
    if waf.signs_with(now) != Some(config.signing) {
        let key = SigningKey::generate(config.signing).ok_or(WebError::Crypto)?;
        changes.extend(waf.adopt_key(now, key));
    }
    // Nothing depends on these yet: the queue keeps them before all that will.
    drop(store.commit(changes.into_iter().map(Change::Waf).collect()));
    let path = url::Url::parse(&config.issuer).map(|url| url.path().to_owned());
    Ok(WafState {
        waf: Mutex::new(waf),
        path: path.unwrap_or_default().trim_end_matches('/').to_owned(),
        metadata_path: Waf::metadata_path(&config.issuer),
        signing: config.signing,
        checking: Semaphore::new(CHECKING),
        waiting: Semaphore::new(WAITING),
    })
}

fn client(config: &ClientConfig) -> Result<Client, WebError> {
    let proof =
        match (&config.secret, config.public_keys.as_slice()) {
            (Some(secret), []) => {
                if secret.expose().len() < 16 {
                    let why = "16 characters at least";
                    return Err(WebError::config("waf.clients.secret", why));
                }
                ClientProof::Secret(secret.clone())
            }
            (None, files @ [_, ..]) => {
                let keys = files.iter().map(|file| pem::public_key(file));
                let keys = keys.collect::<Result<Vec<_>, _>>()?;
                let keys = AssertionKeys::new(&JwkSet { keys });
                ClientProof::Keys(keys.map_err(|error| {
                    WebError::config("waf.clients.public_keys", error.to_string())
                })?)
            }
            _ => {
                let why = "either secret or public_keys is needed";
                return Err(WebError::config("waf.clients.id", why));
            }
        };
    let audience = config.audience.clone();
    Ok(Client {
        redirect_uris: config.redirect_uris.clone(),
        wwsf: config.wwsf.clone(),
        resource_server: config.resource_server,
        pool: config.pool,
        edge: config.edge,
        scopes: config.scopes.clone(),
        audience: audience.unwrap_or_else(|| crate::mes::AUDIENCE.to_owned()),
        ..Client::new(&config.id, proof)
    })
}

/// A password that is the same as before keeps its hash, so that a restart changes nothing.
fn read_account(config: &AccountConfig, waf: &Waf) -> Result<Account, WebError> {
    let name = config.name.trim().to_lowercase();
    if name.is_empty() || config.impi.is_empty() || config.impus.is_empty() {
        let why = "name, impi and at least one of impus are needed";
        return Err(WebError::config("waf.accounts", why));
    }
    let password_hash = match (&config.password, &config.password_hash) {
        (None, Some(hash)) => hash.clone(),
        (Some(password), None) => {
            let before = waf.password_hash(&name);
            let same = |hash: &&Secret| password::verify(password.expose(), hash.expose());
            if let Some(hash) = before.filter(same) {
                hash.clone()
            } else {
                let salt = random()?.bytes();
                let hash = password::hash(password.expose(), salt, password::Cost::default());
                Secret::new(hash.ok_or(WebError::Crypto)?)
            }
        }
        _ => {
            let why = "either password or password_hash is needed";
            return Err(WebError::config("waf.accounts", why));
        }
    };
    Ok(Account {
        password_hash,
        display_name: config
            .display_name
            .clone()
            .unwrap_or_else(|| config.name.clone()),
        impi: config.impi.clone(),
        impus: config.impus.clone(),
        name,
    })
}

fn wwsf_settings(config: &WwsfConfig) -> Result<nf_wwsf::Settings, WebError> {
    if config.idle_lifetime < LEAST_IDLE {
        let why = format!("{LEAST_IDLE} seconds at least");
        return Err(WebError::config("wwsf.idle_lifetime", why));
    }
    let origins = config.origins.iter().map(|text| {
        let why = || WebError::config("wwsf.origins", format!("{text} is no origin"));
        Origin::parse(text).ok_or_else(why)
    });
    let origins = origins.collect::<Result<Vec<_>, _>>()?;
    for (key, value) in [
        ("wwsf.issuer", config.issuer.as_str()),
        ("wwsf.client_id", &config.client_id),
        ("wwsf.home_domain", &config.home_domain),
        ("wwsf.scope", &config.scope),
    ] {
        if value.is_empty() {
            return Err(WebError::config(key, "is needed"));
        }
    }
    if Server::metadata_urls(&config.issuer).is_none() {
        return Err(WebError::config("wwsf.issuer", "is no URL"));
    }
    if let Some(key) = config.claims.fault() {
        let why = format!("{key} must be one word");
        return Err(WebError::config("wwsf.claims", why));
    }
    let asked = |word: &str| config.scope.split(' ').any(|asked| asked == word);
    if !asked(&config.claims.ims_scope) {
        let why = format!("must have {}", config.claims.ims_scope);
        return Err(WebError::config("wwsf.scope", why));
    }
    // Endpoints below one address are told by the operator; others tell themselves.
    let base = config.w4.as_deref();
    let authorize = config.authorize.as_deref();
    if base.is_none() && authorize.is_some() {
        let why = "goes together with w4; without both the WAF's metadata is asked for";
        return Err(WebError::config("wwsf.authorize", why));
    }
    let applications = config.applications.as_deref().map(|text| {
        let why = || {
            WebError::config(
                "wwsf.applications",
                "must be as https://app-{id}.example.net",
            )
        };
        ApplicationSite::parse(text).ok_or_else(why)
    });
    let key = config.applications_key.as_ref();
    let is_key = |key: &String| URL_SAFE_NO_PAD.decode(key).is_ok_and(|key| key.len() == 32);
    if key.is_some_and(|key| !is_key(key)) {
        let why = "must be 32 octets in base64url";
        return Err(WebError::config("wwsf.applications_key", why));
    }
    Ok(nf_wwsf::Settings {
        applications: applications.transpose()?,
        applications_key: key.cloned(),
        server: base.map(|base| Server::below(&config.issuer, base, authorize)),
        scope: config.scope.clone(),
        dialect: config.claims.clone(),
        client_id: config.client_id.clone(),
        home_domain: config.home_domain.clone(),
        w2: config.w2.clone(),
        origins: if origins.is_empty() {
            Origins::Loopback
        } else {
            Origins::Only(origins)
        },
        guests: config.guests,
        guests_per_address: Some(config.guests_per_address).filter(|most| *most > 0),
        software_sims: config.software_sims.unwrap_or(false),
        session_lifetime: config.session_lifetime,
        idle_lifetime: config.idle_lifetime,
    })
}

/// How the WWSF proves to the WAF who it is.
fn proof(config: &WwsfConfig) -> Result<Proof, WebError> {
    match (config.client_secret.expose(), &config.client_key) {
        ("", Some(file)) => Ok(Proof::Key(Box::new(pem::signing_key(file)?))),
        (_, None) if !config.client_secret.expose().is_empty() => {
            Ok(Proof::Secret(config.client_secret.clone()))
        }
        _ => {
            let why = "either client_secret or client_key is needed";
            Err(WebError::config("wwsf.client_secret", why))
        }
    }
}

pub(super) fn wwsf(
    config: &WwsfConfig,
    sessions: Vec<nf_wwsf::Session>,
    trust: &[CertificateDer<'static>],
    clock: &Clock,
) -> Result<WwsfState, WebError> {
    let settings = wwsf_settings(config)?;
    let proof = proof(config)?;
    let mut trust = trust.to_vec();
    for path in &config.w4_trust {
        trust.extend(pem::certificates(path)?);
    }
    let server = settings.server.clone();
    Ok(WwsfState {
        w4: W4::new(
            &config.issuer,
            server,
            &config.client_id,
            proof,
            &trust,
            Arc::clone(clock),
        )?,
        wwsf: Mutex::new(Wwsf::new(settings, sessions)),
        refreshing: (0..REFRESHING)
            .map(|_| tokio::sync::Mutex::new(()))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::{Door, PoolIdentityConfig, behind_one_door};

    fn configured() -> (WafConfig, WwsfConfig) {
        let (mut waf, mut wwsf) = (WafConfig::default(), WwsfConfig::default());
        let door = Door {
            url: "https://localhost:8443".into(),
            own: "https://127.0.0.1:8443".into(),
            home_domain: "home1.net".into(),
        };
        let account = AccountConfig {
            name: "Alice".into(),
            password: Some("password".into()),
            password_hash: None,
            display_name: None,
            impi: "alice@home1.net".into(),
            impus: vec!["sip:alice@home1.net".into()],
        };
        behind_one_door(&mut waf, &mut wwsf, &door, [account]).unwrap();
        (waf, wwsf)
    }

    fn clock() -> Clock {
        Arc::new(|| 0)
    }

    fn key_of(error: Option<WebError>) -> &'static str {
        match error {
            Some(WebError::Config { key, why }) => {
                assert!(!why.is_empty());
                key
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let wrong_waf = |change: fn(&mut WafConfig)| {
            let (mut config, _) = configured();
            change(&mut config);
            let folder = std::env::temp_dir().join(format!("isthmus-open-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let (store, loaded) = Store::open(&folder.join("isthmus.sqlite")).unwrap();
            let opened = waf(&config, loaded.waf, &store, 0);
            std::fs::remove_dir_all(&folder).unwrap();
            key_of(opened.err())
        };
        assert_eq!(wrong_waf(|c| c.issuer.clear()), "waf.issuer");
        assert_eq!(wrong_waf(|c| c.issuer.push('/')), "waf.issuer");
        assert_eq!(wrong_waf(|c| c.issuer.push_str("?a")), "waf.issuer");
        assert_eq!(
            wrong_waf(|c| c.access_token_lifetime = 69),
            "waf.access_token_lifetime"
        );
        assert_eq!(
            wrong_waf(|c| c.refresh_token_lifetime = 60),
            "waf.refresh_token_lifetime"
        );
        assert_eq!(
            wrong_waf(|c| c.clients[0].secret = Some("short".into())),
            "waf.clients.secret"
        );
        assert_eq!(wrong_waf(|c| c.clients[0].secret = None), "waf.clients.id");
        assert_eq!(
            wrong_waf(|c| c.clients[0].public_keys.push("key.pem".into())),
            "waf.clients.id"
        );
        assert_eq!(wrong_waf(|c| c.accounts[0].impus.clear()), "waf.accounts");
        assert_eq!(wrong_waf(|c| c.accounts[0].password = None), "waf.accounts");
        assert_eq!(
            wrong_waf(|c| c.accounts[0].password_hash = Some("x".into())),
            "waf.accounts"
        );
        assert_eq!(
            wrong_waf(|c| c.pool.token_lifetime = 2 * MOST_POOL_TOKEN),
            "waf.pool.token_lifetime"
        );
        assert_eq!(wrong_waf(|c| c.pool.grace = 5), "waf.pool.grace");
        let same_twice = |c: &mut WafConfig| {
            c.pool.identities.push(PoolIdentityConfig {
                impi: c.accounts[0].impi.clone(),
                impus: vec!["sip:guest@home1.net".into()],
                display_name: "Guest".into(),
            });
        };
        assert_eq!(wrong_waf(same_twice), "waf.pool.identities.impi");
        assert_eq!(
            wrong_waf(|c| c.accounts.push(c.accounts[0].clone())),
            "waf.accounts"
        );

        let wrong_wwsf = |change: fn(&mut WwsfConfig)| {
            let (_, mut config) = configured();
            change(&mut config);
            key_of(wwsf(&config, Vec::new(), &[], &clock()).err())
        };
        assert_eq!(wrong_wwsf(|c| c.issuer.clear()), "wwsf.issuer");
        assert_eq!(wrong_wwsf(|c| c.home_domain.clear()), "wwsf.home_domain");
        assert_eq!(
            wrong_wwsf(|c| c.client_secret = Secret::default()),
            "wwsf.client_secret"
        );
        assert_eq!(
            wrong_wwsf(|c| c.client_key = Some("key.pem".into())),
            "wwsf.client_secret"
        );
        assert_eq!(wrong_wwsf(|c| c.issuer = "waf".into()), "wwsf.issuer");
        assert_eq!(wrong_wwsf(|c| c.w4 = None), "wwsf.authorize");
        assert_eq!(wrong_wwsf(|c| c.scope = "openid".into()), "wwsf.scope");
        assert_eq!(wrong_wwsf(|c| c.claims.impi.clear()), "wwsf.claims");
        assert_eq!(
            wrong_wwsf(|c| c.origins.push("phone.example.net".into())),
            "wwsf.origins"
        );
        assert_eq!(wrong_wwsf(|c| c.idle_lifetime = 60), "wwsf.idle_lifetime");
    }

    #[test]
    fn a_key_that_is_none_is_named() {
        let folder = std::env::temp_dir().join(format!("isthmus-pem-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("key.pem");
        std::fs::write(&file, "no key").unwrap();
        let (_, mut config) = configured();
        config.client_secret = Secret::default();
        config.client_key = Some(file.clone());
        let ours = wwsf(&config, Vec::new(), &[], &clock())
            .err()
            .unwrap()
            .to_string();
        let theirs = client(&ClientConfig {
            id: "wwsf".into(),
            secret: None,
            public_keys: vec![file.clone()],
            redirect_uris: Vec::new(),
            wwsf: None,
            resource_server: false,
            pool: false,
            edge: false,
            scopes: Vec::new(),
            audience: None,
        });
        let theirs = theirs.err().unwrap().to_string();
        std::fs::remove_dir_all(&folder).unwrap();
        for words in [ours, theirs] {
            assert!(words.contains("key.pem"), "{words}");
        }
    }

    #[test]
    fn a_certificate_that_cannot_be_read_is_named() {
        let (_, mut config) = configured();
        config.w4_trust.push("/nonexistent/certificate.pem".into());
        let error = wwsf(&config, Vec::new(), &[], &clock()).err().unwrap();
        assert_eq!(
            error.to_string(),
            "cannot read /nonexistent/certificate.pem"
        );
    }
}
