//! Data types of MMTel_DCAppCall: calls with data channels (TS 29.392 §6.2.6).

use serde_json::{Value, json};

use crate::attribute::{Attribute, Components, Extensions, Object, Reader, read_list};
use crate::common::Uri;
use crate::dc_app_management::{DcAppUpdateParameters, Status};
use crate::describe::{object, open_enum};

object! {
    /// Request to establish a call (TS 29.392 §6.2.6.2.2).
    pub struct DcCallReq {
        /// Who calls; mandatory when two UEs are connected (P2P).
        originating_id: Option<Uri> = "originatingId",
        /// Who is called.
        terminating_id: Uri = "terminatingId",
        /// Which media the call has.
        media_info: MediaInfo = "mediaInfo",
        /// Whether the call has data channels; false when absent.
        dc_media_info: Option<bool> = "dcMediaInfo",
        /// Which application is used in it.
        app_profile_requested: Option<DcAppUpdateParameters> = "appProfileRequested",
        /// Where notifications about the call go.
        notification_info: Uri = "notificationInfo",
        /// Who is connected with whom.
        call_type: CallType = "callType",
    }
    check DcCallReq::check;
}

impl DcCallReq {
    /// Whether the call has data channels (annex A.3: false is the default).
    pub fn dc_media_info(&self) -> bool {
        self.dc_media_info.unwrap_or(false)
    }

    fn check(&self, reader: &mut Reader) {
        two_ues(&self.call_type, self.originating_id.as_ref(), reader);
    }
}

/// TS 29.392 §6.2.6.2.2, NOTE: the originatingId shall be present if the callType is P2P.
fn two_ues(call_type: &CallType, originating_id: Option<&Uri>, reader: &mut Reader) {
    if *call_type == CallType::P2P && originating_id.is_none() {
        reader.missing("originatingId", "is missing, and the callType is P2P");
    }
}

/// The media of a request: none, one or more. An empty list says what an absent one says: the annex
/// allows it, the table does not, and we never write it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaInfo(pub Vec<String>);

impl Attribute for MediaInfo {
    const OPTIONAL: bool = true;

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn read(value: Value, reader: &mut Reader) -> Option<Self> {
        read_list(value, reader).map(Self)
    }

    fn write(&self) -> Option<Value> {
        self.0.write()
    }

    fn schema(_: &mut Components) -> Value {
        json!({ "type": "array", "items": { "type": "string" } })
    }
}

object! {
    /// Response to a call request (TS 29.392 §6.2.6.2.3).
    pub struct DcCallResp {
        /// Whether the call was established.
        call_result: Status = "callResult",
        /// Identifier of the call; always there with SUCCESS, since /update-dc-media needs it.
        session_id: Option<String> = "sessionId",
        /// Why the call was not established.
        failure_cause: Option<String> = "failureCause",
        /// Who calls; mandatory when two UEs are connected (P2P).
        originating_id: Option<Uri> = "originatingId",
        /// Who is called.
        terminating_id: Uri = "terminatingId",
        /// Which media the call has.
        media_info: Option<Vec<String>> = "mediaInfo",
        /// Whether the call has data channels: "true" or "false". A string here, a boolean in the
        /// request.
        dc_media_info: Option<String> = "dcMediaInfo",
        /// Which application is used in it.
        app_profile_requested: Option<DcAppUpdateParameters> = "appProfileRequested",
        /// Who is connected with whom.
        call_type: CallType = "callType",
    }
    check DcCallResp::check;
}

impl DcCallResp {
    /// The response to `request` that says what became of it; what it asked for is repeated.
    fn to(request: &DcCallReq, call_result: Status) -> Self {
        Self {
            call_result,
            session_id: None,
            failure_cause: None,
            originating_id: request.originating_id.clone(),
            terminating_id: request.terminating_id.clone(),
            media_info: None,
            dc_media_info: None,
            app_profile_requested: None,
            call_type: request.call_type.clone(),
            extensions: Extensions::new(),
        }
    }

