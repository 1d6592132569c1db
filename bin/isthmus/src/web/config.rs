//! What the operator says about WWSF and WAF.

use std::path::PathBuf;

use core_credentials::token::Algorithm;
use core_credentials::{Secret, bearer};
use nf_wwsf::{Dialect, Guests};
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
    /// Identities that are lent to visitors (TS 24.371 §6.3.2).
    pub pool: PoolConfig,
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
            pool: PoolConfig::default(),
        }
    }
}

/// `[waf.pool]`: identities without people.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoolConfig {
    /// Lifetime of an access token that lends one, in seconds.
    pub token_lifetime: u64,
    /// How long after its last token's end an identity is lent again, in seconds.
    pub grace: u64,
    /// Whether what an eP-CSCF gives back is lent again at once: only right where one eP-CSCF takes all
    /// the tokens. Left out: all in one.
    pub reuse_at_once: Option<bool>,
    /// What is lent.
    pub identities: Vec<PoolIdentityConfig>,
}

/// One identity of the pool.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolIdentityConfig {
    /// The private user identity.
    pub impi: String,
    /// The public user identities, the default first.
    pub impus: Vec<String>,
    /// What a page calls whoever has it.
    #[serde(default = "guest")]
    pub display_name: String,
}

fn guest() -> String {
    "Guest".to_owned()
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            token_lifetime: 120,
            grace: 60,
            reuse_at_once: None,
            identities: Vec::new(),
        }
    }
}

/// An OAuth client of the WAF.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientConfig {
    /// Its name.
    pub id: String,
    /// Its password, 16 characters at least: `client_secret_basic` or `client_secret_post`.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// In its place PEM files with its public keys, P-256 or RSA: `private_key_jwt` (RFC 7523).
    #[serde(default)]
    pub public_keys: Vec<PathBuf>,
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
    /// Whether it may have identities of the pool for its visitors.
    #[serde(default)]
    pub pool: bool,
    /// Whether it is an eP-CSCF, which gives identities of the pool back.
    #[serde(default)]
    pub edge: bool,
    /// What it may ask for in its own name, as an application server: names of APIs.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Who takes those tokens; the MMTel Enabler Server if it is left out.
    #[serde(default)]
    pub audience: Option<String>,
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
    /// Where W4 reaches a WAF of ours, if it cannot be asked at its issuer identifier where its
    /// endpoints are (RFC 8414).
    pub w4: Option<String>,
    /// Where browsers reach the sign-in page of such a WAF: a URL, or a path behind the same door.
    pub authorize: Option<String>,
    /// PEM files with the certificates that W4 trusts in place of the system's.
    pub w4_trust: Vec<PathBuf>,
    /// Our name at the WAF.
    pub client_id: String,
    /// Our password there, or in its place
    pub client_secret: Secret,
    /// a PEM file with our private key (PKCS #8, P-256 or RSA): `private_key_jwt` (RFC 7523).
    pub client_key: Option<PathBuf>,
    /// What is asked for: TS 33.203's scope, or what the WAF calls it, and what it wants beside.
    pub scope: String,
    /// The names of the WAF's claims, if it is not ours.
    pub claims: Dialect,
    /// Who may have an identity of the WAF's pool: `no`, `anonymous` or `signed_in`.
    pub guests: Guests,
    /// How many identities of the pool visitors at one address may have; 0: any number.
    pub guests_per_address: usize,
    /// Whether the page offers to register with a SIM whose keys are typed in: for a laboratory. All in
    /// one it does if a subscriber has a SIM.
    pub software_sims: Option<bool>,
    /// The home network domain, if it is not the one of the whole file.
    pub home_domain: String,
    /// Where W2 is; without it, `/w2` on the host that the browser asked.
    pub w2: Option<String>,
    /// The origins that the page has, `https://phone.example.net`. None: the lab, on loopback only.
    pub origins: Vec<String>,
    /// Where data channel applications run: an origin with `{id}` in its first label, as in
    /// `https://app-{id}.apps.example.net`, whose names all lead here. All in one it is
    /// `http://app-{id}.localhost` on the HTTP port; without it they run on the page's own site.
    pub applications: Option<String>,
    /// The operator's public key (Ed25519, 32 octets in base64url): packages that it has not signed are not
    /// run.
    pub applications_key: Option<String>,
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
            client_key: None,
            scope: bearer::SCOPE.to_owned(),
            claims: Dialect::default(),
            guests: Guests::default(),
            guests_per_address: 8,
            software_sims: None,
            home_domain: String::new(),
            w2: None,
            origins: Vec::new(),
            applications: None,
            applications_key: None,
            session_lifetime: 30 * DAY,
            idle_lifetime: 12 * HOUR,
        }
    }
}
