//! Bootstrap channels that this network serves itself (TS 26.114 §6.2.10.1, TS 24.186): they end at the gateway, and the
//! core hears nothing of them.
//!
//! | stream | whose applications | served |
//! | --- | --- | --- |
//! | 0, 10 | of the WIC's network, of its user | always |
//! | 100, 110 | of the far end's network, of its user | when that network is ours, and `a=3gpp-bdc-used-by` does not say that they are the far end's |

use std::collections::BTreeMap;

use core_bootstrap::stream::{SUBPROTOCOL, Source};
use core_iq::{
    ChannelPlace, ChannelReliability, DataSettings, NegotiatedChannel, StreamEnd, StreamId,
};
use wire_sdp::Media;
use wire_sdp::attribute::{ChannelParameters, Dcmap};

use super::DataMedia;
use crate::ims_alg::stream::Agreement;

/// TS 26.114 §6.2.10.1 — whose a remote bootstrap channel is: of the sender of the description, or of its receiver.
pub(in crate::ims_alg) const USED_BY: &str = "3gpp-bdc-used-by";
const RECEIVER: &str = "receiver";

/// Which bootstrap channels the edge takes for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::ims_alg) enum Served {
    /// None: the core's are relayed.
    #[default]
    None,
    /// Those of this network and its user.
    Local,
    /// These, and those of the far end's network, which is ours too.
    All,
}

impl Served {
    fn has(self, source: Source, used_by_receiver: bool) -> bool {
        match source {
            Source::LocalNetwork | Source::LocalUser => self != Self::None,
            Source::RemoteNetwork | Source::RemoteUser => self == Self::All && !used_by_receiver,
        }
    }
}

impl DataMedia {
    /// Takes the bootstrap channels out of what is said: the core does not hear of them. Those that are not served are
    /// gone, and so are those that cannot be: each is reliable and in order.
    pub(in crate::ims_alg) fn take_bootstrap(&mut self, served: Served, media: &Media) {
        if served == Served::None {
            return;
        }
        let used_by_receiver = media.value(USED_BY).map(str::trim) == Some(RECEIVER);
        let (bootstrap, others) = std::mem::take(&mut self.channels)
            .into_iter()
            .partition(|one| source(one).is_some());
        self.channels = others;
        self.bootstrap = bootstrap;
        self.bootstrap.retain_mut(|one| {
            one.place = ChannelPlace::At(StreamEnd::W3);
            let channel = &one.channel;
            let whole = channel.ordered && channel.reliability == ChannelReliability::Reliable;
            whole && source(one).is_some_and(|source| served.has(source, used_by_receiver))
        });
    }
}

/// Who answers may be of another network than whom was called: then there are no remote channels.
pub(in crate::ims_alg) fn keep_served(agreed: &mut BTreeMap<StreamId, Agreement>, served: Served) {
    agreed.retain(|_, agreement| {
        let Some(data) = &mut agreement.wic.data else {
            return true;
        };
        let before = data.bootstrap.len();
        data.bootstrap
            .retain(|one| source(one).is_some_and(|source| served.has(source, false)));
        let emptied = before > 0 && data.bootstrap.is_empty();
        !emptied || agreement.core.data.is_some()
    });
}

/// Which bootstrap channel that is, if it is one.
fn source(one: &NegotiatedChannel) -> Option<Source> {
    let http = one.channel.protocol.eq_ignore_ascii_case(SUBPROTOCOL);
    Source::of(one.id).filter(|_| http)
}

/// Those that the gateway ends for us.
pub(in crate::ims_alg) fn agreed(
    settings: Option<&DataSettings>,
) -> impl Iterator<Item = &NegotiatedChannel> {
    let channels = settings.and_then(|settings| settings.channels.as_deref());
    let ours = |one: &&NegotiatedChannel| matches!(one.place, ChannelPlace::At(_));
    channels.unwrap_or_default().iter().filter(ours)
}

/// Whether one of them is the far end's network's.
pub(in crate::ims_alg) fn is_remote<'a>(
    mut channels: impl Iterator<Item = &'a NegotiatedChannel>,
) -> bool {
    channels.any(|one| source(one).is_some_and(Source::is_remote))
}

/// RFC 8864 §5.1 — writes those of them that are not there yet.
pub(in crate::ims_alg) fn describe<'a>(
    media: &mut Media,
    channels: impl Iterator<Item = &'a NegotiatedChannel>,
) {
    for one in channels {
        let there = media
            .attributes::<Dcmap<'_>>()
            .flatten()
            .any(|map| map.stream == one.id);
        if there {
            continue;
        }
        let options = ChannelParameters::from(&one.channel).to_string();
        media.push_attribute(&Dcmap {
            stream: one.id,
            options: &options,
        });
    }
}

#[cfg(test)]
mod tests {
    use wire_sdp::Session;

    use super::*;

    fn taken(lines: &str, served: Served) -> (Vec<u16>, Vec<u16>) {
        let text = format!(
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n\
             m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n{lines}"
        );
        let session = Session::parse(text.as_bytes()).expect("SDP");
        let media = &session.medias()[0];
        let mut data = DataMedia::read(media).expect("an m-line");
        data.take_bootstrap(served, media);
        let bootstrap = data.bootstrap.iter().map(|one| one.id).collect();
        (bootstrap, data.ids())
    }

    const ALL: &str = "a=dcmap:0 subprotocol=\"http\"\r\na=dcmap:10 subprotocol=\"HTTP\"\r\n\
        a=dcmap:100 subprotocol=\"http\"\r\na=dcmap:110 subprotocol=\"http\"\r\na=dcmap:1000\r\n";

    /// TS 26.114 §6.2.10.1
    #[test]
    fn which_are_served() {
        assert_eq!(taken(ALL, Served::All), (vec![0, 10, 100, 110], vec![1000]));
        assert_eq!(taken(ALL, Served::Local), (vec![0, 10], vec![1000]));
        let all = vec![0, 10, 100, 110, 1000];
        assert_eq!(taken(ALL, Served::None), (vec![], all));
    }

    /// TS 26.114 §6.2.10.1 — each direction has remote channels of its own.
    #[test]
    fn what_is_the_far_ends_is_not_served() {
        let sender = format!("a=3gpp-bdc-used-by:sender\r\n{ALL}");
        assert_eq!(taken(&sender, Served::All).0, [0, 10, 100, 110]);
        let receiver = format!("a=3gpp-bdc-used-by: receiver\r\n{ALL}");
        assert_eq!(taken(&receiver, Served::All).0, [0, 10]);
        let unknown = format!("a=3gpp-bdc-used-by:both\r\n{ALL}");
        assert_eq!(taken(&unknown, Served::All).0, [0, 10, 100, 110]);
    }

    #[test]
    fn what_is_no_bootstrap_channel_stays_and_what_cannot_be_one_goes() {
        let lines = "a=dcmap:0 subprotocol=\"http\";ordered=false\r\n\
            a=dcmap:10 subprotocol=\"http\";max-retr=3\r\na=dcmap:100 subprotocol=\"x\"\r\n\
            a=dcmap:20 subprotocol=\"http\"\r\n";
        let (bootstrap, others) = taken(lines, Served::All);
        assert!(bootstrap.is_empty(), "{bootstrap:?}");
        assert_eq!(others, [100, 20]);
    }
}
