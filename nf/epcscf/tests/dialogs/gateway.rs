//! A gateway of paper: it remembers what it was told, and answers as a real one would.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use core_iq::{
    Command, ContextId, CoreLocal, Fingerprint, IceCredentials, Refusal, Reply, Reserved,
    ReservedStream, StreamId, StreamSettings, W3Local,
};

#[derive(Default)]
pub(crate) struct Gateway {
    pub(crate) contexts: BTreeMap<u64, BTreeMap<u16, StreamSettings>>,
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
        self.lost = self.made;
    }

    /// A command that is refused changes nothing.
    pub(crate) fn handle(&mut self, command: &Command, refuses: bool) -> Result<Reply, Refusal> {
        if let Command::Release { context } = command {
            let known = self.contexts.remove(&context.0).is_some();
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
        if refuses && !matches!(command, Command::Subtract { .. }) {
            self.refused_change |= matches!(command, Command::Configure { .. });
            return Err(Refusal::NoResources("ports".into()));
        }
        match command {
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
                let streams = streams.iter().map(|s| told(s.stream)).collect();
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
                }
                Ok(Reply::Configured(nothing(*context)))
            }
            Command::Subtract { context, streams } => {
                let known = self.context(*context)?;
                for stream in streams {
                    known.remove(&stream.0).ok_or(Refusal::UnknownStream)?;
                }
                Ok(Reply::Configured(nothing(*context)))
            }
            Command::Release { .. } => Ok(Reply::Released),
        }
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

fn told(stream: StreamId) -> ReservedStream {
    let port = 40_000 + stream.0 * 2;
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
        data: None,
    }
}
