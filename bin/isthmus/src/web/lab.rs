//! WWSF and WAF behind one door: what the operator left out follows from the door.

use core_credentials::Secret;
use url::Url;

use super::state::random;
use super::{AccountConfig, ClientConfig, WafConfig, WebError, WwsfConfig};

/// A door that both functions share.
#[derive(Debug, Clone)]
pub struct Door {
    /// The address that people open, `https://localhost:8443`.
    pub url: String,
    /// The same as this machine reaches it, `https://127.0.0.1:8443`.
    pub own: String,
    /// The home network domain.
    pub home_domain: String,
}

/// Where the WAF is behind a door that it shares.
const WAF_PATH: &str = "/oauth2";

/// Completes both configurations; what they say already stays. The WWSF's password at the WAF is made
/// anew at each start unless there is one: nothing outlives the process that needs it.
///
/// On loopback every name and port of this machine is good, with and without TLS; elsewhere the door's
/// own address is the only one.
pub fn behind_one_door(
    waf: &mut WafConfig,
    wwsf: &mut WwsfConfig,
    door: &Door,
    accounts: impl IntoIterator<Item = AccountConfig>,
) -> Result<(), WebError> {
    let url = Url::parse(&door.url);
    let url = url.map_err(|error| WebError::config("http.public_url", error.to_string()))?;
    let origin = url.origin().ascii_serialization();
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if waf.issuer.is_empty() {
        waf.issuer = format!("{origin}{WAF_PATH}");
    }
    // One process has one eP-CSCF.
    waf.pool.reuse_at_once.get_or_insert(true);
    if waf.accounts.is_empty() {
        waf.accounts.extend(accounts);
    }
    if wwsf.issuer.is_empty() || wwsf.issuer == waf.issuer {
        wwsf.issuer.clone_from(&waf.issuer);
        let path = Url::parse(&waf.issuer)
            .map(|url| url.path().to_owned())
            .unwrap_or_default();
        wwsf.authorize
            .get_or_insert_with(|| format!("{path}/authorize"));
        wwsf.w4.get_or_insert_with(|| format!("{}{path}", door.own));
    }
    if wwsf.home_domain.is_empty() {
        wwsf.home_domain.clone_from(&door.home_domain);
    }
    if wwsf.origins.is_empty() && !loopback {
        wwsf.origins.push(origin);
    }
    let known = waf.clients.iter().any(|client| client.id == wwsf.client_id);
    if known || wwsf.issuer != waf.issuer {
        return Ok(());
    }
    if wwsf.client_key.is_some() {
        let why = "needs the WAF to have [[waf.clients]] with its public key";
        return Err(WebError::config("wwsf.client_key", why));
    }
    if wwsf.client_secret.expose().is_empty() {
        wwsf.client_secret = Secret::new(random()?.token());
    }
    let redirect_uris = if wwsf.origins.is_empty() {
        let hosts = ["localhost", "127.0.0.1", "[::1]"];
        let of = |scheme: &str| hosts.map(|host| format!("{scheme}://{host}/signed-in"));
        [of("https"), of("http")].concat()
    } else {
        wwsf.origins
            .iter()
            .map(|origin| format!("{origin}/signed-in"))
            .collect()
    };
    waf.clients.push(ClientConfig {
        id: wwsf.client_id.clone(),
        secret: Some(wwsf.client_secret.clone()),
        public_keys: Vec::new(),
        redirect_uris,
        wwsf: None,
        resource_server: false,
        pool: !waf.pool.identities.is_empty(),
        edge: false,
        scopes: Vec::new(),
        audience: None,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(url: &str) -> Door {
        Door {
            url: url.into(),
            own: "https://127.0.0.1:8443".into(),
            home_domain: "home1.net".into(),
        }
    }

    #[test]
    fn the_lab_needs_no_configuration() {
        let (mut waf, mut wwsf) = (WafConfig::default(), WwsfConfig::default());
        behind_one_door(&mut waf, &mut wwsf, &door("https://localhost:8443"), []).unwrap();
        assert_eq!(waf.issuer, "https://localhost:8443/oauth2");
        assert_eq!(wwsf.issuer, waf.issuer);
        assert_eq!(wwsf.authorize.as_deref(), Some("/oauth2/authorize"));
        assert_eq!(wwsf.w4.as_deref(), Some("https://127.0.0.1:8443/oauth2"));
        assert!(wwsf.origins.is_empty());
        let [client] = &waf.clients[..] else {
            panic!("one client")
        };
        assert!(client.secret.as_ref() == Some(&wwsf.client_secret));
        assert!(wwsf.client_secret.expose().len() >= 16);
        assert!(
            client
                .redirect_uris
                .contains(&"http://127.0.0.1/signed-in".to_owned())
        );
    }

    #[test]
    fn a_public_door_has_one_address() {
        let (mut waf, mut wwsf) = (WafConfig::default(), WwsfConfig::default());
        behind_one_door(&mut waf, &mut wwsf, &door("https://phone.example.net/"), []).unwrap();
        assert_eq!(waf.issuer, "https://phone.example.net/oauth2");
        assert_eq!(wwsf.origins, ["https://phone.example.net"]);
        assert_eq!(
            waf.clients[0].redirect_uris,
            ["https://phone.example.net/signed-in"]
        );
    }

    #[test]
    fn what_the_operator_says_stays() {
        let mut waf = WafConfig {
            issuer: "https://waf.example.net".into(),
            ..WafConfig::default()
        };
        let mut wwsf = WwsfConfig {
            client_secret: "a secret of the operator".into(),
            w2: Some("wss://epcscf.example.net/w2".into()),
            ..WwsfConfig::default()
        };
        behind_one_door(&mut waf, &mut wwsf, &door("https://phone.example.net"), []).unwrap();
        assert_eq!(waf.issuer, "https://waf.example.net");
        assert_eq!(wwsf.w2.as_deref(), Some("wss://epcscf.example.net/w2"));
        assert_eq!(waf.clients[0].secret.as_ref(), Some(&wwsf.client_secret));
        let before = waf.clients.len();
        behind_one_door(&mut waf, &mut wwsf, &door("https://phone.example.net"), []).unwrap();
        assert_eq!(waf.clients.len(), before);
    }
}
