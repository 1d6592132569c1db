//! What must hold of any bytes: the property tests run it, and the fuzz target.
#![allow(clippy::unwrap_used)]

use core_iq::{Decoder, FromGateway, ToGateway, encode};

/// What the fuzzer runs: octets from anywhere, in pieces, never harm.
pub(crate) fn fuzz(data: &[u8]) {
    for piece in [1, 7, usize::MAX] {
        let mut decoder = Decoder::new();
        decoder.trust();
        for chunk in data.chunks(piece.min(data.len().max(1))) {
            decoder.push(chunk);
            while let Ok(Some(frame)) = decoder.next_frame::<ToGateway>() {
                let mut again = Vec::new();
                encode(&frame, &mut again).unwrap();
                let mut decoder = Decoder::new();
                decoder.trust();
                decoder.push(&again);
                assert_eq!(decoder.next_frame(), Ok(Some(frame)));
            }
        }
        let mut decoder = Decoder::new();
        decoder.push(data);
        while let Ok(Some(_)) = decoder.next_frame::<FromGateway>() {}
    }
}
