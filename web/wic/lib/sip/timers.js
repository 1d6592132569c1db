/**
 * The access side's timers (TS 24.229 table 7.7.1): T1 2 s, T2 16 s. WebSocket is reliable, so the timers that
 * retransmit (A, E, G) and those that absorb retransmissions (D, I, J, K) are zero (RFC 3261 §17, table 4).
 */
export const T1 = 2_000;
export const T2 = 16_000;
/** Timers B, F, H, L and M. */
export const T64 = 64 * T1;
