//! Our OpenAPI documents say what 3GPP's say, operation by operation and schema by schema, but for
//! what `differences.txt` names, each with its reason.
//!
//! 3GPP's files are not ours to hand on. Who has them lays them into `shared/openapi` beside the
//! checkout or further up (`fixed` with annex A of TS 29.392 as OpenAPI reads it, `3gpp` with what it
//! refers to), or says by `OPENAPI_3GPP` where they are; elsewhere this test says that it is skipped.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr)]
// Where the files are is no input of the product.
#![allow(clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use api_mmtel_es::{Api, document};
use serde_json::{Map, Value};

const DIFFERENCES: &str = include_str!("differences.txt");

/// What is for people, and may be said in other words.
const WORDS: &[&str] = &["description", "summary", "externalDocs", "info"];

fn folder() -> Option<PathBuf> {
    if let Ok(folder) = std::env::var("OPENAPI_3GPP") {
        return Some(folder.into());
    }
    let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above.find_map(|folder| {
        let folder = folder.join("shared/openapi");
        folder.join("fixed").is_dir().then_some(folder)
    })
}

struct Comparison {
    folder: PathBuf,
    files: BTreeMap<String, Option<Value>>,
    /// Components that were referred to: file, and pointer within it.
    referred: Vec<(String, String)>,
    differences: BTreeSet<String>,
    compared: usize,
}

impl Comparison {
    fn file(&mut self, name: &str) -> Option<Value> {
        if let Some(file) = self.files.get(name) {
            return file.clone();
        }
        let places = ["fixed", "3gpp"];
        let mut texts = places
            .iter()
            .filter_map(|place| std::fs::read_to_string(self.folder.join(place).join(name)).ok());
        let file: Option<Value> = texts.next().map(|text| {
            serde_norway::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
        });
        self.files.insert(name.to_owned(), file.clone());
        file
    }

    fn differ(&mut self, place: &str, what: &str) {
        self.differences.insert(format!("{place}: {what}"));
    }

    fn compare(&mut self, place: &str, file: &str, theirs: &Value, ours: &Value) {
        self.compared += 1;
        match (theirs, ours) {
            (Value::Object(theirs), Value::Object(ours)) => {
                self.compare_objects(place, file, theirs, ours);
            }
            (Value::Array(theirs), Value::Array(ours))
                if place.ends_with("/required") || place.ends_with("/enum") =>
            {
                let set = |list: &[Value]| -> BTreeSet<String> {
                    list.iter().map(Value::to_string).collect()
                };
                let (theirs, ours) = (set(theirs), set(ours));
                for one in theirs.symmetric_difference(&ours) {
                    let whose = if ours.contains(one) { "ours" } else { "theirs" };
                    self.differ(place, &format!("{one} only in {whose}"));
                }
            }
            (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
                for (index, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
                    self.compare(&format!("{place}/{index}"), file, theirs, ours);
                }
            }
            (theirs, ours) if theirs == ours => {}
            (theirs, ours) => self.differ(place, &format!("theirs {theirs}, ours {ours}")),
        }
    }

    fn compare_objects(
        &mut self,
        place: &str,
        file: &str,
        theirs: &Map<String, Value>,
        ours: &Map<String, Value>,
    ) {
        if let (Some(Value::String(theirs)), Some(Value::String(ours))) =
            (theirs.get("$ref"), ours.get("$ref"))
        {
            let (in_file, pointer) = theirs.split_once('#').unwrap();
            if ours.strip_prefix('#') != Some(pointer) {
                self.differ(place, &format!("theirs {theirs}, ours {ours}"));
            }
            let in_file = if in_file.is_empty() { file } else { in_file };
            let referred = (in_file.to_owned(), pointer.to_owned());
            if !self.referred.contains(&referred) {
                self.referred.push(referred);
            }
            return;
        }
        // A callback under another expression is the same callback.
        if place.contains("/callbacks/")
            && let ([their_name], [our_name]) = (&keys(theirs)[..], &keys(ours)[..])
            && their_name != our_name
        {
            self.differ(place, &format!("theirs {their_name}, ours {our_name}"));
            self.compare(place, file, &theirs[*their_name], &ours[*our_name]);
            return;
        }
        let names: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
        for name in names {
            // A property may be called as what is for people is called.
            let property = place.ends_with("/properties");
            if WORDS.contains(&name.as_str()) && !property {
                continue;
            }
            let place = format!("{place}/{name}");
            match (theirs.get(name), ours.get(name)) {
                (Some(theirs), Some(ours)) => self.compare(&place, file, theirs, ours),
                (Some(_), None) => self.differ(&place, "only in theirs"),
                (None, _) => self.differ(&place, "only in ours"),
            }
        }
    }
}

