//! The WWSF itself: what it holds, and what pages ask of it.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core_credentials::{Secret, bearer};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::cookies::{self, Cookies, SESSION};
use crate::server::Server;
use crate::session::{Change, Identity, Session};
use crate::visitors::Visitors;
use crate::w4::{Failure, Form, Granted, Tokens};
use crate::{ApplicationSite, Asset, Counters, Dialect, Origin, Origins, Reply, assets, headers};

/// What is the same for all.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The WAF, if it is known where it is; otherwise [`Wwsf::set_server`] tells.
    pub server: Option<Server>,
    /// What is asked for: TS 33.203's scope, or what the operator's server calls it, and more.
    pub scope: String,
    /// What the WAF calls the things that it tells.
    pub dialect: Dialect,
    /// Our name at the WAF.
    pub client_id: String,
    /// The home network domain.
    pub home_domain: String,
    /// Where W2 is; without it, `/w2` behind the same door.
    pub w2: Option<String>,
    /// The origins that the page may have.
    pub origins: Origins,
    /// Where data channel applications run; without it, in frames of the page's own site.
    pub applications: Option<ApplicationSite>,
    /// The operator's public key for packages of applications (Ed25519, base64url).
    pub applications_key: Option<String>,
    /// Who may have an identity of the WAF's pool.
    pub guests: Guests,
    /// How many identities of the pool visitors at one address may have; none: any number.
    pub guests_per_address: Option<usize>,
    /// Whether the page offers to register with a SIM whose keys are typed in: for a laboratory.
    pub software_sims: bool,
    /// When a session ends though it is used, in seconds.
    pub session_lifetime: u64,
    /// When a session that nobody uses ends, in seconds.
    pub idle_lifetime: u64,
}

/// Who may have an identity of the WAF's pool (TS 24.371 §6.3.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guests {
    /// Nobody: people have identities of their own.
    #[default]
    No,
    /// Whoever comes: "the WWSF may choose not to authenticate the user if the user is to remain
    /// anonymous". People with identities of their own sign in as ever.
    Anonymous,
    /// Whoever has signed in, whatever the account says of the IMS.
    SignedIn,
}

/// What a connection and the headers of a request say.
pub struct Request<'a> {
    /// The origin that the browser asked.
    pub origin: Origin,
    /// Where it is.
    pub address: IpAddr,
    /// Its cookies.
    pub cookies: &'a Cookies<'a>,
    /// `Origin`
    pub said_origin: Option<&'a str>,
    /// `Sec-Fetch-Site`
    pub fetch_site: Option<&'a str>,
    /// `X-Requested-With`
    pub requested_with: Option<&'a str>,
    /// `If-None-Match`
    pub if_none_match: Option<&'a str>,
}

/// What to write down, and what may be said once it is.
#[must_use = "the changes are to be written down before the reply leaves"]
pub struct Outcome {
    /// In this order, in one transaction.
    pub changes: Vec<Change>,
    /// The reply.
    pub reply: Reply,
}

/// What a page's wish leads to.
#[must_use]
pub enum Step {
    /// An answer at once.
    Reply(Reply),
    /// Ask W4 for new tokens and about them, then [`Wwsf::refreshed`].
    Refresh(Form),
}

/// Sessions that are held.
pub(crate) const MAX_SESSIONS: usize = 200_000;
/// An access token with less left than this, or than half its life, is not handed out if there can be
/// a new one, in seconds.
const LEAST_LEFT: u64 = 60;

/// The web server function.
pub struct Wwsf {
    settings: Settings,
    sessions: HashMap<String, Held>,
    pub(crate) visitors: Visitors,
    pub(crate) counters: Counters,
}

struct Held {
    session: Session,
    /// In memory only: after a restart it is asked for again.
    token: Option<Token>,
}

/// An access token, as long as it is good.
struct Token {
    value: Secret,
    /// When there can be another.
    renew: u64,
    /// When it ends.
    ends: u64,
}

impl Settings {
    /// For this client of a WAF of ours, in the lab: on loopback, for a day, an hour when idle.
    pub fn new(client_id: &str, home_domain: &str) -> Self {
        Self {
            server: None,
            scope: bearer::SCOPE.to_owned(),
            dialect: Dialect::default(),
            client_id: client_id.to_owned(),
            home_domain: home_domain.to_owned(),
            w2: None,
            origins: Origins::Loopback,
            applications: None,
            applications_key: None,
            guests: Guests::default(),
            guests_per_address: Some(8),
            software_sims: false,
            session_lifetime: 86_400,
            idle_lifetime: 3600,
        }
    }
}

