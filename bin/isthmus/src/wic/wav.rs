//! WAV files: 8 kHz, mono, 16 bits.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use nf_wic::media::AudioSource;

use super::Args;

const RATE: u32 = 8000;

/// What is said.
pub(super) fn source(args: &Args) -> anyhow::Result<AudioSource> {
    let Some(file) = &args.play else {
        return Ok(if args.silence {
            AudioSource::Silence
        } else {
            AudioSource::Tone {
                frequency: args.tone,
            }
        });
    };
    let samples = read(file).with_context(|| format!("{} cannot be played", file.display()))?;
    Ok(AudioSource::Samples(samples.into()))
}

fn read(file: &Path) -> anyhow::Result<Vec<i16>> {
    let mut reader = hound::WavReader::open(file)?;
    let form = reader.spec();
    if form.channels != 1 || form.sample_rate != RATE || form.bits_per_sample != 16 {
        bail!(
            "it has {} channels, {} Hz, {} bits: 1 channel, {RATE} Hz and 16 bits are wanted",
            form.channels,
            form.sample_rate,
            form.bits_per_sample
        );
    }
    let samples = reader.samples::<i16>().collect::<Result<_, _>>()?;
    Ok(samples)
}

/// Writes what was heard.
pub(super) fn write(file: &Path, samples: &[i16]) -> anyhow::Result<()> {
    let form = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let written = || -> Result<(), hound::Error> {
        let mut writer = hound::WavWriter::create(file, form)?;
        for sample in samples {
            writer.write_sample(*sample)?;
        }
        writer.finalize()
    };
    written().with_context(|| format!("{} cannot be written", file.display()))
}

/// Each phone and each call has a file of its own.
pub(super) fn name(file: &Path, index: u32, call: u32) -> PathBuf {
    if index == 0 && call == 1 {
        return file.to_owned();
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let extension = file.extension().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}-{index}-{call}.{extension}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_other_forms_are_refused() {
        let folder = std::env::temp_dir().join(format!("isthmus-wav-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("a.wav");
        let samples = [0, 1, -1, i16::MAX, i16::MIN];
        write(&file, &samples).unwrap();
        assert_eq!(read(&file).unwrap(), samples);
        let wide = hound::WavSpec {
            channels: 1,
            sample_rate: 16_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let writer = hound::WavWriter::create(&file, wide).unwrap();
        writer.finalize().unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("16000 Hz"));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn files_do_not_write_over_one_another() {
        let file = Path::new("x/heard.wav");
        assert_eq!(name(file, 0, 1), file);
        assert_eq!(name(file, 3, 2), Path::new("x/heard-3-2.wav"));
    }
}
