//! A gateway of paper: it remembers what it was told, and answers as a real one would.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use core_iq::{
    ChannelAction, ChannelAt, ChannelDescription, ChannelEnd, ChannelReliability, Command,
    ContextId, CoreLocal, DataLocal, Event, FarEnd, Fingerprint, IceCredentials, MediaKind,
    Notification, Refusal, Reply, Reserved, ReservedStream, StreamEnd, StreamId, StreamSettings,
    W3Local,
};

#[derive(Default)]
pub(crate) struct Gateway {
    pub(crate) contexts: BTreeMap<u64, BTreeMap<u16, StreamSettings>>,
    /// Channels that the WIC opened in band, and of which the edge was told.
    pub(crate) opened: BTreeSet<(u64, u16, u16)>,
    made: u64,
    /// Up to this one all were lost.
    lost: u64,
    /// A Configure was refused, be it one that takes something back.
    pub(crate) refused_change: bool,
}

impl Gateway {
    /// Everything it had is gone.
    pub(crate) fn lose(&mut self) {
        self.contexts.clear();
        self.opened.clear();
        self.lost = self.made;
    }

    /// A command that is refused changes nothing.
    pub(crate) fn handle(&mut self, command: &Command, refuses: bool) -> Result<Reply, Refusal> {
        if let Command::Release { context } = command {
            let known = self.contexts.remove(&context.0).is_some();
            self.opened.retain(|(of, ..)| *of != context.0);
            assert!(
                known || context.0 <= self.lost,
                "a Context is released twice"
            );
            return if known {
                Ok(Reply::Released)
            } else {
                Err(Refusal::UnknownContext)
            };
        }
        // What gives something up is never refused.
        let gives_up = matches!(command, Command::Subtract { .. } | Command::Channel { .. });
        if refuses && !gives_up {
            self.refused_change |= matches!(command, Command::Configure { .. });
            return Err(Refusal::NoResources("ports".into()));
        }
        match command {
            Command::Channel {
                context,
                stream,
                action: ChannelAction::Close(at),
            } => {
                self.opened.remove(&(context.0, stream.0, at.id));
                Ok(Reply::ChannelDone)
            }
            Command::Channel { .. } => panic!("{command:?}"),
            Command::Reserve { context, streams } => {
                let context = context.unwrap_or_else(|| {
                    self.made += 1;
                    self.contexts.insert(self.made, BTreeMap::new());
                    ContextId(self.made)
                });
                let known = self.context(context)?;
                for settings in streams {
                    let before = known.insert(settings.stream.0, settings.clone());
                    assert!(before.is_none(), "a stream is reserved twice");
                }
                let streams = streams.iter().map(told).collect();
                Ok(Reply::Reserved(Reserved {
                    streams,
                    ..Reserved::nothing(context)
                }))
            }
            Command::Configure { context, streams } => {
                let known = self.context(*context)?;
                for settings in streams {
                    let stream = known
                        .get_mut(&settings.stream.0)
                        .ok_or(Refusal::UnknownStream)?;
                    if let Some(w3) = &settings.w3 {
                        stream.w3 = Some(w3.clone());
                    }
                    if let Some(core) = &settings.core {
                        let rtp = stream.core.as_ref().and_then(|core| core.remote_rtp);
                        let mut core = core.clone();
                        core.remote_rtp = core.remote_rtp.or(rtp);
                        stream.core = Some(core);
                    }
                    if let Some(data) = &settings.data {
                        let known = stream.data.get_or_insert_default();
                        known.channels = data.channels.clone().or(known.channels.take());
                        known.far_end = data.far_end.or(known.far_end);
                    }
                }
                Ok(Reply::Configured(nothing(*context)))
            }
            Command::Subtract { context, streams } => {
                let known = self.context(*context)?;
                for stream in streams {
                    known.remove(&stream.0).ok_or(Refusal::UnknownStream)?;
                }
                let gone = |of: u64, at: u16| of == context.0 && streams.contains(&StreamId(at));
                self.opened.retain(|(of, at, _)| !gone(*of, *at));
                Ok(Reply::Configured(nothing(*context)))
            }
            Command::Release { .. } => Ok(Reply::Released),
        }
    }

