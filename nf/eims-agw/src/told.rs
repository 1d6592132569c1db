//! What the eP-CSCF is told of a stream, and whether what it says can be.

use std::net::{IpAddr, SocketAddr};

use core_iq::{
    AnchoredStream, CoreLocal, MediaKind, Refusal, Reserved, ReservedStream, StreamSettings,
    W3Local,
};

use crate::core_side::CoreSide;
use crate::data;
use crate::gateway::Gateway;
use crate::payloads::PayloadTable;
use crate::w3_side;

impl Gateway {
    /// Adds a stream to what is told.
    pub(crate) fn tell(&self, index: u32, reserved: &mut Reserved) {
        let Some(stream) = self.streams.at(index) else {
            return;
        };
        let Some(core) = self.core_local(&stream.core) else {
            return;
        };
        let data = self.data_local(stream);
        let Some(second) = &stream.second else {
            reserved.streams.push(ReservedStream {
                stream: stream.id,
                w3: W3Local {
                    ice: stream.w3.local_ice().clone(),
                    fingerprint: self.identity.fingerprint().clone(),
                    candidates: self.config.w3.iter().map(|w3| w3.candidate).collect(),
                },
                core,
                data,
            });
            return;
        };
        if let Some(second) = self.core_local(second) {
            reserved.anchored.push(AnchoredStream {
                stream: stream.id,
                core,
                second,
                second_ice: data.is_some().then(|| stream.w3.local_ice().clone()),
                data,
            });
        }
    }

    fn core_local(&self, side: &CoreSide) -> Option<CoreLocal> {
        let bound = side.bound?;
        let public = |address: SocketAddr| -> SocketAddr {
            let ip: IpAddr = self
                .config
                .core_public_address
                .unwrap_or_else(|| address.ip());
            SocketAddr::new(ip, address.port())
        };
        Some(CoreLocal {
            rtp: public(bound.rtp.1),
            rtcp: public(bound.rtcp.1),
        })
    }
}

/// Whether settings can be at all, before anything is changed; lays out the payload map.
/// A stream with a second
/// Termination has no WIC.
pub(crate) fn check(
    settings: &StreamSettings,
    second: bool,
) -> Result<Option<PayloadTable>, Refusal> {
    if let Some(w3) = &settings.w3 {
        if second {
            return Err(Refusal::Invalid("a WIC beside two Terminations".into()));
        }
        w3_side::check(w3)?;
    }
    if settings.second.is_some() && !second {
        return Err(Refusal::Invalid("a second Termination beside a WIC".into()));
    }
    if let Some(dtls) = settings.second.as_ref().and_then(|s| s.dtls.as_ref()) {
        if settings.media != MediaKind::Data {
            return Err(Refusal::Invalid("DTLS towards the core for media".into()));
        }
        data::check_dtls(dtls)?;
    }
    if let Some(data) = &settings.data {
        if settings.media != MediaKind::Data {
            return Err(Refusal::Invalid("data channels of a media stream".into()));
        }
        data::check(data)?;
    }
    if let Some(feedback) = &settings.feedback
        && settings.media == MediaKind::Audio
        && (feedback.w3_pli || feedback.w3_fir || feedback.core_pli || feedback.core_fir)
    {
        return Err(Refusal::Invalid("key frames of an audio stream".into()));
    }
    settings
        .payloads
        .as_ref()
        .map(PayloadTable::new)
        .transpose()
}
