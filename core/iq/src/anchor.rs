//! A stream with two Terminations towards the core: a call that a third party set up passes through the
//! gateway, and no WIC's access does (TS 23.228 annex AC.7: the media function between two users).
//!
//! ```text
//!   a SIP function in the core                       eIMS-AGW
//!      │ Reserve { second: Some(…), core: Some(…) }     │   two pairs of ports a stream
//!      │ ─────────────────────────────────────────────▶ │
//!      │   Reserved { anchored: [core, second, …] }     │   one for the SDP of each user
//!      │ ◀───────────────────────────────────────────── │
//!      │ Configure { second, core: addresses, gates }   │
//!      │ ─────────────────────────────────────────────▶ │   RTP passes, channels are joined or ended
//! ```
//!
//! All else is as in a stream with a WIC, **and what other words call W3 is the second Termination**: the
//! left side of [`PayloadMap`](crate::PayloadMap) and [`Feedback`](crate::Feedback),
//! [`DataSettings::w3`](crate::DataSettings), [`DataLocal::w3_tls_id`](crate::DataLocal),
//! [`StreamEnd::W3`](crate::StreamEnd). [`StreamSettings::w3`](crate::StreamSettings) is absent.

use serde::{Deserialize, Serialize};

use crate::{CoreLocal, CoreSettings, DataLocal, DtlsSettings, IceCredentials, StreamId};

/// The second Termination towards the core. In a Reserve it makes the stream one without a WIC; what is
/// absent in a Configure stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondSettings {
    /// Where its RTP goes, or its DTLS, and which way packets may pass.
    pub core: CoreSettings,
    /// Its DTLS, in a stream of data channels; that of the first is in
    /// [`DataSettings::core_dtls`](crate::DataSettings).
    pub dtls: Option<DtlsSettings>,
}

/// The gateway's side of a stream without a WIC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnchoredStream {
    /// Which stream.
    pub stream: StreamId,
    /// For the SDP of the user at the first Termination.
    pub core: CoreLocal,
    /// For the SDP of the user at the second.
    pub second: CoreLocal,
    /// What both are told of data channels.
    pub data: Option<DataLocal>,
    /// `a=ice-ufrag` and `a=ice-pwd` at the second, with `a=ice-lite`, in a stream of data channels.
    pub second_ice: Option<IceCredentials>,
}