    /// The WIC opens a channel in band, if the edge is to announce it.
    pub(crate) fn open(&mut self, id: u16) -> Option<Notification> {
        let (context, stream) = self.announcing()?;
        if self.opened.len() >= 4 || !self.opened.insert((context, stream, id)) {
            return None;
        }
        let channel = ChannelDescription {
            label: format!("in band {id}"),
            protocol: String::new(),
            ordered: true,
            reliability: ChannelReliability::Reliable,
            priority: 256,
        };
        let at = at(id);
        Some(about(
            context,
            stream,
            Event::ChannelRequested { at, channel },
        ))
    }

    /// The WIC closes one.
    pub(crate) fn close(&mut self) -> Option<Notification> {
        let (context, stream, id) = self.opened.pop_first()?;
        let (at, end) = (at(id), ChannelEnd::ByPeer);
        Some(about(context, stream, Event::ChannelClosed { at, end }))
    }

    /// SCTP with the WIC ends.
    pub(crate) fn end(&mut self) -> Option<Notification> {
        let (context, stream) = self.announcing()?;
        self.opened
            .retain(|(of, at, _)| (*of, *at) != (context, stream));
        let (end, reason) = (StreamEnd::W3, "lost".to_owned());
        Some(about(context, stream, Event::DataEnded { end, reason }))
    }

    /// The stream whose channels the edge announces.
    fn announcing(&self) -> Option<(u64, u16)> {
        let streams = self.contexts.iter().flat_map(|(context, streams)| {
            let of_one = streams.iter().map(|(id, stream)| (*context, *id, stream));
            of_one.collect::<Vec<_>>()
        });
        let announces = Some(FarEnd::Relay { announce: true });
        let mut found = streams.filter(|(_, _, stream)| {
            stream.data.as_ref().and_then(|data| data.far_end) == announces
        });
        found.next().map(|(context, id, _)| (context, id))
    }

    fn context(
        &mut self,
        context: ContextId,
    ) -> Result<&mut BTreeMap<u16, StreamSettings>, Refusal> {
        self.contexts
            .get_mut(&context.0)
            .ok_or(Refusal::UnknownContext)
    }
}

fn nothing(context: ContextId) -> Reserved {
    Reserved::nothing(context)
}

fn at(id: u16) -> ChannelAt {
    let end = StreamEnd::W3;
    ChannelAt { end, id }
}

fn about(context: u64, stream: u16, event: Event) -> Notification {
    Notification {
        context: ContextId(context),
        stream: StreamId(stream),
        event,
    }
}

fn told(settings: &StreamSettings) -> ReservedStream {
    let stream = settings.stream;
    let port = 40_000 + stream.0 * 2;
    let ours = IceCredentials {
        ufrag: "core".into(),
        pwd: "q".repeat(24),
    };
    let data = (settings.media == MediaKind::Data).then(|| DataLocal {
        core_ice: ours,
        core_fingerprint: Fingerprint {
            algorithm: "sha-256".into(),
            digest: vec![8; 32],
        },
        w3_tls_id: "gateway-w3-000000000".into(),
        core_tls_id: "gateway-core-0000000".into(),
        sctp_port: 5000,
        max_message_size: 262_144,
        refused: Vec::new(),
    });
    ReservedStream {
        stream,
        w3: W3Local {
            ice: IceCredentials {
                ufrag: "gate".into(),
                pwd: "p".repeat(24),
            },
            fingerprint: Fingerprint {
                algorithm: "sha-256".into(),
                digest: vec![7; 32],
            },
            candidates: vec![SocketAddr::from(([198, 51, 100, 9], 3478))],
        },
        core: CoreLocal {
            rtp: SocketAddr::from(([198, 51, 100, 9], port)),
            rtcp: SocketAddr::from(([198, 51, 100, 9], port + 1)),
        },
        data,
    }
}
