//! What UEs hear of applications on their bootstrap channels: each attribute of a profile has its effect.
#![allow(missing_docs, clippy::unwrap_used)]
// A body is made where it is used.
#![allow(clippy::needless_pass_by_value)]

#[allow(dead_code)]
mod archive;

use api_mmtel_es::common::Binary;
use api_mmtel_es::dc_app_management::DcAppConfigReq;
use api_mmtel_es::{Attribute as _, read_value};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use core_bootstrap::stream::Source;
use core_bootstrap::{
    ApplicationList, EntityTag, ListedApplication, Method, Phase, Request, Response, Scenes,
};
use nf_mmtel_es::{
    Applications, Beginnings, Call, Checked, Consumer, Given, Settings, Signer, Viewer,
};
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000; // 2027-01-15

/// Applications of a provider, with these attributes each, and a package.
fn applications(provider: &str, profiles: &[Value]) -> Applications {
    let mut all = Applications::new(Settings::default(), [7; 32], []);
    configure(&mut all, provider, profiles);
    all
}

fn configure(all: &mut Applications, provider: &str, profiles: &[Value]) {
    for (index, profile) in profiles.iter().enumerate() {
        let package = archive::page(&format!("{provider} {index}"));
        let mut entry = json!({
            "appIndex": "1",
            "appPkg": Binary(package.into()).write(),
        });
        for (name, value) in profile.as_object().unwrap() {
            entry[name] = value.clone();
        }
        let body = json!({ "reqId": provider, "dcAppNum": 1, "dcAppConfigParamList": [entry] });
        let request: DcAppConfigReq = read_value(body).unwrap();
        let checked = Checked::configuration(request, &Settings::default().package);
        let reply = all.configure(&Consumer::Anybody, checked, NOW - 1000).reply;
        assert_eq!(reply.unwrap().list[0].failure_cause, None);
    }
}

fn viewer(established: bool, video: bool) -> Viewer {
    Viewer {
        source: Source::LocalNetwork,
        user: vec!["sip:alice@ims.example".into()],
        call: Call { established, video },
        peer_has_data_channels: None,
    }
}

fn ask(all: &Applications, viewer: &Viewer, request: &Request, now: u64) -> Response {
    match all.give(viewer, request, None, now) {
        Given::Response(response) | Given::Package(response, _) => response,
    }
}

fn list(all: &Applications, viewer: &Viewer) -> Vec<ListedApplication> {
    list_at(all, viewer, NOW)
}

fn list_at(all: &Applications, viewer: &Viewer, now: u64) -> Vec<ListedApplication> {
    let response = ask(all, viewer, &Request::get("/"), now);
    assert_eq!(response.status.0, 200);
    ApplicationList::parse(&response.body).unwrap().applications
}

/// What the package of the first application of all is answered with.
fn package(all: &Applications, viewer: &Viewer) -> u16 {
    let anything = Viewer {
        call: Call {
            established: true,
            video: true,
        },
        ..viewer.clone()
    };
    let mut known = list_at(all, &anything, 0);
    known.extend(list_at(all, &self::viewer(false, false), 0));
    ask(all, viewer, &Request::package(&known[0].id, None), NOW)
        .status
        .0
}

#[test]
fn the_list_says_what_the_profile_says() {
    let all = applications(
        "acme",
        &[json!({
            "appName": "Board",
            "appIconUrl": "https://acme.example/board.svg",
            "appVer": "1.2",
            "appVal": "2030-01-01T00:00:00Z",
            "qosReq": "loss=0.0002;latency=600",
            "persDataColl": true,
            "persDataCollInfoUrl": "https://acme.example/privacy",
            "peerDcReq": true,
            "autoload": true,
        })],
    );
    let list = list(&all, &viewer(true, false));
    let board = &list[0];
    assert_eq!(board.name, "Board");
    assert_eq!(board.icon, "https://acme.example/board.svg");
    assert_eq!(board.version.as_deref(), Some("1.2"));
    assert_eq!(board.valid_until.as_deref(), Some("2030-01-01T00:00:00Z"));
    assert_eq!(board.provider.as_deref(), Some("acme"));
    assert_eq!(board.qos_hint, "loss=0.0002;latency=600");
    assert!(board.personal_data);
    let url = board.personal_data_url.as_deref();
    assert_eq!(url, Some("https://acme.example/privacy"));
    assert!(board.works_without_peer && board.autoload && !board.autolaunch);
    assert_eq!(board.sha256.as_ref().unwrap().len(), 64);
    assert_eq!(board.signature, None);
}

