//! Bootstrap channels between the gateway and the application repository (TS 26.114 §6.2.10).

use core_bootstrap::stream::Source;
use core_bootstrap::{EntityTag, Response, StatusCode as HttpStatus};
use core_iq::{ChannelAction, ChannelAt, ChannelMessage, Command, Event, StreamEnd};
use nf_epcscf::ApplicationsQuery;
use wire_sip::{HeaderName, Method, StatusCode};

use super::support::*;

const LIST: &str = "GET /applicationlist?begin-index=0&app-num=100&sdkVersion=1 HTTP/1.1\r\n\r\n";
const ALL: &str = "a=dcmap:0 subprotocol=\"http\"\r\na=dcmap:10 subprotocol=\"http\"\r\n\
    a=3gpp-bdc-used-by:sender\r\na=dcmap:100 subprotocol=\"http\"\r\na=dcmap:110 subprotocol=\"http\"\r\n";

fn bench() -> Bench {
    let mut bench = Bench::with(|config| config.media.bootstrap = true);
    bench.register();
    bench
}

fn offer() -> String {
    let fingerprint = ["AB"; 32].join(":");
    format!(
        "{}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n\
         a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\n\
         a=mid:1\r\na=sctp-port:5000\r\na=max-message-size:1000\r\n{ALL}",
        wic_sdp()
    )
}

/// Alice's call to a phone that knows no data channels; it rings with early media.
fn rings(to: &str) -> (Bench, wire_sip::Message) {
    let mut bench = bench();
    bench.wic_says(&invite(to, &offer()));
    let request = bench.at_core();
    let sdp = core_sdp();
    let ringing = answer(&request, StatusCode::SESSION_PROGRESS, "bob", Some(&sdp));
    bench.core_says(&ringing);
    let body = String::from_utf8(bench.at_wic().body().to_vec()).unwrap();
    assert!(body.contains("a=dcmap:0 subprotocol=\"http\""), "{body}");
    (bench, request)
}

fn at(id: u16) -> ChannelAt {
    ChannelAt {
        end: StreamEnd::W3,
        id,
    }
}

fn opens(bench: &mut Bench, id: u16) {
    bench.gateway_tells(1, Event::ChannelOpened { at: at(id) });
}

fn says(bench: &mut Bench, id: u16, text: &str) {
    let message = ChannelMessage::Text(text.as_bytes().to_vec());
    bench.gateway_tells(
        1,
        Event::ChannelMessage {
            at: at(id),
            message,
        },
    );
}

fn asked(bench: &mut Bench, id: u16) -> (u64, ApplicationsQuery) {
    says(bench, id, LIST);
    assert_eq!(bench.queries.len(), 1);
    bench.queries.remove(0)
}

/// What was done with a channel since.
fn done(bench: &mut Bench) -> Vec<ChannelAction> {
    let commands = std::mem::take(&mut bench.commands).into_iter();
    let actions = commands.filter_map(|command| match command {
        Command::Channel { action, .. } => Some(action),
        _ => None,
    });
    actions.collect()
}

fn sent(actions: &[ChannelAction]) -> String {
    let messages = actions.iter().filter_map(|action| match action {
        ChannelAction::Send(_, ChannelMessage::Binary(octets)) => Some(octets.as_slice()),
        _ => None,
    });
    String::from_utf8(messages.collect::<Vec<_>>().concat()).unwrap()
}

fn page(body: Vec<u8>) -> Response {
    Response::ok("application/json", EntityTag::new("1").unwrap(), body)
}

/// TS 24.186: the network that has them says so.
#[test]
fn the_network_says_that_it_has_data_channels() {
    let mut bench = Bench::with(|config| config.media.bootstrap = true);
    bench.wic_says(&register(1, "response=\"1\""));
    let request = bench.at_core();
    bench.core_says(&registered(&request));
    let capabilities = bench.at_wic();
    let capabilities = capabilities.header(HeaderName::FeatureCaps);
    assert_eq!(capabilities, Some("*;+g.3gpp.datachannel"));
    // And not when the core has said so already, nor when there are none.
    bench.wic_says(&register(2, "response=\"1\""));
    let request = bench.at_core();
    let mut ok = registered(&request);
    ok.push_back(HeaderName::FeatureCaps, "*;+g.3gpp.datachannel");
    bench.core_says(&ok);
    assert_eq!(bench.at_wic().lines(HeaderName::FeatureCaps).count(), 1);
    let mut bench = Bench::new();
    bench.wic_says(&register(1, "response=\"1\""));
    let request = bench.at_core();
    bench.core_says(&registered(&request));
    assert!(!bench.at_wic().has(HeaderName::FeatureCaps));
}

