//! Tokens that their issuer is asked about (RFC 7662), and the requests that wait for its word.
//!
//! ```text
//!   request with a token ─▶ judged here? ─ no ─▶ Introspect ─▶ the issuer
//!          waits  ◀─────────────────────────────────┘ │
//!   goes on as if it came now ◀─ active ──────────────┤
//!   401 ◀─ not active, or not for us ─────────────────┤
//!   503 ◀─ no answer ─────────────────────────────────┘
//! ```

use std::collections::HashMap;
use std::time::{Duration, Instant};

use core_credentials::Secret;
use core_credentials::token::Judge;
use core_sip::{ServerTransactionId, Source, retry_after};
use wire_sip::{Message, Method, StatusCode};

use crate::access::{NoAccess, shown_token};
use crate::timer::Timer;
use crate::{EpCscf, Output};

/// An issuer that is silent for so long has not answered; the transaction waits longer.
const SILENCE: Duration = Duration::from_secs(10);
/// Questions that are open at a time: what comes beyond is told to come later.
const MOST_QUESTIONS: usize = 512;
/// Requests that wait for one answer.
const MOST_WAITING: usize = 16;
/// When to come again, in seconds, while an issuer does not answer.
const LATER: u32 = 5;

type Waiting = (ServerTransactionId, Source, Message);

#[derive(Debug)]
struct Question {
    issuer: String,
    token: Secret,
    waiting: Vec<Waiting>,
}

/// All that are open.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    list: HashMap<u64, Question>,
    by_token: HashMap<String, u64>,
    next: u64,
}

impl Questions {
    pub(crate) fn len(&self) -> usize {
        self.list.len().max(self.by_token.len())
    }

    fn remove(&mut self, id: u64) -> Option<Question> {
        let question = self.list.remove(&id)?;
        self.by_token.remove(question.token.expose());
        Some(question)
    }

    /// This request waits no longer.
    pub(crate) fn take(&mut self, server: ServerTransactionId) -> Option<Message> {
        self.list.values_mut().find_map(|question| {
            let at = question.waiting.iter().position(|(id, ..)| *id == server)?;
            Some(question.waiting.remove(at).2)
        })
    }
}

impl EpCscf {
    /// Gives the request back when nobody needs to be asked first.
    pub(crate) fn unless_asked(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        source: Source,
        message: Message,
        in_dialog: bool,
    ) -> Option<Waiting> {
        // What ends a call rides on the flow: see `check_token`.
        let looked_at = !in_dialog || matches!(message.method(), Method::Invite | Method::Update);
        let unix = self.unix(now);
        let token = shown_token(&message).filter(|_| looked_at);
        let Some((token, issuer)) =
            token.and_then(|token| match self.verifier.judge(token, unix) {
                Judge::Here => None,
                Judge::Issuer(issuer) => Some((token.to_owned(), issuer.to_owned())),
            })
        else {
            return Some((id, source, message));
        };
        let open = self.questions.list.len();
        let known = self.questions.by_token.get(&token).copied();
        match known.and_then(|known| self.questions.list.get_mut(&known)) {
            Some(question) if question.waiting.len() < MOST_WAITING => {
                question.waiting.push((id, source, message));
            }
            None if open < MOST_QUESTIONS => {
                let number = self.questions.next;
                self.questions.next += 1;
                self.questions.by_token.insert(token.clone(), number);
                let question = Question {
                    issuer: issuer.clone(),
                    token: Secret::new(token.clone()),
                    waiting: vec![(id, source, message)],
                };
                self.questions.list.insert(number, question);
                self.timers.set(now + SILENCE, Timer::IssuerSilent(number));
                self.outputs.push_back(Output::Introspect {
                    id: number,
                    issuer,
                    token: Secret::new(token),
                });
            }
            _ => self.come_later(now, id, &message),
        }
        None
    }

    /// The issuer answered (`None`: it did not, or not with success).
    pub(crate) fn answered_about(&mut self, now: Instant, id: u64, answer: Option<&[u8]>) {
        let Some(question) = self.questions.remove(id) else {
            return;
        };
        let Question {
            issuer,
            token,
            waiting,
        } = question;
        let unix = self.unix(now);
        let verdict = answer.map(|answer| {
            self.verifier
                .introspected(&issuer, token.expose(), answer, unix)
        });
        for (id, source, message) in waiting {
            let open = |connection| self.flows.contains_key(&connection);
            if !source.connection.is_some_and(open) {
                continue;
            }
            match &verdict {
                Some(Ok(_)) => self.request(now, id, source, message),
                Some(Err(why)) => {
                    let why = NoAccess::Token(*why);
                    self.refuse_token(now, source.connection, id, &message, why);
                }
                None => {
                    tracing::warn!(issuer, "the issuer does not answer about a token");
                    self.come_later(now, id, &message);
                }
            }
        }
    }

    fn come_later(&mut self, now: Instant, id: ServerTransactionId, request: &Message) {
        let tag = self.random.tag();
        let response = retry_after(request, StatusCode::SERVICE_UNAVAILABLE, &tag, LATER);
        self.transactions.respond(now, id, response);
    }
}
