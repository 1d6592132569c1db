//! The gateway between WICs and phones, on virtual time: a file a behaviour.
#![allow(missing_docs, clippy::unwrap_used)]

mod anchored;
mod audio_call;
mod contexts;
mod data_channels;
mod dtls;
mod floods;
mod ice;
mod support;
mod video;
