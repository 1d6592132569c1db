//! Packages: what a client can open is taken, what harms it is not.
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code)]
mod archive;

use archive::{Entry, archive, end, file, page};
use nf_mmtel_es::package::{Contents, Limits, check};

fn reason(archive: &[u8]) -> &'static str {
    check(archive, &Limits::default()).expect_err("the package is bad")
}

/// An archive that Python's `zipfile` wrote: a page, a folder and an empty file, all deflated.
const FOREIGN: &str = "\
    504b03041400000008000070755d0e4cda2229000000fe0000000a000000696e6465782e68746d6c \
    b3514cc94f2ea92c4855c828c9cdb1b329c92cc949b5f34dcd2bb5d187b06d0aec72c1dc82e1c704 \
    00504b03041400000008000070755d000000000200000000000000030000006a732f0300504b0304 \
    1400000008000070755d0000000002000000000000000b0000006a732f656d7074792e6a73030050 \
    4b010214031400000008000070755d0e4cda2229000000fe0000000a0000000000000000000000a4 \
    8100000000696e6465782e68746d6c504b010214031400000008000070755d000000000200000000 \
    000000030000000000000000001000ed41510000006a732f504b010214031400000008000070755d \
    0000000002000000000000000b0000000000000000000000a481740000006a732f656d7074792e6a \
    73504b05060000000003000300a20000009f0000000000";

#[test]
fn a_foreign_archive_is_taken() {
    let digits: Vec<u8> = FOREIGN.bytes().filter(u8::is_ascii_hexdigit).collect();
    let bytes = digits.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).unwrap();
        u8::from_str_radix(pair, 16).unwrap()
    });
    let bytes: Vec<u8> = bytes.collect();
    let contents = Contents {
        entries: 3,
        unpacked: 254,
    };
    assert_eq!(check(&bytes, &Limits::default()), Ok(contents));
}

#[test]
fn stored_and_deflated_entries_are_taken() {
    let stored = Entry {
        deflated: false,
        ..file("css/a.css", b"p { color: red }")
    };
    let entries = [
        file("index.html", b"<p>menu</p>"),
        stored,
        file("empty.js", b""),
    ];
    let contents = Contents {
        entries: 3,
        unpacked: 27,
    };
    assert_eq!(check(&archive(&entries), &Limits::default()), Ok(contents));
}

#[test]
fn a_comment_may_follow() {
    let mut package = page("menu");
    let length = package.len();
    package[length - 2..].copy_from_slice(&5_u16.to_le_bytes());
    package.extend(b"hello");
    assert!(check(&package, &Limits::default()).is_ok());
    package.push(b'!');
    assert_eq!(reason(&package), "is no whole ZIP archive");
}

#[test]
fn what_is_no_archive_is_refused() {
    for bytes in [&b""[..], b"PK", b"<!doctype html>", &[0; 100]] {
        assert_eq!(reason(bytes), "is no whole ZIP archive");
    }
    let package = page("menu");
    for length in 0..package.len() {
        assert!(
            check(&package[..length], &Limits::default()).is_err(),
            "{length} bytes of it"
        );
    }
    let mut empty = Vec::new();
    end(&mut empty, 0, 0, 0);
    assert_eq!(reason(&empty), "has no index.html");
}

#[test]
fn a_name_stays_in_its_folder() {
    for name in [
        "../index.html",
        "a/../../b",
        "/etc/passwd",
        "a//b",
        "./a",
        "a\\b",
        "C:a",
        "a\nb",
        "",
        "/",
        "..",
        "a/..",
    ] {
        let entries = [file("index.html", b""), file(name, b"x")];
        let expected = "has a name that leads out of its folder, or could";
        assert_eq!(reason(&archive(&entries)), expected, "{name:?}");
    }
    let entries = [
        file("index.html", b""),
        file("..a/b..", b"x"),
        file("a/", b""),
    ];
    assert!(check(&archive(&entries), &Limits::default()).is_ok());
}

