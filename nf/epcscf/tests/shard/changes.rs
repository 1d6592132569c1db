//! Changes of a call that fail, half succeed, move an end or come without end (RFC 6141, RFC 3264 §8).

use wire_sip::{HeaderName, Message, StatusCode};

use super::support::*;

fn with_sdp(mut message: Message, sdp: &str) -> Message {
    message.set_body(Some("application/sdp"), sdp.as_bytes().to_vec());
    message
}

/// A request of bob's.
fn bobs(method: &str, cseq: u32, of: &Message) -> Message {
    let routes: Vec<&str> = of.values(HeaderName::RecordRoute).collect();
    message(&format!(
        "{method} sip:alice@alice.invalid;transport=ws SIP/2.0\r\nVia: SIP/2.0/UDP {CORE};branch=z9hG4bK{method}{cseq}\r\n\
         Max-Forwards: 60\r\nRoute: {}\r\nFrom: {}\r\nTo: <sip:alice@{HOME}>;tag=alice\r\n\
         Call-ID: call\r\nCSeq: {cseq} {method}\r\nContact: <sip:bob@192.0.2.99:5060>\r\nContent-Length: 0\r\n\r\n",
        routes.join(", "),
        of.header(HeaderName::To).unwrap(),
    ))
}

fn wics(version: u32, direction: &str) -> String {
    wic_sdp()
        .replace("o=- 1 2", &format!("o=- 1 {version}"))
        .replace("sendrecv", direction)
}

fn cores(version: u32, port: u16, direction: &str) -> String {
    core_sdp()
        .replace("far 5 5", &format!("far 5 {version}"))
        .replace("30000", &port.to_string())
        .replace("sendrecv", direction)
}

/// Where the gateway was last told that the core listens, and whether it sends there.
fn to_core(bench: &Bench) -> Option<(u16, bool)> {
    let mut told = bench.commands.iter().rev();
    told.find_map(|command| match command {
        core_iq::Command::Configure { streams, .. } => {
            let core = streams.first()?.core.as_ref()?;
            Some((core.remote_rtp?.port(), core.gate?.send))
        }
        _ => None,
    })
}

/// Bob answers a change of alice's in a reliable 183, and gets his PRACK.
fn answers_reliably(bench: &mut Bench, change: &Message, sdp: &str, prack: u32) -> Message {
    let progress = StatusCode::new(183).unwrap();
    let mut early = answer(change, progress, "bob", Some(sdp));
    early.push_back(HeaderName::Require, "100rel");
    early.push_back(HeaderName::RSeq, 1);
    bench.core_says(&early);
    let early = bench.at_wic();
    let mut request = in_dialog("PRACK", prack, &early);
    let number = prack - 1;
    request.push_back(HeaderName::RAck, format_args!("1 {number} INVITE"));
    bench.wic_says(&request);
    let request = bench.at_core();
    bench.core_says(&Message::response_to(&request, StatusCode::OK, None));
    bench.at_wic();
    early
}

fn changes(bench: &mut Bench, ok: &Message, cseq: u32, sdp: &str) -> Message {
    let mut change = with_sdp(in_dialog("INVITE", cseq, ok), sdp);
    change.push_back(HeaderName::Supported, "100rel");
    bench.wic_says(&change);
    bench.at_core()
}

/// RFC 3261 §14.1: as if it had not been.
#[test]
fn a_re_invite_that_fails_behind_its_reliable_answer_leaves_the_call_as_it_was() {
    let mut bench = Bench::new();
    let ok = bench.talks();
    assert_eq!(to_core(&bench), Some((30_000, true)));
    let change = changes(&mut bench, &ok, 2, &wics(3, "recvonly"));
    answers_reliably(&mut bench, &change, &cores(6, 30_500, "sendonly"), 3);
    assert_eq!(to_core(&bench), Some((30_500, false)));
    let busy = StatusCode::new(486).unwrap();
    bench.core_says(&answer(&change, busy, "bob", None));
    assert_eq!(to_core(&bench), Some((30_000, true)));
}

