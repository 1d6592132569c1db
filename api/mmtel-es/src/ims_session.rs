//! Data types of IMS sessions and their events, as TS 29.175 and TS 29.571 have them. CallEvent and
//! CallControl share them.

use crate::attribute::{Deprecated, Object};
use crate::common::{ImsPublicId, Mcc, Mnc, SessionId, Uri};
use crate::describe::{object, open_enum};

object! {
    /// An IMS session and its media (TS 29.175).
    pub struct ImsSessionInfo {
        /// The two parties.
        session_info: SessionInfoSM = "sessionInfo",
        /// The media.
        media_info_set: Vec<MediaInfoExternal> = "mediaInfoSet",
        /// Identifier of the session, given by the server.
        session_id: Option<SessionId> = "sessionId",
        /// Where notifications about the session go; without it there are none.
        notif_uri: Option<Uri> = "notifUri",
        /// What every notification repeats.
        notif_correlation_id: Option<String> = "notifCorrelationId",
    }
}

object! {
    /// The two parties of a session (TS 29.175).
    pub struct SessionInfoSM {
        /// Who calls.
        calling_id: ImsPublicId = "callingId",
        /// Who is called.
        called_id: ImsPublicId = "calledId",
    }
}

object! {
    /// One medium of a session (TS 29.175).
    pub struct MediaInfoExternal {
        /// Its type.
        media_type: MediaType = "mediaType",
        /// What request and notification call it. The name on the wire is "Correction"; we take the
        /// one that was meant as well.
        media_correction_id: String = "mediaCorrectionId" | "mediaCorrelationId",
        /// What its data channels are for.
        dc_media_paras: Option<Vec<DcMediaPara>> = "dcMediaParas",
    }
}

object! {
    /// What a data channel is for (TS 29.175).
    pub struct DcMediaPara {
        /// Bootstrap or application.
        dc_type: DcType = "dcType",
        /// Between whom it is.
        adc_type: Option<AdcType> = "adcType",
        /// Which application it belongs to.
        app_binding_info: Option<AppBindingInfo> = "appBindingInfo",
        /// At which subscribers it is aimed.
        target_ids: Option<Vec<TargetIdInfo>> = "targetIds",
        /// The older form of `targetIds`.
        target_id: Option<ImsPublicId> = "targetId",
        /// Its endpoints at reference point MDC2. No text that we could read defines them: kept as
        /// they came.
        mdc2_endpoint_info: Option<Mdc2EndpointInfo> = "mdc2EndpointInfo",
    }
}

/// Endpoints at reference point MDC2, kept as they came.
pub type Mdc2EndpointInfo = Object;

object! {
    /// At which subscriber a data channel is aimed (TS 29.175).
    #[derive(Default)]
    pub struct TargetIdInfo {
        /// The one that calls.
        calling_identity: Option<ImsPublicId> = "callingIdentity",
        /// The one that is called.
        called_identity: Option<ImsPublicId> = "calledIdentity",
    }
}

object! {
    /// Which application a data channel belongs to (TS 29.571).
    pub struct AppBindingInfo {
        /// Identifier of the application.
        application_id: String = "applicationId",
        /// The network that it belongs to.
        plmn_id: Option<NetworkId> = "plmnId",
        /// The older form of `appDcInfoList`.
        app_dc_info: Option<Deprecated<AppDcInfo>> = "appDcInfo",
        /// Its data channels.
        app_dc_info_list: Option<Vec<AppDcInfo>> = "appDcInfoList",
    }
}

object! {
    /// One data channel of an application (TS 29.571).
    pub struct AppDcInfo {
        /// Its stream.
        stream_id: i64 = "streamId",
        /// What is at its other end.
        adc_endpoint_type: Option<AdcEndpointType> = "adcEndpointType",
    }
    check AppDcInfo::check;
}

impl AppDcInfo {
    /// The stream, which is an SCTP stream identifier (RFC 8831 §6.4).
    pub fn stream(&self) -> u16 {
        u16::try_from(self.stream_id).unwrap_or_default() // checked when it was read
    }

    fn check(&self, reader: &mut crate::attribute::Reader) {
        if u16::try_from(self.stream_id).is_err() {
            reader.wrong_member("streamId", "must be a stream of SCTP, 0 to 65535");
        }
    }
}

object! {
    /// A network (TS 29.571).
    #[derive(Default)]
    pub struct NetworkId {
        /// Its country.
        mcc: Option<Mcc> = "mcc",
        /// Its number within the country.
        mnc: Option<Mnc> = "mnc",
    }
}

object! {
    /// Something happened to a session (TS 29.175): the body of the notifications of CallEvent and of
    /// CallControl.
    pub struct ImsSessionEventNotification {
        /// Identifier of the session.
        session_id: SessionId = "sessionId",
        /// What happened.
        event_type: ImsSessionEventType = "eventType",
        /// The `notifCorrelationId` of the request; something of ours when there was none.
        notif_correlation_id: String = "notifCorrelationId",
        /// The media concerned.
        media_info_set: Option<Vec<MediaInfoExternal>> = "mediaInfoSet",
        /// Who calls.
        calling_identity: Option<ImsPublicId> = "callingIdentity",
        /// Who is called.
        called_identity: Option<ImsPublicId> = "calledIdentity",
        /// Why it failed, with the events that are failures.
        failure_reason: Option<String> = "failureReason",
    }
}