#[test]
fn what_is_absent_is_false_and_an_application_has_a_name() {
    let all = applications("acme", &[json!({})]);
    let list = list(&all, &viewer(true, false));
    let one = &list[0];
    assert_eq!(one.name, one.id);
    assert!(!one.autoload && !one.autolaunch && !one.works_without_peer && !one.personal_data);
    assert_eq!((one.icon.as_str(), one.qos_hint.as_str()), ("", ""));
    assert_eq!(one.scenes, Scenes::Both);
}

/// TS 29.392 §6.1.6.2.3, `autolaunch`: "load and run".
#[test]
fn what_is_launched_is_loaded() {
    let all = applications("acme", &[json!({ "autolaunch": true })]);
    let list = list(&all, &viewer(true, false));
    assert!(list[0].autoload && list[0].autolaunch);
}

/// TS 29.392 §6.1.6.2.3, `appVal`
#[test]
fn an_application_that_is_not_valid_any_more_is_gone() {
    let all = applications("acme", &[json!({ "appVal": "2027-01-15T08:00:01Z" })]);
    let id = list(&all, &viewer(true, false))[0].id.clone();
    let at = |now| {
        let listed = list_at(&all, &viewer(true, false), now).len();
        let request = Request::package(&id, None);
        (
            listed,
            ask(&all, &viewer(true, false), &request, now).status.0,
        )
    };
    assert_eq!(at(NOW), (1, 200));
    assert_eq!(at(NOW + 1), (0, 403));
}

/// TS 29.392 §6.1.6.3.3
#[test]
fn the_phase_decides() {
    for (profile, before, during) in [
        (json!({}), Some(Phase::Precall), Some(Phase::Incall)),
        (
            json!({ "appLoadPh": "PRECALL_AND_INCALL" }),
            Some(Phase::Precall),
            Some(Phase::Incall),
        ),
        (
            json!({ "appLoadPh": "PRECALL_ONLY" }),
            Some(Phase::Precall),
            None,
        ),
        // It may be loaded before, so that it is there when it is wanted.
        (
            json!({ "appLoadPh": "INCALL" }),
            Some(Phase::Incall),
            Some(Phase::Incall),
        ),
    ] {
        let all = applications("acme", std::slice::from_ref(&profile));
        for (established, expected) in [(false, before), (true, during)] {
            let viewer = viewer(established, false);
            let phase = list(&all, &viewer).first().map(|one| one.phase);
            assert_eq!(phase, expected, "{profile} {established}");
            let status = if expected.is_some() { 200 } else { 403 };
            assert_eq!(package(&all, &viewer), status, "{profile} {established}");
        }
    }
}

/// TS 29.392 §6.1.6.2.3, `appLoadPh`, `autoload`, `autolaunch`: a UE knows before a call whether to ask for its list.
#[test]
fn what_begins_with_a_call_is_known_before() {
    let none = Beginnings::default();
    let before = Beginnings {
        before: true,
        ..none
    };
    let within = Beginnings {
        within: true,
        ..none
    };
    for (provider, profile, expected) in [
        ("acme", json!({}), none),
        (
            "acme",
            json!({ "appLoadPh": "INCALL", "autoload": false }),
            none,
        ),
        ("acme", json!({ "appLoadPh": "PRECALL_ONLY" }), before),
        ("acme", json!({ "appLoadPh": "PRECALL_AND_INCALL" }), before),
        ("acme", json!({ "autoload": true }), within),
        (
            "acme",
            json!({ "appLoadPh": "INCALL", "autolaunch": true }),
            within,
        ),
        (
            "acme",
            json!({ "autoload": true, "appVal": "2027-01-15T07:59:00Z" }),
            none,
        ),
        ("sip:alice@ims.example", json!({ "autoload": true }), none),
    ] {
        let mut all = applications("other", &[json!({})]);
        configure(&mut all, provider, std::slice::from_ref(&profile));
        assert_eq!(all.beginnings(NOW), expected, "{provider} {profile}");
    }
    let mut all = applications(
        "acme",
        &[
            json!({ "autoload": true }),
            json!({ "appLoadPh": "PRECALL_ONLY" }),
        ],
    );
    assert_eq!(
        all.beginnings(NOW),
        Beginnings {
            before: true,
            within: true
        }
    );
}