/// RFC 6337 §3.1.1: the answer is what came reliably, whatever preview comes late or once more.
#[test]
fn a_preview_that_comes_again_after_the_reliable_answer_moves_nothing() {
    let mut bench = Bench::new();
    let ok = bench.talks();
    let change = changes(&mut bench, &ok, 2, &wics(3, "recvonly"));
    let progress = StatusCode::new(183).unwrap();
    let early = cores(6, 30_400, "sendonly");
    let preview = answer(&change, progress, "bob", Some(&early));
    bench.core_says(&preview);
    bench.at_wic();
    assert_eq!(to_core(&bench), Some((30_400, false)));
    answers_reliably(&mut bench, &change, &cores(6, 30_500, "sendonly"), 3);
    let commands = bench.commands.len();
    bench.core_says(&preview);
    assert_eq!(bench.commands.len(), commands, "the gateway is left alone");
    bench.core_says(&answer(&change, StatusCode::OK, "bob", None));
    assert_eq!(to_core(&bench), Some((30_500, false)));
}

/// An m-line that is added and answered with port 0 is not left with a gateway that refuses the rest of the answer.
#[test]
fn a_stream_that_nobody_took_is_given_back_though_its_answer_cannot_be_served() {
    let mut bench = Bench::new();
    let ok = bench.talks();
    let two = |version| {
        let one = wics(version, "sendrecv");
        let more = one[one.find("m=").unwrap()..].replace("a=mid:0", "a=mid:1");
        format!("{one}{more}")
    };
    let change = changes(&mut bench, &ok, 2, &two(3));
    let none = cores(6, 30_500, "sendrecv") + "m=audio 0 RTP/AVP 0\r\n";
    bench.gateway_refuses_change = true;
    bench.core_says(&answer(&change, StatusCode::OK, "bob", Some(&none)));
    let refused = bench.at_wic();
    assert_eq!(refused.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    let given_back = |command: &core_iq::Command| matches!(command, core_iq::Command::Subtract { streams, .. } if streams[..] == [core_iq::StreamId(1)]);
    assert!(
        bench.commands.iter().any(given_back),
        "{:?}",
        bench.commands
    );
    assert_eq!(to_core(&bench), Some((30_000, true)), "as it was");
    assert_eq!(bench.shard.counters().sessions, 1);
}

/// RFC 6141 §3.4: what an UPDATE has changed in the meantime stays.
#[test]
fn an_update_inside_a_re_invite_that_fails_keeps_what_it_has_changed() {
    let mut bench = Bench::new();
    let ok = bench.talks();
    let change = changes(&mut bench, &ok, 2, &wics(3, "recvonly"));
    let early = answers_reliably(&mut bench, &change, &cores(6, 30_500, "sendonly"), 3);
    bench.core_says(&with_sdp(
        bobs("UPDATE", 1, &early),
        &cores(7, 30_700, "sendrecv"),
    ));
    let update = bench.at_wic();
    let mine = wics(4, "sendrecv").replace("actpass", "active");
    bench.wic_says(&answer(&update, StatusCode::OK, "alice", Some(&mine)));
    assert_eq!(bench.at_core().status(), Some(StatusCode::OK));
    bench.core_says(&answer(
        &change,
        StatusCode::NOT_ACCEPTABLE_HERE,
        "bob",
        None,
    ));
    assert_eq!(to_core(&bench), Some((30_700, true)));
    assert_eq!(bench.shard.counters().sessions, 1);
}

/// What the gateway has no room for was never begun: the change around it goes on.
#[test]
fn an_update_that_the_gateway_refuses_inside_a_re_invite_leaves_the_re_invite() {
    let mut bench = Bench::new();
    let ok = bench.talks();
    let change = changes(&mut bench, &ok, 2, &wics(3, "recvonly"));
    let early = answers_reliably(&mut bench, &change, &cores(6, 30_500, "sendonly"), 3);
    bench.gateway_is_full = true;
    let video = "m=video 30800 RTP/AVP 31\r\nc=IN IP4 192.0.2.4\r\n";
    let more = cores(7, 30_700, "sendrecv") + video;
    bench.core_says(&with_sdp(bobs("UPDATE", 1, &early), &more));
    let refused = bench.at_core().status().map(StatusCode::as_u16);
    assert_eq!(refused, Some(503));
    assert_eq!(
        to_core(&bench),
        Some((30_500, false)),
        "the 183 still holds"
    );
    let last = bench.commands.len();
    bench.core_says(&answer(&change, StatusCode::OK, "bob", None));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::OK));
    assert_eq!(bench.commands.len(), last, "and its 200 confirms it");
}

