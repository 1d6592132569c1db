//! TS 24.371 §6.2, TS 24.229 §5.1.1, RFC 5626 — REGISTER and what keeps it alive.

use std::time::{Duration, Instant};

use bytes::Bytes;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::Event;
use crate::agent::{Purpose, Wic};
use crate::authentication::Verdict;
use crate::call::code;

/// Where a registration stands.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) state: State,
    call_id: String,
    cseq: u32,
    expires: Duration,
    failures: u32,
    /// The way of requests that begin something (RFC 3608 §5).
    pub(crate) service_route: Vec<String>,
    /// The network has data channels.
    pub(crate) data_channels: bool,
}

#[derive(Debug)]
pub(crate) enum State {
    /// There is none, and none is wanted.
    None,
    /// REGISTER is under way.
    Registering,
    /// It stands until it is refreshed.
    Registered { refresh_at: Instant },
    /// It was refused; once more at that time.
    Failed { retry_at: Instant },
    /// The token was refused: another one is needed.
    WaitingForToken,
    /// Its end is under way.
    Ending,
}

/// TS 24.229 §5.1.1.2.1 — the service that we have.
const ICSI: &str = "urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel";

impl Registration {
    pub(crate) fn new(call_id: String, expires: Duration) -> Self {
        Self {
            state: State::None,
            call_id,
            cseq: 0,
            expires,
            failures: 0,
            service_route: Vec::new(),
            data_channels: false,
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Registered { refresh_at } => Some(refresh_at),
            State::Failed { retry_at } => Some(retry_at),
            _ => None,
        }
    }

    pub(crate) fn is_registered(&self) -> bool {
        matches!(self.state, State::Registered { .. })
    }
}

impl Wic {
    pub(crate) fn register(&mut self, now: Instant) {
        self.registration.state = State::Registering;
        let expires = self.registration.expires.as_secs();
        let request = self.register_request(expires);
        self.send(now, Purpose::Register, request, 0);
    }

    pub(crate) fn unregister(&mut self, now: Instant) {
        self.registration.state = State::Ending;
        let request = self.register_request(0);
        self.send(now, Purpose::Register, request, 0);
    }

    /// TS 24.371 §6.2.2.1, RFC 5626 §4.2.
    fn register_request(&mut self, expires: u64) -> Message {
        let identity = &self.config.identity;
        let domain = &identity.home_domain;
        let registration = &mut self.registration;
        registration.cseq += 1;
        let mut request = Message::request(Method::Register, &format!("sip:{domain}"));
        request.push_back(HeaderName::MaxForwards, 70);
        let tag = self.random.tag();
        let public = &identity.public;
        request.push_back(HeaderName::From, format_args!("<{public}>;tag={tag}"));
        request.push_back(HeaderName::To, format_args!("<{public}>"));
        request.push_back(HeaderName::CallId, &registration.call_id);
        let cseq = registration.cseq;
        request.push_back(HeaderName::CSeq, format_args!("{cseq} REGISTER"));
        let (contact, instance) = (&self.contact, &self.instance);
        let feature = self.config.feature();
        request.push_back(
            HeaderName::Contact,
            format_args!(
                "<{contact}>;reg-id=1;+sip.instance=\"<urn:uuid:{instance}>\";+g.3gpp.icsi-ref=\"{ICSI}\"{feature};expires={expires}"
            ),
        );
        request.push_back(HeaderName::Supported, "path, outbound, gruu");
        request.set_body(None, Bytes::new());
        request
    }

