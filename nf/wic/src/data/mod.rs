//! Data channels of a call, as `ImsDataChannel` has them (TS 24.371 §8.2, RFC 8831, RFC 8864).
//!
//! ```text
//!   open_channel ──▶ table ──offer, answer──▶ description      SDP: dcmap, dcsa
//!   send_message ──▶ transport: ICE, DTLS, SCTP ──▶ datagrams
//!                 ◀── Event::Channel: Incoming, Opened, Readable, Writable, Closed
//! ```

mod agent;
mod channel;
mod description;
mod table;
mod transport;

pub use channel::{
    ChannelApplication, ChannelClosed, ChannelEvent, ChannelRule, ChannelState, DataChannelId,
    DataChannelInit, ImsDataChannel,
};
pub(crate) use description::{FORMAT, PROTO, RemoteData, is_data, read, write};
pub(crate) use table::{Channels, NegotiatedChannel};
pub(crate) use transport::{DataOutput, DataTransport};
