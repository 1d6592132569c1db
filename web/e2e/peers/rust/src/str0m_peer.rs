//! str0m: a thread and a socket a peer.

use std::collections::HashMap;
use std::io::{BufRead as _, ErrorKind};
use std::net::UdpSocket;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc};

use crate::words::{Content, File, Order, Teller};

/// How late an order may be heard.
const ATTENTION: Duration = Duration::from_millis(5);

/// How long after a packet the next is expected soon.
const BUSY: Duration = Duration::from_millis(50);

/// Serves until nobody says anything more.
pub fn run() -> Result<()> {
    str0m::crypto::from_feature_flags().install_process_default();
    let mut peers: HashMap<u64, Sender<Order>> = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let (number, order) = Order::parse(&line?)?;
        let orders = peers.entry(number).or_insert_with(|| {
            let (sender, orders) = channel();
            std::thread::spawn(move || {
                let teller = Teller(number);
                let served = Peer::new(teller).and_then(|peer| peer.serve(&orders));
                if let Err(error) = served {
                    teller.failed(format!("{error:#}"));
                }
            });
            sender
        });
        // A peer that has ended has said why.
        let _ = orders.send(order);
    }
    Ok(())
}

struct Peer {
    teller: Teller,
    socket: UdpSocket,
    rtc: Rtc,
    offered: Option<SdpPendingOffer>,
    labels: HashMap<ChannelId, (String, bool)>,
    ours: HashMap<String, ChannelId>,
    arriving: HashMap<ChannelId, File>,
    leaving: Vec<Leaving>,
}

/// A file on its way out.
struct Leaving {
    channel: ChannelId,
    label: String,
    content: Content,
    file: File,
    /// Made, and not taken yet; empty when all were.
    next: Vec<u8>,
}

