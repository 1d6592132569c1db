//! Data types of MMTel_DCAppManagement: data channel applications and their profiles
//! (TS 29.392 §6.1.6).

use crate::attribute::Reader;
use crate::common::{Binary, Credential, DateTime, Uri};
use crate::describe::{object, open_enum};

object! {
    /// Request to configure data channel applications and their profiles (TS 29.392 §6.1.6.2.2).
    pub struct DcAppConfigReq {
        /// Identity of the provider of the applications.
        req_id: String = "reqId",
        /// What proves that the provider may.
        sec_cred: Option<Credential> = "secCred",
        /// How many applications there are in the list.
        dc_app_num: i64 = "dcAppNum",
        /// The applications.
        list: Vec<DcAppConfigParameters> = "dcAppConfigParamList",
    }
    check DcAppConfigReq::check;
}

impl DcAppConfigReq {
    fn check(&self, reader: &mut Reader) {
        counted(self.dc_app_num, self.list.len(), reader);
        let indices = self.list.iter().map(|parameters| &parameters.app_index);
        unique(indices, "dcAppConfigParamList", Some("appIndex"), reader);
    }
}

/// `dcAppNum` says how many there are (TS 29.392 §6.1.6.2.2), so it must be right: one of the two was
/// not meant.
fn counted(said: i64, there: usize, reader: &mut Reader) {
    if usize::try_from(said) != Ok(there) {
        let reason = format!("must be the number of applications in the list, {there}");
        reader.wrong_member("dcAppNum", reason);
    }
}

/// Two entries of one request about one application: the answer could not tell them apart.
fn unique<'a>(
    names: impl Iterator<Item = &'a String>,
    list: &str,
    member: Option<&str>,
    reader: &mut Reader,
) {
    let mut seen = std::collections::HashSet::new();
    for (index, name) in names.enumerate() {
        if !seen.insert(name) {
            let index = index.to_string();
            let path: Vec<&str> = [list, &index].into_iter().chain(member).collect();
            reader.wrong_below(&path, "is there twice");
        }
    }
}

object! {
    /// One application of a configuration request (TS 29.392 §6.1.6.2.3).
    #[derive(Default)]
    pub struct DcAppConfigParameters {
        /// Names this entry in the response.
        app_index: String = "appIndex",
        /// Name of the application.
        app_name: Option<String> = "appName",
        /// Type of its service.
        svc_type: Option<String> = "svcType",
        /// Where its icon is.
        app_icon_url: Option<Uri> = "appIconUrl",
        /// Its version.
        app_ver: Option<String> = "appVer",
        /// Until when it is valid.
        app_val: Option<DateTime> = "appVal",
        /// When in a call it may be used.
        app_load_ph: Option<AppLoadPhase> = "appLoadPh",
        /// Whether UEs load it by themselves; false when absent.
        autoload: Option<bool> = "autoload",
        /// Whether UEs load and run it by themselves; false when absent.
        autolaunch: Option<bool> = "autolaunch",
        /// Whether it can be used when the other party has no data channels; false when absent.
        peer_dc_req: Option<bool> = "peerDcReq",
        /// With which media of the call it can be used.
        supp_scnr: Option<SupportScenario> = "suppScnr",
        /// Under which condition it can be used.
        cond: Option<Condition> = "cond",
        /// Which quality of service it needs.
        qos_req: Option<String> = "qosReq",
        /// Whether it collects personal data; false when absent.
        pers_data_coll: Option<bool> = "persDataColl",
        /// Where it says which personal data it collects and what for.
        pers_data_coll_info_url: Option<Uri> = "persDataCollInfoUrl",
        /// Its package.
        app_pkg: Option<Binary> = "appPkg",
    }
}

object! {
    /// Response to a configuration request (TS 29.392 §6.1.6.2.4).
    pub struct DcAppConfigResp {
        /// What became of each application, in the order of the request.
        list: Vec<DcAppConfigResponseParameters> = "dcAppConfigRespList",
    }
}

object! {
    /// What became of one application of a configuration request (TS 29.392 §6.1.6.2.5).
    pub struct DcAppConfigResponseParameters {
        /// Which entry of the request this is about.
        app_index: String = "appIndex",
        /// Whether it was configured.
        status: Status = "status",
        /// The identifier that it got; only with SUCCESS.
        app_id: Option<String> = "appId",
        /// Why not; only with FAILED.
        failure_cause: Option<String> = "failureCause",
    }
    check DcAppConfigResponseParameters::check;
}

impl DcAppConfigResponseParameters {
    /// The entry was configured as `app_id`.
    pub fn success(app_index: String, app_id: String) -> Self {
        Self {
            app_index,
            status: Status::Success,
            app_id: Some(app_id),
            failure_cause: None,
            extensions: crate::Extensions::new(),
        }
    }

