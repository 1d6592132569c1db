//! Packages of applications: ZIP archives that a client can open (PKWARE's APPNOTE 6.3, as ISO/IEC
//! 21320-1 narrows it: stored or deflated, not encrypted, in one part), with a page to begin with.
//!
//! Whatever unpacks one writes files and takes memory, so everything is looked into before it is kept:
//! every entry is unpacked once, into nothing, within bounds.

use std::collections::HashSet;

use miniz_oxide::inflate::decompress_to_vec_with_limit;

/// The page that a client shows first.
pub const INDEX: &str = "index.html";

/// What a package may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the archive.
    pub packed: usize,
    /// Bytes of all that is in it, and in the other packages of the same request.
    pub unpacked: usize,
    /// How many entries it may have.
    pub entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            packed: 16 * 1024 * 1024,
            unpacked: 64 * 1024 * 1024,
            entries: 2048,
        }
    }
}

/// What a good archive holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// How many entries, folders too.
    pub entries: usize,
    /// Bytes of all of them, unpacked.
    pub unpacked: usize,
}

const BROKEN: &str = "is no whole ZIP archive";

/// Looks into an archive. The error is the end of a sentence that begins with "the package".
pub fn check(archive: &[u8], limits: &Limits) -> Result<Contents, &'static str> {
    check_within(archive, limits, &mut limits.unpacked.clone())
}

/// Looks into an archive, and takes what is unpacked, of a good one and of a bad one, from `room`.
pub(crate) fn check_within(
    archive: &[u8],
    limits: &Limits,
    room: &mut usize,
) -> Result<Contents, &'static str> {
    if archive.len() > limits.packed {
        return Err("is larger than a package may be");
    }
    let (count, directory) = directory(archive)?;
    if count > limits.entries {
        return Err("has more entries than a package may have");
    }
    let mut rest = directory;
    let mut names = HashSet::new();
    let mut ranges = Vec::with_capacity(count);
    let mut unpacked = 0_usize;
    for _ in 0..count {
        let entry;
        (entry, rest) = Entry::read(rest)?;
        if !names.insert(entry.name) {
            return Err("has two entries of one name");
        }
        // Counted before it is unpacked; what is unpacked is then exactly what was counted.
        *room = room
            .checked_sub(entry.size)
            .ok_or("unpacks to more than a package may be")?;
        unpacked += entry.size;
        let (range, packed) = entry.packed(archive)?;
        ranges.push(range);
        entry.unpack(packed)?;
    }
    if !rest.is_empty() {
        return Err(BROKEN);
    }
    // Entries that share bytes are how a small archive unpacks to a huge one.
    ranges.sort_unstable();
    if ranges.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        return Err("has entries that overlap");
    }
    if !names.contains(INDEX) {
        return Err("has no index.html");
    }
    Ok(Contents {
        entries: count,
        unpacked,
    })
}

/// APPNOTE 4.3.16: the end of central directory record is the last thing in the archive but for a
/// comment, whose length it tells.
fn directory(archive: &[u8]) -> Result<(usize, &[u8]), &'static str> {
    const END: usize = 22;
    let last = archive.len().checked_sub(END).ok_or(BROKEN)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let at = (first..=last).rev().find(|&at| {
        archive[at..].starts_with(b"PK\x05\x06")
            && u16_at(archive, at + 20).is_some_and(|comment| at + END + comment == archive.len())
    });
    let at = at.ok_or(BROKEN)?;
    let field = |offset| u16_at(archive, at + offset).ok_or(BROKEN);
    if field(4)? != 0 || field(6)? != 0 || field(8)? != field(10)? {
        return Err("is an archive in several parts");
    }
    let count = field(10)?;
    let length = u32_at(archive, at + 12).ok_or(BROKEN)?;
    let begin = u32_at(archive, at + 16).ok_or(BROKEN)?;
    if count == 0xffff || length == 0xffff_ffff || begin == 0xffff_ffff {
        return Err("is a ZIP64 archive");
    }
    let end = begin.checked_add(length).ok_or(BROKEN)?;
    if end != at {
        return Err(BROKEN);
    }
    Ok((count, archive.get(begin..end).ok_or(BROKEN)?))
}

