//! Data types of MMTel_CallControl: IMS sessions as resources (TS 29.392 §6.4.6, TS 29.522).

use serde_json::{Map, Value};

use crate::common::SupportedFeatures;
use crate::describe::object;
use crate::ims_session::ImsSessionInfo;

object! {
    /// An IMS session, as an application server made it (TS 29.522).
    pub struct ImsSession {
        /// Identity of the application server.
        af_id: String = "afId",
        /// The session.
        ims_session_info: ImsSessionInfo = "imsSessionInfo",
        /// Features of the API, negotiated.
        supp_feat: Option<SupportedFeatures> = "suppFeat",
    }
    before notif_uri_at_the_top;
}

/// The callback of annex A.5 of TS 29.392 takes `notifUri` from the top of the body, where no table
/// has it. Who wrote a client from that alone puts it there; it is taken when the right place has none.
fn notif_uri_at_the_top(members: &mut Map<String, Value>) {
    let Some(uri) = members.remove("notifUri") else {
        return;
    };
    if let Some(Value::Object(info)) = members.get_mut("imsSessionInfo") {
        info.entry("notifUri").or_insert(uri);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::attribute::{Attribute as _, read_value};

    #[test]
    fn the_notification_uri_is_taken_from_the_top_when_it_is_nowhere_else() {
        let mut body = json!({
            "afId": "as1",
            "imsSessionInfo": {
                "sessionInfo": {
                    "callingId": "sip:alice@ims.example.com",
                    "calledId": "sip:bob@ims.example.com",
                },
                "mediaInfoSet": [{ "mediaType": "AUDIO", "mediaCorrectionId": "1" }],
            },
            "suppFeat": "",
            "notifUri": "https://as.example.com/top",
        });
        let uri = |body: &Value| {
            let read: ImsSession = read_value(body.clone()).unwrap();
            assert_eq!(read.write().unwrap().get("notifUri"), None);
            read.ims_session_info.notif_uri.map(|uri| uri.to_string())
        };
        assert_eq!(uri(&body).as_deref(), Some("https://as.example.com/top"));
        body["imsSessionInfo"]["notifUri"] = json!("https://as.example.com/right");
        assert_eq!(uri(&body).as_deref(), Some("https://as.example.com/right"));
        body["imsSessionInfo"]["notifUri"] = json!(1);
        let faults = read_value::<ImsSession>(body).unwrap_err();
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/imsSessionInfo/notifUri"]);
    }
}