/// What was said before is not said again once an application has come or gone, or is not valid any more.
#[test]
fn what_begins_with_a_call_is_not_outlived() {
    let says = |all: &mut Applications, now: u64| {
        let found = all.beginnings(now);
        (found.before, found.within)
    };
    let mut all = applications("other", &[json!({})]);
    assert_eq!(says(&mut all, NOW), (false, false));
    let soon = json!({ "autoload": true, "appVal": "2027-01-15T08:01:00Z" });
    configure(&mut all, "acme", &[soon]);
    let later = json!({ "appLoadPh": "PRECALL_ONLY", "appVal": "2027-01-15T08:02:00Z" });
    configure(&mut all, "acme", &[later]);
    for (after, expected) in [
        (0, (true, true)),
        (59, (true, true)),
        (60, (true, false)),
        (119, (true, false)),
        (120, (false, false)),
        // A clock that was put back.
        (1, (true, true)),
    ] {
        assert_eq!(says(&mut all, NOW + after), expected, "{after}");
    }
    let ids = all.all().filter(|one| one.provider == "acme");
    let ids: Vec<String> = ids.map(|one| one.id().to_owned()).collect();
    let request = json!({ "reqId": "acme", "dcAppNum": ids.len(), "appIdList": ids });
    let request = read_value(request).unwrap();
    let outcome = all.delete(&Consumer::Client("acme".into()), request);
    assert!(outcome.reply.is_ok(), "{:?}", outcome.reply);
    assert_eq!(says(&mut all, NOW + 1), (false, false));
}

/// TS 29.392 §6.1.6.3.4
#[test]
fn the_media_of_the_call_decide() {
    for (scenario, scenes, in_voice, in_video) in [
        ("VOICE_CALL_ONLY", Scenes::Voice, true, false),
        ("VIDEO_CALL_ONLY", Scenes::Video, false, true),
        ("VOICE_AND_VIDEO_CALL", Scenes::Both, true, true),
    ] {
        let all = applications("acme", &[json!({ "suppScnr": scenario })]);
        for (video, there) in [(false, in_voice), (true, in_video)] {
            let listed = list(&all, &viewer(true, video));
            assert_eq!(listed.len(), usize::from(there), "{scenario} {video}");
            if there {
                assert_eq!(listed[0].scenes, scenes);
            }
        }
    }
}

/// TS 29.392 §6.1.6.2.3, `peerDcReq`, by its description: true, "if this Data Channel Application can be
/// used if Data Channel is not supported by the other party".
#[test]
fn who_is_alone_gets_what_works_alone_and_sees_the_rest() {
    for (profile, alone) in [
        (json!({}), false),
        (json!({ "peerDcReq": false }), false),
        (json!({ "peerDcReq": true }), true),
    ] {
        let all = applications("acme", std::slice::from_ref(&profile));
        for (peer, there) in [(None, true), (Some(true), true), (Some(false), alone)] {
            let viewer = Viewer {
                peer_has_data_channels: peer,
                ..viewer(true, false)
            };
            let listed = list(&all, &viewer);
            let [one] = &listed[..] else {
                panic!("{profile} {peer:?}: {listed:?}")
            };
            assert_eq!(one.works_without_peer, alone, "{profile}");
            let status = if there { 200 } else { 403 };
            assert_eq!(package(&all, &viewer), status, "{profile} {peer:?}");
        }
    }
}

#[test]
fn the_list_says_whether_the_peer_has_data_channels() {
    let all = applications("acme", &[]);
    for (peer, said) in [(None, false), (Some(false), false), (Some(true), true)] {
        let viewer = Viewer {
            peer_has_data_channels: peer,
            ..viewer(true, false)
        };
        let body = ask(&all, &viewer, &Request::get("/"), NOW).body;
        let list = ApplicationList::parse(&body).unwrap();
        assert_eq!(list.peer_has_data_channels, said);
    }
}

