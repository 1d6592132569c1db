//! A stream: two Terminations, and what is changed between them.

use std::net::SocketAddr;
use std::time::Instant;

use core_iq::{ContextId, CoreSettings, Feedback, Gate, MediaKind, StreamId};

use crate::SocketId;
use crate::core_side::CoreSide;
use crate::data::Data;
use crate::feedback::Takes;
use crate::gaps::Gaps;
use crate::media::Side;
use crate::payloads::PayloadTable;
use crate::resend::SentPackets;
use crate::w3_side::W3Side;

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) context: ContextId,
    pub(crate) id: StreamId,
    pub(crate) media: MediaKind,
    pub(crate) w3: W3Side,
    pub(crate) core: CoreSide,
    /// The Termination towards the core in the place of the WIC's, if there is none. Then `w3` is but
    /// its DTLS.
    pub(crate) second: Option<Box<CoreSide>>,
    pub(crate) payloads: PayloadTable,
    pub(crate) feedback: Feedback,
    /// The next deadline, as [`Deadlines`](crate::deadlines::Deadlines) knows it.
    pub(crate) deadline: Option<Instant>,
    /// The last SSRC of the WIC's RTP.
    pub(crate) ssrc_of_wic: Option<u32>,
    /// The last SSRC of the far end's RTP.
    pub(crate) ssrc_of_far_end: Option<u32>,
    pub(crate) video: Video,
    /// Of a stream of data channels.
    pub(crate) data: Option<Box<Data>>,
}

/// What only a video stream has: kept apart, so that audio does not pay for it.
#[derive(Debug, Default)]
pub(crate) struct Video {
    pub(crate) sent_to_w3: Option<SentPackets>,
    pub(crate) sent_to_core: Option<SentPackets>,
    pub(crate) missing_from_w3: Option<Gaps>,
    /// Numbers our FIRs (RFC 5104 §4.3.1.1).
    pub(crate) firs: u8,
    /// When the WIC is asked for a whole frame once more.
    pub(crate) once_more: Option<Instant>,
}

impl Stream {
    /// Whether packets of the WIC reach the far end.
    pub(crate) fn open_to_core(&self) -> bool {
        self.near_gate().receive && self.core.gate.send
    }

    /// Whether packets of the far end reach the WIC.
    pub(crate) fn open_to_w3(&self) -> bool {
        self.core.gate.receive && self.near_gate().send
    }

    fn near_gate(&self) -> Gate {
        let second = self.second.as_ref();
        second.map_or(self.w3.gate, |second| second.gate)
    }

    /// The side of a pair of ports.
    pub(crate) fn core_side(&mut self, side: Side) -> Option<&mut CoreSide> {
        match side {
            Side::W3 => self.second.as_deref_mut(),
            Side::Core => Some(&mut self.core),
        }
    }

    /// Takes what is said of the second Termination; says whether its far end is another than before.
    pub(crate) fn apply_second(&mut self, settings: &CoreSettings) -> bool {
        let second = self.second.as_mut();
        second.is_some_and(|second| second.apply(settings))
    }

    /// By which socket and where RTP of a side leaves, as it stands, if it needs no SRTP.
    pub(crate) fn plain_rtp(&self, to: Side) -> Option<(SocketId, SocketAddr)> {
        let side = self.plain(to)?;
        Some((side.bound?.rtp.0, side.rtp_destination()?))
    }

    /// The same for RTCP.
    pub(crate) fn plain_rtcp(&self, to: Side) -> Option<(SocketId, SocketAddr)> {
        let side = self.plain(to)?;
        Some((side.bound?.rtcp.0, side.rtcp_destination()?))
    }

    fn plain(&self, side: Side) -> Option<&CoreSide> {
        match side {
            Side::W3 => self.second.as_deref(),
            Side::Core => Some(&self.core),
        }
    }

    pub(crate) fn w3_takes(&self) -> Takes {
        Takes {
            nack: self.feedback.w3_nack,
            pli: self.feedback.w3_pli,
            fir: self.feedback.w3_fir,
        }
    }

    pub(crate) fn core_takes(&self) -> Takes {
        Takes {
            nack: self.feedback.core_nack,
            pli: self.feedback.core_pli,
            fir: self.feedback.core_fir,
        }
    }

    /// Whether the far end can ask for what it misses itself.
    pub(crate) fn far_end_asks(&self) -> bool {
        let feedback = self.feedback;
        feedback.core_nack || feedback.core_pli || feedback.core_fir
    }

    /// Makes room for what the agreed feedback needs, so that nothing is allocated for a packet.
    pub(crate) fn apply_feedback(&mut self, feedback: Feedback) {
        self.feedback = feedback;
        if self.media != MediaKind::Video {
            return;
        }
        let video = &mut self.video;
        keep(&mut video.sent_to_w3, feedback.w3_nack, SentPackets::new);
        keep(
            &mut video.sent_to_core,
            feedback.core_nack,
            SentPackets::new,
        );
        // A far end that takes NACKs sends them too, and knows better what it misses.
        let ask = feedback.w3_nack && !feedback.core_nack;
        keep(&mut video.missing_from_w3, ask, Gaps::default);
    }

    /// The earliest of all that this stream waits for.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let gaps = self.video.missing_from_w3.as_ref();
        [
            self.w3.poll_timeout(),
            gaps.and_then(Gaps::next),
            self.video.once_more,
            self.data.as_ref().and_then(|data| data.poll_timeout()),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

fn keep<T>(place: &mut Option<T>, wanted: bool, make: fn() -> T) {
    if !wanted {
        *place = None;
    } else if place.is_none() {
        *place = Some(make());
    }
}
