//! The application repository: what a UE hears on a bootstrap channel (TS 26.114 §6.2.10,
//! TS 23.228 §AC.7.1). The DCSF and the DCAR of TS 23.228 in one: the list for a subscriber, a call and a
//! moment of it, and the packages of those that are on it.
//!
//! | profile (TS 29.392 §6.1.6.2.3) | effect here |
//! | --- | --- |
//! | `appVal` | once it is over: neither listed nor given |
//! | `appLoadPh` | before the call only: neither, once it is answered. In the call only: listed as such before, so that it can be loaded |
//! | `suppScnr` | not for this call's media: neither |
//! | `peerDcReq` | false, and the other party has no data channels: listed, which says why it cannot be used, and not given |
//! | `qosReq` | listed, if it is what `a=3gpp-qos-hint` may say |
//! | all others | listed |

use std::fmt::Write as _;

use api_mmtel_es::dc_app_management::{AppLoadPhase, SupportScenario};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core_bootstrap::stream::Source;
use core_bootstrap::{
    ApplicationList, EntityTag, ListedApplication, Method, Phase, Request, Response, Scenes,
    StatusCode, Target, is_qos_hint,
};

use crate::application::{Application, Call, Package};
use crate::applications::Applications;

/// For whom, and in what, a bootstrap channel is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The channel.
    pub source: Source,
    /// The public user identities of the user whose own applications a channel of users gives: the UE's
    /// on stream 10, the far end's on 110.
    pub user: Vec<String>,
    /// The call, as it is now.
    pub call: Call,
    /// Whether the other party has data channels, if that is known.
    pub peer_has_data_channels: Option<bool>,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// This, as it is.
    Response(Response),
    /// This, with the bytes of that package as its body. They are in the store.
    Package(Response, Package),
}

/// Whether a UE does well to have its list of applications when a call begins, though nobody has asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beginnings {
    /// Some are there to be used before a call is answered: who calls offers the bootstrap channel with the call.
    pub before: bool,
    /// Some are fetched, or opened, with a call.
    pub within: bool,
}

/// The operator's key, by which a UE knows that a package is the operator's.
pub struct Signer(Ed25519KeyPair);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// The key of a PKCS#8 document (RFC 8410 §7).
    pub fn from_pkcs8(document: &[u8]) -> Option<Self> {
        Ed25519KeyPair::from_pkcs8(document).ok().map(Self)
    }

    /// RFC 8032 §5.1.6 — over the application's identifier and its package's hash, each on a line: an
    /// application does not get away with the package of another.
    fn sign(&self, app_id: &str, sha256: &str) -> String {
        let statement = format!("{app_id}\n{sha256}\n");
        URL_SAFE_NO_PAD.encode(self.0.sign(statement.as_bytes()))
    }
}

/// A page of the list has no more than this.
const PAGE: usize = 100;

const GONE: &str = "There is no such application here.";

impl Applications {
    /// TS 29.392 §6.1.6.2.3 — what of `appLoadPh`, `autoload` and `autolaunch` a UE has to know before it has a list: who
    /// knows that nothing begins with a call need not ask in each. A user's own applications do not count.
    ///
    /// Many ask, and nobody has to be somebody for it: all applications are gone over when one of them has changed, or is
    /// not valid any more, and not before.
    pub fn beginnings(&mut self, now: u64) -> Beginnings {
        if let Some((during, known)) = &self.beginnings
            && during.contains(&now)
        {
            return *known;
        }
        let (found, until) = self.look_for_beginnings(now);
        self.beginnings = Some((now..until, found));
        found
    }

