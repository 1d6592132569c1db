//! From what the operator says to functions that run, or to the sentence that says why not.

use std::collections::HashSet;
use std::sync::Mutex;

use core_credentials::token::SigningKey;
use core_credentials::{Secret, password};
use nf_waf::{Account, Client, Waf};
use nf_wwsf::{Origin, Origins, Wwsf};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::sync::Semaphore;

use super::state::{CHECKING, REFRESHING, WAITING, WafState, WwsfState, random};
use super::w4::W4;
use super::{AccountConfig, ClientConfig, WafConfig, WebError, WwsfConfig};
use crate::store::{Change, Store};

/// Shorter lives sign people out between two tokens.
const LEAST_IDLE: u64 = 600;

pub(super) fn waf(
    config: &WafConfig,
    loaded: nf_waf::Loaded,
    store: &Store,
    now: u64,
) -> Result<WafState, WebError> {
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
    if config.access_token_lifetime < 120 {
        // The WWSF renews a token a minute before its end.
        return Err(WebError::config(
            "waf.access_token_lifetime",
            "120 seconds at least",
        ));
    }
    let settings = nf_waf::Settings {
        issuer: config.issuer.clone(),
        audience: config.audience.clone(),
        waf: config.identity.clone(),
        access_token_lifetime: config.access_token_lifetime,
        refresh_token_lifetime: config.refresh_token_lifetime,
        grant_lifetime: config.grant_lifetime,
        signing_key_lifetime: config.signing_key_lifetime,
    };
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
    Ok(WafState {
        waf: Mutex::new(waf),
        path: issuer.path().trim_end_matches('/').to_owned(),
        metadata_path: Waf::metadata_path(&config.issuer),
        signing: config.signing,
        checking: Semaphore::new(CHECKING),
        waiting: Semaphore::new(WAITING),
    })
}

fn client(config: &ClientConfig) -> Result<Client, WebError> {
    if config.secret.expose().len() < 16 {
        return Err(WebError::config(
            "waf.clients.secret",
            "16 characters at least",
        ));
    }
    Ok(Client {
        id: config.id.clone(),
        secret: config.secret.clone(),
        redirect_uris: config.redirect_uris.clone(),
        wwsf: config.wwsf.clone(),
        resource_server: config.resource_server,
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

pub(super) fn wwsf(
    config: &WwsfConfig,
    sessions: Vec<nf_wwsf::Session>,
    trust: &[CertificateDer<'static>],
) -> Result<WwsfState, WebError> {
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
        ("wwsf.client_secret", config.client_secret.expose()),
        ("wwsf.home_domain", &config.home_domain),
    ] {
        if value.is_empty() {
            return Err(WebError::config(key, "is needed"));
        }
    }
    let settings = nf_wwsf::Settings {
        issuer: config.issuer.clone(),
        authorize: match &config.authorize {
            Some(authorize) => authorize.clone(),
            None => format!("{}/authorize", config.issuer),
        },
        client_id: config.client_id.clone(),
        home_domain: config.home_domain.clone(),
        w2: config.w2.clone(),
        origins: if origins.is_empty() {
            Origins::Loopback
        } else {
            Origins::Only(origins)
        },
        session_lifetime: config.session_lifetime,
        idle_lifetime: config.idle_lifetime,
    };
    let mut trust = trust.to_vec();
    for path in &config.w4_trust {
        let bad = |source| WebError::Certificate {
            path: path.display().to_string(),
            source,
        };
        let pem = std::fs::read(path).map_err(bad)?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            trust.push(certificate.map_err(|error| bad(std::io::Error::other(error)))?);
        }
    }
    let base = config.w4.as_deref().unwrap_or(&config.issuer);
    Ok(WwsfState {
        wwsf: Mutex::new(Wwsf::new(settings, sessions)),
        w4: W4::new(base, &config.client_id, &config.client_secret, &trust)?,
        refreshing: (0..REFRESHING)
            .map(|_| tokio::sync::Mutex::new(()))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::{Door, behind_one_door};

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
            wrong_waf(|c| c.access_token_lifetime = 60),
            "waf.access_token_lifetime"
        );
        assert_eq!(
            wrong_waf(|c| c.refresh_token_lifetime = 60),
            "waf.refresh_token_lifetime"
        );
        assert_eq!(
            wrong_waf(|c| c.clients[0].secret = "short".into()),
            "waf.clients.secret"
        );
        assert_eq!(wrong_waf(|c| c.accounts[0].impus.clear()), "waf.accounts");
        assert_eq!(wrong_waf(|c| c.accounts[0].password = None), "waf.accounts");
        assert_eq!(
            wrong_waf(|c| c.accounts[0].password_hash = Some("x".into())),
            "waf.accounts"
        );
        assert_eq!(
            wrong_waf(|c| c.accounts.push(c.accounts[0].clone())),
            "waf.accounts"
        );

        let wrong_wwsf = |change: fn(&mut WwsfConfig)| {
            let (_, mut config) = configured();
            change(&mut config);
            key_of(wwsf(&config, Vec::new(), &[]).err())
        };
        assert_eq!(wrong_wwsf(|c| c.issuer.clear()), "wwsf.issuer");
        assert_eq!(wrong_wwsf(|c| c.home_domain.clear()), "wwsf.home_domain");
        assert_eq!(
            wrong_wwsf(|c| c.client_secret = Secret::default()),
            "wwsf.client_secret"
        );
        assert_eq!(
            wrong_wwsf(|c| c.origins.push("phone.example.net".into())),
            "wwsf.origins"
        );
        assert_eq!(wrong_wwsf(|c| c.idle_lifetime = 60), "wwsf.idle_lifetime");
    }

    #[test]
    fn a_certificate_that_cannot_be_read_is_named() {
        let (_, mut config) = configured();
        config.w4_trust.push("/nonexistent/certificate.pem".into());
        let error = wwsf(&config, Vec::new(), &[]).err().unwrap();
        assert_eq!(
            error.to_string(),
            "cannot read the certificate /nonexistent/certificate.pem"
        );
    }
}
