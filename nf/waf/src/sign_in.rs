//! The authorization endpoint, second half: somebody signs in (RFC 6749 §4.1.1, §4.1.2).
//!
//! ```text
//! POST ─▶ begin_sign_in ─▶ password checked by the shell ─▶ finish_sign_in ─▶ 303 with a code
//!              │ guesses limited, form not ours                   │ wrong: the page again, in words
//! ```

use std::fmt;
use std::net::IpAddr;

use core_credentials::{Random, Secret, password};
use http::StatusCode;

use crate::authorize::{AuthorizationRequest, refuse, sign_in_page};
use crate::state::{Change, Code};
use crate::waf::{CODE_LIFETIME, MAX_CODES, Outcome, Waf, fingerprint};
use crate::{Reply, pages, reply};

/// What the connection and the headers say of a request, beside what it asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Where it comes from.
    pub address: IpAddr,
    /// Whether the browser says that another site made it (`Origin`, `Sec-Fetch-Site`).
    pub cross_site: bool,
}

/// What a posted form leads to.
#[derive(Debug)]
#[must_use]
pub enum SignIn {
    /// An answer at once.
    Reply(Reply),
    /// [`PendingSignIn::verify`], then [`Waf::finish_sign_in`].
    Verify(PendingSignIn),
}

/// A password to check.
pub struct PendingSignIn {
    request: AuthorizationRequest,
    name: String,
    password: Secret,
    /// Of the account; without one of nobody, so that both take the same time.
    stored: Secret,
    known: bool,
    address: IpAddr,
}

/// A hash that no password matches, as costly as one of [`password::Cost::default`].
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA\
                      $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// Longest user name and password that are looked at.
const MAX_TYPED: usize = 256;

impl Waf {
    /// `POST /authorize`: looks at everything but the password.
    pub fn begin_sign_in(&mut self, now: u64, caller: &Caller, body: &str) -> SignIn {
        let (form, request) = self.read_request(body);
        let request = match request {
            Ok(request) => request,
            Err(reply) => return SignIn::Reply(*reply),
        };
        if caller.cross_site {
            return SignIn::Reply(refuse("The form did not come from this page."));
        }
        let typed = form.value("username").unwrap_or_default();
        let name = typed.trim().to_lowercase();
        let password = form.value("password").unwrap_or_default();
        if name.is_empty() || password.is_empty() {
            let words = "Please type both your user name and your password.";
            let page = sign_in_page(StatusCode::BAD_REQUEST, &request, typed, Some(words));
            return SignIn::Reply(page);
        }
        if name.len() > MAX_TYPED || password.len() > MAX_TYPED {
            return SignIn::Reply(wrong(&request, ""));
        }
        if let Err(wait) = self.guesses.begin(now, &name, caller.address) {
            self.counters.delayed += 1;
            let seconds = if wait == 1 { "second" } else { "seconds" };
            let words = format!("Too many attempts. Please try again in {wait} {seconds}.");
            let html = pages::sign_in(&request, &name, Some(&words));
            return SignIn::Reply(reply::page_with_wait(
                wait,
                Some(&request.redirect_uri),
                html,
            ));
        }
        let account = self.accounts.get(&name);
        SignIn::Verify(PendingSignIn {
            request,
            password: Secret::new(password),
            stored: account.map_or_else(|| NOBODY.into(), |a| a.password_hash.clone()),
            known: account.is_some(),
            name,
            address: caller.address,
        })
    }

    /// What follows once the password is checked: a code, or the page again.
    pub fn finish_sign_in(
        &mut self,
        now: u64,
        random: &mut Random,
        pending: &PendingSignIn,
        verified: bool,
    ) -> Outcome {
        let request = &pending.request;
        // The account may have been removed or given another password meanwhile.
        let account = self.accounts.get(&pending.name);
        let account = account.filter(|account| verified && account.password_hash == pending.stored);
        let Some(account) = account else {
            self.counters.refused += 1;
            return Outcome::unchanged(wrong(request, &pending.name));
        };
        let account = account.name.clone();
        self.counters.signed_in += 1;
        self.guesses.succeed(&pending.name, pending.address);
        if self.codes.len() >= MAX_CODES {
            return Outcome::unchanged(Self::too_busy());
        }
        let code = random.token();
        let stored = Code {
            hash: fingerprint(&code),
            client_id: request.client_id.clone(),
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            account,
            scope: request.scope.clone(),
            expires: now + CODE_LIFETIME,
            used: None,
        };
        self.codes.insert(stored.hash.clone(), stored.clone());
        let state = request.state.as_deref();
        Outcome {
            changes: vec![Change::PutCode(stored)],
            reply: self.back_to_client(&request.redirect_uri, state, &[("code", &code)]),
        }
    }
}

/// One sentence for every reason, so that nobody learns which names exist.
fn wrong(request: &AuthorizationRequest, name: &str) -> Reply {
    let words = "The user name or the password is wrong.";
    sign_in_page(StatusCode::FORBIDDEN, request, name, Some(words))
}

impl PendingSignIn {
    /// Whether the password is right: tens of milliseconds of work, the same for unknown names.
    pub fn verify(&self) -> bool {
        password::verify(self.password.expose(), self.stored.expose()) && self.known
    }
}

impl fmt::Debug for PendingSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PendingSignIn(at {} ..)", self.request.client_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_credentials::password::Cost;

    #[test]
    fn nobody_costs_what_somebody_costs_and_has_no_password() {
        let Cost { memory, passes } = Cost::default();
        assert!(NOBODY.starts_with(&format!("$argon2id$v=19$m={memory},t={passes},p=1$")));
        let real = password::hash("x", [0; 16], Cost::default()).unwrap();
        assert_eq!(real.len(), NOBODY.len());
        assert!(!password::verify("", NOBODY));
    }
}
