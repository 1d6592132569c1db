//! Visitors with an identity of the WAF's pool (TS 24.371 §6.2.3, §6.3.2).
//!
//! "There is no linkage between the user's web identity that may be authenticated by an authentication
//! service and the assigned IMS identities": the WAF knows a visitor by a name that we make up for them.

use core_credentials::{Random, Secret};
use http::StatusCode;
use serde_json::json;

use crate::cookies;
use crate::session::{Change, Session};
use crate::w4::{Failure, Form, Granted, Introspection};
use crate::wwsf::{Guests, MAX_SESSIONS, Outcome, Request, Wwsf, fingerprint};
use crate::{Dialect, Reply, headers};

/// What a visitor's wish for an identity leads to.
#[must_use]
pub enum Visit {
    /// An answer at once.
    Reply(Reply),
    /// Ask W4, then [`Wwsf::visited`].
    Ask {
        /// For the token endpoint.
        form: Form,
        /// The visitor's name at the WAF.
        visitor: Secret,
    },
}

/// Somebody who has signed in before they visit.
pub struct Person {
    account: String,
    display_name: Option<String>,
    /// What their sign-in granted is not needed: it goes back.
    pub revoke: Option<Form>,
}

impl Wwsf {
    /// `GET /ways`: which ways in this WWSF has, for the page's buttons.
    pub fn ways(&self, request: &Request<'_>) -> Reply {
        let settings = self.settings();
        let mut body = json!({ "guests": settings.guests == Guests::Anonymous });
        if settings.software_sims {
            // Who has a SIM needs no session with us (TS 24.371 §6.2.1.3), only to know where W2 is.
            body["sims"] = json!({ "home_domain": settings.home_domain, "w2": self.w2(request) });
        }
        self.protect(headers::json_reply(StatusCode::OK, &body), request)
    }

    /// `POST /guest`: somebody who remains anonymous.
    pub fn begin_visit(&mut self, now: u64, request: &Request<'_>, random: &mut Random) -> Visit {
        if let Some(refusal) = self.guard(request) {
            return Visit::Reply(refusal);
        }
        if self.settings().guests != Guests::Anonymous {
            let reply = headers::error(StatusCode::NOT_FOUND, "no_guests");
            return Visit::Reply(self.protect(reply, request));
        }
        self.ask_for_visit(now, request, random)
            .unwrap_or_else(|| Visit::Reply(self.too_many(request)))
    }

    /// Whoever signed in gets an identity of the pool, if that is how this WWSF works.
    pub fn person(&self, granted: &Granted) -> Option<Result<Person, Failure>> {
        let Granted {
            tokens,
            introspection,
        } = granted;
        (self.settings().guests == Guests::SignedIn).then(|| {
            let refresh = &tokens.refresh_token;
            Ok(Person {
                account: introspection.account().ok_or(Failure::Refused)?,
                display_name: introspection.display_name(&self.settings().dialect),
                revoke: (!refresh.expose().is_empty()).then(|| Form::revoke(refresh)),
            })
        })
    }

    /// Somebody who has signed in asks for an identity of the pool; `state` is what the sign-in began with.
    pub fn begin_visit_of(
        &mut self,
        now: u64,
        random: &mut Random,
        request: &Request<'_>,
        state: &str,
    ) -> Visit {
        self.ask_for_visit(now, request, random).unwrap_or_else(|| {
            Visit::Reply(self.back_to_page(request, state, "error=too_many_guests"))
        })
    }

    /// The question to W4 for a new visitor, if their address may have another.
    fn ask_for_visit(
        &mut self,
        now: u64,
        request: &Request<'_>,
        random: &mut Random,
    ) -> Option<Visit> {
        let visitor = Secret::new(random.token());
        self.admit(now, request, &visitor).then(|| Visit::Ask {
            form: Form::visit(&visitor),
            visitor,
        })
    }

    /// Whether this visitor may ask W4.
    pub(crate) fn admit(&mut self, now: u64, request: &Request<'_>, visitor: &Secret) -> bool {
        let most = self.settings().guests_per_address.unwrap_or(usize::MAX);
        let may = self.visitors.admit(now, request.address, visitor, most);
        self.counters.too_many_guests += u64::from(!may);
        may
    }

