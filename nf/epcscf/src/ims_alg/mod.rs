//! IMS-ALG: what the eP-CSCF does to SDP between the WIC and the core (TS 24.371 §7.4.2, §7.4.3; TS 23.334 §6).
//!
//! Pure functions and one value. A dialog keeps a [`Negotiation`]; SDP of either side goes in, commands for
//! the gateway and SDP for the other side come out:
//!
//! ```text
//!   offer(Leg::Wic, sdp)  ──▶ Next::Gateway(Reserve)      the gateway's ports
//!   replied(reply)        ──▶ Next::Forward(sdp)          the core's offer
//!   answer(Leg::Core, sdp)──▶ Next::Gateway(Configure)    where the far end is, gates by direction
//!   replied(reply)        ──▶ Next::Forward(sdp)          the WIC's answer
//! ```
//!
//! and the same the other way round, at the start of a call and at each change of it, in whatever messages
//! the SDP travels (INVITE and 200; 200 and ACK; UPDATE; PRACK).
//!
//! What else can happen, and what the dialog calls then:
//!
//! | event | call |
//! | --- | --- |
//! | the offer, or its Reserve, is refused | nothing: all is as before; answer with [`Refused::status`] |
//! | the first INVITE fails, the call ends | [`Negotiation::release`] |
//! | a re-INVITE or UPDATE gets 3xx to 6xx, its answer cannot be served | [`Negotiation::rollback`] |
//! | a 2xx without SDP after an answer in a reliable 1xx | [`Negotiation::confirm`] |
//! | an offer in a 200 cannot be served | [`Negotiation::refusing_answer`] in ACK, then BYE both ways |
//! | the confirmed fork agreed on something else ([`Negotiation::diverged`]) | [`Negotiation::reoffer`] to the WIC |
//!
//! | question | file |
//! | --- | --- |
//! | Where is the fingerprint removed from an offer? | `remove_fingerprint_from_offer.rs` |
//! | What is read from a WIC's m-line, and refused? | `wic_media.rs` |
//! | What is read from the core's m-line, and refused? | `core_media.rs` |
//! | Which m-lines of an offer are carried? | `read_offer.rs` |
//! | What does an answer settle, and what is the gateway told? | `read_answer.rs` |
//! | What does the core see? | `write_to_core.rs` |
//! | What does the WIC see? | `write_to_wic.rs` |
//! | What becomes of data channels? | `data/`, `announce.rs` |
//! | Which payload type is which? | `payloads.rs` |
//! | Which RTCP feedback crosses the edge? | `feedback.rs` |
//! | How does a change of the call keep its m-lines, and fall back when it fails? | `negotiation.rs` |

mod announce;
mod bandwidth;
mod call;
mod core_media;
mod data;
mod feedback;
mod forward;
mod leg;
mod negotiation;
mod origin;
mod payloads;
mod policy;
mod precondition;
mod read_answer;
mod read_offer;
mod refused;
mod remove_fingerprint_from_offer;
mod repeat;
mod stream;
mod wic_media;
mod write_to_core;
mod write_to_wic;

pub use leg::Leg;
pub use negotiation::{Finality, Negotiation, Next};
pub use policy::{DataChannels, Policy};
pub use refused::{PeerMisbehaved, Refused, Unsupported, Warning};
