//! The subscribers of a core that runs apart from the rest.

use super::{Folder, HOME};

/// Writes `people.toml`: subscribers by name and telephone number, each with the password `of NAME`.
pub(crate) fn people(folder: &Folder, people: &[(&str, &str)]) {
    let people = people.iter().map(|(name, number)| {
        format!(
            "[[subscriber]]\nname = \"{name}\"\npassword = \"of {name}\"\nimpi = \"{name}@{HOME}\"\n\
             impus = [\"sip:{name}@{HOME}\", \"tel:{number}\"]\n\n"
        )
    });
    folder.write("people.toml", &people.collect::<String>());
}
