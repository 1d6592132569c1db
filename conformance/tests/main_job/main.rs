//! The main job without a socket: WICs, eP-CSCF, eIMS-AGW, lab core and a SIP phone on one virtual
//! network, each as it is in the product.
#![allow(clippy::unwrap_used)] // a test that cannot unwrap has failed

mod applications;
mod calls;
mod phone;
mod world;
