//! What is remembered of calls over a restart: enough to hang up on both sides, and to tell of it.

use std::time::Instant;

use api_mmtel_es::call_control::ImsSession;
use api_mmtel_es::common::Uri;
use api_mmtel_es::ims_session::ImsSessionEventType;
use api_mmtel_es::{Attribute, read_value};
use bytes::Bytes;
use core_sip::dialog::{Dialog, DialogId};
use serde::{Deserialize, Serialize};

use super::call::{Call, LegState, Stage};
use super::channel;
use super::ending::{bye, notify};
use super::machine::Calls;
use super::sending::{Errand, Purpose};
use super::session::notification;
use crate::{Change, StoredSession};

/// Of one call.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    target: Option<String>,
    /// What it is in MMTel_CallControl, as the API writes it.
    resource: Option<serde_json::Value>,
    standing: bool,
    legs: Vec<SavedDialog>,
}

/// Of one dialog: RFC 3261 §12.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SavedDialog {
    call_id: String,
    local_tag: String,
    remote_tag: String,
    local: String,
    remote: String,
    remote_target: String,
    route_set: Vec<String>,
    local_cseq: u32,
}

/// RFC 3261 §12.2.1.1: numbers grow, and may leave some out. What was sent since it was written down
/// is below this.
const SKIP: u32 = 1 << 20;

/// How a call is written down.
pub(super) fn put(call: &Call) -> Change {
    let legs = call.legs.iter().filter_map(|leg| match &leg.state {
        LegState::Standing(dialog) => Some(saved(dialog)),
        _ => None,
    });
    let saved = Saved {
        target: call
            .target
            .as_ref()
            .map(|target| target.as_str().to_owned()),
        resource: call.resource.as_deref().and_then(Attribute::write),
        standing: call.stage == Stage::Standing,
        legs: legs.collect(),
    };
    Change::PutSession(StoredSession {
        id: call.session.clone(),
        // Strings and numbers are always JSON.
        state: Bytes::from(serde_json::to_vec(&saved).unwrap_or_default()),
    })
}

fn saved(dialog: &Dialog) -> SavedDialog {
    let DialogId {
        call_id,
        local_tag,
        remote_tag,
    } = dialog.id().clone();
    SavedDialog {
        call_id,
        local_tag,
        remote_tag,
        local: dialog.local().to_owned(),
        remote: dialog.remote().to_owned(),
        remote_target: dialog.remote_target().to_owned(),
        route_set: dialog.route_set().to_vec(),
        local_cseq: dialog.local_cseq(),
    }
}

impl Calls {
    /// Calls that were there when the process before this one ended. Their media went with the
    /// Contexts that it had, so they are ended on all sides, and that is told.
    pub fn resume(&mut self, now: Instant, stored: impl IntoIterator<Item = StoredSession>) {
        for session in stored {
            if self.resume_observed(now, &session) {
                continue;
            }
            let mut changes = vec![Change::RemoveSession(session.id.clone())];
            let Ok(saved) = serde_json::from_slice::<Saved>(&session.state) else {
                self.commit(changes, Vec::new());
                continue;
            };
            changes.extend(told_at_restart(&session.id, &saved));
            self.commit(changes, Vec::new());
            self.hang_up_saved(now, saved.legs);
        }
        self.settle(now);
    }

    /// How both sides of a call are reached, to be written down.
    pub(super) fn dialogs_of(&mut self, session: &str) -> Vec<SavedDialog> {
        let number = self.anchored(session);
        let call = number.and_then(|number| self.by_number.get_mut(&number));
        let legs = call.into_iter().flat_map(|call| &mut call.legs);
        legs.filter_map(|leg| Some(saved(leg.dialog()?))).collect()
    }

    /// Ends dialogs of the life before.
    pub(super) fn hang_up_saved(&mut self, now: Instant, dialogs: Vec<SavedDialog>) {
        for leg in dialogs {
            let id = DialogId {
                call_id: leg.call_id,
                local_tag: leg.local_tag,
                remote_tag: leg.remote_tag,
            };
            let mut dialog = Dialog::confirmed(id, leg.local, leg.remote, leg.remote_target);
            dialog.set_route(leg.route_set, leg.local_cseq.saturating_add(SKIP));
            let (next, bye) = bye(&mut dialog, Some("SIP;cause=500"));
            self.send(now, &next, bye, Errand::Request(Purpose::Bye));
        }
    }
}

/// What is told of a call of the life before.
fn told_at_restart(session: &str, saved: &Saved) -> Option<Change> {
    let target = Uri::new(saved.target.clone()?).ok()?;
    let words = "the server was started again";
    let Some(resource) = saved.resource.clone() else {
        return Some(notify(session, &target, &channel::ended(session, words)));
    };
    let resource: ImsSession = read_value(resource).ok()?;
    let (what, reason) = if saved.standing {
        (ImsSessionEventType::SessionTermination, None)
    } else {
        let failed = ImsSessionEventType::SessionEstablishmentFailure;
        (failed, Some(words))
    };
    let told = notification(session, &resource, what, reason)?;
    Some(notify(session, &target, &told))
}
