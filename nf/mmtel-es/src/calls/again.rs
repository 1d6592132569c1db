//! The same request again: who lost the answer, or the connection on which it was to come, asks once more
//! and gets the call that there is.

use std::time::Instant;

use api_mmtel_es::dc_app_call::DcCallResp;
use api_mmtel_es::{Cause, ProblemDetails};
use aws_lc_rs::digest::{Context, SHA256};
use core_iq::MediaKind;

use super::asking::media_names;
use super::call::{Call, Stage};
use super::machine::Calls;
use super::output::{AskId, Told};
use super::sending::After;
use crate::Consumer;

/// How many may wait for the answer of one call.
const MAX_ASKERS: usize = 16;

/// What makes two requests the same: who asks, and what.
pub(crate) type Sameness = [u8; 32];

/// Of a request whose body reads so.
pub(crate) fn sameness(consumer: &Consumer, body: &[u8]) -> Sameness {
    let (kind, name) = match consumer {
        Consumer::Client(name) => (1, name.as_str()),
        Consumer::Anybody => (0, ""),
    };
    let mut context = Context::new(&SHA256);
    context.update(&[kind]);
    // What is hashed behind it can then not be taken for a part of it.
    context.update(&(name.len() as u64).to_be_bytes());
    context.update(name.as_bytes());
    context.update(body);
    let mut same = Sameness::default();
    same.copy_from_slice(context.finish().as_ref());
    same
}

impl Calls {
    /// Whether this was asked before, and what came of it is there; then `ask` gets the same answer.
    pub(super) fn asked_again(
        &mut self,
        now: Instant,
        ask: AskId,
        same: &Sameness,
    ) -> Result<bool, Box<ProblemDetails>> {
        let number = self.by_request.get(same).copied();
        let Some(call) = number.and_then(|number| self.by_number.get_mut(&number)) else {
            return Ok(false);
        };
        if call.again_until.is_some_and(|until| until < now) {
            return Ok(false);
        }
        let told = match &call.resource {
            Some(resource) => Told::Created((**resource).clone()),
            None if call.stage != Stage::Standing => {
                if call.askers.len() >= MAX_ASKERS {
                    let problem = ProblemDetails::new(429).cause(&Cause::NfCongestion);
                    return Err(Box::new(problem.detail("This is asked too often.")));
                }
                call.askers.push(ask);
                return Ok(true);
            }
            None => match established(call) {
                Some(told) => told,
                None => return Ok(false),
            },
        };
        // Behind what was written down when it was told first.
        self.commit(Vec::new(), vec![After::Reply(ask, Ok(told))]);
        Ok(true)
    }

    /// A call began by this request.
    pub(super) fn remember_request(&mut self, number: u64, same: Sameness) {
        self.by_request.insert(same, number);
        if let Some(call) = self.by_number.get_mut(&number) {
            call.same = Some(same);
        }
    }

    /// Who asks from now on asks for another call.
    pub(super) fn forget_request(&mut self, number: u64) {
        let call = self.by_number.get_mut(&number);
        if let Some(same) = call.and_then(|call| call.same.take())
            && self.by_request.get(&same) == Some(&number)
        {
            self.by_request.remove(&same);
        }
    }
}

/// What the consumer is told of a call that was answered.
pub(super) fn established(call: &Call) -> Option<Told> {
    let request = call.request.as_deref()?;
    let data = call.stream_of(MediaKind::Data);
    let data = data.is_some_and(|stream| !stream.refused);
    let session = call.session.clone();
    let response = DcCallResp::success(request, session, media_names(call), data);
    Some(Told::Call(response))
}
