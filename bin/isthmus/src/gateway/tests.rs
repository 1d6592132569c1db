//! The shell on real sockets: workers, and Iq over a connection to them.

use std::net::Ipv4Addr;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use core_iq::{
    Command, ContextId, MediaKind, Refusal, Reply, RequestId, Reserved, StreamId, StreamSettings,
};

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

fn workers(count: usize) -> (GatewayHandle, Workers) {
    start(&GatewayConfig {
        workers: count,
        addresses: vec![Ipv4Addr::LOCALHOST.into()],
        ..GatewayConfig::default()
    })
    .unwrap()
}

fn client(gateway: &GatewayHandle) -> (GatewayClient, Receiver<GatewayEvent>) {
    let (sender, receiver) = channel();
    let client = gateway.register(move |event| {
        let _ = sender.send(event);
    });
    (client, receiver)
}

fn reply(events: &Receiver<GatewayEvent>, wanted: u64) -> Result<Reply, Refusal> {
    loop {
        match events.recv_timeout(PATIENCE).expect("an event in time") {
            GatewayEvent::Reply { id, result } => {
                assert_eq!(id, RequestId(wanted));
                return result;
            }
            GatewayEvent::Notification(_) | GatewayEvent::Restored => {}
            GatewayEvent::Lost | GatewayEvent::WorkerLost(_) => panic!("the gateway is lost"),
        }
    }
}

fn reserve(client: &GatewayClient, events: &Receiver<GatewayEvent>, id: u64) -> Reserved {
    client.send(
        RequestId(id),
        Command::Reserve {
            context: None,
            streams: vec![StreamSettings::new(StreamId(0), MediaKind::Audio)],
        },
    );
    match reply(events, id) {
        Ok(Reply::Reserved(reserved)) => reserved,
        other => panic!("{other:?}"),
    }
}

