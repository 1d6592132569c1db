//! WIC without a browser: registers, calls and answers, for operators and tests.
#![forbid(unsafe_code)]
