use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

use wire_sip::{HeaderName, Message, StatusCode};

use crate::{address::UriView, reply, transaction::ViaView, transaction::tag};

/// A request that goes no further, and what its sender is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the response.
    pub status: StatusCode,
    /// Header fields that explain it.
    pub headers: Vec<(HeaderName, String)>,
}

impl Refusal {
    /// A status that needs no explanation.
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
        }
    }

    /// With one more header field.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The response.
    pub fn answer(&self, request: &Message, to_tag: &str) -> Message {
        let mut response = reply(request, self.status, to_tag);
        for (name, value) in &self.headers {
            response.push_back(*name, value);
        }
        response
    }
}

/// RFC 3261 §16.6 item 8: what a request looked like when it came, as our branches carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopHash(u64);

impl fmt::Display for LoopHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// RFC 3261 §16.6 item 8: a request that comes back with all of this unchanged is in a loop; one
/// that comes back with something changed is in a spiral, which is allowed.
pub fn loop_hash(request: &Message) -> LoopHash {
    let mut hasher = DefaultHasher::new();
    request.request_uri().hash(&mut hasher);
    for name in [HeaderName::From, HeaderName::To] {
        tag(request, name).hash(&mut hasher);
    }
    for name in [HeaderName::CallId, HeaderName::CSeq] {
        request.header(name).hash(&mut hasher);
    }
    for name in [HeaderName::ProxyRequire, HeaderName::Route] {
        request
            .values(name)
            .for_each(|value| value.hash(&mut hasher));
    }
    LoopHash(hasher.finish())
}

/// RFC 3261 §16.3 — may this request be forwarded at all?
///
/// `sent_by` is what we write into Via, `supported` the option tags that we support in
/// Proxy-Require, `schemes` those of the Request-URIs that we can route.
pub fn check_request(
    request: &Message,
    sent_by: &[&str],
    supported: &[&str],
    schemes: &[&str],
) -> Result<LoopHash, Refusal> {
    // Item 2: a Request-URI scheme that we do not understand.
    let uri = request.request_uri().unwrap_or("");
    let scheme = UriView::parse(uri).ok_or(Refusal::new(StatusCode::BAD_REQUEST))?;
    if !schemes
        .iter()
        .any(|known| known.eq_ignore_ascii_case(scheme.scheme))
    {
        return Err(Refusal::new(StatusCode::UNSUPPORTED_URI_SCHEME));
    }
    // Item 3: Max-Forwards. No value is as good as any.
    if let Some(value) = request.header(HeaderName::MaxForwards) {
        match value.trim().parse::<u32>() {
            Ok(0) => return Err(Refusal::new(StatusCode::TOO_MANY_HOPS)),
            Ok(_) => {}
            Err(_) => return Err(Refusal::new(StatusCode::BAD_REQUEST)),
        }
    }
    // Item 4: loops. Our own Via with the same hash in its branch says that this was here before.
    let hash = loop_hash(request);
    let suffix = hash.to_string();
    let looped = request
        .values(HeaderName::Via)
        .filter_map(ViaView::parse)
        .any(|via| {
            let ours = sent_by
                .iter()
                .any(|own| own.eq_ignore_ascii_case(via.sent_by));
            let branch = via.branch().and_then(|branch| branch.rsplit_once('.'));
            ours && branch.is_some_and(|(_, hash)| hash == suffix)
        });
    if looped {
        return Err(Refusal::new(StatusCode::LOOP_DETECTED));
    }
    // Item 5: Proxy-Require.
    check_extensions(request, HeaderName::ProxyRequire, supported)?;
    Ok(hash)
}

/// RFC 3261 §8.2.2.3, §16.3 item 5 — nothing is required of us, in Require or Proxy-Require, that is not
/// among the option tags `supported`.
pub fn check_extensions(
    request: &Message,
    header: HeaderName,
    supported: &[&str],
) -> Result<(), Refusal> {
    let unknown: Vec<&str> = request
        .values(header)
        .filter(|tag| {
            !supported
                .iter()
                .any(|known| known.eq_ignore_ascii_case(tag))
        })
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::BAD_EXTENSION).with(HeaderName::Unsupported, unknown.join(", ")))
}
