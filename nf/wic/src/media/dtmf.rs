//! RFC 4733 §2.5 — digits as telephone events.

use std::collections::VecDeque;

use super::FRAME;

/// How long a digit is held: 100 ms, five packets; its end is sent three times (§2.5.1.4).
const HELD: u16 = 5;
const ENDS: u16 = 3;

/// RFC 4733 §2.3.4 — 10 dB below full scale.
const VOLUME: u8 = 0x0a;

/// Silence between digits, in packets.
const PAUSE: u16 = 5;

/// RFC 4733 §3.2 — the event code of a digit.
pub(super) fn event_of(digit: char) -> Option<u8> {
    match digit.to_ascii_uppercase() {
        digit @ '0'..='9' => Some(digit as u8 - b'0'),
        '*' => Some(10),
        '#' => Some(11),
        letter @ 'A'..='D' => Some(letter as u8 - b'A' + 12),
        _ => None,
    }
}

/// RFC 4733 §3.2 — the digit of an event code.
pub(super) fn digit_of(event: u8) -> Option<char> {
    let digits = b"0123456789*#ABCD";
    digits.get(usize::from(event)).copied().map(char::from)
}

/// Digits on their way out.
#[derive(Debug, Default)]
pub(super) struct Keypad {
    waiting: VecDeque<u8>,
    step: u16,
}

/// What takes the place of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Held {
    Digit(EventPacket),
    /// Nothing is sent, so that two digits are two.
    Pause,
}

/// One packet of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EventPacket {
    pub(super) payload: [u8; 4],
    /// The first of its event.
    pub(super) first: bool,
    /// How many frames ago the event began: its packets all bear that time.
    pub(super) age: u16,
}

impl Keypad {
    pub(super) fn press(&mut self, digits: &str) {
        self.waiting.extend(digits.chars().filter_map(event_of));
    }

    /// What replaces the audio frame of this moment: `None` if no digit is held.
    pub(super) fn next(&mut self) -> Option<Held> {
        let event = *self.waiting.front()?;
        let step = self.step;
        self.step += 1;
        if step >= HELD + ENDS {
            if step + 1 >= HELD + ENDS + PAUSE {
                self.waiting.pop_front();
                self.step = 0;
            }
            return Some(Held::Pause);
        }
        let held = (step + 1).min(HELD);
        let end = if step >= HELD { 0x80 } else { 0 };
        let [high, low] = (held * FRAME as u16).to_be_bytes();
        Some(Held::Digit(EventPacket {
            payload: [event, end | VOLUME, high, low],
            first: step == 0,
            age: step,
        }))
    }
}

/// Tells digits from the packets of their events: each once.
#[derive(Debug, Default)]
pub(super) struct Listener {
    last: Option<u32>,
}

impl Listener {
    /// A packet with this RTP timestamp; gives the digit when its event ends.
    pub(super) fn hear(&mut self, timestamp: u32, payload: &[u8]) -> Option<char> {
        let &[event, flags, _, _] = payload.first_chunk()?;
        if flags & 0x80 == 0 || self.last == Some(timestamp) {
            return None;
        }
        self.last = Some(timestamp);
        digit_of(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pressed_is_heard_once_each() {
        let mut keypad = Keypad::default();
        keypad.press("12x#");
        let mut listener = Listener::default();
        let mut heard = String::new();
        let mut firsts = 0;
        for frame in 0u32.. {
            let Some(packet) = keypad.next() else {
                assert_eq!(frame, 3 * u32::from(HELD + ENDS + PAUSE));
                break;
            };
            let Held::Digit(packet) = packet else {
                continue;
            };
            firsts += u32::from(packet.first);
            let begun = (frame - u32::from(packet.age)) * FRAME as u32;
            heard.extend(listener.hear(begun, &packet.payload));
        }
        assert_eq!((heard.as_str(), firsts), ("12#", 3));
    }

    #[test]
    fn digits_and_events_are_the_same_sixteen() {
        for event in 0..16 {
            let digit = digit_of(event).expect("sixteen");
            assert_eq!(event_of(digit), Some(event));
        }
        assert_eq!(digit_of(16), None);
        assert_eq!(Listener::default().hear(1, &[1, 0x80]), None);
    }
}
