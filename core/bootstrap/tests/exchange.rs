//! One exchange after the other, as they are on the wire.
#![allow(missing_docs, clippy::unwrap_used)]

use core_bootstrap::{
    Client, EntityTag, Failed, Limits, Malformed, Method, Refused, Request, Response, Server,
    StatusCode, Target,
};

fn server() -> Server {
    Server::new(Limits::default(), 16 * 1024)
}

fn client() -> Client {
    Client::new(Limits::default(), 16 * 1024)
}

/// All that leaves, as one string.
fn sent(server: &mut Server) -> String {
    let mut all = Vec::new();
    while let Some(message) = server.message() {
        all.extend_from_slice(&message);
        server.sent();
    }
    String::from_utf8(all).unwrap()
}

/// The bytes that China Telecom's terminal SDK writes: origin form, no Host, no other header.
#[test]
fn the_requests_of_an_sdk_in_the_field_are_heard() {
    let mut server = server();
    server.handle_message(
        b"GET /applicationlist?begin-index=0&app-num=100&sdkVersion=1.0.3 HTTP/1.1\r\n\r\n",
    );
    let request = server.poll_request().unwrap();
    let target = Target::parse(&request.target).unwrap();
    assert_eq!(target.path, "/applicationlist");
    assert_eq!(target.parameter("app-num").unwrap(), "100");
    let tag = EntityTag::new("7").unwrap();
    server.respond(&Response::ok("application/json", tag.clone(), "{}"));
    assert_eq!(
        sent(&mut server),
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"7\"\r\n\
         Content-Type: application/json\r\n\r\n{}"
    );

    server.handle_message(
        b"GET /applications?appid=10000005&sdkVersion=1.0.3 HTTP/1.1\r\nIf-None-Match: \"7\"\r\n\r\n",
    );
    let request = server.poll_request().unwrap();
    assert!(tag.is_among(request.if_none_match.as_deref().unwrap()));
    server.respond(&Response::not_modified(tag));
    // Its reader waits for ever for an answer without Content-Length.
    assert_eq!(
        sent(&mut server),
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\nETag: \"7\"\r\n\r\n"
    );
}

/// China Mobile's asks for the root, with what it is.
#[test]
fn the_root_is_asked_for_with_parameters() {
    let mut server = server();
    server.handle_message(
        b"GET /?Terminal_Vendor=x&Terminal_Model=y HTTP/1.1\r\nIf-None-Match: 12\r\n\r\n",
    );
    let request = server.poll_request().unwrap();
    assert_eq!(Target::parse(&request.target).unwrap().path, "/");
    assert_eq!(request.if_none_match.as_deref(), Some("12"));
}

/// TS 26.114 §6.2.10
#[test]
fn our_request_has_no_host_and_no_length() {
    let mut client = client();
    let tag = EntityTag::new("7").unwrap();
    client
        .request(&Request::package("a b", Some(&tag)))
        .unwrap();
    assert_eq!(
        client.message().unwrap(),
        "GET /applications?appid=a%20b HTTP/1.1\r\nIf-None-Match: \"7\"\r\n\r\n"
    );
}

#[test]
fn one_request_at_a_time() {
    let mut client = client();
    client.request(&Request::get("/a")).unwrap();
    client.request(&Request::get("/b")).unwrap();
    assert!(client.message().unwrap().starts_with(b"GET /a "));
    client.sent();
    assert_eq!(client.message(), None);
    client.handle_message(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.poll_response().unwrap().unwrap().status.0, 404);
    assert!(client.message().unwrap().starts_with(b"GET /b "));
}

#[test]
fn a_server_answers_one_after_the_other_even_if_asked_at_once() {
    let mut server = server();
    server.handle_message(b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
    assert_eq!(server.poll_request().unwrap().target, "/a");
    assert_eq!(server.poll_request(), None);
    server.respond(&Response::of(StatusCode::NOT_FOUND));
    assert_eq!(server.poll_request(), None, "the answer is not out yet");
    sent(&mut server);
    assert_eq!(server.poll_request().unwrap().target, "/b");
}

#[test]
fn an_answer_goes_in_messages_that_the_peer_takes() {
    let mut server = Server::new(Limits::default(), 1024);
    server.handle_message(b"GET / HTTP/1.1\r\n\r\n");
    let _ = server.poll_request().unwrap();
    let tag = EntityTag::new("x").unwrap();
    let body = vec![b'x'; 100_000];
    server.respond(&Response::ok("application/zip", tag, body));
    let mut lengths = Vec::new();
    while let Some(message) = server.message() {
        lengths.push(message.len());
        server.sent();
    }
    assert!(lengths.iter().all(|length| *length <= 1024));
    assert!(lengths.len() < 102, "messages are full: {}", lengths.len());
}

#[test]
fn a_message_that_is_not_taken_stays_the_next() {
    let mut server = server();
    server.handle_message(b"GET / HTTP/1.1\r\n\r\n");
    let _ = server.poll_request().unwrap();
    server.respond(&Response::of(StatusCode::NOT_FOUND));
    assert_eq!(server.message(), server.message());
}

/// RFC 9112 §2.2
#[test]
fn empty_lines_before_a_request_are_nothing() {
    let mut server = server();
    server.handle_message(b"\r");
    assert_eq!(server.poll_request(), None);
    server.handle_message(b"\n\r\nGET / HTTP/1.1\r\n\r\n");
    assert!(server.poll_request().is_some());
}

#[test]
fn what_is_no_request_is_answered_and_ends_the_channel() {
    for (bytes, status) in [
        (&b"GET / HTTP/2.0\r\n\r\n"[..], 505),
        (b"GET /\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\n\r\n", 400),
        (b"G(T / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA : b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA\nB: c\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1, 2\r\n\r\n", 400),
        (
            b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
            400,
        ),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            501,
        ),
        (b"GET / HTTP/1.1\r\nA: \xff\r\n\r\n", 400),
    ] {
        let mut server = server();
        server.handle_message(bytes);
        assert_eq!(server.poll_request(), None);
        let answer = sent(&mut server);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{status}: {answer}"
        );
        assert!(answer.contains("Connection: close\r\n"));
        assert!(server.has_ended());
        server.handle_message(b"GET / HTTP/1.1\r\n\r\n");
        assert_eq!(server.poll_request(), None);
    }
}

