//! The way of the gateway's events into a shard.

use tokio::sync::mpsc;

use crate::gateway::GatewayEvent;

/// What the gateway says to a shard, in order, and none of it lost: a call waits for its reply, and all for the news that
/// the gateway is gone. What the shard asks bounds its replies; a Context of media has a few events of its own, and one of data
/// channels two for each channel that its peer opens and closes in band, as fast as it does.
pub(super) fn gateway_events() -> (
    impl Fn(GatewayEvent) + Send + Sync + 'static,
    mpsc::UnboundedReceiver<GatewayEvent>,
) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let sink = move |event| {
        // Nobody is there to hear it at the end of the process alone.
        let _ = sender.send(event);
    };
    (sink, receiver)
}

#[cfg(test)]
mod tests {
    use core_iq::{Refusal, RequestId};

    use super::*;

    /// A shard that is busy for a while, in a process whose queues hold fewer.
    #[test]
    fn nothing_that_the_gateway_says_is_lost_while_a_shard_is_busy() {
        const EVENTS: u64 = 100_000;
        let (sink, mut events) = gateway_events();
        for number in 0..EVENTS {
            sink(GatewayEvent::Reply {
                id: RequestId(number),
                result: Err(Refusal::Unreachable),
            });
        }
        sink(GatewayEvent::Lost);
        for number in 0..EVENTS {
            let event = events.try_recv();
            assert!(
                matches!(event, Ok(GatewayEvent::Reply { id, .. }) if id == RequestId(number)),
                "{event:?}"
            );
        }
        assert!(matches!(events.try_recv(), Ok(GatewayEvent::Lost)));
    }
}
