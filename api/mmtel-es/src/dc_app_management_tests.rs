//! Bodies of MMTel_DCAppManagement, written from the tables.

use serde_json::{Value, json};

use super::*;
use crate::attribute::{Attribute, read, read_value, write};
use crate::fault::Kind;

fn read_json<T: Attribute>(body: &Value) -> Result<T, Vec<(String, String)>> {
    read(body.to_string().as_bytes()).map_err(|faults| {
        let faults = faults.iter();
        faults
            .map(|f| (f.pointer.clone(), f.reason.clone()))
            .collect()
    })
}

fn pointers<T: Attribute + std::fmt::Debug>(body: &Value) -> Vec<String> {
    let faults = read_json::<T>(body).expect_err("the body is wrong");
    faults.into_iter().map(|(pointer, _)| pointer).collect()
}

/// TS 29.392 §6.1.6.2.2, §6.1.6.2.3: every attribute is read and comes out again.
#[test]
fn a_whole_configuration_comes_out_as_it_went_in() {
    let body = json!({
        "reqId": "provider-1",
        "secCred": "secret",
        "dcAppNum": 1,
        "dcAppConfigParamList": [{
            "appIndex": "1",
            "appName": "Menu",
            "svcType": "retail",
            "appIconUrl": "https://as.example.com/icon.png",
            "appVer": "1.2",
            "appVal": "2027-01-01T00:00:00Z",
            "appLoadPh": "INCALL",
            "autoload": true,
            "autolaunch": false,
            "peerDcReq": true,
            "suppScnr": "VOICE_AND_VIDEO_CALL",
            "cond": "somewhere",
            "qosReq": "low delay",
            "persDataColl": true,
            "persDataCollInfoUrl": "https://as.example.com/privacy",
            "appPkg": "UEsDBA==",
            "vendorSpecific-004711": { "theme": ["dark"] },
        }],
    });
    let request: DcAppConfigReq = read_json(&body).unwrap();
    let application = &request.list[0];
    assert_eq!(application.app_load_ph, Some(AppLoadPhase::Incall));
    assert_eq!(application.cond, Some(Condition::Other("somewhere".into())));
    assert_eq!(&application.app_pkg.as_ref().unwrap().0[..], b"PK\x03\x04");
    let written: Value = serde_json::from_slice(&write(&request)).unwrap();
    assert_eq!(written, body);
    assert!(!format!("{request:?}").contains("secret"));
}

/// TS 29.392 §6.1.6.2.3: what is absent is false, and stays absent.
#[test]
fn defaults_are_read_and_not_written() {
    let body = json!({ "appIndex": "1", "unknown": { "a": 1 } });
    let application: DcAppConfigParameters = read_json(&body).unwrap();
    assert!(!application.autoload() && !application.autolaunch());
    assert!(!application.peer_dc_req() && !application.pers_data_coll());
    assert_eq!(application.write(), Some(json!({ "appIndex": "1" })));
}

#[test]
fn all_faults_are_told_at_once() {
    let body = json!({
        "reqId": 1,
        "secCred": null,
        "dcAppNum": "2",
        "dcAppConfigParamList": [
            { "appName": [], "autoload": "true", "appVal": "tomorrow", "appIconUrl": "icon" },
            { "appIndex": "1", "appPkg": "?", "appLoadPh": 7 },
            4,
        ],
    });
    let list = "/dcAppConfigParamList";
    let expected = [
        ("/reqId".into(), "must be a string"),
        ("/secCred".into(), "must be a string"),
        ("/dcAppNum".into(), "must be an integer of at most 64 bits"),
        (format!("{list}/0/appIndex"), "is missing"),
        (format!("{list}/0/appName"), "must be a string"),
        (
            format!("{list}/0/appIconUrl"),
            "must be a URI with a scheme",
        ),
        (
            format!("{list}/0/appVal"),
            "must be a date and time as in RFC 3339",
        ),
        (format!("{list}/0/autoload"), "must be true or false"),
        (format!("{list}/1/appLoadPh"), "must be a string"),
        (
            format!("{list}/1/appPkg"),
            "must be base64 (RFC 4648, section 4) without line breaks",
        ),
        (format!("{list}/2"), "must be an object"),
    ];
    let faults = read_json::<DcAppConfigReq>(&body).unwrap_err();
    let faults: Vec<_> = faults
        .iter()
        .map(|(p, r)| (p.clone(), r.as_str()))
        .collect();
    assert_eq!(faults, expected);
}

