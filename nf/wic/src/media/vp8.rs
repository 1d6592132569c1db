//! VP8 in RTP (RFC 7741): frames into packets and back, without a codec.

use std::collections::BTreeMap;

use bytes::Bytes;

/// RFC 7741 §4.1 — VP8's clock.
pub(super) const CLOCK: u32 = 90_000;

/// What fits into a datagram with SRTP, and a tunnel or two on the way.
const MOST: usize = 1_100;

/// A gap with so many packets after it is a loss: no packet is that late.
const PATIENCE: usize = 64;

/// More packets are not kept: a frame that needs more is none.
const LONGEST: usize = 1_024;

/// A frame as the encoder made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoFrame {
    /// When it is shown, in 1/90000 s from the first.
    pub time: u32,
    /// VP8.
    pub data: Bytes,
}

/// What is in a key frame's head (RFC 6386 §9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyFrame {
    /// In pixels.
    pub width: u16,
    /// In pixels.
    pub height: u16,
}

impl VideoFrame {
    /// RFC 6386 §9.1 — whether it can be shown without another one, and how large it is.
    pub fn key(&self) -> Option<KeyFrame> {
        let [tag, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = *self.data.as_ref() else {
            return None;
        };
        (tag & 1 == 0).then(|| KeyFrame {
            width: u16::from_le_bytes([w0, w1]) & 0x3fff,
            height: u16::from_le_bytes([h0, h1]) & 0x3fff,
        })
    }
}

/// RFC 7741 §4.2 — the payloads of one frame; the last goes with the marker.
pub(super) fn packets(frame: &[u8]) -> impl Iterator<Item = (bool, Vec<u8>)> {
    let last = frame.len().div_ceil(MOST).saturating_sub(1);
    frame.chunks(MOST).enumerate().map(move |(at, part)| {
        // S: the beginning of the first partition. No more is known without looking inside.
        let descriptor = if at == 0 { 0x10 } else { 0x00 };
        let mut payload = Vec::with_capacity(1 + part.len());
        payload.push(descriptor);
        payload.extend_from_slice(part);
        (at == last, payload)
    })
}

/// RFC 7741 §4.2 — whether a frame begins here, and what comes after the descriptor.
fn descriptor(payload: &[u8]) -> Option<(bool, usize)> {
    let first = *payload.first()?;
    let begins = first & 0x17 == 0x10;
    let mut length = 1;
    if first & 0x80 != 0 {
        let extension = *payload.get(1)?;
        length = 2;
        if extension & 0x80 != 0 {
            let long = payload.get(2)? & 0x80 != 0;
            length += if long { 2 } else { 1 };
        }
        length += usize::from(extension & 0x40 != 0);
        length += usize::from(extension & 0x30 != 0);
    }
    (length < payload.len()).then_some((begins, length))
}

/// Puts frames together from packets that may come in any order.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    packets: BTreeMap<u64, Piece>,
    next: Option<u64>,
    first_time: Option<u32>,
    /// Frames lean on those before them: after a loss only a key frame helps.
    intact: bool,
}

#[derive(Debug)]
struct Piece {
    time: u32,
    last: bool,
    begins: bool,
    data: Bytes,
}

/// What came of a packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Assembled {
    /// A frame, and all that it leans on came before it.
    Frame(VideoFrame),
    /// Without a key frame there is nothing more to show.
    KeyFrameWanted,
}

impl Assembler {
    /// A packet came. Its number is that of RFC 3711 §3.3.1, with the times that it turned over.
    pub(super) fn push(
        &mut self,
        number: u64,
        time: u32,
        marker: bool,
        payload: &[u8],
    ) -> Vec<Assembled> {
        let Some((begins, at)) = descriptor(payload) else {
            return Vec::new();
        };
        if self.next.is_some_and(|next| number < next) {
            return Vec::new();
        }
        let piece = Piece {
            time,
            last: marker,
            begins,
            data: Bytes::copy_from_slice(&payload[at..]),
        };
        if self.next.is_none() && begins {
            self.next = Some(number);
        }
        self.packets.insert(number, piece);
        let mut done = Vec::new();
        while let Some(frame) = self.take_frame() {
            if frame.key().is_some() {
                self.intact = true;
            }
            done.push(if self.intact {
                Assembled::Frame(frame)
            } else {
                Assembled::KeyFrameWanted
            });
        }
        if self.is_broken() {
            self.skip();
            done.push(Assembled::KeyFrameWanted);
        }
        done
    }

    /// The next frame, if all of it is there.
    fn take_frame(&mut self) -> Option<VideoFrame> {
        let next = self.next?;
        let first = self.packets.get(&next)?;
        let (time, begins) = (first.time, first.begins);
        let whole = self
            .packets
            .range(next..)
            .enumerate()
            .take_while(|(at, (number, piece))| **number == next + *at as u64 && piece.time == time)
            .find(|(_, (_, piece))| piece.last);
        let last = whole.map(|(_, (number, _))| *number)?;
        let mut data = Vec::new();
        for number in next..=last {
            if let Some(piece) = self.packets.remove(&number) {
                data.extend_from_slice(&piece.data);
            }
        }
        self.next = Some(last + 1);
        if !begins {
            self.intact = false;
        }
        let first = *self.first_time.get_or_insert(time);
        Some(VideoFrame {
            time: time.wrapping_sub(first),
            data: data.into(),
        })
    }

