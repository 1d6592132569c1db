//! An authorization server as small as it can be: one ES256 key, its metadata and its JWKS on
//! loopback, and tokens for as many users as are wanted.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use core_credentials::bearer;
use core_credentials::jwk::JwkSet;
use core_credentials::token::{Algorithm, Claims, SigningKey};

/// A running one. Its thread ends with the program.
pub struct Issuer {
    /// `iss`.
    pub name: String,
    key: SigningKey,
}

impl Issuer {
    /// Makes a key and serves it.
    pub fn start() -> Result<Self> {
        let key = SigningKey::generate(Algorithm::ES256).context("no key")?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let origin = format!("http://{}", listener.local_addr()?);
        let name = format!("{origin}/oauth2");
        let metadata =
            serde_json::json!({ "issuer": name, "jwks_uri": format!("{origin}/jwks") }).to_string();
        let keys = serde_json::to_string(&JwkSet {
            keys: vec![key.jwk().clone()],
        })?;
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answer(stream, &metadata, &keys);
            }
        });
        Ok(Self { name, key })
    }

    /// The credentials of one user, for an hour: what stands in Authorization.
    pub fn credentials(&self, number: usize) -> Result<String> {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)?
            .as_secs();
        let token = self.key.issue(&Claims {
            iss: self.name.clone(),
            sub: format!("user{number}"),
            aud: vec!["eP-CSCF".to_owned()],
            client_id: "wwsf".to_owned(),
            iat: now,
            exp: now + 3600,
            jti: format!("token-{number}"),
            scope: bearer::SCOPE.to_owned(),
            impi: format!("user{number}@ims.example"),
            impu: vec![format!("sip:user{number}@ims.example")],
            ..Claims::default()
        });
        Ok(format!(
            "Bearer {}",
            token.context("no signature")?.expose()
        ))
    }
}

fn answer(mut stream: TcpStream, metadata: &str, keys: &str) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        head.extend_from_slice(&chunk[..read]);
    }
    let body = if head.starts_with(b"GET /jwks") {
        keys
    } else {
        metadata
    };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )?;
    Ok(())
}
