use std::path::PathBuf;

use super::archive;
use super::check::{Finding, check};
use super::folder::Files;
use super::*;

fn files(all: &[(&str, &str)]) -> Files {
    all.iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect()
}

fn folder(name: &str, all: &[(&str, &str)]) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("isthmus-app-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    for (file, text) in all {
        let file = folder.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    folder
}

fn wrong(all: &[(&str, &str)]) -> Vec<String> {
    let findings = check(&files(all));
    let wrong = findings.iter().filter(|one| one.is_wrong());
    wrong.map(ToString::to_string).collect()
}

#[test]
fn what_was_begun_is_good() {
    let folder = folder("new", &[]);
    let begin = args::New {
        folder: folder.clone(),
        name: Some("My board".into()),
    };
    new::run(&begin).unwrap();
    let (good, said, _) = checked(&folder).unwrap();
    assert!(good && said.len() == 1, "{said:?}");
    let profile = profile::Profile::read(&folder).unwrap();
    assert_eq!(profile.name, "My board");
    assert_eq!(profile.attributes()["appLoadPh"], "INCALL");
    let page = std::fs::read_to_string(folder.join("index.html")).unwrap();
    assert!(page.contains("<title>My board</title>"));
    assert!(new::run(&begin).is_err(), "nothing is written over");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_same_files_make_the_same_package() {
    let all = [
        (
            "index.html",
            "<title>a</title><script src=js/a.js></script>",
        ),
        ("js/a.js", "// a\n"),
        ("long.txt", &*"x".repeat(10_000)),
    ];
    let one = folder("same-1", &all);
    let mut other_order = all;
    other_order.reverse();
    let two = folder("same-2", &other_order);
    // What stays at home makes no difference.
    for file in ["application.toml", "README.md", ".hidden", "test/a.test.js"] {
        let file = two.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "name = 'x'").unwrap();
    }
    let (_, _, first) = checked(&one).unwrap();
    let (_, _, second) = checked(&two).unwrap();
    assert_eq!(first, second);
    assert!(first.len() < 1000, "what is worth it is deflated");
    assert_eq!(
        archive::read(&first, &Limits::default()).unwrap(),
        files(&all)
    );
    for folder in [one, two] {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn a_package_is_looked_into_as_the_enabler_does() {
    let folder = folder("enabler", &[("page.html", "<title>a</title>")]);
    let (good, said, _) = checked(&folder).unwrap();
    assert!(!good);
    assert_eq!(said, ["wrong: the package has no index.html"]);
    let package = folder.join("a.zip");
    std::fs::write(&package, b"no archive").unwrap();
    let (good, said, _) = checked(&package).unwrap();
    assert!(!good);
    assert_eq!(said, ["wrong: the package is no whole ZIP archive"]);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_would_not_load_is_told() {
    let page = |body: &str| wrong(&[("index.html", body), ("a/b.css", ""), ("c.js", "")]);
    for good in [
        "<link rel=stylesheet href=a/b.css><script src=./c.js?v=1></script>",
        "<a href=https://example.com/>there</a>",
        "<img src=data:image/png;base64,AAAA>",
        "<script src=/c.js></script><svg><use href=#x></use></svg>",
    ] {
        assert_eq!(page(good), Vec::<String>::new(), "{good}");
    }
    for bad in [
        "<script src=https://cdn.example/x.js></script>",
        "<img src=//cdn.example/x.png>",
        "<link rel=stylesheet href=b.css>",
        "<img src=../x.png>",
        "<style>body { background: url('x.png') }</style>",
        "<button onclick=go()>Go</button>",
        "<iframe src=c.js></iframe>",
        "<base href=https://example.com/>",
    ] {
        assert_eq!(page(bad).len(), 1, "{bad}");
    }
}

#[test]
fn what_a_module_imports_is_there() {
    let module = |text: &str| {
        wrong(&[
            ("index.html", "<title>a</title>"),
            ("js/a.js", text),
            ("js/b.js", ""),
            ("c.js", ""),
        ])
    };
    for good in [
        "import { a } from './b.js';\nimport '../c.js';\nexport * from \"./b.js\"",
        "import {\n  a,\n} from './b.js';",
        "const text = `import is a word`;\nimportant();",
        "import('./b.js')",
    ] {
        assert_eq!(module(good), Vec::<String>::new(), "{good}");
    }
    for bad in [
        "import { a } from './c.js';",
        "import react from 'react';",
        "import 'https://cdn.example/x.js'",
        "import {\n  a,\n} from '../../c.js';",
    ] {
        assert_eq!(module(bad).len(), 1, "{bad}");
    }
}

#[test]
fn what_is_not_there_for_applications_is_told() {
    for (text, word) in [
        ("fetch('/x')", "fetch("),
        ("new WebSocket('wss://x')", "WebSocket("),
        ("x = localStorage.a", "localStorage"),
    ] {
        let all = files(&[("index.html", "<title>a</title>"), ("a.js", text)]);
        let findings = check(&all);
        assert!(
            matches!(&findings[..], [Finding::Careful(file, what)]
                if file == "a.js" && what.starts_with(word)),
            "{findings:?}"
        );
    }
    let all = files(&[("index.html", "<title>a</title>"), ("a.js", "prefetch(x)")]);
    assert_eq!(check(&all), []);
}

#[test]
fn the_identifier_is_kept_for_the_next_upload() {
    let text = "# mine\nname = \"Board\"\nphase = \"always\"\npersonal_data = true";
    let folder = folder("id", &[("application.toml", text)]);
    for id in ["abc", "d\"e\n"] {
        profile::keep_id(&folder, id).unwrap();
        let profile = profile::Profile::read(&folder).unwrap();
        assert_eq!(profile.id.as_deref(), Some(id));
        assert_eq!(profile.attributes()["persDataColl"], true);
    }
    let kept = std::fs::read_to_string(folder.join("application.toml")).unwrap();
    assert!(kept.starts_with("# mine\n"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_guides_example_has_every_key() {
    let guide = include_str!("../../../../docs/applications.md");
    let (_, after) = guide.split_once("```toml\n").unwrap();
    let (example, _) = after.split_once("```").unwrap();
    let folder = folder("guide", &[("application.toml", example)]);
    let profile = profile::Profile::read(&folder).unwrap();
    assert!(profile.provider.is_some() && profile.id.is_some());
    let told = profile.attributes();
    assert_eq!(told.len(), 13, "{told:?}");
    for attribute in told.keys() {
        assert!(example.contains(&format!("  {attribute}\n")), "{attribute}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_profile_that_is_wrong_is_not_sent() {
    for text in [
        "version = \"1\"",
        "name = \"a\"\nautostart = true",
        "name = \"a\"\nphase = \"later\"",
        "name = \"a\"\nqos = \"fast\"",
    ] {
        let folder = folder("profile", &[("application.toml", text)]);
        assert!(profile::Profile::read(&folder).is_err(), "{text}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
