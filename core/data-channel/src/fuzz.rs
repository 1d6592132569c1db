use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::dcep;
use crate::sctp::{SctpEngine, SctpEvent, StreamRefused};
use crate::{
    Association, AssociationConfig, Channel, ChannelId, Event, Limits, Message, Output,
    PayloadProtocol, Reliability, Role,
};

/// Reads `data` as a DCEP message; what can be read is written as it was, but for what a reliable
/// channel's parameter says.
pub fn fuzz_dcep(data: &[u8]) {
    let Ok(message) = dcep::Message::parse(data) else {
        return;
    };
    let written = message.to_bytes().expect("what was read fits");
    assert_eq!(written.len(), data.len());
    assert_eq!(dcep::Message::parse(&written), Ok(message));
}

/// Drives an association by `data`: what SCTP says happened, in any order, and what the owner does.
/// Channels stay within their limit, nothing is buffered beyond it, and no event names a channel that
/// was closed.
pub fn fuzz_association(now: Instant, data: &[u8]) {
    let limits = Limits {
        channels: 4,
        channel_buffer: 4096,
        send_buffer: 8192,
        ..Limits::default()
    };
    let config = AssociationConfig {
        limits,
        ..AssociationConfig::new(Role::Client)
    };
    let mut now = now;
    let mut association = Association::with_engine(now, config, Box::new(Script::default()));
    let mut open = std::collections::BTreeSet::new();
    for step in data.chunks(4) {
        now += Duration::from_millis(500);
        let id = ChannelId(u16::from(step.get(1).copied().unwrap_or(0) % 8));
        let size = usize::from(step.get(2).copied().unwrap_or(0)) * 32;
        match step[0] % 8 {
            0 => drop(association.open(now, Channel::new("a"))),
            1 => drop(association.negotiate(now, id, Channel::new("b"))),
            2 => drop(association.accept(now, id)),
            3 => drop(association.send(now, id, Message::binary(vec![1; size]))),
            4 => association.close(now, id),
            5 => drop(association.read(now, id)),
            _ => {}
        }
        association.handle_packet(now, Bytes::copy_from_slice(step));
        association.handle_timeout(now);
        // Those of SDP may be as many again.
        assert!(association.channels() <= 2 * limits.channels);
        assert!(association.buffered() < limits.send_buffer + 256 * 32);
        while let Some(output) = association.poll_output() {
            match output {
                Output::Event(Event::Opened { id } | Event::Requested { id, .. }) => {
                    assert!(open.insert(id), "{id:?} opened twice");
                }
                Output::Event(Event::Closed { id, .. }) => {
                    open.remove(&id);
                }
                Output::Event(Event::Writable { id }) => {
                    assert!(open.contains(&id) || id.0 % 2 == 0);
                }
                _ => {}
            }
        }
    }
}

/// An engine that says and gives what the packets tell it to.
#[derive(Debug, Default)]
struct Script {
    events: VecDeque<SctpEvent>,
    messages: VecDeque<(PayloadProtocol, Bytes)>,
    buffered: [usize; 8],
}

impl SctpEngine for Script {
    fn start(&mut self, _: Instant) {
        self.events.push_back(SctpEvent::Connected);
    }

    fn handle_packet(&mut self, _: Instant, packet: Bytes) {
        let stream = u16::from(packet.get(1).copied().unwrap_or(0) % 8);
        match packet.get(3).copied().unwrap_or(0) % 12 {
            0 => self.events.push_back(SctpEvent::Finished(stream)),
            1 => self.events.push_back(SctpEvent::Reset(stream)),
            2 => self.events.push_back(SctpEvent::ResetFailed(stream)),
            3 => self.events.push_back(SctpEvent::Lost("lost".to_owned())),
            4..=6 => {
                let open = dcep::Message::Open(Channel::new("x")).to_bytes();
                let open = open.expect("it is short");
                self.come(stream, PayloadProtocol::Dcep, open.into());
            }
            7 => self.come(stream, PayloadProtocol::Dcep, Bytes::from_static(&[2])),
            8 => self.come(stream, PayloadProtocol::Other, packet),
            9 => self.buffered = [0; 8],
            _ => self.come(stream, PayloadProtocol::Binary, packet),
        }
    }

    fn handle_timeout(&mut self, _: Instant) {}

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn poll_packet(&mut self, _: Instant) -> Option<Bytes> {
        None
    }

    fn poll_event(&mut self) -> Option<SctpEvent> {
        self.events.pop_front()
    }

    fn open(&mut self, stream: u16) -> Result<(), StreamRefused> {
        match stream {
            6 => Err(StreamRefused::Resetting),
            7 => Err(StreamRefused::NotThere),
            _ => Ok(()),
        }
    }

    fn set_reliability(&mut self, _: u16, _: bool, _: Reliability) {}

    fn write(&mut self, stream: u16, _: PayloadProtocol, data: Bytes) -> Result<(), StreamRefused> {
        if let Some(buffered) = self.buffered.get_mut(usize::from(stream)) {
            *buffered += data.len();
        }
        Ok(())
    }

    fn read(&mut self, _: Instant, _: u16) -> Option<(PayloadProtocol, Bytes)> {
        self.messages.pop_front()
    }

    fn buffered(&mut self, stream: u16) -> usize {
        self.buffered.get(usize::from(stream)).copied().unwrap_or(0)
    }

    fn reset(&mut self, _now: Instant, stream: u16) -> bool {
        stream != 5
    }

    fn set_send_message(&mut self, _: u32) {}

    fn shutdown(&mut self) {}
}

impl Script {
    fn come(&mut self, stream: u16, protocol: PayloadProtocol, data: Bytes) {
        self.messages.push_back((protocol, data));
        self.events.push_back(SctpEvent::Readable(stream));
    }
}
