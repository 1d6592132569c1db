//! RFC 3261 §7.1: request methods.

use std::fmt;

macro_rules! methods {
    ($($variant:ident $text:literal $rfc:literal;)*) => {
        /// A request method; unknown ones pass through as their own text. Case matters (RFC 3261 §7.1).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Method<'a> {
            $(#[doc = $rfc] $variant,)*
            /// Any other token.
            Other(&'a str),
        }

        impl<'a> Method<'a> {
            /// From its text.
            pub fn parse(text: &'a str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    _ => Self::Other(text),
                }
            }

            /// Its text on the wire.
            pub fn as_str(&self) -> &'a str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }
    };
}

methods! {
    Invite "INVITE" "RFC 3261 §13";
    Ack "ACK" "RFC 3261 §13.2.2.4";
    Options "OPTIONS" "RFC 3261 §11";
    Bye "BYE" "RFC 3261 §15";
    Cancel "CANCEL" "RFC 3261 §9";
    Register "REGISTER" "RFC 3261 §10";
    Prack "PRACK" "RFC 3262";
    Subscribe "SUBSCRIBE" "RFC 6665";
    Notify "NOTIFY" "RFC 6665";
    Publish "PUBLISH" "RFC 3903";
    Info "INFO" "RFC 6086";
    Refer "REFER" "RFC 3515";
    Message "MESSAGE" "RFC 3428";
    Update "UPDATE" "RFC 3311";
}

impl fmt::Display for Method<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_matters() {
        assert_eq!(Method::parse("INVITE"), Method::Invite);
        assert_eq!(Method::parse("invite"), Method::Other("invite"));
        assert_eq!(Method::parse("NEWMETHOD").as_str(), "NEWMETHOD");
    }
}