#[test]
fn a_list_is_asked_for_while_it_rings_and_in_the_call() {
    let (mut bench, request) = rings("tel:+15550199");
    done(&mut bench);
    opens(&mut bench, 0);
    assert_eq!(done(&mut bench), [ChannelAction::Credit(at(0), 1)]);
    let (question, query) = asked(&mut bench, 0);
    assert_eq!(query.source, Source::LocalNetwork);
    assert_eq!(query.user, ["sip:alice@home.example", "tel:+15550100"]);
    assert!(!query.established && !query.video);
    assert_eq!(query.peer_has_data_channels, None);
    assert!(query.request.target.starts_with("/applicationlist?"));
    // Nothing is taken until it has its answer.
    assert_eq!(done(&mut bench), []);
    bench.repository_says(question, &page(vec![b'x'; 2500]));
    let actions = done(&mut bench);
    assert!(sent(&actions).ends_with(&"x".repeat(2500)));
    // The WIC takes messages of 1000 octets.
    assert!(actions.len() >= 4, "{actions:?}");
    assert_eq!(actions.last(), Some(&ChannelAction::Credit(at(0), 1)));

    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    bench.at_wic();
    let (_, query) = asked(&mut bench, 0);
    assert!(query.established);
    assert_eq!(query.peer_has_data_channels, Some(false));
}

/// The gateway has no room: the message goes when it has.
#[test]
fn what_is_full_is_sent_again() {
    let (mut bench, _) = rings("tel:+15550199");
    opens(&mut bench, 0);
    let (question, _) = asked(&mut bench, 0);
    bench.full = 1;
    done(&mut bench);
    bench.repository_says(question, &page(b"abc".to_vec()));
    assert_eq!(done(&mut bench).len(), 1);
    let writable = Event::ChannelWritable { at: at(0) };
    bench.gateway_tells(1, writable.clone());
    let actions = done(&mut bench);
    assert_eq!(sent(&actions).matches("HTTP/1.1 200").count(), 1);
    // Nobody waits for this one.
    bench.gateway_tells(1, writable);
    assert_eq!(done(&mut bench), []);
}

/// TS 26.114 §6.2.10.1 — the far end's list, when its network is ours.
#[test]
fn the_far_ends_list_is_that_of_our_own_subscriber_alone() {
    let (mut bench, request) = rings("sip:bob@home.example");
    opens(&mut bench, 110);
    let (_, query) = asked(&mut bench, 110);
    assert_eq!(query.source, Source::RemoteUser);
    assert_eq!(query.user, ["sip:bob@home.example"]);
    // Somebody else has answered, and does not say who.
    let mut ok = answer(&request, StatusCode::OK, "bob", Some(&core_sdp()));
    ok.push_back(HeaderName::PAssertedIdentity, "<sip:carol@home.example>");
    ok.push_back(HeaderName::Privacy, "id");
    bench.core_says(&ok);
    opens(&mut bench, 110);
    let (_, query) = asked(&mut bench, 110);
    assert_eq!(query.user, Vec::<String>::new());

    let mut bench = self::bench();
    bench.wic_says(&invite("sip:bob@elsewhere.example", &offer()));
    let request = bench.at_core();
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    let body = String::from_utf8(bench.at_wic().body().to_vec()).unwrap();
    assert!(
        body.contains("dcmap:0 ") && !body.contains("dcmap:100"),
        "{body}"
    );
    bench.commands.clear();
    opens(&mut bench, 100);
    assert_eq!(done(&mut bench), []);
}

/// Garbage has its answer, and its channel ends; the call and the other channels go on.
#[test]
fn garbage_ends_its_own_channel_and_nothing_else() {
    let (mut bench, request) = rings("tel:+15550199");
    opens(&mut bench, 0);
    opens(&mut bench, 10);
    done(&mut bench);
    says(&mut bench, 0, "\u{0}\u{1}nonsense\r\n\r\n");
    let actions = done(&mut bench);
    assert!(sent(&actions).starts_with("HTTP/1.1 400"), "{actions:?}");
    assert_eq!(actions.last(), Some(&ChannelAction::Close(at(0))));
    assert!(bench.queries.is_empty());
    says(&mut bench, 0, LIST);
    assert!(bench.queries.is_empty());
    let (_, query) = asked(&mut bench, 10);
    assert_eq!(query.source, Source::LocalUser);
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    assert_eq!(bench.at_wic().status(), Some(StatusCode::OK));
}

/// An answer that comes when its channel, its association or its call is gone is for nobody.
#[test]
fn a_late_answer_is_for_nobody() {
    let (mut bench, request) = rings("tel:+15550199");
    opens(&mut bench, 0);
    let (question, _) = asked(&mut bench, 0);
    bench.gateway_tells(
        1,
        Event::DataEnded {
            end: StreamEnd::W3,
            reason: "gone".into(),
        },
    );
    done(&mut bench);
    bench.repository_says(question, &page(b"abc".to_vec()));
    assert_eq!(done(&mut bench), []);
    // With the next association it is there again.
    opens(&mut bench, 0);
    let (first, _) = asked(&mut bench, 0);
    bench.core_says(&answer(&request, StatusCode::OK, "bob", Some(&core_sdp())));
    let ok = bench.at_wic();
    bench.wic_says(&in_dialog("ACK", 1, &ok));
    assert_eq!(bench.at_core().method(), Method::Ack);
    bench.wic_says(&in_dialog("BYE", 2, &ok));
    done(&mut bench);
    bench.repository_says(first, &Response::of(HttpStatus::NOT_FOUND));
    assert_eq!(done(&mut bench), []);
}
