//! MMTel_DCAppManagement (TS 29.392 §5.2.2), from the requests to what is written down.
#![allow(missing_docs, clippy::unwrap_used)]
// A body is made where it is used.
#![allow(clippy::needless_pass_by_value)]

#[allow(dead_code)]
mod archive;

use std::collections::HashMap;

use api_mmtel_es::common::Binary;
use api_mmtel_es::dc_app_management::{DcAppConfigReq, DcAppIdReq, DcAppUpdateReq};
use api_mmtel_es::{Attribute as _, ProblemDetails, read_value};
use core_credentials::Secret;
use nf_mmtel_es::package::Limits;
use nf_mmtel_es::{
    Application, Applications, Call, Change, Checked, Consumer, Outcome, Provider, Settings,
};
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000; // 2027-01-15

/// The applications, and a store that writes down what it is told.
struct Enabler {
    applications: Applications,
    stored: HashMap<String, Application>,
    packages: HashMap<[u8; 32], usize>,
}

impl Enabler {
    fn new(settings: Settings) -> Self {
        Self {
            applications: Applications::new(settings, [7; 32], []),
            stored: HashMap::new(),
            packages: HashMap::new(),
        }
    }

    fn commit<T>(&mut self, outcome: Outcome<T>) -> Result<T, Box<ProblemDetails>> {
        for change in outcome.changes {
            match change {
                Change::PutPackage(stored) => {
                    let before = self
                        .packages
                        .insert(stored.package.sha256, stored.bytes.len());
                    assert_eq!(before, None, "a package is stored once");
                }
                Change::PutApplication(application) => {
                    self.stored
                        .insert(application.id().to_owned(), *application);
                }
                Change::RemoveApplication(id) => {
                    self.stored.remove(&id).expect("it was stored");
                }
                Change::RemovePackage(sha256) => {
                    self.packages.remove(&sha256).expect("it was stored");
                }
                other => panic!("nothing of applications: {other:?}"),
            }
        }
        // The store has a package for each that is named, and no other.
        let named = self
            .stored
            .values()
            .filter_map(|a| a.package.map(|p| p.sha256));
        let named: std::collections::HashSet<_> = named.collect();
        assert_eq!(named, self.packages.keys().copied().collect());
        for (id, application) in &self.stored {
            assert_eq!(self.applications.get(id), Some(application));
        }
        outcome.reply
    }

    fn configure(
        &mut self,
        consumer: &Consumer,
        body: Value,
    ) -> Result<Value, Box<ProblemDetails>> {
        let request: DcAppConfigReq = read_value(body).unwrap();
        let limits = self.applications.settings().package;
        let checked = Checked::configuration(request, &limits);
        let outcome = self.applications.configure(consumer, checked, NOW);
        self.commit(outcome)
            .map(|response| response.write().unwrap())
    }

    fn update(&mut self, consumer: &Consumer, body: Value) -> Result<Value, Box<ProblemDetails>> {
        let request: DcAppUpdateReq = read_value(body).unwrap();
        let limits = self.applications.settings().package;
        let checked = Checked::update(request, &limits);
        let outcome = self.applications.update(consumer, checked, NOW + 1);
        self.commit(outcome)
            .map(|response| response.write().unwrap())
    }

    fn delete(&mut self, consumer: &Consumer, body: Value) -> Result<Value, Box<ProblemDetails>> {
        let request: DcAppIdReq = read_value(body).unwrap();
        let outcome = self.applications.delete(consumer, request);
        self.commit(outcome)
            .map(|response| response.write().unwrap())
    }

    fn retrieve(&self, consumer: &Consumer, body: Value) -> Result<Value, Box<ProblemDetails>> {
        let request: DcAppIdReq = read_value(body).unwrap();
        let response = self.applications.retrieve(consumer, &request);
        response.map(|response| response.write().unwrap())
    }

    /// One application of `acme`.
    fn one(&mut self, parameters: Value) -> String {
        let body = configuration("acme", json!([parameters]));
        let response = self.configure(&client("acme"), body).unwrap();
        let id = response["dcAppConfigRespList"][0]["appId"].as_str();
        id.expect("it was configured").to_owned()
    }
}

