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
        Fault::at(file, line, sentence(error.message()))
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

/// TOML's own message, on one line.
fn sentence(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn line_of(text: &str, at: usize) -> usize {
    text.get(..at)
        .map_or(1, |before| before.matches('\n').count() + 1)
}

/// The line of `section.key`, when the file has it: a value that parses and still cannot be.
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