fn contexts_become(gateway: &GatewayHandle, wanted: usize) {
    for _ in 0..100 {
        if gateway.figures().contexts == wanted {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{} contexts, not {wanted}", gateway.figures().contexts);
}

fn iq(address: &str, secret: &str, tls: bool) -> IqConfig {
    IqConfig {
        address: address.into(),
        secret: Some(Secret(secret.into())),
        secret_file: None,
        tls,
    }
}

#[test]
fn contexts_spread_over_workers_and_end_with_their_client() {
    let (gateway, workers) = workers(2);
    let (one, events) = client(&gateway);
    let reserved: Vec<Reserved> = (0..4).map(|id| reserve(&one, &events, id)).collect();
    let mut owners: Vec<u16> = reserved.iter().map(|r| r.context.worker()).collect();
    owners.sort_unstable();
    assert_eq!(owners, [0, 0, 1, 1]);
    for one in &reserved {
        let stream = &one.streams[0];
        assert_eq!(stream.core.rtp.port() + 1, stream.core.rtcp.port());
        assert_eq!(stream.core.rtp.port() % 2, 0);
        assert!(stream.w3.candidates[0].ip().is_loopback());
    }

    // Another client can neither change nor end what is not its own.
    let (other, others) = client(&gateway);
    let context = reserved[0].context;
    other.send(
        RequestId(9),
        Command::Configure {
            context,
            streams: Vec::new(),
        },
    );
    assert_eq!(reply(&others, 9), Err(Refusal::UnknownContext));
    other.send(RequestId(10), Command::Release { context });
    assert_eq!(reply(&others, 10), Ok(Reply::Released));
    one.send(
        RequestId(5),
        Command::Configure {
            context,
            streams: Vec::new(),
        },
    );
    assert!(reply(&events, 5).is_ok());
    let nobody = ContextId(u64::MAX);
    one.send(
        RequestId(6),
        Command::Configure {
            context: nobody,
            streams: Vec::new(),
        },
    );
    assert_eq!(reply(&events, 6), Err(Refusal::UnknownContext));

    contexts_become(&gateway, 4);
    drop(one);
    contexts_become(&gateway, 0);
    workers.stop();
    assert!(!gateway.is_reachable());
    other.send(RequestId(11), Command::Release { context });
    loop {
        match others.recv_timeout(PATIENCE).unwrap() {
            GatewayEvent::WorkerLost(_) => {}
            GatewayEvent::Reply { result, .. } => {
                assert_eq!(result, Err(Refusal::Unreachable));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_worker_that_dies_ends_its_calls_alone_and_another_takes_its_seat() {
    for elsewhere in [false, true] {
        let (local, workers) = workers(2);
        let secret = "a secret of the operator";
        let server = serve(&iq("127.0.0.1:0", secret, false), local.clone()).unwrap();
        let gateway = if elsewhere {
            connect(&iq(&server.address.to_string(), secret, false)).unwrap()
        } else {
            local.clone()
        };
        while !gateway.is_reachable() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let (one, events) = client(&gateway);
        let mut before = [reserve(&one, &events, 1), reserve(&one, &events, 2)];
        before.sort_by_key(|reserved| reserved.context.worker());
        let [dies, lives] = before;
        workers.kill(usize::from(dies.context.worker()));
        let lost = events.recv_timeout(PATIENCE).unwrap();
        assert!(matches!(lost, GatewayEvent::WorkerLost(0)), "{lost:?}");
        // New calls and those of the other worker go on meanwhile.
        for id in [3, 4] {
            let during = reserve(&one, &events, id).context;
            assert_eq!(during.worker(), lives.context.worker());
        }
        let context = lives.context;
        one.send(RequestId(5), Command::Release { context });
        assert_eq!(reply(&events, 5), Ok(Reply::Released));
        while !local.is_reachable() {
            std::thread::sleep(Duration::from_millis(5));
        }
        // The same place on W3, for whoever has written it down; and nothing of before.
        one.send(
            RequestId(6),
            Command::Configure {
                context: dies.context,
                streams: Vec::new(),
            },
        );
        assert_eq!(reply(&events, 6), Err(Refusal::UnknownContext));
        let mut after = [reserve(&one, &events, 7), reserve(&one, &events, 8)];
        after.sort_by_key(|reserved| reserved.context.worker());
        assert_eq!(
            after[0].streams[0].w3.candidates,
            dies.streams[0].w3.candidates
        );
        contexts_become(&local, 4);
        drop(one);
        contexts_become(&local, 0);
        server.stop();
        workers.stop();
        assert!(!local.is_reachable());
    }
}

#[test]
fn a_gateway_elsewhere_is_used_lost_and_found_again() {
    for tls in [true, false] {
        let (local, workers) = workers(1);
        let secret = "a secret of the operator";
        let server = serve(&iq("127.0.0.1:0", secret, tls), local.clone()).unwrap();
        let address = server.address.to_string();
        let remote = connect(&iq(&address, secret, tls)).unwrap();
        let (one, events) = client(&remote);
        while !remote.is_reachable() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let reserved = reserve(&one, &events, 1);
        assert!(reserved.streams[0].core.rtp.ip().is_loopback());
        let (gone, gone_events) = client(&remote);
        reserve(&gone, &gone_events, 1);
        contexts_become(&local, 2);
        drop(gone);
        contexts_become(&local, 1);

        server.stop();
        let lost = events.recv_timeout(PATIENCE).unwrap();
        assert!(matches!(lost, GatewayEvent::Lost), "{lost:?}");
        one.send(
            RequestId(2),
            Command::Release {
                context: reserved.context,
            },
        );
        assert_eq!(reply(&events, 2), Err(Refusal::Unreachable));
        contexts_become(&local, 0);

        let server = serve(&iq(&address, secret, tls), local.clone()).unwrap();
        let back = events.recv_timeout(PATIENCE).unwrap();
        assert!(matches!(back, GatewayEvent::Restored), "{back:?}");
        reserve(&one, &events, 3);
        server.stop();
        workers.stop();
    }
}

#[test]
fn who_does_not_know_the_secret_gets_nothing() {
    let (local, workers) = workers(1);
    let server = serve(&iq("127.0.0.1:0", "a secret of the operator", true), local).unwrap();
    let remote = connect(&iq(
        &server.address.to_string(),
        "another one altogether",
        true,
    ))
    .unwrap();
    let (one, events) = client(&remote);
    std::thread::sleep(Duration::from_millis(300));
    assert!(!remote.is_reachable());
    one.send(
        RequestId(1),
        Command::Release {
            context: ContextId(0),
        },
    );
    assert_eq!(reply(&events, 1), Err(Refusal::Unreachable));
    server.stop();
    workers.stop();
}

#[test]
fn what_cannot_be_served_is_said_at_once() {
    let (local, workers) = workers(1);
    let plain = iq("0.0.0.0:0", "a secret of the operator", false);
    assert!(serve(&plain, local.clone()).is_err());
    assert!(serve(&iq("127.0.0.1:0", "short", true), local.clone()).is_err());
    assert!(serve(&iq("nowhere", "a secret of the operator", true), local).is_err());
    workers.stop();
}