/// Both fail: first the UPDATE, then what was around it; and the other way round.
#[test]
fn an_update_that_fails_inside_a_re_invite_that_fails_leaves_nothing_of_either() {
    for update_first in [true, false] {
        let mut bench = Bench::new();
        let ok = bench.talks();
        let change = changes(&mut bench, &ok, 2, &wics(3, "recvonly"));
        let early = answers_reliably(&mut bench, &change, &cores(6, 30_500, "sendonly"), 3);
        bench.core_says(&with_sdp(
            bobs("UPDATE", 1, &early),
            &cores(7, 30_700, "sendrecv"),
        ));
        let update = bench.at_wic();
        let refused = answer(&update, StatusCode::NOT_ACCEPTABLE_HERE, "alice", None);
        let failed = answer(&change, StatusCode::NOT_ACCEPTABLE_HERE, "bob", None);
        if update_first {
            bench.wic_says(&refused);
            assert_eq!(
                to_core(&bench),
                Some((30_500, false)),
                "the 183 still holds"
            );
            bench.core_says(&failed);
        } else {
            bench.core_says(&failed);
            bench.wic_says(&refused);
        }
        assert_eq!(to_core(&bench), Some((30_000, true)), "{update_first}");
        // And there is room for the next.
        bench.to_core.clear();
        let next = changes(&mut bench, &ok, 4, &wics(5, "inactive"));
        assert_eq!(next.header(HeaderName::CSeq), Some("4 INVITE"));
    }
}

/// RFC 6141 §4: a target is refreshed when its request is taken.
#[test]
fn a_far_end_that_moves_is_followed_once_its_move_is_taken() {
    let mut bench = Bench::new();
    let ok = bench.talks();
    let at = |bench: &mut Bench, cseq, status, address: &str, sdp: &str| {
        let mut moving = with_sdp(bobs("INVITE", cseq, &ok), sdp);
        moving.set(
            HeaderName::Contact,
            format_args!("<sip:bob@{address}:5060>"),
        );
        bench.core_says(&moving);
        let asked = bench.at_wic();
        let mine = wics(3, "sendrecv").replace("actpass", "active");
        let mine = (status == StatusCode::OK).then_some(mine);
        bench.wic_says(&answer(&asked, status, "alice", mine.as_deref()));
        assert_eq!(bench.at_core().status(), Some(status));
    };
    let elsewhere = cores(6, 31_000, "sendrecv").replace("192.0.2.99", "192.0.2.50");
    at(
        &mut bench,
        1,
        StatusCode::NOT_ACCEPTABLE_HERE,
        "192.0.2.50",
        &elsewhere,
    );
    bench.to_wic.clear();
    assert_eq!(to_core(&bench), Some((30_000, true)), "as it was");
    let again = elsewhere.replace("far 5 6", "far 5 7");
    at(&mut bench, 2, StatusCode::OK, "192.0.2.51", &again);
    bench.core_says(&bobs("ACK", 2, &ok));
    assert_eq!(to_core(&bench), Some((31_000, true)));
    // The edge's own BYE follows it, past the address that was refused.
    bench.shut_down();
    let bye = bench.at_core();
    assert_eq!(bye.request_uri(), Some("sip:bob@192.0.2.51:5060"));
}

