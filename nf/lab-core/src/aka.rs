//! IMS-AKA at the S-CSCF: whom a SIM is challenged by, and whether it answers (TS 24.229 §5.4.1.2.1,
//! TS 33.203 §6.1, §X.2.3).
//!
//! ```text
//!   REGISTER, algorithm, no response   ─▶ 401, nonce = base64(RAND || AUTN)
//!   … response                         ─▶ right: 200; wrong: 403
//!   … auts                             ─▶ the sequence moves, 401 anew
//!   … neither, to our nonce            ─▶ 403: the SIM does not know this network
//! ```
//! CK and IK stay here: no P-CSCF needs them over TLS.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use core_credentials::Random;
use core_credentials::aka::{Amf, AuthenticationVector, HomeSequence, Milenage, Sqn, nonce};
use core_credentials::digest::{
    Algorithm, AuthenticationInfo, Challenge, Credentials, HashedPassword,
};

use crate::users::UserId;

/// The separation bit of TS 33.102 annex H is for EPS only.
const AMF: Amf = [0, 0];
/// How many challenges of one subscriber may be open: its WICs register by themselves.
const MOST_OPEN: usize = 8;

/// What came of an answer.
pub(crate) enum Outcome {
    /// The SIM knows what we know.
    Right(AuthenticationInfo),
    /// Ask anew.
    Again,
    /// It does not.
    Wrong,
}

struct Sim {
    milenage: Milenage,
    sequence: HomeSequence,
    open: Vec<Open>,
}

struct Open {
    nonce: String,
    vector: AuthenticationVector,
    algorithm: Algorithm,
    highest_nc: u32,
    expires: Instant,
}

/// The SIMs of all subscribers that have one.
#[derive(Default)]
pub(crate) struct Sims(HashMap<UserId, Sim>);

impl Sims {
    /// Its sequence begins after `first`; a SIM that is further says so by AUTS.
    pub(crate) fn add(&mut self, user: UserId, milenage: Milenage, first: Sqn) {
        self.0.insert(
            user,
            Sim {
                milenage,
                sequence: HomeSequence::after(first),
                open: Vec::new(),
            },
        );
    }

    pub(crate) fn has(&self, user: UserId) -> bool {
        self.0.contains_key(&user)
    }

    /// TS 24.229 §5.4.1.2.1 — a fresh vector.
    pub(crate) fn challenge(
        &mut self,
        now: Instant,
        random: &mut Random,
        user: UserId,
        realm: &str,
        algorithm: Algorithm,
        lifetime: Duration,
    ) -> Option<Challenge> {
        let sim = self.0.get_mut(&user)?;
        sim.open.retain(|open| open.expires > now);
        if sim.open.len() >= MOST_OPEN {
            sim.open.remove(0);
        }
        let vector = sim.sequence.vector(&sim.milenage, random.bytes(), AMF);
        let nonce = nonce(&vector.rand, &vector.autn, b"");
        let challenge = Challenge::new(realm, &nonce, algorithm);
        sim.open.push(Open {
            nonce,
            vector,
            algorithm,
            highest_nc: 0,
            expires: now + lifetime,
        });
        Some(challenge)
    }

    /// TS 24.229 §5.4.1.2.2, RFC 3310 §3.3, §3.4 — judges an answer. A challenge that was answered is
    /// good for more requests while it lasts, each with a higher count.
    pub(crate) fn answer(
        &mut self,
        now: Instant,
        user: UserId,
        realm: &str,
        username: &str,
        credentials: &Credentials,
        (method, body): (&str, &[u8]),
    ) -> Outcome {
        let Some(sim) = self.0.get_mut(&user) else {
            return Outcome::Wrong;
        };
        let known = |open: &Open| open.nonce == credentials.nonce && open.expires > now;
        let Some(at) = sim.open.iter().position(known) else {
            return Outcome::Again;
        };
        let open = &mut sim.open[at];
        let (hash, version) = (open.algorithm.hash, open.algorithm.aka);
        let secret = match (&credentials.auts, version) {
            // RFC 3310 §3.4: whoever cannot give RES answers with nothing.
            (Some(_), _) => Vec::new(),
            (None, Some(version)) => {
                version.password(hash, &open.vector.xres, &open.vector.ik, &open.vector.ck)
            }
            (None, None) => return Outcome::Wrong,
        };
        let password = HashedPassword::new(hash, username, realm, &secret);
        let right = credentials.algorithm == open.algorithm
            && credentials.realm == realm
            && credentials.verify(&password, method, body);
        if !right {
            sim.open.remove(at);
            return Outcome::Wrong;
        }
        if let Some(auts) = &credentials.auts {
            let open = sim.open.remove(at);
            let moved = sim
                .sequence
                .resynchronise(&sim.milenage, &open.vector.rand, auts);
            return if moved {
                Outcome::Again
            } else {
                Outcome::Wrong
            };
        }
        let nc = credentials.protection.as_ref().map_or(1, |p| p.nc);
        if nc <= open.highest_nc {
            return Outcome::Again;
        }
        open.highest_nc = nc;
        Outcome::Right(credentials.authentication_info(&password, b"", None))
    }

    /// The SIM says that this challenge is not its network's.
    pub(crate) fn disowned(&mut self, user: UserId, nonce: &str) {
        if let Some(sim) = self.0.get_mut(&user) {
            sim.open.retain(|open| open.nonce != nonce);
        }
    }
}