fn client(name: &str) -> Consumer {
    Consumer::Client(name.to_owned())
}

fn configuration(provider: &str, list: Value) -> Value {
    let number = list.as_array().unwrap().len();
    json!({ "reqId": provider, "dcAppNum": number, "dcAppConfigParamList": list })
}

fn updates(provider: &str, list: Value) -> Value {
    let number = list.as_array().unwrap().len();
    json!({ "reqId": provider, "dcAppNum": number, "dcAppUpdateParamList": list })
}

fn ids(provider: &str, ids: &[&str]) -> Value {
    json!({ "reqId": provider, "dcAppNum": ids.len(), "appIdList": ids })
}

fn package(text: &str) -> Value {
    Binary(archive::page(text).into()).write().unwrap()
}

/// TS 29.392 §5.2.2.2, §5.2.2.5: what is configured is there, without its package.
#[test]
fn what_is_configured_can_be_retrieved() {
    let mut enabler = Enabler::new(Settings::default());
    let id = enabler.one(json!({
        "appIndex": "1", "appName": "Menu", "appVer": "1", "autoload": true, "cond": "anywhere",
        "appPkg": package("menu"), "vendorSpecific-000001": [1],
    }));
    let response = enabler
        .retrieve(&client("acme"), ids("acme", &[&id]))
        .unwrap();
    let profile = json!({
        "appId": id, "appName": "Menu", "appVer": "1", "autoload": true, "cond": "anywhere",
        "vendorSpecific-000001": [1],
    });
    assert_eq!(
        response,
        json!({ "status": "SUCCESS", "dcAppInfoList": [profile] })
    );
    assert!(enabler.stored[&id].package.is_some());
}

