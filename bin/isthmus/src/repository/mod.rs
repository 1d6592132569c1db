//! The way from an edge to the application repository of an enabler in another process (TS 26.114 §6.2.10, TS 23.228
//! §AC.7.1): what a WIC asks on a bootstrap channel goes there as a question, and its answer comes back.
//!
//! ```text
//!   edge                                                     enabler
//!    │ POST /bootstrap/v1/ask, Authorization: Bearer <secret> ─▶ │   who asks, in which call, what: `words.rs`
//!    │ ◀───────────── 200, Isthmus-Status: 304, ETag, body ───── │   the answer for the channel
//! ```
//! What comes between the two has a status of its own: the WIC hears of it as 503, or as 504 when there was no answer in time.

mod client;
mod words;

pub(crate) use client::{RemoteRepository, RepositoryConfig, secret};
pub(crate) use words::{ASK, MAX_QUESTION, Question, STATUS};
