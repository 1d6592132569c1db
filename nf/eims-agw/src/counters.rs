/// Expands to the struct, a sum and a list of names and values.
macro_rules! counters {
    ($( $(#[$doc:meta])* $name:ident, )*) => {
        /// What a worker has done since it began.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $( $(#[$doc])* pub $name: u64, )*
        }

        impl Counters {
            /// Every counter by its name.
            pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$( (stringify!($name), self.$name), )*].into_iter()
            }

            /// Adds another worker's.
            pub fn add(&mut self, other: &Self) {
                $( self.$name += other.$name; )*
            }
        }
    };
}

counters! {
    /// RTP packets that went on to the core.
    relayed_to_core,
    /// RTP packets that went on to a WIC.
    relayed_to_w3,
    /// RTCP packets that went on to the core.
    rtcp_to_core,
    /// RTCP packets that went on to a WIC.
    rtcp_to_w3,
    /// From a source on W3 that no check came from, or that is nobody's socket.
    dropped_unknown_source,
    /// From another address towards the core than the signalled one.
    dropped_wrong_source,
    /// A gate was closed.
    dropped_gate,
    /// No keys yet, no place to send to, or the WIC is silent.
    dropped_not_ready,
    /// Neither STUN nor DTLS nor RTP nor RTCP.
    dropped_malformed,
    /// From the core, and cannot be protected: its sequence number was there before, or it is of one
    /// source too many.
    dropped_repeated,
    /// SRTP that was not from the peer, or came twice.
    dropped_unauthentic,
    /// Connectivity checks answered with success.
    checks_answered,
    /// Connectivity checks answered with an error, or not at all.
    checks_refused,
    /// DTLS associations that stand.
    dtls_connected,
    /// DTLS associations that failed.
    dtls_failed,
    /// Packets repeated on a NACK.
    repeated,
    /// Packets asked for again by the gateway itself.
    asked_again,
    /// Key frames asked for by the gateway itself.
    key_frames_asked,
    /// Streams whose WIC fell silent.
    silent,
    /// Channels reset since their peer opens more than anybody is asked about.
    channels_too_fast,
    /// Requests on Iq that were refused.
    refused,
}
