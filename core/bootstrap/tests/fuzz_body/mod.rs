//! What the property test and the fuzz target both run: any bytes, as a client and as a server hear them.

use core_bootstrap::{Client, Limits, Method, Request, Response, Server, StatusCode};

/// Hands `data` to both halves, in channel messages of a size that its first byte says.
///
/// # Panics
/// When the cut changes what is heard, when more is held or answered than allowed, or when a half goes on
/// after its end.
pub(crate) fn fuzz(data: &[u8]) {
    let (size, data) = data.split_first().unwrap_or((&0, &[]));
    let size = usize::from(*size) + 1;
    assert_eq!(heard(data, size), heard(data, data.len().max(1)));
    answers(data, size);
}

fn limits() -> Limits {
    Limits {
        head: 256,
        headers: 4,
        request_body: 128,
        response_body: 512,
        requests: 4,
    }
}

/// The requests that a server hears, and whether it ended.
fn heard(data: &[u8], size: usize) -> (Vec<Request>, bool) {
    let limits = limits();
    let mut server = Server::new(limits, 64);
    let mut requests = Vec::new();
    // A client in order never has more than one request on the way; what overflows for being sent at
    // once is another test.
    for message in data.chunks(size.min(64)) {
        server.handle_message(message);
        loop {
            if let Some(request) = server.poll_request() {
                assert!(request.body.len() <= limits.request_body);
                assert!(request.target.len() < limits.head);
                if let Method::Other(name) = &request.method {
                    assert!(!name.is_empty());
                }
                requests.push(request);
                server.respond(&Response::of(StatusCode::NOT_FOUND));
            }
            if server.message().is_none() {
                break;
            }
            server.sent();
        }
    }
    (requests, server.has_ended())
}

/// What a client makes of it, as the answers to three requests.
fn answers(data: &[u8], size: usize) {
    let limits = limits();
    let mut client = Client::new(limits, 64);
    for _ in 0..3 {
        client.request(&Request::get("/")).expect("there is room");
    }
    let mut failed = false;
    for message in data.chunks(size) {
        while client.message().is_some() {
            client.sent();
        }
        client.handle_message(message);
        assert!(client.received() <= limits.head + limits.response_body);
        while let Some(answer) = client.poll_response() {
            assert!(!failed, "an answer after the end");
            match answer {
                Ok(response) => assert!(response.body.len() <= limits.response_body),
                Err(_) => failed = true,
            }
        }
    }
}
