//! The way from bootstrap channels to the application repository.

use std::rc::Rc;

use core_bootstrap::{Response, StatusCode};
use nf_epcscf::ApplicationsQuery;

use super::drive::Shard;

impl Shard {
    /// TS 26.114 §6.2.10 — what a WIC asks on a bootstrap channel.
    pub(super) fn ask_repository(self: &Rc<Self>, id: u64, query: ApplicationsQuery) {
        let shard = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let answer = match (&shard.setup.enabler, &shard.repository) {
                (Some(enabler), _) => enabler.give(query).await,
                (None, Some(elsewhere)) => elsewhere.give(query).await,
                (None, None) => Response::of(StatusCode::SERVICE_UNAVAILABLE),
            };
            shard.input(|machine, now| machine.handle_applications(now, id, &answer));
        });
    }
}
