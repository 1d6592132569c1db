//! The Iq reference point: the words that eP-CSCF and eIMS-AGW exchange (after TS 23.334).
//!
//! A **Context** is one call's place in the gateway. It has a **stream** for each media line of the
//! call, and a stream has two **Terminations**: one towards the WIC on W3 (ICE, DTLS, SRTP) and one
//! towards the core (plain RTP; DTLS and SCTP for data channels), or [two towards the core](SecondSettings).
//! Every value here is plain and serialisable: in one process it is handed over as it is, between two
//! machines as length-prefixed JSON.
//!
//! ```text
//!   eP-CSCF                                     eIMS-AGW
//!      │ Reserve  { streams, what is known }        │   make the Context, open the ports
//!      │ ───────────────────────────────────────▶   │
//!      │        Reserved { addresses, credentials } │
//!      │ ◀───────────────────────────────────────   │
//!      │ Configure { what the answer said, gates }  │   TS 23.334 §8.2 and §8.3
//!      │ ───────────────────────────────────────▶   │
//!      │                     Notification { event } │   DTLS up, WIC silent, …
//!      │ ◀───────────────────────────────────────   │
//!      │ Release                                    │
//!      │ ───────────────────────────────────────▶   │
//! ```
#![forbid(unsafe_code)]

mod anchor;
mod command;
mod data;
mod described;
mod frame;
mod greeting;
mod media;
mod notification;
mod refusal;
mod termination;

pub use anchor::{AnchoredStream, SecondSettings};
pub use command::{
    Command, ContextId, Reply, RequestId, Reserved, ReservedStream, StreamId, StreamSettings,
};
pub use data::{
    AwaitedChannel, ChannelAction, ChannelAt, ChannelDescription, ChannelEnd, ChannelMessage,
    ChannelPlace, ChannelReliability, DataLocal, DataSettings, DtlsSettings, FarEnd,
    NegotiatedChannel, SctpSettings, StreamEnd,
};
pub use frame::{Decoder, FrameError, FromGateway, MAX_FRAME, MAX_GREETING, ToGateway, encode};
pub use greeting::{Called, Calling, GreetingError, MIN_SECRET, SharedSecret, Step, VERSION};
pub use media::{Feedback, Gate, MediaKind, PayloadMap, PayloadMapping};
pub use notification::{Event, Notification};
pub use refusal::Refusal;
pub use termination::{
    CoreLocal, CoreSettings, DtlsRole, Fingerprint, IceCredentials, W3Local, W3Settings,
};