    /// What is so now, and until when, if nothing changes.
    fn look_for_beginnings(&self, now: u64) -> (Beginnings, u64) {
        let mut found = Beginnings::default();
        let mut until = u64::MAX;
        let offered = self.all().filter(|one| one.package.is_some());
        for one in offered.filter(|one| !is_user(&one.provider)) {
            let profile = &one.profile;
            let end = profile.app_val.as_ref();
            let end = end.map_or(u64::MAX, |end| {
                u64::try_from(end.unix_seconds()).unwrap_or(0)
            });
            if end <= now {
                continue;
            }
            until = until.min(end);
            let before = [AppLoadPhase::PrecallOnly, AppLoadPhase::PrecallAndIncall];
            let phase = profile.app_load_ph.as_ref();
            found.before |= phase.is_some_and(|phase| before.contains(phase));
            found.within |= [profile.autoload, profile.autolaunch].contains(&Some(true));
        }
        (found, until)
    }

    /// TS 26.114 §6.2.10 — answers what a UE asks on a bootstrap channel.
    pub fn give(
        &self,
        viewer: &Viewer,
        request: &Request,
        signer: Option<&Signer>,
        now: u64,
    ) -> Given {
        if let Method::Other(_) = request.method {
            let mut response = Response::of(StatusCode::METHOD_NOT_ALLOWED);
            response.allow = Some("GET, HEAD, POST".to_owned());
            return Given::Response(response);
        }
        let path = Target::parse(&request.target).map(|target| target.path);
        match path {
            Some("/" | "/applicationlist") => {
                Given::Response(self.list(viewer, request, signer, now))
            }
            Some("/applications") => self.package(viewer, request, now),
            Some(_) => refused(StatusCode::NOT_FOUND, "There is nothing of this name here."),
            None => refused(StatusCode::BAD_REQUEST, "The target cannot be read."),
        }
    }

    fn list(
        &self,
        viewer: &Viewer,
        request: &Request,
        signer: Option<&Signer>,
        now: u64,
    ) -> Response {
        let number = |name: &str, absent: usize| match request.parameter(name) {
            None => Some(absent),
            Some(value) => value.parse().ok(),
        };
        let (Some(begin), Some(count)) = (number("begin-index", 0), number("app-num", PAGE)) else {
            let sentence = "begin-index and app-num must be numbers.";
            return Response::sentence(StatusCode::BAD_REQUEST, sentence);
        };
        let mut all: Vec<(&Application, Package)> = self
            .all()
            .filter(|application| viewer.sees(application))
            .filter(|application| viewer.lists(application, now).is_ok())
            .filter_map(|application| Some((application, application.package?)))
            .collect();
        all.sort_unstable_by_key(|(application, _)| {
            (application.profile.app_name.as_deref(), application.id())
        });
        let page = all.iter().skip(begin).take(count.min(PAGE));
        let applications: Vec<ListedApplication> = page
            .map(|(application, package)| listed(application, *package, viewer, signer))
            .collect();
        let body = ApplicationList {
            total: all.len(),
            number: applications.len(),
            begin,
            peer_has_data_channels: viewer.peer_has_data_channels.unwrap_or(false),
            applications,
        }
        .to_bytes();
        let tag = hex(&digest(&SHA256, &body).as_ref()[..16]);
        respond(request, ApplicationList::CONTENT_TYPE, tag, body)
    }

    fn package(&self, viewer: &Viewer, request: &Request, now: u64) -> Given {
        let Some(app_id) = request.parameter("appid") else {
            return refused(StatusCode::BAD_REQUEST, "appid is missing.");
        };
        let application = self.get(&app_id);
        let seen = application.filter(|application| viewer.sees(application));
        let Some((application, package)) = seen.and_then(|one| Some((one, one.package?))) else {
            return refused(StatusCode::NOT_FOUND, GONE);
        };
        if let Err(why) = viewer.may(application, now) {
            return refused(StatusCode::FORBIDDEN, why);
        }
        let response = respond(request, "application/zip", hex(&package.sha256), Vec::new());
        if response.status == StatusCode::OK {
            Given::Package(response, package)
        } else {
            Given::Response(response)
        }
    }
}

