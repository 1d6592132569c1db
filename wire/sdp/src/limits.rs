//! How large a description may be.

/// Limits on sizes and counts, checked before anything is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole description.
    pub bytes: usize,
    /// Bytes of one line, without its ending.
    pub line: usize,
    /// Lines in all.
    pub lines: usize,
    /// Media descriptions.
    pub media: usize,
}

impl Default for Limits {
    /// A browser's offer of audio and video has some 250 lines and 9 kB: these leave room for ten.
    fn default() -> Limits {
        Limits {
            bytes: 64 * 1024,
            line: 8 * 1024,
            lines: 2048,
            media: 32,
        }
    }
}
