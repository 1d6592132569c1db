//! What is heard and said in a call: G.711 over the W3 user plane, with `str0m` as the browser's part.
//!
//! - [`MediaSession`] — one m-line: ICE, DTLS, SRTP and a frame every 20 ms;
//! - [`AudioSource`] — what is said: a tone, samples over and over, or nothing;
//! - [`MediaReport`] — what was heard: packets, energy, samples if they are kept.

mod audio;
mod dtmf;
mod g711;
mod session;

pub use audio::{AudioSource, MediaReport};
pub use g711::Codec;
pub use session::{MediaEvent, MediaSession};
pub(crate) use session::{MediaPlan, RemoteTransport};

/// Samples of a frame: 20 ms at 8 kHz.
pub const FRAME: usize = 160;