    /// The entry was not configured.
    pub fn failed(app_index: String, cause: impl Into<String>) -> Self {
        Self {
            app_index,
            status: Status::Failed,
            app_id: None,
            failure_cause: Some(cause.into()),
            extensions: crate::Extensions::new(),
        }
    }

    fn check(&self, reader: &mut Reader) {
        let given = self.app_id.is_some();
        only_with(given, "appId", &Status::Success, &self.status, reader);
        let given = self.failure_cause.is_some();
        only_with(given, "failureCause", &Status::Failed, &self.status, reader);
    }
}

/// "May only be present if the status sets to …" (TS 29.392 §6.1.6.2.5).
fn only_with(given: bool, name: &str, with: &Status, status: &Status, reader: &mut Reader) {
    if given && status != with {
        let reason = format!("may only be there when the status is {}", with.as_str());
        reader.wrong_member(name, reason);
    }
}

object! {
    /// Request to update applications and their profiles (TS 29.392 §6.1.6.2.6).
    pub struct DcAppUpdateReq {
        /// Identity of the provider of the applications.
        req_id: String = "reqId",
        /// What proves that the provider may.
        sec_cred: Option<Credential> = "secCred",
        /// How many applications there are in the list.
        dc_app_num: i64 = "dcAppNum",
        /// The applications, with what is to change.
        list: Vec<DcAppUpdateParameters> = "dcAppUpdateParamList" | "dcAppUpdateParametersList",
    }
    check DcAppUpdateReq::check;
}

impl DcAppUpdateReq {
    fn check(&self, reader: &mut Reader) {
        counted(self.dc_app_num, self.list.len(), reader);
        let ids = self.list.iter().map(|parameters| &parameters.app_id);
        unique(ids, "dcAppUpdateParamList", Some("appId"), reader);
    }
}

object! {
    /// The profile of one application (TS 29.392 §6.1.6.2.7): what is to change in an update, all that
    /// is known in a retrieval.
    #[derive(Default)]
    pub struct DcAppUpdateParameters {
        /// Identifier of the application, given by the MMTel Enabler Server.
        app_id: String = "appId",
        /// Name of the application.
        app_name: Option<String> = "appName",
        /// Type of its service.
        svc_type: Option<String> = "svcType",
        /// Where its icon is.
        app_icon_url: Option<Uri> = "appIconUrl",
        /// Its version.
        app_ver: Option<String> = "appVer",
        /// Until when it is valid.
        app_val: Option<DateTime> = "appVal",
        /// When in a call it may be used.
        app_load_ph: Option<AppLoadPhase> = "appLoadPh",
        /// Whether UEs load it by themselves; false when absent.
        autoload: Option<bool> = "autoload",
        /// Whether UEs load and run it by themselves; false when absent.
        autolaunch: Option<bool> = "autolaunch",
        /// Whether it can be used when the other party has no data channels; false when absent.
        peer_dc_req: Option<bool> = "peerDcReq",
        /// With which media of the call it can be used.
        supp_scnr: Option<SupportScenario> = "suppScnr",
        /// Under which condition it can be used.
        cond: Option<Condition> = "cond",
        /// Which quality of service it needs.
        qos_req: Option<String> = "qosReq",
        /// Whether it collects personal data; false when absent.
        pers_data_coll: Option<bool> = "persDataColl",
        /// Where it says which personal data it collects and what for.
        pers_data_coll_info_url: Option<Uri> = "persDataCollInfoUrl",
        /// Its package; never in a retrieval (TS 29.392 §6.1.6.2.11, NOTE).
        app_pkg: Option<Binary> = "appPkg",
    }
}

/// The defaults of TS 29.392 §6.1.6.2.3 and §6.1.6.2.7.
macro_rules! defaults {
    ($($Type:ty),+) => {$(
        impl $Type {
            /// Whether UEs load it by themselves.
            pub fn autoload(&self) -> bool {
                self.autoload.unwrap_or(false)
            }

            /// Whether UEs load and run it by themselves.
            pub fn autolaunch(&self) -> bool {
                self.autolaunch.unwrap_or(false)
            }

            /// The attribute `peerDcReq`, whose description and whose name say opposite things: kept
            /// and told, not acted on.
            pub fn peer_dc_req(&self) -> bool {
                self.peer_dc_req.unwrap_or(false)
            }

            /// Whether it collects personal data.
            pub fn pers_data_coll(&self) -> bool {
                self.pers_data_coll.unwrap_or(false)
            }
        }
    )+};
}
defaults!(DcAppConfigParameters, DcAppUpdateParameters);

object! {
    /// Response to an update request (TS 29.392 §6.1.6.2.8).
    pub struct DcAppStatResp {
        /// What became of each application, in the order of the request.
        list: Vec<DcAppResponseParameters> = "dcAppStatRespList",
    }
}