impl Viewer {
    /// Whether the channel gives that application at all. A provider that is named like a user is that
    /// user: its applications are nobody else's. All others are the network's.
    fn sees(&self, application: &Application) -> bool {
        let provider = &application.provider;
        match self.source {
            Source::LocalNetwork | Source::RemoteNetwork => !is_user(provider),
            Source::LocalUser | Source::RemoteUser => self.user.contains(provider),
        }
    }

    /// Whether it may be used in this call, or be loaded to be used later in it.
    fn may(&self, application: &Application, now: u64) -> Result<(), &'static str> {
        self.lists(application, now)?;
        let alone = application.profile.peer_dc_req.unwrap_or(false);
        if self.peer_has_data_channels == Some(false) && !alone {
            return Err("the application can only be used when the other party has data channels");
        }
        Ok(())
    }

    /// Whether it is on the list: so is what lacks nothing but the other party's data channels. The list
    /// says both, and people are told why they cannot use it.
    fn lists(&self, application: &Application, now: u64) -> Result<(), &'static str> {
        // What is for the call alone may come before it is answered.
        let for_later = application.profile.app_load_ph == Some(AppLoadPhase::Incall);
        let call = Call {
            established: self.call.established || for_later,
            ..self.call
        };
        application.usable(call, now)
    }
}

/// Whether a provider is named like a user.
fn is_user(provider: &str) -> bool {
    provider.starts_with("sip:") || provider.starts_with("tel:")
}

fn listed(
    application: &Application,
    package: Package,
    viewer: &Viewer,
    signer: Option<&Signer>,
) -> ListedApplication {
    let profile = &application.profile;
    let sha256 = hex(&package.sha256);
    let autolaunch = profile.autolaunch.unwrap_or(false);
    let link = |uri: &Option<api_mmtel_es::common::Uri>| uri.as_ref().map(ToString::to_string);
    ListedApplication {
        id: application.id().to_owned(),
        name: profile
            .app_name
            .clone()
            .unwrap_or_else(|| application.id().to_owned()),
        icon: link(&profile.app_icon_url).unwrap_or_default(),
        etag: EntityTag::new(sha256.as_str()).map_or_else(String::new, |tag| tag.to_string()),
        // What is to run is to be loaded.
        autoload: profile.autoload.unwrap_or(false) || autolaunch,
        autolaunch,
        phase: match (&profile.app_load_ph, viewer.call.established) {
            (Some(AppLoadPhase::PrecallOnly), _) => Phase::Precall,
            (Some(AppLoadPhase::Incall), _) | (_, true) => Phase::Incall,
            (_, false) => Phase::Precall,
        },
        works_without_peer: profile.peer_dc_req.unwrap_or(false),
        qos_hint: profile
            .qos_req
            .clone()
            .filter(|hint| is_qos_hint(hint))
            .unwrap_or_default(),
        scenes: match &profile.supp_scnr {
            Some(SupportScenario::VoiceCallOnly) => Scenes::Voice,
            Some(SupportScenario::VideoCallOnly) => Scenes::Video,
            _ => Scenes::Both,
        },
        version: profile.app_ver.clone(),
        valid_until: profile.app_val.as_ref().map(ToString::to_string),
        provider: Some(application.provider.clone()),
        signature: signer.map(|signer| signer.sign(application.id(), &sha256)),
        sha256: Some(sha256),
        size: Some(package.size),
        personal_data: profile.pers_data_coll.unwrap_or(false),
        personal_data_url: link(&profile.pers_data_coll_info_url),
    }
}

/// RFC 9110 §13.1.2 — what was asked for, unless the UE has it.
fn respond(request: &Request, content_type: &str, tag: String, body: Vec<u8>) -> Response {
    let Some(tag) = EntityTag::new(tag) else {
        return Response::of(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let has = request.if_none_match.as_deref();
    if has.is_some_and(|has| tag.is_among(has)) {
        Response::not_modified(tag)
    } else {
        Response::ok(content_type, tag, body)
    }
}

fn refused(status: StatusCode, sentence: &str) -> Given {
    Given::Response(Response::sentence(status, sentence))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing into a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