    /// RFC 6585 §4
    pub(crate) fn too_many(&self, request: &Request<'_>) -> Reply {
        let reply = headers::error(StatusCode::TOO_MANY_REQUESTS, "too_many_guests");
        self.protect(reply, request)
    }

    /// What W4 gave an anonymous visitor: a session, or a word for the page to explain.
    pub fn visited(
        &mut self,
        now: u64,
        random: &mut Random,
        request: &Request<'_>,
        visitor: Secret,
        granted: Result<Granted, Failure>,
    ) -> Outcome {
        match self.keep_visit(now, random, visitor, None, granted) {
            Ok((session, cookie)) => {
                let body = json!({ "session": session.sid });
                let mut reply = headers::json_reply(StatusCode::OK, &body);
                headers::set_cookie(&mut reply, &cookie);
                Outcome {
                    changes: vec![Change::PutSession(session)],
                    reply: self.protect(reply, request),
                }
            }
            Err(failure) => {
                let word = match failure {
                    Failure::Exhausted => "pool_exhausted",
                    Failure::Refused | Failure::Unavailable => "waf_unavailable",
                };
                let reply = headers::error(StatusCode::SERVICE_UNAVAILABLE, word);
                Outcome::unchanged(self.protect(reply, request))
            }
        }
    }

    /// The same for somebody who has signed in: back to the page.
    pub fn visited_by(
        &mut self,
        now: u64,
        random: &mut Random,
        request: &Request<'_>,
        state: &str,
        (visitor, person): (Secret, &Person),
        granted: Result<Granted, Failure>,
    ) -> Outcome {
        match self.keep_visit(now, random, visitor, Some(person), granted) {
            Ok((session, cookie)) => {
                let fragment = format!("session={}", session.sid);
                let mut reply = self.back_to_page(request, state, &fragment);
                headers::set_cookie(&mut reply, &cookie);
                Outcome {
                    changes: vec![Change::PutSession(session)],
                    reply,
                }
            }
            Err(failure) => {
                let word = match failure {
                    Failure::Exhausted => "error=pool_exhausted",
                    Failure::Refused => "error=refused",
                    Failure::Unavailable => "error=unavailable",
                };
                Outcome::unchanged(self.back_to_page(request, state, word))
            }
        }
    }

    fn keep_visit(
        &mut self,
        now: u64,
        random: &mut Random,
        visitor: Secret,
        person: Option<&Person>,
        granted: Result<Granted, Failure>,
    ) -> Result<(Session, String), Failure> {
        let Granted {
            tokens,
            introspection,
        } = granted.inspect_err(|failure| {
            self.visitors.left(&visitor);
            match failure {
                Failure::Exhausted => self.counters.pool_exhausted += 1,
                _ => self.counters.waf_unavailable += 1,
            }
        })?;
        // It is our own WAF's pool: its words are ours, whatever signs people in.
        let mut identity = introspection.identity(&Dialect::default())?;
        if self.len() >= MAX_SESSIONS {
            return Err(Failure::Unavailable);
        }
        if let Some(person) = person {
            identity.account.clone_from(&person.account);
            if let Some(name) = &person.display_name {
                identity.display_name.clone_from(name);
            }
        }
        let sid = random.identifier();
        let secret = Secret::new(random.token());
        let session = Session {
            secret_hash: fingerprint(secret.expose()),
            refresh_token: Secret::default(),
            identity,
            used: now,
            expires: now + self.settings().session_lifetime,
            visitor,
            sid,
        };
        self.counters.visits += 1;
        self.keep(now, session.clone(), &tokens);
        let cookie = cookies::of_session(&session.sid, &secret);
        Ok((session, cookie))
    }
}

impl Introspection {
    /// The account, if the token is a good one.
    fn account(&self) -> Option<String> {
        let active = self.value("active") == Some(&true.into());
        let account = self.value("sub")?.as_str()?;
        (active && !account.is_empty()).then(|| account.to_owned())
    }
}
