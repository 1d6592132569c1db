//! What is heard, said and seen in a call, over the W3 user plane, with `str0m` as the browser's part.
//!
//! - [`MediaSession`] — the audio m-line: ICE, DTLS, SRTP and a frame of G.711 every 20 ms;
//! - [`AudioSource`] — what is said: a tone, samples over and over, or nothing;
//! - [`MediaReport`] — what was heard: packets, energy, samples if they are kept;
//! - [`Video`], [`VideoSource`], [`VideoReport`] — the same of the video m-line: VP8 frames as they are;
//! - [`read_ivf`], [`write_ivf`] — files of such frames.

mod audio;
mod described;
mod dtmf;
mod g711;
mod ivf;
mod line;
mod session;
mod video;
mod vp8;

pub use audio::{AudioSource, MediaReport};
pub(crate) use described::Described;
pub use g711::Codec;
pub use ivf::{IvfError, read_ivf, write_ivf};
pub(crate) use line::{Line, RemoteTransport};
pub(crate) use session::MediaPlan;
pub use session::{MediaEvent, MediaPart, MediaSession};
pub use video::{Video, VideoReport, VideoSource};
pub(crate) use video::{VideoPlan, VideoSession};
pub use vp8::{KeyFrame, VideoFrame};

/// Samples of a frame: 20 ms at 8 kHz.
pub const FRAME: usize = 160;
