//! The applications of all providers, and the four operations on them (TS 29.392 §5.2.2).

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use api_mmtel_es::common::Credential;
use api_mmtel_es::dc_app_management::{
    DcAppConfigReq, DcAppConfigResp, DcAppConfigResponseParameters, DcAppIdReq, DcAppIdResp,
    DcAppResponseParameters, DcAppStatResp, DcAppUpdateReq,
};
use api_mmtel_es::{Attribute as _, Extensions, ProblemDetails, write};
use core_credentials::Random;

use crate::application::{Application, StoredPackage};
use crate::change::Change;
use crate::checked::{Checked, Entry};
use crate::consumer::{Consumer, Settings};
use crate::repository::Beginnings;

/// What to write down, and what may be said once it is.
#[derive(Debug)]
#[must_use = "the changes are to be written down before the reply leaves"]
pub struct Outcome<T> {
    /// In this order, in one transaction.
    pub changes: Vec<Change>,
    /// The body of the 200, or why there is none.
    pub reply: Result<T, Box<ProblemDetails>>,
}

/// All applications.
#[derive(Debug)]
pub struct Applications {
    settings: Settings,
    random: Random,
    by_id: HashMap<String, Application>,
    providers: HashMap<String, OfProvider>,
    /// How many applications have a package.
    packages: HashMap<[u8; 32], usize>,
    /// Whether calls begin with applications, and while that is so; `None` when one of them has changed.
    pub(crate) beginnings: Option<(Range<u64>, Beginnings)>,
}

#[derive(Debug, Default)]
struct OfProvider {
    ids: BTreeSet<String>,
    /// What was configured and not updated since, by the hash of its configuration.
    made: HashMap<[u8; 32], String>,
    package_bytes: u64,
}

const UNKNOWN: &str = "there is no such application of this provider";

impl Applications {
    /// Begins with what the store has.
    pub fn new(
        settings: Settings,
        seed: [u8; 32],
        loaded: impl IntoIterator<Item = Application>,
    ) -> Self {
        let mut all = Self {
            settings,
            random: Random::new(seed),
            by_id: HashMap::new(),
            providers: HashMap::new(),
            packages: HashMap::new(),
            beginnings: None,
        };
        for application in loaded {
            all.put(application, None, &mut Vec::new());
        }
        all
    }

    /// Whether `consumer` may act as the provider `req_id`. The operations ask too; a shell asks
    /// before it has packages looked into.
    pub fn authorize(
        &self,
        consumer: &Consumer,
        req_id: &str,
        sec_cred: Option<&Credential>,
    ) -> Result<(), Box<ProblemDetails>> {
        self.settings.authorize(consumer, req_id, true, sec_cred)
    }

    /// What a package may be.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// An application, whosever it is.
    pub fn get(&self, app_id: &str) -> Option<&Application> {
        self.by_id.get(app_id)
    }

