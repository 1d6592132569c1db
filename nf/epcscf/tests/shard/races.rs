//! Messages that cross.

use wire_sip::{HeaderName, Message, StatusCode};

use super::support::*;

fn with_sdp(mut message: Message, sdp: &str) -> Message {
    message.set_body(Some("application/sdp"), sdp.as_bytes().to_vec());
    message
}

fn cancel_of(request: &Message) -> Message {
    let mut head = request.clone();
    head.remove_body();
    let text = String::from_utf8(head.to_bytes().to_vec()).unwrap();
    let text = text.replacen("INVITE sip", "CANCEL sip", 1);
    message(&text.replace(" INVITE\r\n", " CANCEL\r\n"))
}

fn statuses(bench: &mut Bench, count: usize) -> Vec<u16> {
    (0..count)
        .filter_map(|_| bench.at_wic().status())
        .map(StatusCode::as_u16)
        .collect()
}

#[test]
fn a_change_that_is_cancelled_while_the_gateway_is_asked_leaves_the_call() {
    let mut bench = Bench::new();
    let ok = bench.talks();
    bench.gateway_holds = true;
    let more = wic_sdp().replace("o=- 1 2", "o=- 1 3");
    let media = more[more.find("m=").unwrap()..].replace("a=mid:0", "a=mid:1");
    let change = with_sdp(in_dialog("INVITE", 2, &ok), &(more + &media));
    bench.wic_says(&change);
    bench.wic_says(&cancel_of(&change));
    let said = statuses(&mut bench, 2);
    assert!(said.contains(&200) && said.contains(&487), "{said:?}");
    bench.gateway_goes_on();
    assert!(bench.core_is_quiet(), "the core never hears of it");
    assert_eq!(bench.shard.counters().sessions, 1);
    // What was made for it is given up again.
    let last = bench.commands.last();
    assert!(
        matches!(last, Some(core_iq::Command::Subtract { .. })),
        "{last:?}"
    );
    // The next one goes as if it had not been.
    let hold = wic_sdp()
        .replace("o=- 1 2", "o=- 1 4")
        .replace("sendrecv", "sendonly");
    bench.wic_says(&with_sdp(in_dialog("INVITE", 3, &ok), &hold));
    assert_eq!(bench.at_core().header(HeaderName::CSeq), Some("3 INVITE"));
}

#[test]
fn a_change_that_is_cancelled_in_the_queue_leaves_the_call() {
    let mut bench = Bench::new();
    let ok = bench.talks();
    bench.gateway_holds = true;
    let more = wic_sdp().replace("o=- 1 2", "o=- 1 3");
    let media = more[more.find("m=").unwrap()..].replace("a=mid:0", "a=mid:1");
    bench.wic_says(&with_sdp(in_dialog("UPDATE", 2, &ok), &(more + &media)));
    let change = in_dialog("INVITE", 3, &ok);
    bench.wic_says(&change);
    bench.wic_says(&cancel_of(&change));
    let said = statuses(&mut bench, 2);
    assert!(said.contains(&200) && said.contains(&487), "{said:?}");
    bench.gateway_goes_on();
    assert_eq!(bench.at_core().header(HeaderName::CSeq), Some("2 UPDATE"));
    assert!(bench.core_is_quiet(), "the re-INVITE does not follow");
    assert_eq!(bench.shard.counters().sessions, 1);
}

/// RFC 3311 §5.1: for the WIC the 183 was a preview, and its offer is still open.
#[test]
fn an_update_that_overtakes_the_answer_is_491_and_the_answer_arrives() {
    let mut bench = Bench::new();
    bench.register();
    bench.wic_says(&invite("sip:bob@home.example", &wic_sdp()));
    let request = bench.at_core();
    let progress = StatusCode::new(183).unwrap();
    bench.core_says(&answer(&request, progress, "bob", Some(&core_sdp())));
    let early = bench.at_wic();
    let routes: Vec<&str> = early.values(HeaderName::RecordRoute).collect();
    let update = message(&format!(
        "UPDATE sip:alice@alice.invalid;transport=ws SIP/2.0\r\nVia: SIP/2.0/UDP {CORE};branch=z9hG4bKupdate\r\n\
         Max-Forwards: 60\r\nRoute: {}\r\nFrom: {}\r\nTo: <sip:alice@{HOME}>;tag=alice\r\n\
         Call-ID: call\r\nCSeq: 1 UPDATE\r\nContact: <sip:bob@192.0.2.99:5060>\r\nContent-Length: 0\r\n\r\n",
        routes.join(", "),
        early.header(HeaderName::To).unwrap(),
    ));
    bench.core_says(&with_sdp(update, &moved("30500")));
    assert_eq!(bench.at_core().status(), Some(StatusCode::REQUEST_PENDING));
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    let ok = bench.at_wic();
    assert_eq!(ok.body(), early.body());
}
