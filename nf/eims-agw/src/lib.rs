//! eIMS-AGW: the IMS access gateway enhanced for WebRTC (TS 23.334).
#![forbid(unsafe_code)]
