//! The laboratory's subscribers: a TOML file, made with new passwords when there is none.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use core_credentials::{Secret, aka::read_key};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// Somebody with a private identity, a password, and public identities.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subscriber {
    /// What they type to sign in.
    pub(crate) name: String,
    /// What others see.
    #[serde(default)]
    pub(crate) display_name: Option<String>,
    /// In clear: this is a laboratory's file, and SIP Digest needs it. Empty for who has a SIM only.
    #[serde(default)]
    pub(crate) password: String,
    /// IMPI.
    pub(crate) impi: String,
    /// IMPUs, the default one first.
    pub(crate) impus: Vec<String>,
    /// K of a SIM, 32 hexadecimal digits, and OPc with it: TS 35.206.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) k: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) opc: Option<Secret>,
}

impl Subscriber {
    /// As the laboratory's core takes it.
    pub(crate) fn for_lab_core(&self) -> nf_lab_core::Subscriber {
        let sim = self.k.clone().zip(self.opc.clone());
        nf_lab_core::Subscriber {
            name: self.name.clone(),
            password: self.password.clone(),
            impi: self.impi.clone(),
            impus: self.impus.clone(),
            sim: sim.map(|(k, opc)| nf_lab_core::Sim { k, opc }),
        }
    }

    /// Whether it may register by IMS-AKA.
    pub(crate) fn has_sim(&self) -> bool {
        self.k.is_some()
    }

    fn check(&self) -> Result<(), String> {
        if self.impus.is_empty() {
            return Err(format!("{} has no public identity", self.name));
        }
        if self.k.is_some() != self.opc.is_some() {
            return Err(format!("{} needs both k and opc, or neither", self.name));
        }
        let keys = self.k.iter().chain(&self.opc);
        let wrong = |key: &&Secret| read_key(key.expose()).is_none();
        if keys.filter(wrong).count() > 0 {
            return Err(format!(
                "{}: k and opc are 32 hexadecimal digits",
                self.name
            ));
        }
        if self.password.is_empty() && self.k.is_none() {
            return Err(format!("{} has neither password nor SIM", self.name));
        }
        Ok(())
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    subscriber: Vec<Subscriber>,
}

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// Reads the file that the configuration names, or `subscribers.toml` of the data folder, which is
/// made when it is not there.
pub(crate) fn load(
    named: Option<&PathBuf>,
    data: &Path,
    home_domain: &str,
) -> Result<Vec<Subscriber>, Fault> {
    let file = named
        .cloned()
        .unwrap_or_else(|| data.join("subscribers.toml"));
    if named.is_none() && !file.exists() {
        let made = make(home_domain)?;
        write(&file, &made)?;
        return Ok(made);
    }
    let text = std::fs::read_to_string(&file)
        .map_err(|error| Fault::at(&file, None, format!("cannot be read: {error}")))?;
    let parsed: File = toml::from_str(&text).map_err(|error| {
        let line = error
            .span()
            .map(|span| text[..span.start].matches('\n').count() + 1);
        Fault::at(&file, line, error.message().replace('\n', " "))
    })?;
    for one in &parsed.subscriber {
        one.check().map_err(|why| Fault::at(&file, None, why))?;
    }
    Ok(parsed.subscriber)
}

/// One line a subscriber: name, password, identities.
pub(crate) fn table(subscribers: &[Subscriber]) -> String {
    let mut table = String::new();
    for one in subscribers {
        let _ = writeln!(
            table,
            "  {:<8} {:<14} {}",
            one.name,
            one.password,
            one.impus.join("  ")
        );
    }
    table
}

fn make(home_domain: &str) -> Result<Vec<Subscriber>, Fault> {
    NAMES
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let mut capital = name.to_string();
            capital[..1].make_ascii_uppercase();
            Ok(Subscriber {
                name: (*name).to_owned(),
                display_name: Some(capital),
                password: password()?,
                impi: format!("{name}@{home_domain}"),
                impus: vec![
                    format!("sip:{name}@{home_domain}"),
                    format!("tel:+155501{index:02}"),
                ],
                k: None,
                opc: None,
            })
        })
        .collect()
}

/// Twelve characters that nobody mixes up: about 60 bits.
pub(crate) fn password() -> Result<String, Fault> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes)
        .map_err(|error| Fault::new(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte & 31)]))
        .collect())
}

fn write(file: &Path, subscribers: &[Subscriber]) -> Result<(), Fault> {
    let body = toml::to_string(&File {
        subscriber: subscribers.to_vec(),
    })
    .map_err(|error| Fault::at(file, None, format!("cannot be written: {error}")))?;
    let text = format!(
        "# The laboratory's subscribers, made at the first start. Change them as you like.\n\n{body}"
    );
    crate::private_file::write(file, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sim_has_both_its_keys() {
        let check = |keys: &str| {
            let text = format!("name = \"a\"\nimpi = \"a@x\"\nimpus = [\"sip:a@x\"]\n{keys}");
            toml::from_str::<Subscriber>(&text).expect("TOML").check()
        };
        let key = "465b5ce8b199b49faa5f0a2ee238a6bc";
        assert!(check(&format!("k = \"{key}\"\nopc = \"{key}\"")).is_ok());
        assert!(check(&format!("k = \"{key}\"")).is_err());
        assert!(check(&format!("k = \"{key}\"\nopc = \"short\"")).is_err());
        assert!(check("").is_err(), "nothing to prove itself by");
        assert!(check("password = \"p\"").is_ok());
    }

    #[test]
    fn what_is_made_is_read_again() {
        let folder = std::env::temp_dir().join(format!("isthmus-people-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let made = load(None, &folder, "ims.example").expect("made");
        let read = load(None, &folder, "ims.example").expect("read");
        std::fs::remove_dir_all(&folder).expect("it was made");
        assert_eq!(made.len(), 4);
        assert_eq!(made[0].impus, ["sip:alice@ims.example", "tel:+15550100"]);
        assert_eq!(made[3].password, read[3].password);
        assert_ne!(made[0].password, made[1].password);
    }
}
