use core_credentials::aka::{self, Auts};
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

struct Challenged {
    challenge: Challenge,
    count: u32,
    proof: Proof,
}

/// What a challenge is answered with.
enum Proof {
    /// A password, or what RES makes of one.
    Password(Vec<u8>),
    /// RFC 3310 §3.4: the SIM has seen that sequence number before.
    Resynchronise(Auts),
    /// TS 24.229 §5.1.1.5.3: the challenge is not the home network's, and gets no answer.
    Nothing,
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
    /// The network did not prove that it is the home network.
    NetworkRefused,
}

impl Authentication {
    /// TS 24.371 §6.2.2, §7.2 — a token rides in every request; Digest in REGISTER, and where a
    /// proxy asked for it.
    pub(crate) fn apply(&mut self, config: &Config, random: &mut Random, request: &mut Message) {
        if let Credentials::Token { token } = &config.credentials {
            request.set(HeaderName::Authorization, bearer::authorization(token));
            return;
        }
        let register = request.method() == Method::Register;
        if register {
            let value = match &mut self.registrar {
                Some(known) => known.answer(config, random, request),
                None => first(config),
            };
            request.set(HeaderName::Authorization, value);
        }
        if let Some(known) = &mut self.proxy {
            let value = known.answer(config, random, request);
            request.set(HeaderName::ProxyAuthorization, value);
        }
    }

    /// RFC 3261 §22.2, §22.3 — a challenge came.
    pub(crate) fn challenged(
        &mut self,
        config: &mut Config,
        response: &Message,
        tries: u8,
    ) -> Verdict {
        let proxy = response.status().is_some_and(|s| s.as_u16() == 407);
        let name = if proxy {
            HeaderName::ProxyAuthenticate
        } else {
            HeaderName::WwwAuthenticate
        };
        // Commas part the parameters of one challenge: each line is one (RFC 3261 §7.3.1).
        let challenges = response
            .headers()
            .filter(|header| header.id == name)
            .filter_map(|header| Challenge::parse(header.value).ok());
        match &mut config.credentials {
            Credentials::Token { .. } => Verdict::TokenRefused,
            Credentials::Digest { password } => {
                let mut challenges = challenges.filter(|it| it.algorithm.aka.is_none());
                let Some(challenge) = challenges.next() else {
                    return Verdict::Refused;
                };
                // A second challenge means a wrong password, unless only the nonce was old.
                if tries > 0 && !(challenge.stale && tries < 3) {
                    return Verdict::Refused;
                }
                let proof = Proof::Password(password.as_bytes().to_vec());
                self.keep(proxy, challenge, proof)
            }
            Credentials::Usim { usim, version } => {
                // Only the version that is wanted: nobody on the way can bid it down.
                let mut challenges = challenges.filter(|it| it.algorithm.aka == Some(*version));
                let challenge = challenges.next().filter(|_| !proxy);
                let Some((challenge, (rand, autn))) =
                    challenge.and_then(|it| aka::read_nonce(&it.nonce).map(|read| (it, read)))
                else {
                    return self.give_up(Verdict::Refused);
                };
                let before = self.registrar.as_ref().filter(|_| tries > 0);
                let (answered, invalid) = match before.map(|known| &known.proof) {
                    Some(Proof::Password(_)) => (true, false),
                    Some(Proof::Resynchronise(_) | Proof::Nothing) => (false, true),
                    None => (false, false),
                };
                // The answer was right by our SIM, and the network finds it wrong.
                if answered && !(challenge.stale && tries < 4) {
                    return self.give_up(Verdict::Refused);
                }
                let proof = match usim.respond(&rand, &autn) {
                    aka::Answer::Response { res, ck, ik } => {
                        let hash = challenge.algorithm.hash;
                        Proof::Password(version.password(hash, &res, &ik, &ck))
                    }
                    // TS 24.229 §5.1.1.5.3: two invalid challenges in a row are enough.
                    _ if invalid => return self.give_up(Verdict::NetworkRefused),
                    aka::Answer::SyncFailure { auts } => Proof::Resynchronise(auts),
                    aka::Answer::MacFailure => Proof::Nothing,
                };
                self.keep(proxy, challenge, proof)
            }
        }
    }

    fn keep(&mut self, proxy: bool, challenge: Challenge, proof: Proof) -> Verdict {
        let known = Some(Challenged {
            challenge,
            count: 0,
            proof,
        });
        if proxy {
            self.proxy = known;
        } else {
            self.registrar = known;
        }
        Verdict::Retry
    }

    /// The next REGISTER begins from nothing.
    fn give_up(&mut self, verdict: Verdict) -> Verdict {
        self.registrar = None;
        verdict
    }
}

impl Challenged {
    fn answer(&mut self, config: &Config, random: &mut Random, request: &Message) -> String {
        self.count += 1;
        let password: &[u8] = match &self.proof {
            Proof::Password(password) => password,
            // RFC 3310 §3.4: the response is made with an empty password.
            Proof::Resynchronise(_) | Proof::Nothing => b"",
        };
        let mut credentials = self.challenge.answer(&Answer {
            username: &config.identity.private,
            password,
            method: request.method().as_str(),
            uri: request.request_uri().unwrap_or_default(),
            body: request.body(),
            cnonce: &random.token(12),
            nc: self.count,
        });
        match self.proof {
            Proof::Password(_) => {}
            Proof::Resynchronise(auts) => credentials.auts = Some(auts),
            Proof::Nothing => credentials.response.clear(),
        }
        credentials.to_string()
    }
}

impl std::fmt::Debug for Challenged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Challenged")
            .field("algorithm", &self.challenge.algorithm)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// TS 24.229 §5.1.1.2.2, TS 24.371 §6.2.1 — who asks to be challenged, and how.
fn first(config: &Config) -> String {
    let identity = &config.identity;
    let algorithm = match &config.credentials {
        Credentials::Usim { version, .. } => format!(", algorithm={}", version.algorithm()),
        Credentials::Digest { .. } | Credentials::Token { .. } => String::new(),
    };
    format!(
        "Digest username=\"{}\", realm=\"{domain}\", nonce=\"\", uri=\"sip:{domain}\", \
         response=\"\"{algorithm}",
        identity.private,
        domain = identity.home_domain,
    )
}
