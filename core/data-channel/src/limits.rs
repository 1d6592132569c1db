/// How much there may be of everything. What goes beyond has its answer: a channel is reset, a
/// message is not taken, the association ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Channels at one time, those that are closing included. More that are opened in band are reset;
    /// those that SDP negotiates may be as many again.
    pub channels: usize,
    /// Bytes of a label, and of a protocol. A channel with more is reset.
    pub name: usize,
    /// Bytes of a message that we take: our `a=max-message-size`. More ends the association.
    pub receive_message: u32,
    /// Bytes that wait to be read, in all channels: our receive window.
    pub receive_buffer: u32,
    /// Bytes that wait to be sent or acknowledged, in one channel, however long the path is; less may wait on
    /// a short one. The message that goes beyond is still taken.
    pub channel_buffer: usize,
    /// The same, in all channels.
    pub send_buffer: usize,
    /// Messages that wait to be sent or acknowledged, in one channel; in all channels twice as many. It
    /// is for the tiny ones, of which each costs more than its bytes.
    pub messages: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            channels: 256,
            name: 1024,
            receive_message: 256 * 1024,
            receive_buffer: 1024 * 1024,
            channel_buffer: 512 * 1024,
            send_buffer: 1024 * 1024,
            messages: 4096,
        }
    }
}

impl Limits {
    /// The largest message that we send whatever the peer allows.
    pub(crate) fn send_message(&self) -> u32 {
        u32::try_from(self.channel_buffer).unwrap_or(u32::MAX)
    }
}

/// RFC 8841 §6.1 — how large a message may be by what the peer's `a=max-message-size` says: 64 kB
/// when it is absent, anything (`None`) when it is 0.
pub fn max_message_size(attribute: Option<u64>) -> Option<u32> {
    match attribute {
        None => Some(65_536),
        Some(0) => None,
        Some(size) => Some(u32::try_from(size).unwrap_or(u32::MAX)),
    }
}
