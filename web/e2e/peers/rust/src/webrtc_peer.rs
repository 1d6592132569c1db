//! `webrtc`: its own ICE, DTLS and SCTP, on tokio.

use std::collections::HashMap;
use std::io::BufRead as _;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, bail};
use bytes::BytesMut;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
    RTCIceGatheringState, RTCPeerConnectionState, RTCSessionDescription,
};

use crate::words::{Content, File, Order, Teller};

/// How much may wait to be acknowledged; without a bound it has none.
const ROOM: usize = 1024 * 1024;

/// Serves until nobody says anything more.
pub fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (sender, mut lines) = unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    runtime.block_on(async {
        let mut peers: HashMap<u64, UnboundedSender<Order>> = HashMap::new();
        while let Some(line) = lines.recv().await {
            let (number, order) = Order::parse(&line)?;
            let orders = peers.entry(number).or_insert_with(|| {
                let (sender, orders) = unbounded_channel();
                let teller = Teller(number);
                tokio::spawn(async move {
                    if let Err(error) = serve(teller, orders).await {
                        teller.failed(format!("{error:#}"));
                    }
                });
                sender
            });
            // A peer that has ended has said why.
            let _ = orders.send(order);
        }
        Ok(())
    })
}

/// The channels that are open, by label, and whether we opened each.
type Channels = Arc<Mutex<HashMap<String, Arc<dyn DataChannel>>>>;

struct Handler {
    teller: Teller,
    channels: Channels,
    gathered: UnboundedSender<()>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            let _ = self.gathered.send(());
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        if state == RTCPeerConnectionState::Failed {
            self.teller.failed("the connection failed");
        }
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        tokio::spawn(follow(
            self.teller,
            Arc::clone(&self.channels),
            channel,
            false,
        ));
    }
}

async fn serve(teller: Teller, mut orders: UnboundedReceiver<Order>) -> Result<()> {
    let channels = Channels::default();
    let (gathered, mut complete) = unbounded_channel();
    let handler = Handler {
        teller,
        channels: Arc::clone(&channels),
        gathered,
    };
    let connection = PeerConnectionBuilder::new()
        .with_configuration(RTCConfigurationBuilder::new().build())
        .with_handler(Arc::new(handler))
        .with_udp_addrs(vec!["127.0.0.1:0".to_owned()])
        .with_data_channel_send_buffer_limit(ROOM)
        .build()
        .await?;
    while let Some(order) = orders.recv().await {
        let label = order.word("label").to_owned();
        let open = || {
            let channels = channels.lock().expect("nobody panics with it");
            let found = channels.get(&label).cloned();
            found.with_context(|| format!("there is no channel «{label}»"))
        };
        match order.what() {
            "open" => {
                let init = RTCDataChannelInit {
                    protocol: order.word("protocol").to_owned(),
                    ..RTCDataChannelInit::default()
                };
                let channel = connection.create_data_channel(&label, Some(init)).await?;
                tokio::spawn(follow(teller, Arc::clone(&channels), channel, true));
            }
            "offer" => {
                let offer = connection.create_offer(None).await?;
                connection.set_local_description(offer).await?;
                complete.recv().await;
                tell_local(teller, &connection).await?;
            }
            "answer" => {
                let offer = RTCSessionDescription::offer(order.word("sdp").to_owned())?;
                connection.set_remote_description(offer).await?;
                let answer = connection.create_answer(None).await?;
                connection.set_local_description(answer).await?;
                complete.recv().await;
                tell_local(teller, &connection).await?;
            }
            "answered" => {
                let answer = RTCSessionDescription::answer(order.word("sdp").to_owned())?;
                connection.set_remote_description(answer).await?;
            }
            "send" => {
                let (binary, data) = order.message()?;
                send(&*open()?, binary, &data).await?;
            }
            "file" => {
                let sending = send_file(teller, label.clone(), open()?, order.size());
                tokio::spawn(async move {
                    if let Err(error) = sending.await {
                        teller.failed(format!("{error:#}"));
                    }
                });
            }
            "shut" => open()?.close().await?,
            "end" => {
                connection.close().await?;
                return Ok(());
            }
            other => bail!("there is no «{other}»"),
        }
    }
    Ok(())
}

async fn tell_local(teller: Teller, connection: &impl PeerConnection) -> Result<()> {
    let description = connection.local_description().await;
    let sdp = description.context("no description")?.sdp;
    teller.tell("sdp", &[("sdp", sdp.into())]);
    Ok(())
}

async fn send(channel: &dyn DataChannel, binary: bool, data: &[u8]) -> Result<()> {
    if binary {
        channel.send(BytesMut::from(data)).await?;
    } else {
        channel.send_text(std::str::from_utf8(data)?).await?;
    }
    Ok(())
}

/// Tells what happens on a channel until it is closed.
async fn follow(teller: Teller, channels: Channels, channel: Arc<dyn DataChannel>, ours: bool) {
    let followed = hear(teller, &channels, &channel, ours).await;
    if let Err(error) = followed {
        teller.failed(format!("{error:#}"));
    }
}

async fn hear(
    teller: Teller,
    channels: &Channels,
    channel: &Arc<dyn DataChannel>,
    ours: bool,
) -> Result<()> {
    let label = channel.label().await?;
    let keep = |there: bool| {
        let mut channels = channels.lock().expect("nobody panics with it");
        if there {
            channels.insert(label.clone(), Arc::clone(channel));
        } else if channels
            .get(&label)
            .is_some_and(|its| Arc::ptr_eq(its, channel))
        {
            channels.remove(&label);
        }
    };
    keep(true);
    let mut file = None;
    while let Some(event) = channel.poll().await {
        match event {
            DataChannelEvent::OnOpen => {
                let protocol = channel.protocol().await?;
                let more = [
                    ("label", label.as_str().into()),
                    ("protocol", protocol.into()),
                ];
                teller.tell("open", &more);
            }
            DataChannelEvent::OnMessage(message) => {
                let binary = !message.is_string;
                if label.starts_with("file") {
                    let arriving = file.get_or_insert_with(|| File::new(&label));
                    if binary {
                        arriving.add(&message.data);
                    } else if let Some(file) = file.take() {
                        file.tell(teller, "file", &label);
                    }
                } else if label.starts_with("echo") && !ours {
                    send(&**channel, binary, &message.data).await?;
                } else {
                    teller.message(&label, binary, &message.data);
                }
            }
            DataChannelEvent::OnClose => break,
            _ => {}
        }
    }
    keep(false);
    teller.tell("closed", &[("label", label.into())]);
    Ok(())
}

async fn send_file(
    teller: Teller,
    label: String,
    channel: Arc<dyn DataChannel>,
    size: u64,
) -> Result<()> {
    let (mut content, mut file) = (Content::new(&label, size), File::new(&label));
    while let Some(part) = content.next() {
        channel.send(BytesMut::from(part)).await?;
        file.add(part);
    }
    channel.send_text("end").await?;
    file.tell(teller, "sent", &label);
    Ok(())
}