    /// The call was established, with these media.
    pub fn success(
        request: &DcCallReq,
        session_id: String,
        media: Vec<String>,
        data_channels: bool,
    ) -> Self {
        let mut profile = request.app_profile_requested.clone();
        if let Some(profile) = &mut profile {
            profile.app_pkg = None;
        }
        Self {
            session_id: Some(session_id),
            media_info: (!media.is_empty()).then_some(media),
            dc_media_info: Some(data_channels.to_string()),
            app_profile_requested: profile,
            ..Self::to(request, Status::Success)
        }
    }

    /// The call was not established.
    pub fn failed(request: &DcCallReq, cause: impl Into<String>) -> Self {
        Self {
            failure_cause: Some(cause.into()),
            ..Self::to(request, Status::Failed)
        }
    }

    fn check(&self, reader: &mut Reader) {
        two_ues(&self.call_type, self.originating_id.as_ref(), reader);
    }
}

object! {
    /// Request to use a data channel in a call that is there (TS 29.392 §6.2.6.2.4).
    pub struct DcMediaUpdateReq {
        /// Identifier of the application.
        dc_app_id: String = "dcAppId",
        /// Identifier of the call.
        session_id: String = "sessionId",
        /// What is to be sent through the data channel.
        media_resource_info: Option<Object> = "mediaResourceInfo",
        /// The profile of the application.
        app_profile_requested: Option<DcAppUpdateParameters> = "appProfileRequested",
        /// Where notifications about the call go.
        notification_info: Uri = "notificationInfo",
        /// Who opens the data channel.
        media_direction: Option<AdcType> = "mediaDirection",
    }
}

object! {
    /// Response to a [`DcMediaUpdateReq`] (TS 29.392 §6.2.6.2.5).
    pub struct DcMediaUpdateResp {
        /// Identifier of the call.
        session_id: String = "sessionId",
        /// Whether it was done.
        result: Status = "result",
        /// Why not.
        cause: Option<String> = "cause",
    }
}

object! {
    /// Notification of what came through the data channel, or became of it (TS 29.392 §6.2.6.2.6).
    pub struct DcMediaNotifyReq {
        /// Identifier of the call.
        session_id: String = "sessionId",
        /// What came.
        media_resource_info: Object = "mediaResourceInfo",
        /// Whence it came.
        media_direction: Option<AdcType> = "mediaDirection",
    }
}

object! {
    /// The consumer's answer to a [`DcMediaNotifyReq`] (TS 29.392 §6.2.6.2.7).
    pub struct DcMediaNotifyResp {
        /// Identifier of the call.
        session_id: String = "sessionId",
        /// Whether the consumer could use it.
        result: Status = "result",
        /// Why not.
        cause: Option<String> = "cause",
    }
}

open_enum! {
    /// Who opens a data channel (TS 29.392 §6.2.6.3.3).
    pub enum AdcType {
        /// The application.
        A2P = "A2P",
        /// The UE. The annex speaks of P2P in the description, and means this one.
        P2A = "P2A",
    }
}

