//! eP-CSCF: the P-CSCF enhanced for WebRTC (TS 24.371).
#![forbid(unsafe_code)]
pub mod ims_alg;
