use std::time::Duration;

use core_data_channel::{Channel, ChannelId, Event as ChannelEvent, Message};
use core_iq::{
    ChannelAction, ChannelDescription, ChannelPlace, ChannelReliability, Command, CoreSettings,
    DataSettings, DtlsRole, DtlsSettings, FarEnd, Gate, MediaKind, NegotiatedChannel, Refusal,
    Reply, Reserved, SctpSettings, StreamId, StreamSettings,
};
use testbed::LinkQuality;

use super::{Bed, Wic, config};

const SECOND: Duration = Duration::from_secs(1);
pub const STREAM: StreamId = StreamId(1);
pub const SCTP: SctpSettings = SctpSettings {
    port: 5000,
    max_message_size: Some(256 * 1024),
};
pub const RELAY: FarEnd = FarEnd::Relay { announce: false };

/// Two WICs behind two gateways; Contexts whose far ends do not know each other yet.
pub struct Call {
    pub bed: Bed,
    pub reserved: Vec<Reserved>,
}

impl Call {
    pub fn new(far_end: FarEnd) -> Self {
        let mut bed = Bed::new(vec![config(0), config(1)], 1, LinkQuality::good());
        let mut reserved = Vec::new();
        for at in 0..2 {
            let mut wic = Wic::new(&format!("198.51.100.{}:50000", at + 1));
            wic.data = true;
            let mut settings = StreamSettings::new(STREAM, MediaKind::Data);
            settings.w3 = Some(wic.settings(Gate::OPEN));
            settings.data = Some(Box::new(DataSettings {
                w3: Some(SCTP),
                far_end: Some(far_end),
                ..DataSettings::default()
            }));
            bed.wics.push(wic);
            let made = bed.reserve(at, vec![settings]);
            let now = bed.now();
            bed.wics[at].accept(now, &made.streams[0]);
            reserved.push(made);
        }
        Self { bed, reserved }
    }

    /// Joined, with everything up.
    pub fn joined() -> Self {
        let mut call = Self::new(RELAY);
        call.join(SCTP);
        call.bed.run(SECOND * 3);
        for wic in &mut call.bed.wics {
            assert_eq!(wic.take_told(), [ChannelEvent::Connected]);
        }
        call
    }

    /// Each gateway is told what the other's SDP says.
    pub fn join(&mut self, sctp: SctpSettings) {
        for (at, role) in [(0, DtlsRole::Client), (1, DtlsRole::Server)] {
            let far = &self.reserved[1 - at].streams[0];
            let data = far.data.as_ref().unwrap();
            let mut change = StreamSettings::new(STREAM, MediaKind::Data);
            change.core = Some(CoreSettings {
                remote_rtp: Some(far.core.rtp),
                ..CoreSettings::default()
            });
            change.data = Some(Box::new(DataSettings {
                core: Some(sctp),
                core_dtls: Some(DtlsSettings {
                    remote_ice: Some(data.core_ice.clone()),
                    remote_fingerprints: Some(vec![data.core_fingerprint.clone()]),
                    remote_tls_id: Some(data.core_tls_id.clone()),
                    dtls_role: Some(role),
                }),
                ..DataSettings::default()
            }));
            self.bed.configure(at, self.reserved[at].context, change);
        }
    }

    pub fn negotiate(&mut self, channels: &[NegotiatedChannel]) {
        for at in 0..2 {
            let mut change = StreamSettings::new(STREAM, MediaKind::Data);
            change.data = Some(Box::new(DataSettings {
                channels: Some(channels.to_vec()),
                ..DataSettings::default()
            }));
            self.bed.configure(at, self.reserved[at].context, change);
        }
    }

    /// What an application's server asks the gateway of a WIC.
    pub fn act(&mut self, wic: usize, action: ChannelAction) -> Result<Reply, Refusal> {
        let context = self.reserved[wic].context;
        let stream = STREAM;
        self.bed.ask(
            wic,
            Command::Channel {
                context,
                stream,
                action,
            },
        )
    }

    pub fn open(&mut self, wic: usize, channel: Channel) -> ChannelId {
        let now = self.bed.now();
        self.bed.wics[wic].with_channels(|channels| channels.open(now, channel).unwrap())
    }

    pub fn accept(&mut self, wic: usize, id: ChannelId) {
        let now = self.bed.now();
        assert!(self.bed.wics[wic].with_channels(|channels| channels.accept(now, id)));
    }

    pub fn close(&mut self, wic: usize, id: ChannelId) {
        let now = self.bed.now();
        self.bed.wics[wic].with_channels(|channels| channels.close(now, id));
    }

    pub fn send(&mut self, wic: usize, id: ChannelId, message: Message) {
        let now = self.bed.now();
        self.bed.wics[wic].send_message(now, id, message);
    }

    pub fn read(&mut self, wic: usize, id: ChannelId) -> Option<Message> {
        let now = self.bed.now();
        self.bed.wics[wic].read_message(now, id)
    }

    pub fn told(&mut self, wic: usize) -> Vec<ChannelEvent> {
        self.bed.run(SECOND);
        self.bed.wics[wic].take_told()
    }

    /// The channel that WIC 1 is asked for.
    pub fn requested(&mut self, wanted: &Channel) -> ChannelId {
        match &self.told(1)[..] {
            [ChannelEvent::Requested { id, channel }] => {
                assert_eq!(channel, wanted);
                *id
            }
            other => panic!("{other:?}"),
        }
    }

    /// A channel that WIC 0 opened and WIC 1 accepted.
    pub fn channel(&mut self, channel: &Channel) -> (ChannelId, ChannelId) {
        let near = self.open(0, channel.clone());
        let far = self.requested(channel);
        self.accept(1, far);
        assert!(self.told(0).contains(&ChannelEvent::Opened { id: near }));
        (near, far)
    }
}

pub fn negotiated(ids: &[u16]) -> Vec<NegotiatedChannel> {
    let one = |id: &u16| NegotiatedChannel {
        id: *id,
        channel: ChannelDescription {
            label: "dc".to_owned(),
            protocol: String::new(),
            ordered: true,
            reliability: ChannelReliability::Reliable,
            priority: 256,
        },
        place: ChannelPlace::Both,
    };
    ids.iter().map(one).collect()
}
