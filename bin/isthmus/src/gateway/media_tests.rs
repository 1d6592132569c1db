//! Media over real sockets: two WICs, each with a Context of its own, call each other through the
//! core's side of the gateway.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use core_iq::{
    Command, CoreSettings, Event, Gate, MediaKind, Reply, RequestId, Reserved, StreamId,
    StreamSettings,
};

use super::*;
use crate::gateway::peers::{Wic, receiver_report, rtp};

const PATIENCE: Duration = Duration::from_secs(10);

/// A WIC on a socket.
struct Peer {
    wic: Wic,
    socket: UdpSocket,
}

impl Peer {
    fn new() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap().to_string();
        Self {
            wic: Wic::new(&address),
            socket,
        }
    }

    fn round(&mut self) {
        let now = Instant::now();
        if self.wic.poll_timeout().is_some_and(|due| due <= now) {
            self.wic.handle_timeout(now);
        }
        let mut buffer = [0; 2048];
        while let Ok((length, _)) = self.socket.recv_from(&mut buffer) {
            self.wic.handle(now, &buffer[..length]);
        }
        for (to, bytes) in self.wic.outbox.drain(..) {
            self.socket.send_to(&bytes, to).unwrap();
        }
    }
}

fn until(peers: &mut [Peer; 2], done: impl Fn(&[Peer; 2]) -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done(peers) {
        assert!(Instant::now() < end, "not done in time");
        for peer in peers.iter_mut() {
            peer.round();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn ask(client: &GatewayClient, events: &Receiver<GatewayEvent>, command: Command) -> Reserved {
    client.send(RequestId(0), command);
    loop {
        match events.recv_timeout(PATIENCE).unwrap() {
            GatewayEvent::Reply { result, .. } => match result.unwrap() {
                Reply::Reserved(reserved) | Reply::Configured(reserved) => return reserved,
                other => panic!("{other:?}"),
            },
            GatewayEvent::Notification(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn two_wics_talk_through_two_contexts_on_one_worker_or_two() {
    for workers in [1, 2] {
        let config = GatewayConfig {
            workers,
            addresses: vec![Ipv4Addr::LOCALHOST.into()],
            ..GatewayConfig::default()
        };
        let (gateway, threads) = start(&config).unwrap();
        let (sender, events) = channel();
        let client = gateway.register(move |event| {
            let _ = sender.send(event);
        });
        let mut peers = [Peer::new(), Peer::new()];
        let settings = || StreamSettings::new(StreamId(0), MediaKind::Audio);
        let reserved: Vec<Reserved> = peers
            .iter()
            .map(|peer| {
                let mut stream = settings();
                stream.w3 = Some(peer.wic.settings(Gate::OPEN));
                let streams = vec![stream];
                ask(
                    &client,
                    &events,
                    Command::Reserve {
                        context: None,
                        streams,
                    },
                )
            })
            .collect();
        for (index, peer) in peers.iter_mut().enumerate() {
            let far_end = reserved[1 - index].streams[0].core;
            let mut stream = settings();
            stream.core = Some(CoreSettings {
                remote_rtp: Some(far_end.rtp),
                remote_rtcp: Some(far_end.rtcp),
                gate: Some(Gate::OPEN),
            });
            let (context, streams) = (reserved[index].context, vec![stream]);
            ask(&client, &events, Command::Configure { context, streams });
            peer.wic.accept(Instant::now(), &reserved[index].streams[0]);
        }
        until(&mut peers, |peers| {
            peers.iter().all(|peer| peer.wic.is_connected())
        });
        let stands = |event: &GatewayEvent| matches!(event, GatewayEvent::Notification(n) if matches!(n.event, Event::DtlsConnected { .. }));
        let mut standing = 0;
        while standing < 2 {
            standing += usize::from(stands(&events.recv_timeout(PATIENCE).unwrap()));
        }
        for sequence in 0..100 {
            for peer in &mut peers {
                peer.wic.send_rtp(&rtp(0, sequence, 7));
            }
        }
        for peer in &mut peers {
            peer.wic.send_rtcp(&receiver_report(7));
        }
        until(&mut peers, |peers| {
            let all =
                |peer: &Peer| peer.wic.received.len() == 100 && peer.wic.received_rtcp.len() == 1;
            peers.iter().all(all)
        });
        let owners: Vec<u16> = reserved.iter().map(|r| r.context.worker()).collect();
        assert_eq!(owners, [0, workers as u16 - 1]);
        let ports: Vec<SocketAddr> = reserved
            .iter()
            .map(|r| r.streams[0].w3.candidates[0])
            .collect();
        assert_eq!(ports[0] == ports[1], workers == 1, "one port a worker");
        drop(client);
        threads.stop();
    }
}
