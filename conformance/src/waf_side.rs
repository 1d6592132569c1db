//! The WAF, as far as an eP-CSCF sees one: its metadata, its keys, and the tokens that WICs bring.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core_credentials::bearer::SCOPE;
use core_credentials::jwk::JwkSet;
use core_credentials::token::{Algorithm, Claims, SigningKey};

use crate::HOME;

/// An issuer of access tokens.
pub struct Waf {
    issuer: String,
    key: SigningKey,
}

impl Waf {
    /// On a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("it is bound"));
        let issuer = format!("{origin}/oauth2");
        let key = SigningKey::generate(Algorithm::ES256).expect("a key");
        let keys = JwkSet {
            keys: vec![key.jwk().clone()],
        };
        let metadata =
            serde_json::json!({ "issuer": issuer, "jwks_uri": format!("{origin}/jwks") });
        let keys = serde_json::to_string(&keys).expect("JSON");
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let body = match path(&mut stream).as_deref() {
                    Some("/.well-known/oauth-authorization-server/oauth2") => metadata.to_string(),
                    Some("/jwks") => keys.clone(),
                    _ => continue,
                };
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
                     Connection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Self { issuer, key }
    }

    /// What `iss` says.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The claims of a good token of this user's, for five minutes.
    pub fn claims(&self, name: &str) -> Claims {
        let now = now();
        Claims {
            iss: self.issuer.clone(),
            sub: name.to_owned(),
            aud: vec!["eP-CSCF".to_owned()],
            client_id: "wwsf".to_owned(),
            iat: now,
            exp: now + 300,
            jti: format!("{name}-{now}"),
            scope: SCOPE.to_owned(),
            impi: format!("{name}@{HOME}"),
            impu: vec![format!("sip:{name}@{HOME}"), "tel:+15550100".to_owned()],
            ..Claims::default()
        }
    }

    /// A token with these claims.
    pub fn issue(&self, claims: &Claims) -> String {
        let token = self.key.issue(claims).expect("the key signs");
        token.expose().to_owned()
    }

    /// A good token of this user's.
    pub fn token(&self, name: &str) -> String {
        self.issue(&self.claims(name))
    }

    /// The same, signed with a key that calls itself the WAF's and is not.
    pub fn forged(&self, name: &str) -> String {
        let good = self.token(name);
        let other = SigningKey::generate(Algorithm::ES256).expect("a key");
        let bad = other.issue(&self.claims(name)).expect("the key signs");
        let (signed, _) = good.rsplit_once('.').expect("a JWT");
        let (_, signature) = bad.expose().rsplit_once('.').expect("a JWT");
        format!("{signed}.{signature}")
    }
}

/// The same token without a signature, as `alg: none` says.
pub fn unsigned(token: &str) -> String {
    let payload = token.split('.').nth(1).expect("a JWT");
    let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"at+jwt","alg":"none"}"#);
    format!("{header}.{payload}.")
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
}

/// The path of a GET.
fn path(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    head.split(' ').nth(1).map(str::to_owned)
}
