use super::word;

/// RFC 3550 §6.4.1.
#[derive(Clone, Copy, Debug)]
pub struct SenderReport<'a> {
    /// Who sends.
    pub ssrc: u32,
    /// What it has sent.
    pub info: SenderInfo,
    blocks: &'a [u8],
}

/// RFC 3550 §6.4.1 — the sender information.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// Wall clock, as NTP counts it.
    pub ntp: u64,
    /// The same moment in the units of RTP timestamps.
    pub rtp_timestamp: u32,
    /// Since the beginning.
    pub packets: u32,
    /// Without headers and padding.
    pub octets: u32,
}

/// RFC 3550 §6.4.2.
#[derive(Clone, Copy, Debug)]
pub struct ReceiverReport<'a> {
    /// Who sends the report.
    pub ssrc: u32,
    blocks: &'a [u8],
}

/// RFC 3550 §6.4.1 — what one source looks like to who reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source it is about.
    pub ssrc: u32,
    /// Since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Since the beginning; negative with duplicates.
    pub cumulative_lost: i32,
    /// Extended by the count of cycles.
    pub highest_sequence: u32,
    /// In units of RTP timestamps.
    pub jitter: u32,
    /// The middle of the NTP time of the last sender report.
    pub last_sender_report: u32,
    /// How long ago it came, in 65536ths of a second.
    pub delay_since_last: u32,
}

/// The report blocks of a report.
#[derive(Clone, Debug)]
pub struct ReportBlocks<'a>(&'a [u8]);

const BLOCK: usize = 24;

impl<'a> SenderReport<'a> {
    pub(super) fn of(bytes: &'a [u8], count: usize) -> Option<Self> {
        Some(Self {
            blocks: bytes.get(28..28 + BLOCK * count)?,
            ssrc: word(bytes, 4),
            info: SenderInfo {
                ntp: u64::from(word(bytes, 8)) << 32 | u64::from(word(bytes, 12)),
                rtp_timestamp: word(bytes, 16),
                packets: word(bytes, 20),
                octets: word(bytes, 24),
            },
        })
    }

    /// What the sender receives.
    pub fn blocks(&self) -> ReportBlocks<'a> {
        ReportBlocks(self.blocks)
    }
}

impl<'a> ReceiverReport<'a> {
    pub(super) fn of(bytes: &'a [u8], count: usize) -> Option<Self> {
        Some(Self {
            blocks: bytes.get(8..8 + BLOCK * count)?,
            ssrc: word(bytes, 4),
        })
    }

    /// What is reported.
    pub fn blocks(&self) -> ReportBlocks<'a> {
        ReportBlocks(self.blocks)
    }
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.0.split_at_checked(BLOCK)?;
        self.0 = rest;
        // Twenty-four bits with a sign: shifted up and down again, the sign spreads.
        let lost = (word(block, 4) << 8) as i32 >> 8;
        Some(ReportBlock {
            ssrc: word(block, 0),
            fraction_lost: block[4],
            cumulative_lost: lost,
            highest_sequence: word(block, 8),
            jitter: word(block, 12),
            last_sender_report: word(block, 16),
            delay_since_last: word(block, 20),
        })
    }
}
