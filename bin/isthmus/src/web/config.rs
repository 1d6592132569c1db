//! What the operator says about WWSF and WAF.

use std::path::PathBuf;

use core_credentials::Secret;
use core_credentials::token::Algorithm;
use serde::Deserialize;

/// The WAF (TS 24.371 §5.4).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WafConfig {
    /// The issuer identifier, a URL that browsers and the WWSF can reach: its path is where the
    /// endpoints are (RFC 8414 §2).
    pub issuer: String,
    /// Who takes the access tokens.
    #[serde(default = "default_audience")]
    pub audience: String,
    /// The WAF's identity towards the IMS, if it is in a third party's domain (TS 24.371 §6.4.2).
    #[serde(default)]
    pub identity: Option<String>,
    /// What access tokens are signed with.
    #[serde(default = "default_signing")]
    pub signing: Algorithm,
    /// Lifetime of an access token in seconds.
    #[serde(default = "default_access_token_lifetime")]
    pub access_token_lifetime: u64,
    /// How long a refresh token may lie unused, in seconds.
    #[serde(default = "default_idle_lifetime")]
    pub refresh_token_lifetime: u64,
    /// How long somebody stays signed in at most, in seconds.
    #[serde(default = "default_session_lifetime")]
    pub grant_lifetime: u64,
    /// How long a signing key signs, in seconds.
    #[serde(default = "default_key_lifetime")]
    pub signing_key_lifetime: u64,
    /// The WWSFs, and the resource servers that ask about tokens.
    #[serde(default)]
    pub clients: Vec<ClientConfig>,
    /// Who can sign in.
    #[serde(default)]
    pub accounts: Vec<AccountConfig>,
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

/// The WWSF (TS 24.371 §5.3).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WwsfConfig {
    /// The WAF's issuer identifier.
    pub issuer: String,
    /// Where W4 reaches the WAF, if not at its issuer identifier.
    #[serde(default)]
    pub w4: Option<String>,
    /// Where browsers reach the WAF's sign-in page: a URL, or a path if it is behind the same door.
    /// Without it, at the issuer identifier.
    #[serde(default)]
    pub authorize: Option<String>,
    /// PEM files with the certificates that W4 trusts in place of the system's.
    #[serde(default)]
    pub w4_trust: Vec<PathBuf>,
    /// Our name at the WAF.
    pub client_id: String,
    /// Our password there.
    pub client_secret: Secret,
    /// The home network domain.
    pub home_domain: String,
    /// Where W2 is; without it, `/w2` on the host that the browser asked.
    #[serde(default)]
    pub w2: Option<String>,
    /// The origins that the page has, `https://phone.example.net`. None: the lab, on loopback only.
    #[serde(default)]
    pub origins: Vec<String>,
    /// How long somebody stays signed in at most, in seconds.
    #[serde(default = "default_session_lifetime")]
    pub session_lifetime: u64,
    /// How long a page may be silent and still be signed in, in seconds.
    #[serde(default = "default_idle_lifetime")]
    pub idle_lifetime: u64,
}

fn default_audience() -> String {
    "eP-CSCF".to_owned()
}

fn default_signing() -> Algorithm {
    Algorithm::ES256
}

fn default_access_token_lifetime() -> u64 {
    300
}

fn default_idle_lifetime() -> u64 {
    12 * 3600
}

fn default_session_lifetime() -> u64 {
    30 * 24 * 3600
}

fn default_key_lifetime() -> u64 {
    90 * 24 * 3600
}