impl Peer {
    fn new(teller: Teller) -> Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let mut rtc = Rtc::new(Instant::now());
        rtc.add_local_candidate(Candidate::host(socket.local_addr()?, "udp")?);
        Ok(Self {
            teller,
            socket,
            rtc,
            offered: None,
            labels: HashMap::new(),
            ours: HashMap::new(),
            arriving: HashMap::new(),
            leaving: Vec::new(),
        })
    }

    fn serve(mut self, orders: &Receiver<Order>) -> Result<()> {
        let mut buffer = vec![0; 2000];
        let mut unopened = Vec::new();
        let local = self.socket.local_addr()?;
        let mut wait = Duration::ZERO;
        let mut heard = Instant::now();
        while self.rtc.is_alive() {
            match orders.try_recv() {
                Ok(order) => self.obey(&order, &mut unopened)?,
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
            self.drain()?;
            while self.write_files()? {
                self.drain()?;
            }
            let busy = heard.elapsed() < BUSY;
            let wanted = if busy { ATTENTION / 5 } else { ATTENTION };
            if wait != wanted {
                wait = wanted;
                self.socket.set_read_timeout(Some(wait))?;
            }
            let input = match self.socket.recv_from(&mut buffer) {
                Ok((length, source)) => {
                    heard = Instant::now();
                    let packet = Receive::new(Protocol::Udp, source, local, &buffer[..length]);
                    let Ok(packet) = packet else { continue };
                    Input::Receive(heard, packet)
                }
                Err(error) if is_late(error.kind()) => Input::Timeout(Instant::now()),
                Err(error) => return Err(error.into()),
            };
            self.rtc.handle_input(input)?;
        }
        Ok(())
    }

    fn obey(&mut self, order: &Order, unopened: &mut Vec<ChannelConfig>) -> Result<()> {
        let label = order.word("label");
        match order.what() {
            "open" => {
                let config = ChannelConfig {
                    label: label.into(),
                    protocol: order.word("protocol").into(),
                    ..ChannelConfig::default()
                };
                if self.rtc.is_connected() {
                    let id = self.rtc.direct_api().create_data_channel(config);
                    self.ours.insert(label.into(), id);
                } else {
                    unopened.push(config);
                }
            }
            "offer" => {
                let mut changes = self.rtc.sdp_api();
                for config in unopened.drain(..) {
                    let label = config.label.clone();
                    let id = changes.add_channel_with_config(config);
                    self.ours.insert(label, id);
                }
                let (offer, pending) = changes.apply().context("nothing to offer")?;
                self.offered = Some(pending);
                self.teller
                    .tell("sdp", &[("sdp", offer.to_sdp_string().into())]);
            }
            "answer" => {
                let offer = SdpOffer::from_sdp_string(order.word("sdp"))?;
                let answer = self.rtc.sdp_api().accept_offer(offer)?;
                self.teller
                    .tell("sdp", &[("sdp", answer.to_sdp_string().into())]);
            }
            "answered" => {
                let answer = SdpAnswer::from_sdp_string(order.word("sdp"))?;
                let pending = self.offered.take().context("nothing was offered")?;
                self.rtc.sdp_api().accept_answer(pending, answer)?;
            }
            "send" => {
                let (binary, data) = order.message()?;
                let id = self.id(label)?;
                let mut channel = self.rtc.channel(id).context("the channel is not open")?;
                if !channel.write(binary, &data)? {
                    self.teller.failed("the channel is full");
                }
            }
            "file" => {
                let mut content = Content::new(label, order.size());
                self.leaving.push(Leaving {
                    channel: self.id(label)?,
                    label: label.into(),
                    next: content.next().unwrap_or_default().to_vec(),
                    content,
                    file: File::new(label),
                });
            }
            "shut" => {
                let id = self.id(label)?;
                self.rtc.direct_api().close_data_channel(id);
            }
            "end" => self.rtc.disconnect(),
            other => anyhow::bail!("there is no «{other}»"),
        }
        Ok(())
    }

    fn id(&self, label: &str) -> Result<ChannelId> {
        let of_theirs = || {
            let found = self.labels.iter().find(|(_, (its, _))| its == label);
            found.map(|(id, _)| *id)
        };
        let id = self.ours.get(label).copied().or_else(of_theirs);
        id.with_context(|| format!("there is no channel «{label}»"))
    }

    /// Until there is nothing but time to wait for; an order may come first in any case.
    fn drain(&mut self) -> Result<()> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(_) => return Ok(()),
                Output::Transmit(packet) => {
                    // A socket that is full loses the packet, as a network does.
                    let _ = self.socket.send_to(&packet.contents, packet.destination);
                }
                Output::Event(event) => self.hear(event)?,
            }
        }
    }

    fn hear(&mut self, event: Event) -> Result<()> {
        match event {
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                self.teller.failed("the connection failed");
            }
            Event::ChannelOpen(id, label) => {
                let ours = self.ours.get(&label) == Some(&id);
                let protocol = self
                    .rtc
                    .channel(id)
                    .and_then(|channel| Some(channel.config()?.protocol.clone()));
                self.labels.insert(id, (label.clone(), ours));
                let protocol = protocol.unwrap_or_default();
                let more = [("label", label.into()), ("protocol", protocol.into())];
                self.teller.tell("open", &more);
            }
            Event::ChannelClose(id) => {
                if let Some((label, ours)) = self.labels.remove(&id) {
                    if ours {
                        self.ours.remove(&label);
                    }
                    self.teller.tell("closed", &[("label", label.into())]);
                }
            }
            Event::ChannelData(data) => {
                let Some((label, ours)) = self.labels.get(&data.id) else {
                    return Ok(());
                };
                if label.starts_with("file") {
                    let file = self.arriving.entry(data.id);
                    let file = file.or_insert_with(|| File::new(label));
                    if data.binary {
                        file.add(&data.data);
                    } else if let Some(file) = self.arriving.remove(&data.id) {
                        file.tell(self.teller, "file", label);
                    }
                } else if label.starts_with("echo") && !*ours {
                    if let Some(mut channel) = self.rtc.channel(data.id) {
                        channel.write(data.binary, &data.data)?;
                    }
                } else {
                    self.teller.message(label, data.binary, &data.data);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether something was taken: one message each time, since all must be drained in between.
    fn write_files(&mut self) -> Result<bool> {
        for at in 0..self.leaving.len() {
            let leaving = &mut self.leaving[at];
            let Some(mut channel) = self.rtc.channel(leaving.channel) else {
                continue;
            };
            if leaving.next.is_empty() {
                if !channel.write(false, b"end")? {
                    continue;
                }
                let done = self.leaving.swap_remove(at);
                done.file.tell(self.teller, "sent", &done.label);
                return Ok(true);
            }
            if channel.write(true, &leaving.next)? {
                leaving.file.add(&leaving.next);
                leaving.next.clear();
                let next = leaving.content.next().unwrap_or_default();
                leaving.next.extend_from_slice(next);
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn is_late(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
