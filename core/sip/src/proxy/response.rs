use std::time::Instant;

use smallvec::SmallVec;
use wire_sip::{HeaderName, Message, StatusCode};

use crate::{ClientTransactionId, ServerTransactionId, TimerSet, reply};

/// What is to be done about a response context.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // it lives from one call to the next, and most of them forward
pub enum Action {
    /// Send this response to where the request came from; our Via is off already.
    Forward(Message),
    /// Cancel this branch.
    Cancel(ClientTransactionId),
}

/// RFC 3261 §16.7 — one request that we forwarded, to one place or to several, until its final
/// response is sent.
#[derive(Debug)]
pub struct ResponseContext {
    server: ServerTransactionId,
    request: Box<Message>,
    to_tag: String,
    state: State,
    branches: SmallVec<[Branch; 1]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No final response was sent.
    Waiting,
    /// The request was cancelled; a final response is still to be sent.
    Cancelled,
    /// A final response was sent; only more 2xx for an INVITE go through.
    Answered,
}

#[derive(Debug)]
struct Branch {
    id: ClientTransactionId,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    /// Nothing final yet. Timer C ends at `timer_c`, for an INVITE.
    Pending { timer_c: Option<Instant> },
    /// Final; kept unless it is a 2xx, which has gone on already.
    Final(Option<Box<Message>>),
}

impl ResponseContext {
    /// For a request that came in `server`; `to_tag` is for responses that we make ourselves.
    pub fn new(server: ServerTransactionId, request: Message, to_tag: String) -> Self {
        Self {
            server,
            request: Box::new(request),
            to_tag,
            state: State::Waiting,
            branches: SmallVec::new(),
        }
    }

    /// RFC 3261 §16.6 items 10 and 11: the request went out; for an INVITE, Timer C starts.
    pub fn add_branch(&mut self, now: Instant, id: ClientTransactionId) {
        let timer_c = self.is_invite().then(|| now + TimerSet::TIMER_C);
        self.branches.push(Branch {
            id,
            outcome: Outcome::Pending { timer_c },
        });
    }

    /// A branch is given up for another one that is tried in its place: its outcome does not count.
    pub fn drop_branch(&mut self, id: ClientTransactionId) {
        self.branches.retain(|branch| branch.id != id);
    }

    /// A response came on a branch, our Via on top.
    pub fn handle_response(
        &mut self,
        now: Instant,
        id: ClientTransactionId,
        mut response: Message,
    ) -> Vec<Action> {
        let Some(status) = response.status() else {
            return Vec::new();
        };
        // Item 3: our Via comes off. A response without another was for ourselves.
        response.remove_first_value(HeaderName::Via);
        if response.header(HeaderName::Via).is_none() {
            return Vec::new();
        }
        let Some(branch) = self.branches.iter_mut().find(|branch| branch.id == id) else {
            return Vec::new();
        };
        if status.is_provisional() {
            // Item 2: every provisional response but 100 winds Timer C up again.
            if let Outcome::Pending { timer_c: Some(at) } = &mut branch.outcome
                && status != StatusCode::TRYING
            {
                *at = now + TimerSet::TIMER_C;
            }
            // Item 5: 100 stays here, as does what comes after the final response.
            let forwards = status != StatusCode::TRYING && self.state != State::Answered;
            return forwards
                .then_some(Action::Forward(response))
                .into_iter()
                .collect();
        }
        if status.is_success() {
            branch.outcome = Outcome::Final(None);
            // Item 5: a 2xx for an INVITE always goes on, for others the first does.
            if self.state == State::Answered && !self.is_invite() {
                return Vec::new();
            }
            self.state = State::Answered;
            // Item 10: the other branches are no longer needed.
            let mut actions = vec![Action::Forward(response)];
            actions.extend(self.pending().map(Action::Cancel));
            return actions;
        }
        branch.outcome = Outcome::Final(Some(Box::new(response)));
        let mut actions = Vec::new();
        if status.class() == 6 {
            // Item 5: a 6xx is for everyone.
            actions.extend(self.pending().map(Action::Cancel));
        }
        actions.extend(self.best_when_complete());
        actions
    }

    /// A branch had no answer in time, which is as good as 408 (RFC 3261 §16.8).
    pub fn handle_branch_timeout(&mut self, id: ClientTransactionId) -> Vec<Action> {
        self.end_branch(id, StatusCode::REQUEST_TIMEOUT)
    }

    /// A branch could not be reached, which is as good as 503 (RFC 3261 §16.9).
    pub fn handle_branch_failed(&mut self, id: ClientTransactionId) -> Vec<Action> {
        self.end_branch(id, StatusCode::SERVICE_UNAVAILABLE)
    }