#[test]
fn a_header_without_end_is_refused_before_it_fills_memory() {
    let mut server = server();
    for _ in 0..10 {
        server.handle_message(&[b'x'; 8 * 1024]);
        assert_eq!(server.poll_request(), None);
    }
    assert!(sent(&mut server).starts_with("HTTP/1.1 431 "));
}

#[test]
fn who_does_not_wait_for_answers_is_refused() {
    let mut server = server();
    server.handle_message(b"GET / HTTP/1.1\r\n\r\n");
    let _ = server.poll_request().unwrap();
    for _ in 0..20 {
        server.handle_message(&b"GET / HTTP/1.1\r\n\r\n".repeat(400));
    }
    assert!(server.has_ended());
    server.respond(&Response::of(StatusCode::OK));
    assert_eq!(sent(&mut server), "");
}

/// RFC 9112 §6.3, RFC 9110 §15.2
#[test]
fn what_has_no_body_has_none() {
    let mut client = client();
    for request in [Request::get("/a"), Request::get("/b")] {
        client.request(&request).unwrap();
    }
    client
        .request(&Request {
            method: Method::Head,
            ..Request::get("/c")
        })
        .unwrap();
    client.handle_message(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\r\nETag: x\r\n");
    assert_eq!(client.poll_response(), None);
    client.handle_message(b"Content-Length: 5\r\n\r\n");
    assert_eq!(client.poll_response().unwrap().unwrap().status.0, 304);
    client.handle_message(b"HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(client.poll_response().unwrap().unwrap().status.0, 204);
    client.handle_message(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    assert!(client.poll_response().unwrap().unwrap().body.is_empty());
}

#[test]
fn what_is_no_answer_is_the_end() {
    for (bytes, wrong) in [
        (
            &b"HTTP/1.1 200 OK\r\n\r\nbody"[..],
            Malformed::NoContentLength,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            Malformed::TransferEncoding,
        ),
        (b"HTTP/1.1 2000 OK\r\n\r\n", Malformed::StartLine),
        (b"HTTP/3.0 200 OK\r\n\r\n", Malformed::Version),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n",
            Malformed::BodyTooLarge,
        ),
    ] {
        let mut client = client();
        client.request(&Request::get("/")).unwrap();
        client.handle_message(bytes);
        assert_eq!(client.poll_response(), Some(Err(Failed(wrong))));
        assert_eq!(client.poll_response(), None);
        assert_eq!(client.request(&Request::get("/")), Err(Refused::Ended));
    }
}

#[test]
fn more_than_the_answer_ends_the_channel_after_it() {
    let mut client = client();
    client.request(&Request::get("/")).unwrap();
    client.handle_message(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc");
    assert_eq!(client.poll_response().unwrap().unwrap().body, "a");
    assert_eq!(
        client.poll_response(),
        Some(Err(Failed(Malformed::Unasked)))
    );
}

#[test]
fn what_cannot_be_written_is_not_asked() {
    let mut client = client();
    for target in ["", "/a b", "/a\r\nHost: x", "/\u{e4}"] {
        let refused = client.request(&Request::get(target));
        assert_eq!(refused, Err(Refused::Unwritable), "{target}");
    }
    let mut request = Request::get("/");
    request.if_none_match = Some("a\r\nb".to_owned());
    assert_eq!(client.request(&request), Err(Refused::Unwritable));
    let request = Request::get("/".repeat(20_000));
    assert_eq!(client.request(&request), Err(Refused::TooLarge));
    for _ in 0..=Limits::default().requests {
        client.request(&Request::get("/")).unwrap();
    }
    let refused = client.request(&Request::get("/"));
    assert_eq!(refused, Err(Refused::TooMany));
}
