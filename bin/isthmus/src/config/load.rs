//! From a file to [`Config`], or to one sentence.

use std::path::Path;

use super::Config;
use crate::fault::Fault;

/// Reads a configuration. Unknown keys, wrong types and impossible values are faults.
pub(crate) fn load(file: &Path) -> Result<Config, Fault> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Fault::at(file, None, format!("cannot be read: {error}")))?;
    let mut config: Config = toml::from_str(&text).map_err(|error| {
        let line = error.span().map(|span| line_of(&text, span.start));
        let key = line.and_then(|line| key_of(text.lines().nth(line - 1)?));
        Fault::at(file, line, sentence(key, error.message()))
    })?;
    config.file = Some(file.to_owned());
    if config.wwsf.home_domain.is_empty() {
        config.wwsf.home_domain.clone_from(&config.home_domain);
    }
    config.resolve_paths(file.parent().unwrap_or(Path::new(".")));
    config
        .check()
        .map_err(|(key, why)| Fault::at(file, line_of_key(&text, key), format!("{key}: {why}")))?;
    Ok(config)
}

/// TOML's own message, on one line, of this key, in an operator's words.
fn sentence(key: Option<&str>, message: &str) -> String {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let named = |what: String| match key {
        Some(key) if !message.contains(key) => format!("{key}: {what}"),
        _ => what,
    };
    match message.as_str() {
        "invalid socket address syntax" => {
            named("must be an address and a port, like `127.0.0.1:8443`".to_owned())
        }
        "invalid IP address syntax" => named("must be an IP address, like `192.0.2.1`".to_owned()),
        _ => match message.rsplit_once("expected ") {
            Some((before, "u8" | "u16" | "u32" | "u64" | "usize"))
                if message.starts_with("invalid type") =>
            {
                named(format!("{before}expected a whole number"))
            }
            Some((before, "u16")) => named(format!("{before}expected 0 to 65535")),
            Some((before, "u32" | "u64" | "usize")) => named(format!(
                "{before}expected a whole number from 0, and none too large"
            )),
            _ => named(message.clone()),
        },
    }
}

/// What a line gives a value.
fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    Some(key.trim()).filter(|key| !key.is_empty() && !key.starts_with('#'))
}

fn line_of(text: &str, at: usize) -> usize {
    text.get(..at)
        .map_or(1, |before| before.matches('\n').count() + 1)
}

/// The line of `section.key`, or of the head of a section, when the file has it: a value that parses and
/// still cannot be.
pub(super) fn line_of_key(text: &str, path: &str) -> Option<usize> {
    let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
    let mut here = String::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            name.trim_matches(['[', ']']).trim().clone_into(&mut here);
            if here == path {
                return Some(number + 1);
            }
        } else if here == section
            && line
                .split_once('=')
                .is_some_and(|(name, _)| name.trim() == key)
        {
            return Some(number + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        let folder = std::env::temp_dir().join(format!("isthmus-config-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let name = text
            .bytes()
            .fold(0_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
        let file = folder.join(format!("{name}.toml"));
        std::fs::write(&file, text).expect("a temporary file");
        let fault = load(&file).expect_err("it is wrong").to_string();
        std::fs::remove_file(&file).expect("it was written");
        fault
            .rsplit_once('/')
            .map_or(fault.clone(), |(_, rest)| rest.to_owned())
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let text = "home_domain = \"ims.example\"\n\n[log]\nforrm = \"json\"\n";
        let fault = fault(text);
        assert!(fault.contains(".toml:4: "), "{fault}");
        assert!(fault.contains("forrm"), "{fault}");
        assert_eq!(fault.lines().count(), 1, "one sentence: {fault}");
    }

    #[test]
    fn a_wrong_type_is_named_with_its_line() {
        let fault = fault("[admin]\nlisten = 9090\n");
        assert!(fault.contains(".toml:2: "), "{fault}");
    }

    #[test]
    fn what_is_wrong_is_said_in_words_of_an_operator() {
        let address = fault("[admin]\nlisten = \"127.0.0.1\"\n");
        let why = ":2: listen: must be an address and a port, like `127.0.0.1:8443`";
        assert!(address.ends_with(why), "{address}");
        let number = fault("[http]\nconnections_per_address = \"many\"\n");
        assert!(number.ends_with("expected a whole number"), "{number}");
        assert!(number.contains(":2: connections_per_address: "), "{number}");
        let range = fault("[gateway]\nport = 70000\n");
        assert!(range.ends_with("expected 0 to 65535"), "{range}");
    }

    #[test]
    fn a_level_that_is_none_is_found() {
        let level = fault("[log]\nlevel = \"info,loud\"\n");
        assert!(
            level.contains(":2: log.level: `loud` is no level"),
            "{level}"
        );
    }

    #[test]
    fn a_value_that_cannot_be_is_named_with_its_line() {
        let fault = fault("[epcscf]\n\nreconnect_seconds = 0\n");
        assert!(fault.contains(".toml:3: "), "{fault}");
        assert!(fault.contains("reconnect_seconds"), "{fault}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let fault = load(Path::new("/nowhere/at/all.toml")).expect_err("it is not there");
        assert!(
            fault
                .to_string()
                .starts_with("/nowhere/at/all.toml: cannot be read")
        );
    }
}