open_enum! {
    /// Who is connected with whom (TS 29.392 §6.2.6.3.4).
    pub enum CallType {
        /// The application calls a UE.
        A2P = "A2P",
        /// Two UEs are connected.
        P2P = "P2P",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::read_value;

    fn request() -> Value {
        json!({
            "originatingId": "sip:alice@ims.example.com",
            "terminatingId": "tel:+15550101",
            "mediaInfo": ["audio", "video"],
            "dcMediaInfo": true,
            "appProfileRequested": { "appId": "a", "appPkg": "AA==" },
            "notificationInfo": "https://as.example.com/dc",
            "callType": "P2P",
        })
    }

    fn pointers<T: Attribute + std::fmt::Debug>(body: Value) -> Vec<String> {
        let faults = read_value::<T>(body).expect_err("the body is wrong");
        faults.iter().map(|fault| fault.pointer.clone()).collect()
    }

    #[test]
    fn a_call_request_comes_out_as_it_went_in() {
        let read: DcCallReq = read_value(request()).unwrap();
        assert!(read.dc_media_info());
        assert_eq!(read.write(), Some(request()));
    }

    /// TS 29.392 §6.2.6.2.2, NOTE.
    #[test]
    fn two_ues_need_an_originating_one() {
        let mut body = request();
        body.as_object_mut().unwrap().remove("originatingId");
        assert_eq!(pointers::<DcCallReq>(body.clone()), ["/originatingId"]);
        for other in ["A2P", "LATER"] {
            body["callType"] = other.into();
            let read: DcCallReq = read_value(body.clone()).unwrap();
            assert_eq!(read.call_type.as_str(), other);
        }
    }

    #[test]
    fn no_media_are_an_empty_list_or_none() {
        for media in [Some(json!([])), None] {
            let mut body = request();
            let members = body.as_object_mut().unwrap();
            members.remove("mediaInfo");
            members.extend(media.map(|media| ("mediaInfo".into(), media)));
            let read: DcCallReq = read_value(body).unwrap();
            assert!(read.media_info.0.is_empty());
            assert_eq!(read.write().unwrap().get("mediaInfo"), None);
        }
        let mut body = request();
        body["mediaInfo"] = json!(["audio", 1]);
        assert_eq!(pointers::<DcCallReq>(body), ["/mediaInfo/1"]);
    }

    /// TS 29.392 §6.2.6.2.3: `dcMediaInfo` is a string there.
    #[test]
    fn the_response_repeats_the_parties_and_tells_the_media() {
        let read: DcCallReq = read_value(request()).unwrap();
        let response = DcCallResp::success(&read, "s1".into(), vec!["audio".into()], false);
        assert_eq!(
            response.write(),
            Some(json!({
                "callResult": "SUCCESS",
                "sessionId": "s1",
                "originatingId": "sip:alice@ims.example.com",
                "terminatingId": "tel:+15550101",
                "mediaInfo": ["audio"],
                "dcMediaInfo": "false",
                "appProfileRequested": { "appId": "a" },
                "callType": "P2P",
            }))
        );
        let failed = DcCallResp::failed(&read, "486 Busy Here").write().unwrap();
        assert_eq!(failed["callResult"], "FAILED");
        assert_eq!(failed["failureCause"], "486 Busy Here");
        assert_eq!(failed.get("sessionId"), None);
    }

    /// TS 29.392 §6.2.6.2.4, §6.2.6.2.6: what goes through the channel stays as it came.
    #[test]
    fn what_goes_through_the_channel_is_any_object() {
        let inside = json!({ "choice": [1, null, { "a": "b" }], "": true });
        let body = json!({
            "dcAppId": "a", "sessionId": "s1", "mediaResourceInfo": inside,
            "notificationInfo": "https://as.example.com/dc", "mediaDirection": "P2P",
        });
        let read: DcMediaUpdateReq = read_value(body.clone()).unwrap();
        assert_eq!(read.media_direction, Some(AdcType::Other("P2P".into())));
        assert_eq!(read.write(), Some(body));
        let body = json!({ "sessionId": "s1", "mediaResourceInfo": "text" });
        assert_eq!(pointers::<DcMediaNotifyReq>(body), ["/mediaResourceInfo"]);
        let body = json!({ "sessionId": "s1" });
        assert_eq!(pointers::<DcMediaNotifyReq>(body), ["/mediaResourceInfo"]);
    }

    #[test]
    fn a_consumer_may_refuse_within_a_success() {
        let body = json!({ "sessionId": "s1", "result": "FAILED", "cause": "gone" });
        let read: DcMediaNotifyResp = read_value(body).unwrap();
        assert_eq!(read.result, Status::Failed);
    }
}
