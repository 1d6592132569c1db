//! What the enabler knows of an application, and how it changes.

use api_mmtel_es::dc_app_management::{
    AppLoadPhase, DcAppConfigParameters, DcAppUpdateParameters, SupportScenario,
};
use bytes::Bytes;

/// How many earlier versions are remembered.
const MAX_HISTORY: usize = 16;

/// One application of a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Application {
    /// Whose it is (`reqId`).
    pub provider: String,
    /// Its profile, without its package.
    pub profile: DcAppUpdateParameters,
    /// Its package.
    pub package: Option<Package>,
    /// Earlier versions, the latest last.
    pub history: Vec<Version>,
    /// SHA-256 of the configuration that made it, until it is updated: the same configuration sent
    /// again finds it, and makes no second one.
    pub made_by: Option<[u8; 32]>,
    /// When it was configured (seconds since 1970).
    pub created: u64,
    /// When it was updated last.
    pub changed: u64,
}

/// A package, without its bytes: these are in the store, under their hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    /// SHA-256 of it.
    pub sha256: [u8; 32],
    /// How many bytes it has.
    pub size: u64,
}

/// What an application was before it was updated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The version that its provider gave it.
    pub app_ver: Option<String>,
    /// Its package.
    pub package: Option<Package>,
    /// Until when it was so (seconds since 1970).
    pub until: u64,
}

/// A package with its bytes, to be stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredPackage {
    /// What it is.
    pub package: Package,
    /// Its bytes.
    pub bytes: Bytes,
}

impl std::fmt::Debug for StoredPackage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.package.fmt(f)
    }
}

/// The call in which an application would be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Whether it is established.
    pub established: bool,
    /// Whether it has video.
    pub video: bool,
}

impl Application {
    /// The application that a configuration makes.
    pub(crate) fn new(
        app_id: String,
        provider: String,
        parameters: DcAppConfigParameters,
        now: u64,
    ) -> Self {
        let p = parameters;
        let profile = DcAppUpdateParameters {
            app_id,
            app_name: p.app_name,
            svc_type: p.svc_type,
            app_icon_url: p.app_icon_url,
            app_ver: p.app_ver,
            app_val: p.app_val,
            app_load_ph: p.app_load_ph,
            autoload: p.autoload,
            autolaunch: p.autolaunch,
            peer_dc_req: p.peer_dc_req,
            supp_scnr: p.supp_scnr,
            cond: p.cond,
            qos_req: p.qos_req,
            pers_data_coll: p.pers_data_coll,
            pers_data_coll_info_url: p.pers_data_coll_info_url,
            app_pkg: None,
            extensions: p.extensions,
        };
        Self {
            provider,
            profile,
            package: None,
            history: Vec::new(),
            made_by: None,
            created: now,
            changed: now,
        }
    }

    /// Its identifier.
    pub fn id(&self) -> &str {
        &self.profile.app_id
    }

    /// What an update makes of it: what the update has takes the place of what was, the rest stays.
    /// The same update again changes nothing.
    pub(crate) fn updated(
        &self,
        update: DcAppUpdateParameters,
        package: Option<Package>,
        now: u64,
    ) -> Self {
        let mut next = self.clone();
        let profile = &mut next.profile;
        macro_rules! take {
            ($($field:ident),+) => {$(
                if update.$field.is_some() {
                    profile.$field = update.$field;
                }
            )+};
        }
        take!(
            app_name,
            svc_type,
            app_icon_url,
            app_ver,
            app_val,
            app_load_ph,
            autoload,
            autolaunch
        );
        take!(
            peer_dc_req,
            supp_scnr,
            cond,
            qos_req,
            pers_data_coll,
            pers_data_coll_info_url
        );
        profile.extensions.extend(update.extensions);
        if package.is_some() {
            next.package = package;
        }
        if next == *self {
            return next;
        }
        if next.profile.app_ver != self.profile.app_ver || next.package != self.package {
            next.history.push(Version {
                app_ver: self.profile.app_ver.clone(),
                package: self.package,
                until: now,
            });
            let too_many = next.history.len().saturating_sub(MAX_HISTORY);
            next.history.drain(..too_many);
        }
        next.made_by = None;
        next.changed = now;
        next
    }

    /// Whether it may be used in `call` now: its validity, its load phase and its scenario
    /// (TS 29.392 §6.1.6.2.3, §6.1.6.3.3, §6.1.6.3.4). A value that a later release adds forbids
    /// nothing; what `cond` means nobody says.
    pub fn usable(&self, call: Call, now: u64) -> Result<(), &'static str> {
        let profile = &self.profile;
        if profile
            .app_val
            .as_ref()
            .is_some_and(|until| until.unix_seconds() <= now.cast_signed())
        {
            return Err("the application is not valid any more");
        }
        match (&profile.app_load_ph, call.established) {
            (Some(AppLoadPhase::PrecallOnly), true) => {
                return Err("the application may only be used before a call");
            }
            (Some(AppLoadPhase::Incall), false) => {
                return Err(
                    "the application may only be used in a call (INCALL); one that makes calls is PRECALL_AND_INCALL",
                );
            }
            _ => {}
        }
        match (&profile.supp_scnr, call.video) {
            (Some(SupportScenario::VoiceCallOnly), true) => {
                Err("the application can only be used in a voice call")
            }
            (Some(SupportScenario::VideoCallOnly), false) => {
                Err("the application can only be used in a video call")
            }
            _ => Ok(()),
        }
    }
}
