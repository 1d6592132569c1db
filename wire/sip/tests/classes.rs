//! Messages of our own, of the classes that RFC 4475 names: odd and valid, wrong and refused, and each refusal's answer.

use bytes::Bytes;
use wire_sip::{Fault, HeaderName, Message, Method, StatusCode, header, salvage};

const OPTIONS: &str = "OPTIONS sip:edge.example SIP/2.0\r\n\
    Via: SIP/2.0/WSS a1b2.invalid;branch=z9hG4bKq1\r\n\
    Max-Forwards: 70\r\n\
    From: \"Ana\" <sip:ana@home.example>;tag=7\r\n\
    To: <sip:edge.example>\r\n\
    Call-ID: 41f@a1b2.invalid\r\n\
    CSeq: 12 OPTIONS\r\n\
    Contact: <sip:x@a1b2.invalid;transport=ws>\r\n\
    Content-Length: 0\r\n\r\n";

fn judge(text: &str) -> Result<Message, wire_sip::Malformed> {
    let message = Message::parse(Bytes::copy_from_slice(text.as_bytes()))?;
    message.check()?;
    Ok(message)
}

fn with(from: &str, to: &str) -> String {
    assert!(OPTIONS.contains(from), "{from}");
    OPTIONS.replacen(from, to, 1)
}

#[test]
fn odd_and_valid() {
    for text in [
        OPTIONS.to_owned(),
        // White space wherever the grammar has it, and folds in the middle of values.
        with(
            "Via: SIP/2.0/WSS a1b2.invalid;branch",
            "v \t:\r\n SIP / 2.0 / WSS\r\n\t a1b2.invalid ; branch",
        ),
        with("From: \"Ana\" <", "f:\"Ana\\\"\\\\ <sip:no@body>,\"\r\n <"),
        with("CSeq: 12 OPTIONS", "cseq: 0000000012\r\n\tOPTIONS"),
        // A method of every token character.
        OPTIONS.replace("OPTIONS", "!ODD-.meth%*_+`'~0d"),
        // Escapes in user parts, and a semicolon there.
        with("sip:ana@", "sip:%00ana%3Bx;y=z@"),
        with("<sip:edge.example>", "sip:edge.example;nothing"),
        with("sip:edge.example SIP", "novel:anything/goes?here SIP"),
        with("sip:edge.example SIP", "tel:+1-555(010)0;ext=7 SIP"),
        // Control characters escaped in a quoted string.
        with("\"Ana\"", "\"A\\\u{7}\\\0\""),
        // Names in other scripts.
        with("\"Ana\"", "\"Ана 大停電\""),
        with(
            "Contact: <sip:x@a1b2.invalid;transport=ws>",
            "m: \"a,b\" <sip:x@h>;q=0.1 , <sip:y@h>\r\nm: <sip:z@h>",
        ),
        format!("\r\n\r\n{OPTIONS}"),
        format!("{OPTIONS}INVITE sip:next SIP/2.0\r\n"),
    ] {
        let message = judge(&text).unwrap_or_else(|fault| panic!("{fault}: {text}"));
        let trimmed = text.trim_start_matches(['\r', '\n']);
        assert_eq!(
            message.to_bytes(),
            &trimmed.as_bytes()[..trimmed.find("\r\n\r\n").unwrap() + 4]
        );
    }
}

