//! The beginning of an application.

use anyhow::{Context as _, ensure};

use super::args::New;
use super::folder::PROFILE;

/// Its files; `{name}` is replaced.
const FILES: &[(&str, &str)] = &[
    ("index.html", include_str!("template/index.html")),
    ("app.js", include_str!("template/app.js")),
    ("style.css", include_str!("template/style.css")),
    (PROFILE, include_str!("template/application.toml")),
    ("README.md", include_str!("template/README.md")),
];

pub(super) fn run(new: &New) -> anyhow::Result<Vec<String>> {
    let folder = &new.folder;
    if folder.exists() {
        let empty = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
        ensure!(empty, "{} is there already", folder.display());
    }
    let name = if let Some(name) = &new.name {
        name.clone()
    } else {
        let last = folder.file_name().context("the folder has no name")?;
        last.to_string_lossy().into_owned()
    };
    ensure!(
        !name.is_empty() && !name.contains(|c: char| c.is_control() || "<>&\"'\\".contains(c)),
        "a name of letters, digits and blanks is needed; say --name"
    );
    let cannot = || format!("{} cannot be written", folder.display());
    std::fs::create_dir_all(folder).with_context(cannot)?;
    for (file, text) in FILES {
        std::fs::write(folder.join(file), text.replace("{name}", &name)).with_context(cannot)?;
    }
    let shown = folder.display();
    Ok(vec![
        format!("made: {shown}"),
        format!("next: isthmus app check {shown}"),
        format!("then: isthmus app upload {shown}"),
    ])
}
