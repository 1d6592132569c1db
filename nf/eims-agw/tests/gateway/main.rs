//! The gateway between WICs and phones, on virtual time: a file a behaviour.
#![allow(missing_docs, clippy::unwrap_used)]

mod anchored;
mod associations;
mod audio_call;
mod bad_channels;
mod contexts;
mod data_application;
mod data_channels;
mod dtls;
mod floods;
mod ice;
mod support;
mod video;
