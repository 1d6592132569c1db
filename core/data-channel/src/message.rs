use bytes::Bytes;

/// What a message is to an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Characters, in UTF-8.
    Text,
    /// Bytes.
    Binary,
}

/// One message of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// What it holds; nothing, if it is empty.
    pub data: Bytes,
}

impl Message {
    /// A message of characters.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            kind: Kind::Text,
            data: Bytes::from(text.into()),
        }
    }

    /// A message of bytes.
    pub fn binary(data: impl Into<Bytes>) -> Self {
        Self {
            kind: Kind::Binary,
            data: data.into(),
        }
    }

    /// RFC 8831 §6.6 — how it travels. SCTP knows no empty message: one byte stands for it.
    pub(crate) fn into_payload(self) -> (PayloadProtocol, Bytes) {
        const NOTHING: Bytes = Bytes::from_static(&[0]);
        match (self.kind, self.data.is_empty()) {
            (Kind::Text, false) => (PayloadProtocol::String, self.data),
            (Kind::Binary, false) => (PayloadProtocol::Binary, self.data),
            (Kind::Text, true) => (PayloadProtocol::StringEmpty, NOTHING),
            (Kind::Binary, true) => (PayloadProtocol::BinaryEmpty, NOTHING),
        }
    }

    /// RFC 8831 §6.6 — what came; nothing, if that is no user message.
    pub(crate) fn from_payload(protocol: PayloadProtocol, data: Bytes) -> Option<Self> {
        let (kind, data) = match protocol {
            PayloadProtocol::String => (Kind::Text, data),
            PayloadProtocol::Binary => (Kind::Binary, data),
            PayloadProtocol::StringEmpty => (Kind::Text, Bytes::new()),
            PayloadProtocol::BinaryEmpty => (Kind::Binary, Bytes::new()),
            PayloadProtocol::Dcep | PayloadProtocol::Other => return None,
        };
        Some(Self { kind, data })
    }
}

/// RFC 8831 §8 — the payload protocol identifiers of data channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PayloadProtocol {
    /// 50, RFC 8832.
    Dcep,
    /// 51.
    String,
    /// 53.
    Binary,
    /// 56.
    StringEmpty,
    /// 57.
    BinaryEmpty,
    /// All others, the deprecated 52 and 54 among them.
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8831 §6.6
    #[test]
    fn an_empty_message_travels_as_one_byte_and_arrives_empty() {
        for message in [Message::text(""), Message::binary(Bytes::new())] {
            let (protocol, data) = message.clone().into_payload();
            assert_eq!(data.as_ref(), [0]);
            assert_eq!(Message::from_payload(protocol, data), Some(message));
        }
    }

    #[test]
    fn others_are_no_messages() {
        for protocol in [PayloadProtocol::Dcep, PayloadProtocol::Other] {
            let data = Bytes::from_static(b"x");
            assert_eq!(Message::from_payload(protocol, data), None);
        }
    }
}
