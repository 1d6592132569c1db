//! The Iq reference point: the words that eP-CSCF and eIMS-AGW exchange (after TS 23.334).
#![forbid(unsafe_code)]
