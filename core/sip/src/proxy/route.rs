use wire_sip::{HeaderName, Message};

use crate::address::{UriView, uri_of};

/// RFC 3261 §16.4 — takes the values out of Route that are ours, topmost first, and undoes what a
/// strict router did to the Request-URI. With a pair of Record-Routes (RFC 5658 §5) there are two.
pub fn take_own_routes(
    request: &mut Message,
    is_ours: impl Fn(&UriView<'_>) -> bool,
) -> Vec<String> {
    let mut own = Vec::new();
    // A Request-URI that we put into Record-Route: a strict router put it there, and the real one
    // at the end of Route.
    let uri = request.request_uri().unwrap_or("").to_owned();
    let strict = UriView::parse(&uri).is_some_and(|uri| uri.is_loose() && is_ours(&uri));
    if strict {
        let routes: Vec<String> = request
            .values(HeaderName::Route)
            .map(str::to_owned)
            .collect();
        if let Some((last, rest)) = routes.split_last() {
            if let Some(target) = uri_of(last) {
                request.set_request_uri(target);
            }
            request.remove(HeaderName::Route);
            for route in rest {
                request.push_back(HeaderName::Route, route);
            }
            own.push(uri);
        }
    }
    loop {
        let top = request.values(HeaderName::Route).next();
        let Some(uri) = top.map(|top| uri_of(top).unwrap_or(top).to_owned()) else {
            break;
        };
        if !UriView::parse(&uri).is_some_and(|uri| is_ours(&uri)) {
            break;
        }
        own.push(uri);
        request.remove_first_value(HeaderName::Route);
    }
    own
}

/// RFC 3261 §16.6 items 3, 6 and 7 — counts Max-Forwards down, makes way for a strict router, and
/// says which URI decides where the request goes.
pub fn forward(request: &mut Message) -> String {
    let hops = request
        .header(HeaderName::MaxForwards)
        .and_then(|value| value.trim().parse::<u32>().ok());
    let hops = hops.map_or(70, |hops| hops.saturating_sub(1).min(255));
    request.set(HeaderName::MaxForwards, hops);

    let target = request.request_uri().unwrap_or("").to_owned();
    let Some(top) = request.values(HeaderName::Route).next() else {
        return target;
    };
    let next = uri_of(top).unwrap_or(top).to_owned();
    if !UriView::parse(&next).is_some_and(|uri| uri.is_loose()) {
        request.remove_first_value(HeaderName::Route);
        request.push_back(HeaderName::Route, format_args!("<{target}>"));
        request.set_request_uri(&next);
    }
    next
}
