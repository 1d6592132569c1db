//! ZIP archives (PKWARE's APPNOTE 6.3) that hold the same bytes whenever they are made: in the order of
//! names, without a time, deflated by one and the same code.

use anyhow::{Context as _, ensure};
use nf_mmtel_es::package::Limits;

use super::folder::Files;

/// 1 January 1980, where the time of MS-DOS begins.
const DATE: u16 = 0x0021;
/// Bit 11: names are in UTF-8 (APPNOTE 4.4.4).
const UTF8: u16 = 0x0800;

/// Makes one.
pub(super) fn write(files: &Files) -> anyhow::Result<Vec<u8>> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (name, content) in files {
        let at = u32::try_from(archive.len()).context("the package is too large")?;
        let name_length = u16::try_from(name.len()).context("a name is too long")?;
        let deflated = miniz_oxide::deflate::compress_to_vec(content, 9);
        let (method, packed) = if deflated.len() < content.len() {
            (8_u16, deflated)
        } else {
            (0, content.clone())
        };
        // APPNOTE 4.3.7 and 4.3.12 share these, from the version to the length of the extra field.
        let mut common = Vec::with_capacity(26);
        common.extend(20_u16.to_le_bytes());
        common.extend(UTF8.to_le_bytes());
        common.extend(method.to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        common.extend(DATE.to_le_bytes());
        common.extend(crc32fast::hash(content).to_le_bytes());
        let sizes = [packed.len(), content.len()];
        for size in sizes {
            let size = u32::try_from(size).context("a file is too large")?;
            common.extend(size.to_le_bytes());
        }
        common.extend(name_length.to_le_bytes());
        common.extend([0; 2]);

        archive.extend(b"PK\x03\x04");
        archive.extend(&common);
        archive.extend(name.as_bytes());
        archive.extend(packed);

        directory.extend(b"PK\x01\x02");
        directory.extend([20, 3]); // made by version 2.0, on a system with modes
        directory.extend(&common);
        directory.extend([0; 6]); // comment, part, internal attributes
        directory.extend((0o100_644_u32 << 16).to_le_bytes());
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let count = u16::try_from(files.len()).context("there are too many files")?;
    let at = u32::try_from(archive.len()).context("the package is too large")?;
    let length = u32::try_from(directory.len()).context("the package is too large")?;
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count.to_le_bytes());
    archive.extend(count.to_le_bytes());
    archive.extend(length.to_le_bytes());
    archive.extend(at.to_le_bytes());
    archive.extend([0; 2]);
    Ok(archive)
}

/// Unpacks one that [`nf_mmtel_es::package::check`] found good: the directory and the headers agree.
pub(super) fn read(archive: &[u8], limits: &Limits) -> anyhow::Result<Files> {
    const BROKEN: &str = "the package is broken";
    let short = |at: usize| -> anyhow::Result<usize> {
        let bytes = archive.get(at..at + 2).context(BROKEN)?;
        Ok(usize::from(u16::from_le_bytes(bytes.try_into()?)))
    };
    let long = |at: usize| -> anyhow::Result<usize> {
        let bytes = archive.get(at..at + 4).context(BROKEN)?;
        Ok(usize::try_from(u32::from_le_bytes(bytes.try_into()?))?)
    };
    let end = (0..=archive.len().saturating_sub(22))
        .rev()
        .find(|&at| archive[at..].starts_with(b"PK\x05\x06"))
        .context(BROKEN)?;
    let (count, mut at) = (short(end + 10)?, long(end + 16)?);
    let mut files = Files::new();
    for _ in 0..count {
        let (method, packed, size) = (short(at + 10)?, long(at + 20)?, long(at + 24)?);
        let (name_length, extra, comment) = (short(at + 28)?, short(at + 30)?, short(at + 32)?);
        let header = long(at + 42)?;
        let name = archive
            .get(at + 46..at + 46 + name_length)
            .context(BROKEN)?;
        let name = std::str::from_utf8(name)?.to_owned();
        at += 46 + name_length + extra + comment;
        let begin = header + 30 + short(header + 26)? + short(header + 28)?;
        let bytes = archive.get(begin..begin + packed).context(BROKEN)?;
        let content = if method == 8 {
            ensure!(size <= limits.unpacked, BROKEN);
            let unpacked = miniz_oxide::inflate::decompress_to_vec_with_limit(bytes, size);
            unpacked.ok().context(BROKEN)?
        } else {
            bytes.to_vec()
        };
        if !name.ends_with('/') {
            files.insert(name, content);
        }
    }
    Ok(files)
}
