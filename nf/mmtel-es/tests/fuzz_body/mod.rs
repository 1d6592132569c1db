//! What the property test and the fuzz target both run: any bytes, looked into as a package.

use nf_mmtel_es::package::{Limits, check};

/// Looks into `data`.
///
/// # Panics
/// When an archive is taken that unpacks to more than was allowed, or holds more.
pub(crate) fn fuzz(data: &[u8]) {
    let limits = Limits {
        packed: 64 * 1024,
        unpacked: 256 * 1024,
        entries: 64,
    };
    if let Ok(contents) = check(data, &limits) {
        assert!(data.len() <= limits.packed);
        assert!(contents.entries <= limits.entries);
        assert!(contents.unpacked <= limits.unpacked);
    }
}
