//! Who sends this request? SIP Digest (TS 33.203 Annex N and O) and Trusted Node Authentication
//! (TS 33.203 Annex U).

use std::time::{Duration, Instant};

use core_credentials::{
    Random, Secret,
    aka::{Milenage, Sqn, read_key},
    auth_header::AuthHeader,
    digest::{Algorithm, AuthenticationInfo, Challenge, Credentials, Hash, NonceVerdict, Nonces},
    token::Entities,
};
use wire_sip::{HeaderName, Message, StatusCode};

use crate::{
    LabCoreConfig, Subscriber, WebFunctions,
    aka::{Outcome, Sims},
    users::{UserId, Users},
};

/// How long a nonce lasts that was given for the next time: as long as a registration usually does.
const NEXT_NONCE: Duration = Duration::from_mins(70);
/// TS 24.229 §7.8: reg-await-auth, the time there is to answer a challenge.
const AWAIT_AUTH: Duration = Duration::from_mins(4);
/// How many challenges may be open.
const MOST_NONCES: usize = 100_000;

/// How a REGISTER came to us: TS 24.229 §7.2A.2 `integrity-protected`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntegrityProtected {
    /// `auth-done`: a trusted node has authenticated the user.
    AuthDone,
    /// `tls-yes`, `ip-assoc-yes`, `yes`: from where this user is registered.
    Associated,
    /// `tls-pending`, `ip-assoc-pending`, nothing, or anything that we do not know.
    Pending,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is who it says it is. The proof goes into the 200.
    Authenticated(Option<AuthenticationInfo>),
    /// Ask, or ask again.
    Challenge(Vec<Challenge>),
    /// It is not.
    Refused(StatusCode),
}

/// The state of Digest: the challenges that are open.
pub(crate) struct Authentication {
    realm: String,
    algorithms: Vec<Algorithm>,
    web_functions: WebFunctions,
    first_sequence: Sqn,
    nonces: Nonces,
    sims: Sims,
    random: Random,
}

impl Authentication {
    pub(crate) fn new(config: &LabCoreConfig, seed: [u8; 32]) -> Self {
        Self {
            realm: config.home_domain.clone(),
            algorithms: config.algorithms.clone(),
            web_functions: config.web_functions.clone(),
            first_sequence: config.first_sequence,
            nonces: Nonces::new(AWAIT_AUTH, MOST_NONCES),
            sims: Sims::default(),
            random: Random::new(seed),
        }
    }

    /// A subscriber with keys that are none has no SIM.
    pub(crate) fn add_sim(&mut self, user: UserId, subscriber: &Subscriber) {
        let key = |hex: &Secret| read_key(hex.expose());
        let sim = subscriber.sim.as_ref();
        if let Some((k, opc)) = sim.and_then(|sim| key(&sim.k).zip(key(&sim.opc))) {
            let milenage = Milenage::new(k, opc);
            self.sims.add(user, milenage, self.first_sequence);
        }
    }

    /// TS 24.229 §5.4.1.1 — decides about a REGISTER for an identity of `user`. `trusted` says
    /// whether the sender is one of our P-CSCFs, whose word `integrity-protected` is; `registered`
    /// whether this user has a contact.
    pub(crate) fn register(
        &mut self,
        now: Instant,
        users: &Users,
        user: UserId,
        request: &Message,
        trusted: bool,
        registered: bool,
    ) -> Verdict {
        let Some(value) = request.header(HeaderName::Authorization) else {
            // TS 24.229 §5.4.1.1: without Authorization the To header field names the user.
            return self.ask(now, users, user, trusted, None);
        };
        let Ok(header) = AuthHeader::parse(value) else {
            return Verdict::Refused(StatusCode::BAD_REQUEST);
        };
        if !header.is("Digest") {
            return self.ask(now, users, user, trusted, None);
        }
        let username = header.params().value("username").unwrap_or_default();
        // The private identity must be the one that owns the public one.
        if users.by_impi(&username) != Some(user) {
            return Verdict::Refused(StatusCode::FORBIDDEN);
        }
        let protection = header.params().value("integrity-protected");
        let answered = header
            .params()
            .value("response")
            .is_some_and(|response| !response.is_empty());
        let algorithm = header.params().value("algorithm");
        let algorithm = algorithm.and_then(|name| Algorithm::parse(&name));
        let by_sim = algorithm.is_some_and(|algorithm| algorithm.aka.is_some());
        match IntegrityProtected::parse(protection.as_deref()) {
            // TS 33.203 Annex U: no challenge, if the node may say so.
            IntegrityProtected::AuthDone if trusted => {
                return self.vouched_for(&header, request);
            }
            IntegrityProtected::AuthDone => return Verdict::Refused(StatusCode::FORBIDDEN),
            // TS 24.229 §5.4.1.2.2E: the association is proof enough of a registered user.
            IntegrityProtected::Associated if trusted && registered && !answered && !by_sim => {
                return Verdict::Authenticated(None);
            }
            IntegrityProtected::Associated | IntegrityProtected::Pending => {}
        }
        if by_sim && self.sims.has(user) {
            return self.by_sim(now, users, user, &header, request);
        }
        if !answered {
            let speaks_sha = algorithm.is_some_and(|one| one.hash != Hash::Md5);
            return self.ask(now, users, user, trusted || speaks_sha, algorithm);
        }
        self.check(now, users, user, &header, request, trusted)
    }

