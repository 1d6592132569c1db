//! Packages, by hand: ZIP archives.

/// An archive of these files.
pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let entries: Vec<Entry<'_>> = files
        .iter()
        .map(|(name, bytes)| Entry {
            name,
            method: 0,
            size: bytes.len(),
            crc: crc32(bytes),
            packed: bytes,
        })
        .collect();
    written(&entries)
}

/// One file of an archive.
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a str,
    /// 0: stored; 8: deflated.
    pub(crate) method: u16,
    /// What it says of itself.
    pub(crate) size: usize,
    pub(crate) crc: u32,
    pub(crate) packed: &'a [u8],
}

/// An archive of these.
pub(crate) fn written(entries: &[Entry<'_>]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for Entry {
        name,
        method,
        size,
        crc,
        packed,
    } in entries
    {
        let offset = zip.len() as u32;
        let mut common = Vec::new();
        // Version, flags, method, time, date.
        for word in [20_u16, 0, *method, 0, 0x21] {
            common.extend(word.to_le_bytes());
        }
        for word in [*crc, packed.len() as u32, *size as u32] {
            common.extend(word.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        zip.extend(b"PK\x03\x04");
        zip.extend(&common);
        zip.extend(name.as_bytes());
        zip.extend(*packed);
        directory.extend(b"PK\x01\x02");
        directory.extend(20_u16.to_le_bytes());
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = zip.len() as u32;
    let count = (entries.len() as u16).to_le_bytes();
    zip.extend(&directory);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend(count);
    zip.extend(count);
    zip.extend((directory.len() as u32).to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend([0, 0]);
    zip
}

/// RFC 1952 §8
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// As `appPkg` has it.
pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
