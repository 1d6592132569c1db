//! What is remembered of calls over a restart: enough to hang up on both sides, and to tell of it.

use std::time::Instant;

use api_mmtel_es::common::Uri;
use bytes::Bytes;
use core_sip::dialog::{Dialog, DialogId};
use serde::{Deserialize, Serialize};

use super::call::{Call, LegState};
use super::channel;
use super::ending::{bye, notify};
use super::machine::Calls;
use super::sending::{Errand, Purpose};
use crate::{Change, StoredSession};

/// Of one call.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    target: String,
    legs: Vec<SavedDialog>,
}

/// Of one dialog: RFC 3261 §12.
#[derive(Debug, Serialize, Deserialize)]
struct SavedDialog {
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
        target: call.request.notification_info.as_str().to_owned(),
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
            let mut changes = vec![Change::RemoveSession(session.id.clone())];
            let Ok(saved) = serde_json::from_slice::<Saved>(&session.state) else {
                self.commit(changes, Vec::new());
                continue;
            };
            if let Ok(target) = Uri::new(saved.target) {
                let words = "the server was started again";
                changes.push(notify(
                    &session.id,
                    &target,
                    &channel::ended(&session.id, words),
                ));
            }
            self.commit(changes, Vec::new());
            for leg in saved.legs {
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
        self.settle(now);
    }
}