/// One entry, as the central directory has it.
struct Entry<'a> {
    name: &'a str,
    method: usize,
    crc: u32,
    packed_size: usize,
    size: usize,
    header: usize,
}

impl<'a> Entry<'a> {
    /// APPNOTE 4.3.12. Returns what comes behind it, too.
    fn read(directory: &'a [u8]) -> Result<(Self, &'a [u8]), &'static str> {
        const FIXED: usize = 46;
        if !directory.starts_with(b"PK\x01\x02") || directory.len() < FIXED {
            return Err(BROKEN);
        }
        let short = |at| u16_at(directory, at).ok_or(BROKEN);
        let long = |at| u32_at(directory, at).ok_or(BROKEN);
        let flags = short(8)?;
        // Bit 0: encrypted. Bit 13: the directory is masked. Bit 6: strong encryption.
        if flags & 0x2041 != 0 {
            return Err("has encrypted entries");
        }
        let name_end = FIXED + short(28)?;
        let end = name_end + short(30)? + short(32)?;
        let name = directory.get(FIXED..name_end).ok_or(BROKEN)?;
        let rest = directory.get(end..).ok_or(BROKEN)?;
        let name = std::str::from_utf8(name).map_err(|_| "has a name that is not UTF-8")?;
        let host = short(4)? >> 8;
        let mode = long(38)? >> 16;
        if host == 3 && !matches!(mode & 0o170_000, 0 | 0o100_000 | 0o040_000) {
            return Err("has entries that are neither files nor folders");
        }
        safe(name)?;
        let entry = Self {
            name,
            method: short(10)?,
            crc: long(16)? as u32,
            packed_size: long(20)?,
            size: long(24)?,
            header: long(42)?,
        };
        if !matches!(entry.method, 0 | 8) {
            return Err("is packed by a method other than deflate");
        }
        Ok((entry, rest))
    }

    /// The range of the entry in the archive, and its packed bytes (APPNOTE 4.3.7).
    fn packed(&self, archive: &'a [u8]) -> Result<((usize, usize), &'a [u8]), &'static str> {
        const FIXED: usize = 30;
        let header = archive.get(self.header..).ok_or(BROKEN)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(BROKEN);
        }
        let name_end = FIXED + u16_at(header, 26).ok_or(BROKEN)?;
        let begin = name_end + u16_at(header, 28).ok_or(BROKEN)?;
        // A client that reads from the front must see the same names and methods.
        if header.get(FIXED..name_end) != Some(self.name.as_bytes())
            || u16_at(header, 8) != Some(self.method)
        {
            return Err("has entries whose two headers disagree");
        }
        let end = begin.checked_add(self.packed_size).ok_or(BROKEN)?;
        let packed = header.get(begin..end).ok_or(BROKEN)?;
        Ok(((self.header, self.header + end), packed))
    }

    /// Unpacks it into nothing.
    fn unpack(&self, packed: &[u8]) -> Result<(), &'static str> {
        const DAMAGED: &str = "has entries that are damaged";
        let crc = if self.method == 0 {
            (packed.len() == self.size).then(|| crc32fast::hash(packed))
        } else {
            let unpacked = decompress_to_vec_with_limit(packed, self.size).ok();
            let whole = unpacked.filter(|unpacked| unpacked.len() == self.size);
            whole.map(|unpacked| crc32fast::hash(&unpacked))
        };
        if crc == Some(self.crc) {
            Ok(())
        } else {
            Err(DAMAGED)
        }
    }
}

/// Whether a name stays in the folder into which it is unpacked, on any system.
fn safe(name: &str) -> Result<(), &'static str> {
    let path = name.strip_suffix('/').unwrap_or(name);
    let bad = |part: &str| part.is_empty() || part == "." || part == "..";
    let characters = |c: char| c.is_control() || matches!(c, '\\' | ':');
    if name.len() > 255 || path.split('/').any(bad) || name.contains(characters) {
        return Err("has a name that leads out of its folder, or could");
    }
    Ok(())
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + 2)?;
    Some(usize::from(u16::from_le_bytes(bytes.try_into().ok()?)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + 4)?;
    usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
}