    /// TS 33.203 §X.3.2 — the trusted node may say who stands behind it: web functions of third parties
    /// are looked up in the lists of the home.
    fn vouched_for(&self, header: &AuthHeader<'_>, request: &Message) -> Verdict {
        let mut named: Vec<String> = Vec::new();
        let media_type = request.content_type().unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case(Entities::CONTENT_TYPE) {
            let Some(entities) = Entities::from_jwt(request.body()) else {
                return Verdict::Refused(StatusCode::BAD_REQUEST);
            };
            named.extend(entities.waf.into_iter().chain(entities.wwsf));
        }
        // TS 24.371 V12.3 §6.4.2.
        let entity = header.params().value("authorization-entity");
        named.extend(entity.map(std::borrow::Cow::into_owned));
        if named.iter().all(|name| self.web_functions.allow(name)) {
            Verdict::Authenticated(None)
        } else {
            Verdict::Refused(StatusCode::FORBIDDEN)
        }
    }

    /// The first challenge: of its SIM when it asks for that or has nothing else, of its password
    /// otherwise.
    fn ask(
        &mut self,
        now: Instant,
        users: &Users,
        user: UserId,
        speaks_sha: bool,
        asked: Option<Algorithm>,
    ) -> Verdict {
        if !users.get(user).has_password {
            // TS 24.229 §5.4.1.2.1: AKAv1-MD5 is what is meant when nothing is said.
            let known = asked.filter(|algorithm| algorithm.aka.is_some());
            let algorithm = known.unwrap_or(Algorithm::AKA_V1_MD5);
            return self.ask_sim(now, user, algorithm);
        }
        Verdict::Challenge(self.challenges(now, speaks_sha, false))
    }

    fn ask_sim(&mut self, now: Instant, user: UserId, algorithm: Algorithm) -> Verdict {
        let (random, realm) = (&mut self.random, &self.realm);
        let challenge = self
            .sims
            .challenge(now, random, user, realm, algorithm, AWAIT_AUTH);
        // TS 24.229 §5.4.1.2.1: there is nothing to challenge it with.
        challenge.map_or(
            Verdict::Refused(StatusCode::SERVER_INTERNAL_ERROR),
            |challenge| Verdict::Challenge(vec![challenge]),
        )
    }

    /// TS 24.229 §5.4.1.2.2 — a REGISTER of a SIM's, by whatever version it names.
    fn by_sim(
        &mut self,
        now: Instant,
        users: &Users,
        user: UserId,
        header: &AuthHeader<'_>,
        request: &Message,
    ) -> Verdict {
        let Ok(credentials) = Credentials::from_header(header) else {
            return Verdict::Refused(StatusCode::BAD_REQUEST);
        };
        if !credentials.is_answer() {
            if !credentials.nonce.is_empty() {
                // TS 33.203 §6.1.2: the SIM found the MAC wrong.
                self.sims.disowned(user, &credentials.nonce);
                return Verdict::Refused(StatusCode::FORBIDDEN);
            }
            return self.ask_sim(now, user, credentials.algorithm);
        }
        let impi = &users.get(user).impi;
        let method = request.method();
        let asked = (method.as_str(), request.body());
        let realm = &self.realm;
        let outcome = self
            .sims
            .answer(now, user, realm, impi, &credentials, asked);
        match outcome {
            Outcome::Right(proof) => Verdict::Authenticated(Some(proof)),
            Outcome::Again => self.ask_sim(now, user, credentials.algorithm),
            Outcome::Wrong => Verdict::Refused(StatusCode::FORBIDDEN),
        }
    }

