use std::f64::consts::TAU;
use std::sync::Arc;

use super::FRAME;

/// What is said.
#[derive(Clone, Debug)]
pub enum AudioSource {
    /// Nothing: zeros are sent.
    Silence,
    /// A sine.
    Tone {
        /// In hertz, below 4000.
        frequency: f64,
    },
    /// Samples at 8 kHz, over and over.
    Samples(Arc<[i16]>),
}

/// Takes frames out of a source.
#[derive(Clone, Debug)]
pub(super) struct Player {
    source: AudioSource,
    position: u64,
}

/// Half of full scale: loud enough to be told from noise.
const AMPLITUDE: f64 = 16_000.0;

impl Player {
    pub(super) fn new(source: AudioSource) -> Self {
        Self {
            source,
            position: 0,
        }
    }

    pub(super) fn frame(&mut self) -> [i16; FRAME] {
        let position = self.position;
        self.position += FRAME as u64;
        std::array::from_fn(|offset| {
            let at = position + offset as u64;
            match &self.source {
                AudioSource::Silence => 0,
                AudioSource::Tone { frequency } => {
                    let phase = (at as f64 * frequency / 8000.0).fract() * TAU;
                    (phase.sin() * AMPLITUDE) as i16
                }
                AudioSource::Samples(samples) if samples.is_empty() => 0,
                AudioSource::Samples(samples) => samples[(at % samples.len() as u64) as usize],
            }
        })
    }
}

/// What was heard, and what was said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaReport {
    /// Audio packets that came.
    pub packets: u64,
    /// Audio packets that went.
    pub sent: u64,
    /// The mean power of what came, as a part of full scale (0 to 1). A tone of ours has 0.12.
    pub energy: f64,
    /// Samples that came, if they are kept.
    pub recording: Vec<i16>,
    samples: u64,
    sum: f64,
}

impl MediaReport {
    pub(super) fn hear(&mut self, samples: impl Iterator<Item = i16>, keep: usize) {
        self.packets += 1;
        for sample in samples {
            let part = f64::from(sample) / 32_768.0;
            self.sum += part * part;
            self.samples += 1;
            if self.recording.len() < keep {
                self.recording.push(sample);
            }
        }
        if self.samples > 0 {
            self.energy = self.sum / self.samples as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_has_the_energy_of_a_sine_and_silence_none() {
        let mut report = MediaReport::default();
        let mut player = Player::new(AudioSource::Tone { frequency: 440.0 });
        for _ in 0..50 {
            report.hear(player.frame().into_iter(), 100);
        }
        assert!((report.energy - 0.119).abs() < 0.002, "{}", report.energy);
        assert_eq!((report.packets, report.recording.len()), (50, 100));
        let mut silence = MediaReport::default();
        silence.hear(Player::new(AudioSource::Silence).frame().into_iter(), 0);
        assert!(silence.energy == 0.0 && silence.recording.is_empty());
    }

    #[test]
    fn samples_begin_again() {
        let samples: Arc<[i16]> = (0..100).collect();
        let mut player = Player::new(AudioSource::Samples(samples));
        let first = player.frame();
        assert_eq!((first[99], first[100], first[159]), (99, 0, 59));
        assert_eq!(player.frame()[0], 60);
    }
}
