//! `application.toml`: what the network is told of an application (TS 29.392 §6.1.6.2.3).

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::folder::PROFILE;

/// The profile, as its author writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) provider: Option<String>,
    /// Given by the enabler.
    pub(super) id: Option<String>,
    service_type: Option<String>,
    icon: Option<String>,
    valid_until: Option<String>,
    phase: Option<Phase>,
    scenes: Option<Scenes>,
    autoload: Option<bool>,
    autolaunch: Option<bool>,
    works_without_peer: Option<bool>,
    qos: Option<String>,
    personal_data: Option<bool>,
    personal_data_url: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Phase {
    PreCall,
    InCall,
    Always,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Scenes {
    Voice,
    Video,
    All,
}

impl Profile {
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join(PROFILE);
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        let profile: Self =
            toml::from_str(&text).with_context(|| format!("{} is wrong", file.display()))?;
        let is_hint = |hint: &String| core_bootstrap::is_qos_hint(hint);
        ensure!(
            profile.qos.as_ref().is_none_or(is_hint),
            "qos must be as in «loss=0.0002;latency=600»"
        );
        Ok(profile)
    }

    /// Its attributes, under the names of DCAppManagement.
    pub(super) fn attributes(&self) -> Map<String, Value> {
        let phase = self.phase.map(|phase| match phase {
            Phase::PreCall => "PRECALL_ONLY",
            Phase::InCall => "INCALL",
            Phase::Always => "PRECALL_AND_INCALL",
        });
        let scenes = self.scenes.map(|scenes| match scenes {
            Scenes::Voice => "VOICE_CALL_ONLY",
            Scenes::Video => "VIDEO_CALL_ONLY",
            Scenes::All => "VOICE_AND_VIDEO_CALL",
        });
        let all = [
            ("appName", json!(self.name)),
            ("appVer", json!(self.version)),
            ("svcType", json!(self.service_type)),
            ("appIconUrl", json!(self.icon)),
            ("appVal", json!(self.valid_until)),
            ("appLoadPh", json!(phase)),
            ("suppScnr", json!(scenes)),
            ("autoload", json!(self.autoload)),
            ("autolaunch", json!(self.autolaunch)),
            ("peerDcReq", json!(self.works_without_peer)),
            ("qosReq", json!(self.qos)),
            ("persDataColl", json!(self.personal_data)),
            ("persDataCollInfoUrl", json!(self.personal_data_url)),
        ];
        let there = all.into_iter().filter(|(_, value)| !value.is_null());
        there
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

/// Writes the identifier down that the enabler gave, so that the next upload updates.
pub(super) fn keep_id(folder: &Path, id: &str) -> anyhow::Result<()> {
    let file = folder.join(PROFILE);
    let cannot = || format!("{} cannot be written; its id is {id}", file.display());
    let text = std::fs::read_to_string(&file).with_context(cannot)?;
    let kept = text
        .lines()
        .filter(|line| line.split('=').next().is_none_or(|key| key.trim() != "id"));
    let mut next: String = kept.flat_map(|line| [line, "\n"]).collect();
    // Written as TOML writes it: the enabler chose it, and it may be anything.
    let id = toml::Value::String(id.to_owned());
    next.extend(["id = ", &id.to_string(), "\n"]);
    std::fs::write(&file, next).with_context(cannot)
}
