//! Typed headers: parsed when they are asked for.

use crate::{HeaderError, HeaderName};

/// A header that has a type.
pub trait TypedHeader: Sized {
    /// Its name.
    const NAME: HeaderName;
    /// Does its value hold a comma-separated list?
    const IS_LIST: bool;

    /// From one value, or one element of a list.
    fn parse(value: &str) -> Result<Self, HeaderError>;
}
