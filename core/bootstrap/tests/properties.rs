//! Whatever comes over a bootstrap channel, limits hold and nothing panics; what is written is read.
#![allow(missing_docs, clippy::unwrap_used)]

mod fuzz_body;

use core_bootstrap::{
    Client, EntityTag, Limits, Method, Request, Response, Server, StatusCode, Target,
};
use fuzz_body::fuzz;
use proptest::collection::vec;
use proptest::prelude::*;

fn request() -> impl Strategy<Value = Request> {
    (
        prop_oneof![
            Just(Method::Get),
            Just(Method::Post),
            Just(Method::Head),
            "[A-Z]{5,8}".prop_map(Method::Other),
        ],
        "/[!-~]{0,60}",
        proptest::option::of("[!-+\\--~]{1,20}"),
        vec(any::<u8>(), 0..300),
    )
        .prop_map(|(method, target, if_none_match, body)| Request {
            method,
            target,
            if_none_match,
            content_type: None,
            body: body.into(),
        })
}

fn response() -> impl Strategy<Value = Response> {
    (
        200_u16..600,
        proptest::option::of("[!#-+\\--~]{1,20}"),
        vec(any::<u8>(), 0..3000),
    )
        .prop_map(|(status, etag, body)| Response {
            etag: etag.and_then(EntityTag::new),
            body: if matches!(status, 204 | 304) {
                Vec::new().into()
            } else {
                body.into()
            },
            ..Response::of(StatusCode(status))
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_do_no_harm(data in vec(any::<u8>(), 0..600)) {
        fuzz(&data);
    }

    #[test]
    fn what_looks_like_http_does_no_harm(
        size in any::<u8>(),
        lines in vec("(GET / HTTP/1.1|HTTP/1.1 200 OK|POST /x HTTP/1.0|Content-Length: [0-9]{1,3}|ETag: a|Host: x| folded|[ -~]{0,30}|)(\r\n|\r\n\r\n|\n)", 0..12),
    ) {
        let mut data = vec![size];
        data.extend(lines.concat().into_bytes());
        fuzz(&data);
    }

    /// TS 26.114 §6.2.10 — whatever the size of channel messages, what is asked is heard and what is
    /// answered comes back, in order.
    #[test]
    fn what_is_asked_is_answered(
        exchanges in vec((request(), response()), 1..5),
        up in 1_usize..200,
        down in 1_usize..200,
    ) {
        let mut client = Client::new(Limits::default(), up);
        let mut server = Server::new(Limits::default(), down);
        for (request, _) in &exchanges {
            client.request(request).unwrap();
        }
        let mut answers = Vec::new();
        let mut asked = Vec::new();
        while answers.len() < exchanges.len() {
            let mut moved = false;
            if let Some(message) = client.message() {
                prop_assert!(message.len() <= up);
                client.sent();
                server.handle_message(&message);
                moved = true;
            }
            if let Some(request) = server.poll_request() {
                server.respond(&exchanges[asked.len()].1);
                asked.push(request);
                moved = true;
            }
            if let Some(message) = server.message() {
                prop_assert!(message.len() <= down);
                server.sent();
                client.handle_message(&message);
                moved = true;
            }
            if let Some(answer) = client.poll_response() {
                answers.push(answer.unwrap());
            }
            prop_assert!(moved);
        }
        for (((request, response), asked), answer) in exchanges.iter().zip(&asked).zip(&answers) {
            prop_assert_eq!(request, asked);
            prop_assert_eq!(response.status, answer.status);
            prop_assert_eq!(&response.etag, &answer.etag);
            if request.method == Method::Head {
                prop_assert!(answer.body.is_empty());
            } else {
                prop_assert_eq!(&response.body, &answer.body);
            }
        }
    }

    #[test]
    fn an_application_is_asked_for_by_whatever_name(name in ".{0,40}") {
        let request = Request::package(&name, None);
        let target = Target::parse(&request.target).unwrap();
        prop_assert_eq!(target.path, "/applications");
        prop_assert_eq!(target.parameter("appid").unwrap(), name);
    }
}
