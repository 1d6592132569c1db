//! One test file a clause, over the real doors.
#![forbid(unsafe_code)]
