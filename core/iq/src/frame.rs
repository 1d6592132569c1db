//! How Iq is written down between two machines: four octets of length (most significant first),
//! then that much JSON.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Command, Notification, Refusal, Reply, RequestId};

/// What an eP-CSCF sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToGateway {
    /// First of all: which Iq this is, and a challenge.
    Hello {
        /// [`VERSION`](crate::VERSION) of the sender.
        version: u16,
        /// 32 random octets.
        nonce: [u8; 32],
    },
    /// The answer to the gateway's challenge.
    Proof {
        /// HMAC under the shared secret.
        proof: [u8; 32],
    },
    /// A request.
    Request {
        /// Its number.
        id: RequestId,
        /// What is asked.
        command: Command,
    },
    /// Is anybody there?
    Ping,
}

/// What a gateway sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromGateway {
    /// The answer to Hello, and a challenge in turn.
    Challenge {
        /// [`VERSION`](crate::VERSION) of the sender.
        version: u16,
        /// 32 random octets.
        nonce: [u8; 32],
        /// HMAC under the shared secret: the gateway proves itself first.
        proof: [u8; 32],
    },
    /// The proof was right.
    Welcome,
    /// Good-bye, and why.
    Rejected {
        /// In words for a log.
        reason: String,
    },
    /// The answer to a request.
    Reply {
        /// Which one.
        id: RequestId,
        /// What was done, or why nothing.
        result: Result<Reply, Refusal>,
    },
    /// Something happened.
    Notification(Notification),
    /// A worker has died, and with it every Context that names it (`ContextId::worker`).
    WorkerLost {
        /// Which one.
        worker: u16,
    },
    /// Somebody is.
    Pong,
}

/// What came is not Iq. The connection ends.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The length is more than is taken at this point.
    #[error("a frame of {length} octets, at most {limit} are taken")]
    TooLong {
        /// What it said.
        length: usize,
        /// What is taken.
        limit: usize,
    },
    /// The content is not what it should be.
    #[error("a frame that cannot be read: {0}")]
    Malformed(String),
}

/// The longest frame once both sides know each other: a data channel's message of 256 KiB fits.
pub const MAX_FRAME: usize = 512 * 1024;

/// The longest frame before: a stranger is held to little.
pub const MAX_GREETING: usize = 2 * 1024;

const LENGTH: usize = 4;

/// Writes a value as a frame behind what is in `to` already.
pub fn encode<T: Serialize>(value: &T, to: &mut Vec<u8>) -> Result<(), FrameError> {
    let start = to.len();
    to.extend_from_slice(&[0; LENGTH]);
    if let Err(error) = serde_json::to_writer(&mut *to, value) {
        to.truncate(start);
        return Err(FrameError::Malformed(error.to_string()));
    }
    let length = to.len() - start - LENGTH;
    if length > MAX_FRAME {
        to.truncate(start);
        return Err(FrameError::TooLong {
            length,
            limit: MAX_FRAME,
        });
    }
    to[start..start + LENGTH].copy_from_slice(&(length as u32).to_be_bytes());
    Ok(())
}

/// Finds frames in a stream of octets.
#[derive(Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// How much of the buffer is read already.
    read: usize,
    limit: usize,
}

impl Decoder {
    /// For a connection that has just begun: frames up to [`MAX_GREETING`].
    pub fn new() -> Self {
        Self {
            buffer: Vec::new(),
            read: 0,
            limit: MAX_GREETING,
        }
    }

    /// The other side is known: frames up to [`MAX_FRAME`].
    pub fn trust(&mut self) {
        self.limit = MAX_FRAME;
    }

    /// What came. Call [`next_frame`](Self::next_frame) until it gives nothing before the next call.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.read);
        self.read = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame. After an error the stream is of no use any more.
    pub fn next_frame<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        let rest = &self.buffer[self.read..];
        let Some((length, rest)) = rest.split_first_chunk::<LENGTH>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length > self.limit {
            return Err(FrameError::TooLong {
                length,
                limit: self.limit,
            });
        }
        let Some(content) = rest.get(..length) else {
            return Ok(None);
        };
        let value = serde_json::from_slice(content)
            .map_err(|error| FrameError::Malformed(error.to_string()))?;
        self.read += LENGTH + length;
        Ok(Some(value))
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}
