//! What holds for every message: parsing never panics, an unedited message leaves as it came, an edit leaves every other
//! line as it was, and what is written parses again.

mod fuzz_body;

use bytes::Bytes;
use fuzz_body::fuzz;
use proptest::prelude::*;
use wire_sip::{HeaderName, Message};

/// Lines of a message in any order, with folds, compact names and odd values.
fn line() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        "[A-Za-z][A-Za-z-]{0,12}",
        Just("k".to_owned()),
        Just("Route".to_owned()),
        Just("Supported".to_owned())
    ];
    let value = "[ -~]{0,40}";
    (name, value, any::<bool>()).prop_filter_map(
        "single fields are given once",
        |(name, value, fold)| {
            let value: String = value.chars().filter(|c| *c != '\\').collect();
            let taken =
                HeaderName::parse(&name).is_single() || HeaderName::parse(&name) == HeaderName::Via;
            (!taken).then(|| {
                if fold {
                    format!("{name} : {value}\r\n\tx")
                } else {
                    format!("{name}:{value}")
                }
            })
        },
    )
}

fn message() -> impl Strategy<Value = String> {
    (proptest::collection::vec(line(), 0..40), "[ -~]{0,60}").prop_map(|(lines, body)| {
        let mut text = String::from(
            "MESSAGE sip:b@home.example SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n",
        );
        for line in lines {
            text += &line;
            text += "\r\n";
        }
        text + "To: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 MESSAGE\r\n\r\n" + &body
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn anything_at_all(data in proptest::collection::vec(any::<u8>(), 0..600)) {
        fuzz(&data);
    }

    #[test]
    fn almost_a_message(text in message(), at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        let mut data = text.into_bytes();
        let at = at.index(data.len());
        data[at] = byte;
        fuzz(&data);
        fuzz(&data[..at]);
    }

    #[test]
    fn unedited_it_leaves_as_it_came(text in message()) {
        let message = Message::parse(Bytes::from(text.clone())).expect("it is a message");
        prop_assert_eq!(message.to_bytes(), text.as_bytes());
        let mut out = Vec::new();
        message.write_to(&mut out);
        prop_assert_eq!(&out, text.as_bytes());
        prop_assert_eq!(message.wire_len(), text.len());
    }

    #[test]
    fn an_edit_leaves_every_other_line(text in message(), value in "[ -~\r\n]{1,30}") {
        let message = Message::parse(Bytes::from(text.clone())).expect("it is a message");
        let before: Vec<_> = message.headers().map(|h| (h.name.to_owned(), h.value.to_owned())).collect();

        let mut edited = message.clone();
        edited.push_front(HeaderName::Route, &value);
        edited.push_back(HeaderName::Path, &value);
        let again = Message::parse(edited.to_bytes()).expect("an edited message is a message");
        prop_assert_eq!(again.headers().count(), before.len() + 2);
        let mut after: Vec<_> = again.headers().map(|h| (h.name.to_owned(), h.value.to_owned())).collect();
        let added = after.iter().position(|(name, _)| name == "Route").expect("the new line is the first of its name");
        after.remove(added);
        let added = after.iter().rposition(|(name, _)| name == "Path").expect("it is there");
        after.remove(added);
        prop_assert_eq!(&after, &before);
        prop_assert_eq!(again.body(), message.body());

        let mut removed = message.clone();
        removed.remove(HeaderName::Supported);
        let expected = before.iter().filter(|(name, _)| HeaderName::parse(name) != HeaderName::Supported).count();
        prop_assert_eq!(Message::parse(removed.to_bytes()).expect("still a message").headers().count(), expected);
    }
}
