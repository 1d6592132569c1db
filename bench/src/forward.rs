//! Parse and forward a REGISTER of 1.1 kB: the work of a proxy on one message, on one core.

use anyhow::Result;

use crate::report::Row;

/// Filled in below.
pub fn run() -> Result<Vec<Row>> {
    Ok(Vec::new())
}
