//! Where a message of the core's belongs: our own tokens say it, before anything is opened.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use core_sip::address::{UriView, uri_of};
use core_sip::token;
use wire_sip::{HeaderName, Message};

/// The shard that a message from Mw is for: of the tokens in Route and Request-URI for a request, of
/// our branch for a response. `None`: any shard will do.
pub fn shard_of(message: &Message) -> Option<u16> {
    if message.is_request() {
        let route = message.values(HeaderName::Route).next().and_then(uri_of);
        return route
            .and_then(of_uri)
            .or_else(|| of_uri(message.request_uri()?));
    }
    let via = message.values(HeaderName::Via).next()?;
    let branch = wire_sip::params::find(via, "branch")?;
    let label = branch.strip_prefix("z9hG4bK")?.strip_prefix('s')?;
    label.split(['-', '.']).next()?.parse().ok()
}

/// Our part of every branch: `s3-`.
pub(crate) fn branch_label(shard: u16) -> String {
    format!("s{shard}-")
}

/// The shard of a binding, for its whole life (design: everything of one WIC lives in one shard).
pub(crate) fn of_binding(instance: &str, reg_id: &str, shards: u16) -> u16 {
    let mut hasher = DefaultHasher::new();
    (instance, reg_id).hash(&mut hasher);
    (hasher.finish() % u64::from(shards.max(1))) as u16
}

fn of_uri(uri: &str) -> Option<u16> {
    let user = UriView::parse(uri)?.user?;
    token::peek(user).map(|token| token.place().1)
}

#[cfg(test)]
mod tests {
    use core_sip::token::{AuthenticatedToken, Binding, TokenKey};

    use super::*;

    /// A NOTIFY of the core's has our contact as its Request-URI, and no Route.
    #[test]
    fn a_request_without_a_route_is_placed_by_its_uri() {
        let token = Binding {
            node: 0,
            shard: 3,
            binding: 1,
        };
        let user = TokenKey::new(&[1; 32]).seal(&AuthenticatedToken::Binding(token));
        let request = |uri: &str, route: &str| {
            let text = format!(
                "NOTIFY {uri} SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n{route}\
                 From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=2\r\nCall-ID: c\r\nCSeq: 1 NOTIFY\r\n\r\n"
            );
            shard_of(&Message::parse(text.into()).unwrap())
        };
        let ours = format!("sip:{user}@edge:5070");
        assert_eq!(request(&ours, ""), Some(3));
        assert_eq!(request(&ours, "Route: <sip:other;lr>\r\n"), Some(3));
        let route = format!("Route: <{ours};lr>\r\n");
        assert_eq!(request("sip:alice@x.invalid", &route), Some(3));
        assert_eq!(request("sip:alice@x.invalid", ""), None);
    }
}
