//! WebRTC stacks of Rust that are not ours, as peers of data channels: `foreign-peers str0m` or `foreign-peers webrtc` keeps
//! many, told what to do by lines of JSON on standard input, and tells what happens by lines on standard output.
#![forbid(unsafe_code)]

mod str0m_peer;
mod webrtc_peer;
mod words;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("str0m") => str0m_peer::run(),
        Some("webrtc") => webrtc_peer::run(),
        _ => bail!("say which stack: str0m or webrtc"),
    }
}