impl Outcome {
    pub(crate) fn unchanged(reply: Reply) -> Self {
        Self {
            changes: Vec::new(),
            reply,
        }
    }
}

impl Wwsf {
    /// A WWSF as it was when it stopped.
    pub fn new(settings: Settings, sessions: Vec<Session>) -> Self {
        let held = |session: Session| {
            (
                session.sid.clone(),
                Held {
                    session,
                    token: None,
                },
            )
        };
        Self {
            settings,
            sessions: sessions.into_iter().map(held).collect(),
            visitors: Visitors::default(),
            counters: Counters::default(),
        }
    }

    /// Where the WAF is from now on.
    pub fn set_server(&mut self, server: Server) {
        self.settings.server = Some(server);
    }

    /// Whether we answer for this origin; if not, the reply that says so.
    pub fn refuse_origin(&self, origin: Option<&Origin>) -> Option<Reply> {
        let ours = origin.is_some_and(|origin| self.settings.origins.contain(origin));
        (!ours).then(|| headers::error(StatusCode::MISDIRECTED_REQUEST, "unknown_host"))
    }

    /// The file that a path means, to be given in to [`Self::asset`].
    pub fn file_of<'p>(&self, path: &'p str) -> Option<&'p str> {
        assets::file_of(path)
    }

    /// A file of the client.
    pub fn asset(&self, request: &Request<'_>, file: &str, asset: Option<Asset>) -> Reply {
        let reply = match asset {
            Some(asset) => assets::serve(file, asset, request.if_none_match),
            None => headers::error(StatusCode::NOT_FOUND, "not_found"),
        };
        self.protect(reply, request)
    }

    /// `POST /session/<sid>/token`: the token that the page has, or a step to a new one.
    pub fn token(&mut self, now: u64, request: &Request<'_>, sid: &str) -> Step {
        if let Some(refusal) = self.guard(request) {
            return Step::Reply(refusal);
        }
        let Some(held) = self.held(now, request, sid) else {
            return Step::Reply(self.signed_out(request, sid));
        };
        // Without a refresh token the access token serves to its end, and that is the session's.
        let Session {
            refresh_token: refresh,
            visitor,
            ..
        } = &held.session;
        let can_renew = !refresh.expose().is_empty() || !visitor.expose().is_empty();
        let last = |token: &Token| !can_renew && now < token.ends;
        let good = |token: &Token| now < token.renew || last(token);
        if held.token.as_ref().is_some_and(good) {
            return Step::Reply(self.token_reply(now, request, sid));
        }
        if !can_renew {
            return Step::Reply(self.signed_out(request, sid));
        }
        if visitor.expose().is_empty() {
            return Step::Refresh(Form::refresh(refresh, &self.settings.scope));
        }
        let visitor = visitor.clone();
        if !self.admit(now, request, &visitor) {
            return Step::Reply(self.too_many(request));
        }
        Step::Refresh(Form::visit(&visitor))
    }

    /// The same for a page whose token was refused: the one that it has is not handed out again, if there
    /// can be another. So somebody whose identity of the pool was given back has another at once.
    pub fn another_token(&mut self, now: u64, request: &Request<'_>, sid: &str) -> Step {
        let of_page = self.guard(request).is_none() && self.held(now, request, sid).is_some();
        if of_page
            && let Some(Held {
                token: Some(token), ..
            }) = self.sessions.get_mut(sid)
        {
            token.renew = now;
        }
        self.token(now, request, sid)
    }

    /// What W4 gave for the refresh token. The shell asks for one session at a time: a refresh token
    /// used twice would end it.
    pub fn refreshed(
        &mut self,
        now: u64,
        request: &Request<'_>,
        sid: &str,
        granted: Result<Granted, Failure>,
    ) -> Outcome {
        let granted = granted.and_then(
            |Granted {
                 tokens,
                 introspection,
             }| {
                let identity = introspection.identity(&self.settings.dialect)?;
                Ok((tokens, identity))
            },
        );
        match granted {
            Ok((tokens, identity)) => {
                let Some(held) = self.sessions.get(sid) else {
                    return Outcome::unchanged(self.signed_out(request, sid));
                };
                // A session is one person's from its first token to its last.
                let visits = !held.session.visitor.expose().is_empty();
                if !visits && held.session.identity.account != identity.account {
                    return self.forget(request, sid);
                }
                // RFC 6749 §6: the server need not give another refresh token.
                let refresh_token = Some(&tokens.refresh_token)
                    .filter(|token| !token.expose().is_empty())
                    .unwrap_or(&held.session.refresh_token);
                let before = &held.session.identity;
                let identity = if visits && before.account != identity.account {
                    // Whoever signed in stays who they are; what they are in the IMS is lent.
                    Identity {
                        account: before.account.clone(),
                        display_name: before.display_name.clone(),
                        ..identity
                    }
                } else {
                    identity
                };
                let session = Session {
                    refresh_token: refresh_token.clone(),
                    identity,
                    used: now,
                    ..held.session.clone()
                };
                self.counters.refreshed += 1;
                self.keep(now, session.clone(), &tokens);
                Outcome {
                    changes: vec![Change::PutSession(session)],
                    reply: self.token_reply(now, request, sid),
                }
            }
            Err(Failure::Refused) => self.forget(request, sid),
            Err(Failure::Exhausted) => {
                let reply = headers::error(StatusCode::SERVICE_UNAVAILABLE, "pool_exhausted");
                Outcome::unchanged(self.protect(reply, request))
            }
            Err(Failure::Unavailable) => {
                self.counters.waf_unavailable += 1;
                let reply = headers::error(StatusCode::SERVICE_UNAVAILABLE, "waf_unavailable");
                Outcome::unchanged(self.protect(reply, request))
            }
        }
    }

    /// `POST /session/<sid>/end`: signed out. What comes with it goes to the WAF's revocation endpoint.
    pub fn end(&mut self, now: u64, request: &Request<'_>, sid: &str) -> (Outcome, Option<Form>) {
        if let Some(refusal) = self.guard(request) {
            return (Outcome::unchanged(refusal), None);
        }
        let held = self.held(now, request, sid);
        let known = held.is_some();
        let form = held.and_then(|held| held.session.leave());
        let mut reply = headers::plain(StatusCode::NO_CONTENT);
        if valid_sid(sid) {
            headers::set_cookie(&mut reply, &cookies::gone(SESSION, sid));
        }
        let reply = self.protect(reply, request);
        let ended = known.then(|| self.sessions.remove(sid)).flatten();
        if let Some(held) = &ended {
            self.visitors.left(&held.session.visitor);
        }
        self.counters.signed_out += u64::from(ended.is_some());
        let changes = ended
            .map(|_| Change::RemoveSession(sid.to_owned()))
            .into_iter()
            .collect();
        (Outcome { changes, reply }, form)
    }

    /// Drops sessions that have ended. The shell calls this once a minute or so.
    pub fn handle_timeout(&mut self, now: u64) -> Vec<Change> {
        self.visitors.handle_timeout(now);
        let idle = self.settings.idle_lifetime;
        let ended = |held: &&Held| !held.session.is_alive(now, idle);
        let ended: Vec<String> = self
            .sessions
            .values()
            .filter(ended)
            .map(|held| held.session.sid.clone())
            .collect();
        for sid in &ended {
            self.sessions.remove(sid);
        }
        ended.into_iter().map(Change::RemoveSession).collect()
    }

    /// What to say when the changes of an outcome could not be written down.
    pub fn not_written(&self, request: &Request<'_>) -> Reply {
        self.protect(
            headers::error(StatusCode::INTERNAL_SERVER_ERROR, "not_written"),
            request,
        )
    }

    /// What has happened so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What to say to a path or method that nobody knows.
    pub fn not_found(&self, request: &Request<'_>) -> Reply {
        self.protect(headers::error(StatusCode::NOT_FOUND, "not_found"), request)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }

    pub(crate) fn contains(&self, sid: &str) -> bool {
        self.sessions.contains_key(sid)
    }

    pub(crate) fn keep(&mut self, now: u64, session: Session, tokens: &Tokens) {
        let ends = now.saturating_add(tokens.expires_in);
        self.visitors.lent(&session.visitor, ends);
        let token = Token {
            value: tokens.access_token.clone(),
            renew: ends.saturating_sub(LEAST_LEFT.min(tokens.expires_in / 2)),
            ends,
        };
        let held = Held {
            token: Some(token),
            session,
        };
        self.sessions.insert(held.session.sid.clone(), held);
    }

    pub(crate) fn protect(&self, reply: Reply, request: &Request<'_>) -> Reply {
        headers::protect(
            reply,
            &request.origin,
            &self.w2(request),
            &self.frame_source(),
        )
    }

    /// A POST comes from our own page: it sets a header that no form and no other site can, and the
    /// browser says nothing to the contrary.
    pub(crate) fn guard(&mut self, request: &Request<'_>) -> Option<Reply> {
        let own = request.origin.to_string();
        let from_here = request.requested_with == Some("wic")
            && request.said_origin.is_none_or(|origin| origin == own)
            && request.fetch_site.is_none_or(|site| site == "same-origin");
        self.counters.cross_site += u64::from(!from_here);
        (!from_here)
            .then(|| self.protect(headers::error(StatusCode::FORBIDDEN, "cross_site"), request))
    }

    fn held(&self, now: u64, request: &Request<'_>, sid: &str) -> Option<&Held> {
        let cookie = request.cookies.value(SESSION, sid)?;
        let held = self.sessions.get(sid)?;
        (held.session.is_of(cookie) && held.session.is_alive(now, self.settings.idle_lifetime))
            .then_some(held)
    }

    fn token_reply(&self, now: u64, request: &Request<'_>, sid: &str) -> Reply {
        let held = self.sessions.get(sid);
        let Some((session, token)) =
            held.and_then(|held| Some((&held.session, held.token.as_ref()?)))
        else {
            return self.signed_out(request, sid);
        };
        let identity = &session.identity;
        let body = json!({
            "access_token": token.value.expose(),
            "token_type": "Bearer",
            "expires_in": token.ends.saturating_sub(now),
            "renew_in": token.renew.saturating_sub(now),
            "impi": identity.impi,
            "impus": identity.impus,
            "display_name": identity.display_name,
            "home_domain": self.settings.home_domain,
            "w2": self.w2(request),
            "applications": {
                "site": self.settings.applications.as_ref().map(ToString::to_string),
                "key": self.settings.applications_key,
            },
        });
        self.protect(headers::json_reply(StatusCode::OK, &body), request)
    }

    fn forget(&mut self, request: &Request<'_>, sid: &str) -> Outcome {
        let known = self.sessions.remove(sid);
        if let Some(held) = &known {
            self.visitors.left(&held.session.visitor);
        }
        self.counters.signed_out += u64::from(known.is_some());
        let changes = known
            .map(|_| Change::RemoveSession(sid.to_owned()))
            .into_iter()
            .collect();
        Outcome {
            changes,
            reply: self.signed_out(request, sid),
        }
    }

    fn signed_out(&self, request: &Request<'_>, sid: &str) -> Reply {
        let mut reply = headers::error(StatusCode::UNAUTHORIZED, "signed_out");
        if valid_sid(sid) && request.cookies.value(SESSION, sid).is_some() && !self.contains(sid) {
            headers::set_cookie(&mut reply, &cookies::gone(SESSION, sid));
        }
        self.protect(reply, request)
    }

    pub(crate) fn w2(&self, request: &Request<'_>) -> String {
        self.settings
            .w2
            .clone()
            .unwrap_or_else(|| request.origin.web_socket("/w2"))
    }
}

impl Session {
    /// What the WAF is told when the session ends.
    fn leave(&self) -> Option<Form> {
        let some = |secret: &Secret| !secret.expose().is_empty();
        if some(&self.visitor) {
            return Some(Form::leave(&self.visitor));
        }
        some(&self.refresh_token).then(|| Form::revoke(&self.refresh_token))
    }

    fn is_alive(&self, now: u64, idle: u64) -> bool {
        now < self.expires && now < self.used.saturating_add(idle)
    }
}

/// SHA-256 of a secret: enough to know it again, not enough to use it.
pub(crate) fn fingerprint(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, secret.as_bytes()))
}

/// What a page asks with may go into a header only if it has the form of what we gave out.
fn valid_sid(sid: &str) -> bool {
    sid.len() == 22
        && sid
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

impl fmt::Debug for Wwsf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wwsf")
            .field("settings", &self.settings)
            .field("sessions", &self.sessions.len())
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}
