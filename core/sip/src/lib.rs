//! SIP transactions, dialogs and proxy rules, without sockets or clocks (RFC 3261 sections 12, 16 and 17).
#![forbid(unsafe_code)]