#[test]
fn a_move_that_was_refused_moves_nobody() {
    let mut bench = Bench::new();
    let ok = bench.talks();
    let mut moving = bobs("UPDATE", 1, &ok);
    moving.set(HeaderName::Contact, "<sip:bob@192.0.2.50:5060>");
    bench.core_says(&moving);
    let asked = bench.at_wic();
    let busy = StatusCode::SERVER_INTERNAL_ERROR;
    bench.wic_says(&answer(&asked, busy, "alice", None));
    assert_eq!(bench.at_core().status(), Some(busy));
    bench.shut_down();
    assert_eq!(
        bench.at_core().request_uri(),
        Some("sip:bob@192.0.2.99:5060")
    );
}

/// RFC 3264 §8: the same version is the same description, whoever says it.
#[test]
fn something_new_under_an_old_version_is_488_from_either_side() {
    let mut bench = Bench::new();
    let ok = bench.talks();
    let commands = bench.commands.len();
    bench.wic_says(&with_sdp(in_dialog("UPDATE", 2, &ok), &wics(2, "sendonly")));
    let refused = bench.at_wic();
    assert_eq!(refused.status(), Some(StatusCode::NOT_ACCEPTABLE_HERE));
    assert!(refused.has(HeaderName::Warning));
    assert!(bench.core_is_quiet());

    bench.core_says(&with_sdp(
        bobs("INVITE", 1, &ok),
        &cores(5, 30_500, "sendrecv"),
    ));
    let refused = bench.at_core();
    assert_eq!(refused.status(), Some(StatusCode::NOT_ACCEPTABLE_HERE));
    assert!(refused.has(HeaderName::Warning));
    assert!(bench.to_wic.is_empty());
    assert_eq!(bench.commands.len(), commands, "the gateway hears nothing");

    // The same again is nothing new, and the next version may be anything.
    for (cseq, sdp) in [(2, core_sdp()), (3, cores(6, 30_500, "sendrecv"))] {
        bench.core_says(&with_sdp(bobs("UPDATE", cseq, &ok), &sdp));
        let update = bench.at_wic();
        let mine = wics(3, "sendrecv").replace("actpass", "active");
        bench.wic_says(&answer(&update, StatusCode::OK, "alice", Some(&mine)));
        assert_eq!(bench.at_core().status(), Some(StatusCode::OK));
    }
    assert_eq!(to_core(&bench), Some((30_500, true)));
}

/// Whoever sends more than the call can take is told so, one by one, and the call goes on.
#[test]
fn a_storm_of_re_invites_on_one_call_fills_no_more_than_its_queue() {
    const STORM: u32 = 1_000;
    let mut bench = Bench::with(|config| {
        config.requests_per_second = 100_000;
        config.address_requests_per_second = 100_000;
    });
    let ok = bench.talks();
    bench.gateway_holds = true;
    let more = wics(3, "sendrecv");
    let media = more[more.find("m=").unwrap()..].replace("a=mid:0", "a=mid:1");
    for number in 0..STORM {
        let change = in_dialog("INVITE", 2 + number, &ok);
        bench.wic_says(&with_sdp(change, &format!("{more}{media}")));
    }
    let waiting = |bench: &Bench| {
        let inside = format!("{:?}", bench.shard);
        let (_, rest) = inside.split_once("forwards: ").unwrap();
        let digits = rest.split(',').next().unwrap();
        digits.parse::<usize>().unwrap()
    };
    // One is at the gateway, 32 wait, and the first INVITE of the call may still be there.
    assert!(waiting(&bench) <= 34, "{} wait", waiting(&bench));
    let full = |m: &Message| m.status() == Some(StatusCode::SERVICE_UNAVAILABLE);
    let refused = bench.to_wic.iter().filter(|(_, m)| full(m));
    assert_eq!(refused.count(), STORM as usize - 33);
    bench.to_wic.clear();
    bench.gateway_goes_on();
    assert_eq!(bench.at_core().header(HeaderName::CSeq), Some("2 INVITE"));
    assert!(bench.core_is_quiet(), "one goes on");
    let told = |m: &Message| {
        m.status() == Some(StatusCode::SERVER_INTERNAL_ERROR) && m.has(HeaderName::RetryAfter)
    };
    assert_eq!(bench.to_wic.iter().filter(|(_, m)| told(m)).count(), 32);
    assert_eq!(bench.shard.counters().sessions, 1);
}
