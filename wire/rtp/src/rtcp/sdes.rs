use super::word;

/// RFC 3550 §6.5.
#[derive(Clone, Copy, Debug)]
pub struct SourceDescription<'a> {
    count: usize,
    bytes: &'a [u8],
}

/// RFC 3550 §6.5 — one source and its first item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdesChunk<'a> {
    /// The source.
    pub ssrc: u32,
    /// The CNAME, if the chunk has one.
    pub cname: Option<&'a [u8]>,
}

/// The chunks of a [`SourceDescription`]; ends at the first that is malformed.
#[derive(Clone, Debug)]
pub struct SdesChunks<'a> {
    left: usize,
    bytes: &'a [u8],
}

/// RFC 3550 §6.6.
#[derive(Clone, Copy, Debug)]
pub struct Bye<'a> {
    sources: &'a [u8],
    /// Why, if it is said.
    pub reason: Option<&'a [u8]>,
}

/// RFC 3550 §6.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct App<'a> {
    /// Five bits of the application's.
    pub subtype: u8,
    /// The sender.
    pub ssrc: u32,
    /// Four characters.
    pub name: [u8; 4],
    /// The rest.
    pub data: &'a [u8],
}

const CNAME: u8 = 1;

impl<'a> SourceDescription<'a> {
    pub(super) fn of(bytes: &'a [u8], count: usize) -> Self {
        Self {
            count,
            bytes: &bytes[4..],
        }
    }

    /// Source by source.
    pub fn chunks(&self) -> SdesChunks<'a> {
        SdesChunks {
            left: self.count,
            bytes: self.bytes,
        }
    }
}

impl<'a> Iterator for SdesChunks<'a> {
    type Item = SdesChunk<'a>;

    fn next(&mut self) -> Option<SdesChunk<'a>> {
        self.left = self.left.checked_sub(1)?;
        if self.bytes.len() < 4 {
            return None;
        }
        let mut chunk = SdesChunk {
            ssrc: word(self.bytes, 0),
            cname: None,
        };
        let mut at = 4;
        while *self.bytes.get(at)? != 0 {
            let length = usize::from(*self.bytes.get(at + 1)?);
            let text = self.bytes.get(at + 2..at + 2 + length)?;
            if self.bytes[at] == CNAME && chunk.cname.is_none() {
                chunk.cname = Some(text);
            }
            at += 2 + length;
        }
        // At least one zero ends the chunk, and more fill its last word.
        self.bytes = self.bytes.get((at + 4) & !3..).unwrap_or_default();
        Some(chunk)
    }
}

impl<'a> Bye<'a> {
    pub(super) fn of(bytes: &'a [u8], count: usize) -> Option<Self> {
        let end = 4 + 4 * count;
        let sources = bytes.get(4..end)?;
        let reason = bytes
            .get(end)
            .and_then(|&length| bytes.get(end + 1..end + 1 + usize::from(length)));
        Some(Self { sources, reason })
    }

    /// Who leaves.
    pub fn sources(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.sources.chunks_exact(4).map(|source| word(source, 0))
    }
}

impl<'a> App<'a> {
    pub(super) fn of(bytes: &'a [u8], subtype: u8) -> Option<Self> {
        Some(Self {
            subtype,
            data: bytes.get(12..)?,
            ssrc: word(bytes, 4),
            name: bytes[8..12].try_into().ok()?,
        })
    }
}
