//! Initial filter criteria: which application servers see a request, and in which order
//! (TS 24.229 §5.4.3.2, §5.4.3.3; TS 23.218 §5.2).
//!
//! ```text
//!   caller ─▶ core ─▶ AS of the caller ─▶ core ─▶ AS of the callee ─▶ core ─▶ callee
//!              └ Route: <AS>, <core with an original dialog identifier> ┘
//! ```

use std::time::Instant;

use core_sip::{
    Source,
    address::UriView,
    next_hop::NextHop,
    token::{AuthenticatedToken, Binding},
};
use serde::Deserialize;
use wire_sip::{HeaderName, Message, Method, StatusCode};

use crate::{
    LabCore,
    sending::{Errand, Way},
    users::UserId,
};

/// One of the criteria of one or more subscribers: INVITEs that begin something go by this server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterCriterion {
    /// Private identities of the subscribers, or `*` for all.
    pub subscribers: Vec<String>,
    /// The application server's URI.
    pub server: String,
    /// For what these subscribers ask.
    #[serde(default)]
    pub originating: bool,
    /// For what they are asked.
    #[serde(default)]
    pub terminating: bool,
    /// TS 23.218 §5.2.2, default handling: what to do when the server does not answer. `true` goes on
    /// without it, `false` ends the request.
    #[serde(default = "by_default")]
    pub continues: bool,
}

/// Calls are better than services.
fn by_default() -> bool {
    true
}

/// Whose services are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Originating,
    Terminating,
}

/// Where a request is among the servers of a subscriber: what the original dialog identifier says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) case: Case,
    pub(crate) user: UserId,
    /// The first criterion that was not looked at yet.
    pub(crate) next: usize,
}

impl Chain {
    pub(crate) fn begin(case: Case, user: UserId) -> Self {
        Self {
            case,
            user,
            next: 0,
        }
    }
}

impl LabCore {
    /// Is this from one of our application servers?
    pub(crate) fn is_application_server(&self, source: &Source, message: &Message) -> bool {
        Self::is_among(&self.config.application_servers, source, message)
    }

    /// TS 24.229 §5.4.3.2: the original dialog identifier in a Route of ours.
    pub(crate) fn chain_of(&self, own: &str) -> Option<Chain> {
        let uri = UriView::parse(own)?;
        let token = self.chain_key.open(uri.user?).ok()?;
        let AuthenticatedToken::Binding(binding) = token else {
            return None;
        };
        let user = UserId::try_from(binding.binding).ok()?;
        (user < self.users.len()).then_some(Chain {
            case: match binding.node {
                0 => Case::Originating,
                _ => Case::Terminating,
            },
            user,
            next: binding.shard.into(),
        })
    }

    /// The next server of a chain, and the chain behind it.
    fn next_server(&self, request: &Message, chain: Chain) -> Option<(usize, Chain)> {
        if request.method() != Method::Invite {
            return None;
        }
        let impi = &self.users.get(chain.user).impi;
        let criteria = self.config.filter_criteria.iter().enumerate();
        let mut met = criteria.skip(chain.next).filter(|(_, one)| {
            let case = match chain.case {
                Case::Originating => one.originating,
                Case::Terminating => one.terminating,
            };
            case && one.subscribers.iter().any(|who| who == impi || who == "*")
        });
        met.next().map(|(index, _)| {
            let next = index + 1;
            (index, Chain { next, ..chain })
        })
    }

    /// TS 24.229 §5.4.3.2, §5.4.3.3: a request goes to the next server that its subscriber has, from
    /// those of the caller on to those of the callee, and to the callee at last.
    pub(crate) fn proceed(
        &mut self,
        now: Instant,
        call: u64,
        mut chain: Chain,
    ) -> Result<(), StatusCode> {
        loop {
            let Some(found) = self.calls.get(&call) else {
                return Ok(());
            };
            if let Some((index, behind)) = self.next_server(&found.request, chain) {
                return self.trigger(now, call, index, behind);
            }
            if chain.case == Case::Terminating {
                return self.fork(now, call, chain.user);
            }
            let callee = self.callee(&found.request).ok_or(StatusCode::NOT_FOUND)?;
            chain = Chain::begin(Case::Terminating, callee);
        }
    }

    /// TS 24.229 §5.4.3.2 step 5: the server before us in Route, with the identifier by which what comes
    /// back is known.
    fn trigger(
        &mut self,
        now: Instant,
        call: u64,
        index: usize,
        behind: Chain,
    ) -> Result<(), StatusCode> {
        let Some(found) = self.calls.get(&call) else {
            return Ok(());
        };
        let Some(criterion) = self.config.filter_criteria.get(index) else {
            return Ok(());
        };
        let mut copy = found.request.clone();
        let user = self.users.get(behind.user);
        let (case, word, named) = match behind.case {
            Case::Originating => (0, "orig", copy.header(HeaderName::PAssertedIdentity)),
            Case::Terminating => (1, "term", copy.request_uri()),
        };
        let token = AuthenticatedToken::Binding(Binding {
            node: case,
            shard: u16::try_from(behind.next).unwrap_or(u16::MAX),
            binding: behind.user as u64,
        });
        let token = self.chain_key.seal(&token);
        let named = named.and_then(core_sip::address::uri_of);
        let served = named.and_then(|named| user.impu(&self.config, named));
        let served = served.unwrap_or(user.default_impu()).to_owned();
        let registered = if self.locations.is_registered(behind.user) {
            "reg"
        } else {
            "unreg"
        };
        let back = self.config.own_uri(Some(&token), found.transport);
        let orig = match behind.case {
            Case::Originating => ";orig",
            Case::Terminating => "",
        };
        copy.remove(HeaderName::Route);
        copy.push_front(HeaderName::Route, format_args!("<{back}{orig}>"));
        copy.push_front(HeaderName::Route, format_args!("<{}>", criterion.server));
        // RFC 5502 §3.
        copy.set(
            HeaderName::PServedUser,
            format_args!("<{served}>;sescase={word};regstate={registered}"),
        );
        let next = core_sip::proxy::forward(&mut copy);
        let errand = Errand::Branch {
            call,
            contact: None,
            hash: found.hash,
            record: Some(found.transport),
            server: Some((behind, criterion.continues)),
        };
        match NextHop::of_uri(&next).map(Way::Hop) {
            Some(way) => self.send_by(now, &way, errand, copy),
            None if criterion.continues => return self.proceed(now, call, behind),
            None => {}
        }
        self.give_up_without_branches(now, call);
        Ok(())
    }
}
