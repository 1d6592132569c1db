//! Which transaction a message belongs to: RFC 3261 §17.1.3 and §17.2.3.

use wire_sip::{HeaderName, Message};

use super::via::ViaView;

/// RFC 3261 §8.1.1.7: branches that are unique begin with this.
pub(super) const MAGIC_COOKIE: &str = "z9hG4bK";

/// RFC 3261 §17.1.3: a response belongs to the client transaction of its topmost branch and its
/// method. A CANCEL shares its branch with the INVITE; every other branch is of one method.
pub(super) fn client_key(key: &mut String, branch: &str, method: &str) {
    key.clear();
    key.push_str(branch);
    if method == "CANCEL" {
        key.push_str("\nCANCEL");
    }
}

/// RFC 3261 §17.2.3: branch, sent-by and method, where an ACK belongs to the INVITE. Without the
/// magic cookie the request comes from an RFC 2543 element, and the URIs, tags and numbers decide.
pub(super) fn server_key(
    key: &mut String,
    request: &Message,
    via: &ViaView<'_>,
    method: &str,
) -> Option<()> {
    key.clear();
    match via.branch() {
        Some(branch) if branch.starts_with(MAGIC_COOKIE) => {
            key.push_str(branch);
            key.push('\n');
            key.extend(via.sent_by.chars().map(|c| c.to_ascii_lowercase()));
        }
        _ => {
            // RFC 3261 §17.2.3, the older rule. The To tag is compared by the caller: that of an
            // ACK is the one in our response, which the INVITE did not have.
            let parts = [
                request.request_uri()?,
                tag(request, HeaderName::From).unwrap_or(""),
                request.header(HeaderName::CallId)?,
                via.sent_by,
                via.branch().unwrap_or(""),
            ];
            for part in parts {
                key.push_str(part);
                key.push('\n');
            }
            key.push_str(&cseq(request)?.0.to_string());
        }
    }
    key.push('\n');
    key.push_str(method);
    Some(())
}

/// RFC 3261 §8.2.2.2: what two copies of one request have in common that came by two ways.
pub(super) fn merge_key(key: &mut String, request: &Message) -> Option<()> {
    key.clear();
    let (number, method) = cseq(request)?;
    for part in [
        tag(request, HeaderName::From).unwrap_or(""),
        request.header(HeaderName::CallId)?,
        method,
    ] {
        key.push_str(part);
        key.push('\n');
    }
    key.push_str(&number.to_string());
    Some(())
}

/// RFC 3261 §20.16.
pub(crate) fn cseq(message: &Message) -> Option<(u32, &str)> {
    let (number, method) = message
        .header(HeaderName::CSeq)?
        .split_once(|c: char| c.is_ascii_whitespace())?;
    Some((number.parse().ok()?, method.trim()))
}

/// The tag of From or To (RFC 3261 §19.3), read without allocating.
pub(crate) fn tag(message: &Message, name: HeaderName) -> Option<&str> {
    header_param(message.header(name)?, "tag")
}

/// A parameter after the address: quotes and angle brackets are stepped over.
pub(crate) fn header_param<'a>(value: &'a str, wanted: &str) -> Option<&'a str> {
    let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
    let mut start = None;
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'<' => bracketed = true,
            b'>' => bracketed = false,
            b';' if !bracketed => {
                start = Some(at + 1);
                break;
            }
            _ => {}
        }
    }
    value[start?..].split(';').find_map(|param| {
        let (name, value) = param.split_once('=').unwrap_or((param, ""));
        name.trim()
            .eq_ignore_ascii_case(wanted)
            .then_some(value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_stand_after_the_address() {
        let value = r#""a;tag=1 \";tag=2" <sip:a@b;tag=3>;x; tag = 4"#;
        assert_eq!(header_param(value, "tag"), Some("4"));
        assert_eq!(header_param("sip:a@b;tag=5", "TAG"), Some("5"));
        assert_eq!(header_param("<sip:a@b;tag=3>", "tag"), None);
    }
}
