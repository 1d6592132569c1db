//! Mw: the core's messages, each to the shard that its tokens name.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nf_epcscf::shard_of;

use super::ToShard;
use super::drive::Shard;
use crate::sip::{SipEvent, SipSockets};

/// Begins to receive, in the first shard.
pub(super) fn start(shard: &Rc<Shard>, sockets: &Rc<SipSockets>, malformed: Arc<AtomicU64>) {
    let shard = Rc::clone(shard);
    let counted = Rc::clone(sockets);
    sockets.start(move |event| {
        malformed.store(counted.malformed(), Ordering::Relaxed);
        match event {
            SipEvent::Message(source, message) => match shard_of(&message) {
                Some(other) if other > 0 && other < shard.count() => {
                    shard.pass_to(other, ToShard::Mw(source, message));
                }
                _ => shard.input(|machine, now| machine.handle_mw_message(now, source, *message)),
            },
            // Whose it was is not known here: every shard looks for it.
            SipEvent::Closed(id) => {
                for other in 1..shard.count() {
                    shard.pass_to(other, ToShard::MwClosed(id));
                }
                shard.input(|machine, now| machine.handle_mw_closed(now, id));
            }
            SipEvent::Failed(target) => {
                for other in 1..shard.count() {
                    shard.pass_to(other, ToShard::MwFailed(target));
                }
                shard.input(|machine, now| machine.handle_mw_failed(now, target));
            }
        }
    });
}