open_enum! {
    /// The type of a medium (TS 29.175).
    pub enum MediaType {
        /// A data channel.
        Dc = "DC",
        /// Sound.
        Audio = "AUDIO",
        /// Pictures.
        Video = "VIDEO",
    }
}

open_enum! {
    /// The type of a data channel (TS 29.175).
    pub enum DcType {
        /// Bootstrap data channel.
        Bdc = "BDC",
        /// Application data channel.
        Adc = "ADC",
    }
}

open_enum! {
    /// Between whom an application data channel is (TS 29.175). Not the AdcType of TS 29.392.
    pub enum AdcType {
        /// Two UEs.
        P2P = "P2P",
        /// A UE and an application server.
        P2A = "P2A",
        /// Two UEs, through an application server.
        P2A2P = "P2A2P",
    }
}

open_enum! {
    /// What is at the other end of an application data channel (TS 29.571).
    pub enum AdcEndpointType {
        /// A UE.
        Ue = "UE",
        /// A server.
        Server = "SERVER",
    }
}

open_enum! {
    /// What happened to a session (TS 29.175).
    pub enum ImsSessionEventType {
        /// It was established.
        SessionEstablishmentSuccess = "SESSION_ESTABLISHMENT_SUCCESS",
        /// It could not be established.
        SessionEstablishmentFailure = "SESSION_ESTABLISHMENT_FAILURE",
        /// Its media were changed.
        MediaChangeSuccess = "MEDIA_CHANGE_SUCCESS",
        /// Its media could not be changed.
        MediaChangeFailure = "MEDIA_CHANGE_FAILURE",
        /// It ended.
        SessionTermination = "SESSION_TERMINATION",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::attribute::{Attribute as _, read_value};

    fn notification() -> Value {
        json!({
            "sessionId": "s1",
            "eventType": "MEDIA_CHANGE_SUCCESS",
            "notifCorrelationId": "c1",
            "mediaInfoSet": [
                { "mediaType": "AUDIO", "mediaCorrectionId": "1" },
                { "mediaType": "DC", "mediaCorrectionId": "2", "dcMediaParas": [{
                    "dcType": "ADC",
                    "adcType": "P2A2P",
                    "appBindingInfo": {
                        "applicationId": "a",
                        "plmnId": { "mcc": "001", "mnc": "01" },
                        "appDcInfo": { "streamId": 1000 },
                        "appDcInfoList": [{ "streamId": 1002, "adcEndpointType": "SERVER" }],
                    },
                    "targetIds": [{ "calledIdentity": "tel:+15550101" }],
                    "targetId": "tel:+15550101",
                    "mdc2EndpointInfo": { "any": ["thing"] },
                }] },
            ],
            "callingIdentity": "sip:alice@ims.example.com",
            "calledIdentity": "tel:+15550101",
        })
    }

    #[test]
    fn a_notification_comes_out_as_it_went_in() {
        let read: ImsSessionEventNotification = read_value(notification()).unwrap();
        assert_eq!(read.event_type, ImsSessionEventType::MediaChangeSuccess);
        assert_eq!(read.write(), Some(notification()));
    }

    #[test]
    fn deep_faults_have_their_pointers() {
        let mut body = notification();
        let dc = &mut body["mediaInfoSet"][1]["dcMediaParas"][0];
        dc["dcType"] = Value::Null;
        dc["appBindingInfo"]["plmnId"]["mcc"] = json!("1");
        dc["appBindingInfo"]["appDcInfoList"][0]["streamId"] = json!(65_536);
        dc["targetIds"] = json!([]);
        body["callingIdentity"] = json!("alice");
        let faults = read_value::<ImsSessionEventNotification>(body).unwrap_err();
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        let dc = "/mediaInfoSet/1/dcMediaParas/0";
        let expected = [
            format!("{dc}/dcType"),
            format!("{dc}/appBindingInfo/plmnId/mcc"),
            format!("{dc}/appBindingInfo/appDcInfoList/0/streamId"),
            format!("{dc}/targetIds"),
            "/callingIdentity".to_owned(),
        ];
        assert_eq!(pointers, expected);
    }

    #[test]
    fn the_misspelt_name_is_written_and_the_meant_one_taken_too() {
        let body = json!({ "mediaType": "HOLOGRAM", "mediaCorrelationId": "1" });
        let read: MediaInfoExternal = read_value(body).unwrap();
        assert_eq!(read.media_type, MediaType::Other("HOLOGRAM".into()));
        let expected = json!({ "mediaType": "HOLOGRAM", "mediaCorrectionId": "1" });
        assert_eq!(read.write(), Some(expected));
    }
}
