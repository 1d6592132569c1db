//! What the operator says about WWSF and WAF.

use std::path::PathBuf;

use core_credentials::Secret;
use core_credentials::token::Algorithm;
use serde::Deserialize;

/// `[waf]`: the WAF (TS 24.371 §5.4).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WafConfig {
    /// The issuer identifier, a URL that browsers and the WWSF can reach: its path is where the
    /// endpoints are (RFC 8414 §2).
    pub issuer: String,
    /// Who takes the access tokens.
    pub audience: String,
    /// The WAF's identity towards the IMS, if it is in a third party's domain (TS 24.371 §6.4.2).
    pub identity: Option<String>,
    /// What access tokens are signed with.
    pub signing: Algorithm,
    /// Lifetime of an access token in seconds.
    pub access_token_lifetime: u64,
    /// How long a refresh token may lie unused, in seconds.
    pub refresh_token_lifetime: u64,
    /// How long somebody stays signed in at most, in seconds.
    pub grant_lifetime: u64,
    /// How long a signing key signs, in seconds.
    pub signing_key_lifetime: u64,
    /// The WWSFs, and the resource servers that ask about tokens.
    pub clients: Vec<ClientConfig>,
    /// Who can sign in.
    pub accounts: Vec<AccountConfig>,
}

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

impl Default for WafConfig {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            audience: "eP-CSCF".to_owned(),
            identity: None,
            signing: Algorithm::ES256,
            access_token_lifetime: 300,
            refresh_token_lifetime: 12 * HOUR,
            grant_lifetime: 30 * DAY,
            signing_key_lifetime: 90 * DAY,
            clients: Vec::new(),
            accounts: Vec::new(),
        }
    }
}

/// An OAuth client of the WAF.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientConfig {
    /// Its name.
    pub id: String,
    /// Its password: 16 characters at least.
    pub secret: Secret,
    /// Where it takes codes: `https://phone.example.net/signed-in`. Of a loopback host the port does
    /// not matter.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Its identity as a WWSF towards the IMS, if that is needed (TS 24.371 §6.4.2).
    #[serde(default)]
    pub wwsf: Option<String>,
    /// Whether it may ask about the tokens of others.
    #[serde(default)]
    pub resource_server: bool,
}

/// Somebody who can sign in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountConfig {
    /// The user name.
    pub name: String,
    /// The password, or in its place
    #[serde(default)]
    pub password: Option<Secret>,
    /// its Argon2 hash as a PHC string.
    #[serde(default)]
    pub password_hash: Option<Secret>,
    /// What a page calls them; the user name if it is left out.
    #[serde(default)]
    pub display_name: Option<String>,
    /// The private user identity.
    pub impi: String,
    /// The public user identities, the default first.
    pub impus: Vec<String>,
}

/// `[wwsf]`: the WWSF (TS 24.371 §5.3).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WwsfConfig {
    /// The WAF's issuer identifier.
    pub issuer: String,
    /// Where W4 reaches the WAF, if not at its issuer identifier.
    pub w4: Option<String>,
    /// Where browsers reach the WAF's sign-in page: a URL, or a path if it is behind the same door.
    /// Without it, at the issuer identifier.
    pub authorize: Option<String>,
    /// PEM files with the certificates that W4 trusts in place of the system's.
    pub w4_trust: Vec<PathBuf>,
    /// Our name at the WAF.
    pub client_id: String,
    /// Our password there.
    pub client_secret: Secret,
    /// The home network domain, if it is not the one of the whole file.
    pub home_domain: String,
    /// Where W2 is; without it, `/w2` on the host that the browser asked.
    pub w2: Option<String>,
    /// The origins that the page has, `https://phone.example.net`. None: the lab, on loopback only.
    pub origins: Vec<String>,
    /// How long somebody stays signed in at most, in seconds.
    pub session_lifetime: u64,
    /// How long a page may be silent and still be signed in, in seconds.
    pub idle_lifetime: u64,
}

impl Default for WwsfConfig {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            w4: None,
            authorize: None,
            w4_trust: Vec::new(),
            client_id: "wwsf".to_owned(),
            client_secret: Secret::default(),
            home_domain: String::new(),
            w2: None,
            origins: Vec::new(),
            session_lifetime: 30 * DAY,
            idle_lifetime: 12 * HOUR,
        }
    }
}
