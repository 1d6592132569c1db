use super::word;

/// RFC 4585 §6.2 and §6.3, RFC 5104 §4 — feedback message types.
pub mod format {
    /// Transport: generic NACK (RFC 4585 §6.2.1).
    pub const NACK: u8 = 1;
    /// Payload: picture loss (RFC 4585 §6.3.1).
    pub const PLI: u8 = 1;
    /// Payload: full intra request (RFC 5104 §4.3.1).
    pub const FIR: u8 = 4;
}

/// RFC 4585 §6.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportFeedback<'a> {
    /// One of [`mod@format`], or another.
    pub format: u8,
    /// Who sends it.
    pub sender: u32,
    /// The source that it is about.
    pub media: u32,
    /// The feedback itself.
    pub control: &'a [u8],
}

/// RFC 4585 §6.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadFeedback<'a> {
    /// One of [`mod@format`], or another.
    pub format: u8,
    /// Who sends it.
    pub sender: u32,
    /// The source that it is about; unused in FIR.
    pub media: u32,
    /// The feedback itself.
    pub control: &'a [u8],
}

/// RFC 4585 §6.2.1 — a packet that is missing, and which of the sixteen after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NackEntry {
    /// The first.
    pub packet: u16,
    /// Bit 0 is the packet after it.
    pub following: u16,
}

impl NackEntry {
    /// All that are missing.
    pub fn sequences(self) -> impl Iterator<Item = u16> {
        let more = (0..16)
            .filter(move |bit| self.following & (1 << bit) != 0)
            .map(move |bit| self.packet.wrapping_add(bit + 1));
        std::iter::once(self.packet).chain(more)
    }
}

/// The entries of a generic NACK.
#[derive(Clone, Debug)]
pub struct NackEntries<'a>(&'a [u8]);

/// RFC 5104 §4.3.1.1 — who is to send a whole frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirEntry {
    /// The source.
    pub ssrc: u32,
    /// Rises with each new request to this source.
    pub sequence: u8,
}

/// The entries of a FIR.
#[derive(Clone, Debug)]
pub struct FirEntries<'a>(&'a [u8]);

impl<'a> TransportFeedback<'a> {
    pub(super) fn of(bytes: &'a [u8], format: u8) -> Option<Self> {
        Some(Self {
            format,
            control: bytes.get(12..)?,
            sender: word(bytes, 4),
            media: word(bytes, 8),
        })
    }

    /// What is missing, if this is a generic NACK.
    pub fn nack(&self) -> Option<NackEntries<'a>> {
        (self.format == format::NACK).then_some(NackEntries(self.control))
    }
}

impl<'a> PayloadFeedback<'a> {
    pub(super) fn of(bytes: &'a [u8], format: u8) -> Option<Self> {
        Some(Self {
            format,
            control: bytes.get(12..)?,
            sender: word(bytes, 4),
            media: word(bytes, 8),
        })
    }

    /// Whether a picture was lost.
    pub fn is_pli(&self) -> bool {
        self.format == format::PLI
    }

    /// Who is to send a whole frame, if this is a FIR.
    pub fn fir(&self) -> Option<FirEntries<'a>> {
        (self.format == format::FIR).then_some(FirEntries(self.control))
    }
}

impl Iterator for NackEntries<'_> {
    type Item = NackEntry;

    fn next(&mut self) -> Option<NackEntry> {
        let (entry, rest) = self.0.split_at_checked(4)?;
        self.0 = rest;
        Some(NackEntry {
            packet: u16::from_be_bytes([entry[0], entry[1]]),
            following: u16::from_be_bytes([entry[2], entry[3]]),
        })
    }
}

impl Iterator for FirEntries<'_> {
    type Item = FirEntry;

    fn next(&mut self) -> Option<FirEntry> {
        let (entry, rest) = self.0.split_at_checked(8)?;
        self.0 = rest;
        Some(FirEntry {
            ssrc: word(entry, 0),
            sequence: entry[4],
        })
    }
}