#[test]
fn a_bomb_is_not_unpacked() {
    let limits = Limits {
        unpacked: 1024 * 1024,
        ..Limits::default()
    };
    let zeros = vec![0; 2 * 1024 * 1024];
    let bomb = archive(&[file("index.html", b""), file("bomb", &zeros)]);
    let too_large = Err("unpacks to more than a package may be");
    assert_eq!(check(&bomb, &limits), too_large);
    // Many that are small enough each.
    let half = &zeros[..600 * 1024];
    let many = archive(&[file("index.html", half), file("b", half)]);
    assert_eq!(check(&many, &limits), too_large);
    // One that says it is small.
    let liar = Entry {
        size: Some(10),
        ..file("bomb", &zeros)
    };
    let lies = archive(&[file("index.html", b""), liar]);
    assert_eq!(check(&lies, &limits), Err("has entries that are damaged"));
}

/// Every entry of the directory points at the same packed bytes.
#[test]
fn entries_that_overlap_are_refused() {
    let one = file("index.html", b"menu");
    let package = archive(&[one.clone(), Entry { name: "b", ..one }]);
    // The second entry's header is told to be where the first one's is: names disagree.
    let mut moved = package.clone();
    let directory = moved.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    moved[directory + 42..directory + 46].copy_from_slice(&[0; 4]);
    assert_eq!(reason(&moved), "has entries whose two headers disagree");
    // An entry that contains another: its packed bytes go on beyond the header of the next.
    let inner = archive(&[file("inner", b"x")]);
    let inner = &inner[..inner.windows(4).position(|w| w == b"PK\x01\x02").unwrap()];
    let outer = Entry {
        deflated: false,
        ..file("index.html", inner)
    };
    let mut package = archive(&[outer]);
    let at = package.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    package.truncate(package.len() - 22);
    let whole = archive(&[file("inner", b"x")]);
    let from = whole.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let mut second = whole[from..whole.len() - 22].to_vec();
    let header = (30 + "index.html".len()) as u32;
    second[42..46].copy_from_slice(&header.to_le_bytes());
    package.extend(&second);
    let length = (package.len() - at) as u32;
    end(&mut package, 2, length, at as u32);
    assert_eq!(reason(&package), "has entries that overlap");
}

#[test]
fn what_a_client_cannot_open_is_refused() {
    let index = file("index.html", b"menu");
    let with = |other: Entry<'_>| archive(&[index.clone(), other]);
    let other = file("a", b"x");
    let encrypted = Entry {
        flags: 1,
        ..other.clone()
    };
    assert_eq!(reason(&with(encrypted)), "has encrypted entries");
    let link = Entry {
        mode: 0o120_777,
        ..other.clone()
    };
    assert_eq!(
        reason(&with(link)),
        "has entries that are neither files nor folders"
    );
    let damaged = Entry {
        crc: Some(1),
        ..other.clone()
    };
    assert_eq!(reason(&with(damaged)), "has entries that are damaged");
    let renamed = Entry {
        local_name: Some("b"),
        ..other.clone()
    };
    assert_eq!(
        reason(&with(renamed)),
        "has entries whose two headers disagree"
    );
    assert_eq!(reason(&with(index.clone())), "has two entries of one name");
    assert_eq!(reason(&archive(&[other])), "has no index.html");
    let mut zip64 = page("menu");
    let length = zip64.len();
    zip64[length - 6..length - 2].copy_from_slice(&[0xff; 4]);
    assert_eq!(reason(&zip64), "is a ZIP64 archive");
}

#[test]
fn limits_are_kept() {
    let names: Vec<String> = (0..20).map(|n| format!("{n}")).collect();
    let mut entries = vec![file("index.html", b"menu")];
    entries.extend(names.iter().map(|name| file(name, b"x")));
    let package = archive(&entries);
    let limits = Limits {
        packed: package.len(),
        unpacked: 24,
        entries: 21,
    };
    assert!(check(&package, &limits).is_ok());
    for less in [
        Limits {
            packed: package.len() - 1,
            ..limits
        },
        Limits {
            unpacked: 23,
            ..limits
        },
        Limits {
            entries: 20,
            ..limits
        },
    ] {
        assert!(check(&package, &less).is_err(), "{less:?}");
    }
}