#[test]
fn faults_know_whether_the_attribute_was_mandatory() {
    let body = json!({ "reqId": 1, "secCred": 1, "dcAppNum": 1 });
    let faults = read_value::<DcAppConfigReq>(body).unwrap_err();
    let kinds: Vec<_> = faults.iter().map(|fault| fault.kind).collect();
    assert_eq!(kinds, [Kind::Mandatory, Kind::Optional, Kind::Missing]);
}

#[test]
fn the_number_must_agree_with_the_list() {
    let body = |number: i64| json!({ "reqId": "p", "dcAppNum": number, "appIdList": ["a", "b"] });
    assert!(read_json::<DcAppIdReq>(&body(2)).is_ok());
    for number in [-1, 0, 1, 3, i64::MAX] {
        assert_eq!(pointers::<DcAppIdReq>(&body(number)), ["/dcAppNum"]);
    }
}

#[test]
fn one_application_is_named_once() {
    let body = json!({ "reqId": "p", "dcAppNum": 3, "appIdList": ["a", "b", "a"] });
    assert_eq!(pointers::<DcAppIdReq>(&body), ["/appIdList/2"]);
    let twice = json!([{ "appIndex": "1" }, { "appIndex": "1" }]);
    let body = json!({ "reqId": "p", "dcAppNum": 2, "dcAppConfigParamList": twice });
    assert_eq!(
        pointers::<DcAppConfigReq>(&body),
        ["/dcAppConfigParamList/1/appIndex"]
    );
}

/// TS 29.392 §6.1.6.2.6 calls the list by another name than annex A.2.
#[test]
fn the_update_list_has_two_names_and_takes_one() {
    let list = json!([{ "appId": "a" }]);
    for name in ["dcAppUpdateParamList", "dcAppUpdateParametersList"] {
        let body = json!({ "reqId": "p", "dcAppNum": 1, name: list });
        let request: DcAppUpdateReq = read_json(&body).unwrap();
        let written = request.write().unwrap();
        assert_eq!(written["dcAppUpdateParamList"], list);
    }
    let both = json!({
        "reqId": "p", "dcAppNum": 1,
        "dcAppUpdateParamList": list, "dcAppUpdateParametersList": list,
    });
    assert_eq!(
        pointers::<DcAppUpdateReq>(&both),
        ["/dcAppUpdateParametersList"]
    );
    let wrong = json!({ "reqId": "p", "dcAppNum": 1, "dcAppUpdateParametersList": [{}] });
    let pointer = ["/dcAppUpdateParametersList/0/appId"];
    assert_eq!(pointers::<DcAppUpdateReq>(&wrong), pointer);
}

#[test]
fn an_empty_list_is_refused() {
    let body = json!({ "reqId": "p", "dcAppNum": 0, "appIdList": [] });
    assert_eq!(pointers::<DcAppIdReq>(&body), ["/appIdList"]);
}

/// TS 29.392 §6.1.6.2.11, NOTE.
#[test]
fn a_retrieval_carries_no_package() {
    let application = DcAppUpdateParameters {
        app_id: "a".into(),
        app_pkg: Some(Binary::default()),
        ..Default::default()
    };
    let response = DcAppIdResp::success(vec![application]).write().unwrap();
    let expected = json!({ "status": "SUCCESS", "dcAppInfoList": [{ "appId": "a" }] });
    assert_eq!(response, expected);
    let deleted = DcAppIdResp::success(Vec::new()).write().unwrap();
    assert_eq!(deleted, json!({ "status": "SUCCESS" }));
}

/// TS 29.392 §6.1.6.2.5: "May only be present if".
#[test]
fn identifier_and_cause_go_with_their_status() {
    let good = [
        DcAppConfigResponseParameters::success("1".into(), "a".into()),
        DcAppConfigResponseParameters::failed("2".into(), "no archive"),
    ];
    let response = DcAppConfigResp {
        list: good.to_vec(),
        extensions: crate::Extensions::new(),
    };
    let written = response.write().unwrap();
    assert_eq!(
        written,
        json!({ "dcAppConfigRespList": [
            { "appIndex": "1", "status": "SUCCESS", "appId": "a" },
            { "appIndex": "2", "status": "FAILED", "failureCause": "no archive" },
        ] })
    );
    assert_eq!(read_value(written), Ok(response));
    let body = json!({ "appIndex": "1", "status": "FAILED", "appId": "a" });
    assert_eq!(pointers::<DcAppConfigResponseParameters>(&body), ["/appId"]);
    let body = json!({ "status": "SUCCESS", "failureCause": "x" });
    assert_eq!(pointers::<DcAppIdResp>(&body), ["/failureCause"]);
}

#[test]
fn nothing_but_an_object_is_a_body() {
    for body in [json!([]), json!(null), json!("x"), json!(1), json!(true)] {
        assert_eq!(pointers::<DcAppIdReq>(&body), [""]);
    }
}
