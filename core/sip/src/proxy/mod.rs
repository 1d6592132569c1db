//! What a proxy does to messages: RFC 3261 §16, one file for each of its steps.
//!
//! 1. [`check_request`] — §16.3: may this request be forwarded at all?
//! 2. [`take_own_routes`] — §16.4: what of its route was about us?
//! 3. the function decides where to (§16.5), which is its own business;
//! 4. [`record_route`] and [`forward`] — §16.6 and RFC 5658: make the copy that goes on;
//! 5. [`ResponseContext`] — §16.7 to §16.10: what comes back, Timer C, CANCEL.

mod check;
mod record_route;
mod response;
mod route;

pub use check::{LoopHash, Refusal, check_extensions, check_request, loop_hash};
pub use record_route::{own_uri, record_route};
pub use response::{Action, ResponseContext};
pub use route::{forward, take_own_routes};
