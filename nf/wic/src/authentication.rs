use core_credentials::bearer;
use core_credentials::digest::{Answer, Challenge};
use core_sip::Random;
use wire_sip::{HeaderName, Message, Method};

use crate::{Config, Credentials};

/// What a WIC knows of its registrar's and proxies' challenges.
#[derive(Debug, Default)]
pub(crate) struct Authentication {
    registrar: Option<Challenged>,
    proxy: Option<Challenged>,
}

#[derive(Debug)]
struct Challenged {
    challenge: Challenge,
    count: u32,
}

/// What a 401 or 407 means for the request that got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Send it again, with an answer.
    Retry,
    /// The token is not good any more.
    TokenRefused,
    /// There is no answer.
    Refused,
}

impl Authentication {
    /// TS 24.371 §6.2.2, §7.2 — a token rides in every request; Digest in REGISTER, and where a
    /// proxy asked for it.
    pub(crate) fn apply(&mut self, config: &Config, random: &mut Random, request: &mut Message) {
        match &config.credentials {
            Credentials::Token { token } => {
                request.set(HeaderName::Authorization, bearer::authorization(token));
            }
            Credentials::Digest { password } => {
                let method = request.method().as_str().to_owned();
                let uri = request.request_uri().unwrap_or_default().to_owned();
                let body = request.body().to_vec();
                let cnonce = random.token(12);
                let answer = |known: &mut Challenged| {
                    known.count += 1;
                    let credentials = known.challenge.answer(&Answer {
                        username: &config.identity.private,
                        password: password.as_bytes(),
                        method: &method,
                        uri: &uri,
                        body: &body,
                        cnonce: &cnonce,
                        nc: known.count,
                    });
                    credentials.to_string()
                };
                if request.method() == Method::Register {
                    let value = match &mut self.registrar {
                        Some(known) => answer(known),
                        None => first(config),
                    };
                    request.set(HeaderName::Authorization, value);
                }
                if let Some(known) = &mut self.proxy {
                    request.set(HeaderName::ProxyAuthorization, answer(known));
                }
            }
        }
    }

    /// RFC 3261 §22.2, §22.3 — a challenge came.
    pub(crate) fn challenged(&mut self, config: &Config, response: &Message, tries: u8) -> Verdict {
        let proxy = response.status().is_some_and(|s| s.as_u16() == 407);
        if matches!(config.credentials, Credentials::Token { .. }) {
            return Verdict::TokenRefused;
        }
        let name = if proxy {
            HeaderName::ProxyAuthenticate
        } else {
            HeaderName::WwwAuthenticate
        };
        // Commas part the parameters of one challenge: each line is one (RFC 3261 §7.3.1).
        let challenge = response
            .headers()
            .filter(|header| header.id == name)
            .filter_map(|header| Challenge::parse(header.value).ok())
            .find(|challenge| challenge.algorithm.aka.is_none());
        let Some(challenge) = challenge else {
            return Verdict::Refused;
        };
        // A second challenge means a wrong password, unless only the nonce was old.
        if tries > 0 && !(challenge.stale && tries < 3) {
            return Verdict::Refused;
        }
        let known = Some(Challenged {
            challenge,
            count: 0,
        });
        if proxy {
            self.proxy = known;
        } else {
            self.registrar = known;
        }
        Verdict::Retry
    }
}

/// TS 24.229 §5.1.1.2.2 — who asks to be challenged.
fn first(config: &Config) -> String {
    let identity = &config.identity;
    format!(
        "Digest username=\"{}\", realm=\"{domain}\", nonce=\"\", uri=\"sip:{domain}\", response=\"\"",
        identity.private,
        domain = identity.home_domain,
    )
}
