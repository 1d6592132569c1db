//! Mw: the core's messages, each to the shard that its tokens name.

use std::rc::Rc;
use std::sync::Arc;

use core_sip::next_hop::NextHop;
use nf_epcscf::shard_of;

use super::ToShard;
use super::drive::Shard;
use crate::config::Config;
use crate::fault::{Fault, Port};
use crate::sip::{SipEvent, SipSockets, SipTls};

/// TLS of Mw, where it is configured; the core is called what the next hop calls it.
pub(super) fn tls(config: &Config) -> Result<Option<Arc<SipTls>>, Fault> {
    let Some(tls) = &config.epcscf.mw_tls else {
        return Ok(None);
    };
    let hop = NextHop::of_uri(&config.epcscf.next_hop);
    let host = hop.as_ref().map(|hop| hop.host.as_str());
    SipTls::open(config, Port::MW_TLS, tls, host).map(Some)
}

/// Begins to receive, in the first shard.
pub(super) fn start(shard: &Rc<Shard>, sockets: &Rc<SipSockets>) {
    let shard = Rc::clone(shard);
    sockets.start(move |event| {
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
