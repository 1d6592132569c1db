//! The ports towards the core that a Reserve waits for: a pair for each Termination there.

use std::net::SocketAddr;
use std::time::Instant;

use core_iq::{ContextId, Reply, Reserved};

use crate::gateway::{Gateway, Role};
use crate::media::Side;
use crate::{BoundPorts, Output, PortRequest};

/// A pair of ports that the shell was asked to open.
#[derive(Debug)]
pub(crate) struct PortWish {
    context: ContextId,
    pub(crate) stream: u32,
    /// For the Termination of this side.
    side: Side,
    tries: u8,
    /// As the pool knows it.
    pub(crate) rtp: u16,
}

impl Gateway {
    /// A wish for ports was fulfilled, or not.
    pub fn handle_ports_bound(
        &mut self,
        now: Instant,
        request: PortRequest,
        result: Result<BoundPorts, String>,
    ) {
        let Some(wish) = self.wishes.remove(&request.0) else {
            // Released in between.
            if let Ok(bound) = result {
                self.close(&bound);
            }
            return;
        };
        match result {
            Ok(bound) => {
                self.set_role(bound.rtp.0, Role::Rtp(wish.stream, wish.side));
                self.set_role(bound.rtcp.0, Role::Rtcp(wish.stream, wish.side));
                if let Some(core) = self
                    .streams
                    .at_mut(wish.stream)
                    .and_then(|stream| stream.core_side(wish.side))
                {
                    core.bound = Some(bound);
                }
                self.place_data(now, wish.stream);
                self.one_bound(wish.context);
            }
            Err(reason) => {
                self.ports.give_back(wish.rtp);
                let left = wish.tries.saturating_sub(1);
                if left == 0 || !self.wish(wish.context, wish.stream, wish.side, left) {
                    self.give_up(wish.context, &reason);
                }
            }
        }
    }

    /// Asks the shell for a pair of ports; says whether there was one to ask for.
    pub(crate) fn wish(&mut self, context: ContextId, stream: u32, side: Side, tries: u8) -> bool {
        let Some((rtp, rtcp)) = self.ports.take() else {
            return false;
        };
        let address = self.config.core_address;
        let request = self.next_wish;
        self.next_wish += 1;
        self.wishes.insert(
            request,
            PortWish {
                context,
                stream,
                side,
                tries,
                rtp,
            },
        );
        self.outputs.push_back(Output::BindPorts {
            request: PortRequest(request),
            rtp: SocketAddr::new(address, rtp),
            rtcp: SocketAddr::new(address, rtcp),
        });
        true
    }

    fn one_bound(&mut self, id: ContextId) {
        let Ok(index) = self.index_of(id) else {
            return;
        };
        let Some(context) = self.contexts.at_mut(index) else {
            return;
        };
        let Some(pending) = &mut context.pending else {
            return;
        };
        pending.waiting -= 1;
        if pending.waiting > 0 {
            return;
        }
        if let Some(pending) = context.pending.take() {
            let mut reserved = Reserved::nothing(id);
            for made in &pending.made {
                self.tell(*made, &mut reserved);
            }
            self.reply(pending.request, Ok(Reply::Reserved(reserved)));
        }
    }

    pub(crate) fn close(&mut self, bound: &BoundPorts) {
        self.set_role(bound.rtp.0, Role::None);
        self.set_role(bound.rtcp.0, Role::None);
        self.outputs.push_back(Output::ReleasePorts {
            rtp: bound.rtp.0,
            rtcp: bound.rtcp.0,
        });
    }
}
