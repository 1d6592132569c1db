/// RFC 8489 §5 — the value of bytes 4 to 7 of every message.
pub const MAGIC_COOKIE: u32 = 0x2112_a442;

/// RFC 8489 §5 — the length of what comes before the attributes.
pub const HEADER_LENGTH: usize = 20;

/// RFC 8489 §3 — the one method that ICE has.
pub const BINDING: u16 = 0x001;

/// RFC 8489 §5 — joins a request and its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransactionId(pub [u8; 12]);

/// RFC 8489 §5 — what a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Wants an answer.
    Request,
    /// Wants none.
    Indication,
    /// A good answer.
    Success,
    /// A bad one.
    Error,
}

/// RFC 8489 §5, figure 3 — the class is bits 4 and 8 of the type, the method is the rest.
pub(crate) fn message_type(class: Class, method: u16) -> u16 {
    let bits = match class {
        Class::Request => 0x000,
        Class::Indication => 0x010,
        Class::Success => 0x100,
        Class::Error => 0x110,
    };
    bits | (method & 0x00f) | ((method & 0x070) << 1) | ((method & 0xf80) << 2)
}

pub(crate) fn class_of(message_type: u16) -> Class {
    match message_type & 0x110 {
        0x000 => Class::Request,
        0x010 => Class::Indication,
        0x100 => Class::Success,
        _ => Class::Error,
    }
}

pub(crate) fn method_of(message_type: u16) -> u16 {
    (message_type & 0x000f) | ((message_type & 0x00e0) >> 1) | ((message_type & 0x3e00) >> 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_holds_class_and_method() {
        for method in 0..=0xfff {
            for class in [
                Class::Request,
                Class::Indication,
                Class::Success,
                Class::Error,
            ] {
                let kind = message_type(class, method);
                assert!(kind < 0x4000);
                assert_eq!((class_of(kind), method_of(kind)), (class, method));
            }
        }
        assert_eq!(message_type(Class::Success, BINDING), 0x0101);
    }
}