    /// RFC 3261 §16.10: the request was cancelled, so every branch is. The final response comes
    /// from there.
    pub fn handle_cancel(&mut self) -> Vec<Action> {
        if self.state == State::Waiting {
            self.state = State::Cancelled;
        }
        self.pending().map(Action::Cancel).collect()
    }

    /// RFC 3261 §16.8: Timer C fired for some branches, which are cancelled.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        for branch in &mut self.branches {
            if let Outcome::Pending { timer_c } = &mut branch.outcome
                && timer_c.is_some_and(|at| at <= now)
            {
                // The transaction ends by itself if the CANCEL is not heeded (RFC 3261 §9.1).
                *timer_c = None;
                actions.push(Action::Cancel(branch.id));
            }
        }
        actions
    }

    /// When Timer C of the first branch fires.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timers = self
            .branches
            .iter()
            .filter_map(|branch| match branch.outcome {
                Outcome::Pending { timer_c } => timer_c,
                Outcome::Final(_) => None,
            });
        timers.min()
    }

    /// What the request came in.
    pub fn server(&self) -> ServerTransactionId {
        self.server
    }

    /// The request as it was given to [`new`](Self::new).
    pub fn request(&self) -> &Message {
        &self.request
    }

    /// Every branch that has no final response.
    pub fn pending(&self) -> impl Iterator<Item = ClientTransactionId> {
        self.branches
            .iter()
            .filter(|branch| matches!(branch.outcome, Outcome::Pending { .. }))
            .map(|branch| branch.id)
    }

    /// All branches, for tables that find this context by them.
    pub fn branches(&self) -> impl Iterator<Item = ClientTransactionId> {
        self.branches.iter().map(|branch| branch.id)
    }

    /// Nothing more will come of this.
    pub fn is_done(&self) -> bool {
        self.state == State::Answered && self.pending().next().is_none()
    }

    /// Whether the request was cancelled before its final response.
    pub fn is_cancelled(&self) -> bool {
        self.state == State::Cancelled
    }

    fn is_invite(&self) -> bool {
        self.request.method() == wire_sip::Method::Invite
    }

    fn end_branch(&mut self, id: ClientTransactionId, status: StatusCode) -> Vec<Action> {
        let made = reply(&self.request, status, &self.to_tag);
        let Some(branch) = self.branches.iter_mut().find(|branch| branch.id == id) else {
            return Vec::new();
        };
        branch.outcome = Outcome::Final(Some(Box::new(made)));
        self.best_when_complete().into_iter().collect()
    }

    /// Items 6 and 7: when all branches have ended without a 2xx, the best of them goes back.
    fn best_when_complete(&mut self) -> Option<Action> {
        if self.state == State::Answered || self.pending().next().is_some() {
            return None;
        }
        let best = self
            .branches
            .iter()
            .enumerate()
            .filter_map(|(index, branch)| Some((rank(branch.outcome.status()?), index)))
            .min()?
            .1;
        let mut response = match &mut self.branches[best].outcome {
            Outcome::Final(response) => *response.take()?,
            Outcome::Pending { .. } => return None,
        };
        self.state = State::Answered;
        let status = response.status()?;
        if matches!(
            status,
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        ) {
            self.add_challenges(&mut response);
        }
        // Item 6: our own next hop's 503 is not our caller's.
        if status == StatusCode::SERVICE_UNAVAILABLE && self.branches.len() > 1 {
            response = reply(
                &self.request,
                StatusCode::SERVER_INTERNAL_ERROR,
                &self.to_tag,
            );
        }
        Some(Action::Forward(response))
    }

    /// Item 7: the caller sees every challenge there was.
    fn add_challenges(&self, response: &mut Message) {
        for branch in &self.branches {
            let Outcome::Final(Some(other)) = &branch.outcome else {
                continue;
            };
            for name in [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate] {
                for line in other.headers().filter(|line| line.id == name) {
                    response.push_back(name, line.value);
                }
            }
        }
    }
}

impl Outcome {
    fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Final(Some(response)) => response.status(),
            Self::Final(None) | Self::Pending { .. } => None,
        }
    }
}

/// RFC 3261 §16.7 item 6: 6xx before all, then the lowest class; within 4xx those that tell the
/// caller what to do about it; 408 and 503 of our own making last in their class.
fn rank(status: StatusCode) -> (u16, u16, u16) {
    let class = match status.class() {
        6 => 0,
        class => class,
    };
    let preference = match status.as_u16() {
        401 | 407 | 415 | 420 | 484 => 0,
        408 | 503 => 2,
        _ => 1,
    };
    (class, preference, status.as_u16())
}
