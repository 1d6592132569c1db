//! IVF: the simplest file that holds VP8 frames, as `ffmpeg`, `vpxenc` and browsers' tools make it.

use bytes::Bytes;

use super::vp8::{CLOCK, VideoFrame};

const HEAD: usize = 32;
const FRAME_HEAD: usize = 12;

/// Why a file cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IvfError {
    /// It begins otherwise.
    #[error("not an IVF file")]
    NotIvf,
    /// Only VP8 is sent.
    #[error("its codec is {0}: VP80 is wanted")]
    OtherCodec(String),
    /// A frame is longer than the file.
    #[error("it is cut off in frame {0}")]
    CutOff(usize),
    /// What a decoder begins with.
    #[error("its first frame is no key frame")]
    NoKeyFrame,
}

/// Reads the frames of a file.
pub fn read_ivf(file: &Bytes) -> Result<Vec<VideoFrame>, IvfError> {
    let head = file.get(..HEAD).ok_or(IvfError::NotIvf)?;
    let length = usize::from(u16::from_le_bytes([head[6], head[7]]));
    if &head[..4] != b"DKIF" || length < HEAD {
        return Err(IvfError::NotIvf);
    }
    if &head[8..12] != b"VP80" {
        let name = head[8..12].escape_ascii().to_string();
        return Err(IvfError::OtherCodec(name));
    }
    let number = |at: usize| u64::from(u32::from_le_bytes([0, 1, 2, 3].map(|i| head[at + i])));
    // A file without a time base counts frames, 30 a second.
    let (rate, scale) = match (number(16), number(20)) {
        (0, _) | (_, 0) => (30, 1),
        base => base,
    };
    let mut frames: Vec<VideoFrame> = Vec::new();
    let mut at = length;
    while at < file.len() {
        let cut_off = IvfError::CutOff(frames.len());
        let Some(head) = file.get(at..at + FRAME_HEAD) else {
            return Err(cut_off);
        };
        let size = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let mut stamp = [0; 8];
        stamp.copy_from_slice(&head[4..]);
        let stamp = u128::from(u64::from_le_bytes(stamp));
        at += FRAME_HEAD;
        if size > file.len() - at.min(file.len()) {
            return Err(cut_off);
        }
        let time = stamp * u128::from(CLOCK) * u128::from(scale) / u128::from(rate);
        frames.push(VideoFrame {
            time: time as u32,
            data: file.slice(at..at + size),
        });
        at += size;
    }
    match frames.first() {
        Some(first) if first.key().is_some() => Ok(frames),
        _ => Err(IvfError::NoKeyFrame),
    }
}

/// A file with these frames.
pub fn write_ivf(frames: &[VideoFrame]) -> Vec<u8> {
    let size = frames.iter().find_map(VideoFrame::key);
    let (width, height) = size.map_or((0, 0), |key| (key.width, key.height));
    let mut file = Vec::new();
    file.extend_from_slice(b"DKIF\0\0");
    file.extend_from_slice(&(HEAD as u16).to_le_bytes());
    file.extend_from_slice(b"VP80");
    file.extend_from_slice(&width.to_le_bytes());
    file.extend_from_slice(&height.to_le_bytes());
    for number in [CLOCK, 1, frames.len() as u32, 0] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    for frame in frames {
        file.extend_from_slice(&(frame.data.len() as u32).to_le_bytes());
        file.extend_from_slice(&u64::from(frame.time).to_le_bytes());
        file.extend_from_slice(&frame.data);
    }
    file
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &[u8] = &[0, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0];

    fn frame(time: u32, data: &[u8]) -> VideoFrame {
        VideoFrame {
            time,
            data: Bytes::copy_from_slice(data),
        }
    }

    #[test]
    fn the_head_has_the_size_and_the_time_base() {
        let file = write_ivf(&[frame(0, KEY)]);
        assert_eq!(file.len(), 32 + 12 + KEY.len());
        assert_eq!(&file[..16], b"DKIF\0\0\x20\0VP80\x40\x01\xf0\0");
        // The same file at 30 frames a second.
        let mut file = write_ivf(&[frame(0, KEY), frame(7, KEY)]);
        file[16..20].copy_from_slice(&30u32.to_le_bytes());
        assert_eq!(read_ivf(&file.into()).unwrap()[1].time, 21_000);
    }

    #[test]
    fn what_cannot_be_played_is_said() {
        let file = write_ivf(&[frame(0, KEY), frame(3000, b"x")]);
        let with = |at: usize, bytes: &[u8]| {
            let mut file = file.clone();
            file[at..at + bytes.len()].copy_from_slice(bytes);
            read_ivf(&file.into()).unwrap_err()
        };
        assert_eq!(with(0, b"RIFF"), IvfError::NotIvf);
        assert_eq!(with(8, b"AV01"), IvfError::OtherCodec("AV01".into()));
        assert_eq!(with(32, &[0xff; 4]), IvfError::CutOff(0));
        assert_eq!(with(44, &[1]), IvfError::NoKeyFrame);
        let short = Bytes::from(file).slice(..50);
        assert_eq!(read_ivf(&short), Err(IvfError::CutOff(0)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            frames in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 0..40)), 0..20),
        ) {
            let mut all = vec![frame(0, KEY)];
            all.extend(frames.iter().map(|(time, data)| frame(*time, data)));
            prop_assert_eq!(read_ivf(&write_ivf(&all).into()), Ok(all));
        }

        #[test]
        fn no_file_makes_it_fall(mut file in prop::collection::vec(any::<u8>(), 0..200), whole: bool) {
            if whole && file.len() >= 32 {
                file[..16].copy_from_slice(b"DKIF\0\0\x20\0VP80\x40\x01\xf0\0");
            }
            let _ = read_ivf(&file.into());
        }
    }
}
