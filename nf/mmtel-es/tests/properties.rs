//! Whatever is sent as a package is taken or refused without harm.
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code)]
mod archive;
mod fuzz_body;

use archive::{archive, file};
use fuzz_body::fuzz;
use nf_mmtel_es::package::{Limits, check};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

fn good() -> impl Strategy<Value = Vec<u8>> {
    let files = btree_map(
        "[a-z]{1,8}(/[a-z]{1,8}){0,2}\\.js",
        vec(any::<u8>(), 0..200),
        0..5,
    );
    (files, any::<bool>()).prop_map(|(files, deflated)| {
        let mut entries = vec![file("index.html", b"menu")];
        let files = files.iter();
        entries.extend(files.map(|(name, content)| file(name, content)));
        for entry in &mut entries {
            entry.deflated = deflated;
        }
        archive(&entries)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_do_no_harm(data in vec(any::<u8>(), 0..512)) {
        fuzz(&data);
    }

    #[test]
    fn every_good_archive_is_taken(package in good()) {
        prop_assert!(check(&package, &Limits::default()).is_ok());
    }

    #[test]
    fn a_damaged_archive_does_no_harm(
        package in good(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut package = package;
        for (at, byte) in damage {
            let at = at.index(package.len());
            package[at] = byte;
        }
        fuzz(&package);
    }
}