    /// Whether what is missing will not come any more.
    fn is_broken(&self) -> bool {
        let Some(next) = self.next else {
            return self.packets.len() > PATIENCE;
        };
        if self.packets.len() <= PATIENCE {
            return false;
        }
        let there = self.packets.keys().zip(next..);
        let there = there.take_while(|(number, wanted)| **number == *wanted);
        let after_the_gap = self.packets.len() - there.count();
        after_the_gap > PATIENCE || self.packets.len() > LONGEST
    }

    /// Goes on where the next frame begins.
    fn skip(&mut self) {
        self.intact = false;
        let from = self.next.map_or(0, |next| next + 1);
        let begin = self
            .packets
            .range(from..)
            .find(|(_, piece)| piece.begins)
            .map(|(number, _)| *number);
        match begin {
            Some(begin) => self.packets = self.packets.split_off(&begin),
            None => self.packets.clear(),
        }
        self.next = begin;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(size: usize, key: bool) -> Vec<u8> {
        let mut data = vec![
            u8::from(!key),
            0,
            0,
            0x9d,
            0x01,
            0x2a,
            0x80,
            0x02,
            0xe0,
            0x01,
        ];
        data.resize(size.max(10), 7);
        data
    }

    /// The packets of some frames, numbered.
    fn stream(frames: &[Vec<u8>]) -> Vec<(u64, u32, bool, Vec<u8>)> {
        let mut number = 9;
        let mut all = Vec::new();
        for (at, frame) in frames.iter().enumerate() {
            for (last, payload) in packets(frame) {
                number += 1;
                all.push((number, 500 + 3000 * at as u32, last, payload));
            }
        }
        all
    }

    fn push(assembler: &mut Assembler, packet: &(u64, u32, bool, Vec<u8>)) -> Vec<Assembled> {
        assembler.push(packet.0, packet.1, packet.2, &packet.3)
    }

    fn frames(done: &[Assembled]) -> Vec<&VideoFrame> {
        let frames = done.iter().filter_map(|each| match each {
            Assembled::Frame(frame) => Some(frame),
            Assembled::KeyFrameWanted => None,
        });
        frames.collect()
    }

    #[test]
    fn frames_come_out_as_they_went_in_whatever_their_order() {
        let sent = [frame(5000, true), frame(10, false), frame(2200, false)];
        let mut packets = stream(&sent);
        packets[1..].reverse();
        let mut assembler = Assembler::default();
        let done: Vec<_> = packets
            .iter()
            .flat_map(|p| push(&mut assembler, p))
            .collect();
        let frames = frames(&done);
        assert_eq!(frames.len(), 3);
        for (at, (frame, sent)) in frames.iter().zip(&sent).enumerate() {
            assert_eq!((frame.time, &frame.data[..]), (3000 * at as u32, &sent[..]));
        }
        let key = KeyFrame {
            width: 640,
            height: 480,
        };
        assert_eq!(frames[0].key(), Some(key));
        assert_eq!(frames[1].key(), None);
    }

    #[test]
    fn after_a_loss_nothing_is_shown_until_a_key_frame() {
        let mut sent = vec![frame(3000, true)];
        sent.extend(std::iter::repeat_n(frame(1500, false), 40));
        sent.push(frame(3000, true));
        sent.push(frame(20, false));
        let mut packets = stream(&sent);
        packets.remove(4);
        let mut assembler = Assembler::default();
        let done: Vec<_> = packets
            .iter()
            .flat_map(|p| push(&mut assembler, p))
            .collect();
        assert!(done.contains(&Assembled::KeyFrameWanted));
        let sizes: Vec<_> = frames(&done).iter().map(|frame| frame.data.len()).collect();
        assert_eq!(sizes, [3000, 3000, 20]);
    }

    #[test]
    fn a_stream_that_begins_in_the_middle_asks_for_a_key_frame() {
        let packets = stream(&[frame(2000, false), frame(50, true)]);
        let mut assembler = Assembler::default();
        let done: Vec<_> = packets
            .iter()
            .flat_map(|p| push(&mut assembler, p))
            .collect();
        assert_eq!(done[0], Assembled::KeyFrameWanted);
        assert_eq!(frames(&done).len(), 1);
    }

    /// RFC 7741 §4.2 — with all that may be in a descriptor.
    #[test]
    fn long_descriptors_are_read() {
        assert_eq!(descriptor(&[0x10, 1]), Some((true, 1)));
        assert_eq!(
            descriptor(&[0x11, 1]),
            Some((false, 1)),
            "a later partition"
        );
        assert_eq!(descriptor(&[0x90, 0x80, 0x7f, 1]), Some((true, 3)));
        assert_eq!(descriptor(&[0x90, 0xf0, 0x80, 1, 2, 3, 4]), Some((true, 6)));
        for short in [
            &[][..],
            &[0x10],
            &[0x90],
            &[0x90, 0x80],
            &[0x90, 0x80, 0x80, 1],
        ] {
            assert_eq!(descriptor(short), None, "{short:?}");
        }
    }

    proptest! {
        #[test]
        fn no_packet_makes_it_fall_or_grow(
            packets in prop::collection::vec(
                (0..3000u64, 0..4u32, any::<bool>(), prop::collection::vec(any::<u8>(), 0..12)), 0..400),
        ) {
            let mut assembler = Assembler::default();
            for packet in &packets {
                push(&mut assembler, packet);
                prop_assert!(assembler.packets.len() <= LONGEST + 1);
            }
        }
    }
}
