//! What would not work in a call, though the package is a good archive: an application has no network,
//! and its page a policy (docs/applications.md).

use std::fmt;

use super::folder::Files;
use super::html::{Tag, tags};

/// Something to be said of an application.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// It does not work.
    Wrong(String, String),
    /// It may not do what is expected.
    Careful(String, String),
}

impl Finding {
    pub(super) fn is_wrong(&self) -> bool {
        matches!(self, Self::Wrong(..))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(file, what) => write!(f, "wrong: {file}: {what}"),
            Self::Careful(file, what) => write!(f, "careful: {file}: {what}"),
        }
    }
}

/// Words in scripts that find nothing behind them in an application's frame, and what there is instead.
const NOT_THERE: &[(&str, &str)] = &[
    (
        "fetch(",
        "an application has no network: import files, or use a channel",
    ),
    (
        "XMLHttpRequest",
        "an application has no network: import files, or use a channel",
    ),
    ("WebSocket(", "an application has no network: use a channel"),
    (
        "EventSource(",
        "an application has no network: use a channel",
    ),
    ("new Worker(", "an application has no workers"),
    (
        "localStorage",
        "an application's frame has no storage of its own: use applicationStorage",
    ),
    (
        "sessionStorage",
        "an application's frame has no storage of its own: use applicationStorage",
    ),
    (
        "indexedDB",
        "an application's frame has no storage of its own: use applicationStorage",
    ),
    (
        "document.cookie",
        "an application's frame has no cookies: use applicationStorage",
    ),
    (
        "document.write(",
        "an application's frame is not written into: use the document's elements",
    ),
    ("eval(", "scripts come from files of the package alone"),
    (
        "new Function(",
        "scripts come from files of the package alone",
    ),
];

/// Elements that an application's frame does not have.
const NO_ELEMENTS: &[&str] = &["iframe", "frame", "frameset", "object", "embed", "base"];

/// Looks for it.
pub(super) fn check(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, content) in files {
        let Ok(text) = std::str::from_utf8(content) else {
            continue;
        };
        let extension = name.rsplit('.').next().unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "html" | "htm" => page(name, text, files, &mut findings),
            "js" | "mjs" => script(name, text, files, &mut findings),
            "css" => style(name, text, files, &mut findings),
            _ => {}
        }
    }
    findings
}

fn page(name: &str, text: &str, files: &Files, findings: &mut Vec<Finding>) {
    let wrong = |what: String| Finding::Wrong(name.to_owned(), what);
    let all = tags(text);
    if name == "index.html" && !all.iter().any(|tag| tag.name == "title") {
        let what = "has no title: who cannot see the page is told nothing";
        findings.push(Finding::Careful(name.to_owned(), what.to_owned()));
    }
    for tag in &all {
        if NO_ELEMENTS.contains(&tag.name.as_str()) {
            findings.push(wrong(format!(
                "<{}> is not there for applications",
                tag.name
            )));
        }
        for (attribute, value) in &tag.attributes {
            if attribute.starts_with("on") {
                let what = format!("{attribute}=\"…\" does not run: add a listener in a script");
                findings.push(wrong(what));
            }
            if refers(tag, attribute)
                && let Some(what) = address(name, value, files)
            {
                findings.push(wrong(what));
            }
        }
        if tag.name == "script" && tag.attribute("type") == Some("importmap") {
            let what = "has an import map: the frame makes one, of the package's files";
            findings.push(wrong(what.to_owned()));
        } else if tag.name == "script" {
            script(name, tag.text, files, findings);
        }
        if tag.name == "style" {
            style(name, tag.text, files, findings);
        }
    }
}

/// Whether an attribute loads what it names.
fn refers(tag: &Tag<'_>, attribute: &str) -> bool {
    match attribute {
        "src" | "poster" => true,
        "href" => matches!(tag.name.as_str(), "link" | "image" | "use"),
        _ => false,
    }
}

fn script(name: &str, text: &str, files: &Files, findings: &mut Vec<Finding>) {
    for (word, instead) in NOT_THERE {
        let found = text.match_indices(word).any(|(at, _)| {
            // Part of another word is another word.
            !text[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.'))
        });
        if found {
            let what = format!("{word} is not there: {instead}");
            findings.push(Finding::Careful(name.to_owned(), what));
        }
    }
    for specifier in specifiers(text) {
        let relative = specifier.starts_with("./") || specifier.starts_with("../");
        let what = if relative {
            address(name, specifier, files)
        } else {
            Some(format!(
                "imports «{specifier}»: only ./ and ../ lead to files of the package"
            ))
        };
        findings.extend(what.map(|what| Finding::Wrong(name.to_owned(), what)));
    }
}

/// What a module imports, as far as one sees without running it: `import … from '…'`, `import '…'`,
/// `export … from '…'`, each at the beginning of a line.
fn specifiers(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(line) = rest.lines().next() {
        let next = rest.find('\n').map_or("", |end| &rest[end + 1..]);
        let words = line.trim_start();
        let begins = [
            "import ", "import{", "import'", "import\"", "export {", "export *",
        ];
        if begins.iter().any(|begin| words.starts_with(begin)) {
            let statement = rest.split(';').next().unwrap_or_default();
            let from = statement.rfind(" from ").map(|at| at + 6);
            let bare = words.starts_with("import '") || words.starts_with("import \"");
            let at = from.or_else(|| bare.then(|| rest.len() - rest.trim_start().len() + 7));
            let quoted = at.map(|at| statement[at.min(statement.len())..].trim_start());
            if let Some(quoted) = quoted
                && let Some(quote) = quoted.chars().next().filter(|c| matches!(c, '"' | '\''))
                && let Some(end) = quoted[1..].find(quote)
            {
                found.push(&quoted[1..=end]);
            }
        }
        rest = next;
    }
    found
}

fn style(name: &str, text: &str, files: &Files, findings: &mut Vec<Finding>) {
    for (at, _) in text.match_indices("url(") {
        let inside = &text[at + 4..];
        let value = inside.split(')').next().unwrap_or_default();
        let value = value.trim().trim_matches(['"', '\'']);
        let what = address(name, value, files);
        findings.extend(what.map(|what| Finding::Wrong(name.to_owned(), what)));
    }
}

/// What is wrong with an address that a file of this name loads.
fn address(name: &str, address: &str, files: &Files) -> Option<String> {
    let address = address.trim();
    let is_inline = ["data:", "blob:", "#"];
    if address.is_empty() || is_inline.iter().any(|inline| address.starts_with(inline)) {
        return None;
    }
    let lower = address.to_ascii_lowercase();
    let scheme = lower.split([':', '/']).next().unwrap_or_default();
    if address.starts_with("//") || lower.starts_with(&format!("{scheme}:")) {
        return Some(format!("loads «{address}»: an application has no network"));
    }
    let bare = address.split(['?', '#']).next().unwrap_or_default();
    let mut parts: Vec<&str> = if bare.starts_with('/') {
        Vec::new()
    } else {
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        folder.split('/').filter(|part| !part.is_empty()).collect()
    };
    for part in bare.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Some(format!(
                        "loads «{address}», which is outside of the package"
                    ));
                }
            }
            other => parts.push(other),
        }
    }
    let inside = parts.join("/");
    (!files.contains_key(&inside)).then(|| format!("loads «{address}», which is not there"))
}