fn keys(members: &Map<String, Value>) -> Vec<&String> {
    members.keys().collect()
}

#[test]
fn our_documents_agree_with_those_of_3gpp() {
    let Some(folder) = folder() else {
        eprintln!("skipped: 3GPP's OpenAPI files are not here (OPENAPI_3GPP says where)");
        return;
    };
    let mut comparison = Comparison {
        folder,
        files: BTreeMap::new(),
        referred: Vec::new(),
        differences: BTreeSet::new(),
        compared: 0,
    };
    for api in Api::ALL {
        let ours = document(api, "https://example.com", None);
        let file = format!("TS29392_{}.yaml", api.service());
        let theirs = comparison
            .file(&file)
            .expect("the file of the API is there");
        for part in ["paths", "servers", "security"] {
            let place = format!("{file} {part}");
            comparison.compare(&place, &file, &theirs[part], &ours[part]);
        }
        let place = format!("{file} components/securitySchemes");
        let schemes = |document: &Value| document["components"]["securitySchemes"].clone();
        comparison.compare(&place, &file, &schemes(&theirs), &schemes(&ours));

        comparison.referred.clear();
        for (name, _) in theirs["components"]["schemas"]
            .as_object()
            .into_iter()
            .flatten()
        {
            let pointer = format!("/components/schemas/{name}");
            comparison.referred.push((file.clone(), pointer));
        }
        // Again, for what the paths refer to.
        comparison.compare(
            &format!("{file} paths"),
            &file,
            &theirs["paths"],
            &ours["paths"],
        );
        let mut next = 0;
        let mut named = BTreeSet::new();
        while let Some((file, pointer)) = comparison.referred.get(next).cloned() {
            next += 1;
            named.insert(pointer.clone());
            let theirs = comparison.file(&file);
            let theirs = theirs
                .as_ref()
                .and_then(|theirs| theirs.pointer(&pointer))
                .cloned();
            let place = format!("{file} {}", pointer.trim_start_matches("/components/"));
            match (theirs, ours.pointer(&pointer)) {
                (Some(theirs), Some(ours)) => comparison.compare(&place, &file, &theirs, ours),
                (Some(_), None) => comparison.differ(&place, "only in theirs"),
                (None, _) => comparison.differ(&place, "only in ours"),
            }
        }
        for kind in ["schemas", "responses"] {
            for name in ours["components"][kind].as_object().unwrap().keys() {
                if !named.contains(&format!("/components/{kind}/{name}")) {
                    comparison.differ(&format!("{file} {kind}/{name}"), "only in ours");
                }
            }
        }
    }
    let known: BTreeSet<String> = known().into_keys().collect();
    let new: Vec<_> = comparison.differences.difference(&known).collect();
    let gone: Vec<_> = known.difference(&comparison.differences).collect();
    assert!(new.is_empty(), "not in differences.txt: {new:#?}");
    assert!(gone.is_empty(), "no longer so, strike them: {gone:#?}");
    assert!(comparison.compared > 500, "hardly anything was compared");
}

/// The differences that we want, each with its reason: the indented lines that follow it, or the next
/// one that has some.
fn known() -> BTreeMap<String, String> {
    let mut known = BTreeMap::new();
    let mut open: Vec<String> = Vec::new();
    for line in DIFFERENCES.lines().filter(|line| !line.starts_with('#')) {
        if line.trim().is_empty() {
            assert!(open.is_empty(), "no reason: {open:?}");
        } else if let Some(reason) = line.strip_prefix("    ") {
            let open = std::mem::take(&mut open);
            known.extend(open.into_iter().map(|one| (one, reason.to_owned())));
        } else {
            open.push(line.to_owned());
        }
    }
    assert!(open.is_empty(), "no reason: {open:?}");
    known
}

#[test]
fn every_difference_has_a_reason() {
    assert!(known().values().all(|reason| reason.ends_with('.')));
}
