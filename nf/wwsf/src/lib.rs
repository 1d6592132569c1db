//! WWSF: the WebRTC web server function (TS 24.371 subclause 5.3).
#![forbid(unsafe_code)]
