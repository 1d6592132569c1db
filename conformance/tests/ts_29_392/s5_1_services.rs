//! TS 29.392 §5.1 — enabler, the services that there are.

use conformance::Enabler;

use super::apis::{document, takes};

/// TS 29.392 §5.1: table 5.1-1 has four, with their names and the names of their APIs, in this order.
#[test]
fn there_are_four_services() {
    let shared = Enabler::shared();
    let index = shared.send("GET", "/openapi", "", "").ok();
    let apis = index["apis"].as_array().expect("a list").iter();
    let apis = apis.map(|api| {
        let name = api["name"].as_str().expect("a name");
        let title = document(&shared, name)["info"]["title"].clone();
        assert_eq!(title, api["service"], "{name}");
        (title.as_str().expect("a title").to_owned(), name)
    });
    let apis: Vec<(String, &str)> = apis.collect();
    let table = [
        ("MMTel_DCAppManagement", "mmtel-dcappmgmt"),
        ("MMTel_DCAppCall", "mmtel-dcappcall"),
        ("MMTel_CallEvent", "mmtel-callevent"),
        ("MMTel_CallControl", "mmtel-callcontrol"),
    ];
    assert_eq!(
        apis,
        table.map(|(service, name)| (service.to_owned(), name))
    );
}

/// TS 29.392 §5.1: three of them are asked for something at their names; of MMTel_CallEvent nothing is asked, its
/// consumers are told.
#[test]
fn each_service_is_at_its_name() {
    let shared = Enabler::shared();
    for (api, asked) in [
        ("mmtel-dcappmgmt", "dcapps/configure"),
        ("mmtel-dcappcall", "dccall"),
        ("mmtel-callcontrol", "ims-sessions"),
    ] {
        assert!(takes(&shared, "POST", &format!("/{api}/v1/{asked}")));
        for other in [
            "mmtel-dcappmgmt",
            "mmtel-dcappcall",
            "mmtel-callevent",
            "mmtel-callcontrol",
        ] {
            let taken = takes(&shared, "POST", &format!("/{other}/v1/{asked}"));
            assert_eq!(taken, other == api, "{other}: {asked}");
        }
    }
}
