//! Writes ZIP archives, good ones and bad ones.

/// One entry, and what may be wrong with it.
#[derive(Clone)]
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a str,
    pub(crate) content: &'a [u8],
    pub(crate) deflated: bool,
    /// The name in the local header, when it is another one.
    pub(crate) local_name: Option<&'a str>,
    pub(crate) flags: u16,
    pub(crate) mode: u32,
    /// What the headers say instead of the size.
    pub(crate) size: Option<u32>,
    /// What the headers say instead of the checksum.
    pub(crate) crc: Option<u32>,
}

pub(crate) fn file<'a>(name: &'a str, content: &'a [u8]) -> Entry<'a> {
    Entry {
        name,
        content,
        deflated: true,
        local_name: None,
        flags: 0,
        mode: 0o100_644,
        size: None,
        crc: None,
    }
}

/// An archive of these.
pub(crate) fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let at = archive.len() as u32;
        let packed = if entry.deflated {
            miniz_oxide::deflate::compress_to_vec(entry.content, 6)
        } else {
            entry.content.to_vec()
        };
        let mut common = Vec::new();
        common.extend(entry.flags.to_le_bytes());
        common.extend((if entry.deflated { 8_u16 } else { 0 }).to_le_bytes());
        common.extend([0; 4]); // time and date
        common.extend(
            entry
                .crc
                .unwrap_or(crc32fast::hash(entry.content))
                .to_le_bytes(),
        );
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend(
            entry
                .size
                .unwrap_or(entry.content.len() as u32)
                .to_le_bytes(),
        );

        let local_name = entry.local_name.unwrap_or(entry.name);
        archive.extend(b"PK\x03\x04\x14\x00");
        archive.extend(&common);
        archive.extend((local_name.len() as u16).to_le_bytes());
        archive.extend([0; 2]);
        archive.extend(local_name.as_bytes());
        archive.extend(packed);

        directory.extend(b"PK\x01\x02\x14\x03\x14\x00");
        directory.extend(&common);
        directory.extend((entry.name.len() as u16).to_le_bytes());
        directory.extend([0; 8]); // extra, comment, part, internal attributes
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(at.to_le_bytes());
        directory.extend(entry.name.as_bytes());
    }
    let at = archive.len() as u32;
    archive.extend(&directory);
    end(
        &mut archive,
        entries.len() as u16,
        directory.len() as u32,
        at,
    );
    archive
}

/// The record at the end.
pub(crate) fn end(archive: &mut Vec<u8>, count: u16, length: u32, at: u32) {
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count.to_le_bytes());
    archive.extend(count.to_le_bytes());
    archive.extend(length.to_le_bytes());
    archive.extend(at.to_le_bytes());
    archive.extend([0; 2]);
}

/// An archive with nothing but a page.
pub(crate) fn page(text: &str) -> Vec<u8> {
    archive(&[file("index.html", text.as_bytes())])
}