/// What an application asks for goes into the SDP of everybody who runs it.
#[test]
fn a_hint_that_is_none_goes_no_further() {
    let hint = json!({ "qosReq": "loss=1\r\na=fingerprint:x" });
    let all = applications("acme", &[hint]);
    assert_eq!(list(&all, &viewer(true, false))[0].qos_hint, "");
}

/// TS 26.114 §6.2.10.1 — 0 and 100 are of providers, 10 and 110 of users.
#[test]
fn each_channel_gives_what_is_its_own() {
    let mut all = applications("acme", &[json!({ "appName": "menu" })]);
    let alices = [json!({ "appName": "alice's" })];
    configure(&mut all, "sip:alice@ims.example", &alices);
    let bobs = [json!({ "appName": "bob's" })];
    configure(&mut all, "sip:bob@ims.example", &bobs);
    let names = |source, user: &str| {
        let viewer = Viewer {
            source,
            user: vec![user.to_owned()],
            ..viewer(true, false)
        };
        let list = list(&all, &viewer);
        list.into_iter().map(|one| one.name).collect::<Vec<_>>()
    };
    let (alice, bob) = ("sip:alice@ims.example", "sip:bob@ims.example");
    assert_eq!(names(Source::LocalNetwork, alice), ["menu"]);
    assert_eq!(names(Source::RemoteNetwork, bob), ["menu"]);
    assert_eq!(names(Source::LocalUser, alice), ["alice's"]);
    assert_eq!(names(Source::RemoteUser, bob), ["bob's"]);
    assert!(names(Source::LocalUser, "sip:carol@ims.example").is_empty());

    // Who knows the identifier of another's gets no further with it.
    let bobs = Viewer {
        source: Source::LocalUser,
        user: vec![bob.to_owned()],
        ..viewer(true, false)
    };
    let id = list(&all, &bobs)[0].id.clone();
    let of_alice = Viewer {
        source: Source::LocalUser,
        ..viewer(true, false)
    };
    let status = ask(&all, &of_alice, &Request::package(&id, None), NOW).status;
    assert_eq!(status.0, 404);
}

#[test]
fn an_application_without_a_package_is_not_listed() {
    let mut all = Applications::new(Settings::default(), [7; 32], []);
    let entry = json!({ "appIndex": "1", "appName": "nothing" });
    let body = json!({ "reqId": "acme", "dcAppNum": 1, "dcAppConfigParamList": [entry] });
    let request: DcAppConfigReq = read_value(body).unwrap();
    let checked = Checked::configuration(request, &Settings::default().package);
    let reply = all.configure(&Consumer::Anybody, checked, NOW).reply;
    let id = reply.unwrap().list[0].app_id.clone().unwrap();
    assert!(list(&all, &viewer(true, false)).is_empty());
    let request = Request::package(&id, None);
    let status = ask(&all, &viewer(true, false), &request, NOW).status;
    assert_eq!(status.0, 404);
}

#[test]
fn a_list_comes_in_pages_and_in_the_order_of_names() {
    let profiles: Vec<Value> = (0..130)
        .map(|i| json!({ "appName": format!("{:03}", 129 - i) }))
        .collect();
    let all = applications("acme", &profiles);
    let page = |target: &str| {
        let body = ask(&all, &viewer(true, false), &Request::get(target), NOW).body;
        let list = ApplicationList::parse(&body).unwrap();
        let first = list.applications.first().map(|one| one.name.clone());
        assert_eq!(list.applications.len(), list.number);
        (list.total, list.begin, list.number, first)
    };
    let first = |name: &str| Some(name.to_owned());
    assert_eq!(page("/"), (130, 0, 100, first("000")));
    let sdk = "/applicationlist?begin-index=100&app-num=100&sdkVersion=1.0.3";
    assert_eq!(page(sdk), (130, 100, 30, first("100")));
    let few = "/applicationlist?begin-index=5&app-num=2";
    assert_eq!(page(few), (130, 5, 2, first("005")));
    let many = "/applicationlist?app-num=100000000";
    assert_eq!(page(many), (130, 0, 100, first("000")));
    let behind = "/applicationlist?begin-index=1000";
    assert_eq!(page(behind), (130, 1000, 0, None));
}