/// Each for itself: one that is bad leaves the others as they are.
#[test]
fn each_entry_has_its_own_status() {
    let mut enabler = Enabler::new(Settings::default());
    let list = json!([
        { "appIndex": "good", "appPkg": package("menu") },
        { "appIndex": "no archive", "appPkg": "AAAA" },
        { "appIndex": "icon", "appIconUrl": "file:///etc/passwd" },
        { "appIndex": "privacy", "persDataCollInfoUrl": "javascript:alert(1)" },
        { "appIndex": "over", "appVal": "2026-12-31T23:59:59Z" },
    ]);
    let response = enabler
        .configure(&client("acme"), configuration("acme", list))
        .unwrap();
    let list = response["dcAppConfigRespList"].as_array().unwrap();
    let told: Vec<_> = list
        .iter()
        .map(|one| {
            (
                one["status"].as_str().unwrap(),
                one["failureCause"].as_str().unwrap_or(""),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("SUCCESS", ""),
            ("FAILED", "appPkg: is no whole ZIP archive"),
            ("FAILED", "appIconUrl: must be an http or https URL"),
            (
                "FAILED",
                "persDataCollInfoUrl: must be an http or https URL"
            ),
            ("FAILED", "appVal: is over already"),
        ]
    );
    assert_eq!(enabler.stored.len(), 1);
}

/// Who lost the answer asks again, and gets the same one.
#[test]
fn the_same_configuration_twice_makes_one_application() {
    let mut enabler = Enabler::new(Settings::default());
    let entry = json!({ "appIndex": "1", "appName": "Menu", "appPkg": package("menu") });
    let id = enabler.one(entry.clone());
    assert_eq!(enabler.one(entry.clone()), id);
    // Another provider's, another index, another word: another application.
    let theirs = enabler
        .configure(&client("other"), configuration("other", json!([entry])))
        .unwrap();
    assert_ne!(theirs["dcAppConfigRespList"][0]["appId"], json!(id));
    assert_ne!(
        enabler.one(json!({ "appIndex": "2", "appName": "Menu" })),
        id
    );
    // Once it is updated, it is not what was configured any more.
    let update = updates("acme", json!([{ "appId": id, "appName": "Card" }]));
    enabler.update(&client("acme"), update).unwrap();
    let again = enabler.one(entry.clone());
    assert_ne!(again, id);
    // The same after a restart.
    let loaded: Vec<_> = enabler.stored.values().cloned().collect();
    enabler.applications = Applications::new(Settings::default(), [8; 32], loaded);
    assert_eq!(enabler.one(entry), again);
}

/// TS 29.392 §5.2.2.3.
#[test]
fn an_update_changes_what_it_names_and_remembers_what_was() {
    let mut enabler = Enabler::new(Settings::default());
    let id = enabler.one(json!({
        "appIndex": "1", "appName": "Menu", "appVer": "1", "appPkg": package("menu"),
    }));
    let first = enabler.stored[&id].package;
    let update = updates(
        "acme",
        json!([
            { "appId": id, "appVer": "2", "appPkg": package("card") },
            { "appId": "nobody" },
        ]),
    );
    for _ in 0..2 {
        let response = enabler.update(&client("acme"), update.clone()).unwrap();
        let list = &response["dcAppStatRespList"];
        assert_eq!(list[0], json!({ "appId": id, "status": "SUCCESS" }));
        assert_eq!(list[1]["status"], "FAILED");
        let application = &enabler.stored[&id];
        assert_eq!(application.profile.app_name.as_deref(), Some("Menu"));
        assert_eq!(application.profile.app_ver.as_deref(), Some("2"));
        // The second time nothing changed, and nothing is added to the history.
        let [before] = &application.history[..] else {
            panic!("one earlier version: {:?}", application.history);
        };
        assert_eq!(
            (before.app_ver.as_deref(), before.package),
            (Some("1"), first)
        );
    }
}

#[test]
fn the_history_is_bounded() {
    let mut enabler = Enabler::new(Settings::default());
    let id = enabler.one(json!({ "appIndex": "1" }));
    for version in 0..40 {
        let entry = json!([{ "appId": id, "appVer": version.to_string() }]);
        enabler
            .update(&client("acme"), updates("acme", entry))
            .unwrap();
    }
    let history = &enabler.stored[&id].history;
    assert_eq!(history.len(), 16);
    assert_eq!(history[15].app_ver.as_deref(), Some("38"));
}

/// TS 29.392 §5.2.2.4: one status for all, with a list of each beside it.
#[test]
fn a_deletion_says_what_was_not_there() {
    let mut enabler = Enabler::new(Settings::default());
    let shared = package("menu");
    let one = enabler.one(json!({ "appIndex": "1", "appPkg": shared }));
    let two = enabler.one(json!({ "appIndex": "2", "appPkg": shared }));
    let response = enabler
        .delete(&client("acme"), ids("acme", &[&one, "nobody"]))
        .unwrap();
    assert_eq!(response["status"], "FAILED");
    assert!(
        response["failureCause"]
            .as_str()
            .unwrap()
            .ends_with(": nobody")
    );
    assert_eq!(response["dcAppStatRespList"][0]["status"], "SUCCESS");
    assert_eq!(response["dcAppStatRespList"][1]["status"], "FAILED");
    // The package that both had is there until the other one goes.
    assert_eq!(enabler.packages.len(), 1);
    let response = enabler
        .delete(&client("acme"), ids("acme", &[&two]))
        .unwrap();
    assert_eq!(response["status"], "SUCCESS");
    assert_eq!(enabler.packages.len(), 0);
    let gone = enabler
        .retrieve(&client("acme"), ids("acme", &[&two]))
        .unwrap();
    assert_eq!(gone["status"], "FAILED");
    assert_eq!(gone.get("dcAppInfoList"), None);
}

#[test]
fn nobody_reaches_the_applications_of_another() {
    let mut enabler = Enabler::new(Settings::default());
    let id = enabler.one(json!({ "appIndex": "1", "appName": "Menu" }));
    let mallory = client("mallory");
    // By the other's name.
    let problem = enabler.retrieve(&mallory, ids("acme", &[&id])).unwrap_err();
    assert_eq!(problem.status(), 403);
    assert_eq!(problem.invalid_params.unwrap()[0].param, "/reqId");
    let update = updates("acme", json!([{ "appId": id, "appName": "Mine" }]));
    assert_eq!(enabler.update(&mallory, update).unwrap_err().status(), 403);
    let request = configuration("acme", json!([{ "appIndex": "2" }]));
    assert_eq!(
        enabler.configure(&mallory, request).unwrap_err().status(),
        403
    );
    assert_eq!(
        enabler
            .delete(&mallory, ids("acme", &[&id]))
            .unwrap_err()
            .status(),
        403
    );
    // By their own, with the other's identifier: as if it were not there.
    let response = enabler.retrieve(&mallory, ids("mallory", &[&id])).unwrap();
    assert_eq!(response["status"], "FAILED");
    let update = updates("mallory", json!([{ "appId": id, "appName": "Mine" }]));
    let response = enabler.update(&mallory, update).unwrap();
    assert_eq!(response["dcAppStatRespList"][0]["status"], "FAILED");
    let response = enabler.delete(&mallory, ids("mallory", &[&id])).unwrap();
    assert_eq!(response["status"], "FAILED");
    assert_eq!(
        enabler.stored[&id].profile.app_name.as_deref(),
        Some("Menu")
    );
}

/// TS 29.392 §6.1.6.2.2: `secCred`, when one is configured.
#[test]
fn a_credential_is_checked_when_it_is_configured() {
    let provider = Provider {
        clients: vec!["as1".into()],
        credential: Some(Secret::new("right")),
    };
    let settings = Settings {
        providers: HashMap::from([("acme".to_owned(), provider)]),
        closed: true,
        ..Settings::default()
    };
    let mut enabler = Enabler::new(settings);
    let param = |problem: Box<ProblemDetails>| {
        assert_eq!(problem.status(), 403);
        problem.invalid_params.unwrap()[0].param.clone()
    };
    let mut body = configuration("acme", json!([{ "appIndex": "1" }]));
    for consumer in [client("as1"), Consumer::Anybody] {
        body.as_object_mut().unwrap().remove("secCred");
        let problem = enabler.configure(&consumer, body.clone()).unwrap_err();
        assert_eq!(param(problem), "/secCred");
        body["secCred"] = "wrong".into();
        let problem = enabler.configure(&consumer, body.clone()).unwrap_err();
        assert_eq!(param(problem), "/secCred");
        body["secCred"] = "right".into();
        assert!(enabler.configure(&consumer, body.clone()).is_ok());
    }
    // A client that speaks for nobody here, a provider that nobody knows.
    assert_eq!(
        param(enabler.configure(&client("acme"), body).unwrap_err()),
        "/reqId"
    );
    let other = configuration("other", json!([{ "appIndex": "1" }]));
    assert_eq!(
        param(enabler.configure(&client("other"), other).unwrap_err()),
        "/reqId"
    );
    // What carries no credential needs a token.
    assert_eq!(enabler.stored.len(), 1);
    let id = enabler.stored.keys().next().unwrap().clone();
    let request = ids("acme", &[&id]);
    let problem = enabler
        .retrieve(&Consumer::Anybody, request.clone())
        .unwrap_err();
    assert_eq!(param(problem), "/reqId");
    assert!(enabler.retrieve(&client("as1"), request).is_ok());
}

#[test]
fn a_provider_has_a_share_of_the_room() {
    let size = archive::page("menu").len() as u64;
    let settings = Settings {
        max_applications: 3,
        max_package_bytes: size,
        ..Settings::default()
    };
    let mut enabler = Enabler::new(settings);
    let id = enabler.one(json!({ "appIndex": "1", "appPkg": package("menu") }));
    let more = json!([
        { "appIndex": "2", "appPkg": package("menu") },
        { "appIndex": "3" },
        { "appIndex": "4" },
        { "appIndex": "5" },
    ]);
    let response = enabler
        .configure(&client("acme"), configuration("acme", more))
        .unwrap();
    let list = response["dcAppConfigRespList"].as_array().unwrap();
    let statuses: Vec<_> = list
        .iter()
        .map(|one| one["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["FAILED", "SUCCESS", "SUCCESS", "FAILED"]);
    // What takes another's place needs no more room; what is larger does.
    let update = updates("acme", json!([{ "appId": id, "appPkg": package("card") }]));
    let response = enabler.update(&client("acme"), update).unwrap();
    assert_eq!(response["dcAppStatRespList"][0]["status"], "SUCCESS");
    let update = updates(
        "acme",
        json!([{ "appId": id, "appPkg": package("a longer menu") }]),
    );
    let response = enabler.update(&client("acme"), update).unwrap();
    assert_eq!(response["dcAppStatRespList"][0]["status"], "FAILED");
}

/// TS 29.392 §6.1.6.2.3, §6.1.6.3.3, §6.1.6.3.4.
#[test]
fn an_application_is_used_when_it_may_be() {
    let mut enabler = Enabler::new(Settings::default());
    let call = |established, video| Call { established, video };
    let in_voice_call = call(true, false);
    for (parameters, call, usable) in [
        (json!({}), in_voice_call, true),
        (
            json!({ "appVal": "2027-01-15T08:00:01Z" }),
            in_voice_call,
            true,
        ),
        (json!({ "appLoadPh": "PRECALL_ONLY" }), in_voice_call, false),
        (
            json!({ "appLoadPh": "PRECALL_ONLY" }),
            call(false, false),
            true,
        ),
        (json!({ "appLoadPh": "INCALL" }), call(false, false), false),
        (
            json!({ "appLoadPh": "PRECALL_AND_INCALL" }),
            in_voice_call,
            true,
        ),
        (json!({ "appLoadPh": "LATER" }), in_voice_call, true),
        (
            json!({ "suppScnr": "VOICE_CALL_ONLY" }),
            call(true, true),
            false,
        ),
        (
            json!({ "suppScnr": "VIDEO_CALL_ONLY" }),
            in_voice_call,
            false,
        ),
        (
            json!({ "suppScnr": "VIDEO_CALL_ONLY" }),
            call(true, true),
            true,
        ),
    ] {
        let mut parameters = parameters;
        parameters["appIndex"] = parameters.to_string().into();
        let id = enabler.one(parameters.clone());
        let application = &enabler.stored[&id];
        assert_eq!(
            application.usable(call, NOW).is_ok(),
            usable,
            "{parameters}"
        );
        let at_its_end = application.usable(call, NOW + 1).is_ok();
        assert_eq!(
            at_its_end,
            usable && parameters.get("appVal").is_none(),
            "{parameters}"
        );
    }
}

#[test]
fn a_package_is_looked_into_before_anything_is_decided() {
    let body = configuration(
        "acme",
        json!([{ "appIndex": "1", "appPkg": package("menu") }]),
    );
    let request: DcAppConfigReq = read_value(body).unwrap();
    let checked = Checked::configuration(request, &Limits::default());
    assert_eq!(checked.request().list[0].app_pkg, None);
    assert_eq!(checked.request().list[0].app_index, "1");
}

/// Many small packages that each unpack to as much as one may would keep a thread busy for minutes.
#[test]
fn the_packages_of_one_request_share_what_may_be_unpacked() {
    let limits = Limits {
        unpacked: 2500,
        ..Limits::default()
    };
    let settings = Settings {
        package: limits,
        ..Settings::default()
    };
    let mut enabler = Enabler::new(settings);
    let large = package(&" ".repeat(1000));
    let list: Vec<_> = (0..4)
        .map(|index| json!({ "appIndex": index.to_string(), "appPkg": large }))
        .collect();
    let body = configuration("acme", list.into());
    let response = enabler.configure(&client("acme"), body).unwrap();
    let list = response["dcAppConfigRespList"].as_array().unwrap();
    let statuses: Vec<_> = list
        .iter()
        .map(|one| one["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["SUCCESS", "SUCCESS", "FAILED", "FAILED"]);
}
