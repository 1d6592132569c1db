//! RFC 8489 §14.7 — the CRC-32 of ITU V.42, over one slice.

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = (value >> 1) ^ (0xedb8_8320 * (value & 1));
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

pub(crate) fn crc32(parts: [&[u8]; 3]) -> u32 {
    let mut value = u32::MAX;
    for byte in parts.into_iter().flatten() {
        value = (value >> 8) ^ TABLE[usize::from((value as u8) ^ byte)];
    }
    !value
}

#[cfg(test)]
mod tests {
    #[test]
    fn check_value_of_the_catalogue() {
        assert_eq!(super::crc32([b"1234", b"", b"56789"]), 0xcbf4_3926);
    }
}
