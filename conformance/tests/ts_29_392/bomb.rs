//! A package that is a trap.

use super::zip::{Entry, crc32, written};

/// A page, and beside it so many zeros in little room, of which the directory says that there are `said`.
pub(crate) fn bomb(zeros: usize, said: usize) -> Vec<u8> {
    let page = b"<p>";
    let entries = [
        Entry {
            name: "index.html",
            method: 0,
            size: page.len(),
            crc: crc32(page),
            packed: page,
        },
        Entry {
            name: "bomb",
            method: 8,
            size: said,
            crc: 0,
            packed: &deflated_zeros(zeros),
        },
    ];
    written(&entries)
}

/// RFC 1951 §3.2.6 — one block with fixed codes: a zero, and copies of it, 258 at a time.
fn deflated_zeros(count: usize) -> Vec<u8> {
    let (mut packed, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    let mut put = |value: u32, width: u32| {
        bits |= value << held;
        held += width;
        while held >= 8 {
            packed.push(bits.to_le_bytes()[0]);
            bits >>= 8;
            held -= 8;
        }
    };
    // The last block, fixed codes; then codes, which are sent from their top bit on.
    put(0b011, 3);
    put(0x30_u8.reverse_bits().into(), 8);
    for _ in 0..count / 258 {
        put(0b1100_0101_u8.reverse_bits().into(), 8);
        put(0, 5);
    }
    put(0, 7);
    put(0, 7);
    packed
}