    /// RFC 3261 §22.3 — decides about a request other than REGISTER from a phone that is not where
    /// it registered.
    pub(crate) fn proxy(
        &mut self,
        now: Instant,
        users: &Users,
        user: UserId,
        request: &Message,
    ) -> Verdict {
        let Some(value) = request.header(HeaderName::ProxyAuthorization) else {
            return Verdict::Challenge(self.challenges(now, false, false));
        };
        let Ok(header) = AuthHeader::parse(value) else {
            return Verdict::Refused(StatusCode::BAD_REQUEST);
        };
        let username = header.params().value("username").unwrap_or_default();
        if users.by_impi(&username) != Some(user) {
            return Verdict::Refused(StatusCode::FORBIDDEN);
        }
        self.check(now, users, user, &header, request, false)
    }

    /// RFC 7616 §3.4.6, TS 24.229 §5.4.1.2.1: nonce, count and response.
    fn check(
        &mut self,
        now: Instant,
        users: &Users,
        user: UserId,
        header: &AuthHeader<'_>,
        request: &Message,
        speaks_sha: bool,
    ) -> Verdict {
        let Ok(credentials) = Credentials::from_header(header) else {
            return Verdict::Challenge(self.challenges(now, speaks_sha, false));
        };
        let method = request.method();
        let Some(password) = users.get(user).password(credentials.algorithm) else {
            return Verdict::Challenge(self.challenges(now, speaks_sha, false));
        };
        let speaks_sha = speaks_sha || credentials.algorithm.hash != Hash::Md5;
        let right = credentials.realm == self.realm
            && credentials.verify(password, method.as_str(), request.body());
        let nc = credentials.protection.as_ref().map(|p| p.nc);
        match (right, self.nonces.check(now, &credentials.nonce, nc)) {
            (true, NonceVerdict::Fresh) => {
                self.nonces.accept(&credentials.nonce, nc);
                // RFC 7616 §3.5: so that the next time needs no challenge.
                let next = self.nonces.issue_for(now, NEXT_NONCE, &mut self.random);
                let proof = credentials.authentication_info(password, b"", Some(next));
                Verdict::Authenticated(Some(proof))
            }
            // TS 24.229 §5.4.1.2.3: the password is right, the nonce is not.
            (true, NonceVerdict::Stale | NonceVerdict::Replayed) => {
                Verdict::Challenge(self.challenges(now, speaks_sha, true))
            }
            (false, _) => Verdict::Refused(StatusCode::FORBIDDEN),
        }
    }

    /// MD5 for everybody; SHA-256 before it (RFC 8760 §2.3: the preferred one comes first) for those who
    /// know it, which is whoever comes by way of a P-CSCF or names it. Some older phones give up at an
    /// algorithm that they do not know, and JsSIP keeps the last challenge only and knows MD5 alone.
    fn challenges(&mut self, now: Instant, sha_256: bool, stale: bool) -> Vec<Challenge> {
        let for_all = |algorithm: &&Algorithm| sha_256 || algorithm.hash == Hash::Md5;
        let challenges = self.algorithms.iter().filter(for_all).map(|&algorithm| {
            let nonce = self.nonces.issue(now, &mut self.random);
            let mut challenge = Challenge::new(&self.realm, &nonce, algorithm);
            challenge.stale = stale;
            challenge
        });
        challenges.collect()
    }
}

impl IntegrityProtected {
    fn parse(value: Option<&str>) -> Self {
        match value {
            Some("auth-done") => Self::AuthDone,
            // `tls-protected` is how TS 24.371 §6.4.1.2 spells `tls-yes`.
            Some("tls-yes" | "tls-protected" | "ip-assoc-yes" | "yes") => Self::Associated,
            _ => Self::Pending,
        }
    }
}
