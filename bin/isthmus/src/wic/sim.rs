//! A SIM in a file: for IMS-AKA without a card (TS 24.371 §6.2.1).

use std::path::Path;

use anyhow::{Context as _, bail};
use core_credentials::aka::{Milenage, Sqn, Usim, read_key};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sim {
    k: String,
    opc: Option<String>,
    op: Option<String>,
    sqn: Option<String>,
}

/// Reads a file with `k`, `opc` or `op`, and perhaps `sqn`, all in hexadecimal.
pub(super) fn read(file: &Path) -> anyhow::Result<Usim> {
    let text = std::fs::read_to_string(file);
    let read = text
        .context("it cannot be read")
        .and_then(|text| parse(&text));
    read.with_context(|| format!("{} is no SIM", file.display()))
}

fn parse(text: &str) -> anyhow::Result<Usim> {
    // What the parser would show of the line may be a key: only its words are told.
    let sim: Sim = toml::from_str(text)
        .map_err(|error| anyhow::anyhow!("{}", error.message().trim().to_owned()))?;
    let key = |name: &str, hex: &str| {
        read_key(hex).with_context(|| format!("`{name}` is not 32 hexadecimal digits"))
    };
    let k = key("k", &sim.k)?;
    let milenage = match (&sim.opc, &sim.op) {
        (Some(opc), None) => Milenage::new(k, key("opc", opc)?),
        (None, Some(op)) => Milenage::from_op(k, key("op", op)?),
        _ => bail!("it has `opc` or `op`, one of them"),
    };
    let sqn = match &sim.sqn {
        None => Sqn::default(),
        Some(hex) => {
            let digits = hex.len() == 12 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
            let number = u64::from_str_radix(hex, 16).ok().filter(|_| digits);
            Sqn::from_number(number.context("`sqn` is not 12 hexadecimal digits")?)
        }
    };
    Ok(Usim::with_sequence(milenage, sqn))
}

#[cfg(test)]
mod tests {
    use super::*;

    const K: &str = "k = \"465b5ce8b199b49faa5f0a2ee238a6bc\"\n";

    #[test]
    fn a_sim_has_a_key_and_one_of_op_and_opc() {
        let opc = format!("{K}opc = \"cd63cb71954a9f4e48a5994e37a02baf\"\nsqn = \"ff9bb4d0b607\"");
        assert_eq!(parse(&opc).unwrap().sequence().number(), 0xff9b_b4d0_b607);
        let op = format!("{K}op = \"cdc202d5123e20f62b6d676ac72cb318\"");
        assert_eq!(parse(&op).unwrap().sequence().number(), 0);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_keys() {
        let opc = "opc = \"cd63cb71954a9f4e48a5994e37a02baf\"\n";
        for (text, why) in [
            (K.to_owned(), "one of them"),
            (format!("{K}{opc}op = \"00\""), "one of them"),
            (format!("k = \"465b\"\n{opc}"), "`k` is not"),
            (format!("{K}opc = \"xyz\""), "`opc` is not"),
            (format!("{K}{opc}sqn = \"+00000000001\""), "`sqn` is not"),
            (format!("{K}{opc}pin = \"1\""), "unknown field"),
            (format!("{K}{opc}{K}"), "duplicate"),
        ] {
            let error = format!("{:#}", parse(&text).unwrap_err());
            assert!(error.contains(why), "{error}");
            assert!(
                !error.contains("465b5c") && !error.contains("cd63"),
                "{error}"
            );
        }
    }
}