    /// All of them, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Application> {
        self.by_id.values()
    }

    /// An application of that provider, and of no other.
    pub fn of_provider(&self, provider: &str, app_id: &str) -> Option<&Application> {
        let application = self.by_id.get(app_id);
        application.filter(|application| application.provider == provider)
    }

    /// TS 29.392 §5.2.2.2: configures applications, each for itself. An entry that was configured
    /// before, in the same words and by the same provider, is answered with what it became then: who
    /// lost the answer may ask again.
    pub fn configure(
        &mut self,
        consumer: &Consumer,
        checked: Checked<DcAppConfigReq>,
        now: u64,
    ) -> Outcome<DcAppConfigResp> {
        let Checked { request, entries } = checked;
        if let Err(problem) = self.authorize(consumer, &request.req_id, request.sec_cred.as_ref()) {
            return Outcome::refused(problem);
        }
        let provider = request.req_id;
        let mut changes = Vec::new();
        let mut list = Vec::new();
        for (parameters, entry) in request.list.into_iter().zip(entries) {
            let app_index = parameters.app_index.clone();
            let configured = entry.and_then(|entry| {
                let Entry { package, hash } = entry;
                let of_provider = self.providers.get(&provider);
                if let Some(app_id) = of_provider.and_then(|of| of.made.get(&hash)) {
                    return Ok(app_id.clone());
                }
                let past = |until: i64| until <= now.cast_signed();
                if parameters
                    .app_val
                    .as_ref()
                    .is_some_and(|until| past(until.unix_seconds()))
                {
                    return Err("appVal: is over already".to_owned());
                }
                if of_provider.is_some_and(|of| of.ids.len() >= self.settings.max_applications) {
                    return Err("this provider has as many applications as it may".to_owned());
                }
                if of_provider.is_none() && self.providers.len() >= self.settings.max_providers {
                    return Err("there are as many providers as there may be".to_owned());
                }
                let app_id = self.random.identifier();
                let mut application =
                    Application::new(app_id.clone(), provider.clone(), parameters, now);
                application.package = package.as_ref().map(|stored| stored.package);
                application.made_by = Some(hash);
                self.room(&provider, None, &application)?;
                self.put(application, package, &mut changes);
                Ok(app_id)
            });
            list.push(match configured {
                Ok(app_id) => DcAppConfigResponseParameters::success(app_index, app_id),
                Err(cause) => DcAppConfigResponseParameters::failed(app_index, cause),
            });
        }
        let extensions = Extensions::new();
        Outcome {
            changes,
            reply: Ok(DcAppConfigResp { list, extensions }),
        }
    }

    /// TS 29.392 §5.2.2.3: updates applications, each for itself.
    pub fn update(
        &mut self,
        consumer: &Consumer,
        checked: Checked<DcAppUpdateReq>,
        now: u64,
    ) -> Outcome<DcAppStatResp> {
        let Checked { request, entries } = checked;
        if let Err(problem) = self.authorize(consumer, &request.req_id, request.sec_cred.as_ref()) {
            return Outcome::refused(problem);
        }
        let provider = request.req_id;
        let mut changes = Vec::new();
        let mut list = Vec::new();
        for (parameters, entry) in request.list.into_iter().zip(entries) {
            let app_id = parameters.app_id.clone();
            let updated = entry.and_then(|Entry { package, .. }| {
                let application = self.of_provider(&provider, &app_id).ok_or(UNKNOWN)?;
                let its = package.as_ref().map(|stored| stored.package);
                let next = application.updated(parameters, its, now);
                if next != *application {
                    self.room(&provider, Some(application), &next)?;
                    self.put(next, package, &mut changes);
                }
                Ok(())
            });
            list.push(match updated {
                Ok(()) => DcAppResponseParameters::success(app_id),
                Err(cause) => DcAppResponseParameters::failed(app_id, cause),
            });
        }
        let extensions = Extensions::new();
        Outcome {
            changes,
            reply: Ok(DcAppStatResp { list, extensions }),
        }
    }

    /// TS 29.392 §5.2.2.4: deletes those that are there. SUCCESS is said when all of them were; the
    /// list of an update's response goes with it, so that one can tell which were not.
    pub fn delete(&mut self, consumer: &Consumer, request: DcAppIdReq) -> Outcome<DcAppIdResp> {
        let provider = &request.req_id;
        if let Err(problem) = self.settings.authorize(consumer, provider, false, None) {
            return Outcome::refused(problem);
        }
        let mut changes = Vec::new();
        let mut each = Vec::new();
        let mut unknown = Vec::new();
        for app_id in request.app_id_list {
            if self.of_provider(provider, &app_id).is_some() {
                self.remove(&app_id, &mut changes);
                each.push(DcAppResponseParameters::success(app_id));
            } else {
                unknown.push(app_id.clone());
                each.push(DcAppResponseParameters::failed(app_id, UNKNOWN));
            }
        }
        let mut reply = if unknown.is_empty() {
            DcAppIdResp::success(Vec::new())
        } else {
            DcAppIdResp::failed(naming(&unknown))
        };
        if let Some(list) = each.write() {
            reply.extensions.insert("dcAppStatRespList".into(), list);
        }
        Outcome {
            changes,
            reply: Ok(reply),
        }
    }

    /// TS 29.392 §5.2.2.5: the profiles, when all of them are there.
    pub fn retrieve(
        &self,
        consumer: &Consumer,
        request: &DcAppIdReq,
    ) -> Result<DcAppIdResp, Box<ProblemDetails>> {
        let provider = &request.req_id;
        self.settings.authorize(consumer, provider, false, None)?;
        let mut profiles = Vec::new();
        let mut unknown = Vec::new();
        for app_id in &request.app_id_list {
            match self.of_provider(provider, app_id) {
                Some(application) => profiles.push(application.profile.clone()),
                None => unknown.push(app_id.clone()),
            }
        }
        Ok(if unknown.is_empty() {
            DcAppIdResp::success(profiles)
        } else {
            DcAppIdResp::failed(naming(&unknown))
        })
    }

    /// Whether a profile is not too large, and the packages of a provider may become what `next` makes
    /// of them.
    fn room(
        &self,
        provider: &str,
        before: Option<&Application>,
        next: &Application,
    ) -> Result<(), String> {
        if next.profile.extensions.len() > self.settings.max_extensions {
            return Err("too many vendorSpecific members".to_owned());
        }
        if write(&next.profile).len() > self.settings.max_profile {
            return Err("the profile is too large".to_owned());
        }
        let of = self.providers.get(provider);
        let rest = of.map_or(0, |of| of.package_bytes) - before.map_or(0, size);
        if rest + size(next) > self.settings.max_package_bytes {
            return Err("the packages of this provider are as large as they may be".to_owned());
        }
        Ok(())
    }

    /// Puts an application in the place of the one of its identifier. `package` has the bytes of its
    /// package when they are new to it.
    fn put(
        &mut self,
        application: Application,
        package: Option<StoredPackage>,
        changes: &mut Vec<Change>,
    ) {
        self.beginnings = None;
        let id = application.id().to_owned();
        // Those of the new one first: a package that both have stays.
        if let Some(its) = &application.package {
            let users = self.packages.entry(its.sha256).or_default();
            *users += 1;
            if *users == 1 {
                changes.extend(package.map(Change::PutPackage));
            }
        }
        let of = self
            .providers
            .entry(application.provider.clone())
            .or_default();
        of.ids.insert(id.clone());
        of.package_bytes += size(&application);
        changes.push(Change::PutApplication(Box::new(application.clone())));
        let made_by = application.made_by;
        if let Some(before) = self.by_id.insert(id.clone(), application) {
            self.forget(&before, changes);
        }
        if let Some(hash) = made_by
            && let Some(application) = self.by_id.get(&id)
            && let Some(of) = self.providers.get_mut(&application.provider)
        {
            of.made.insert(hash, id);
        }
    }

    fn remove(&mut self, app_id: &str, changes: &mut Vec<Change>) {
        let Some(application) = self.by_id.remove(app_id) else {
            return;
        };
        self.beginnings = None;
        changes.push(Change::RemoveApplication(app_id.to_owned()));
        self.forget(&application, changes);
        if let Some(of) = self.providers.get_mut(&application.provider) {
            of.ids.remove(app_id);
            if of.ids.is_empty() {
                self.providers.remove(&application.provider);
            }
        }
    }

    /// Takes away what an application that is no more, or is another one now, used.
    fn forget(&mut self, before: &Application, changes: &mut Vec<Change>) {
        if let Some(of) = self.providers.get_mut(&before.provider) {
            of.package_bytes -= size(before);
            if let Some(hash) = &before.made_by {
                of.made.remove(hash);
            }
        }
        if let Some(package) = &before.package
            && let Some(users) = self.packages.get_mut(&package.sha256)
        {
            *users -= 1;
            if *users == 0 {
                self.packages.remove(&package.sha256);
                changes.push(Change::RemovePackage(package.sha256));
            }
        }
    }
}

impl<T> Outcome<T> {
    fn refused(problem: Box<ProblemDetails>) -> Self {
        Self {
            changes: Vec::new(),
            reply: Err(problem),
        }
    }
}

fn size(application: &Application) -> u64 {
    application.package.map_or(0, |package| package.size)
}

/// A cause that names applications: the first few, and how many more.
fn naming(unknown: &[String]) -> String {
    const NAMED: usize = 16;
    const LONGEST: usize = 64;
    let names = unknown.iter().take(NAMED);
    let names: Vec<String> = names
        .map(|name| name.chars().take(LONGEST).collect())
        .collect();
    let mut cause = format!("{UNKNOWN}: {}", names.join(", "));
    let more = unknown.len().saturating_sub(NAMED);
    if more > 0 {
        cause.push_str(", and ");
        cause.push_str(&more.to_string());
        cause.push_str(" more");
    }
    cause
}
