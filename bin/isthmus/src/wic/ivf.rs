//! IVF files with VP8: what is shown, and what was seen.

use std::path::Path;

use anyhow::Context as _;
use nf_wic::media::{VideoFrame, VideoSource, read_ivf, write_ivf};

use super::Args;

/// What is shown.
pub(super) fn source(args: &Args) -> anyhow::Result<VideoSource> {
    let Some(file) = &args.play_video else {
        return Ok(if args.echo_video {
            VideoSource::Echo
        } else {
            VideoSource::Nothing
        });
    };
    film(file)
}

/// A film that is shown.
pub(super) fn film(file: &Path) -> anyhow::Result<VideoSource> {
    let frames = std::fs::read(file)
        .map_err(anyhow::Error::from)
        .and_then(|bytes| Ok(read_ivf(&bytes.into())?));
    let frames = frames.with_context(|| format!("{} cannot be shown", file.display()))?;
    Ok(VideoSource::Frames(frames.into()))
}

/// Writes what was seen.
pub(super) fn write(file: &Path, frames: &[VideoFrame]) -> anyhow::Result<()> {
    std::fs::write(file, write_ivf(frames))
        .with_context(|| format!("{} cannot be written", file.display()))
}
