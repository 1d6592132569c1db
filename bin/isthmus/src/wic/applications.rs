//! Applications of a call: the list and the packages, over its bootstrap channels (TS 26.114 §6.2.10).

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use aws_lc_rs::digest::{SHA256, digest};
use nf_wic::{ApplicationSource, ApplicationsAsked, ApplicationsEvent, DataChannelId};
use serde_json::json;

use super::driver::Driver;

/// Where the packages go that are asked for on each channel, in that order.
pub(super) type Wanted = BTreeMap<DataChannelId, VecDeque<PathBuf>>;

impl Driver {
    /// Asks for the list in the current call; opens the channel where there is none.
    pub(super) fn list_applications(
        &mut self,
        now: Instant,
        source: ApplicationSource,
    ) -> Result<(), String> {
        let call = self.wic.current().ok_or("there is no call")?;
        let asked = self.wic.list_applications(now, call, source);
        asked.map(drop).map_err(|reason| reason.to_string())
    }

    /// Asks for a package, which is to go into that file.
    pub(super) fn fetch_application(
        &mut self,
        now: Instant,
        source: ApplicationSource,
        application: &str,
        file: PathBuf,
    ) -> Result<(), String> {
        let call = self.wic.current().ok_or("there is no call")?;
        let wic = &mut self.wic;
        let asked = wic.fetch_application(now, call, source, application, None);
        let id = asked.map_err(|reason| reason.to_string())?;
        self.wanted.entry(id).or_default().push_back(file);
        Ok(())
    }

    pub(super) fn applications_event(&mut self, id: DataChannelId, event: ApplicationsEvent) {
        match event {
            ApplicationsEvent::Listed(list) => {
                let event = json!({
                    "total": list.total, "begin": list.begin, "applications": list.applications,
                    "peer_has_data_channels": list.peer_has_data_channels,
                });
                self.say_of_channel(id, "applications", event);
            }
            ApplicationsEvent::Fetched {
                application,
                package,
                ..
            } => {
                let Some(file) = self.file_of(id) else {
                    return;
                };
                if let Err(error) = keep(&file, &package) {
                    let asked = ApplicationsAsked::Package(application);
                    return self.not_answered(id, &asked, &error.to_string());
                }
                let event = json!({
                    "application": application, "file": file.display().to_string(),
                    "size": package.len(), "sha256": sha256(&package),
                });
                self.say_of_channel(id, "application", event);
            }
            // Nothing was said of a package that is known.
            ApplicationsEvent::NotModified { .. } => drop(self.file_of(id)),
            ApplicationsEvent::Failed { asked, reason } => {
                if matches!(asked, ApplicationsAsked::Package(_)) {
                    self.file_of(id);
                }
                self.not_answered(id, &asked, &reason);
            }
        }
    }

    /// The file of the package that was asked for first.
    fn file_of(&mut self, id: DataChannelId) -> Option<PathBuf> {
        let files = self.wanted.get_mut(&id)?;
        let file = files.pop_front();
        if files.is_empty() {
            self.wanted.remove(&id);
        }
        file
    }

    fn not_answered(&self, id: DataChannelId, asked: &ApplicationsAsked, reason: &str) {
        let more = match asked {
            ApplicationsAsked::List(_) => json!({ "reason": reason }),
            ApplicationsAsked::Package(application) => {
                json!({ "application": application, "reason": reason })
            }
        };
        self.say_of_channel(id, "no_applications", more);
    }
}

/// It is whole, or not there.
fn keep(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    std::fs::write(&part, bytes)?;
    std::fs::rename(&part, file)
}

fn sha256(bytes: &[u8]) -> String {
    let mut hex = String::new();
    for byte in digest(&SHA256, bytes).as_ref() {
        // Writing into a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