object! {
    /// What became of one application of a request (TS 29.392 §6.1.6.2.9).
    pub struct DcAppResponseParameters {
        /// Which application this is about.
        app_id: String = "appId",
        /// Whether it was done.
        status: Status = "status",
        /// Why not; only with FAILED.
        failure_cause: Option<String> = "failureCause",
    }
    check DcAppResponseParameters::check;
}

impl DcAppResponseParameters {
    /// It was done.
    pub fn success(app_id: String) -> Self {
        Self {
            app_id,
            status: Status::Success,
            failure_cause: None,
            extensions: crate::Extensions::new(),
        }
    }

    /// It was not done.
    pub fn failed(app_id: String, cause: impl Into<String>) -> Self {
        Self {
            app_id,
            status: Status::Failed,
            failure_cause: Some(cause.into()),
            extensions: crate::Extensions::new(),
        }
    }

    fn check(&self, reader: &mut Reader) {
        let given = self.failure_cause.is_some();
        only_with(given, "failureCause", &Status::Failed, &self.status, reader);
    }
}

object! {
    /// Request to delete applications, or to retrieve their profiles (TS 29.392 §6.1.6.2.10).
    pub struct DcAppIdReq {
        /// Identity of the provider of the applications.
        req_id: String = "reqId",
        /// How many applications there are in the list.
        dc_app_num: i64 = "dcAppNum",
        /// Identifiers of the applications.
        app_id_list: Vec<String> = "appIdList",
    }
    check DcAppIdReq::check;
}

impl DcAppIdReq {
    fn check(&self, reader: &mut Reader) {
        counted(self.dc_app_num, self.app_id_list.len(), reader);
        unique(self.app_id_list.iter(), "appIdList", None, reader);
    }
}

object! {
    /// Response to a retrieval, and to a deletion (TS 29.392 §6.1.6.2.11): one status for all.
    pub struct DcAppIdResp {
        /// SUCCESS when all of it was done.
        status: Status = "status",
        /// The profiles that were asked for; only with SUCCESS.
        info: Option<Vec<DcAppUpdateParameters>> = "dcAppInfoList",
        /// What failed, with the identifiers concerned; only with FAILED.
        failure_cause: Option<String> = "failureCause",
    }
    check DcAppIdResp::check;
}

impl DcAppIdResp {
    /// All was done. Packages are taken out of `info`: they "shall not be present".
    pub fn success(mut info: Vec<DcAppUpdateParameters>) -> Self {
        for application in &mut info {
            application.app_pkg = None;
        }
        Self {
            status: Status::Success,
            info: (!info.is_empty()).then_some(info),
            failure_cause: None,
            extensions: crate::Extensions::new(),
        }
    }

    /// Not all was done.
    pub fn failed(cause: impl Into<String>) -> Self {
        Self {
            status: Status::Failed,
            info: None,
            failure_cause: Some(cause.into()),
            extensions: crate::Extensions::new(),
        }
    }

    fn check(&self, reader: &mut Reader) {
        let given = self.info.is_some();
        only_with(
            given,
            "dcAppInfoList",
            &Status::Success,
            &self.status,
            reader,
        );
        let given = self.failure_cause.is_some();
        only_with(given, "failureCause", &Status::Failed, &self.status, reader);
    }
}

open_enum! {
    /// When an application may be used (TS 29.392 §6.1.6.3.3).
    pub enum AppLoadPhase {
        /// Before the call session is established.
        PrecallOnly = "PRECALL_ONLY",
        /// After the call session is established.
        Incall = "INCALL",
        /// Before and in the call.
        PrecallAndIncall = "PRECALL_AND_INCALL",
    }
}

open_enum! {
    /// In which calls an application can be used (TS 29.392 §6.1.6.3.4).
    pub enum SupportScenario {
        /// In voice calls only.
        VoiceCallOnly = "VOICE_CALL_ONLY",
        /// In video calls only.
        VideoCallOnly = "VIDEO_CALL_ONLY",
        /// In both.
        VoiceAndVideoCall = "VOICE_AND_VIDEO_CALL",
    }
}

open_enum! {
    /// Whether something was done (TS 29.392 §6.1.6.3.5).
    pub enum Status {
        /// It was.
        Success = "SUCCESS",
        /// It was not.
        Failed = "FAILED",
    }
}

open_enum! {
    /// A condition (TS 29.392 §6.1.6.3.6). The two values name its type and its value and cannot carry
    /// either, so any string is kept.
    pub enum Condition {
        /// The type of a condition, such as a service area.
        Type = "CONDTY",
        /// The value of a condition.
        Value = "CONDVA",
    }
}

#[cfg(test)]
#[path = "dc_app_management_tests.rs"]
mod tests;
