//! TS 29.392 §5.3.1, §5.3.2.1 — enabler, MMTel_DCAppCall: what an application server can do with a call.

use conformance::{Calling, Enabler};

use super::UPDATE;
use super::apis::{document, serves};
use super::s5_3_2_2_dc_call::asking;
use super::s5_3_2_3_update_dc_media::{application, standing, update};

/// TS 29.392 §5.3.1: a call is established, a data channel is added to it, and the server is told of both.
#[test]
fn a_call_gets_a_channel_and_its_server_is_told() {
    let mut calling = Calling::with("");
    let app = application(&calling);
    let (invite, session) = standing(&mut calling);
    let body = update(&calling, &app, &session);
    let (answer, offer) = asking(&mut calling, UPDATE, &body, |calling| {
        let offer = calling.core.request("INVITE");
        calling.picks_up(
            &offer,
            &format!(
                "{}m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n",
                Calling::audio()
            ),
        );
        calling.acknowledged();
        offer
    });
    assert_eq!(answer.ok()["sessionId"], session);
    let sdp = String::from_utf8_lossy(offer.body());
    let media: Vec<&str> = sdp.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(media.len(), 2, "{sdp}");
    assert!(media[0].starts_with("m=audio ") && media[1].starts_with("m=application "));
    let (path, told) = calling.told();
    assert_eq!(
        (path.as_str(), &told["sessionId"]),
        ("/dc", &session.clone().into())
    );
    calling.hangs_up(&invite);
    let (path, told) = calling.told();
    assert_eq!(
        (path.as_str(), &told["sessionId"]),
        ("/call", &session.into())
    );
}

/// TS 29.392 §5.3.2.1: of table 5.3.2.1-1 two are asked of the enabler, and the third is what it asks.
#[test]
fn the_operations_of_the_table_are_there() {
    serves(
        "mmtel-dcappcall",
        &["post /dccall", "post /update-dc-media"],
    );
    let document = document(&Enabler::shared(), "mmtel-dcappcall");
    let callbacks = &document["paths"]["/dccall"]["post"]["callbacks"];
    let (_, callback) = callbacks
        .as_object()
        .and_then(|all| all.iter().next())
        .expect("what is told");
    let (to, told) = callback
        .as_object()
        .and_then(|all| all.iter().next())
        .expect("where");
    assert!(to.contains("notificationInfo"), "{to}");
    let schema = &told["post"]["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(schema["$ref"], "#/components/schemas/DcMediaNotifyReq");
}
