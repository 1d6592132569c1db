//! The list of applications, the body of the answer to `GET /` and to `GET /applicationlist`.
//!
//! TS 26.114 leaves its format open. The members up to `supportScene` are those that clients in the field
//! read; what follows is ours, and may be absent.

use serde::{Deserialize, Serialize};

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationList {
    /// How many applications there are in all.
    #[serde(rename = "totalAppNum")]
    pub total: usize,
    /// How many are on this page.
    #[serde(rename = "appNum")]
    pub number: usize,
    /// The position of the first of them.
    #[serde(rename = "beginIndex")]
    pub begin: usize,
    /// Whether the other party of the call has data channels.
    #[serde(rename = "ifPeerSupportDC", default)]
    pub peer_has_data_channels: bool,
    /// They.
    pub applications: Vec<ListedApplication>,
}

/// One application of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedApplication {
    /// Its identifier.
    #[serde(rename = "appid")]
    pub id: String,
    /// Its name, for people.
    #[serde(rename = "appName", default)]
    pub name: String,
    /// Where its icon is; empty, if it has none.
    #[serde(rename = "appIcon", default)]
    pub icon: String,
    /// The entity tag of its package, as `ETag` has it.
    pub etag: String,
    /// The UE fetches it without being asked.
    #[serde(default)]
    pub autoload: bool,
    /// The UE fetches and runs it without being asked.
    #[serde(default)]
    pub autolaunch: bool,
    /// When in this call it can be used: now, if it can be used now.
    pub phase: Phase,
    /// It can be used when the other party has no data channels.
    #[serde(rename = "ifWorkWithoutPeerDC", default)]
    pub works_without_peer: bool,
    /// The value of `a=3gpp-qos-hint` for its channels; empty, if it needs nothing.
    #[serde(rename = "qos-hint", default)]
    pub qos_hint: String,
    /// In which calls it can be used.
    #[serde(rename = "supportScene")]
    pub scenes: Scenes,
    /// Its version, as its provider calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Until when it may be used and its data kept, as RFC 3339 writes times.
    #[serde(
        rename = "validUntil",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub valid_until: Option<String>,
    /// Whose it is: what an application keeps, it keeps for one provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// SHA-256 of its package, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Bytes of its package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The operator's signature: Ed25519 over the identifier and `sha256`, each with a line feed behind
    /// it, in base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// It collects personal data.
    #[serde(rename = "personalData", default)]
    pub personal_data: bool,
    /// Where it says which, and what for.
    #[serde(
        rename = "personalDataUrl",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub personal_data_url: Option<String>,
}

/// When in a call an application can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Before it is answered.
    #[serde(rename = "PRECALL")]
    Precall,
    /// Once it is answered.
    #[serde(rename = "INCALL")]
    Incall,
}

/// In which calls an application can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Scenes {
    /// 1 — those with voice alone.
    Voice,
    /// 2 — those with video.
    Video,
    /// 3 — all.
    Both,
}

impl From<Scenes> for u8 {
    fn from(scenes: Scenes) -> Self {
        match scenes {
            Scenes::Voice => 1,
            Scenes::Video => 2,
            Scenes::Both => 3,
        }
    }
}

impl TryFrom<u8> for Scenes {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            1 => Ok(Self::Voice),
            2 => Ok(Self::Video),
            3 => Ok(Self::Both),
            _ => Err("no scene has this number"),
        }
    }
}

impl ApplicationList {
    /// How it is written.
    pub const CONTENT_TYPE: &'static str = "application/json";

    /// Reads one.
    pub fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// Writes it.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings, numbers and booleans: nothing of it can fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Whether that can be the value of `a=3gpp-qos-hint` (TS 26.114 §6.2.7.4): names with values, and with
/// what of them is for one's own access. It goes into SDP as it is, so nothing else may.
pub fn is_qos_hint(text: &str) -> bool {
    let number = |text: &str| {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        digits(whole) && digits(fraction)
    };
    let property = |text: &str| {
        let Some((name, value)) = text.split_once('=') else {
            return false;
        };
        let (end_to_end, local) = value.split_once("/local:").unwrap_or((value, "0"));
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && number(end_to_end)
            && number(local)
    };
    text.len() <= 256 && text.split(';').all(property)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As clients in the field know it, member by member.
    #[test]
    fn what_clients_in_the_field_read_is_there() {
        let list = r#"{"totalAppNum":1,"appNum":1,"beginIndex":0,"ifPeerSupportDC":true,
            "applications":[{"appid":"10000005","appName":"Board","appIcon":"","etag":"\"3\"",
            "autoload":true,"autolaunch":false,"phase":"INCALL","ifWorkWithoutPeerDC":false,
            "qos-hint":"loss=0.0002;latency=600","supportScene":3}]}"#;
        let read = ApplicationList::parse(list.as_bytes()).unwrap();
        assert_eq!(read.applications[0].id, "10000005");
        assert_eq!(read.applications[0].scenes, Scenes::Both);
        let written: serde_json::Value = serde_json::from_slice(&read.to_bytes()).unwrap();
        let first = &written["applications"][0];
        for member in [
            "appid",
            "appName",
            "appIcon",
            "etag",
            "autoload",
            "autolaunch",
            "phase",
            "ifWorkWithoutPeerDC",
            "qos-hint",
            "supportScene",
        ] {
            assert!(first.get(member).is_some(), "{member}");
        }
        assert_eq!(first["supportScene"], 3);
        assert_eq!(first["phase"], "INCALL");
        assert_eq!(written["ifPeerSupportDC"], true);
    }

    /// TS 26.114 §6.2.7.4
    #[test]
    fn a_hint_is_a_hint_and_nothing_else() {
        for good in [
            "loss=0.00001;latency=300",
            "loss=0.00002/local:0.000005;latency=600/local:400",
            "latency=100",
        ] {
            assert!(is_qos_hint(good), "{good}");
        }
        for bad in [
            "",
            "fast",
            "loss=",
            "loss=a",
            "loss=1;",
            "loss=1\r\na=x:1",
            "loss=1 2",
        ] {
            assert!(!is_qos_hint(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_no_list_is_not_read() {
        for bad in ["", "[]", "{}", r#"{"totalAppNum":-1}"#] {
            assert_eq!(ApplicationList::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