#[test]
fn parameters_may_come_as_a_form() {
    let all = applications("acme", &[json!({}), json!({})]);
    let request = Request {
        method: Method::Post,
        content_type: Some("application/x-www-form-urlencoded".into()),
        body: Bytes::from_static(b"begin-index=1&app-num=1"),
        ..Request::get("/applicationlist")
    };
    let body = ask(&all, &viewer(true, false), &request, NOW).body;
    assert_eq!(ApplicationList::parse(&body).unwrap().begin, 1);
}

/// RFC 9110 §13.1.2
#[test]
fn what_the_ue_has_does_not_come_again() {
    let all = applications("acme", &[json!({})]);
    let viewer = viewer(true, false);
    let listed = list(&all, &viewer).remove(0);
    let tag = EntityTag::parse(&listed.etag).unwrap();
    let package = |have: Option<&EntityTag>| {
        let request = Request::package(&listed.id, have);
        match all.give(&viewer, &request, None, NOW) {
            Given::Package(response, package) => {
                assert_eq!(response.etag.as_ref(), Some(&tag));
                assert_eq!(package.size, listed.size.unwrap());
                200
            }
            Given::Response(response) => response.status.0,
        }
    };
    assert_eq!(package(None), 200);
    assert_eq!(package(Some(&tag)), 304);
    assert_eq!(package(EntityTag::new("older").as_ref()), 200);

    let mut request = Request::get("/");
    let first = ask(&all, &viewer, &request, NOW);
    request.if_none_match = first.etag.as_ref().map(ToString::to_string);
    assert_eq!(ask(&all, &viewer, &request, NOW).status.0, 304);
    // What changes with the call is another list.
    let later = self::viewer(false, false);
    assert_eq!(ask(&all, &later, &request, NOW).status.0, 200);
}

#[test]
fn the_operator_signs_which_package_is_of_which_application() {
    let all = applications(
        "acme",
        &[json!({ "appName": "a" }), json!({ "appName": "b" })],
    );
    let key = Ed25519KeyPair::generate().unwrap();
    let signer = Signer::from_pkcs8(key.to_pkcs8v1().unwrap().as_ref()).unwrap();
    let given = all.give(&viewer(true, false), &Request::get("/"), Some(&signer), NOW);
    let Given::Response(response) = given else {
        panic!("a list has no package");
    };
    let list = ApplicationList::parse(&response.body).unwrap().applications;
    let public = UnparsedPublicKey::new(&ED25519, key.public_key().as_ref());
    let holds = |id: &str, sha256: &str, signature: &str| {
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let statement = format!("{id}\n{sha256}\n");
        public.verify(statement.as_bytes(), &signature).is_ok()
    };
    let (a, b) = (&list[0], &list[1]);
    let hash = |one: &ListedApplication| one.sha256.clone().unwrap();
    let signature = a.signature.as_ref().unwrap();
    assert!(holds(&a.id, &hash(a), signature));
    assert!(!holds(&a.id, &hash(b), signature));
    assert!(!holds(&b.id, &hash(a), signature));
    assert!(Signer::from_pkcs8(b"no key").is_none());
}

#[test]
fn what_is_asked_wrongly_is_refused() {
    let all = applications("acme", &[]);
    let status = |request: Request| ask(&all, &viewer(true, false), &request, NOW).status.0;
    assert_eq!(status(Request::get("/applications")), 400);
    assert_eq!(status(Request::get("/applications?appid=../x")), 404);
    assert_eq!(status(Request::get("/applicationlist?begin-index=-1")), 400);
    assert_eq!(status(Request::get("/applicationlist?app-num=x")), 400);
    assert_eq!(status(Request::get("/etc/passwd")), 404);
    assert_eq!(status(Request::get("//")), 404);
    assert_eq!(status(Request::get("*")), 400);
    let delete = Request {
        method: Method::Other("DELETE".into()),
        ..Request::get("/")
    };
    let response = ask(&all, &viewer(true, false), &delete, NOW);
    assert_eq!(response.status.0, 405);
    assert_eq!(response.allow.as_deref(), Some("GET, HEAD, POST"));
}
