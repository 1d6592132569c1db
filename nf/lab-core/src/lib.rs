//! A laboratory's IMS core: registrar, subscribers and routing. Not for networks.
#![forbid(unsafe_code)]