    pub(crate) fn register_response(
        &mut self,
        now: Instant,
        response: &Message,
        tries: u8,
        request: Message,
    ) {
        let Some(status) = response.status().filter(|status| status.is_final()) else {
            return;
        };
        let ending = matches!(self.registration.state, State::Ending);
        if status.is_success() {
            if ending {
                self.registration.state = State::None;
                self.event(Event::Unregistered);
            } else {
                self.registered(now, response);
            }
            return;
        }
        match status.as_u16() {
            401 | 407 => match self
                .authentication
                .challenged(&mut self.config, response, tries)
            {
                Verdict::Retry => {
                    self.registration.cseq += 1;
                    let mut again = request;
                    let cseq = self.registration.cseq;
                    again.set(HeaderName::CSeq, format_args!("{cseq} REGISTER"));
                    self.send(now, Purpose::Register, again, tries + 1);
                }
                Verdict::TokenRefused if !ending => {
                    self.registration.state = State::WaitingForToken;
                    self.event(Event::TokenRefused);
                }
                Verdict::TokenRefused | Verdict::Refused => self.refused(now, response),
                Verdict::NetworkRefused => {
                    let reason = "the network did not prove that it is the home network";
                    self.registration_failed(now, response.status(), reason.to_owned(), None);
                }
            },
            // RFC 3261 §10.2.8.
            423 => {
                let least = response.header(HeaderName::MinExpires);
                let least = least.and_then(|value| value.parse().ok());
                match least.map(Duration::from_secs) {
                    Some(least) if least > self.registration.expires && !ending => {
                        self.registration.expires = least;
                        self.register(now);
                    }
                    _ => self.refused(now, response),
                }
            }
            _ => self.refused(now, response),
        }
    }

    fn registered(&mut self, now: Instant, response: &Message) {
        let ours = response
            .values(HeaderName::Contact)
            .find(|value| value.contains(self.contact.as_str()));
        let granted = ours
            .and_then(expires_of)
            .or_else(|| response.header(HeaderName::Expires))
            .and_then(|value| value.trim().parse().ok());
        let seconds = granted.unwrap_or(self.registration.expires.as_secs() as u32);
        // TS 24.229 §5.1.1.4.1: 600 s before the end, or at half the time.
        let refresh = if seconds > 1200 {
            seconds - 600
        } else {
            seconds / 2
        };
        let registration = &mut self.registration;
        registration.failures = 0;
        registration.state = State::Registered {
            refresh_at: now + Duration::from_secs(u64::from(refresh.max(1))),
        };
        let routes = response.values(HeaderName::ServiceRoute);
        registration.service_route = routes.map(str::to_owned).collect();
        // TS 24.186: the network says whether it has data channels.
        let mut capabilities = response.values(HeaderName::FeatureCaps);
        registration.data_channels =
            capabilities.any(|one| one.to_ascii_lowercase().contains("+g.3gpp.datachannel"));
        drop(capabilities);
        let identities = response.values(HeaderName::PAssociatedUri);
        let identities = identities
            .filter_map(|value| core_sip::address::uri_of(value).map(str::to_owned))
            .collect();
        self.event(Event::Registered {
            identities,
            expires: seconds,
        });
    }

    fn refused(&mut self, now: Instant, response: &Message) {
        let after = response.header(HeaderName::RetryAfter);
        let after = after.and_then(|value| value.split([' ', ';', '(']).next()?.parse().ok());
        let reason = response.reason_phrase().unwrap_or_default().to_owned();
        self.registration_failed(now, response.status(), reason, after);
    }

    /// RFC 5626 §4.5 — the longer it fails, the longer we wait.
    pub(crate) fn registration_failed(
        &mut self,
        now: Instant,
        status: Option<StatusCode>,
        reason: String,
        after: Option<u64>,
    ) {
        let registration = &mut self.registration;
        registration.failures += 1;
        let backoff = 15u64 << registration.failures.min(6);
        let wait = after.unwrap_or(backoff.min(900));
        registration.state = State::Failed {
            retry_at: now + Duration::from_secs(wait),
        };
        let status = code(status);
        self.event(Event::RegistrationFailed { status, reason });
    }

    pub(crate) fn registration_timeout(&mut self, now: Instant) {
        if self
            .registration
            .poll_timeout()
            .is_some_and(|due| due <= now)
            && self.is_connected()
        {
            self.register(now);
        }
    }
}

/// The `expires` parameter of a Contact value.
fn expires_of(value: &str) -> Option<&str> {
    let (_, parameters) = value.rsplit_once('>')?;
    let mut parameters = parameters.split(';');
    parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        (name.trim().eq_ignore_ascii_case("expires")).then_some(value.trim())
    })
}