#[test]
fn wrong_and_refused() {
    for (text, fault) in [
        (with("OPTIONS sip", "OPTIONS  sip"), Fault::RequestUri),
        (with("SIP/2.0\r\n", "SIP/2.0 \r\n"), Fault::StartLine),
        (with("SIP/2.0\r\n", "SIP/3.0\r\n"), Fault::Version),
        (with("SIP/2.0\r\n", "HTTP/1.1\r\n"), Fault::StartLine),
        (
            with("sip:edge.example SIP", "<sip:edge.example> SIP"),
            Fault::RequestUri,
        ),
        (
            with("sip:edge.example SIP", "sip:edge example SIP"),
            Fault::RequestUri,
        ),
        (
            with(
                "sip:edge.example SIP",
                "sip:edge.example?Route=%3Csip:evil%3E SIP",
            ),
            Fault::RequestUri,
        ),
        (
            with("sip:edge.example SIP", "edge.example SIP"),
            Fault::RequestUri,
        ),
        (with("OPTIONS sip", "OPT(ONS sip"), Fault::Method),
        (with("12 OPTIONS", "12 INVITE"), Fault::CSeqMethod),
        (
            with("12 OPTIONS", "36893488147419103232 OPTIONS"),
            Fault::CSeq,
        ),
        (with("12 OPTIONS", "OPTIONS"), Fault::CSeq),
        (with("Length: 0", "Length: -1"), Fault::ContentLength),
        (with("Length: 0", "Length: 5"), Fault::BodyTooShort),
        (
            with("Length: 0", "Length: 0\r\nl: 0"),
            Fault::Repeated(HeaderName::ContentLength),
        ),
        (
            with("To: <sip:edge.example>", "To: <sip:a>\r\nt: <sip:b>"),
            Fault::Repeated(HeaderName::To),
        ),
        (
            with("To: <sip:edge.example>\r\n", ""),
            Fault::Missing(HeaderName::To),
        ),
        (
            with("<sip:edge.example>", "\"open <sip:edge.example>"),
            Fault::Header(HeaderName::To),
        ),
        (
            with("<sip:edge.example>", "<sip:edge.example"),
            Fault::Header(HeaderName::To),
        ),
        (
            with(
                "\"Ana\" <sip:ana@home.example>",
                "Ana, B <sip:ana@home.example>",
            ),
            Fault::Header(HeaderName::From),
        ),
        (
            with("Max-Forwards: 70", "Max-Forwards: 256"),
            Fault::Header(HeaderName::MaxForwards),
        ),
        (
            with(
                "<sip:x@a1b2.invalid;transport=ws>",
                "sip:x@a1b2.invalid?Route=%3Csip:evil%3E",
            ),
            Fault::Header(HeaderName::Contact),
        ),
        (
            with("SIP/2.0/WSS a1b2.invalid", "SIP/2.0/WSS"),
            Fault::Header(HeaderName::Via),
        ),
        (
            with("Contact:", "Route: sip:not-bracketed\r\nContact:"),
            Fault::Header(HeaderName::Route),
        ),
        (
            with(
                "Contact:",
                "Date: Fri, 01 Jan 2010 16:00:00 EST\r\nContact:",
            ),
            Fault::Header(HeaderName::Date),
        ),
        (
            with("Contact:", ": nameless\r\nContact:"),
            Fault::HeaderName,
        ),
        (
            with("Contact:", "Bad Name: x\r\nContact:"),
            Fault::HeaderName,
        ),
        (with("\"Ana\"", "A\0na"), Fault::Control),
        (with("\"Ana\"", "A\rna"), Fault::LineEnd),
        (
            with("Max-Forwards: 70\r\n", "Max-Forwards: 70\n"),
            Fault::LineEnd,
        ),
        (with("Length: 0\r\n\r\n", "Length: 0\r\n"), Fault::Truncated),
    ] {
        match judge(&text) {
            Ok(_) => panic!("accepted: {text}"),
            Err(found) => assert_eq!(found.what, fault, "{text}"),
        }
    }
}

#[test]
fn too_much_of_anything() {
    let many =
        |what: &str, times: usize| with("Contact:", &format!("{}Contact:", what.repeat(times)));
    for (text, fault) in [
        (many("X-A: 1\r\n", 249), Fault::TooManyHeaders),
        (with("Ana", &"a".repeat(16_500)), Fault::LineTooLong),
        (
            with("edge.example SIP", &format!("{} SIP", "e".repeat(16_500))),
            Fault::LineTooLong,
        ),
        (
            many(&format!("X-A: {}\r\n", "a".repeat(16_000)), 5),
            Fault::MessageTooLarge,
        ),
        (
            with("Contact:", &format!("{}: 1\r\nContact:", "N".repeat(129))),
            Fault::HeaderName,
        ),
        (
            many("X-A: a\r\n \r\n", 1)
                .replace("X-A: a", &format!("X-A: a{}", "\r\n b".repeat(5_000))),
            Fault::LineTooLong,
        ),
    ] {
        assert_eq!(judge(&text).unwrap_err().what, fault);
    }
    judge(&many("X-A: 1\r\n", 248)).unwrap();
    let params = with(";tag=7", &format!(";tag=7{}", ";p".repeat(64)));
    assert_eq!(
        judge(&params).unwrap_err().what,
        Fault::Header(HeaderName::From)
    );
}

#[test]
fn each_refusal_knows_its_answer() {
    for (text, status) in [
        (with("SIP/2.0\r\n", "SIP/7.0\r\n"), 505),
        (with("Length: 0", "Length: 5"), 400),
        (with("Ana", &"a".repeat(16_500)), 513),
    ] {
        let fault = judge(&text).unwrap_err();
        assert_eq!(fault.status(), StatusCode::new(status).unwrap());
        if status != 513 {
            let answer = salvage::response(text.as_bytes(), &fault).expect("it names its sender");
            assert_eq!(answer.status().unwrap().as_u16(), status);
            assert_eq!(answer.call_id(), "41f@a1b2.invalid");
            assert_eq!(answer.method(), Method::Options);
        }
    }
}

#[test]
fn typed_views_say_which_field_is_wrong() {
    let message = judge(OPTIONS).unwrap();
    assert_eq!(message.require::<header::MaxForwards>().unwrap().0, 70);
    assert_eq!(message.typed::<header::Expires>().unwrap(), None);
    assert_eq!(
        message.require::<header::Expires>().unwrap_err(),
        wire_sip::HeaderError::Missing(HeaderName::Expires)
    );
    assert_eq!(message.all::<header::Contact>().count(), 1);
    let bad = judge(&with("Contact:", "Session-Expires: soon\r\nContact:")).unwrap();
    assert_eq!(
        bad.typed::<header::SessionExpires>().unwrap_err().name(),
        HeaderName::SessionExpires
    );
}
